package agg

import "pipec/vm/value"

// Words of first and last behind their first one.
const (
	pickSeen = iota
	pickTime
	pickValue
)

// pick is first and, with late, last: by event time; of equal times the first or the last to arrive.
func pick(name string, late bool) Spec {
	doc, flink, result := "The value of the earliest row by event time, of equal times the first to arrive. Nulls are passed over.", "FIRST_VALUE(x)", "1"
	if late {
		doc, flink, result = "The value of the latest row by event time, of equal times the last to arrive. Nulls are passed over.", "LAST_VALUE(x)", "2"
	}
	return Spec{
		Name:   name,
		Doc:    doc + " Rows without event time count in the order of arrival.",
		Params: []string{"x"},
		Check: func(args []value.Type, filtered bool) (value.Type, error) {
			switch args[0].Kind {
			case value.Unknown:
				return args[0], nil
			case value.Null:
				return value.Type{}, takes(name, "a value that has a type", args[0])
			}
			return nullable(args[0], args[0], filtered), nil
		},
		Fields: func(args []value.Type) []value.StateField {
			return []value.StateField{{Name: "seen", Cell: value.CellInt}, {Name: "time", Cell: value.CellInt}, {Name: name, Cell: cellOf(args[0])}}
		},
		Update: func(u *Update) { pickUpdate(u, late) },
		Merge:  func(m *Merge) { pickMerge(m, late) },
		Result: func(r *Result) {
			for i, s := range r.Slots {
				if *s.Int(r.Word + pickSeen) == 0 {
					r.Out.SetNull(i, len(r.Slots))
					continue
				}
				load(r.Out, i, len(r.Slots), s, r.Word+pickValue, r.Type, r.Heap)
			}
		},
		Examples: []Example{
			{"[null, 1, 2, null]", name + "(x)", result},
			{"[null]", name + "(x)", "null"},
		},
		Flink: flink,
	}
}

// beats says whether a row at time t that arrives now takes the place of the one that is there.
func beats(s value.Slot, word int, t int64, late bool) bool {
	if *s.Int(word + pickSeen) == 0 {
		return true
	}
	if late {
		return t >= *s.Int(word + pickTime)
	}
	return t < *s.Int(word + pickTime)
}

func pickUpdate(u *Update, late bool) {
	buf, x := borrow(), u.Args[0]
	defer buf.release()
	for i, r := range u.Rows {
		t := int64(0) // all equal: arrival decides
		if u.Time != nil {
			t = u.Time[r]
		}
		s := u.Slots[i]
		if x.IsNull(int(r)) || !beats(s, u.Word, t, late) {
			continue
		}
		*s.Int(u.Word + pickSeen), *s.Int(u.Word + pickTime) = 1, t
		store(s, u.Word+pickValue, x, u.Types[0], int(r), u.Heap, buf)
	}
}

func pickMerge(m *Merge, late bool) {
	buf, cell := borrow(), cellOf(m.Types[0])
	defer buf.release()
	for i, d := range m.Dst {
		s := m.Src[i]
		t := *s.Int(m.Word + pickTime)
		if *s.Int(m.Word + pickSeen) == 0 || !beats(d, m.Word, t, late) {
			continue
		}
		*d.Int(m.Word + pickSeen), *d.Int(m.Word + pickTime) = 1, t
		move(d, s, m.Word+pickValue, cell, m.DstHeap, m.SrcHeap, buf)
	}
}
