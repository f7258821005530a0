package grammar

import (
	"errors"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"pipec/grammar/diag"
	"pipec/grammar/extent"
	"pipec/grammar/token"
)

// Expr is an expression. Node is the tree of expr's parser alone: nothing is checked, typed or optimised. In it
//
//   - every call of a function is an *ast.CallNode of an *ast.IdentifierNode, also `count()` and `sum(x)`; only calls with a
//     closure (`map`, `filter`, `any`, `all`, ...) are an *ast.BuiltinNode;
//   - `null` is an *ast.IdentifierNode; `true` and `false` are an *ast.BoolNode;
//   - a duration or a size is an *ast.IdentifierNode whose name is a key of Literals ("$0", "$1", ...: no name of a file);
//   - an *ast.FloatNode has lost digits: NumberText has them.
//
// Of a broken expression Node is nil, and an error has been reported.
type Expr struct {
	Place
	Text     string // one line: as written, but for line breaks, comments and repeated blanks
	Broken   bool
	Node     ast.Node
	Literals map[string]Literal

	starts []int // rune offset of each token in what the expr parser read
}

// Word is the name, if the expression is one bare name and not a literal; else it is empty.
func (e *Expr) Word() string {
	if e == nil || len(e.Tokens) != 1 || e.Tokens[0].Type != token.Ident {
		return ""
	}
	return e.Tokens[0].Value
}

// Literal is the duration or size that a node stands for.
func (e *Expr) Literal(n ast.Node) (Literal, bool) {
	id, ok := n.(*ast.IdentifierNode)
	if !ok {
		return Literal{}, false
	}
	l, ok := e.Literals[id.Value]
	return l, ok
}

// NumberText is a number as written, without underscores: all digits of a decimal.
func (e *Expr) NumberText(n ast.Node) string {
	return strings.ReplaceAll(e.Tokens[e.tokenAt(n.Location().From)].Value, "_", "")
}

// StringAt is the text literal at a node, for its interpolated parts; nil if there is none.
func (e *Expr) StringAt(n ast.Node) *String {
	if _, ok := n.(*ast.StringNode); !ok {
		return nil
	}
	i := e.tokenAt(n.Location().From)
	t := e.Tokens[i]
	if t.Type != token.String && t.Type != token.Raw {
		return nil
	}
	return &String{Place: Place{Tokens: e.Tokens[i : i+1]}, Source: t.Value}
}

// PointOf is the one token that a node is built around: the operator, the name of a function or field, a literal.
func (e *Expr) PointOf(n ast.Node) diag.Span {
	switch n.(type) {
	case nil:
		return e.Span()
	case *ast.ConditionalNode:
		return e.SpanOf(n)
	}
	return token.Span(e.Tokens[e.tokenAt(n.Location().From)])
}

// SpanOf is the whole text of a node, with the brackets that belong to it.
func (e *Expr) SpanOf(n ast.Node) diag.Span {
	if n == nil || len(e.starts) == 0 {
		return e.Span()
	}
	r := tokenRange{first: len(e.Tokens), last: -1}
	e.cover(n, &r)
	if r.last < r.first {
		return e.Span()
	}
	e.balance(&r)
	return token.Span(e.Tokens[r.first]).To(token.Span(e.Tokens[r.last]))
}

// tokenRange is a part of an expression, both ends included.
type tokenRange struct{ first, last int }

func (r *tokenRange) add(i int) {
	r.first, r.last = min(r.first, i), max(r.last, i)
}

// tokenAt is the index of the token at a rune offset.
func (e *Expr) tokenAt(offset int) int {
	return max(0, sort.SearchInts(e.starts, offset+1)-1)
}

// cover widens r to the tokens of a node and all below it. expr places a binary node at its operator, a call at its name and a
// conditional nowhere, so the places of the children count.
func (e *Expr) cover(n ast.Node, r *tokenRange) {
	conditional, _ := n.(*ast.ConditionalNode)
	if conditional == nil {
		r.add(e.tokenAt(n.Location().From))
	}
	switch n := n.(type) {
	case *ast.CallNode:
		e.coverCall(r)
	case *ast.BuiltinNode:
		e.coverCall(r)
	case *ast.PairNode: // expr places it at the brace of its map
		*r = tokenRange{first: len(e.Tokens), last: -1}
		e.cover(n.Key, r)
		e.cover(n.Value, r)
		return
	}
	for _, child := range children(n) {
		inner := tokenRange{first: len(e.Tokens), last: -1}
		e.cover(child, &inner)
		r.add(inner.first)
		r.add(inner.last)
	}
	if conditional != nil && !conditional.Ternary {
		for r.first > 0 && e.Tokens[r.first].Value != "if" {
			r.first--
		}
	}
	if v, ok := n.(*ast.VariableDeclaratorNode); ok && v != nil && r.first > 0 {
		r.first-- // `let`
	}
}

// coverCall adds the opening bracket behind the name, so that balance finds the closing one.
func (e *Expr) coverCall(r *tokenRange) {
	if next := r.last + 1; next < len(e.Tokens) && e.Tokens[next].Value == "(" {
		r.add(next)
	}
}

// children are the nodes directly below n, in the order of the text.
func children(n ast.Node) []ast.Node {
	var c []ast.Node
	switch n := n.(type) {
	case *ast.UnaryNode:
		c = []ast.Node{n.Node}
	case *ast.BinaryNode:
		c = []ast.Node{n.Left, n.Right}
	case *ast.ChainNode:
		c = []ast.Node{n.Node}
	case *ast.MemberNode:
		c = []ast.Node{n.Node, n.Property}
	case *ast.SliceNode:
		c = []ast.Node{n.Node, n.From, n.To}
	case *ast.CallNode:
		c = append([]ast.Node{n.Callee}, n.Arguments...)
	case *ast.BuiltinNode:
		c = n.Arguments
	case *ast.PredicateNode:
		c = []ast.Node{n.Node}
	case *ast.ConditionalNode:
		c = []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.VariableDeclaratorNode:
		c = []ast.Node{n.Value, n.Expr}
	case *ast.SequenceNode:
		c = n.Nodes
	case *ast.ArrayNode:
		c = n.Nodes
	case *ast.MapNode:
		c = n.Pairs
	}
	present := c[:0:len(c)]
	for _, child := range c {
		if child != nil {
			present = append(present, child)
		}
	}
	return present
}

// balance widens r until every bracket in it has its partner.
func (e *Expr) balance(r *tokenRange) {
	depth, lowest := 0, 0
	for _, t := range e.Tokens[r.first : r.last+1] {
		depth += token.BracketStep(t)
		lowest = min(lowest, depth)
	}
	for missing := -lowest; missing > 0 && r.first > 0; {
		r.first--
		missing -= token.BracketStep(e.Tokens[r.first])
	}
	for open := depth - lowest; open > 0 && r.last+1 < len(e.Tokens); {
		r.last++
		open += token.BracketStep(e.Tokens[r.last])
	}
}

// closures are the calls whose argument is a closure; expr's parser must read them itself.
var closures = map[string]bool{
	"all": true, "none": true, "any": true, "one": true, "filter": true, "map": true, "find": true, "findIndex": true,
	"findLast": true, "findLastIndex": true, "groupBy": true, "sortBy": true, "reduce": true,
}

// exprConfig makes expr's parser give a CallNode for everything but closures. A Config holds a cache, so each expression has one.
func exprConfig() *conf.Config {
	return &conf.Config{Disabled: plainCalls, Functions: plainFunctions}
}

var (
	plainCalls     = map[string]bool{}
	plainFunctions = conf.FunctionsTable{"count": nil, "sum": nil}
)

func init() {
	for _, name := range builtin.Names {
		plainCalls[name] = !closures[name]
	}
}

// Parse reads one expression: it implements participle.Parseable.
func (e *Expr) Parse(lex *lexer.PeekingLexer) error {
	start := lex.RawCursor()
	first := lex.Peek()
	if first.EOF() || first.Value == "|>" {
		return participle.NextMatch
	}
	if first.Type == token.BrokenExpr {
		lex.Next()
		e.Tokens, e.Broken = lex.Range(start, lex.RawCursor()), true
		return nil
	}
	if err := extent.Find(lex); err != nil {
		return err
	}
	e.Tokens = lex.Range(start, lex.RawCursor())
	return e.parse(int(start))
}

// parse fills the expression from its tokens.
func (e *Expr) parse(start int) error {
	var text, hole strings.Builder
	runes := 0
	e.starts = make([]int, len(e.Tokens))
	for i, t := range e.Tokens {
		if i > 0 {
			hole.WriteByte(' ')
			runes++
			if before := e.Tokens[i-1]; before.Pos.Offset+len(before.Value) != t.Pos.Offset {
				text.WriteByte(' ')
			}
		}
		text.WriteString(t.Value)
		e.starts[i] = runes
		e.Broken = e.Broken || t.Type == token.Bad
		value := e.spell(t)
		hole.WriteString(value)
		runes += utf8.RuneCountInString(value)
	}
	e.Text = text.String()
	if e.Broken {
		return nil
	}
	tree, err := parser.ParseWithConfig(hole.String(), exprConfig())
	if err == nil {
		e.Node = tree.Node
		return nil
	}
	at, message := len(e.Tokens)-1, "this is not an expression"
	var located *file.Error
	if errors.As(err, &located) {
		at, message = e.tokenAt(located.From), exprMessage(located.Message)
	}
	return &extent.Error{Start: start, At: start + at, D: diag.New(diag.Error, "P102", token.Span(e.Tokens[at]), "%s", message)}
}

// spell is a token as expr's lexer shall read it.
func (e *Expr) spell(t lexer.Token) string {
	switch t.Type {
	case token.Duration, token.Size:
		if e.Literals == nil {
			e.Literals = map[string]Literal{}
		}
		kind := Duration
		if t.Type == token.Size {
			kind = Size
		}
		value, _ := token.Value(t)
		name := "$" + strconv.Itoa(len(e.Literals))
		e.Literals[name] = Literal{Kind: kind, Text: t.Value, Value: value, Span: token.Span(t)}
		return name
	case token.String:
		if strings.Contains(t.Value, `\`) { // expr has other escapes
			s := String{Source: t.Value}
			return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s.Value()) + `"`
		}
	}
	return t.Value
}

// exprMessage turns what expr's parser says to programmers into what is said to authors.
func exprMessage(message string) string {
	switch {
	case strings.Contains(message, "cannot be mixed"):
		return "`??` beside another operator needs parentheses"
	case strings.Contains(message, "expected at least"):
		return "a value is missing in this call"
	case strings.Contains(message, `Operator("#")`):
		return "`#` has a meaning only in the closure of a call such as `any(items, # > 1)`"
	case strings.Contains(message, `Operator(".")`):
		return "a field without a value before it has a meaning only in a closure"
	case strings.Contains(message, "wrap predicate"):
		return "a closure with `;` needs braces"
	}
	return "this is not an expression"
}
