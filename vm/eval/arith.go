package eval

import (
	"fmt"
	"math"

	"pipec/compiler/plan"
	"pipec/vm/eval/lane"
	"pipec/vm/value"
)

// arithmetic makes + - * / % ** and negation, by the types of the operands and of the result.
func (b *builder) arithmetic(n *node, op plan.Op) error {
	for _, a := range n.args {
		if a.isNull() {
			n.run = alwaysNull
			return nil
		}
	}
	kinds := [2]value.Kind{n.args[0].typ.Kind, n.args[len(n.args)-1].typ.Kind}
	switch {
	case n.typ.Kind == value.String || n.typ.Kind == value.Bytes:
		return concat(n, op)
	case kinds[0] == value.Timestamp || kinds[0] == value.Duration || kinds[1] == value.Timestamp || kinds[1] == value.Duration:
		return b.timeArithmetic(n, op)
	case n.typ.Kind == value.Float:
		return b.floatArithmetic(n, op)
	case n.typ.Kind == value.Decimal:
		return decimalArithmetic(n, op)
	case kinds[0] == value.Int && kinds[1] == value.Int && n.typ.Kind == value.Int:
		return intArithmetic(n, op)
	}
	return noKernel(n, op)
}

// intKernel computes rows of a lane; the result is negative if one may have overflowed, or divided by zero.
type intKernel func(out, a, b []int64, rows []int32) int64

var intKernels = map[plan.Op]intKernel{plan.OpAdd: lane.AddInts, plan.OpSub: lane.SubInts, plan.OpMul: lane.MulInts, plan.OpMod: lane.ModInts, plan.OpDiv: lane.DivInts}

func intArithmetic(n *node, op plan.Op) error {
	if op == plan.OpNeg {
		intNegation(n)
		return nil
	}
	kernel, ok := intKernels[op]
	if !ok {
		return noKernel(n, op)
	}
	if c := n.args[1].lit; c != nil {
		if k := byConstant(op, c.Int); k != nil {
			kernel = k
		}
	}
	intBinary(n, op, kernel)
	return nil
}

// byConstant gives a kernel that ignores its second lane, which holds the constant in every row; nil if there is none for it.
func byConstant(op plan.Op, c int64) intKernel {
	var by func(out, a []int64, rows []int32)
	switch {
	case c < 2:
		return nil
	case op == plan.OpMod:
		by = lane.ModBy(c)
	case op == plan.OpDiv:
		by = lane.DivBy(c)
	default:
		return nil
	}
	return func(out, a, _ []int64, rows []int32) int64 {
		by(out, a, rows)
		return 0
	}
}

// intBinary makes a node over two int64 lanes, whatever they mean: ints, instants or durations.
func intBinary(n *node, op plan.Op, kernel intKernel) {
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		a, b := n.args[0].eval(f, s), n.args[1].eval(f, s)
		out := n.fresh(f)
		bad := kernel(out.I64, a.I64, b.I64, s.rows)
		lift(out, f.n, a, b)
		if bad < 0 {
			blame(f, s, out, func(r int32) (string, string) { return checkInts(op, a.I64[r], b.I64[r], n.typ) })
		}
		return out
	}
}

// checkInts says what is wrong with one operation.
func checkInts(op plan.Op, a, b int64, t value.Type) (code, text string) {
	var ok bool
	switch op {
	case plan.OpAdd:
		s := a + b
		ok = (a^s)&(b^s) >= 0
	case plan.OpSub:
		d := a - b
		ok = (a^b)&(a^d) >= 0
	case plan.OpMul:
		ok = lane.MulHigh(a, b) == a*b>>63
	default:
		if b == 0 {
			return codeZero, textZero
		}
		ok = op != plan.OpDiv || a != math.MinInt64 || b != -1
	}
	if ok {
		return "", ""
	}
	return codeRange, fmt.Sprintf("%d %s %d is out of the range of %s", a, op, b, t.Kind)
}

func intNegation(n *node) {
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		a := n.args[0].eval(f, s)
		out := n.fresh(f)
		bad := int64(0)
		for _, r := range s.rows {
			x := a.I64[r]
			out.I64[r] = -x
			bad |= x & -x // both are negative for the smallest int alone
		}
		liftOne(out, f.n, a)
		if bad < 0 {
			blame(f, s, out, func(r int32) (string, string) {
				if a.I64[r] != math.MinInt64 {
					return "", ""
				}
				return codeRange, fmt.Sprintf("-(%d) is out of the range of %s", a.I64[r], n.typ.Kind)
			})
		}
		return out
	}
}

// floatArithmetic takes operands that are ints or decimals as floats (int / int is a float).
func (b *builder) floatArithmetic(n *node, op plan.Op) error {
	for i := range n.args {
		if !n.args[i].typ.Numeric() {
			return noKernel(n, op)
		}
		var err error
		if n.args[i], err = b.converted(n.args[i], value.Of(value.Float)); err != nil {
			return err
		}
	}
	if op == plan.OpNeg {
		n.run = func(n *node, f *frame, s *sel) *value.Vec {
			a := n.args[0].eval(f, s)
			out := n.fresh(f)
			for _, r := range s.rows {
				out.F64[r] = 0 - a.F64[r] // -0 does not arise
			}
			liftOne(out, f.n, a)
			return out
		}
		return nil
	}
	if c := n.args[1].lit; c != nil && floatConstKernels[op] != nil && c.Float != 0 {
		floatBinary(n, op, c.Float, floatConstKernels[op], nil)
		return nil
	}
	kernel, ok := floatKernels[op]
	if !ok {
		return noKernel(n, op)
	}
	floatBinary(n, op, 0, nil, kernel)
	return nil
}

type (
	floatKernel      func(out, a, b []float64, rows []int32) int64
	floatConstKernel func(out, a []float64, c float64, rows []int32) int64
)

var (
	floatKernels = map[plan.Op]floatKernel{plan.OpAdd: lane.AddFloats, plan.OpSub: lane.SubFloats, plan.OpMul: lane.MulFloats, plan.OpDiv: lane.DivFloats,
		plan.OpMod: lane.ModFloats, plan.OpPow: lane.PowFloats}
	floatConstKernels = map[plan.Op]floatConstKernel{plan.OpAdd: lane.AddFloatConst, plan.OpSub: lane.SubFloatConst, plan.OpMul: lane.MulFloatConst, plan.OpDiv: lane.DivFloatConst}
)

// floatBinary uses one of the kernels.
func floatBinary(n *node, op plan.Op, c float64, byConst floatConstKernel, kernel floatKernel) {
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		a := n.args[0].eval(f, s)
		b := a
		out := n.fresh(f)
		var bad int64
		if byConst != nil {
			bad = byConst(out.F64, a.F64, c, s.rows)
		} else {
			b = n.args[1].eval(f, s)
			bad = kernel(out.F64, a.F64, b.F64, s.rows)
		}
		lift(out, f.n, a, b)
		if bad < 0 {
			blame(f, s, out, func(r int32) (string, string) {
				y := c
				if byConst == nil {
					y = b.F64[r]
				}
				return checkFloat(op, a.F64[r], y, out.F64[r])
			})
		}
		return out
	}
}

func checkFloat(op plan.Op, a, b, result float64) (code, text string) {
	if lane.Infinite(result) >= 0 {
		return "", ""
	}
	if b == 0 && (op == plan.OpDiv || op == plan.OpMod) {
		return codeZero, textZero
	}
	return codeInfinite, fmt.Sprintf("%s %s %s is not finite", value.AppendFloat(nil, a), op, value.AppendFloat(nil, b))
}
