package grammar

import (
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
)

// Limits of one expression, far above what people write: expr's parser and all later passes recurse.
const (
	maxExprDepth  = 100  // brackets, closures and conditionals in each other
	maxExprTokens = 4000 // operands and operators
)

// Parse reads one expression: it implements participle.Parseable.
//
// An expression has no terminator. Operands and operators alternate, and it ends at the first token that cannot continue it.
func (e *Expr) Parse(lex *lexer.PeekingLexer) error {
	start := lex.RawCursor()
	first := lex.Peek()
	if first.EOF() || first.Value == "|>" {
		return participle.NextMatch
	}
	if first.Type == tokBrokenExpr {
		lex.Next()
		e.Tokens, e.Broken = lex.Range(start, lex.RawCursor()), true
		return nil
	}
	s := &exprScanner{lex: lex, start: int(start)}
	s.expression(0)
	if s.err != nil {
		return s.err
	}
	e.Tokens = lex.Range(start, lex.RawCursor())
	return e.parse(int(start))
}

// exprScanner finds the end of an expression. Its methods do nothing once err is set.
type exprScanner struct {
	lex   *lexer.PeekingLexer
	start int
	last  lexer.Token // the token before the next one
	count int
	err   *exprError
}

func (s *exprScanner) peek() *lexer.Token { return s.lex.Peek() }

// is reports whether the next token is that operator or word.
func (s *exprScanner) is(text string) bool {
	t := s.lex.Peek()
	return s.err == nil && t.Value == text && (t.Type == tokPunct || t.Type == tokWord || t.Type == tokIdent || t.Type == tokInserted)
}

// second is the token behind the next one.
func (s *exprScanner) second() lexer.Token {
	c := s.lex.MakeCheckpoint()
	s.lex.Next()
	t := *s.lex.Peek()
	s.lex.LoadCheckpoint(c)
	return t
}

func (s *exprScanner) take() {
	s.last = *s.lex.Next()
	if s.count++; s.count > maxExprTokens {
		s.fail(s.last, "P102", "this expression is too long").WithHelp("give its parts a name with `derive`, or write a `function`")
	}
}

// fail reports a mistake at t.
func (s *exprScanner) fail(t lexer.Token, code, message string, args ...any) *diag.Diagnostic {
	d := diag.New(diag.Error, code, tokenSpan(t), message, args...)
	if s.err == nil {
		s.err = &exprError{start: s.start, at: int(s.lex.RawCursor()), d: d}
	}
	return d
}

// expression reads operands and operators, and stops in front of what cannot continue.
func (s *exprScanner) expression(depth int) {
	if depth > maxExprDepth {
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

func (m *operatorMix) check(s *exprScanner) {
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
func (s *exprScanner) operand(depth int, mix *operatorMix) {
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
	case tokInt, tokNumber, tokDuration, tokSize, tokString, tokRaw, tokBad:
		s.take()
		return
	case tokIdent:
		s.name(t)
		return
	case tokWord:
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
		if next := s.peek(); next.Type == tokIdent && next.Pos.Offset == s.last.Pos.Offset+1 {
			s.take()
		}
	case s.is(".") && s.second().Type == tokIdent:
		s.take()
		s.take()
	default:
		s.noValue(t)
	}
}

// name reads a name, unless it is a word of SQL.
func (s *exprScanner) name(t lexer.Token) {
	next := s.second()
	switch {
	case strings.EqualFold(t.Value, "case") && (next.Type == tokIdent && strings.EqualFold(next.Value, "when")):
		s.fail(t, "P111", "`%s` is SQL spelling", t.Value).With("write `if c { a } else { b }`")
	case t.Value == "NOT" && (next.Type == tokIdent || next.Value == "("):
		s.fail(t, "P111", "`NOT` is SQL spelling").With("write `not`")
	case strings.EqualFold(t.Value, "distinct") && next.Type == tokIdent && s.last.Value == "(":
		s.fail(t, "P111", "`%s` is SQL spelling", t.Value).With("write `count_distinct(%s)`", next.Value)
	default:
		s.take()
	}
}

// noValue says that an operand is missing.
func (s *exprScanner) noValue(t lexer.Token) {
	switch {
	case t.Value == "nil":
		s.fail(t, "P111", "`nil` is written `null` here").With("write `null`")
	case s.last.Value != "" && (t.EOF() || t.Value == "|>" || t.Pos.Line > s.last.Pos.Line):
		d := s.fail(s.last, "P102", "a value is missing after `%s`", s.last.Value)
		d.Span = tokenSpan(s.last).After()
	case t.Value == "*" && s.last.Value == "(":
		s.fail(t, "P102", "expected a value, found `*`").WithHelp("to count rows, write `count()`")
	case t.Type == tokPunct && strings.Contains("([{,", s.last.Value) && strings.Contains(")]},", t.Value):
		s.fail(t, "P102", "expected a value, found `%s`", t.Value)
	default:
		s.fail(t, "P102", "expected a value, found `%s`", t.Value)
	}
}

// postfix reads a call, an index or a field behind a value.
func (s *exprScanner) postfix(depth int) bool {
	t := s.peek()
	switch {
	case s.is("(") && (s.last.Type == tokIdent):
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
		if next.Type != tokIdent && next.Type != tokWord {
			return t.Value == "?." && s.missingField()
		}
		s.take()
		s.take()
		s.last.Type = tokIdent // a field may be called: the checker explains that there are no methods
	default:
		return false
	}
	return true
}

func (s *exprScanner) missingField() bool {
	s.take()
	s.fail(*s.peek(), "P102", "expected the name of a field after `?.`")
	return false
}

// index reads what is between [ and ]: an index, or a slice with `:`.
func (s *exprScanner) index(depth int) {
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
func (s *exprScanner) list(closing, opening string, depth int) {
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
func (s *exprScanner) braces(depth int) {
	s.take()
	for s.err == nil && !s.is("}") {
		if key := s.peek().Type; s.second().Value == ":" && (key == tokIdent || key == tokString || key == tokInt || key == tokWord) {
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
func (s *exprScanner) let(depth int) {
	s.take()
	if s.peek().Type != tokIdent {
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
func (s *exprScanner) conditional(depth int) {
	for s.err == nil {
		s.take()
		s.expression(depth + 1)
		s.expect("{", "if")
		s.expression(depth + 1)
		s.expect("}", "{")
		if s.err == nil && !s.is("else") {
			s.fail(s.last, "P102", "an `if` in an expression needs an `else`").WithHelp("write `if c { a } else { b }`")
			s.err.d.Span = tokenSpan(s.last).After()
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
func (s *exprScanner) operator(mix *operatorMix) bool {
	t := *s.peek()
	switch {
	case t.Type != tokPunct && t.Type != tokWord && t.Type != tokInserted:
		return false
	case t.Value == "not":
		if next := s.second(); next.Type == tokWord && infix[next.Value] && next.Value != "and" && next.Value != "or" {
			mix.add(t)
			s.take()
			s.take()
			return true
		}
		return false
	case t.Value == "<>":
		s.fail(t, "P106", "`<>` is SQL spelling").With("write `!=`").WithFix(tokenSpan(t), "!=")
		return false
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
func (s *exprScanner) expect(text, after string) {
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
		s.fail(t, "P110", "`=` gives a name to a value; it does not compare").With("did you mean `==`?").WithFix(tokenSpan(t), "==")
	case t.EOF() || t.Value == "|>":
		s.fail(s.last, "P102", "`%s` is missing", text).Span = tokenSpan(s.last).After()
	default:
		if d := sqlSpelling(t, s.last); d != nil {
			s.fail(t, "P111", "").With("")
			s.err.d = d
			return
		}
		if s.last.Type != tokPunct && t.Type != tokPunct && (after == "(" || after == "[") {
			s.fail(t, "P112", "a comma is missing between two values").With("add `,` before this")
			return
		}
		s.fail(t, "P102", "expected `%s`, found `%s`", text, t.Value)
	}
}
