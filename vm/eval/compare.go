package eval

import (
	"bytes"

	"pipec/compiler/plan"
	"pipec/vm/eval/lane"
	"pipec/vm/value"
)

// test is a comparison in its normal form: `a op b`, and perhaps its opposite. a > b is b < a, a >= b is the opposite of a < b (there is no NaN).
type test struct {
	less bool // <, else ==
	swap bool
	neg  bool
}

func testOf(op plan.Op) test {
	switch op {
	case plan.OpEq:
		return test{}
	case plan.OpNe:
		return test{neg: true}
	case plan.OpLt:
		return test{less: true}
	case plan.OpGe:
		return test{less: true, neg: true}
	case plan.OpGt:
		return test{less: true, swap: true}
	default: // <=
		return test{less: true, swap: true, neg: true}
	}
}

// compare makes a comparison. Operands of different number types are brought to one first, as the checker does for what it writes out.
func (b *builder) compare(n *node, op plan.Op) error {
	t := testOf(op)
	if n.args[0].isNull() || n.args[1].isNull() {
		if t.less {
			n.run = alwaysNull
			return nil
		}
		nullTest(n, t.neg)
		return nil
	}
	if err := b.unify(n.args, 0, 1); err != nil {
		return err
	}
	x, y := n.args[0], n.args[1]
	switch l := x.typ.Lane(); {
	case l != y.typ.Lane() || l == value.LaneNone:
		return noKernel(n, op)
	case l == value.LaneI64:
		compareLanes(n, t, func(v *value.Vec) []int64 { return v.I64 }, func(l *plan.Literal) int64 { return l.Int })
	case l == value.LaneF64:
		compareLanes(n, t, func(v *value.Vec) []float64 { return v.F64 }, func(l *plan.Literal) float64 { return l.Float })
	case l == value.LaneView && !t.less && (x.lit != nil || y.lit != nil):
		compareText(n, t)
	default:
		compareRows(n, t)
	}
	return nil
}

// unify converts the operands at i and j to one number type.
func (b *builder) unify(args []*node, i, j int) (err error) {
	x, y := args[i].typ, args[j].typ
	if !x.Numeric() || !y.Numeric() || x.Same(y) {
		return nil
	}
	to := value.Of(value.Float)
	if x.Kind != value.Float && y.Kind != value.Float {
		to = value.UnionType(x, y)
	}
	if args[i], err = b.converted(args[i], to); err == nil {
		args[j], err = b.converted(args[j], to)
	}
	return err
}

func alwaysNull(n *node, f *frame, s *sel) *value.Vec {
	out := n.fresh(f)
	clear(out.Bitmap(f.n))
	return out
}

// nullTest is x == null.
func nullTest(n *node, neg bool) {
	x := n.args[0]
	if x.isNull() {
		x = n.args[1]
	}
	n.args = []*node{x}
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		v := n.args[0].eval(f, s)
		out := n.fresh(f)
		for _, r := range s.rows {
			out.Bool[r] = v.IsNull(int(r)) != neg
		}
		return out
	}
}

// compareLanes makes the kernels for two lanes of numbers, or a lane and a constant. The two functions are called once per batch.
func compareLanes[T lane.Number](n *node, t test, of func(*value.Vec) []T, lit func(*plan.Literal) T) {
	if n.args[0].lit != nil && n.args[1].lit == nil { // 5 < x is x > 5
		n.args[0], n.args[1] = n.args[1], n.args[0]
		t.swap = !t.swap
	}
	constant := n.args[1].lit != nil
	var c T
	if constant {
		c = lit(n.args[1].lit)
	}
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		x, y := n.args[0].eval(f, s), n.args[1].eval(f, s)
		out := n.fresh(f)
		a, b := of(x), of(y)
		switch {
		case constant && !t.less:
			lane.EqualConst(out.Bool, a, c, t.neg, s.rows)
		case constant && t.swap:
			lane.MoreConst(out.Bool, a, c, t.neg, s.rows)
		case constant:
			lane.LessConst(out.Bool, a, c, t.neg, s.rows)
		case !t.less:
			lane.EqualLanes(out.Bool, a, b, t.neg, s.rows)
		case t.swap:
			lane.LessLanes(out.Bool, b, a, t.neg, s.rows)
		default:
			lane.LessLanes(out.Bool, a, b, t.neg, s.rows)
		}
		nullsOf(out, f.n, x, y, t, s.rows)
		return out
	}
	n.pass = func(n *node, f *frame, s *sel, dst []int32) []int32 {
		x := n.args[0].eval(f, s)
		y := x
		if !constant {
			y = n.args[1].eval(f, s)
		}
		if (x.Valid != nil || y.Valid != nil) && !t.less {
			return pickTrue(dst, n.eval(f, s), s.rows)
		}
		a, b := of(x), of(y)
		switch {
		case constant && !t.less:
			dst = lane.PickEqualConst(dst, a, c, t.neg, s.rows)
		case constant && t.swap:
			dst = lane.PickMoreConst(dst, a, c, t.neg, s.rows)
		case constant:
			dst = lane.PickLessConst(dst, a, c, t.neg, s.rows)
		case !t.less:
			dst = lane.PickEqual(dst, a, b, t.neg, s.rows)
		case t.swap:
			dst = lane.PickLess(dst, b, a, t.neg, s.rows)
		default:
			dst = lane.PickLess(dst, a, b, t.neg, s.rows)
		}
		return pickValid(pickValid(dst, x), y)
	}
}

// pickValid keeps the rows that are not null.
func pickValid(rows []int32, v *value.Vec) []int32 {
	if v.Valid == nil {
		return rows
	}
	j := 0
	for _, r := range rows {
		rows[j] = r
		j += int(v.Valid[r>>6] >> (r & 63) & 1)
	}
	return rows[:j]
}

// nullsOf finishes a comparison: order is null beside a null; equality takes null for a value and is never null.
func nullsOf(out *value.Vec, n int, x, y *value.Vec, t test, rows []int32) {
	if t.less {
		lift(out, n, x, y)
		return
	}
	out.Valid = nil
	if x.Valid == nil && y.Valid == nil {
		return
	}
	for _, r := range rows {
		if xn, yn := x.IsNull(int(r)), y.IsNull(int(r)); xn || yn {
			out.Bool[r] = (xn && yn) != t.neg
		}
	}
}

// compareText makes == and != of a text and a constant. A short constant is two words, compared without a look at the text.
func compareText(n *node, t test) {
	if n.args[0].lit != nil {
		n.args[0], n.args[1] = n.args[1], n.args[0]
	}
	if n.args[0].lit != nil {
		compareRows(n, t)
		return
	}
	text := []byte(n.args[1].lit.Text)
	view := value.MakeView(text, 0, 0)
	lo, hi := view.Words()
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		x := n.args[0].eval(f, s)
		out := n.fresh(f)
		for _, r := range s.rows {
			xlo, xhi := x.View[r].Words()
			out.Bool[r] = ((xlo^lo)|(xhi^hi) == 0) != t.neg
		}
		for _, r := range s.rows {
			if x.Valid != nil && x.IsNull(int(r)) {
				out.Bool[r] = t.neg
			} else if len(text) > value.InlineView {
				out.Bool[r] = bytes.Equal(x.Text(int(r)), text) != t.neg
			}
		}
		return out
	}
	if len(text) > value.InlineView {
		return
	}
	n.pass = func(n *node, f *frame, s *sel, dst []int32) []int32 {
		x := n.args[0].eval(f, s)
		if x.Valid != nil && t.neg {
			return pickTrue(dst, n.eval(f, s), s.rows)
		}
		j := 0
		for _, r := range s.rows {
			xlo, xhi := x.View[r].Words()
			dst[j] = r
			j += lane.B2I(((xlo^lo)|(xhi^hi) == 0) != t.neg)
		}
		return pickValid(dst[:j], x)
	}
}

// compareRows is every other comparison: texts with texts, wide decimals, bools, and equality of lists, maps and records.
func compareRows(n *node, t test) {
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		x, y := n.args[0].eval(f, s), n.args[1].eval(f, s)
		out := n.fresh(f)
		if !t.less {
			for _, r := range s.rows {
				out.Bool[r] = value.Equal(x, int(r), y, int(r)) != t.neg
			}
			return out
		}
		a, b := x, y
		if t.swap {
			a, b = y, x
		}
		for _, r := range s.rows {
			out.Bool[r] = (value.Compare(a, int(r), b, int(r)) < 0) != t.neg
		}
		lift(out, f.n, x, y)
		return out
	}
}
