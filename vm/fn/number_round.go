package fn

import (
	"fmt"
	"math"

	"pipec/vm/value"
)

func roundings() []*Spec {
	spec := func(name, doc, flink string, mode value.Rounding, examples ...Example) *Spec {
		return &Spec{Name: name, Doc: doc, Params: []string{"x: number", "digits: int"}, Optional: 1, CanFail: true, Flink: flink,
			Check: takes(givesFirst, aNumber, anInt), Eval: func(c *Call) { round(c, mode) }, Examples: examples}
	}
	return inFamily("number", []*Spec{
		spec("round", "The nearest number with that many digits after the point (0 unless given; -2 for hundreds), halves away from zero. The type stays.",
			"ROUND($1, $2)", value.HalfAway, Example{`round(2.5)`, `3.0`}, Example{`round(-2.5)`, `-3.0`}, Example{`round(2.675, 2)`, `2.68`}, Example{`round(1250, -2)`, `1300`}),
		spec("floor", "The largest number with that many digits after the point that is not above x. The type stays.", "FLOOR($1)", value.Floor,
			Example{`floor(2.9)`, `2.0`}, Example{`floor(-2.1)`, `-3.0`}, Example{`floor(7)`, `7`}),
		spec("ceil", "The smallest number with that many digits after the point that is not below x. The type stays.", "CEIL($1)", value.Ceil,
			Example{`ceil(2.1)`, `3.0`}, Example{`ceil(-2.9)`, `-2.0`}, Example{`ceil(0.121, 2)`, `0.13`}),
	})
}

// round works on decimals throughout: an int has scale 0, and a float is rounded as it is written, so that 2.675 gives 2.68.
func round(c *Call, mode value.Rounding) {
	v := c.Args[0]
	for _, r := range c.Rows {
		digits := int64(0)
		if len(c.Args) == 2 {
			digits = c.Args[1].I64[r]
		}
		n := int(min(max(digits, -400), 400))
		ok := true
		switch c.Type.Kind {
		case value.Float:
			c.Out.F64[r] = roundFloat(v.F64[r], n, mode)
			ok = !math.IsInf(c.Out.F64[r], 0)
		case value.Decimal:
			var d value.Dec
			d, ok = v.Dec(int(r)).Round(int(c.Type.Scale), n, mode)
			ok = ok && d.Fits(int(c.Type.Precision))
			c.Out.SetDec(int(r), d)
		default:
			var d value.Dec
			var fits bool
			d, ok = value.DecOf(v.I64[r]).Round(0, n, mode)
			c.Out.I64[r], fits = d.Int()
			ok = ok && fits
		}
		if !ok {
			c.Fail(r, codeRange, fmt.Sprintf("the rounded number does not fit %s", c.Type.NotNull()))
		}
	}
}

// floatScale is the scale at which floats are rounded as decimals; finer digits than that are below what rounding asks for.
const floatScale = 20

func roundFloat(x float64, digits int, mode value.Rounding) float64 {
	if digits == 0 {
		switch mode {
		case value.Floor:
			return math.Floor(x) + 0
		case value.Ceil:
			return math.Ceil(x) + 0
		}
		return math.Round(x) + 0
	}
	if digits >= floatScale || math.Abs(x) >= 1e17 && digits > 0 {
		return x // a float of that size has no such digits
	}
	scale := floatScale
	if math.Abs(x) >= 1e17 {
		scale = 0
	}
	d, err := value.DecOfFloat(x, value.MaxPrecision, scale)
	if err != nil {
		return x // above 10^38 only the digits before the point are left
	}
	d, ok := d.Round(scale, digits, mode)
	if !ok {
		return x
	}
	return d.Float(scale)
}
