package agg

import "pipec/vm/value"

// avgScale is the least number of digits after the point of an average of decimals (language A12).
const avgScale = 6

func avg() Spec {
	return Spec{
		Name: "avg",
		Doc: "The mean of the values. Integers are added exactly and divided once, to the nearest float; the mean of decimal(p, s) is decimal(38, max(s, 6)), rounded half away from " +
			"zero; the mean of durations is cut to microseconds. Null where no row has a value.",
		Params: []string{"x"},
		Check:  avgCheck,
		Fields: func(args []value.Type) []value.StateField {
			return append([]value.StateField{{Name: "count", Cell: value.CellInt}}, sumFields(args[0])...)
		},
		Update: func(u *Update) {
			countUpdate(u)
			sumUpdate(u, u.Word+1)
		},
		Merge: func(m *Merge) {
			countMerge(m)
			sumMerge(m, m.Word+1)
		},
		Unmerge: func(args []value.Type) func(*Merge) {
			if args[0].Kind == value.Float {
				return nil
			}
			return func(m *Merge) {
				countUnmerge(m)
				sumUnmerge(m, m.Word+1)
			}
		},
		Result: avgResult,
		Examples: []Example{
			{"[1, 2, null, 4]", "avg(x)", "2.3333333333333335"},
			{"[0.10, 0.25]", "avg(x)", "0.175000"},
			{"[null]", "avg(x)", "null"},
		},
		Flink: "AVG(x)",
	}
}

func avgCheck(args []value.Type, filtered bool) (value.Type, error) {
	t := args[0]
	switch t.Kind {
	case value.Unknown:
		return t, nil
	case value.Int, value.Float:
		return nullable(value.Of(value.Float), t, filtered), nil
	case value.Duration:
		return nullable(value.Of(value.Duration), t, filtered), nil
	case value.Decimal:
		return nullable(value.DecimalOf(value.MaxPrecision, max(int(t.Scale), avgScale)), t, filtered), nil
	}
	return value.Type{}, takes("avg", "a number or a duration", t)
}

func avgResult(r *Result) {
	arg, n := r.Types[0], len(r.Slots)
	for i, s := range r.Slots {
		count := uint64(*s.Int(r.Word))
		if count == 0 {
			r.Out.SetNull(i, n)
			continue
		}
		if arg.Kind == value.Float {
			r.float(i, *s.Float(r.Word + 1)/float64(count), "average")
			continue
		}
		m, neg := r.magnitude(i, r.Word+1)
		switch arg.Kind {
		case value.Int:
			f := m.quotient(count)
			if neg {
				f = -f
			}
			r.Out.F64[i] = f
		case value.Duration:
			m.div(count)
			d, _ := m.dec(neg) // a mean lies between its values
			r.Out.I64[i] = int64(d.Lo)
		default:
			r.decimalMean(i, m, neg, count)
		}
	}
}

// decimalMean writes m / count with the scale of the result, rounded half away from zero.
func (r *Result) decimalMean(i int, m magnitude, neg bool, count uint64) {
	for range int(r.Type.Scale) - int(r.Types[0].Scale) {
		m.mul(10)
	}
	if rest := m.div(count); rest >= count-rest {
		m.increment()
	}
	d, ok := m.dec(neg)
	if !ok {
		r.Fail(int32(i), codeRange, "the average has more than 38 digits")
	}
	r.Out.SetDec(i, d)
}
