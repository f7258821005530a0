package value

// AppendRows copies rows of src behind the rows of b, text included: afterwards b needs nothing of src. Both have the same columns; those that
// src or b lacks (pruned) b lacks. b must have no selection.
func (b *Batch) AppendRows(src *Batch, rows []int32) {
	from, n := b.Len, b.Len+len(rows)
	for c, col := range src.Cols {
		if col == nil {
			b.Cols[c] = nil
			continue
		}
		if b.Cols[c] == nil { // the rows before these came another way, on which the column was pruned: behind it nobody reads it
			continue
		}
		b.Cols[c].appendRows(col, rows, from)
	}
	b.Kinds = appendLane(b.Kinds, src.Kinds, rows, from, Insert)
	b.Time = appendLane(b.Time, src.Time, rows, from, NoTime)
	b.Mark = appendLane(b.Mark, src.Mark, rows, from, NoTime)
	b.Len = n
}

// appendLane appends entries of an optional lane; where only one side has it, none stands for the entries of the other.
func appendLane[T any](dst, src []T, rows []int32, from int, none T) []T {
	if src == nil && len(dst) == 0 {
		return dst
	}
	for len(dst) < from {
		dst = append(dst, none)
	}
	if src == nil {
		for range rows {
			dst = append(dst, none)
		}
		return dst
	}
	dst = keep(dst, from+len(rows))
	out := dst[from:]
	for i, r := range rows {
		out[i] = src[r]
	}
	return dst
}

func (v *Vec) appendRows(src *Vec, rows []int32, from int) {
	n := from + len(rows)
	v.Extend(n)
	switch v.Lane {
	case LaneI64:
		gather(v.I64[from:], src.I64, rows)
	case LaneWide:
		gather(v.I64[from:], src.I64, rows)
		gather(v.Hi[from:], src.Hi, rows)
	case LaneF64:
		gather(v.F64[from:], src.F64, rows)
	case LaneBool:
		gather(v.Bool[from:], src.Bool, rows)
	case LaneView:
		v.appendTexts(src, rows, from)
	case LaneList:
		v.appendLists(src, rows, from)
	case LaneRecord:
		for k, kid := range v.Kids {
			kid.appendRows(src.Kids[k], rows, from)
		}
	}
	if src.Valid != nil {
		for i, r := range rows {
			if src.IsNull(int(r)) {
				v.SetNull(from+i, n)
			}
		}
	}
}

func gather[T any](dst, src []T, rows []int32) {
	for i, r := range rows {
		dst[i] = src[r]
	}
}

// appendTexts copies short texts as views and long ones into the own arena. Views of null rows may be garbage and are not followed.
func (v *Vec) appendTexts(src *Vec, rows []int32, from int) {
	buf, arena := -1, []byte(nil)
	for i, r := range rows {
		w := src.View[r]
		if w.n <= InlineView {
			v.View[from+i] = w
			continue
		}
		if src.IsNull(int(r)) {
			v.View[from+i] = View{}
			continue
		}
		if buf < 0 {
			buf, arena = v.Arena()
		}
		off := len(arena)
		arena = append(arena, src.Text(int(r))...)
		v.View[from+i] = MakeView(arena[off:], uint32(buf), uint32(off))
	}
	if buf >= 0 {
		v.SetArena(buf, arena)
	}
}

func (v *Vec) appendLists(src *Vec, rows []int32, from int) {
	for i, r := range rows {
		at := int32(v.Kids[0].length())
		if src.IsNull(int(r)) {
			v.Range[from+i] = Range{at, at}
			continue
		}
		span := src.Range[r]
		elements := make([]int32, 0, span.To-span.From)
		for e := span.From; e < span.To; e++ {
			elements = append(elements, e)
		}
		for k, kid := range v.Kids {
			kid.appendRows(src.Kids[k], elements, int(at))
		}
		v.Range[from+i] = Range{at, at + span.To - span.From}
	}
}

// Clear empties a batch that AppendRows fills; memory is kept. Columns that were pruned stay so.
func (b *Batch) Clear() {
	b.Len, b.Sel = 0, nil
	b.Kinds, b.Time, b.Mark = b.Kinds[:0], b.Time[:0], b.Mark[:0]
	for _, c := range b.Cols {
		if c != nil {
			c.Resize(0)
		}
	}
}

// Trim makes lanes that no appended row had nil again, as readers expect.
func (b *Batch) Trim() {
	if len(b.Kinds) == 0 {
		b.Kinds = nil
	}
	if len(b.Time) == 0 {
		b.Time = nil
	}
	if len(b.Mark) == 0 {
		b.Mark = nil
	}
}
