package agg

import (
	"bytes"
	"cmp"

	"pipec/vm/value"
)

// extreme is min (sign -1) and max (sign 1).
func extreme(name string, sign int) Spec {
	doc, flink := "The smallest value; null where no row has one.", "MIN(x)"
	if sign > 0 {
		doc, flink = "The greatest value; null where no row has one.", "MAX(x)"
	}
	s := Spec{
		Name:   name,
		Doc:    doc + " Texts compare by their bytes, false is less than true.",
		Params: []string{"x"},
		Check: func(args []value.Type, filtered bool) (value.Type, error) {
			switch args[0].Kind {
			case value.Unknown:
				return args[0], nil
			case value.Null, value.List, value.Map, value.Record:
				return value.Type{}, takes(name, "a value that has an order", args[0])
			}
			return nullable(args[0], args[0], filtered), nil
		},
		Fields: func(args []value.Type) []value.StateField {
			return []value.StateField{{Name: "seen", Cell: value.CellInt}, {Name: name, Cell: cellOf(args[0])}}
		},
		Update: func(u *Update) { extremeUpdate(u, sign) },
		Merge:  func(m *Merge) { extremeMerge(m, sign) },
		Result: func(r *Result) {
			for i, s := range r.Slots {
				if *s.Int(r.Word) == 0 {
					r.Out.SetNull(i, len(r.Slots))
					continue
				}
				load(r.Out, i, len(r.Slots), s, r.Word+1, r.Type, r.Heap)
			}
		},
		Examples: []Example{
			{"[3, 1, null, 2]", name + "(x)", "1"},
			{`["pear", "fig"]`, name + "(x)", `"fig"`},
			{"[null]", name + "(x)", "null"},
		},
		Flink: flink,
	}
	if sign > 0 {
		s.Examples[0].Result, s.Examples[1].Result = "3", `"pear"`
	}
	return s
}

func extremeUpdate(u *Update, sign int) {
	x, word := u.Args[0], u.Word
	switch x.Lane {
	case value.LaneI64:
		extremeInts(u, sign)
	case value.LaneF64:
		extremeFloats(u, sign)
	default:
		buf := borrow()
		for i, r := range u.Rows {
			s := u.Slots[i]
			if x.IsNull(int(r)) || *s.Int(word) != 0 && compareRow(s, word+1, x, int(r), u.Heap)*sign >= 0 {
				continue
			}
			*s.Int(word) = 1
			store(s, word+1, x, u.Types[0], int(r), u.Heap, buf)
		}
		buf.release()
	}
}

// extremeInts turns the order around for min by taking the complement, so that both share one loop without a branch on the sign.
func extremeInts(u *Update, sign int) {
	x, flip := u.Args[0], int64(0)
	if sign < 0 {
		flip = -1
	}
	for i, r := range u.Rows {
		if x.IsNull(int(r)) {
			continue
		}
		s, v := u.Slots[i], x.I64[r]
		if seen, place := s.Int(u.Word), s.Int(u.Word+1); *seen == 0 || v^flip > *place^flip {
			*seen, *place = 1, v
		}
	}
}

func extremeFloats(u *Update, sign int) {
	x, flip := u.Args[0], float64(sign)
	for i, r := range u.Rows {
		if x.IsNull(int(r)) {
			continue
		}
		s, v := u.Slots[i], x.F64[r]
		if seen, place := s.Int(u.Word), s.Float(u.Word+1); *seen == 0 || v*flip > *place*flip {
			*seen, *place = 1, v
		}
	}
}

// compareRow compares the stored value with the value of a row.
func compareRow(s value.Slot, word int, x *value.Vec, row int, heap value.Heap) int {
	switch x.Lane {
	case value.LaneWide:
		return narrow(s, word).Cmp(x.Dec(row))
	case value.LaneBool:
		b := int64(0)
		if x.Bool[row] {
			b = 1
		}
		return cmp.Compare(*s.Int(word), b)
	}
	return bytes.Compare(heap.Bytes(*s.Uint(word)), x.Text(row))
}

func extremeMerge(m *Merge, sign int) {
	buf, cell := borrow(), cellOf(m.Types[0])
	defer buf.release()
	for i, d := range m.Dst {
		s := m.Src[i]
		if *s.Int(m.Word) == 0 || *d.Int(m.Word) != 0 && compareSlots(d, s, m.Word+1, cell, m)*sign >= 0 {
			continue
		}
		*d.Int(m.Word) = 1
		move(d, s, m.Word+1, cell, m.DstHeap, m.SrcHeap, buf)
	}
}

func compareSlots(d, s value.Slot, word int, cell value.Cell, m *Merge) int {
	switch cell {
	case value.CellFloat:
		return cmp.Compare(*d.Float(word), *s.Float(word))
	case value.CellWide:
		return narrow(d, word).Cmp(narrow(s, word))
	case value.CellBytes:
		return bytes.Compare(m.DstHeap.Bytes(*d.Uint(word)), m.SrcHeap.Bytes(*s.Uint(word)))
	}
	return cmp.Compare(*d.Int(word), *s.Int(word))
}
