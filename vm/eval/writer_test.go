package eval

import (
	"math/big"

	"pgregory.net/rapid"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// writer draws well-typed expressions.
type writer struct {
	t     *rapid.T
	elems []value.Type
	lets  []value.Type
}

func (w *writer) pick(n int) int { return rapid.IntRange(0, n-1).Draw(w.t, "form") }

// leaf is a column, an element, a let, or a literal of the kind.
func (w *writer) leaf(k value.Kind) *plan.Expr {
	var all []*plan.Expr
	for i, f := range columns.Fields {
		if f.Type.Kind == k {
			all = append(all, plan.Column(i, f.Type))
		}
	}
	for i, t := range w.elems {
		if t.Kind == k {
			all = append(all, &plan.Expr{Op: plan.OpElem, Col: len(w.elems) - 1 - i, Type: t})
		}
	}
	for i, t := range w.lets {
		if t.Kind == k {
			all = append(all, &plan.Expr{Op: plan.OpVar, Col: i, Type: t})
		}
	}
	if k != value.Record && k != value.List && w.pick(3) == 0 {
		t := value.Of(k)
		if k == value.Decimal {
			t = value.DecimalOf(10, 2)
		}
		return w.literal(t)
	}
	return all[w.pick(len(all))]
}

func (w *writer) literal(t value.Type) *plan.Expr {
	l := plan.Literal{Kind: t.Kind}
	switch x := anyValue(w.t, t).(type) {
	case int64:
		l.Int = x
	case float64:
		l.Float = x
	case bool:
		l.Bool = x
	case string:
		l.Text = x
	case *big.Int:
		l.Int = x.Int64()
		l.Hi = l.Int >> 63
	}
	return literalOf(l, t)
}

func apply(op plan.Op, t value.Type, args ...*plan.Expr) *plan.Expr {
	for _, a := range args {
		t.Nullable = t.Nullable || a.Type.Nullable
	}
	return &plan.Expr{Op: op, Type: t, Args: args}
}

// expr draws an expression of a kind.
func (w *writer) expr(k value.Kind, depth int) *plan.Expr {
	if depth <= 0 {
		return w.leaf(k)
	}
	switch w.pick(8) {
	case 0:
		return w.leaf(k)
	case 1:
		a, b := w.same(k, depth-1)
		if w.pick(6) == 0 {
			b = literalOf(plan.Literal{Kind: value.Null}, a.Type.Null())
		}
		return &plan.Expr{Op: plan.OpIf, Type: either(a, b), Args: []*plan.Expr{w.cond(depth - 1), a, b}}
	case 2:
		a, b := w.same(k, depth-1)
		t := a.Type
		t.Nullable = b.Type.Nullable
		return &plan.Expr{Op: plan.OpCoalesce, Type: t, Args: []*plan.Expr{a, b}}
	case 3:
		val := w.expr([]value.Kind{value.Int, value.String, value.Float}[w.pick(3)], depth-1)
		w.lets = append(w.lets, val.Type)
		body := w.expr(k, depth-1)
		w.lets = w.lets[:len(w.lets)-1]
		return &plan.Expr{Op: plan.OpLet, Type: body.Type, Args: []*plan.Expr{val, body}}
	}
	switch k {
	case value.Int:
		return w.int(depth - 1)
	case value.Float:
		return w.float(depth - 1)
	case value.Bool:
		return w.bool(depth - 1)
	case value.String:
		return w.string(depth - 1)
	case value.Decimal:
		return w.decimal(depth - 1)
	case value.List:
		return w.list(depth - 1)
	}
	return w.time(k, depth-1)
}

func either(a, b *plan.Expr) value.Type {
	t := a.Type
	t.Nullable = t.Nullable || b.Type.Nullable
	return t
}

// same draws two expressions of exactly one type.
func (w *writer) same(k value.Kind, depth int) (a, b *plan.Expr) {
	a, b = w.expr(k, depth), w.expr(k, depth)
	switch {
	case k == value.Decimal:
		t := value.UnionType(a.Type, b.Type).NotNull()
		a, b = convertTo(a, t), convertTo(b, t)
	case k == value.List && a.Type.Elem.Kind != b.Type.Elem.Kind:
		b = a
	}
	return a, b
}

// cond draws a condition, which is never null.
func (w *writer) cond(depth int) *plan.Expr {
	c := w.expr(value.Bool, depth)
	if c.Type.Nullable {
		c = &plan.Expr{Op: plan.OpCoalesce, Type: value.Of(value.Bool), Args: []*plan.Expr{c, literalOf(plan.Literal{Kind: value.Bool}, value.Of(value.Bool))}}
	}
	return c
}

func (w *writer) int(depth int) *plan.Expr {
	t := value.Of(value.Int)
	switch w.pick(6) {
	case 0:
		return apply(plan.OpNeg, t, w.expr(value.Int, depth))
	case 1:
		e := apply(plan.OpIndex, t, w.ints(depth), w.leaf(value.Int))
		e.Type.Nullable = true
		return e
	case 2:
		return w.each([]string{"count", "sum"}[w.pick(2)], depth)
	case 3:
		switch w.pick(4) {
		case 0:
			e := &plan.Expr{Op: plan.OpField, Name: "n", Type: t.Null(), Args: []*plan.Expr{w.leaf(value.Record)}}
			return e
		case 1:
			return w.call("len", t, w.expr(value.String, depth))
		case 2:
			return w.call("try_int", t.Null(), w.expr(value.String, depth))
		}
		return w.call("int", t, w.expr(value.String, depth))
	}
	op := []plan.Op{plan.OpAdd, plan.OpSub, plan.OpMul, plan.OpMod}[w.pick(4)]
	return apply(op, t, w.expr(value.Int, depth), w.expr(value.Int, depth))
}

func (w *writer) call(name string, t value.Type, args ...*plan.Expr) *plan.Expr {
	e := apply(plan.OpCall, t, args...)
	e.Name = name
	return e
}

func (w *writer) float(depth int) *plan.Expr {
	t := value.Of(value.Float)
	switch w.pick(4) {
	case 0:
		return apply(plan.OpNeg, t, w.expr(value.Float, depth))
	case 1:
		return apply(plan.OpConvert, t, w.expr(value.Int, depth))
	case 2:
		return apply(plan.OpDiv, t, w.expr(value.Int, depth), w.expr(value.Int, depth))
	}
	op := []plan.Op{plan.OpAdd, plan.OpSub, plan.OpMul, plan.OpDiv, plan.OpMod, plan.OpPow}[w.pick(6)]
	return apply(op, t, w.expr(value.Float, depth), w.expr(value.Float, depth))
}

var comparisons = []plan.Op{plan.OpEq, plan.OpNe, plan.OpLt, plan.OpLe, plan.OpGt, plan.OpGe}

func (w *writer) bool(depth int) *plan.Expr {
	t := value.Of(value.Bool)
	switch w.pick(8) {
	case 0, 1:
		op := []plan.Op{plan.OpAnd, plan.OpOr}[w.pick(2)]
		if w.pick(4) == 0 { // what comes of 1 < x < 5 may be null
			return apply(op, t, w.expr(value.Bool, depth), w.expr(value.Bool, depth))
		}
		return apply(op, t, w.cond(depth), w.cond(depth))
	case 2:
		return apply(plan.OpNot, t, w.expr(value.Bool, depth))
	case 3:
		op := []plan.Op{plan.OpContains, plan.OpStarts, plan.OpEnds}[w.pick(3)]
		return apply(op, t, w.expr(value.String, depth), w.expr(value.String, depth))
	case 4:
		return w.each([]string{"any", "all", "none", "one"}[w.pick(4)], depth)
	case 5:
		return w.member(depth)
	}
	k := []value.Kind{value.Int, value.Float, value.String, value.Decimal, value.Timestamp, value.Bool, value.List}[w.pick(7)]
	op := comparisons[w.pick(6)]
	if k == value.List || k == value.Bool {
		op = comparisons[w.pick(2)]
	}
	a, b := w.same(k, depth)
	e := apply(op, t, a, b)
	e.Type.Nullable = e.Type.Nullable && op != plan.OpEq && op != plan.OpNe
	return e
}

func (w *writer) member(depth int) *plan.Expr {
	t := value.Of(value.Bool)
	k := []value.Kind{value.Int, value.String, value.Float}[w.pick(3)]
	x := w.expr(k, depth)
	switch w.pick(3) {
	case 0:
		return apply(plan.OpBetween, t, x, w.expr(k, depth), w.expr(k, depth))
	case 1:
		if k != value.Float {
			return apply(plan.OpIn, t, x, w.listOf(k, depth))
		}
	}
	set := &plan.Expr{Op: plan.OpList, Type: value.ListOf(value.Of(k))}
	for range 1 + w.pick(11) {
		set.Args = append(set.Args, w.literal(value.Of(k)))
	}
	return apply(plan.OpIn, t, x, set)
}

func (w *writer) string(depth int) *plan.Expr {
	t := value.Of(value.String)
	switch w.pick(6) {
	case 0:
		return apply(plan.OpSlice, t, w.expr(value.String, depth), w.leaf(value.Int), w.leaf(value.Int))
	case 1:
		return w.call("upper", t, w.expr(value.String, depth))
	case 2:
		e := apply(plan.OpIndex, t, w.listOf(value.String, depth), w.leaf(value.Int))
		e.Type.Nullable = true
		return e
	case 3:
		return &plan.Expr{Op: plan.OpField, Name: "s", Type: t.Null(), Args: []*plan.Expr{w.leaf(value.Record)}}
	}
	return apply(plan.OpAdd, t, w.expr(value.String, depth), w.expr(value.String, depth))
}

func (w *writer) decimal(depth int) *plan.Expr {
	a := w.expr(value.Decimal, depth)
	if w.pick(5) == 0 {
		return apply(plan.OpNeg, a.Type, a)
	}
	b := w.expr(value.Decimal, depth)
	if w.pick(3) == 0 {
		b = w.expr(value.Int, depth)
	}
	op := []plan.Op{plan.OpAdd, plan.OpSub, plan.OpMul, plan.OpDiv, plan.OpMod}[w.pick(5)]
	return apply(op, resultType(op, a.Type, b.Type).NotNull(), a, b)
}

func (w *writer) time(k value.Kind, depth int) *plan.Expr {
	at, span := func() *plan.Expr { return w.expr(value.Timestamp, depth) }, func() *plan.Expr { return w.expr(value.Duration, depth) }
	if k == value.Timestamp {
		return apply([]plan.Op{plan.OpAdd, plan.OpSub}[w.pick(2)], value.Of(k), at(), span())
	}
	switch w.pick(4) {
	case 0:
		return apply(plan.OpSub, value.Of(k), at(), at())
	case 1:
		return apply(plan.OpDiv, value.Of(k), span(), w.expr(value.Int, depth))
	case 2:
		return apply(plan.OpMul, value.Of(k), span(), w.expr(value.Int, depth))
	}
	return apply(plan.OpMod, value.Of(k), span(), span())
}

func (w *writer) ints(depth int) *plan.Expr { return w.listOf(value.Int, depth) }

// listOf draws a list with elements of a kind, Int or String.
func (w *writer) listOf(k value.Kind, depth int) *plan.Expr {
	if depth > 0 {
		switch w.pick(5) {
		case 0:
			e := &plan.Expr{Op: plan.OpList, Type: value.ListOf(value.Of(k).Null())}
			for range w.pick(4) {
				e.Args = append(e.Args, w.expr(k, depth-1))
			}
			return e
		case 1:
			x := w.listOf(k, depth-1)
			return apply(plan.OpSlice, x.Type, x, w.leaf(value.Int), w.leaf(value.Int))
		case 2:
			x := w.listOf(k, depth-1)
			e := apply(plan.OpEach, x.Type, x, w.body(*x.Type.Elem, value.Bool, depth-1))
			e.Name, e.Type.Nullable = "filter", x.Type.Nullable
			return e
		case 3:
			x := w.listOf([]value.Kind{value.Int, value.String}[w.pick(2)], depth-1)
			body := w.body(*x.Type.Elem, k, depth-1)
			e := &plan.Expr{Op: plan.OpEach, Name: "map", Type: value.ListOf(body.Type), Args: []*plan.Expr{x, body}}
			e.Type.Nullable = x.Type.Nullable
			return e
		}
	}
	if k == value.Int {
		return plan.Column(columns.Index("xs"), columns.Fields[columns.Index("xs")].Type)
	}
	if depth > 0 && w.pick(2) == 0 {
		return w.call("words", value.ListOf(value.Of(value.String)), w.expr(value.String, depth-1))
	}
	return plan.Column(columns.Index("ys"), columns.Fields[columns.Index("ys")].Type)
}

func (w *writer) list(depth int) *plan.Expr {
	return w.listOf([]value.Kind{value.Int, value.String}[w.pick(2)], depth)
}

// body draws a closure's body.
func (w *writer) body(elem value.Type, k value.Kind, depth int) *plan.Expr {
	w.elems = append(w.elems, elem)
	defer func() { w.elems = w.elems[:len(w.elems)-1] }()
	if k == value.Bool {
		return w.cond(depth)
	}
	return w.expr(k, depth)
}

func (w *writer) each(name string, depth int) *plan.Expr {
	list := w.listOf([]value.Kind{value.Int, value.String}[w.pick(2)], depth)
	t, k := value.Of(value.Bool), value.Bool
	switch name {
	case "count":
		t = value.Of(value.Int)
	case "sum":
		t, k = value.Of(value.Int), value.Int
	}
	t.Nullable = list.Type.Nullable
	return &plan.Expr{Op: plan.OpEach, Name: name, Type: t, Args: []*plan.Expr{list, w.body(*list.Type.Elem, k, depth)}}
}
