package eval

import (
	"fmt"

	"pipec/compiler/plan"
	"pipec/vm/eval/lane"
	"pipec/vm/value"
)

// timeArithmetic makes: timestamp - timestamp, timestamp +- duration, duration +- duration, duration * int, duration / int, duration / duration (a
// float), duration % duration, -duration. All lie in int64 lanes of microseconds, so the kernels are those of ints.
func (b *builder) timeArithmetic(n *node, op plan.Op) error {
	x := n.args[0].typ.Kind
	if op == plan.OpNeg {
		if x != value.Duration {
			return noKernel(n, op)
		}
		intNegation(n)
		return nil
	}
	y := n.args[1].typ.Kind
	const at, span, num = value.Timestamp, value.Duration, value.Int
	switch {
	case op == plan.OpDiv && x == span && y == span:
		ratio(n)
		return nil
	case op == plan.OpSub && (x == at && y == at || x == at && y == span || x == span && y == span),
		op == plan.OpAdd && (x == at && y == span || x == span && y == at || x == span && y == span),
		op == plan.OpMul && (x == span && y == num || x == num && y == span),
		op == plan.OpDiv && x == span && y == num,
		op == plan.OpMod && x == span && y == span:
		intBinary(n, op, intKernels[op])
		return nil
	case (op == plan.OpMul || op == plan.OpDiv) && (x == span && y == value.Float || x == value.Float && y == span && op == plan.OpMul):
		scaled(n, op)
		return nil
	}
	return noKernel(n, op)
}

// ratio is duration / duration.
func ratio(n *node) {
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		a, b := n.args[0].eval(f, s), n.args[1].eval(f, s)
		out := n.fresh(f)
		zero := 0
		for _, r := range s.rows {
			out.F64[r] = float64(a.I64[r]) / float64(b.I64[r])
			zero |= lane.B2I(b.I64[r] == 0)
		}
		lift(out, f.n, a, b)
		if zero != 0 {
			blame(f, s, out, func(r int32) (string, string) {
				if b.I64[r] != 0 {
					return "", ""
				}
				return codeZero, textZero
			})
		}
		return out
	}
}

// scaled is duration * float and duration / float, truncated to microseconds.
func scaled(n *node, op plan.Op) {
	span, by := 0, 1
	if n.args[0].typ.Kind == value.Float {
		span, by = 1, 0
	}
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		n.args[0].eval(f, s)
		n.args[1].eval(f, s)
		a, b := n.args[span].eval(f, s), n.args[by].eval(f, s)
		out := n.fresh(f)
		lift(out, f.n, a, b)
		for _, r := range s.rows {
			x := float64(a.I64[r]) * b.F64[r]
			if op == plan.OpDiv {
				x = float64(a.I64[r]) / b.F64[r]
			}
			out.I64[r] = int64(x)
			if x > -9.2e18 && x < 9.2e18 || out.IsNull(int(r)) {
				continue
			}
			if op == plan.OpDiv && b.F64[r] == 0 {
				f.errs.Add(r, codeZero, textZero)
			} else {
				f.errs.Add(r, codeRange, fmt.Sprintf("%s %s %s is out of the range of duration", value.AppendDuration(nil, a.I64[r]), op, value.AppendFloat(nil, b.F64[r])))
			}
		}
		return out
	}
}
