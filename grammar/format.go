package grammar

import (
	"reflect"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
	"pipec/grammar/mistake"
	"pipec/grammar/token"
)

// Format gives a text its canonical form. It has no options. Line breaks stay where the author put them, and so do comments; everything else is
// decided: indentation, one blank between tokens, `and or not` for `&& || !`, double quotes, no trailing commas, at most one blank line.
//
// A text with syntax errors is not formatted: the result is nil, and the list says why.
func Format(file string, text []byte) ([]byte, diag.List) {
	f, mistakes := Parse(file, text)
	if mistakes.HasErrors() {
		return nil, mistakes
	}
	tokens, _ := token.Scan(file, f.Text)
	w := &formatter{text: f.Text, roles: rolesOf(f), tokens: tokens, dropped: map[int]bool{}}
	w.dropCommas()
	for w.at < len(w.tokens) {
		w.line()
	}
	return []byte(w.out.String()), mistakes
}

// role says what a token is in the tree, where its text alone does not.
type role uint8

const (
	declStart role = 1 << iota
	itemStart      // a fact, column, branch, member or statement
	exprStart      // so that a sign or bracket here is not an operator behind a value
	inType         // < > ? ( belong to a type
	inStep         // { + * ? belong to a pattern
	testBody       // kept as it is
)

// roles holds them by the byte offset of the token.
type roles map[int]role

// rolesOf walks the tree of a text without errors.
func rolesOf(f *File) roles {
	r := roles{}
	for _, d := range f.Decls {
		r.mark(d.DeclHead().Tokens[:1], declStart)
		r.walk(reflect.ValueOf(d))
	}
	return r
}

func (r roles) mark(tokens []lexer.Token, what role) {
	for _, t := range tokens {
		r[t.Pos.Offset] |= what
	}
}

// walk visits all nodes below v. It uses reflection, because it is the same for every node and formatting is not in a hurry.
func (r roles) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return
		}
		if v.Kind() == reflect.Pointer && r.node(v.Interface()) {
			return
		}
		r.walk(v.Elem())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Pointer || v.Type().Elem().Kind() == reflect.Interface {
			for i := range v.Len() {
				r.walk(v.Index(i))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				r.walk(v.Field(i))
			}
		}
	}
}

// node marks one node, and reports whether nothing below it matters.
func (r roles) node(n any) bool {
	switch n := n.(type) {
	case *Expr:
		r.mark(n.Tokens[:1], exprStart)
		return true
	case *TypeExpr:
		r.mark(n.Tokens, inType)
	case *Step:
		r.mark(n.Tokens[1:], inStep)
	case *Field:
		r.mark(n.Tokens[:1], itemStart)
	case *Branch:
		r.mark(n.Tokens[:1], itemStart)
	case *Define:
		r.mark(n.Tokens[:1], itemStart)
	case Fact:
		r.mark(factPlace(n).Tokens[:1], itemStart)
	case Member:
		r.markAt(n.Keyword(), itemStart)
	case Stmt:
		r.markAt(n.Keyword(), itemStart)
	case *Match:
		r.markMatch(n)
	case *Test:
		r.markAt(n.Body.Keyword(), testBody)
		return true
	}
	return false
}

func (r roles) markAt(s diag.Span, what role) { r[int(s.Start.Offset)] |= what }

// markMatch marks the `select` of a pattern, which is no node of its own.
func (r roles) markMatch(m *Match) {
	first := m.Select[0].Tokens[0].Pos.Offset
	for i, t := range m.Tokens {
		if t.Pos.Offset == first {
			r.mark(m.Tokens[i-1:i], itemStart)
		}
	}
}

// bracket is an open bracket of the output.
type bracket struct {
	base  int  // indentation of the line that opened it
	items bool // holds items, which stand on lines of their own or behind commas
	text  string
	asks  int // open `?` of conditionals, whose `:` has blanks
}

// formatter writes tokens line by line.
type formatter struct {
	text    string
	tokens  []lexer.Token
	roles   roles
	dropped map[int]bool // commas, by index
	out     strings.Builder

	at       int         // the next token
	before   lexer.Token // the last token written that is no comment
	last     lexer.Token // the last token written
	open     []bracket
	base     int    // of the current line, for what it opens
	inStages bool   // behind the first `|>` of a declaration
	verb     string // of the current stage
	list     bool   // its items begin on a line of their own
	prefix   bool   // the last token is a sign in front of a value
}

// dropCommas finds the commas that say nothing: behind the last sibling, and at the end of a line between items in braces.
func (w *formatter) dropCommas() {
	code := token.Significant(w.tokens)
	kept := map[int]bool{}
	for _, t := range dropTrailingCommas(code) {
		kept[t.Pos.Offset] = true
	}
	for i, t := range code {
		if t.Value != "," || t.Type != token.Punct || i+1 == len(code) {
			continue
		}
		next := code[i+1]
		if w.roles[next.Pos.Offset]&itemStart != 0 && next.Pos.Line > t.Pos.Line && !mistake.ClauseWords[next.Value] {
			kept[t.Pos.Offset] = false
		}
	}
	for i, t := range w.tokens {
		if t.Type == token.Punct && t.Value == "," && !kept[t.Pos.Offset] {
			w.dropped[i] = true
		}
	}
}

// endLine is the line on which a token ends.
func endLine(t lexer.Token) int { return t.Pos.Line + strings.Count(t.Value, "\n") }

// line writes the tokens of one line of the source.
func (w *formatter) line() {
	for w.at < len(w.tokens) && w.dropped[w.at] {
		if w.at+1 < len(w.tokens) && w.tokens[w.at+1].Pos.Line > w.tokens[w.at].Pos.Line {
			w.at++ // a comma alone on its line
			return
		}
		w.at++
	}
	if w.at >= len(w.tokens) {
		return
	}
	first := w.tokens[w.at]
	if w.out.Len() > 0 && first.Pos.Line > endLine(w.tokens[w.at-1])+1 {
		w.out.WriteByte('\n')
	}
	indent := w.indent(w.at)
	w.base = indent
	if first.Value == "|>" {
		w.base += len("|> ")
	}
	w.out.WriteString(strings.Repeat(" ", indent))
	for start := w.at; w.at < len(w.tokens); w.at++ {
		t := w.tokens[w.at]
		if w.at > start && t.Pos.Line > endLine(w.tokens[w.at-1]) {
			break
		}
		if w.dropped[w.at] {
			continue
		}
		if w.at > start && w.space(t) {
			w.out.WriteByte(' ')
		}
		w.token(t)
	}
	w.out.WriteByte('\n')
}

// indent is the number of blanks in front of the line that starts with token i.
func (w *formatter) indent(i int) int {
	t := w.tokens[i]
	if token.IsComment(t) {
		return w.commentIndent(i)
	}
	if w.roles[t.Pos.Offset]&declStart != 0 {
		return 0
	}
	if n := len(w.open); n > 0 {
		top := w.open[n-1]
		switch {
		case token.BracketStep(t) < 0:
			return top.base
		case top.items && w.roles[t.Pos.Offset]&itemStart == 0 && t.Value != "else":
			return top.base + 4
		}
		return top.base + 2
	}
	switch {
	case t.Value == "|>" || !w.inStages:
		return 2
	case w.before.Value == "," || w.before.Value == w.verb || w.before.Value == "by" && w.verb == "key":
		return 7
	case mistake.StageClauses[t.Value] && !(t.Value == "where" && w.verb == "aggregate"):
		return 5
	case w.list:
		return 9
	}
	return 7
}

// commentIndent puts a comment where the next code line is; in front of a closing bracket, where the last one was.
func (w *formatter) commentIndent(i int) int {
	column := w.tokens[i].Pos.Column
	for i < len(w.tokens) && (token.IsComment(w.tokens[i]) || w.dropped[i]) {
		i++
	}
	switch {
	case i < len(w.tokens) && token.BracketStep(w.tokens[i]) < 0 && len(w.open) > 0:
		return w.open[len(w.open)-1].base + 2
	case i < len(w.tokens) && w.roles[w.tokens[i].Pos.Offset]&declStart == 0:
		return w.indent(i)
	case w.inStages && column > 1:
		return 2
	}
	return 0
}

// token writes one token and follows what it opens and closes.
func (w *formatter) token(t lexer.Token) {
	w.last = t
	if token.IsComment(t) {
		w.out.WriteString(strings.TrimRight(strings.ReplaceAll(t.Value, "\r\n", "\n"), " \t\r"))
		return
	}
	switch step := token.BracketStep(t); {
	case w.roles[t.Pos.Offset]&declStart != 0:
		w.open, w.inStages, w.verb, w.list = nil, false, "", false
	case w.roles[t.Pos.Offset]&testBody != 0:
		w.verbatim(t)
		return
	case step > 0:
		items := t.Value == "{" && w.at+1 < len(w.tokens) && w.firstItem(w.at+1)
		base := w.base
		if n := len(w.open); n > 0 && items && w.open[n-1].items {
			base = w.open[n-1].base + 2 // braces in braces belong to an item, on whatever line they open
		}
		w.open = append(w.open, bracket{base: base, items: items, text: t.Value})
	case step < 0:
		w.open = w.open[:max(0, len(w.open)-1)]
	case t.Value == "|>" && len(w.open) == 0:
		w.inStages, w.verb, w.list = true, "", false
	case w.before.Value == "|>":
		w.verb = t.Value
		w.list = w.endsLine(w.at) || t.Value == "key" && w.at+1 < len(w.tokens) && w.endsLine(w.at+1)
	case t.Value == "?" && w.roles[t.Pos.Offset]&(inType|inStep) == 0:
		w.ask(1)
	case t.Value == ":" && w.asking():
		defer w.ask(-1)
	}
	sign := t.Value == "-" || t.Value == "+"
	w.prefix = sign && (w.roles[t.Pos.Offset]&exprStart != 0 || !w.endsOperand(w.before))
	w.before = t
	w.out.WriteString(canonical(t))
}

// endsLine reports whether token i is the last code on its line.
func (w *formatter) endsLine(i int) bool {
	for j := i + 1; j < len(w.tokens); j++ {
		if !token.IsComment(w.tokens[j]) {
			return w.tokens[j].Pos.Line > w.tokens[i].Pos.Line
		}
	}
	return true
}

// firstItem reports whether the first code at or behind i starts an item.
func (w *formatter) firstItem(i int) bool {
	for i < len(w.tokens) && token.IsComment(w.tokens[i]) {
		i++
	}
	return i < len(w.tokens) && w.roles[w.tokens[i].Pos.Offset]&itemStart != 0
}

// verbatim writes the body of a test as it stands.
func (w *formatter) verbatim(open lexer.Token) {
	depth, i := 0, w.at
	for ; i < len(w.tokens); i++ {
		if depth += token.BracketStep(w.tokens[i]); depth == 0 {
			break
		}
	}
	w.at = i
	w.last, w.before = w.tokens[i], w.tokens[i]
	body := w.text[open.Pos.Offset : w.tokens[i].Pos.Offset+1]
	w.out.WriteString(strings.ReplaceAll(body, "\r\n", "\n"))
}

// ask counts conditionals in the innermost bracket.
func (w *formatter) ask(n int) {
	if len(w.open) == 0 {
		w.open = append(w.open, bracket{base: w.base - 2, text: "?"})
	}
	top := &w.open[len(w.open)-1]
	if top.asks += n; top.asks == 0 && top.text == "?" {
		w.open = w.open[:len(w.open)-1]
	}
}

func (w *formatter) asking() bool {
	return len(w.open) > 0 && w.open[len(w.open)-1].asks > 0
}

// canonical is the one spelling of a token.
func canonical(t lexer.Token) string {
	switch t.Type {
	case token.Punct:
		switch t.Value {
		case "&&":
			return "and"
		case "||":
			return "or"
		case "!":
			return "not"
		}
	case token.String:
		if t.Value[0] == '\'' {
			return doubleQuoted(t.Value[1 : len(t.Value)-1])
		}
	case token.Raw:
		return strings.ReplaceAll(t.Value, "\r\n", "\n")
	}
	return t.Value
}

// doubleQuoted is the literal with the same meaning as one between single quotes.
func doubleQuoted(body string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '\\' && i+1 < len(body):
			i++
			if body[i] != '\'' {
				b.WriteByte('\\')
			}
			b.WriteByte(body[i])
		case c == '"':
			b.WriteString(`\"`)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
