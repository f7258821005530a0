package agg

import (
	"math"

	"pipec/vm/value"
)

func sum() Spec {
	return Spec{
		Name:   "sum",
		Doc:    "The sum of the values; 0 if there are none. Integers and decimals are added exactly: only a result that is out of range is a row error. The sum of decimal(p, s) is decimal(38, s).",
		Params: []string{"x"},
		Check:  sumCheck,
		Fields: func(args []value.Type) []value.StateField { return sumFields(args[0]) },
		Update: func(u *Update) { sumUpdate(u, u.Word) },
		Merge:  func(m *Merge) { sumMerge(m, m.Word) },
		Unmerge: func(args []value.Type) func(*Merge) {
			if args[0].Kind == value.Float {
				return nil // what was rounded away does not come back
			}
			return func(m *Merge) { sumUnmerge(m, m.Word) }
		},
		Result: sumResult,
		Examples: []Example{
			{"[1, 2, null]", "sum(x)", "3"},
			{"[0.10, 0.25]", "sum(x)", "0.35"},
			{"[1e0, 0.5e0]", "sum(x)", "1.5"},
			{"[null, null]", "sum(x)", "0"},
		},
		Flink: "SUM(x)",
	}
}

func sumCheck(args []value.Type, _ bool) (value.Type, error) {
	switch t := args[0]; t.Kind {
	case value.Unknown, value.Int, value.Float, value.Duration:
		return t.NotNull(), nil
	case value.Decimal:
		return value.DecimalOf(value.MaxPrecision, int(t.Scale)), nil
	default:
		return value.Type{}, takes("sum", "a number or a duration", t)
	}
}

// sumFields are the accumulators of a sum; avg has the same and a count.
func sumFields(arg value.Type) []value.StateField {
	switch {
	case arg.Kind == value.Float:
		return []value.StateField{{Name: "sum", Cell: value.CellFloat}}
	case arg.Lane() == value.LaneWide:
		return []value.StateField{{Name: "sum", Cell: value.CellWide}, {Name: "carry", Cell: value.CellInt}}
	}
	return []value.StateField{{Name: "sum", Cell: value.CellSum}}
}

func sumUpdate(u *Update, word int) {
	x := u.Args[0]
	switch {
	case x.Lane == value.LaneF64:
		for i, r := range u.Rows {
			if !x.IsNull(int(r)) {
				*u.Slots[i].Float(word) += x.F64[r]
			}
		}
	case x.Lane == value.LaneWide:
		for i, r := range u.Rows {
			if !x.IsNull(int(r)) {
				addDec(u.Slots[i], word, x.Dec(int(r)))
			}
		}
	case x.Valid == nil:
		for i, r := range u.Rows {
			addInt(u.Slots[i], word, x.I64[r], u.Heap)
		}
	default:
		for i, r := range u.Rows {
			if !x.IsNull(int(r)) {
				addInt(u.Slots[i], word, x.I64[r], u.Heap)
			}
		}
	}
}

func sumMerge(m *Merge, word int) {
	for i, d := range m.Dst {
		switch {
		case m.Types[0].Kind == value.Float:
			*d.Float(word) += *m.Src[i].Float(word)
		case m.Types[0].Lane() == value.LaneWide:
			mergeDec(d, m.Src[i], word)
		default:
			mergeInt(m, i, word)
		}
	}
}

// sumUnmerge is for sums that are exact.
func sumUnmerge(m *Merge, word int) {
	for i, d := range m.Dst {
		if m.Types[0].Lane() == value.LaneWide {
			unmergeDec(d, m.Src[i], word)
		} else {
			unmergeInt(m, i, word)
		}
	}
}

// The codes of row errors that an emission can have.
const (
	codeRange  = "E804"
	codeFinite = "E806"
)

func sumResult(r *Result) {
	arg := r.Types[0]
	for i, s := range r.Slots {
		switch {
		case arg.Kind == value.Float:
			r.float(i, *s.Float(r.Word), "sum")
		case arg.Kind == value.Decimal:
			m, neg := r.magnitude(i, r.Word)
			d, ok := m.dec(neg)
			if !ok {
				r.Fail(int32(i), codeRange, "the sum has more than 38 digits")
			}
			r.Out.SetDec(i, d)
		default:
			n, ok := s.Sum(r.Word, r.Heap).Int()
			if !ok {
				r.Fail(int32(i), codeRange, "the sum is out of the range of "+arg.Kind.String())
			}
			r.Out.I64[i] = n
		}
	}
}

// float writes a float that must be finite.
func (r *Result) float(i int, f float64, what string) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		r.Fail(int32(i), codeFinite, "the "+what+" is not finite")
	}
	r.Out.F64[i] = f
}
