// Package heap keeps the bytes of a table that do not fit its slots, without a pointer for each.
package heap

import (
	"encoding/binary"
	"math/bits"
)

// Heap is the value.Heap of a table: the values and long keys that do not fit a slot, in chunks of bytes without pointers. The zero Heap is empty.
//
// Records are rounded up to size classes, four per doubling, and a freed record waits in its class for the next one of its size. So nothing ever
// moves: handles stay valid through growth and through a cut, no compaction ever stalls a batch, and at most a fifth of a record is padding.
// A handle is chunk<<32 | offset; a record is its length (u32), its capacity (u32) and the bytes.
type Heap struct {
	chunks [][]byte
	gone   []uint32 // numbers of chunks that held one big record and were given back
	top    uint32   // the chunk that is being filled
	end    uint32   // where its free part begins; 0: there is no such chunk
	free   [classes]uint64
	live   int64 // bytes in records that are in use, headers included
	total  int64 // bytes of all chunks
}

const (
	header   = 8
	classes  = 56
	big      = 1 << 16 // records above have a chunk of their own
	minChunk = 1 << 12
	maxChunk = 1 << 20
)

// class gives the size class of a record with its header, and the size it is rounded up to.
func class(size int) (number, rounded int) {
	if size <= 16 {
		return 0, 16
	}
	if size <= 128 {
		rounded = (size + 7) &^ 7
		return rounded/8 - 2, rounded
	}
	b := bits.Len(uint(size - 1)) // size is in (2^(b-1), 2^b]
	half := 1 << (b - 1)
	quarter := (size - 1 - half) >> (b - 3)
	return 15 + (b-8)*4 + quarter, half + (quarter+1)<<(b-3)
}

// at gives the record of a handle from its header on.
func (h *Heap) at(handle uint64) []byte { return h.chunks[handle>>32][uint32(handle):] }

// Bytes implements value.Heap.
func (h *Heap) Bytes(handle uint64) []byte {
	if handle == 0 {
		return nil
	}
	r := h.at(handle)
	n := binary.LittleEndian.Uint32(r)
	return r[header : header+n : header+n]
}

// Put implements value.Heap. p may be a part of the old value.
func (h *Heap) Put(old uint64, p []byte) uint64 {
	if len(p) == 0 {
		h.Release(old)
		return 0
	}
	size := header + len(p)
	if old != 0 {
		r := h.at(old)
		if room := int(binary.LittleEndian.Uint32(r[4:])); size <= room && size >= room/4 {
			copy(r[header:], p)
			binary.LittleEndian.PutUint32(r, uint32(len(p)))
			return old
		}
		if size > header+int(binary.LittleEndian.Uint32(r)) {
			size += size / 4 // a value that grows will grow again
		}
	}
	handle := h.alloc(size)
	r := h.at(handle)
	copy(r[header:], p)
	binary.LittleEndian.PutUint32(r, uint32(len(p)))
	h.Release(old)
	return handle
}

func (h *Heap) alloc(size int) uint64 {
	if size > big {
		return h.allocBig(size)
	}
	c, size := class(size)
	h.live += int64(size)
	if handle := h.free[c]; handle != 0 {
		h.free[c] = binary.LittleEndian.Uint64(h.at(handle)[header:])
		return handle
	}
	if h.end == 0 || int(h.end)+size > len(h.chunks[h.top]) {
		h.fresh(size)
	}
	handle := uint64(h.top)<<32 | uint64(h.end)
	h.end += uint32(size)
	binary.LittleEndian.PutUint32(h.at(handle)[4:], uint32(size))
	return handle
}

// fresh begins a chunk; chunks grow with the heap, so that a small state stays small.
func (h *Heap) fresh(size int) {
	n := max(min(minChunk<<min(len(h.chunks), 16), maxChunk), 2*size)
	h.top = h.addChunk(n)
	h.end = header // so that no handle is 0
}

func (h *Heap) addChunk(n int) uint32 {
	h.total += int64(n)
	if last := len(h.gone) - 1; last >= 0 {
		number := h.gone[last]
		h.gone = h.gone[:last]
		h.chunks[number] = make([]byte, n)
		return number
	}
	h.chunks = append(h.chunks, make([]byte, n))
	return uint32(len(h.chunks) - 1)
}

func (h *Heap) allocBig(size int) uint64 {
	number := h.addChunk(size + header)
	h.live += int64(size)
	handle := uint64(number)<<32 | header
	binary.LittleEndian.PutUint32(h.at(handle)[4:], uint32(size))
	return handle
}

// reset forgets everything; the first chunk is kept for a state that comes and goes.
func (h *Heap) reset() {
	first := h.chunks[0]
	*h = Heap{}
	if len(first) > 0 && len(first) <= maxChunk {
		h.chunks, h.total, h.end = append(h.chunks, first), int64(len(first)), header
	}
}

// Release gives a record back; 0 is allowed.
func (h *Heap) Release(handle uint64) {
	if handle == 0 {
		return
	}
	r := h.at(handle)
	size := int(binary.LittleEndian.Uint32(r[4:]))
	h.live -= int64(size)
	if h.live == 0 {
		h.reset()
		return
	}
	if size > big {
		number := uint32(handle >> 32)
		h.total -= int64(len(h.chunks[number]))
		h.chunks[number] = nil
		h.gone = append(h.gone, number)
		return
	}
	c, _ := class(size)
	binary.LittleEndian.PutUint64(r[header:], h.free[c])
	h.free[c] = handle
}

// Live is the size of the records in use, headers and padding included.
func (h *Heap) Live() int64 { return h.live }

// Total is the memory that the heap holds.
func (h *Heap) Total() int64 { return h.total }
