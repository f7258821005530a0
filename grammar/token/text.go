package token

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
)

// Span is the text of one token. A token that recovery inserted is empty: it has a place but no text.
func Span(t lexer.Token) diag.Span {
	start := diag.Pos{Offset: int32(t.Pos.Offset), Line: int32(t.Pos.Line), Column: int32(t.Pos.Column)}
	s := diag.Span{File: t.Pos.Filename, Start: start, End: start}
	if t.Type == Inserted || t.EOF() {
		return s
	}
	s.End = Advance(start, strings.TrimPrefix(t.Value, Mark))
	return s
}

// Advance is the position behind text that starts at p.
func Advance(p diag.Pos, text string) diag.Pos {
	p.Offset += int32(len(text))
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		p.Line += int32(strings.Count(text, "\n"))
		p.Column, text = 1, text[i+1:]
	}
	p.Column += int32(utf8.RuneCountInString(text))
	return p
}

// Mark opens the value of a token that stands for text which could not be read, so that no literal of the grammar equals it.
const Mark = "\x00"

// IsStandIn reports whether recovery made the token.
func IsStandIn(t lexer.Token) bool {
	return t.Type == Broken || t.Type == BrokenExpr || t.Type == Inserted
}

// BracketStep is 1 for an opening bracket, -1 for a closing one, else 0.
func BracketStep(t lexer.Token) int {
	if t.Type != Punct {
		return 0
	}
	switch t.Value {
	case "(", "[", "{":
		return 1
	case ")", "]", "}":
		return -1
	}
	return 0
}

// IsComment reports whether the parser shall not see the token.
func IsComment(t lexer.Token) bool { return t.Type == Comment || t.Type == Doc }

var escapes = map[byte]string{'n': "\n", 't': "\t", '\\': "\\", '"': `"`, '\'': "'"}

// Unescape gives the meaning of the character or escape that text starts with, and its length in bytes.
func Unescape(text string) (string, int) {
	if text[0] != '\\' {
		_, n := utf8.DecodeRuneInString(text)
		return text[:n], n
	}
	if len(text) > 1 {
		if meaning, ok := escapes[text[1]]; ok {
			return meaning, 2
		}
		if text[1] == 'u' && len(text) >= 6 {
			if n, err := strconv.ParseUint(text[2:6], 16, 32); err == nil {
				return string(rune(n)), 6
			}
		}
	}
	return text[:1], 1
}

// checkEscapes reports escapes of a string that do not exist.
func (s *scanner) checkEscapes(t lexer.Token) {
	if !strings.Contains(t.Value, `\`) {
		return
	}
	for i := 1; i < len(t.Value)-1; {
		text, n := Unescape(t.Value[i : len(t.Value)-1])
		if text == `\` && n == 1 {
			_, size := utf8.DecodeRuneInString(t.Value[i+1:])
			n += size
			span := Span(t)
			span.Start = Advance(span.Start, t.Value[:i])
			span.End = Advance(span.Start, t.Value[i:i+n])
			s.tokens[len(s.tokens)-1].Type = Bad
			s.mistakes.Errorf("P101", span, "a string has no escape `%s`", t.Value[i:i+n]).
				WithHelp("escapes are `\\n`, `\\t`, `\\\\`, `\\\"`, `\\'` and `\\u` with four hexadecimal digits; between backquotes nothing is escaped")
		}
		i += n
	}
}
