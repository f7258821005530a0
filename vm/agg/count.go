package agg

import "pipec/vm/value"

func count() Spec {
	return Spec{
		Name:     "count",
		Doc:      "How many rows there are; with an argument, how many rows have a value for it.",
		Params:   []string{"x"},
		Optional: 1,
		Check: func([]value.Type, bool) (value.Type, error) {
			return value.Of(value.Int), nil
		},
		Fields: func([]value.Type) []value.StateField {
			return []value.StateField{{Name: "count", Cell: value.CellInt}}
		},
		Update:  countUpdate,
		Merge:   countMerge,
		Unmerge: func([]value.Type) func(*Merge) { return countUnmerge },
		Result: func(r *Result) {
			for i, s := range r.Slots {
				r.Out.I64[i] = *s.Int(r.Word)
			}
		},
		Examples: []Example{
			{"[5, null, 7]", "count()", "3"},
			{"[5, null, 7]", "count(x)", "2"},
		},
		Flink: "COUNT(x)",
	}
}

func countUpdate(u *Update) {
	if len(u.Args) == 0 || u.Args[0].Valid == nil {
		for _, s := range u.Slots {
			*s.Int(u.Word)++
		}
		return
	}
	x := u.Args[0]
	for i, s := range u.Slots {
		if !x.IsNull(int(u.Rows[i])) {
			*s.Int(u.Word)++
		}
	}
}

func countMerge(m *Merge) {
	for i, d := range m.Dst {
		*d.Int(m.Word) += *m.Src[i].Int(m.Word)
	}
}

func countUnmerge(m *Merge) {
	for i, d := range m.Dst {
		*d.Int(m.Word) -= *m.Src[i].Int(m.Word)
	}
}
