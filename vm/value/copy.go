package value

import "encoding/binary"

// Words is the view as two words: views of texts of up to InlineView bytes are equal exactly if both words are, and the first word alone tells
// most others apart (it holds the length and the first four bytes).
func (v *View) Words() (lo, hi uint64) {
	return uint64(v.n) | uint64(binary.LittleEndian.Uint32(v.b[:4]))<<32, binary.LittleEndian.Uint64(v.b[4:])
}

// Part is a view of bytes [from, to) of row i. A long one points into the same block as the row: the vector that gets it needs v's Bufs (ShareBufs).
func (v *Vec) Part(i, from, to int) View {
	text := v.Text(i)[from:to]
	if len(text) <= InlineView {
		return MakeView(text, 0, 0)
	}
	w := &v.View[i]
	return MakeView(text, binary.LittleEndian.Uint32(w.b[4:8]), binary.LittleEndian.Uint32(w.b[8:12])+uint32(from))
}

// ShareBufs lets views of v mean what they mean in src. The own arena is given up.
func (v *Vec) ShareBufs(src *Vec) {
	v.own = 0
	v.Bufs = append(v.Bufs[:0], src.Bufs...)
}

// Share makes v the same column as src, apart from the bitmap: nothing is copied, and src must outlive v's use.
func (v *Vec) Share(src *Vec) {
	bits := v.bits
	*v = *src
	v.own, v.bits, v.Valid = 0, bits, nil
}

// Ready makes room for n rows like Resize, but text that earlier views point to stays where it is.
func (v *Vec) Ready(n int) {
	bufs, own := v.Bufs, v.own
	if v.Lane == LaneView {
		v.Bufs, v.own = nil, 0
	}
	v.Resize(n)
	v.Bufs, v.own = bufs, own
}

// Take makes v the given rows of src, in that order; rows may repeat. Text and elements of lists are shared with src, which must outlive v's use.
func (v *Vec) Take(src *Vec, rows []int32) {
	n := len(rows)
	v.Valid = nil
	switch v.Lane {
	case LaneI64, LaneWide:
		v.I64 = grow(v.I64, n)
		gather(v.I64, src.I64, rows)
		if v.Lane == LaneWide {
			v.Hi = grow(v.Hi, n)
			gather(v.Hi, src.Hi, rows)
		}
	case LaneF64:
		v.F64 = grow(v.F64, n)
		gather(v.F64, src.F64, rows)
	case LaneBool:
		v.Bool = grow(v.Bool, n)
		gather(v.Bool, src.Bool, rows)
	case LaneView:
		v.View = grow(v.View, n)
		v.ShareBufs(src)
		gather(v.View, src.View, rows)
	case LaneList:
		v.Range = grow(v.Range, n)
		v.Kids = append(v.Kids[:0], src.Kids...)
		gather(v.Range, src.Range, rows)
	case LaneRecord:
		for k, kid := range v.Kids {
			kid.Take(src.Kids[k], rows)
		}
	}
	if src.Valid != nil {
		v.Bitmap(n)
		for i, r := range rows {
			v.SetValid(i)
			if src.IsNull(int(r)) {
				v.SetNull(i, n)
			}
		}
	}
}

// Cut makes v rows [from, to) of src in src's own memory, where nothing may be written; false if they do not lie there as a column, because some are null or because they are records.
func (v *Vec) Cut(src *Vec, from, to int) bool {
	if src.Valid != nil || src.Lane == LaneRecord || src.Lane == LaneNone {
		return false
	}
	v.Share(src)
	switch v.Lane {
	case LaneI64:
		v.I64 = src.I64[from:to:to]
	case LaneWide:
		v.I64, v.Hi = src.I64[from:to:to], src.Hi[from:to:to]
	case LaneF64:
		v.F64 = src.F64[from:to:to]
	case LaneBool:
		v.Bool = src.Bool[from:to:to]
	case LaneView:
		v.View = src.View[from:to:to]
	case LaneList:
		v.Range = src.Range[from:to:to]
	}
	return true
}

// Merge copies the given rows of src to the same rows of v, which has room for n. Long texts stay in src's blocks, elements of lists are copied.
func (v *Vec) Merge(src *Vec, rows []int32, n int) { v.Spread(src, rows, rows, n) }

// Spread is Merge to other rows: row rows[i] of src goes to row at[i] of v.
func (v *Vec) Spread(src *Vec, rows, at []int32, n int) {
	v.mergeNulls(src, rows, at, n)
	switch v.Lane {
	case LaneI64:
		scatter(v.I64, src.I64, rows, at)
	case LaneWide:
		scatter(v.I64, src.I64, rows, at)
		scatter(v.Hi, src.Hi, rows, at)
	case LaneF64:
		scatter(v.F64, src.F64, rows, at)
	case LaneBool:
		scatter(v.Bool, src.Bool, rows, at)
	case LaneView:
		v.mergeTexts(src, rows, at)
	case LaneList:
		v.mergeLists(src, rows, at)
	case LaneRecord:
		for k, kid := range v.Kids {
			kid.Spread(src.Kids[k], rows, at, n)
		}
	}
}

func (v *Vec) mergeNulls(src *Vec, rows, at []int32, n int) {
	switch {
	case src.Valid != nil:
		for i, r := range rows {
			if src.IsNull(int(r)) {
				v.SetNull(int(at[i]), n)
			} else {
				v.SetValid(int(at[i]))
			}
		}
	case v.Valid != nil:
		for _, to := range at[:len(rows)] {
			v.SetValid(int(to))
		}
	}
}

func scatter[T any](dst, src []T, rows, at []int32) {
	at = at[:len(rows)]
	for i, r := range rows {
		dst[at[i]] = src[r]
	}
}

// mergeTexts copies views; those of long texts get the number that their block has in v.
func (v *Vec) mergeTexts(src *Vec, rows, at []int32) {
	base := uint32(len(v.Bufs))
	v.Bufs = append(v.Bufs, src.Bufs...)
	for i, r := range rows {
		w := src.View[r]
		if w.n > InlineView {
			binary.LittleEndian.PutUint32(w.b[4:8], binary.LittleEndian.Uint32(w.b[4:8])+base)
		}
		v.View[at[i]] = w
	}
}

func (v *Vec) mergeLists(src *Vec, rows, at []int32) {
	from := v.Kids[0].length()
	next := int32(from)
	var elements []int32
	for i, r := range rows {
		if src.IsNull(int(r)) {
			v.Range[at[i]] = Range{next, next}
			continue
		}
		span := src.Range[r]
		for e := span.From; e < span.To; e++ {
			elements = append(elements, e)
		}
		v.Range[at[i]] = Range{next, next + span.To - span.From}
		next += span.To - span.From
	}
	for k, kid := range v.Kids {
		kid.appendRows(src.Kids[k], elements, from)
	}
}

// Room is the number of rows the column has room for: of a list's child, the number of its elements.
func (v *Vec) Room() int { return v.length() }
