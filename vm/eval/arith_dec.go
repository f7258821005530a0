package eval

import (
	"fmt"

	"pipec/compiler/plan"
	"pipec/vm/eval/lane"
	"pipec/vm/value"
)

// decimals is an operation on decimals of given types; ints take part with scale 0.
type decimals struct {
	op      plan.Op
	a, b    int // scales of the operands
	scale   int // of the result
	digits  int // of the result
	rescale int // of the operands before + - and %
}

func decimalArithmetic(n *node, op plan.Op) error {
	for _, a := range n.args {
		if a.typ.Kind != value.Decimal && a.typ.Kind != value.Int {
			return noKernel(n, op)
		}
	}
	d := decimals{op: op, a: int(n.args[0].typ.Scale), scale: int(n.typ.Scale), digits: int(n.typ.Precision)}
	if op == plan.OpNeg {
		n.run = func(n *node, f *frame, s *sel) *value.Vec {
			a := n.args[0].eval(f, s)
			out := n.fresh(f)
			for _, r := range s.rows {
				out.SetDec(int(r), a.Dec(int(r)).Neg())
			}
			liftOne(out, f.n, a)
			return out
		}
		return nil
	}
	d.b = int(n.args[1].typ.Scale)
	d.rescale = max(d.a, d.b)
	narrow := n.typ.Lane() == value.LaneI64 && n.args[0].typ.Lane() == value.LaneI64 && n.args[1].typ.Lane() == value.LaneI64 &&
		n.args[0].typ.Kind == value.Decimal && n.args[1].typ.Kind == value.Decimal
	kernel := d.wide
	switch {
	case op == plan.OpPow:
		return noKernel(n, op)
	case narrow && (op == plan.OpAdd || op == plan.OpSub) && d.a == d.b && d.a == d.scale:
		kernel = d.sum
	case narrow && op == plan.OpMul && d.a+d.b >= d.scale && d.a+d.b-d.scale <= value.NarrowPrecision:
		kernel = d.product
	}
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		a, b := n.args[0].eval(f, s), n.args[1].eval(f, s)
		out := n.fresh(f)
		bad := kernel(out, a, b, s.rows)
		lift(out, f.n, a, b)
		if bad < 0 {
			blame(f, s, out, func(r int32) (string, string) { return d.check(a, b, int(r), n.typ) })
		}
		return out
	}
	return nil
}

// sum is + and - of one-lane decimals of one scale: below 10^18 each, so the lane does not overflow and only the digits are checked.
func (d decimals) sum(out, a, b *value.Vec, rows []int32) (bad int64) {
	top := value.Power(d.digits) - 1
	sign := int64(1)
	if d.op == plan.OpSub {
		sign = -1
	}
	o, x, y := out.I64, a.I64, b.I64
	for _, r := range rows {
		s := x[r] + sign*y[r]
		o[r] = s
		bad |= (top - s) | (top + s)
	}
	return bad
}

// product is * of one-lane decimals.
func (d decimals) product(out, a, b *value.Vec, rows []int32) (bad int64) {
	o, x, y := out.I64, a.I64, b.I64
	drop := d.a + d.b - d.scale
	for _, r := range rows {
		p, ok := value.MulNarrow(x[r], y[r], drop, d.digits)
		o[r] = p
		bad |= int64(lane.B2I(ok)) - 1
	}
	return bad
}

// wide is every other operation, on 128 bits.
func (d decimals) wide(out, a, b *value.Vec, rows []int32) (bad int64) {
	for _, r := range rows {
		x, ok := d.one(a.Dec(int(r)), b.Dec(int(r)))
		out.SetDec(int(r), x)
		bad |= int64(lane.B2I(ok)) - 1
	}
	return bad
}

// one computes one row; false says that it has no result.
func (d decimals) one(x, y value.Dec) (value.Dec, bool) {
	var ok bool
	switch d.op {
	case plan.OpMul:
		drop := d.a + d.b - d.scale
		if x, ok = x.Mul(y, max(drop, 0)); ok && drop < 0 {
			x, ok = x.Rescale(d.scale+drop, d.scale, value.HalfAway)
		}
	case plan.OpDiv:
		x, ok = x.Div(y, d.scale-d.a+d.b)
	default:
		x, ok = d.aligned(x, y)
	}
	return x, ok && x.Fits(d.digits)
}

// aligned computes + - % after bringing both to one scale.
func (d decimals) aligned(x, y value.Dec) (value.Dec, bool) {
	if d.op == plan.OpMod {
		r, ok := x.Rem(y, d.rescale-d.a, d.rescale-d.b)
		if !ok {
			return r, false
		}
		return r.Rescale(d.rescale, d.scale, value.HalfAway)
	}
	x, xok := x.Rescale(d.a, d.rescale, value.HalfAway)
	y, yok := y.Rescale(d.b, d.rescale, value.HalfAway)
	if !xok || !yok {
		return value.Dec{}, false
	}
	var ok bool
	if d.op == plan.OpAdd {
		x, ok = x.Add(y)
	} else {
		x, ok = x.Sub(y)
	}
	if !ok || !x.Fits(value.MaxPrecision) {
		return value.Dec{}, false
	}
	return x.Rescale(d.rescale, d.scale, value.HalfAway)
}

func (d decimals) check(a, b *value.Vec, r int, t value.Type) (code, text string) {
	x, y := a.Dec(r), b.Dec(r)
	if y.Sign() == 0 && (d.op == plan.OpDiv || d.op == plan.OpMod) {
		return codeZero, textZero
	}
	if _, ok := d.one(x, y); ok {
		return "", ""
	}
	return codeRange, fmt.Sprintf("%s %s %s does not fit %s", value.AppendDecimal(nil, x, d.a), d.op, value.AppendDecimal(nil, y, d.b), t.NotNull())
}
