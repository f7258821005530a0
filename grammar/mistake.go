package grammar

import (
	"slices"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
)

// finding is what is said about an unexpected token, and perhaps how to go on as if the mistake were not there.
type finding struct {
	d      *diag.Diagnostic
	repair *edit
}

// scene is where the parser met a token that it did not expect.
type scene struct {
	o          *outline
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
	emptyStage, missingPipe, foreignPipe, assignment, spokenDuration, sqlWord, byOnAggregate, keyWithoutBy,
	unknownStage, missingComma, settingWithoutEquals, columnWithoutColon, reservedName, quotedName,
}

// explain says what is wrong with the token at index at.
func explain(o *outline, at int, expected string) *finding {
	s := &scene{o: o, at: at, t: o.token(at), expected: expected, braces: o.brace(at, 0)}
	if at > 0 {
		s.before = o.tokens[at-1]
	}
	if from, to, ok := o.stage(at); ok {
		s.stage, s.end = from, to
		if from < len(o.tokens) {
			s.verb = o.tokens[from].Value
		}
	}
	s.kind = s.kindOf(s.braces)
	for _, recognise := range mistakes {
		if f := recognise(s); f != nil {
			return f
		}
	}
	return s.unexpected()
}

// kindOf says what stands in the braces that open at i.
func (s *scene) kindOf(i int) braceKind {
	if i <= 0 {
		return noBraces
	}
	first, before := s.o.tokens[0].Value, s.o.tokens[i-1]
	outer := s.o.brace(i, 0)
	switch {
	case s.inStage() && s.verb == "split" && i == s.stage+1:
		return branches
	case s.inStage() && s.verb == "match" && before.Value != "with" && outer < s.stage && before.Type != tokInt:
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
func (s *scene) newLine() bool { return !s.t.EOF() && s.o.firstOfLine(s.at) }

// found makes a finding about the unexpected token.
func (s *scene) found(code, message string, args ...any) *finding {
	return &finding{d: diag.New(diag.Error, code, tokenSpan(s.t), message, args...)}
}

// insert goes on as if text stood in front of token i.
func (f *finding) insert(i int, like lexer.Token, text string) *finding {
	f.repair = &edit{from: i, to: i, insert: []lexer.Token{inserted(like, text)}}
	return f
}

// replace goes on as if text stood in the place of the tokens from..to.
func (f *finding) replace(from, to int, like lexer.Token, text string) *finding {
	f.repair = &edit{from: from, to: to, insert: []lexer.Token{inserted(like, text)}}
	return f
}

func emptyStage(s *scene) *finding {
	if s.before.Value != "|>" || s.t.Value != "|>" && !s.t.EOF() {
		return nil
	}
	f := s.found("P101", "there is no stage behind this `|>`")
	f.d.Span = tokenSpan(s.before)
	f.d.With("remove it, or write a stage").WithFix(f.d.Span, "")
	f.repair = &edit{from: s.at - 1, to: s.at}
	return f
}

// missingPipe: a stage on a line of its own, without `|>`.
func missingPipe(s *scene) *finding {
	pipeline := s.o.tokens[0].Value == "from" || s.o.tokens[0].Value == "stream" || s.o.tokens[0].Value == "pipe"
	if !pipeline || s.braces >= 0 || s.t.Type != tokIdent || !s.newLine() || !verbs[s.t.Value] || s.before.Value == "," {
		return nil
	}
	f := s.found("P114", "a stage starts with `|>`")
	f.d.With("write `|> %s`", s.t.Value).WithFix(tokenSpan(s.t), "|> "+s.t.Value)
	return f.insert(s.at, s.t, "|>")
}

// foreignPipe: `|` or `->` where a stage begins.
func foreignPipe(s *scene) *finding {
	if s.t.Value != "|" || s.braces >= 0 {
		return nil
	}
	f := s.found("P114", "a stage starts with `|>`")
	f.d.With("write `|>`").WithFix(tokenSpan(s.t), "|>")
	return f.replace(s.at, s.at+1, s.t, "|>")
}

// assignment: `=` behind a value.
func assignment(s *scene) *finding {
	if s.t.Value != "=" || s.expected == "`:`" || !endsValue(s.before) {
		return nil
	}
	if !s.inStage() && s.kind != statements && s.o.tokens[0].Value != "function" {
		return nil
	}
	f := s.found("P110", "`=` gives a name to a value; it does not compare")
	f.d.With("did you mean `==`?").WithFix(tokenSpan(s.t), "==")
	return f.replace(s.at, s.at+1, s.t, "==")
}

// endsValue reports whether an expression may end with t.
func endsValue(t lexer.Token) bool {
	return t.Type != tokPunct && t.Type != 0 || t.Value == ")" || t.Value == "]" || t.Value == "}"
}

// spokenDuration: `1 hour`.
func spokenDuration(s *scene) *finding {
	unit, ok := spokenUnits[s.t.Value]
	if !ok {
		unit = s.t.Value
		_, duration := durationUnits[unit]
		ok = duration || sizeUnits[unit] > 0
	}
	if !ok || s.t.Type != tokIdent || s.before.Type != tokInt || s.newLine() {
		return nil
	}
	what, write := "duration", s.before.Value+unit
	kind := tokDuration
	if sizeUnits[unit] > 0 {
		what, kind = "size", tokSize
	}
	f := s.found("P104", "a %s is one word", what)
	f.d.Span = tokenSpan(s.before).To(tokenSpan(s.t))
	f.d.With("write `%s`", write).WithFix(f.d.Span, write)
	f.repair = &edit{from: s.at - 1, to: s.at + 1, insert: []lexer.Token{{Type: kind, Value: write, Pos: s.before.Pos}}}
	return f
}

// sqlWord: `AND`, `is null`, `like` behind a value.
func sqlWord(s *scene) *finding {
	d := sqlSpelling(s.t, s.before)
	if d == nil || !endsValue(s.before) || s.newLine() && !reserved[strings.ToLower(s.t.Value)] {
		return nil
	}
	f := &finding{d: d}
	next, third := s.o.token(s.at+1), s.o.token(s.at+2)
	switch {
	case strings.EqualFold(s.t.Value, "is") && strings.EqualFold(next.Value, "null"):
		f.repair = &edit{from: s.at, to: s.at + 2, insert: []lexer.Token{inserted(s.t, "=="), null(next)}}
	case strings.EqualFold(s.t.Value, "is") && strings.EqualFold(next.Value, "not") && strings.EqualFold(third.Value, "null"):
		f.repair = &edit{from: s.at, to: s.at + 3, insert: []lexer.Token{inserted(s.t, "!="), null(third)}}
	case d.Fix != nil:
		return f.replace(s.at, s.at+1, s.t, d.Fix.Text)
	}
	return f
}

func null(t lexer.Token) lexer.Token {
	return lexer.Token{Type: tokWord, Value: "null", Pos: t.Pos}
}

// sqlWords are the words that people who write SQL put between two values, and what to write instead.
var sqlWords = map[string]string{
	"and": "write `and`", "or": "write `or`", "not": "write `not`", "in": "write `in`", "is": "write `== null` or `!= null`",
	"like": "write `matches`, `contains`, `startsWith` or `endsWith`", "ilike": "write `matches`, `contains`, `startsWith` or `endsWith`",
	"rlike": "write `matches`", "between": "write `x in a..b` or `a <= x <= b`", "isnull": "write `== null`", "notnull": "write `!= null`",
	"mod": "write `%`", "div": "write `div(a, b)`",
}

// sqlSpelling is the diagnostic for a word of SQL behind a value, or nil.
func sqlSpelling(t, before lexer.Token) *diag.Diagnostic {
	write, ok := sqlWords[strings.ToLower(t.Value)]
	if !ok || t.Type != tokIdent || before.Type == tokPunct && bracketStep(before) >= 0 {
		return nil
	}
	d := diag.New(diag.Error, "P111", tokenSpan(t), "`%s` is SQL spelling", t.Value).With("%s", write)
	if word := strings.ToLower(t.Value); reserved[word] {
		d.WithFix(tokenSpan(t), word)
	}
	return d
}

// byOnAggregate: `aggregate total = sum(x) by customer`.
func byOnAggregate(s *scene) *finding {
	by := s.t.Value == "by" || s.t.Value == "group" && s.o.token(s.at+1).Value == "by" || s.t.Value == "over"
	if s.verb != "aggregate" && s.verb != "count" || !by {
		return nil
	}
	f := s.found("P113", "`%s` takes no `%s`", s.verb, s.t.Value)
	f.d.With("the key is said in its own stage").WithHelp("put `|> key by ...` before this stage")
	return f
}

// keyWithoutBy: `key id`.
func keyWithoutBy(s *scene) *finding {
	if s.verb != "key" || s.at != s.stage+1 || s.t.Type != tokIdent {
		return nil
	}
	last := s.at
	for last+1 < s.end && s.o.tokens[last+1].Pos.Line == s.t.Pos.Line && s.o.tokens[last+1].Value != "with" {
		last++
	}
	key := tokenSpan(s.before)
	f := s.found("P115", "the stage is called `key by`")
	f.d.Span = key.To(tokenSpan(s.o.tokens[last]))
	f.d.With("write `key by %s`", spelled(s.o.tokens[s.at:last+1])).WithFix(key, "key by")
	return f.insert(s.at, s.t, "by")
}

// spelled is tokens on one line, as they are written.
func spelled(tokens []lexer.Token) string {
	var b strings.Builder
	for i, t := range tokens {
		if i > 0 && tokens[i-1].Pos.Offset+len(tokens[i-1].Value) != t.Pos.Offset {
			b.WriteByte(' ')
		}
		b.WriteString(t.Value)
	}
	return b.String()
}

// unknownStage: a word that starts no stage, with something behind it that no declared pipe has.
func unknownStage(s *scene) *finding {
	if !s.inStage() || s.stage >= len(s.o.tokens) {
		return nil
	}
	first := s.o.tokens[s.stage]
	if first.Type != tokIdent && first.Type != tokWord || verbs[first.Value] || isStandIn(first) {
		if first.Type != tokIdent || !slices.Contains([]string{"left", "full", "semi", "anti"}, first.Value) || s.at > s.stage+1 {
			return nil
		}
	}
	f := &finding{d: diag.New(diag.Error, "P120", tokenSpan(first), "there is no stage called `%s`", first.Value)}
	verb, help := SuggestStage(first.Value)
	if slices.Contains([]string{"left", "full", "semi", "anti"}, verb) {
		verb += " join"
	}
	if help != "" {
		f.d.WithHelp("%s", help)
	}
	if verb == "" {
		return f
	}
	f.d.With("did you mean `%s`?", verb)
	length := 1
	if second := s.o.token(s.stage + 1); verb == "key by" && second.Value == "by" {
		length, verb = 1, "key"
	} else if strings.Contains(verb, " ") {
		return f
	}
	f.d.WithFix(tokenSpan(first), verb)
	return f.replace(s.stage, s.stage+length, first, verb)
}

// listVerbs have items with commas between them.
var listVerbs = map[string]bool{
	"derive": true, "set": true, "select": true, "aggregate": true, "rename": true, "drop": true, "key": true, "union": true, "into": true,
}

// missingComma: two items with nothing between them.
func missingComma(s *scene) *finding {
	startsItem := s.t.Type == tokIdent || s.t.Type == tokString || s.t.Type == tokInt
	if !startsItem || !endsValue(s.before) || !listVerbs[s.verb] || s.at <= s.stage+1 || clauseWords[s.t.Value] && s.o.token(s.at+1).Value != "=" {
		return nil
	}
	named := s.verb != "select" && s.verb != "drop" && s.verb != "key" && s.verb != "union" && s.verb != "into"
	if inner := s.braces > s.stage; inner || named && s.o.token(s.at+1).Value != "=" {
		return nil
	}
	f := s.found("P112", "a comma is missing between two items")
	f.d.Span = tokenSpan(s.before).After()
	f.d.With("add `,` here").WithFix(f.d.Span, ",")
	return f.insert(s.at, s.t, ",")
}

// settingWithoutEquals: `topic "out"`, `topic: "out"`.
func settingWithoutEquals(s *scene) *finding {
	if s.kind != facts {
		return nil
	}
	next := s.o.token(s.at + 1)
	if s.t.Type == tokIdent && next.Value == ":" {
		f := &finding{d: diag.New(diag.Error, "P116", tokenSpan(next), "a setting is written `name = value`")}
		f.d.With("write `=`").WithFix(tokenSpan(next), "=")
		return f.replace(s.at+1, s.at+2, next, "=")
	}
	value := next
	at := s.at + 1
	if s.t.Type != tokIdent { // the name was taken for a choice: `checkpoint mode "x"`
		value, at = s.t, s.at
		if s.before.Type != tokIdent {
			return nil
		}
	}
	if !startsLiteral(value) || s.o.firstOfLine(min(at, len(s.o.tokens)-1)) {
		return nil
	}
	f := &finding{d: diag.New(diag.Error, "P116", tokenSpan(value), "a setting is written `name = value`")}
	f.d.With("add `=` before this")
	f.d.Fix = &diag.Fix{Span: tokenSpan(value), Text: "= "}
	f.d.Fix.Span.End = f.d.Fix.Span.Start
	return f.insert(at, value, "=")
}

func startsLiteral(t lexer.Token) bool {
	switch t.Type {
	case tokString, tokRaw, tokInt, tokNumber, tokDuration, tokSize, tokBad:
		return true
	}
	return t.Value == "true" || t.Value == "false" || t.Value == "[" || t.Value == "-"
}

// columnWithoutColon: `id int`, `id = int`.
func columnWithoutColon(s *scene) *finding {
	what := "a column"
	switch {
	case s.kind == columns:
	case s.kind == members && s.expected == "`:`":
		what = "a state"
	case s.o.tokens[0].Value == "param" && s.expected == "`:`":
		what = "a parameter"
	default:
		return nil
	}
	if s.before.Type != tokIdent || s.newLine() {
		return nil
	}
	f := s.found("P117", "%s is written `name: type`", what)
	if s.t.Value == "=" {
		f.d.With("write `:`").WithFix(tokenSpan(s.t), ":")
		return f.replace(s.at, s.at+1, s.t, ":")
	}
	if s.t.Type != tokIdent && s.t.Type != tokString && s.t.Value != "{" {
		return nil
	}
	at := f.d.Span
	at.End = at.Start
	f.d.With("add `:` before this").WithFix(at, ": ")
	return f.insert(s.at, s.t, ":")
}

// reservedName: a word of expressions where a name is expected.
func reservedName(s *scene) *finding {
	if s.t.Type != tokWord || s.expected != "a name" && s.kind != columns && s.kind != facts {
		return nil
	}
	f := s.found("P101", "`%s` is a word of expressions and cannot be a name", s.t.Value)
	if s.kind == columns {
		f.d.WithHelp("give the column another name, and say what it is called outside: `a_name: string from \"%s\"`", s.t.Value)
	}
	return f
}

// quotedName: a name in quotes.
func quotedName(s *scene) *finding {
	if s.t.Type != tokString || s.expected != "a name" && s.kind != columns {
		return nil
	}
	inner := s.t.Value[1 : len(s.t.Value)-1]
	f := s.found("P101", "a name is written without quotes")
	if inner != "" && wordLen(inner) == len(inner) && !reserved[inner] {
		f.d.With("write `%s`", inner).WithFix(tokenSpan(s.t), inner)
		f.repair = &edit{from: s.at, to: s.at + 1, insert: []lexer.Token{{Type: tokIdent, Value: inner, Pos: s.t.Pos}}}
	} else if s.kind == columns {
		f.d.WithHelp("a column whose name is no word: `a_name: string from %s`", s.t.Value)
	}
	return f
}

// unexpected is said when nothing more special fits.
func (s *scene) unexpected() *finding {
	literal := strings.Trim(s.expected, "`")
	isLiteral := s.expected != literal
	if s.t.EOF() || s.newLine() && s.expected != "" {
		f := s.found("P101", "%s is missing at the end of this line", orSomething(s.expected))
		f.d.Span = tokenSpan(s.before).After()
		return f
	}
	if s.expected == "" {
		f := s.found("P101", "`%s` does not fit here", shown(s.t))
		return f
	}
	f := s.found("P101", "expected %s, found `%s`", s.expected, shown(s.t))
	if isLiteral && (s.t.Type == tokIdent || startsLiteral(s.t)) && !verbs[s.t.Value] {
		f.d.With("add %s before this", s.expected)
		return f.insert(s.at, s.t, literal)
	}
	return f
}

func orSomething(expected string) string {
	if expected == "" {
		return "something"
	}
	return expected
}

// shown is a token as a message quotes it: one line, not too long.
func shown(t lexer.Token) string {
	text, _, cut := strings.Cut(strings.TrimPrefix(t.Value, broken), "\n")
	if runes := []rune(text); len(runes) > 24 {
		text, cut = string(runes[:24]), true
	}
	if cut {
		text += "..."
	}
	return text
}

// expectation turns the message of participle into words: `unexpected token "x" (expected "=" Expr)` means "`=`".
func expectation(message string) string {
	_, want, ok := strings.Cut(message, "(expected ")
	if !ok {
		return ""
	}
	want = strings.TrimLeft(want, "(")
	switch {
	case strings.HasPrefix(want, `"`):
		if end := strings.IndexByte(want[1:], '"'); end >= 0 {
			return "`" + want[1:1+end] + "`"
		}
	case strings.HasPrefix(want, "<ident>"), strings.HasPrefix(want, "Name"), strings.HasPrefix(want, "Ref"):
		return "a name"
	case strings.HasPrefix(want, "Expr"), strings.HasPrefix(want, "Item"):
		return "a value"
	case strings.HasPrefix(want, "TypeExpr"):
		return "a type"
	case strings.HasPrefix(want, "Stage"), strings.HasPrefix(want, "Op"):
		return "a stage"
	case strings.HasPrefix(want, "String"), strings.HasPrefix(want, "<string>"):
		return "a text in quotes"
	case strings.HasPrefix(want, "Int"):
		return "a whole number"
	case strings.HasPrefix(want, "Body"), strings.HasPrefix(want, "Block"), strings.HasPrefix(want, "Braces"), strings.HasPrefix(want, "Record"):
		return "`{`"
	case strings.HasPrefix(want, "Matching"):
		return "`on` or `using`"
	}
	return ""
}
