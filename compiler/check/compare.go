package check

import (
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"

	"pipec/compiler/plan"
	"pipec/grammar/diag"
	"pipec/vm/value"
)

// Comparing and null. `==` and `!=` are total: null equals null, and a value is different from null. That is what `where discount == null` needs, and how
// keys are compared: rows without a value are a group. `<` and its like have no order for null and give null, which a condition then refuses. So of
//
//	where discount != 0.1      rows without a discount pass: they are different from 0.1
//	where discount < 0.1       is an error until the program says what a missing discount means
//
// Comparing and enumerations. A column of "open" | "paid" that is compared with "payed" is an error here, and not a condition that is never true (T305).

// equality reads == and !=, for which null is a value like any other.
func (r *run) equality(n *ast.BinaryNode) val {
	a, b := r.check(n.Left), r.check(n.Right)
	o := plan.Op(n.Operator)
	if a.unknown() || b.unknown() {
		return val{Expr: r.make(o, boolean, n, a.Expr, b.Expr)}
	}
	if a.null() || b.null() {
		return r.nullTest(n, o, a, b)
	}
	x, y, ok := r.comparable(n, a, b)
	if !ok {
		return r.unknown()
	}
	v := val{Expr: r.make(o, boolean, n, x, y)}
	// null == null is true, so equality proves something only against a side that is never null.
	var proven []string // equal to what is never null
	if a.Type.Nullable != b.Type.Nullable {
		proven = union(prefixes(a.path), prefixes(b.path))
	}
	if o == plan.OpEq {
		v.yes = proven
	} else {
		v.no = proven
	}
	return v
}

// nullTest reads `x == null` and `x != null`.
func (r *run) nullTest(n *ast.BinaryNode, o plan.Op, a, b val) val {
	// The test never matters where the type says so; it is a warning and no error, because programs are changed from both ends.
	if a.null() {
		a, b = b, a
	}
	v := val{}
	switch {
	case a.null():
		r.warnf("T313", r.e.SpanOf(n), "this compares null with null")
		a = val{Expr: &plan.Expr{Op: plan.OpLiteral, Type: boolean.Null(), Lit: &plan.Literal{Kind: value.Null}}}
	case !a.Type.Nullable:
		r.warnf("T313", r.e.SpanOf(n), "this can never matter: %s is never null", r.called(a))
	}
	v.Expr = r.make(o, boolean, n, a.Expr, convert(b.Expr, a.Type))
	if o == plan.OpEq {
		v.no = prefixes(a.path)
	} else {
		v.yes = prefixes(a.path)
	}
	return v
}

// called is a value's path in quotes, or "this value".
func (r *run) called(v val) string {
	if v.path != "" && !strings.HasPrefix(v.path, "$") {
		return "`" + v.path + "`"
	}
	return "this value"
}

// comparable converts both sides of a comparison to one type, or reports T301 or T305.
func (r *run) comparable(n *ast.BinaryNode, a, b val) (x, y *plan.Expr, ok bool) {
	if !r.words(a, b, r.e.SpanOf(n.Right)) || !r.words(b, a, r.e.SpanOf(n.Left)) {
		return nil, nil, false
	}
	// Constants are slimmed for comparing only: `price > limit` with a parameter of 18 digits after the point must not widen the whole column.
	a, b, t, ok := common(slim(a), slim(b))
	if ok && !isScalar(t.Kind) {
		r.errorf("T301", r.e.SpanOf(n), "`%s` cannot compare %s", n.Operator, t.NotNull().Article()).
			WithHelp("numbers, texts, bools, timestamps and durations can be compared")
		return nil, nil, false
	}
	if !ok {
		r.errorf("T301", r.e.SpanOf(n), "`%s` cannot compare %s and %s", n.Operator, a.Type.NotNull().Article(), b.Type.NotNull().Article()).
			WithHelp("%s", compareHelp(a.Type, b.Type))
		return nil, nil, false
	}
	return convert(a.Expr, t.NotNull()), convert(b.Expr, t.NotNull()), true
}

// words reports a text that no value of the enumeration on the other side can be equal to (T305).
func (r *run) words(enum, text val, span diag.Span) bool {
	if len(enum.Type.Words) == 0 || text.Op != plan.OpLiteral || text.Type.Kind != value.String || enum.Op == plan.OpLiteral {
		return true
	}
	r.oneOf(text, enum.Type, span)
	return !r.failed
}

func isScalar(k value.Kind) bool {
	switch k {
	case value.List, value.Map, value.Record:
		return false
	}
	return true
}

func compareHelp(a, b value.Type) string {
	kinds := func(x, y value.Kind) bool { return a.Kind == x && b.Kind == y || a.Kind == y && b.Kind == x }
	switch {
	case kinds(value.Decimal, value.Float):
		return "convert one side: `float(x)` or `decimal(x)`"
	case kinds(value.Timestamp, value.String):
		return "convert the text: `timestamp(\"2026-01-31T00:00:00Z\")`"
	case kinds(value.Duration, value.Int):
		return "a bare number is no duration: give it a unit, as in `5s`"
	case a.Numeric() && b.Kind == value.String || b.Numeric() && a.Kind == value.String:
		return "convert one side: `int(x)`, `decimal(x)` or `string(x)`"
	case kinds(value.List, b.Kind) || kinds(a.Kind, value.List):
		return "to look into a list, write `x in list`"
	}
	return "both sides of a comparison have one type"
}

// order reads < <= > >=.
func (r *run) order(n *ast.BinaryNode) val {
	a, b := r.check(n.Left), r.check(n.Right)
	if a.unknown() || b.unknown() {
		return val{Expr: r.make(plan.Op(n.Operator), boolean, n, a.Expr, b.Expr)}
	}
	if a.null() || b.null() {
		r.errorf("T301", r.e.SpanOf(n), "`%s` cannot compare with null", n.Operator).WithHelp("test for it: `x == null` or `x != null`")
		return r.unknown()
	}
	if a.Type.Kind == value.Bool && b.Type.Kind == value.Bool {
		r.errorf("T301", r.e.SpanOf(n), "`%s` has no meaning for bools", n.Operator)
		return r.unknown()
	}
	x, y, ok := r.comparable(n, a, b)
	if !ok {
		return r.unknown()
	}
	t, why := lifted(boolean, a, b)
	// A comparison that is true had two values, so neither side was null.
	return val{Expr: r.make(plan.Op(n.Operator), t, n, x, y), why: why, yes: union(prefixes(a.path), prefixes(b.path))}
}

// in reads `x in [..]`, `x in list` and `x in a..b`.
func (r *run) in(n *ast.BinaryNode) val {
	if b, ok := n.Right.(*ast.BinaryNode); ok && b.Operator == ".." {
		return r.between(n, b)
	}
	x := r.check(n.Left)
	if items, ok := n.Right.(*ast.ArrayNode); ok && len(items.Nodes) > 0 {
		return r.inItems(n, x, items)
	}
	list := r.check(n.Right)
	if x.unknown() || list.unknown() {
		return val{Expr: r.make(plan.OpIn, boolean, n, x.Expr, list.Expr)}
	}
	if list.Type.Kind != value.List {
		d := r.errorf("T301", r.e.SpanOf(n.Right), "`in` needs a list or a range, but this is %s", list.Type.Article())
		if list.Type.Kind == value.String {
			d.WithHelp("to look into a text, write `text contains \"...\"`")
		}
		return r.unknown()
	}
	// Not a list that is written out but one of the row: its elements lie in one vector and are not converted, so what is looked for is.
	elem := val{Expr: &plan.Expr{Op: plan.OpElem, Type: list.Type.Elem.NotNull()}}
	y, _, t, ok := common(x, elem)
	if !ok || !t.NotNull().Same(elem.Type) && t.Kind != value.String {
		r.errorf("T301", r.e.SpanOf(n), "%s is never in a list of %s", x.Type.NotNull().Article(), elem.Type)
		return r.unknown()
	}
	t, why := lifted(boolean, x, list)
	return val{Expr: r.make(plan.OpIn, t, n, convert(y.Expr, elem.Type), list.Expr), why: why, yes: prefixes(x.path)}
}

// inItems reads `x in [a, b]`: the elements are converted to what x is compared as.
func (r *run) inItems(n *ast.BinaryNode, x val, list *ast.ArrayNode) val {
	items := make([]val, len(list.Nodes))
	bad := x.unknown()
	for i, node := range list.Nodes {
		items[i] = slim(r.check(node))
		bad = bad || items[i].unknown()
	}
	if bad {
		return val{Expr: r.make(plan.OpIn, boolean, n, x.Expr, r.unknown().Expr)}
	}
	for i, v := range items {
		span := r.e.SpanOf(list.Nodes[i])
		if !r.words(x, v, span) {
			return r.unknown()
		}
		a, _, t, ok := common(x, v)
		if !ok || !isScalar(t.Kind) {
			r.errorf("T301", span, "`in` cannot compare %s and %s", x.Type.NotNull().Article(), v.Type.NotNull().Article()).
				WithHelp("%s", compareHelp(x.Type, v.Type))
			return r.unknown()
		}
		e := *a.Expr
		x = a
		// Each element may ask for a wider type; x is converted once, to the widest, and all elements with it.
		if t.Kind != a.Type.Kind || t.Kind == value.Decimal {
			t.Nullable = a.Type.Nullable
			x.Expr = convert(&e, t)
		}
	}
	t := x.Type.NotNull()
	args := make([]*plan.Expr, len(items))
	for i, v := range items {
		args[i] = convert(adapt(v, t.Kind).Expr, t)
	}
	elems := &plan.Expr{Op: plan.OpList, Type: value.ListOf(t), Args: args, Span: r.e.SpanOf(list)}
	result, why := lifted(boolean, x)
	return val{Expr: r.make(plan.OpIn, result, n, x.Expr, elems), why: why, yes: prefixes(x.path)}
}

// between reads `x in a..b`, both ends included.
func (r *run) between(n, rng *ast.BinaryNode) val {
	x, a, b := r.check(n.Left), slim(r.check(rng.Left)), slim(r.check(rng.Right))
	if x.unknown() || a.unknown() || b.unknown() {
		return val{Expr: r.make(plan.OpBetween, boolean, n, x.Expr, a.Expr, b.Expr)}
	}
	// In two steps, the second with x as what the first made of it: the three have one type in the end, and it is the widest of them.
	y, a, t, ok := common(x, a)
	t2 := t
	if ok {
		y.Expr = retyped(y.Expr, t)
		y, b, t2, ok = common(y, b)
	}
	if !ok || !isScalar(t2.Kind) || t2.Kind == value.Bool {
		r.errorf("T301", r.e.SpanOf(n), "`in` cannot compare %s and a range of %s", x.Type.NotNull().Article(), b.Type.NotNull()).
			WithHelp("%s", compareHelp(x.Type, b.Type))
		return r.unknown()
	}
	t2 = t2.NotNull()
	args := []*plan.Expr{convert(adapt(x, t2.Kind).Expr, t2), convert(adapt(a, t2.Kind).Expr, t2), convert(adapt(b, t2.Kind).Expr, t2)}
	result, why := lifted(boolean, x, a, b)
	return val{Expr: r.make(plan.OpBetween, result, n, args...), why: why, yes: prefixes(x.path)}
}

// retyped is e as if it had the type: only for finding a common type.
func retyped(e *plan.Expr, t value.Type) *plan.Expr {
	c := *e
	c.Type = t
	return &c
}

var textOperators = map[string]plan.Op{
	"contains": plan.OpContains, "startsWith": plan.OpStarts, "endsWith": plan.OpEnds, "matches": plan.OpMatches,
}

func isTextOperator(o string) bool { _, ok := textOperators[o]; return ok }

// textOperator reads contains, startsWith, endsWith and matches.
func (r *run) textOperator(n *ast.BinaryNode) val {
	o := textOperators[n.Operator]
	a, b := r.check(n.Left), r.check(n.Right)
	if a.unknown() || b.unknown() {
		return val{Expr: r.make(o, boolean, n, a.Expr, b.Expr)}
	}
	for i, v := range []val{a, b} {
		if v.Type.Kind == value.String {
			continue
		}
		side := []ast.Node{n.Left, n.Right}[i]
		d := r.errorf("T301", r.e.SpanOf(side), "`%s` needs texts, but this is %s", n.Operator, v.Type.Article())
		if v.Type.Kind == value.List {
			d.WithHelp("to look into a list, write `x in list`")
		}
		return r.unknown()
	}
	if o == plan.OpMatches && !b.later {
		if b.Op != plan.OpLiteral {
			r.errorf("T301", r.e.SpanOf(n.Right), "the pattern of `matches` must be a constant")
			return r.unknown()
		}
		// The pattern is compiled once per task, so it cannot come from a row; and a wrong one should not wait for the first row to be found.
		if _, err := regexp.Compile(b.Lit.Text); err != nil {
			r.errorf("T321", r.e.SpanOf(n.Right), "this is not a regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
			return r.unknown()
		}
	}
	t, why := lifted(boolean, a, b)
	return val{Expr: r.make(o, t, n, a.Expr, b.Expr), why: why, yes: union(prefixes(a.path), prefixes(b.path))}
}
