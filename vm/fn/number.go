package fn

import (
	"fmt"
	"math"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

func numbers() []*Spec {
	float := func(name, doc, flink string, f func(float64) float64, examples ...Example) *Spec {
		return &Spec{Name: name, Family: "number", Doc: doc, Params: []string{"x: float"}, CanFail: true, Flink: flink,
			Check: takes(gives(value.Float), kinds("an int or float", value.Int, value.Float)), Convert: toFloats,
			Eval: func(c *Call) { mapFloat(c, name, f) }, Examples: examples}
	}
	return inFamily("number", []*Spec{
		{Name: "abs", Doc: "The number without its sign.", Params: []string{"x: number or duration"}, CanFail: true, Flink: "ABS($1)",
			Check: takes(givesFirst, kinds("a number or a duration", value.Int, value.Float, value.Decimal, value.Duration)), Eval: abs,
			Examples: []Example{{`abs(-3)`, `3`}, {`abs(-2.5)`, `2.5`}}},
		{Name: "sign", Doc: "-1, 0 or 1.", Params: []string{"x: number"}, Flink: "SIGN($1)", Check: takes(gives(value.Int), aNumber), Eval: sign,
			Examples: []Example{{`sign(-3)`, `-1`}, {`sign(0.0)`, `0`}, {`sign(7)`, `1`}}},
		{Name: "least", Doc: "The smallest argument; null if one is null.", Params: []string{"a", "b"}, Variadic: true, Flink: "LEAST($*)",
			Check: commonType, Convert: toCommon, Eval: func(c *Call) { best(c, -1) },
			Examples: []Example{{`least(3, 1, 2)`, `1`}, {`least(1, 0.5)`, `0.5`}, {`least("b", "a")`, `"a"`}}},
		{Name: "greatest", Doc: "The largest argument; null if one is null.", Params: []string{"a", "b"}, Variadic: true, Flink: "GREATEST($*)",
			Check: commonType, Convert: toCommon, Eval: func(c *Call) { best(c, 1) },
			Examples: []Example{{`greatest(3, 1, 2)`, `3`}, {`greatest("b", "a")`, `"b"`}}},
		{Name: "div", Doc: "The whole quotient, truncated towards zero; by 0 is a row error.", Params: []string{"a: int", "b: int"}, CanFail: true, Flink: "CAST($1 / $2 AS BIGINT)",
			Check: takes(gives(value.Int), anInt), Eval: div, Examples: []Example{{`div(7, 2)`, `3`}, {`div(-7, 2)`, `-3`}}},
		{Name: "mod", Doc: "The remainder of div, with the sign of a; by 0 is a row error.", Params: []string{"a: int or decimal", "b: int or decimal"}, CanFail: true, Flink: "MOD($1, $2)",
			Check: takes(modType, kinds("an int or decimal", value.Int, value.Decimal)), Eval: mod, Examples: []Example{{`mod(7, 3)`, `1`}, {`mod(-7, 3)`, `-1`}}},
		{Name: "pow", Doc: "a to the power of b. A result that is not finite is a row error.", Params: []string{"a: float", "b: float"}, CanFail: true, Flink: "POWER($1, $2)",
			Check: takes(gives(value.Float), kinds("an int or float", value.Int, value.Float)), Convert: toFloats, Eval: pow,
			Examples: []Example{{`pow(2, 10)`, `1024.0`}, {`pow(2.0, 0.5)`, `1.4142135623730951`}}},
		float("sqrt", "The square root; of a negative number it is a row error.", "SQRT($1)", math.Sqrt, Example{`sqrt(16)`, `4.0`}),
		float("exp", "e to the power of x.", "EXP($1)", math.Exp, Example{`exp(0)`, `1.0`}),
		float("log", "The natural logarithm; of 0 and of negative numbers it is a row error.", "LN($1)", math.Log, Example{`log(1)`, `0.0`}),
	})
}

func inFamily(family string, specs []*Spec) []*Spec {
	for _, s := range specs {
		s.Family = family
	}
	return specs
}

func commonType(args []value.Type, lits []*plan.Literal) (value.Type, error) {
	for i, a := range args {
		if !anOrdered.has(a) {
			return a, notA(i, "one of "+anOrdered.words, a)
		}
	}
	return common(args)
}

func modType(args []value.Type) value.Type {
	if args[0].Kind == value.Int && args[1].Kind == value.Int {
		return value.Of(value.Int)
	}
	return value.ModType(args[0], args[1])
}

func abs(c *Call) {
	v := c.Args[0]
	for _, r := range c.Rows {
		switch {
		case v.Lane == value.LaneF64:
			c.Out.F64[r] = math.Abs(v.F64[r])
		case c.Type.Kind == value.Decimal:
			d := v.Dec(int(r))
			if d.Sign() < 0 {
				d = d.Neg()
			}
			c.Out.SetDec(int(r), d)
		default:
			x := v.I64[r]
			c.Out.I64[r] = max(x, -x)
			if x == math.MinInt64 {
				c.Fail(r, codeRange, fmt.Sprintf("abs(%d) is out of the range of %s", x, c.Type.Kind))
			}
		}
	}
}

func sign(c *Call) {
	v := c.Args[0]
	for _, r := range c.Rows {
		if v.Lane != value.LaneF64 {
			c.Out.I64[r] = int64(v.Dec(int(r)).Sign())
			continue
		}
		c.Out.I64[r] = 0
		if x := v.F64[r]; x > 0 {
			c.Out.I64[r] = 1
		} else if x < 0 {
			c.Out.I64[r] = -1
		}
	}
}

// best takes the smallest (side -1) or largest (side 1) argument.
func best(c *Call, side int) {
	for i, a := range c.Args {
		if i == 0 {
			c.Out.Merge(a, c.Rows, c.N)
			continue
		}
		switch a.Lane {
		case value.LaneI64:
			extreme(c.Out.I64, a.I64, c.Rows, side < 0)
		case value.LaneF64:
			extreme(c.Out.F64, a.F64, c.Rows, side < 0)
		default:
			better, n := cached(c, func() *[]int32 { return new([]int32) }), 0
			*better = append((*better)[:0], c.Rows...)
			for _, r := range c.Rows {
				(*better)[n] = r
				if value.Compare(a, int(r), c.Out, int(r)) == side {
					n++
				}
			}
			c.Out.Merge(a, (*better)[:n], c.N)
		}
	}
}

func extreme[T int64 | float64](out, a []T, rows []int32, smallest bool) {
	if smallest {
		for _, r := range rows {
			out[r] = min(out[r], a[r])
		}
		return
	}
	for _, r := range rows {
		out[r] = max(out[r], a[r])
	}
}

func div(c *Call) {
	a, b := c.Args[0].I64, c.Args[1].I64
	for _, r := range c.Rows {
		switch {
		case b[r] == 0:
			c.Fail(r, codeZero, "division by zero")
		case a[r] == math.MinInt64 && b[r] == -1:
			c.Fail(r, codeRange, fmt.Sprintf("div(%d, -1) is out of the range of int", a[r]))
		default:
			c.Out.I64[r] = a[r] / b[r]
		}
	}
}

func mod(c *Call) {
	a, b := c.Args[0], c.Args[1]
	scale := int(max(c.Types[0].Scale, c.Types[1].Scale))
	for _, r := range c.Rows {
		if c.Type.Kind == value.Int {
			if b.I64[r] == 0 {
				c.Fail(r, codeZero, "division by zero")
			} else {
				c.Out.I64[r] = a.I64[r] % b.I64[r]
			}
			continue
		}
		d, ok := a.Dec(int(r)).Rem(b.Dec(int(r)), scale-int(c.Types[0].Scale), scale-int(c.Types[1].Scale))
		switch {
		case !ok:
			c.Fail(r, codeZero, "division by zero")
		case !d.Fits(int(c.Type.Precision)):
			c.Fail(r, codeRange, fmt.Sprintf("the remainder does not fit %s", c.Type.NotNull()))
		default:
			c.Out.SetDec(int(r), d)
		}
	}
}

func pow(c *Call) {
	for _, r := range c.Rows {
		x := math.Pow(c.Args[0].F64[r], c.Args[1].F64[r])
		c.Out.F64[r] = x
		if math.IsInf(x, 0) || math.IsNaN(x) {
			c.Fail(r, codeInfinite, fmt.Sprintf("pow(%s, %s) is not finite", value.AppendFloat(nil, c.Args[0].F64[r]), value.AppendFloat(nil, c.Args[1].F64[r])))
		}
	}
}

func mapFloat(c *Call, name string, f func(float64) float64) {
	for _, r := range c.Rows {
		x := f(c.Args[0].F64[r])
		c.Out.F64[r] = x
		if math.IsInf(x, 0) || math.IsNaN(x) {
			c.Fail(r, codeInfinite, fmt.Sprintf("%s(%s) is not finite", name, value.AppendFloat(nil, c.Args[0].F64[r])))
		}
	}
}
