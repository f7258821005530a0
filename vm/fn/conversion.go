package fn

import (
	"fmt"
	"slices"
	"strings"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

func conversions() []*Spec {
	fromAll := kinds("a number or a string", value.Int, value.Float, value.Decimal, value.String)
	return inFamily("conversion", slices.Concat(
		withTry(toInt, &Spec{Name: "int", Doc: "The whole number: floats and decimals are truncated, texts must be -?[0-9]+.", Params: []string{"x: number or string"},
			Flink: "CAST($1 AS BIGINT)", Check: takes(gives(value.Int), fromAll),
			Examples: []Example{{`int(3.99)`, `3`}, {`int("12")`, `12`}, {`int(-0.5)`, `0`}}}),
		withTry(toFloat, &Spec{Name: "float", Doc: "The number as a float.", Params: []string{"x: number or string"},
			Flink: "CAST($1 AS DOUBLE)", Check: takes(gives(value.Float), fromAll),
			Examples: []Example{{`float("1.5")`, `1.5`}, {`float(2)`, `2.0`}}}),
		withTry(toDecimal, &Spec{Name: "decimal", Doc: "The number as a decimal(p, s), rounded half away from zero: decimal(38, 18) unless given; decimal(19, 0) for an int; a decimal keeps its own.",
			Params: []string{"x: number or string", "p: constant int", "s: constant int"}, Optional: 2, Flink: "CAST($1 AS DECIMAL($2, $3))", Check: decimalType,
			Examples: []Example{{`string(decimal("1.50", 10, 2))`, `"1.50"`}, {`string(decimal(2.675, 10, 2))`, `"2.68"`}}}),
		withTry(toTimestamp, &Spec{Name: "timestamp", Doc: "The instant of an RFC 3339 text.", Params: []string{"text: string"},
			Flink: "TO_TIMESTAMP_LTZ($1)", Check: takes(gives(value.Timestamp), kinds("a string or a timestamp", value.String, value.Timestamp)),
			Examples: []Example{{`string(timestamp("2024-05-01T14:00:00+02:00"))`, `"2024-05-01T12:00:00Z"`}}}),
		withTry(toBool, &Spec{Name: "bool", Doc: "The truth value that the texts true and false stand for.", Params: []string{"text: string"},
			Flink: "CAST($1 AS BOOLEAN)", Check: takes(gives(value.Bool), kinds("a string or a bool", value.String, value.Bool)),
			Examples: []Example{{`bool("true")`, `true`}}}),
		[]*Spec{{Name: "string", Doc: "The value as text: numbers as JSON writes them, decimals with all their digits, instants as RFC 3339 in UTC, durations as in 1h30m.",
			Params: []string{"x: scalar"}, Flink: "CAST($1 AS STRING)", Eval: toString,
			Check:    takes(gives(value.String), kinds("a scalar", value.Bool, value.Int, value.Float, value.Decimal, value.String, value.Timestamp, value.Duration)),
			Examples: []Example{{`string(12)`, `"12"`}, {`string(0.5)`, `"0.5"`}, {`string(true)`, `"true"`}, {`string(from_unix_s(0))`, `"1970-01-01T00:00:00Z"`}}}}))
}

// conversion converts row r of the first argument, or says what is wrong with it.
type conversion func(c *Call, t value.Type, r int) error

// withTry gives a conversion and its form that is null where the plain one fails.
func withTry(one conversion, plain *Spec) []*Spec {
	try := *plain
	plain.CanFail, try.CanNull = true, true
	plain.Eval = func(c *Call) { convert(c, one) }
	try.Name = "try_" + plain.Name
	try.Doc = "As " + plain.Name + ", but null for what cannot be converted."
	try.Examples = []Example{{try.Name + `("x")`, `null`}}
	try.Flink = ""
	if strings.HasPrefix(plain.Flink, "CAST") {
		try.Flink = "TRY_" + plain.Flink
	}
	try.Eval = func(c *Call) {
		for _, r := range c.Rows {
			if one(c, c.Types[0], int(r)) != nil {
				c.Out.SetNull(int(r), c.N)
			}
		}
	}
	return []*Spec{plain, &try}
}

// convert converts row by row; what convert reports becomes a row error.
func convert(c *Call, one conversion) {
	for _, r := range c.Rows {
		err := one(c, c.Types[0], int(r))
		if err == nil {
			continue
		}
		code := codeRange
		switch err {
		case value.ErrMalformed:
			code = codeKind
		case value.ErrFinite:
			code = codeInfinite
		case value.ErrFine:
			c.Fail(r, code, fmt.Sprintf("%s is %v", shown(c, int(r)), err))
			continue
		}
		c.Fail(r, code, fmt.Sprintf("%s is no %s: %v", shown(c, int(r)), c.Type.NotNull(), err))
	}
}

// shown is the argument as the text of an error, cut to a readable length.
func shown(c *Call, r int) []byte {
	text := appendScalar(nil, c.Args[0], c.Types[0], r)
	if len(text) > 40 {
		text = append(text[:40], "..."...)
	}
	if c.Types[0].Kind == value.String {
		return fmt.Appendf(nil, "%q", text)
	}
	return text
}

func toInt(c *Call, t value.Type, r int) (err error) {
	v, out := c.Args[0], c.Out.I64
	switch t.Kind {
	case value.Int:
		out[r] = v.I64[r]
	case value.Float:
		x := v.F64[r]
		if !(x >= -1<<63 && x < 1<<63) {
			return value.ErrRange
		}
		out[r] = int64(x)
	case value.Decimal:
		d, _ := v.Dec(r).Rescale(int(t.Scale), 0, value.Truncate)
		n, ok := d.Int()
		if !ok {
			return value.ErrRange
		}
		out[r] = n
	default:
		out[r], err = value.ParseInt(v.Text(r))
	}
	return err
}

func toFloat(c *Call, t value.Type, r int) (err error) {
	v, out := c.Args[0], c.Out.F64
	switch t.Kind {
	case value.Int:
		out[r] = float64(v.I64[r])
	case value.Float:
		out[r] = v.F64[r]
	case value.Decimal:
		out[r] = v.Dec(r).Float(int(t.Scale))
	default:
		out[r], err = value.ParseFloat(v.Text(r))
	}
	return err
}

func toDecimal(c *Call, t value.Type, r int) (err error) {
	v, p, s := c.Args[0], int(c.Type.Precision), int(c.Type.Scale)
	var d value.Dec
	switch t.Kind {
	case value.Int, value.Decimal:
		var ok bool
		if d, ok = v.Dec(r).Rescale(int(t.Scale), s, value.HalfAway); !ok || !d.Fits(p) {
			return value.ErrRange
		}
	case value.Float:
		d, err = value.DecOfFloat(v.F64[r], p, s)
	default:
		d, err = value.RoundDecimal(v.Text(r), p, s)
	}
	if err == nil {
		c.Out.SetDec(r, d)
	}
	return err
}

func toTimestamp(c *Call, t value.Type, r int) error {
	v := c.Args[0]
	if t.Kind == value.Timestamp {
		c.Out.I64[r] = v.I64[r]
		return nil
	}
	at, ok := value.ParseTime(v.Text(r))
	if !ok {
		return value.WhyNoTime(v.Text(r))
	}
	c.Out.I64[r] = at
	return nil
}

func toBool(c *Call, t value.Type, r int) (err error) {
	if t.Kind == value.Bool {
		c.Out.Bool[r] = c.Args[0].Bool[r]
		return nil
	}
	c.Out.Bool[r], err = value.ParseBool(c.Args[0].Text(r))
	return err
}

func toString(c *Call) {
	if c.Types[0].Kind == value.String {
		c.Out.Merge(c.Args[0], c.Rows, c.N)
		return
	}
	writeText(c, func(dst []byte, r int) []byte { return appendScalar(dst, c.Args[0], c.Types[0], r) })
}

// appendScalar appends a scalar as text.
func appendScalar(dst []byte, v *value.Vec, t value.Type, r int) []byte {
	switch t.Kind {
	case value.Bool:
		return value.AppendBool(dst, v.Bool[r])
	case value.Float:
		return value.AppendFloat(dst, v.F64[r])
	case value.Decimal:
		return value.AppendDecimal(dst, v.Dec(r), int(t.Scale))
	case value.Timestamp:
		return value.AppendTime(dst, v.I64[r])
	case value.Duration:
		return value.AppendDuration(dst, v.I64[r])
	case value.Int:
		return value.AppendInt(dst, v.I64[r])
	}
	return append(dst, v.Text(r)...)
}

// decimalType reads precision and scale from the literals.
func decimalType(args []value.Type, lits []*plan.Literal) (value.Type, error) {
	t, err := takes(givesFirst, kinds("a number or a string", value.Int, value.Float, value.Decimal, value.String), anInt)(args, lits)
	if err != nil {
		return t, err
	}
	if len(args) == 1 {
		if t = t.AsDecimal(); t.Kind != value.Decimal {
			t = value.DecimalOf(value.MaxPrecision, 18)
		}
		return t, nil
	}
	var p, s int64
	for i, to := range []*int64{&p, &s} {
		if i+1 < len(args) {
			if lits[i+1] == nil || lits[i+1].Kind != value.Int {
				return t, &ArgumentError{Arg: i + 1, Constant: lits[i+1] == nil, Text: "precision and scale must be constant ints"}
			}
			*to = lits[i+1].Int
		}
	}
	if p < 1 || p > value.MaxPrecision || s < 0 || s > p {
		return t, fmt.Errorf("decimal(%d, %d) does not exist: the precision is 1 to %d, the scale 0 to the precision", p, s, value.MaxPrecision)
	}
	return value.DecimalOf(int(p), int(s)), nil
}
