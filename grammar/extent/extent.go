// Package extent finds where an expression ends. Expressions have no terminator: operands and operators alternate, and the first token that
// cannot continue one ends it. What is malformed is said here, because expr's own messages are for programmers.
package extent

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
	"pipec/grammar/mistake"
	"pipec/grammar/token"
)

// Limits of one expression, far above what people write: expr's parser and all later passes recurse.
const (
	maxDepth  = 100  // brackets, closures and conditionals in each other
	maxTokens = 4000 // operands and operators
)

// Error is a mistake in an expression. Start and At are indices of tokens of the declaration: where it begins, and what is wrong.
type Error struct {
	Start, At int
	D         *diag.Diagnostic
}

// Error implements error; participle passes it on as it is.
func (e *Error) Error() string { return e.D.Message }

// Find moves lex behind the expression that starts at its next token. The error is nil or an *Error.
func Find(lex *lexer.PeekingLexer) error {
	start := lex.RawCursor()
	s := &scanner{lex: lex, start: int(start)}
	if start > 0 {
		s.last = lex.Range(start-1, start)[0]
	}
	if s.forgotten() {
		s.noValue(*s.peek())
	} else {
		s.expression(0)
	}
	if s.err != nil {
		return s.err
	}
	return nil
}

// scanner finds the end of an expression. Its methods do nothing once err is set.
type scanner struct {
	lex   *lexer.PeekingLexer
	start int
	last  lexer.Token // the token before the next one
	count int
	err   *Error
}

// forgotten reports whether nothing stands behind a `name =` on its own line, and the next line begins the next item.
func (s *scanner) forgotten() bool {
	next := s.peek()
	if s.start < 2 || s.last.Value != "=" || next.Pos.Line == s.last.Pos.Line {
		return false
	}
	at := s.lex.RawCursor()
	name := s.lex.Range(at-2, at-1)[0]
	first := s.start < 3 || s.lex.Range(at-3, at-2)[0].Pos.Line < name.Pos.Line
	if !first || name.Type != token.Ident || next.Type != token.Ident || next.Pos.Column > name.Pos.Column {
		return false
	}
	after := s.second()
	return after.Pos.Line == next.Pos.Line && (after.Value == "=" || after.Value == "{" || after.Type == token.Ident)
}

// peek is the next token, which stays where it is.
func (s *scanner) peek() *lexer.Token { return s.lex.Peek() }

// is reports whether the next token is that operator or word.
func (s *scanner) is(text string) bool {
	t := s.lex.Peek()
	return s.err == nil && t.Value == text && (t.Type == token.Punct || t.Type == token.Word || t.Type == token.Ident || t.Type == token.Inserted)
}

// second is the token behind the next one.
func (s *scanner) second() lexer.Token {
	c := s.lex.MakeCheckpoint()
	s.lex.Next()
	t := *s.lex.Peek()
	s.lex.LoadCheckpoint(c)
	return t
}

// take moves behind the next token. Counting here bounds the work and the recursion of every later pass.
func (s *scanner) take() {
	s.last = *s.lex.Next()
	if s.count++; s.count > maxTokens {
		s.fail(s.last, "P102", "this expression is too long").WithHelp("give its parts a name with `derive`, or write a `function`")
	}
}

// fail reports a mistake at t.
func (s *scanner) fail(t lexer.Token, code, message string, args ...any) *diag.Diagnostic {
	d := diag.New(diag.Error, code, token.Span(t), message, args...)
	if s.err == nil {
		s.err = &Error{Start: s.start, At: int(s.lex.RawCursor()), D: d}
	}
	return d
}

// expression reads operands and operators, and stops in front of what cannot continue.
func (s *scanner) expression(depth int) {
	if depth > maxDepth {
		s.fail(*s.peek(), "P102", "this expression is nested too deeply").WithHelp("give its parts a name with `derive`, or write a `function`")
	}
	switch {
	case s.is("let"):
		s.let(depth)
		return
	case s.is("if"):
		s.conditional(depth)
		return
	}
	mix := operatorMix{}
	for s.err == nil {
		s.operand(depth, &mix)
		for s.err == nil && s.postfix(depth) {
		}
		if s.err != nil || !s.operator(&mix) {
			break
		}
	}
	mix.check(s)
	for s.is("?") {
		s.take()
		if !s.is(":") {
			s.expression(depth + 1)
		}
		s.expect(":", "?")
		s.expression(depth + 1)
	}
}

// operatorMix notices `??` beside another operator: it binds tighter than all others, which nobody expects.
type operatorMix struct {
	coalesce, after, other lexer.Token
	seen, late, mixed      bool
}

// add notes an operator of the current level; those in brackets belong to a mix of their own.
func (m *operatorMix) add(t lexer.Token) {
	switch {
	case t.Value == "??" && !m.seen:
		m.coalesce, m.seen = t, true
	case t.Value != "??":
		m.mixed = true
		if m.seen && !m.late {
			m.after, m.late = t, true
		}
	}
}

// check blames the operator behind `??` if there is one, else `??` itself.
func (m *operatorMix) check(s *scanner) {
	if !m.seen || !m.mixed || s.err != nil {
		return
	}
	at := m.coalesce
	if m.late {
		at = m.after
	}
	s.fail(at, "P109", "`??` binds tighter than any other operator, so this is ambiguous").WithHelp("add parentheses: `(a ?? 0) + b`")
}

// operand reads prefix operators and one value.
func (s *scanner) operand(depth int, mix *operatorMix) {
	for s.is("-") || s.is("+") || s.is("not") || s.is("!") {
		if t := *s.peek(); t.Value == "-" || t.Value == "+" {
			mix.add(t)
		}
		s.take()
	}
	if s.err != nil {
		return
	}
	t := *s.peek()
	switch t.Type {
	case token.Int, token.Number, token.Duration, token.Size, token.String, token.Raw, token.Bad:
		s.take()
		return
	case token.Ident:
		s.name(t)
		return
	case token.Word:
		if t.Value == "true" || t.Value == "false" || t.Value == "null" {
			s.take()
			return
		}
	}
	switch {
	case s.is("("):
		s.take()
		s.expression(depth + 1)
		s.expect(")", "(")
	case s.is("["):
		s.take()
		s.list("]", "[", depth)
	case s.is("{"):
		s.braces(depth)
	case s.is("#"):
		s.take()
		if next := s.peek(); next.Type == token.Ident && next.Pos.Offset == s.last.Pos.Offset+1 {
			s.take()
		}
	case s.is(".") && s.second().Type == token.Ident:
		s.take()
		s.take()
	default:
		s.noValue(t)
	}
}

// name reads a name, unless it is a word of SQL.
func (s *scanner) name(t lexer.Token) {
	next := s.second()
	switch {
	case strings.EqualFold(t.Value, "case") && (next.Type == token.Ident && strings.EqualFold(next.Value, "when")):
		s.fail(t, "P111", "`%s` is SQL spelling", t.Value).With("write `if c { a } else { b }`")
	case t.Value == "NOT" && (next.Type == token.Ident || next.Value == "("):
		s.fail(t, "P111", "`NOT` is SQL spelling").With("write `not`")
	case strings.EqualFold(t.Value, "distinct") && next.Type == token.Ident && s.last.Value == "(":
		s.fail(t, "P111", "`%s` is SQL spelling", t.Value).With("write `count_distinct(%s)`", next.Value)
	default:
		s.take()
	}
}

// noValue says that an operand is missing.
func (s *scanner) noValue(t lexer.Token) {
	switch {
	case t.Value == "nil":
		s.fail(t, "P111", "`nil` is written `null` here").With("write `null`")
	case s.last.Value != "" && !token.IsStandIn(s.last) && (t.EOF() || t.Value == "|>" || t.Pos.Line > s.last.Pos.Line):
		d := s.fail(s.last, "P102", "a value is missing after `%s`", s.last.Value)
		d.Span = token.Span(s.last).After()
	case t.Value == "*" && s.last.Value == "(":
		s.fail(t, "P102", "expected a value, found `*`").WithHelp("to count rows, write `count()`")
	default:
		s.fail(t, "P102", "expected a value, found `%s`", mistake.Shown(t))
	}
}

// postfix reads a call, an index or a field behind a value.
func (s *scanner) postfix(depth int) bool {
	t := s.peek()
	switch {
	case s.is("(") && (s.last.Type == token.Ident):
		s.take()
		s.list(")", "(", depth)
	case s.is("["):
		s.take()
		s.index(depth)
	case s.is(".") || s.is("?."):
		next := s.second()
		if next.Value == "[" && t.Value == "?." {
			s.take()
			return true
		}
		if next.Type != token.Ident && next.Type != token.Word {
			s.take()
			s.fail(s.last, "P102", "the name of a field is missing after `%s`", s.last.Value).Span = token.Span(s.last).After()
			return false
		}
		s.take()
		s.take()
		s.last.Type = token.Ident // a field may be called: the checker explains that there are no methods
	default:
		return false
	}
	return true
}

// index reads what is between [ and ]: an index, or a slice with `:`.
func (s *scanner) index(depth int) {
	if !s.is(":") {
		s.expression(depth + 1)
	}
	if s.is(":") {
		s.take()
		if !s.is("]") {
			s.expression(depth + 1)
		}
	}
	s.expect("]", "[")
}

// list reads expressions with commas up to the closing bracket; the last comma may stand alone.
func (s *scanner) list(closing, opening string, depth int) {
	for s.err == nil && !s.is(closing) {
		s.expression(depth + 1)
		if !s.is(",") {
			break
		}
		s.take()
	}
	s.expect(closing, opening)
}

// braces reads a map, or the block of a closure.
func (s *scanner) braces(depth int) {
	s.take()
	for s.err == nil && !s.is("}") {
		if key := s.peek().Type; s.second().Value == ":" && (key == token.Ident || key == token.String || key == token.Int || key == token.Word) {
			s.take()
		} else {
			s.expression(depth + 1)
		}
		if s.is(":") {
			s.take()
			s.expression(depth + 1)
		}
		if !s.is(",") {
			break
		}
		s.take()
	}
	s.expect("}", "{")
}

// let reads `let x = value; body`.
func (s *scanner) let(depth int) {
	s.take()
	if s.peek().Type != token.Ident {
		s.fail(*s.peek(), "P102", "expected a name after `let`")
		return
	}
	s.take()
	s.expect("=", "let")
	s.expression(depth + 1)
	s.expect(";", "let")
	s.expression(depth + 1)
}

// conditional reads `if c { a } else if d { b } else { e }`, which nothing can continue.
func (s *scanner) conditional(depth int) {
	for s.err == nil {
		s.take()
		s.expression(depth + 1)
		s.expect("{", "if")
		s.expression(depth + 1)
		s.expect("}", "{")
		if s.err == nil && !s.is("else") {
			s.fail(s.last, "P102", "an `if` in an expression needs an `else`").WithHelp("write `if c { a } else { b }`")
			s.err.D.Span = token.Span(s.last).After()
			return
		}
		s.expect("else", "if")
		if !s.is("if") {
			break
		}
	}
	s.expect("{", "else")
	s.expression(depth + 1)
	s.expect("}", "{")
}

// infix are the operators between two values. `not` counts in front of a word such as `in`.
var infix = map[string]bool{
	"or": true, "and": true, "||": true, "&&": true, "==": true, "!=": true, "<": true, ">": true, "<=": true, ">=": true,
	"+": true, "-": true, "*": true, "/": true, "%": true, "**": true, "^": true, "??": true, "..": true,
	"in": true, "matches": true, "contains": true, "startsWith": true, "endsWith": true,
}

// operator reads one infix operator, if there is one.
func (s *scanner) operator(mix *operatorMix) bool {
	t := *s.peek()
	switch {
	case t.Type != token.Punct && t.Type != token.Word && t.Type != token.Inserted:
		return false
	case t.Value == "not":
		if next := s.second(); next.Type == token.Word && infix[next.Value] && next.Value != "and" && next.Value != "or" {
			mix.add(t)
			s.take()
			s.take()
			return true
		}
		return false
	case t.Value == "<>":
		s.fail(t, "P106", "`<>` is SQL spelling").With("write `!=`").WithFix(token.Span(t), "!=")
		return false
	case t.Value == "|" && t.Pos.Line > s.last.Pos.Line && mistake.IsVerb(s.second().Value):
		return false // a stage with the wrong pipe
	case t.Value == "|":
		s.fail(t, "P107", "`|` does not pass a value on").
			WithHelp("call the function: `upper(x)` instead of `x | upper()`; steps begin with `|>`; `or` is the logical operator")
		return false
	case !infix[t.Value]:
		return false
	}
	mix.add(t)
	s.take()
	return true
}

// expect takes a closing token, or says why it is not there.
func (s *scanner) expect(text, after string) {
	if s.err != nil {
		return
	}
	if s.is(text) {
		s.take()
		return
	}
	t := *s.peek()
	switch {
	case t.Value == "=" && text != "=":
		s.fail(t, "P110", "`=` gives a name to a value; it does not compare").With("did you mean `==`?").WithFix(token.Span(t), "==")
	case t.EOF() || t.Value == "|>":
		s.fail(s.last, "P102", "`%s` is missing", text).Span = token.Span(s.last).After()
	default:
		if d := mistake.SQLSpelling(t, s.last); d != nil {
			s.fail(t, "P111", "").With("")
			s.err.D = d
			return
		}
		if s.last.Type != token.Punct && t.Type != token.Punct && (after == "(" || after == "[") {
			s.fail(t, "P112", "a comma is missing between two values").With("add `,` before this")
			return
		}
		d := s.fail(t, "P102", "expected `%s`, found `%s`", text, mistake.Shown(t))
		if text == "{" {
			d.WithHelp("write `if c { a } else { b }`")
		}
	}
}
