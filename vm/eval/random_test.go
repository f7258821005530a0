package eval

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// columns is the schema of the random rows: each kind of lane, with and without nulls.
var columns = value.Schema{Fields: []value.Field{
	{Name: "i", Type: value.Of(value.Int)}, {Name: "j", Type: value.Of(value.Int).Null()}, {Name: "k", Type: value.Of(value.Int)},
	{Name: "f", Type: value.Of(value.Float)}, {Name: "g", Type: value.Of(value.Float).Null()},
	{Name: "b", Type: value.Of(value.Bool)}, {Name: "c", Type: value.Of(value.Bool).Null()},
	{Name: "s", Type: value.Of(value.String)}, {Name: "t", Type: value.Of(value.String).Null()},
	{Name: "d", Type: value.DecimalOf(10, 2)}, {Name: "e", Type: value.DecimalOf(10, 2).Null()}, {Name: "w", Type: value.DecimalOf(38, 10).Null()},
	{Name: "q", Type: value.DecimalOf(5, 3)},
	{Name: "at", Type: value.Of(value.Timestamp)}, {Name: "span", Type: value.Of(value.Duration).Null()},
	{Name: "xs", Type: value.ListOf(value.Of(value.Int))}, {Name: "ys", Type: value.ListOf(value.Of(value.String).Null()).Null()},
	{Name: "rec", Type: value.Type{Kind: value.Record, Nullable: true, Fields: []value.Field{{Name: "n", Type: value.Of(value.Int)}, {Name: "s", Type: value.Of(value.String).Null()}}}},
}}

// anyValue draws a value of a type; edges are frequent.
func anyValue(t *rapid.T, typ value.Type) any {
	if typ.Nullable && rapid.IntRange(0, 3).Draw(t, "null") == 0 {
		return nil
	}
	switch typ.Kind {
	case value.Int, value.Timestamp, value.Duration:
		return rapid.OneOf(rapid.Int64Range(-5, 5), rapid.SampledFrom([]int64{math.MaxInt64, math.MinInt64, 1 << 40, math.MaxInt64 / 3}), rapid.Int64()).Draw(t, "int")
	case value.Float:
		return rapid.OneOf(rapid.SampledFrom([]float64{0, 1, -1, 0.5, 1e308, -1e308, 5e-324, 3}), rapid.Float64Range(-1e6, 1e6)).Draw(t, "float") + 0
	case value.Bool:
		return rapid.Bool().Draw(t, "bool")
	case value.String:
		return rapid.OneOf(rapid.SampledFrom([]string{"", "a", "ab", "12", "-7", "a longer text, of two words", "a longer text, of 3 words", "hé llo wörld", "twelve bytes"}), rapid.StringN(0, 8, 20)).Draw(t, "text")
	case value.Decimal:
		n := new(big.Int).SetInt64(rapid.OneOf(rapid.Int64Range(-500, 500), rapid.Int64()).Draw(t, "units"))
		if rapid.IntRange(0, 5).Draw(t, "large") == 0 {
			n.Mul(n, n)
		}
		return n.Rem(n, tenTo(int(typ.Precision)))
	case value.List:
		xs := []any{}
		for range rapid.IntRange(0, 4).Draw(t, "length") {
			xs = append(xs, anyValue(t, *typ.Elem))
		}
		return xs
	}
	xs := []any{}
	for _, f := range typ.Fields {
		xs = append(xs, anyValue(t, f.Type))
	}
	return xs
}

// put writes a boxed value into a column.
func put(v *value.Vec, t value.Type, i, n int, x any) {
	if x == nil {
		v.SetNull(i, n)
		return
	}
	switch x := x.(type) {
	case int64:
		v.I64[i] = x
	case float64:
		v.F64[i] = x
	case bool:
		v.Bool[i] = x
	case string:
		v.SetString(i, x)
	case *big.Int:
		lo := new(big.Int).And(x, new(big.Int).SetUint64(math.MaxUint64)) // And is on two's complement
		v.SetDec(i, value.Dec{Hi: new(big.Int).Rsh(x, 64).Int64(), Lo: lo.Uint64()})
	case []any:
		if t.Kind == value.Record {
			for k, f := range t.Fields {
				put(v.Kids[k], f.Type, i, n, x[k])
			}
			return
		}
		from := v.Kids[0].Room()
		v.Kids[0].Extend(from + len(x))
		for k, y := range x {
			put(v.Kids[0], *t.Elem, from+k, from+len(x), y)
		}
		v.Range[i] = value.Range{From: int32(from), To: int32(from + len(x))}
	}
}

// anyBatch draws rows, as a batch and boxed.
func anyBatch(t *rapid.T) (*value.Batch, [][]any) {
	n := rapid.SampledFrom([]int{0, 1, 3, 70}).Draw(t, "rows")
	b := value.NewBatch(columns)
	b.Reset(n)
	rows := make([][]any, n)
	for i := range rows {
		rows[i] = make([]any, len(columns.Fields))
		for c, f := range columns.Fields {
			if i >= 8 { // enough to cross a word of the bitmap without drawing much
				rows[i][c] = rows[(i*7+c)%8][c]
			} else {
				rows[i][c] = anyValue(t, f.Type)
			}
			put(b.Cols[c], f.Type, i, n, rows[i][c])
		}
	}
	return b, rows
}

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

// against compares a program with the reference on a batch, for several selections in a row: what one run leaves behind must not show in the next.
func against(t *rapid.T, e *plan.Expr) {
	p, err := Compile(e, nil)
	if err != nil {
		t.Fatalf("%s: %v", written(e), err)
	}
	for range 2 {
		b, rows := anyBatch(t)
		for _, dense := range []bool{true, false} {
			sel := slices.Clone(value.Identity(b.Len))
			if !dense {
				mask := rapid.Uint64().Draw(t, "selection")
				sel = slices.DeleteFunc(sel, func(r int32) bool { return mask>>(r%64)&1 == 0 })
			}
			compareRun(t, p, e, b, rows, sel)
		}
	}
}

func compareRun(t *rapid.T, p *Program, e *plan.Expr, b *value.Batch, rows [][]any, sel []int32) {
	errs := &Errors{}
	errs.Reset(b.Len)
	got := p.Run(b, sel, errs)
	var passed []int32
	for _, r := range sel {
		want, code := (&reference{cols: rows[r]}).run(e)
		gotCode := ""
		if errs.Has(r) {
			gotCode = errs.Code[slices.Index(errs.Rows, r)]
		}
		if gotCode != code {
			t.Fatalf("%s: row %d %s: code %q, want %q", written(e), r, text(rows[r]), gotCode, code)
		}
		if code != "" {
			continue
		}
		if s := show(got, e.Type, int(r)); s != text(want) {
			t.Fatalf("%s: row %d %s: %s, want %s", written(e), r, text(rows[r]), s, text(want))
		}
		if want == true {
			passed = append(passed, r)
		}
	}
	if len(errs.Rows) != 0 {
		for _, r := range errs.Rows {
			if !slices.Contains(sel, r) {
				t.Fatalf("%s: row %d failed but was not selected", written(e), r)
			}
		}
	}
	if e.Type.Kind == value.Bool {
		errs.Reset(b.Len)
		if f := p.Filter(b, sel, nil, errs); !slices.Equal(f, passed) {
			t.Fatalf("%s: filter gives %v, want %v", written(e), f, passed)
		}
	}
}

// written is an expression to read in a failure.
func written(e *plan.Expr) string {
	s := string(e.Op)
	switch e.Op {
	case plan.OpColumn:
		return columns.Fields[e.Col].Name
	case plan.OpLiteral:
		return text(boxedLiteral(e)) + ":" + e.Type.String()
	case plan.OpElem, plan.OpVar:
		return s + string(rune('0'+e.Col))
	case plan.OpCall, plan.OpEach, plan.OpField:
		s = e.Name
	case plan.OpConvert:
		s = e.Type.String()
	}
	s += "("
	for i, a := range e.Args {
		if i > 0 {
			s += ", "
		}
		s += written(a)
	}
	return s + ")"
}

var kindsOfExpressions = []value.Kind{value.Int, value.Float, value.Bool, value.String, value.Decimal, value.Timestamp, value.Duration, value.List}

func TestAgainstReference(t *testing.T) {
	for _, k := range kindsOfExpressions {
		t.Run(k.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				w := &writer{t: t}
				against(t, w.expr(k, rapid.IntRange(1, 4).Draw(t, "depth")))
			})
		})
	}
}

// FuzzAgainstReference is the same, driven by coverage.
func FuzzAgainstReference(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		w := &writer{t: t}
		against(t, w.expr(kindsOfExpressions[w.pick(len(kindsOfExpressions))], rapid.IntRange(1, 5).Draw(t, "depth")))
	}))
}

// TestFoldKeepsTheMeaning: a folded expression gives the same values; where folding fails, the constant part does fail in the reference.
func TestFoldKeepsTheMeaning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &writer{t: t}
		e := w.expr(kindsOfExpressions[w.pick(len(kindsOfExpressions))], 3)
		folded, err := Fold(e)
		if err != nil {
			return
		}
		if !folded.Type.Equal(e.Type) {
			t.Fatalf("%s: %s became %s", written(e), e.Type, folded.Type)
		}
		_, rows := anyBatch(t)
		for _, cols := range rows {
			want, code := (&reference{cols: cols}).run(e)
			got, gotCode := (&reference{cols: cols}).run(folded)
			if code == "" && (gotCode != "" || text(got) != text(want)) {
				t.Fatalf("%s: %s, folded %s", written(e), text(want), text(got))
			}
		}
	})
}
