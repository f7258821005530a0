package grammar

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/token"
)

// space reports whether a blank stands between the last token and t on one line.
func (w *formatter) space(t lexer.Token) bool {
	if token.IsComment(t) || token.IsComment(w.last) {
		return w.last.Value != "(" && w.last.Value != "[" || t.Type == token.Comment && strings.HasPrefix(t.Value, "//")
	}
	role := w.roles[t.Pos.Offset]
	if role&inStep != 0 {
		return false
	}
	if w.last.Type != token.Punct && t.Type != token.Punct {
		return true
	}
	if w.glued(w.last) {
		return false
	}
	switch t.Value {
	case ")", "]", ",", ";":
		return false
	case "}":
		return w.last.Value != "{"
	case ":":
		return w.asking()
	case "..":
		return false
	case ".", "?.":
		return !w.endsOperand(w.last)
	case "(", "[":
		return role&exprStart != 0 || !w.endsOperand(w.last)
	case "<", ">":
		return role&inType == 0
	case "?":
		return role&inType == 0
	}
	return true
}

// glued reports whether nothing but what follows may stand directly behind the last token.
func (w *formatter) glued(last lexer.Token) bool {
	if last.Type != token.Punct {
		return false
	}
	switch last.Value {
	case "(", "[", ".", "?.", "..":
		return true
	case "<":
		return w.roles[last.Pos.Offset]&inType != 0
	case "-", "+":
		return w.prefix
	case "#":
		next := w.tokens[w.at]
		return next.Type == token.Ident && next.Pos.Offset == last.Pos.Offset+1
	case ":":
		return len(w.open) > 0 && w.open[len(w.open)-1].text == "[" && w.open[len(w.open)-1].asks == 0
	}
	return false
}

// endsOperand reports whether a value may end with t, so that a sign or bracket behind it continues that value.
func (w *formatter) endsOperand(t lexer.Token) bool {
	switch t.Type {
	case token.Punct:
		switch t.Value {
		case ")", "]", "}", "#":
			return true
		case ">", "?": // of a type
			return w.roles[t.Pos.Offset]&inType != 0
		}
		return false
	case token.Word:
		return t.Value == "true" || t.Value == "false" || t.Value == "null"
	}
	return true
}
