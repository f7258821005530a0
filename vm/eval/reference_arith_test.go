package eval

import (
	"math"
	"math/big"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

func arithmeticOf(e *plan.Expr, a []any) any {
	if s, ok := a[0].(string); ok {
		return s + a[1].(string)
	}
	kinds := [2]value.Kind{e.Args[0].Type.Kind, e.Args[len(a)-1].Type.Kind}
	switch {
	case e.Type.Kind == value.Decimal:
		return decimalOf(e, a)
	case e.Type.Kind == value.Float && kinds[0] == value.Duration:
		if a[1].(int64) == 0 {
			fail("E805")
		}
		return float64(a[0].(int64)) / float64(a[1].(int64))
	case e.Type.Kind == value.Float:
		return floatOf(e.Op, a)
	}
	x := big.NewInt(a[0].(int64))
	if e.Op == plan.OpNeg {
		return fits64(x.Neg(x))
	}
	y := big.NewInt(a[1].(int64))
	switch e.Op {
	case plan.OpAdd:
		return fits64(x.Add(x, y))
	case plan.OpSub:
		return fits64(x.Sub(x, y))
	case plan.OpMul:
		return fits64(x.Mul(x, y))
	}
	if y.Sign() == 0 {
		fail("E805")
	}
	if e.Op == plan.OpDiv {
		return fits64(x.Quo(x, y))
	}
	return fits64(x.Rem(x, y))
}

func floatOf(op plan.Op, a []any) any {
	num := func(v any) float64 {
		if n, ok := v.(int64); ok {
			return float64(n)
		}
		return v.(float64)
	}
	x := num(a[0])
	if op == plan.OpNeg {
		return -x
	}
	y := num(a[1])
	if y == 0 && (op == plan.OpDiv || op == plan.OpMod) {
		fail("E805")
	}
	switch op {
	case plan.OpAdd:
		return finite(x + y)
	case plan.OpSub:
		return finite(x - y)
	case plan.OpMul:
		return finite(x * y)
	case plan.OpDiv:
		return finite(x / y)
	case plan.OpMod:
		return finite(math.Mod(x, y))
	}
	return finite(math.Pow(x, y))
}

// ratOf is the exact value of an int or decimal.
func ratOf(v any, t value.Type) *big.Rat {
	if n, ok := v.(int64); ok {
		return new(big.Rat).SetInt64(n)
	}
	return new(big.Rat).SetFrac(v.(*big.Int), tenTo(int(t.Scale)))
}

func tenTo(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// decimalIn rounds an exact value to a decimal type, half away from zero.
func decimalIn(x *big.Rat, t value.Type) any {
	x = new(big.Rat).Mul(x, new(big.Rat).SetInt(tenTo(int(t.Scale))))
	num := new(big.Int).Abs(x.Num())
	num.Mul(num, big.NewInt(2)).Add(num, x.Denom())
	num.Quo(num, new(big.Int).Mul(x.Denom(), big.NewInt(2)))
	if num.Cmp(tenTo(int(t.Precision))) >= 0 {
		fail("E804")
	}
	if x.Sign() < 0 {
		num.Neg(num)
	}
	return num
}

func decimalOf(e *plan.Expr, a []any) any {
	x := ratOf(a[0], e.Args[0].Type)
	if e.Op == plan.OpNeg {
		return decimalIn(x.Neg(x), e.Type)
	}
	y := ratOf(a[1], e.Args[1].Type)
	if y.Sign() == 0 && (e.Op == plan.OpDiv || e.Op == plan.OpMod) {
		fail("E805")
	}
	switch e.Op {
	case plan.OpAdd:
		x.Add(x, y)
	case plan.OpSub:
		x.Sub(x, y)
	case plan.OpMul:
		x.Mul(x, y)
	case plan.OpDiv:
		x.Quo(x, y)
	default: // the remainder of truncated division
		q := new(big.Rat).Quo(x, y)
		whole := new(big.Int).Quo(q.Num(), q.Denom())
		x.Sub(x, y.Mul(y, new(big.Rat).SetInt(whole)))
	}
	return decimalIn(x, e.Type)
}

func converted(v any, from, to value.Type) any {
	switch {
	case to.Kind == value.Float && from.Kind == value.Int:
		return float64(v.(int64))
	case to.Kind == value.Decimal:
		return decimalIn(ratOf(v, from), to)
	case to.Kind == value.List:
		xs := []any{}
		for _, x := range v.([]any) {
			if x != nil {
				x = converted(x, *from.Elem, *to.Elem)
			}
			xs = append(xs, x)
		}
		return xs
	}
	return v
}
