package extent

import (
	"errors"
	"strings"
	"testing"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/token"
)

// find gives the tokens of the expression that text starts with, or the code of its mistake and the token it is about.
func find(t *testing.T, text string) string {
	t.Helper()
	tokens, list := token.Scan("a", text)
	if len(list) > 0 {
		t.Fatalf("%s: %v", text, list)
	}
	lex, err := lexer.Upgrade(token.NewList(token.Significant(tokens)))
	if err != nil {
		t.Fatal(err)
	}
	err = Find(lex)
	var wrong *Error
	if errors.As(err, &wrong) {
		span := wrong.D.Span
		return wrong.D.Code + " " + text[span.Start.Offset:span.End.Offset]
	}
	return strings.TrimSpace(text[:lex.Peek().Pos.Offset])
}

// An expression ends at the first token that cannot continue it.
func TestFind(t *testing.T) {
	for text, want := range map[string]string{
		"amount > 5 within 1h":                 "amount > 5",
		"at - 5s idle 30s":                     "at - 5s",
		"1s max = 2m":                          "1s",
		"words(line) as word":                  "words(line)",
		"a.b?.c[1] d":                          "a.b?.c[1]",
		"x not in [1, 2] by y":                 "x not in [1, 2]",
		"x not y":                              "x",
		"not x.y and -z ** 2 desc":             "not x.y and -z ** 2",
		"a {":                                  "a",
		"if a { b } else if c { d } else {e}+": "if a { b } else if c { d } else {e}",
		"a ? b : c ? d : e f":                  "a ? b : c ? d : e",
		"let x = 1; x + 1 y":                   "let x = 1; x + 1",
		"{a: 1, \"b\": [2,],} c":               "{a: 1, \"b\": [2,],}",
		"any(xs, {let y = #; y > 1}) z":        "any(xs, {let y = #; y > 1})",
		"map(xs, .a + #.b) z":                  "map(xs, .a + #.b)",
		"0s..4h keep 1d":                       "0s..4h",
		"a = b":                                "a",
		"a\n|> b":                              "a",
		"a AND b":                              "a",
		"(a ?? 0) + b":                         "(a ?? 0) + b",
		"a ?? b ?? c":                          "a ?? b ?? c",
		"`raw` x":                              "`raw`",
		"xs[:2] y":                             "xs[:2]",
		"xs?.[0] y":                            "xs?.[0]",
	} {
		if got := find(t, text); got != want {
			t.Errorf("%q ends behind %q, want %q", text, got, want)
		}
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"a > > b":                "P102 >",
		"a + b ?? c":             "P109 ??",
		"a ?? b + c":             "P109 +",
		"a <> b":                 "P106 <>",
		"a | f()":                "P107 |",
		"(a = b)":                "P110 =",
		"(a AND b)":              "P111 AND",
		"NOT (a)":                "P111 NOT",
		"case when a then b":     "P111 case",
		"f(DISTINCT a)":          "P111 DISTINCT",
		"nil":                    "P111 nil",
		"f(a b)":                 "P112 b",
		"count(*)":               "P102 *",
		"if a { b }":             "P102 ",
		"a.":                     "P102 ",
		"a +\n|> b":              "P102 ",
		"let = 1; 2":             "P102 =",
		"let x 1; 2":             "P102 1",
		strings.Repeat("(", 200): "P102 (",
		strings.Repeat("-", 1) + strings.Repeat(" a -", maxTokens): "P102 -",
	} {
		if got := find(t, text); got != want {
			t.Errorf("%.40q: %q, want %q", text, got, want)
		}
	}
}
