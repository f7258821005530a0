package token

import (
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/participle/v2/lexer"
)

var names = lexer.SymbolsByRune(Definition{})

// kinds is a text's tokens with their kinds: "a:Ident".
func kinds(tokens []lexer.Token) string {
	var all []string
	for _, t := range tokens {
		all = append(all, t.Value+":"+names[t.Type])
	}
	return strings.Join(all, " ")
}

func TestScan(t *testing.T) {
	for text, want := range map[string]string{
		"a _b1 größe 名":                       "a:Ident _b1:Ident größe:Ident 名:Ident",
		"not in null":                         "not:Word in:Word null:Word",
		`null = "NA"`:                         "null:Ident =:Punct \"NA\":String",
		"x == null":                           "x:Ident ==:Punct null:Word",
		"1 0xFF 1_000 0b1 0o7 1.5 1e6 1.5E-3": "1:Int 0xFF:Int 1_000:Int 0b1:Int 0o7:Int 1.5:Number 1e6:Number 1.5E-3:Number",
		"1..5 0s..4h -5m..1h":                 "1:Int ..:Punct 5:Int 0s:Duration ..:Punct 4h:Duration -:Punct 5m:Duration ..:Punct 1h:Duration",
		"1h30m 250ms 1w2d 0B 64KB 64MiB":      "1h30m:Duration 250ms:Duration 1w2d:Duration 0B:Size 64KB:Size 64MiB:Size",
		`"a\"b" 'c' "d"`:                      `"a\"b":String 'c':String "d":String`,
		"`a\n\\b`":                            "`a\n\\b`:Raw",
		"a|>b|c<>d<=e?.f??g":                  "a:Ident |>:Punct b:Ident |:Punct c:Ident <>:Punct d:Ident <=:Punct e:Ident ?.:Punct f:Ident ??:Punct g:Ident",
		"a//b\n///c\n/*d\n*/e////f":           "a:Ident //b:Comment ///c:Doc /*d\n*/:Comment e:Ident ////f:Comment",
		"x.y 1.x":                             "x:Ident .:Punct y:Ident 1:Int .:Punct x:Ident",
	} {
		tokens, list := Scan("a", text)
		if got := kinds(tokens); got != want || len(list) > 0 {
			t.Errorf("%q:\n got %s\nwant %s\n%v", text, got, want, list)
		}
	}
}

// Bad tokens are reported once, and taken for what they were meant to be.
func TestScanMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"5min":                 "5min:Bad P104",
		"1.5s":                 "1.5s:Bad P104",
		"5ns":                  "5ns:Bad P104",
		"1m1h":                 "1m1h:Bad P104",
		"99999999999w":         "99999999999w:Bad P104",
		"9223372036854775808":  "9223372036854775808:Bad P104",
		"0xFFFFFFFFFFFFFFFFFF": "0xFFFFFFFFFFFFFFFFFF:Bad P104",
		"1e999":                "1e999:Bad P104",
		"\"abc\nd":             "\"abc:Bad d:Ident P105",
		"`abc\nd":              "`abc:Bad d:Ident P105",
		`"a\qb" c`:             `"a\qb":Bad c:Ident P101`,
		"# note\na":            "a:Ident P101",
		"-- note\na":           "a:Ident P101",
		"a /* b\nc":            "a:Ident /* b\nc:Comment P101",
		"a @@@ b":              "a:Ident b:Ident P101",
		"a \xff b":             "a:Ident b:Ident P101",
		"“a” b":                "“a”:Bad b:Ident P101",
	} {
		tokens, list := Scan("a", text)
		got := kinds(tokens)
		for _, d := range list {
			got += " " + d.Code
		}
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
	if tokens, list := Scan("a", "any(xs,\n  # > 1)"); len(list) > 0 || !slices.ContainsFunc(tokens, func(t lexer.Token) bool { return t.Value == "#" }) {
		t.Errorf("a # inside of brackets is a comment: %s, %v", kinds(tokens), list)
	}
}

func TestPositions(t *testing.T) {
	tokens, _ := Scan("f", "ü `a\nß` b")
	last := Span(tokens[2])
	if last.Start.Line != 2 || last.Start.Column != 4 || last.Start.Offset != 10 || last.End.Column != 5 || last.File != "f" {
		t.Errorf("behind a raw string of two lines: %+v", last)
	}
}

func TestUnit(t *testing.T) {
	for word, want := range map[string]string{"hour": "h", "minutes": "m", "h": "h", "MB": "MB", "kb": "KB", "month": "", "x": ""} {
		unit, time := Unit(word)
		if unit != want || time != (want == "h" || want == "m") {
			t.Errorf("%s is %q, %v", word, unit, time)
		}
	}
}
