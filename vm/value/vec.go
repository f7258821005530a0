package value

import (
	"encoding/binary"
	"math"
)

// Lane is the physical form of a column.
type Lane uint8

// The lanes. LaneI64 serves Int, Timestamp, Duration (microseconds) and Decimal up to 18 digits (scaled by the type's scale); LaneWide
// serves wider decimals as 128-bit two's complement: Hi[i] is the upper, I64[i] the lower half.
const (
	LaneNone   Lane = iota
	LaneI64         // I64
	LaneWide        // Hi, I64
	LaneF64         // F64
	LaneBool        // Bool
	LaneView        // View, Bufs: String, Bytes
	LaneList        // Range into Kids[0] (List), or into Kids[0] keys and Kids[1] values (Map)
	LaneRecord      // Kids: one per field, same rows
)

// Lane tells in which lane values of the type lie.
func (t Type) Lane() Lane {
	switch t.Kind {
	case Int, Timestamp, Duration, Size:
		return LaneI64
	case Decimal:
		if t.Precision > NarrowPrecision {
			return LaneWide
		}
		return LaneI64
	case Float:
		return LaneF64
	case Bool:
		return LaneBool
	case String, Bytes, Secret:
		return LaneView
	case List, Map:
		return LaneList
	case Record:
		return LaneRecord
	}
	return LaneNone
}

// View is a string or byte value of 16 bytes: up to 12 bytes lie inline, longer ones as 4 bytes of prefix, the number of a block
// of the vector's Bufs and the offset in it. Views hold no pointer, so batches cost the collector nothing.
type View struct {
	n uint32
	b [12]byte
}

// InlineView is the largest length a View holds without a block.
const InlineView = 12

// Len is the length in bytes.
func (v *View) Len() int { return int(v.n) }

// MakeView refers to text of that length at off in block buf; text itself is needed for the prefix or the inline copy.
func MakeView(text []byte, buf, off uint32) (v View) {
	n := len(text)
	v.n = uint32(n)
	if n <= InlineView { // two loads that may overlap beat a copy of unknown length
		switch {
		case n >= 8:
			binary.LittleEndian.PutUint32(v.b[8:], uint32(uint64(binary.LittleEndian.Uint32(text[n-4:]))>>(8*(12-n))))
			binary.LittleEndian.PutUint64(v.b[:], binary.LittleEndian.Uint64(text))
		case n >= 4:
			binary.LittleEndian.PutUint32(v.b[4:], uint32(uint64(binary.LittleEndian.Uint32(text[n-4:]))>>(8*(8-n))))
			binary.LittleEndian.PutUint32(v.b[:], binary.LittleEndian.Uint32(text))
		case n > 0:
			v.b[0] = text[0]
			v.b[n>>1] = text[n>>1]
			v.b[n-1] = text[n-1]
		}
		return v
	}
	copy(v.b[:4], text)
	binary.LittleEndian.PutUint32(v.b[4:8], buf)
	binary.LittleEndian.PutUint32(v.b[8:12], off)
	return v
}

// Put makes w refer to n bytes at off of block buf, of which lo and hi are the first twelve (little endian; whatever follows a shorter text). It is
// MakeView for scanners, that have these words in registers: an inline text is cut off by a mask, nothing is copied byte by byte.
func (w *View) Put(lo uint64, hi uint32, n int, buf, off uint32) {
	w.n = uint32(n)
	if n > InlineView {
		binary.LittleEndian.PutUint32(w.b[:4], uint32(lo))
		binary.LittleEndian.PutUint32(w.b[4:8], buf)
		binary.LittleEndian.PutUint32(w.b[8:12], off)
		return
	}
	m := &inlineMasks[n&15]
	binary.LittleEndian.PutUint64(w.b[:8], lo&m.lo)
	binary.LittleEndian.PutUint32(w.b[8:], hi&m.hi)
}

// inlineMasks are, by length, the bits of a text that lies in its view.
var inlineMasks = func() (all [16]struct {
	lo uint64
	hi uint32
}) {
	for n := range all {
		all[n].lo, all[n].hi = 1<<(8*uint(n))-1, 1<<(8*uint(max(n-8, 0)))-1 // a shift by its width or more leaves nothing
	}
	return all
}()

// Range is one list (or map): its elements are [From, To) of the child vectors.
type Range struct{ From, To int32 }

// Vec is one column of a batch. Only the lane of its type is used; entry i belongs to row i of the batch, and entries of rows that are
// not selected hold garbage. Valid is nil when no row is null, else bit i says that row i has a value.
//
// A Vec may be shared by several batches while nobody writes to it: projections and renames share, set and derive make new ones.
// Views point into Bufs, which live as long as the batch that brought them in; what outlives the batch is copied.
type Vec struct {
	Lane  Lane
	Valid []uint64
	I64   []int64
	Hi    []int64
	F64   []float64
	Bool  []bool
	View  []View
	Range []Range
	Bufs  [][]byte
	Kids  []*Vec
	own   int      // 1 + index in Bufs of the arena that Set writes to; 0: none yet
	bits  []uint64 // memory for Valid, kept between batches
}

// NewVec makes an empty vector for the type, with children for lists, maps and records.
func NewVec(t Type) *Vec {
	v := &Vec{Lane: t.Lane()}
	switch t.Kind {
	case List:
		v.Kids = []*Vec{NewVec(*t.Elem)}
	case Map:
		v.Kids = []*Vec{NewVec(*t.Key), NewVec(*t.Elem)}
	case Record:
		for _, f := range t.Fields {
			v.Kids = append(v.Kids, NewVec(f.Type))
		}
	}
	return v
}

// Resize makes room for n rows and forgets nulls and text; entries hold garbage. Children of lists become empty, of records are resized.
func (v *Vec) Resize(n int) {
	v.Valid = nil
	switch v.Lane {
	case LaneI64:
		v.I64 = grow(v.I64, n)
	case LaneWide:
		v.I64, v.Hi = grow(v.I64, n), grow(v.Hi, n)
	case LaneF64:
		v.F64 = grow(v.F64, n)
	case LaneBool:
		v.Bool = grow(v.Bool, n)
	case LaneView:
		v.View = grow(v.View, n)
		v.resetBufs()
	case LaneList:
		v.Range = grow(v.Range, n)
		for _, k := range v.Kids {
			k.Resize(0)
		}
	case LaneRecord:
		for _, k := range v.Kids {
			k.Resize(n)
		}
	}
}

// Extend makes room for n rows and keeps what is there: entries, nulls, text and children.
func (v *Vec) Extend(n int) {
	switch v.Lane {
	case LaneI64:
		v.I64 = keep(v.I64, n)
	case LaneWide:
		v.I64, v.Hi = keep(v.I64, n), keep(v.Hi, n)
	case LaneF64:
		v.F64 = keep(v.F64, n)
	case LaneBool:
		v.Bool = keep(v.Bool, n)
	case LaneView:
		v.View = keep(v.View, n)
	case LaneList:
		v.Range = keep(v.Range, n)
	case LaneRecord:
		for _, k := range v.Kids {
			k.Extend(n)
		}
	}
	if v.Valid != nil {
		v.growValid(n)
	}
}

// resetBufs keeps the own arena's memory and lets go of everybody else's blocks.
func (v *Vec) resetBufs() {
	if v.own == 0 {
		v.Bufs = v.Bufs[:0]
		return
	}
	arena := v.Bufs[v.own-1]
	v.Bufs = append(v.Bufs[:0], arena[:0])
	v.own = 1
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, 64))
	}
	return s[:n]
}

func keep[T any](s []T, n int) []T {
	if cap(s) < n {
		t := make([]T, n, max(n, 2*cap(s)))
		copy(t, s)
		return t
	}
	return s[:n]
}

// IsNull says whether row i has no value.
func (v *Vec) IsNull(i int) bool {
	return v.Valid != nil && v.Valid[i>>6]&(1<<(i&63)) == 0
}

// SetNull takes the value of row i away; n is the number of rows of the batch.
func (v *Vec) SetNull(i, n int) {
	if v.Valid == nil || len(v.Valid)*64 < n {
		v.growValid(n)
	}
	v.Valid[i>>6] &^= 1 << (i & 63)
}

// SetValid marks row i as having a value.
func (v *Vec) SetValid(i int) {
	if v.Valid != nil {
		v.Valid[i>>6] |= 1 << (i & 63)
	}
}

// growValid makes the bitmap cover n rows; rows it did not cover have values.
func (v *Vec) growValid(n int) {
	old := len(v.Valid)
	words := (n + 63) / 64
	if words <= old {
		return
	}
	if old == 0 {
		v.bits = grow(v.bits, words)
		v.Valid = v.bits
	} else {
		v.Valid = keep(v.Valid, words)
	}
	for i := old; i < words; i++ {
		v.Valid[i] = math.MaxUint64
	}
}

// Bitmap makes Valid the vector's own bitmap for n rows and gives it to be filled; its content is garbage.
func (v *Vec) Bitmap(n int) []uint64 {
	v.bits = grow(v.bits, (n+63)/64)
	v.Valid = v.bits
	return v.bits
}

// Text gives the bytes of row i. They are valid as long as the batch is and must not be changed.
func (v *Vec) Text(i int) []byte {
	w := &v.View[i]
	if w.n <= InlineView {
		return w.b[:w.n:w.n]
	}
	off := binary.LittleEndian.Uint32(w.b[8:12])
	return v.Bufs[binary.LittleEndian.Uint32(w.b[4:8])][off : off+w.n : off+w.n]
}

// Prefix gives the length and the first four bytes of row i, zero padded: two views that differ here differ.
func (v *Vec) Prefix(i int) (n, prefix uint32) {
	w := &v.View[i]
	return w.n, binary.LittleEndian.Uint32(w.b[:4])
}

// SetText copies text into the vector as row i.
func (v *Vec) SetText(i int, text []byte) {
	if len(text) <= InlineView {
		v.View[i] = MakeView(text, 0, 0)
		return
	}
	buf, off := v.arena()
	v.Bufs[buf] = append(v.Bufs[buf], text...)
	v.View[i] = MakeView(text, uint32(buf), uint32(off))
}

// SetString is SetText for a string.
func (v *Vec) SetString(i int, s string) {
	if len(s) <= InlineView {
		var w View
		w.n = uint32(len(s))
		copy(w.b[:], s)
		v.View[i] = w
		return
	}
	buf, off := v.arena()
	v.Bufs[buf] = append(v.Bufs[buf], s...)
	v.View[i] = MakeView(v.Bufs[buf][off:], uint32(buf), uint32(off))
}

// Arena gives the vector's own block to append text to; hand the longer slice back with SetArena and refer to it by MakeView.
func (v *Vec) Arena() (buf int, text []byte) {
	buf, _ = v.arena()
	return buf, v.Bufs[buf]
}

// SetArena puts the own block back after appending.
func (v *Vec) SetArena(buf int, text []byte) { v.Bufs[buf] = text }

func (v *Vec) arena() (buf, off int) {
	if v.own == 0 {
		v.Bufs = append(v.Bufs, nil)
		v.own = len(v.Bufs)
	}
	return v.own - 1, len(v.Bufs[v.own-1])
}

// AddBuf lets views point into somebody else's block and gives the block's number. The block must outlive the batch.
func (v *Vec) AddBuf(block []byte) (buf uint32) {
	v.Bufs = append(v.Bufs, block)
	return uint32(len(v.Bufs) - 1)
}
