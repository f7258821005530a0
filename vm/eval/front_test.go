package eval

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/parser"

	"pipec/compiler/plan"
	"pipec/vm/fn"
	"pipec/vm/value"
)

// front is a small checker for tests: it types expressions over a schema well enough to write them as text here. The language's own is in compiler.
type front struct {
	schema    value.Schema
	durations map[string]int64
	elems     []value.Type
	lets      []named
}

type named struct {
	name string
	t    value.Type
}

var duration = regexp.MustCompile(`\b([0-9]+(us|ms|s|m|h|d))+\b`)

// parse gives the typed expression of a text.
func parse(text string, schema value.Schema) (e *plan.Expr, err error) {
	f := &front{schema: schema, durations: map[string]int64{}}
	config := conf.CreateNew()
	for _, name := range fn.Names() {
		config.Functions[name] = &builtin.Function{Name: name}
	}
	parts := strings.Split(text, `"`)
	for i := 0; i < len(parts); i += 2 { // outside of strings
		parts[i] = duration.ReplaceAllStringFunc(parts[i], func(lit string) string {
			name := fmt.Sprintf("duration_%d", len(f.durations))
			if strings.HasSuffix(lit, "d") {
				f.durations[name] = value.Day // the only one that time does not know; tests use 1d
				return name
			}
			d, _ := time.ParseDuration(lit)
			f.durations[name] = d.Microseconds()
			return name
		})
	}
	tree, err := parser.ParseWithConfig(strings.Join(parts, `"`), config)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: %v", text, r)
		}
	}()
	return f.expr(tree.Node), nil
}

func mustParse(t testing.TB, text string, schema value.Schema) *plan.Expr {
	t.Helper()
	e, err := parse(text, schema)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return e
}

func literalOf(l plan.Literal, t value.Type) *plan.Expr {
	return &plan.Expr{Op: plan.OpLiteral, Type: t, Lit: &l}
}

func intOf(n int64) *plan.Expr {
	return literalOf(plan.Literal{Kind: value.Int, Int: n}, value.Of(value.Int))
}

func (f *front) expr(n ast.Node) *plan.Expr {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return intOf(int64(n.Value))
	case *ast.FloatNode:
		return literalOf(plan.Literal{Kind: value.Float, Float: n.Value}, value.Of(value.Float))
	case *ast.BoolNode:
		return literalOf(plan.Literal{Kind: value.Bool, Bool: n.Value}, value.Of(value.Bool))
	case *ast.StringNode:
		return literalOf(plan.Literal{Kind: value.String, Text: n.Value}, value.Of(value.String))
	case *ast.NilNode:
		return f.null()
	case *ast.IdentifierNode:
		return f.name(n.Value)
	case *ast.UnaryNode:
		return f.unary(n)
	case *ast.BinaryNode:
		return f.binary(n)
	case *ast.ConditionalNode:
		c, a, b := f.expr(n.Cond), f.expr(n.Exp1), f.expr(n.Exp2)
		a, b = f.same(a, b)
		t := a.Type
		t.Nullable = t.Nullable || b.Type.Nullable
		if a.Type.Kind == value.Null {
			t = b.Type.Null()
		}
		return &plan.Expr{Op: plan.OpIf, Type: t, Args: []*plan.Expr{c, a, b}}
	case *ast.ArrayNode:
		return f.array(n)
	case *ast.MapNode:
		return f.record(n)
	case *ast.MemberNode:
		return f.member(n)
	case *ast.ChainNode:
		return f.expr(n.Node)
	case *ast.SliceNode:
		return f.slice(n)
	case *ast.CallNode:
		return f.call(n.Callee.(*ast.IdentifierNode).Value, n.Arguments)
	case *ast.BuiltinNode:
		return f.each(n)
	case *ast.PredicateNode:
		return f.expr(n.Node)
	case *ast.PointerNode:
		return &plan.Expr{Op: plan.OpElem, Type: f.elems[len(f.elems)-1]}
	case *ast.VariableDeclaratorNode:
		v := f.expr(n.Value)
		f.lets = append(f.lets, named{n.Name, v.Type})
		body := f.expr(n.Expr)
		f.lets = f.lets[:len(f.lets)-1]
		return &plan.Expr{Op: plan.OpLet, Type: body.Type, Args: []*plan.Expr{v, body}}
	}
	panic(fmt.Sprintf("no %T here", n))
}

func (f *front) null() *plan.Expr {
	return literalOf(plan.Literal{Kind: value.Null}, value.Of(value.Null).Null())
}

func (f *front) name(name string) *plan.Expr {
	if name == "null" {
		return f.null()
	}
	if d, ok := f.durations[name]; ok {
		return literalOf(plan.Literal{Kind: value.Duration, Int: d}, value.Of(value.Duration))
	}
	for i := len(f.lets) - 1; i >= 0; i-- {
		if f.lets[i].name == name {
			return &plan.Expr{Op: plan.OpVar, Col: i, Type: f.lets[i].t}
		}
	}
	i := f.schema.Index(name)
	if i < 0 {
		panic("no column " + name)
	}
	return plan.Column(i, f.schema.Fields[i].Type)
}

func (f *front) unary(n *ast.UnaryNode) *plan.Expr {
	a := f.expr(n.Node)
	switch n.Operator {
	case "not", "!":
		return &plan.Expr{Op: plan.OpNot, Type: value.Type{Kind: value.Bool, Nullable: a.Type.Nullable}, Args: []*plan.Expr{a}}
	case "-":
		return &plan.Expr{Op: plan.OpNeg, Type: a.Type, Args: []*plan.Expr{a}}
	}
	return a
}

var boolOps = map[string]plan.Op{"and": plan.OpAnd, "&&": plan.OpAnd, "or": plan.OpOr, "||": plan.OpOr, "==": plan.OpEq, "!=": plan.OpNe, "<": plan.OpLt, "<=": plan.OpLe,
	">": plan.OpGt, ">=": plan.OpGe, "contains": plan.OpContains, "startsWith": plan.OpStarts, "endsWith": plan.OpEnds, "matches": plan.OpMatches}

func (f *front) binary(n *ast.BinaryNode) *plan.Expr {
	if n.Operator == "in" {
		return f.in(n)
	}
	a, b := f.expr(n.Left), f.expr(n.Right)
	nullable := a.Type.Nullable || b.Type.Nullable
	if n.Operator == "??" {
		a, b = f.same(a, b)
		t := a.Type
		t.Nullable = b.Type.Nullable
		if a.Type.Kind == value.Null {
			t = b.Type
		}
		return &plan.Expr{Op: plan.OpCoalesce, Type: t, Args: []*plan.Expr{a, b}}
	}
	if op, ok := boolOps[n.Operator]; ok {
		a, b = f.same(a, b)
		t := value.Of(value.Bool)
		t.Nullable = nullable && op != plan.OpEq && op != plan.OpNe
		return &plan.Expr{Op: op, Type: t, Args: []*plan.Expr{a, b}}
	}
	t := resultType(plan.Op(n.Operator), a.Type, b.Type)
	if t.Kind == value.Float && a.Type.Numeric() && b.Type.Numeric() {
		a, b = convertTo(a, value.Of(value.Float)), convertTo(b, value.Of(value.Float))
	}
	t.Nullable = nullable
	return &plan.Expr{Op: plan.Op(n.Operator), Type: t, Args: []*plan.Expr{a, b}}
}

// resultType is the type of an arithmetic operation.
func resultType(op plan.Op, a, b value.Type) value.Type {
	at, span := value.Timestamp, value.Duration
	switch {
	case a.Kind == value.Null:
		return b
	case b.Kind == value.Null:
		return a
	case a.Kind == value.String:
		return value.Of(value.String)
	case a.Kind == at && b.Kind == at:
		return value.Of(span)
	case a.Kind == at || b.Kind == at:
		return value.Of(at)
	case a.Kind == span && b.Kind == span && op == plan.OpDiv:
		return value.Of(value.Float)
	case a.Kind == span || b.Kind == span:
		return value.Of(span)
	case a.Kind == value.Decimal || b.Kind == value.Decimal:
		return map[plan.Op]func(a, b value.Type) value.Type{plan.OpAdd: value.AddType, plan.OpSub: value.SubType, plan.OpMul: value.MulType, plan.OpDiv: value.DivType, plan.OpMod: value.ModType}[op](a, b)
	case a.Kind == value.Float || b.Kind == value.Float || op == plan.OpDiv || op == plan.OpPow:
		return value.Of(value.Float)
	}
	return value.Of(value.Int)
}

// same converts both to one number type.
func (f *front) same(a, b *plan.Expr) (*plan.Expr, *plan.Expr) {
	if !a.Type.Numeric() || !b.Type.Numeric() || a.Type.Same(b.Type) {
		return a, b
	}
	to := value.Of(value.Float)
	if a.Type.Kind != value.Float && b.Type.Kind != value.Float {
		to = value.UnionType(a.Type, b.Type).NotNull()
	}
	return convertTo(a, to), convertTo(b, to)
}

func convertTo(e *plan.Expr, t value.Type) *plan.Expr {
	if e.Type.Same(t) || e.Type.Kind == value.Null {
		return e
	}
	t.Nullable = e.Type.Nullable
	return &plan.Expr{Op: plan.OpConvert, Type: t, Args: []*plan.Expr{e}}
}

func (f *front) in(n *ast.BinaryNode) *plan.Expr {
	x := f.expr(n.Left)
	if r, ok := n.Right.(*ast.BinaryNode); ok && r.Operator == ".." {
		low, high := f.expr(r.Left), f.expr(r.Right)
		t := value.Of(value.Bool)
		t.Nullable = x.Type.Nullable || low.Type.Nullable || high.Type.Nullable
		return &plan.Expr{Op: plan.OpBetween, Type: t, Args: []*plan.Expr{x, low, high}}
	}
	xs := f.expr(n.Right)
	t := value.Of(value.Bool)
	t.Nullable = x.Type.Nullable || xs.Type.Nullable
	return &plan.Expr{Op: plan.OpIn, Type: t, Args: []*plan.Expr{x, xs}}
}

func (f *front) array(n *ast.ArrayNode) *plan.Expr {
	args := make([]*plan.Expr, len(n.Nodes))
	elem := value.Of(value.Null)
	for i, a := range n.Nodes {
		args[i] = f.expr(a)
		if elem.Kind == value.Null {
			elem = args[i].Type
		} else {
			x, _ := f.same(&plan.Expr{Op: plan.OpColumn, Type: elem}, args[i])
			elem = x.Type
		}
	}
	for i := range args {
		elem.Nullable = elem.Nullable || args[i].Type.Nullable
		if elem.Numeric() {
			args[i] = convertTo(args[i], elem)
		}
	}
	return &plan.Expr{Op: plan.OpList, Type: value.ListOf(elem), Args: args}
}

func (f *front) record(n *ast.MapNode) *plan.Expr {
	e := &plan.Expr{Op: plan.OpRecord, Type: value.Of(value.Record)}
	for _, p := range n.Pairs {
		pair := p.(*ast.PairNode)
		a := f.expr(pair.Value)
		e.Args = append(e.Args, a)
		e.Type.Fields = append(e.Type.Fields, value.Field{Name: pair.Key.(*ast.StringNode).Value, Type: a.Type})
	}
	return e
}

func (f *front) member(n *ast.MemberNode) *plan.Expr {
	x := f.expr(n.Node)
	if x.Type.Kind == value.Record {
		name := n.Property.(*ast.StringNode).Value
		t := x.Type.Fields[value.Schema{Fields: x.Type.Fields}.Index(name)].Type
		t.Nullable = t.Nullable || x.Type.Nullable
		return &plan.Expr{Op: plan.OpField, Name: name, Type: t, Args: []*plan.Expr{x}}
	}
	return &plan.Expr{Op: plan.OpIndex, Type: x.Type.Elem.Null(), Args: []*plan.Expr{x, f.expr(n.Property)}}
}

func (f *front) slice(n *ast.SliceNode) *plan.Expr {
	x := f.expr(n.Node)
	from, to := intOf(0), intOf(1<<31)
	if n.From != nil {
		from = f.expr(n.From)
	}
	if n.To != nil {
		to = f.expr(n.To)
	}
	t := x.Type
	t.Nullable = t.Nullable || from.Type.Nullable || to.Type.Nullable
	return &plan.Expr{Op: plan.OpSlice, Type: t, Args: []*plan.Expr{x, from, to}}
}

func (f *front) call(name string, nodes []ast.Node) *plan.Expr {
	spec, ok := fn.Lookup(name)
	if !ok {
		panic("no function " + name)
	}
	e := &plan.Expr{Op: plan.OpCall, Name: name}
	var types []value.Type
	var lits []*plan.Literal
	for _, n := range nodes {
		a := f.expr(n)
		if folded, err := Fold(a); err == nil {
			a = folded
		}
		e.Args, types, lits = append(e.Args, a), append(types, a.Type), append(lits, a.Lit)
	}
	t, err := spec.TypeOf(types, lits)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", name, err))
	}
	if e.Type = t; spec.Convert != nil {
		for i, to := range spec.Convert(types) {
			e.Args[i] = convertTo(e.Args[i], to)
		}
	}
	return e
}

func (f *front) each(n *ast.BuiltinNode) *plan.Expr {
	list := f.expr(n.Arguments[0])
	e := &plan.Expr{Op: plan.OpEach, Name: n.Name, Args: []*plan.Expr{list}, Type: value.Of(value.Bool)}
	body := &plan.Expr{Type: *list.Type.Elem}
	if len(n.Arguments) > 1 {
		f.elems = append(f.elems, *list.Type.Elem)
		body = f.expr(n.Arguments[1])
		f.elems = f.elems[:len(f.elems)-1]
		e.Args = append(e.Args, body)
	}
	switch n.Name {
	case "map":
		e.Type = value.ListOf(body.Type)
	case "filter":
		e.Type = list.Type.NotNull()
	case "count":
		e.Type = value.Of(value.Int)
	case "sum":
		e.Type = body.Type.NotNull()
	}
	e.Type.Nullable = list.Type.Nullable
	return e
}
