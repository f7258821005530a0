package value

import (
	"encoding/binary"
	"unsafe"
)

// Cell is how one field of a state lies in a slot.
type Cell uint8

// The cells. Their sizes in words of 8 bytes are 1, 1, 2, 1 and 1. CellBytes holds a handle of the table's Heap. CellSum is an integer of up to 128 bits: one that fits 63 bits lies in the upper
// ones of its word; else the lowest bit is set and the others are the handle of 16 bytes, the lower half first.
const (
	CellInt Cell = iota
	CellFloat
	CellWide
	CellBytes
	CellSum
)

// Handle is the handle that a word of such a cell holds; 0: none.
func (c Cell) Handle(word uint64) uint64 {
	switch {
	case c == CellBytes:
		return word
	case c == CellSum && word&1 == 1:
		return word >> 1
	}
	return 0
}

// Words is the size of the cell in a slot.
func (c Cell) Words() int {
	if c == CellWide {
		return 2
	}
	return 1
}

// StateField is one named, typed field of a state: what a snapshot stores, whatever the layout of slots is.
type StateField struct {
	Name string `json:"name"`
	Cell Cell   `json:"cell"`
}

// Slot is the accumulators of one key, as words that all start as zero. It is valid until the table that gave it is asked for other slots.
// The zero Slot is "no such key".
type Slot struct{ p unsafe.Pointer }

// SlotAt is the slot that starts at the word. The word must belong to a live array with enough words behind it.
func SlotAt(word *uint64) Slot { return Slot{unsafe.Pointer(word)} }

// None says that there is no slot.
func (s Slot) None() bool { return s.p == nil }

// Int gives the place of the integer (or of a CellBytes handle) at that word.
func (s Slot) Int(word int) *int64 { return (*int64)(unsafe.Add(s.p, word*8)) }

// Uint is Int, unsigned.
func (s Slot) Uint(word int) *uint64 { return (*uint64)(unsafe.Add(s.p, word*8)) }

// Float gives the place of the float at that word.
func (s Slot) Float(word int) *float64 { return (*float64)(unsafe.Add(s.p, word*8)) }

// Sum gives the integer of a CellSum.
func (s Slot) Sum(word int, heap Heap) Dec {
	w := *s.Int(word)
	if w&1 == 0 {
		return DecOf(w >> 1)
	}
	p := heap.Bytes(uint64(w) >> 1)
	return Dec{Hi: int64(binary.LittleEndian.Uint64(p[8:])), Lo: binary.LittleEndian.Uint64(p)}
}

// SetSum writes the integer of a CellSum.
func (s Slot) SetSum(word int, d Dec, heap Heap) {
	w := s.Uint(word)
	old := CellSum.Handle(*w)
	if n, ok := d.Int(); ok && n<<1>>1 == n {
		if old != 0 {
			heap.Put(old, nil)
		}
		*w = uint64(n << 1)
		return
	}
	p := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, d.Lo), uint64(d.Hi))
	*w = heap.Put(old, p)<<1 | 1
}

// Heap keeps the bytes that do not fit a slot. Handle 0 is the empty value.
type Heap interface {
	// Bytes gives what the handle stands for; read-only, valid until the next Put.
	Bytes(handle uint64) []byte
	// Put stores p in place of the value of the old handle (0: none) and gives the new handle.
	Put(old uint64, p []byte) uint64
}
