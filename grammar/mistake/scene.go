// Package mistake knows what people get wrong in `.pipe` files, and what to tell them: it turns "the parser did not expect this token" into a
// diagnostic with a code, a caret and a way out, and says how to go on reading.
//
//   - outline.go: the bracket structure of a declaration, and edits of its tokens
//   - scene.go: Explain, and what is said when no rule fits
//   - rules.go: one rule per classic mistake; foreign.go: those for signs of other languages
//   - words.go, synonym.go: the words that start declarations and stages, and those of other languages
package mistake

import (
	"errors"
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
	"pipec/grammar/token"
)

// finding is what is said about an unexpected token, and perhaps how to go on as if the mistake were not there.
type finding struct {
	d      *diag.Diagnostic
	at     int // the token to blame, if it is another one; else 0
	repair *Edit
}

// scene is where the parser met a token that it did not expect.
type scene struct {
	o          *Outline
	at         int         // index of the token
	t, before  lexer.Token // the token, and the one before it
	expected   string      // what the parser wanted: a literal in backquotes, or words; empty if that helps nobody
	verb       string      // first word of the stage around it, or empty
	stage, end int         // the tokens of that stage
	braces     int         // the innermost `{` around it, or -1
	kind       braceKind
}

// braceKind tells what the items in some braces are.
type braceKind uint8

const (
	noBraces braceKind = iota
	facts
	columns
	branches
	defines
	members
	statements
)

// mistakes are tried in this order: the first that recognises the scene speaks.
var mistakes = []func(*scene) *finding{
	bareRhythm, shiftedFact, misspeltSchema, emptyStage, missingPipe, foreignPipe, foreignArrow, foreignEquals, dashedName, assignment, spokenDuration, sqlWord, nameBehind, byOnAggregate, keyWithoutBy,
	unknownStage, missingComma, settingWithoutEquals, columnWithoutColon, missingType, reservedName, quotedName, namelessDeclaration, unnamedValue,
	comparedState, strangeItem,
}

// Explain says what is wrong with the token at index at, which the parser did not expect; what it did expect is as Locate gives it. blame is the
// token that is wrong, perhaps an earlier one. The edit, if there is one, goes on as if the mistake were not there.
func Explain(o *Outline, at int, expected string) (d *diag.Diagnostic, blame int, repair *Edit) {
	s := &scene{o: o, at: at, t: o.Token(at), expected: expected, braces: o.Brace(at, 0)}
	if at > 0 {
		s.before = o.Tokens[at-1]
	}
	if from, to, ok := o.Stage(at); ok {
		s.stage, s.end = from, to
		if from < len(o.Tokens) {
			s.verb = o.Tokens[from].Value
		}
	}
	s.kind = s.kindOf(s.braces)
	for _, recognise := range mistakes {
		if f := recognise(s); f != nil {
			if f.at > 0 {
				at = f.at
			}
			return f.d, at, f.repair
		}
	}
	f := s.unexpected()
	return f.d, at, f.repair
}

// kindOf says what stands in the braces that open at i.
func (s *scene) kindOf(i int) braceKind {
	if i <= 0 {
		return noBraces
	}
	first, before := s.o.Tokens[0].Value, s.o.Tokens[i-1]
	outer := s.o.Brace(i, 0)
	switch {
	case s.inStage() && s.verb == "split" && i == s.stage+1:
		return branches
	case s.inStage() && s.verb == "match" && before.Value != "with" && outer < s.stage && before.Type != token.Int:
		return defines
	case before.Value == "schema", before.Value == ":", first == "type", before.Value == "<", outer >= 0 && s.kindOf(outer) == columns:
		return columns
	case first == "process" && outer < 0:
		return members
	case first == "process":
		return statements
	}
	return facts
}

func (s *scene) inStage() bool { return s.verb != "" }

// newLine reports whether the token is the first of its line.
func (s *scene) newLine() bool { return !s.t.EOF() && s.o.FirstOfLine(s.at) }

// found makes a finding about the unexpected token.
func (s *scene) found(code, message string, args ...any) *finding {
	return &finding{d: diag.New(diag.Error, code, token.Span(s.t), message, args...)}
}

// insert goes on as if text stood in front of token i.
func (f *finding) insert(i int, like lexer.Token, text string) *finding {
	f.repair = &Edit{From: i, To: i, Insert: []lexer.Token{Inserted(like, text)}}
	return f
}

// replace goes on as if text stood in the place of the tokens from..to.
func (f *finding) replace(from, to int, like lexer.Token, text string) *finding {
	f.repair = &Edit{From: from, To: to, Insert: []lexer.Token{Inserted(like, text)}}
	return f
}

// unexpected is said when nothing more special fits.
func (s *scene) unexpected() *finding {
	literal := strings.Trim(s.expected, "`")
	switch {
	case s.t.EOF() || s.newLine():
		f := s.found("P101", "%s is missing behind `%s`", s.expected, Shown(s.before))
		if f.d.Span = token.Span(s.before).After(); s.expected == "" {
			f.d.Message = "this is not complete"
			f.d.Span = token.Span(s.before)
		}
		return f
	case s.expected == "a text in quotes" && s.t.Type == token.Ident:
		to := s.at
		for to+1 < len(s.o.Tokens) && !s.o.FirstOfLine(to+1) && s.o.Tokens[to+1].Value != "as" {
			to++
		}
		f := s.found("P101", "expected a text in quotes, found `%s`", Shown(s.t))
		f.d.Span.End = token.Span(s.o.Tokens[to]).End
		f.d.With("write `\"%s\"`", spelled(s.o.Tokens[s.at:to+1]))
		return f
	case s.expected == "":
		return s.found("P101", "`%s` does not fit here", Shown(s.t))
	}
	f := s.found("P101", "expected %s, found `%s`", s.expected, Shown(s.t))
	if options := strings.Split(literal, "`"); len(options) > 1 {
		if near := diag.Nearest(s.t.Value, options); near != "" && s.t.Type == token.Ident {
			f.d.With("did you mean `%s`?", near).WithFix(token.Span(s.t), near)
			return f.replace(s.at, s.at+1, s.t, near)
		}
		return f
	}
	if literal == s.expected || strings.Contains("()[]{}|>", literal) {
		return f
	}
	swapped := s.t.Value == "from" && literal == "into" || s.t.Value == "into" && literal == "from" || s.t.Value == "==" && literal == "="
	if near := diag.Nearest(s.t.Value, []string{literal}); swapped || near != "" && s.t.Type == token.Ident {
		f.d.With("write %s", s.expected).WithFix(token.Span(s.t), literal)
		return f.replace(s.at, s.at+1, s.t, literal)
	}
	if s.t.Type == token.Ident || startsLiteral(s.t) {
		f.d.With("add %s before this", s.expected)
		return f.insert(s.at, s.t, literal)
	}
	return f
}

// Shown is a token as a message quotes it: one line, not too long.
func Shown(t lexer.Token) string {
	text, _, cut := strings.Cut(strings.TrimPrefix(t.Value, token.Mark), "\n")
	if runes := []rune(text); len(runes) > 24 {
		text, cut = string(runes[:24]), true
	}
	if cut {
		text += "..."
	}
	return text
}

// expectation turns the message of participle into words: `unexpected token "x" (expected "=" Expr)` means "`=`", several literals are
// joined by "or". It is empty where that helps nobody.
func expectation(message string) string {
	_, want, ok := strings.Cut(message, "(expected ")
	if !ok {
		return ""
	}
	var literals []string
	for _, option := range alternatives(strings.TrimSuffix(want, ")")) {
		if !strings.HasPrefix(option, `"`) {
			if word := kindOfNode(option); word != "" || len(literals) == 0 {
				return word
			}
			continue
		}
		if end := strings.IndexByte(option[1:], '"'); end >= 0 {
			literals = append(literals, "`"+option[1:1+end]+"`")
		}
	}
	if n := len(literals); n > 1 {
		return strings.Join(literals[:n-1], ", ") + " or " + literals[n-1]
	}
	return strings.Join(literals, "")
}

// alternatives are what an expression of the grammar may begin with: `("event" | "end") Block` gives the two words.
func alternatives(want string) []string {
	if !strings.HasPrefix(want, "(") {
		return []string{want}
	}
	var out []string
	depth, from := 0, 1
	for i, r := range want {
		switch {
		case r == '(':
			depth++
		case r == ')':
			if depth--; depth == 0 {
				return append(out, alternatives(want[from:i])...)
			}
		case r == '|' && depth == 1 && i > from+1 && want[i-1] == ' ':
			out = append(out, alternatives(want[from:i-1])...)
			from = i + 2
		}
	}
	return append(out, alternatives(want[from:])...)
}

// nodeWords say what the productions and tokens that an error may name are to an author.
var nodeWords = []struct{ prefix, words string }{
	{"<ident>", "a name"}, {"Named", "`name = value`"}, {"Name", "a name"}, {"Ref", "a name"}, {"Expr", "a value"}, {"Item", "a value"},
	{"TypeExpr", "a type"}, {"Stage", "a stage"}, {"Op", "a stage"}, {"String", "a text in quotes"}, {"<string>", "a text in quotes"},
	{"Int", "a whole number"}, {"Body", "`{`"}, {"Block", "`{`"}, {"Braces", "`{`"}, {"Record", "`{`"}, {"Matching", "`on` or `using`"},
	{"Order", "a value"}, {"Agg", "`name = value`"}, {"Step", "a name"}, {"Pipeline", "`from`"}, {"RenamePair", "`new = old`"},
	{"FParam", "a name"},
}

func kindOfNode(option string) string {
	for _, n := range nodeWords {
		if strings.HasPrefix(option, n.prefix) {
			return n.words
		}
	}
	return ""
}

// Locate is the index of the token that the parser did not expect, and what it did.
func Locate(tokens []lexer.Token, err error) (int, string) {
	var unexpected *participle.UnexpectedTokenError
	if errors.As(err, &unexpected) {
		for i, t := range tokens {
			if t.Pos == unexpected.Unexpected.Pos && t.Type == unexpected.Unexpected.Type && t.Value == unexpected.Unexpected.Value {
				return i, expectation(unexpected.Message())
			}
		}
		return len(tokens), expectation(unexpected.Message())
	}
	return 0, ""
}
