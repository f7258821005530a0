package check

import (
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"pipec/compiler/plan"
	"pipec/grammar/diag"
	"pipec/vm/value"
)

// Three rules stand behind everything in this file.
//
// What null is: arithmetic gives null for null (lifted). `and`, `or`, `not` and conditions refuse it (isBool), because a third truth value is where rows are
// lost silently: in SQL `where discount < 0.1` drops the rows without a discount, and so does its negation.
//
// What fails: everything that can overflow, divide by zero or leave the range of its type is a row error at run time, never a wrapped number. So the type
// of a result does not depend on whether its values will fit, and decimals may be as wide as they are declared.
//
// What proves something: see facts in val.go. A condition carries what it proves upwards; the operator that knows where its operands are evaluated
// spends it.

var (
	boolean  = value.Of(value.Bool)
	float    = value.Of(value.Float)
	duration = value.Of(value.Duration)
	instant  = value.Of(value.Timestamp)
)

// unary reads `not x`, `-x` and `+x`.
func (r *run) unary(n *ast.UnaryNode) val {
	v := r.check(n.Node)
	if n.Operator == "not" || n.Operator == "!" {
		return r.negate(n, v)
	}
	if v.unknown() {
		return v
	}
	if !v.Type.Numeric() && v.Type.Kind != value.Duration {
		r.errorf("T301", r.e.SpanOf(n), "`%s` needs a number or a duration, but this is %s", n.Operator, v.Type.Article())
		return r.unknown()
	}
	if n.Operator == "+" {
		return v
	}
	if v.Op == plan.OpLiteral && v.Lit.Kind != value.Null {
		l := *v.Lit
		switch v.Type.Kind {
		case value.Float:
			l.Float = -l.Float
		case value.Decimal:
			d := dec(&l).Neg()
			l.Int, l.Hi = int64(d.Lo), d.Hi
		default:
			l.Int = -l.Int
		}
		return val{Expr: &plan.Expr{Op: plan.OpLiteral, Type: v.Type, Lit: &l, Span: r.e.SpanOf(n)}, free: v.free}
	}
	return val{Expr: r.make(plan.OpNeg, v.Type, n, v.Expr), free: v.free, why: v.nullName()}
}

func (r *run) negate(n *ast.UnaryNode, v val) val {
	if v.unknown() {
		return val{Expr: r.make(plan.OpNot, boolean, n, v.Expr)}
	}
	if v.Type.Kind != value.Bool {
		r.errorf("T302", r.e.SpanOf(n), "`not` needs a bool, but this is %s", v.Type.Article()).
			WithHelp("`not` binds tighter than comparisons: write `not (a == b)`, `a != b` or `a not in b`")
		return r.unknown()
	}
	if b, ok := n.Node.(*ast.BinaryNode); ok && (b.Operator == "in" || isTextOperator(b.Operator)) {
		// `x not in xs` reaches us as not (x in xs). People write it as one operator, so null is not refused between the two halves.
		// In a condition it is refused there (T312), with the whole of `x not in xs` as its span.
		t, why := lifted(boolean, v) // `x not in xs`: expr wraps it, and null stays null
		return val{Expr: r.make(plan.OpNot, t, n, v.Expr), yes: v.no, no: v.yes, why: why}
	}
	if !r.isBool(v, r.e.SpanOf(n.Node)) {
		return r.unknown()
	}
	return val{Expr: r.make(plan.OpNot, boolean, n, v.Expr), yes: v.no, no: v.yes}
}

// isBool says whether v can be a condition, and reports T303 or T312 if not.
func (r *run) isBool(v val, span diag.Span) bool {
	switch {
	case v.unknown():
		return true
	case v.Type.Kind != value.Bool:
		r.errorf("T303", span, "a condition must be true or false, but this is %s", v.Type.Article()).
			WithHelp("%s", conditionHelp(v.Type))
		return false
	case v.Type.Nullable:
		name := v.nullName()
		if name == "" {
			name = "a part of it"
		} else {
			name = "`" + name + "`"
		}
		d := r.errorf("T312", span, "this condition is null when %s is null", name).With("neither true nor false")
		if plain := v.nullName(); plain != "" {
			d.WithHelp("say what a missing value means: `(%s ?? %s)`, or filter first: `|> where %s != null`", plain, r.missing(plain), plain)
		}
		return false
	}
	return true
}

// missing is a value for the missing ones of a column, for help texts.
func (r *run) missing(path string) string {
	if i := r.s.Schema.Index(path); i >= 0 {
		return sample(r.s.Schema.Fields[i].Type)
	}
	return "..."
}

func conditionHelp(t value.Type) string {
	switch t.Kind {
	case value.Int, value.Float, value.Decimal:
		return "compare it: `x != 0`"
	case value.String:
		return "compare it: `x == \"...\"`"
	}
	return "compare it with something"
}

// binary reads an operator between two values.
func (r *run) binary(n *ast.BinaryNode) val {
	switch n.Operator {
	case "and", "&&", "or", "||":
		return r.logic(n)
	case "==", "!=":
		return r.equality(n)
	case "<", "<=", ">", ">=":
		return r.order(n)
	case "in":
		return r.in(n)
	case "??":
		return r.coalesce(n)
	case "..":
		r.errorf("T301", r.e.SpanOf(n), "a range stands behind `in` only").WithHelp("write `x in 1..5`")
		return r.unknown()
	}
	if isTextOperator(n.Operator) {
		return r.textOperator(n)
	}
	a, b := r.check(n.Left), r.check(n.Right)
	if a.unknown() || b.unknown() {
		return r.unknown()
	}
	if v, ok := r.arithmetic(n, a, b); ok {
		return v
	}
	r.errorf("T301", r.e.SpanOf(n), "`%s` cannot combine %s and %s", n.Operator, a.Type.NotNull().Article(), b.Type.NotNull().Article()).
		WithHelp("%s", arithmeticHelp(n.Operator, a.Type, b.Type))
	return r.unknown()
}

// logic reads `and` and `or`; what the left side proves holds on the right.
func (r *run) logic(n *ast.BinaryNode) val {
	and := n.Operator == "and" || n.Operator == "&&"
	a := r.check(n.Left)
	// The right side of an `or` is evaluated only where the left one is false, that of an `and` where it is true.
	known := a.no
	if and {
		known = a.yes
	}
	// `x != null and x > 3`: the right side is evaluated only where the left one is true, so it knows what that proves.
	b := r.with(known, func() val { return r.check(n.Right) })
	okA, okB := r.isBool(a, r.e.SpanOf(n.Left)), r.isBool(b, r.e.SpanOf(n.Right))
	if !okA || !okB {
		return r.unknown()
	}
	if and {
		return val{Expr: r.make(plan.OpAnd, boolean, n, a.Expr, b.Expr), yes: union(a.yes, b.yes), no: both(a.no, b.no)}
	}
	// Where an `or` is true, one of the two was, and nobody knows which: only what both prove is proven.
	return val{Expr: r.make(plan.OpOr, boolean, n, a.Expr, b.Expr), yes: both(a.yes, b.yes), no: union(a.no, b.no)}
}

// arithmetic reads + - * / % **; false if the operator has no meaning for these types.
func (r *run) arithmetic(n *ast.BinaryNode, a, b val) (val, bool) {
	o := plan.Op(n.Operator)
	if n.Operator == "^" {
		o = plan.OpPow
	}
	if a.Type.Numeric() && b.Type.Numeric() {
		return r.numeric(n, o, a, b)
	}
	ka, kb := a.Type.Kind, b.Type.Kind
	t, ok := value.Type{}, true
	switch {
	// Only what has one obvious meaning: an instant plus a number, or a text plus a number, is a guess about units or forms, and is not made.
	case o == plan.OpAdd && ka == value.String && kb == value.String:
		t = value.Of(value.String)
	case o == plan.OpAdd && (ka == value.Timestamp && kb == value.Duration || ka == value.Duration && kb == value.Timestamp):
		t = instant
	case o == plan.OpSub && ka == value.Timestamp && kb == value.Duration:
		t = instant
	case o == plan.OpSub && ka == value.Timestamp && kb == value.Timestamp:
		t = duration
	case (o == plan.OpAdd || o == plan.OpSub || o == plan.OpMod) && ka == value.Duration && kb == value.Duration:
		t = duration
	case o == plan.OpMul && (ka == value.Duration && kb == value.Int || ka == value.Int && kb == value.Duration):
		t = duration
	case o == plan.OpDiv && ka == value.Duration && kb == value.Int:
		t = duration
	case o == plan.OpDiv && ka == value.Duration && kb == value.Duration:
		t = float
	default:
		ok = false
	}
	if !ok {
		return val{}, false
	}
	t, why := lifted(t, a, b)
	return val{Expr: r.make(o, t, n, a.Expr, b.Expr), why: why}, true
}

// numeric is arithmetic of numbers: ints widen, decimals and floats do not mix, literals adapt.
func (r *run) numeric(n *ast.BinaryNode, o plan.Op, a, b val) (val, bool) {
	free := a.free && b.free
	a, b, t, ok := common(a, b)
	if !ok {
		return val{}, false
	}
	x, y := a.Expr, b.Expr
	switch {
	// `7 / 2` is 3.5, as everybody expects who has not learned C; `div` is whole.
	case o == plan.OpPow, o == plan.OpDiv && t.Kind == value.Int:
		if t.Kind == value.Decimal && !free {
			return val{}, false
		}
		a, b = adapt(a, value.Float), adapt(b, value.Float)
		x, y, t, free = convert(a.Expr, float), convert(b.Expr, float), float, false
	case t.Kind != value.Decimal:
		x, y = convert(x, t.NotNull()), convert(y, t.NotNull())
	default:
		x, y, t = decimals(o, x, y)
	}
	t.Nullable = false
	t, why := lifted(t, a, b)
	return val{Expr: r.make(o, t, n, x, y), free: free, why: why}, true
}

// decimals gives the operands and the type of decimal arithmetic. Sums and remainders need one scale; products and quotients do not.
func decimals(o plan.Op, x, y *plan.Expr) (*plan.Expr, *plan.Expr, value.Type) {
	a, b := decimalOf(x), decimalOf(y)
	switch o {
	case plan.OpMul:
		return convert(x, a), convert(y, b), value.MulType(a, b)
	case plan.OpDiv:
		return convert(x, a), convert(y, b), value.DivType(a, b)
	}
	t := value.AddType(a, b)
	if o == plan.OpMod {
		t = value.ModType(a, b)
	}
	// One scale for both operands, as the lanes are added digit by digit; the result may have one digit more in front.
	u := value.UnionType(a, b).NotNull()
	return convert(x, u), convert(y, u), t
}

// decimalOf is the decimal type of a number; an int literal has no more digits than it needs.
func decimalOf(e *plan.Expr) value.Type {
	if e.Op == plan.OpLiteral && e.Type.Kind == value.Int {
		return value.LiteralDecimal(e.Lit.Int)
	}
	return e.Type.AsDecimal().NotNull()
}

func arithmeticHelp(o string, a, b value.Type) string {
	kinds := func(x, y value.Kind) bool { return a.Kind == x && b.Kind == y || a.Kind == y && b.Kind == x }
	switch {
	case o == "**" || o == "^":
		return "`**` works on floats: convert with `float(x)`"
	case kinds(value.Decimal, value.Float):
		return "convert one side: `float(x)` or `decimal(x)`"
	case o != "+" && kinds(value.Timestamp, value.String), kinds(value.Duration, value.String):
		return "a duration has no quotes: `5s`; a text becomes a time by `timestamp(x)`"
	case kinds(value.Timestamp, value.Int), kinds(value.Duration, value.Int):
		return "a bare number is no duration: give it a unit, as in `5s`, or multiply: `x * 1s`"
	case kinds(value.Duration, value.Float), kinds(value.Duration, value.Decimal):
		return "a duration is multiplied and divided by ints: `int(x)`"
	case o == "+" && (a.Kind == value.String || b.Kind == value.String):
		return "convert the other side: `string(x)`"
	case a.Kind == value.Null || b.Kind == value.Null:
		return "the result would always be null"
	case kinds(value.Timestamp, value.Timestamp):
		return "two instants can be subtracted, which gives a duration"
	}
	return "arithmetic works on numbers, durations and timestamps"
}

// coalesce reads `a ?? b`.
func (r *run) coalesce(n *ast.BinaryNode) val {
	a, b := r.check(n.Left), r.check(n.Right)
	if a.unknown() || b.unknown() {
		return r.unknown()
	}
	if a.null() {
		return b
	}
	// Of a variable of the environment it may well matter, on another machine: there it is no mistake.
	if !a.Type.Nullable {
		if !strings.HasPrefix(a.why, envPrefix) {
			r.warnf("T314", r.e.SpanOf(n.Right), "this can never matter: the value before `??` is never null")
		}
		return a
	}
	if b.Type.Kind == value.List && b.Type.Elem.Kind == value.Unknown && a.Type.Kind == value.List {
		b.Expr = convertEmpty(b.Expr, a.Type)
	}
	x, y, t, ok := common(a, b)
	if !ok {
		r.errorf("T304", r.e.SpanOf(n), "`??` gives %s or %s", a.Type.NotNull().Article(), b.Type.Article()).WithHelp("both sides must have one type")
		return r.unknown()
	}
	t.Nullable = b.Type.Nullable
	// A literal that may be null is null. The variable of the environment is known now, and its default takes its place for good.
	if a.Op == plan.OpLiteral { // env.X that is not set
		return b
	}
	v := val{Expr: r.make(plan.OpCoalesce, t, n, convert(x.Expr, t), convert(y.Expr, t)), why: b.nullName()}
	return v
}

func convertEmpty(e *plan.Expr, t value.Type) *plan.Expr {
	return &plan.Expr{Op: e.Op, Type: t.NotNull(), Args: e.Args, Span: e.Span}
}

// conditional reads `if c { a } else { b }` and `c ? a : b`.
func (r *run) conditional(n *ast.ConditionalNode) val {
	// Both branches are checked also where the condition is wrong, so that their mistakes come to light in the same run.
	cond := r.check(n.Cond)
	ok := r.isBool(cond, r.e.SpanOf(n.Cond))
	a := r.with(cond.yes, func() val { return r.check(n.Exp1) })
	b := r.with(cond.no, func() val { return r.check(n.Exp2) })
	if !ok || a.unknown() || b.unknown() {
		return r.unknown()
	}
	free := (a.free || a.null()) && (b.free || b.null())
	x, y, t, ok := common(a, b)
	if !ok {
		r.errorf("T304", r.e.SpanOf(n.Exp2), "the branches differ: this is %s, the first is %s", b.Type.Article(), a.Type.Article()).
			WithHelp("both branches of an `if` must have one type")
		return r.unknown()
	}
	if t.Kind == value.Null {
		r.errorf("T304", r.e.SpanOf(n), "both branches are null")
		return r.unknown()
	}
	_, why := lifted(t, a, b)
	return val{Expr: r.make(plan.OpIf, t, n, cond.Expr, convert(x.Expr, t), convert(y.Expr, t)), free: free, why: why,
		yes: both(a.yes, b.yes), no: both(a.no, b.no)}
}

// let reads `let x = e; body`.
func (r *run) let(n *ast.VariableDeclaratorNode) val {
	v := r.check(n.Value)
	if v.unknown() {
		r.bound = append(r.bound, binding{n.Name, v})
		body := r.check(n.Expr)
		r.bound = r.bound[:len(r.bound)-1]
		if body.unknown() {
			return body
		}
		return r.unknown()
	}
	return r.bind(n.Name, v, n, func() val { return r.check(n.Expr) })
}

// bind evaluates v once and gives it a name in what f checks.
func (r *run) bind(name string, v val, n ast.Node, f func() val) val {
	// A `let` is addressed by its depth: OpVar 0 is the outermost. The path `$let0` is no name that a user can write, so what is known about it can never
	// be mistaken for something known about a column.
	read := &plan.Expr{Op: plan.OpVar, Col: r.lets, Type: v.Type, Span: v.Span}
	r.bound = append(r.bound, binding{name, val{Expr: read, path: "$let" + strconv.Itoa(r.lets), why: v.nullName()}})
	r.lets++
	body := f()
	r.lets--
	r.bound = r.bound[:len(r.bound)-1]
	if body.unknown() {
		return body
	}
	out := body
	out.Expr = r.make(plan.OpLet, body.Type, n, v.Expr, body.Expr)
	out.free, out.path = false, ""
	return out
}

// list reads `[a, b]`.
func (r *run) list(n *ast.ArrayNode) val {
	// The type grows from element to element: [1, 2.5] is a list of decimals. An empty list stays a list of Unknown until something says what it holds.
	elem := val{Expr: &plan.Expr{Op: plan.OpLiteral, Type: value.Of(value.Unknown)}}
	items := make([]val, len(n.Nodes))
	for i, node := range n.Nodes {
		items[i] = r.check(node)
		if items[i].unknown() {
			return r.unknown()
		}
		if i == 0 {
			elem = items[i]
			continue
		}
		x, _, t, ok := common(elem, items[i])
		if !ok {
			r.errorf("T304", r.e.SpanOf(node), "this is %s, but the elements before are %s", items[i].Type.Article(), elem.Type.Article()).
				WithHelp("all elements of a list have one type")
			return r.unknown()
		}
		elem = x
		e := *x.Expr
		e.Type, elem.free = t, elem.free && items[i].free
		elem.Expr = &e
	}
	args := make([]*plan.Expr, len(items))
	for i, v := range items {
		args[i] = convert(adapt(v, elem.Type.Kind).Expr, elem.Type.NotNull())
	}
	return val{Expr: r.make(plan.OpList, value.ListOf(elem.Type), n, args...)}
}

// record reads `{ a: x, b: y }`.
func (r *run) record(n *ast.MapNode) val {
	t := value.Of(value.Record)
	var args []*plan.Expr
	for _, p := range n.Pairs {
		pair, ok := p.(*ast.PairNode)
		if !ok {
			return r.unknown()
		}
		key, ok := pair.Key.(*ast.StringNode)
		if !ok {
			r.errorf("T301", r.e.SpanOf(pair.Key), "the fields of a record have fixed names").WithHelp("write `{ name: value }`")
			return r.unknown()
		}
		v := r.check(pair.Value)
		if v.unknown() {
			return r.unknown()
		}
		if (value.Schema{Fields: t.Fields}).Index(key.Value) >= 0 {
			r.errorf("N209", r.e.SpanOf(pair.Key), "the field `%s` is there twice", key.Value)
			return r.unknown()
		}
		t.Fields = append(t.Fields, value.Field{Name: key.Value, Type: v.Type})
		args = append(args, v.Expr)
	}
	return val{Expr: r.make(plan.OpRecord, t, n, args...)}
}
