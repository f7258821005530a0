package agg

import (
	"sync"

	"pipec/vm/value"
)

// cellOf is how one value of a type lies in a slot. Texts lie in the heap as they are, lists and records in the key encoding.
func cellOf(t value.Type) value.Cell {
	switch t.Lane() {
	case value.LaneF64:
		return value.CellFloat
	case value.LaneWide:
		return value.CellWide
	case value.LaneI64, value.LaneBool:
		return value.CellInt
	}
	return value.CellBytes
}

// store puts the value of a row into a slot.
func store(s value.Slot, word int, x *value.Vec, t value.Type, row int, heap value.Heap, buf *buffer) {
	switch x.Lane {
	case value.LaneI64:
		*s.Int(word) = x.I64[row]
	case value.LaneWide:
		*s.Int(word), *s.Int(word + 1) = x.Hi[row], x.I64[row]
	case value.LaneF64:
		*s.Float(word) = x.F64[row]
	case value.LaneBool:
		*s.Int(word) = 0
		if x.Bool[row] {
			*s.Int(word) = 1
		}
	case value.LaneView:
		*s.Uint(word) = heap.Put(*s.Uint(word), x.Text(row))
	default:
		buf.key = value.AppendKey(buf.key[:0], x, t, row)
		*s.Uint(word) = heap.Put(*s.Uint(word), buf.key)
	}
}

// move copies a stored value from one slot to another.
func move(d, s value.Slot, word int, cell value.Cell, dst, src value.Heap, buf *buffer) {
	switch cell {
	case value.CellWide:
		*d.Int(word), *d.Int(word + 1) = *s.Int(word), *s.Int(word + 1)
	case value.CellBytes:
		buf.key = append(buf.key[:0], src.Bytes(*s.Uint(word))...) // the heaps may be one
		*d.Uint(word) = dst.Put(*d.Uint(word), buf.key)
	default:
		*d.Int(word) = *s.Int(word)
	}
}

// load writes a stored value as row i of a vector with room for n rows.
func load(out *value.Vec, i, n int, s value.Slot, word int, t value.Type, heap value.Heap) {
	switch out.Lane {
	case value.LaneI64:
		out.I64[i] = *s.Int(word)
	case value.LaneWide:
		out.Hi[i], out.I64[i] = *s.Int(word), *s.Int(word + 1)
	case value.LaneF64:
		out.F64[i] = *s.Float(word)
	case value.LaneBool:
		out.Bool[i] = *s.Int(word) != 0
	case value.LaneView:
		out.SetText(i, heap.Bytes(*s.Uint(word)))
	default:
		if value.DecodeKey(heap.Bytes(*s.Uint(word)), []*value.Vec{out}, []value.Type{t}, i, n) != nil {
			out.SetNull(i, n) // cannot happen: the bytes are what AppendKey made, guarded by the snapshot's checksum
		}
	}
}

// buffer is scratch of one kernel call.
type buffer struct {
	key  []byte
	run  []byte
	ends []uint32
	runs [][]byte
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func borrow() *buffer { return buffers.Get().(*buffer) }

func (b *buffer) release() {
	clear(b.runs)
	b.runs = b.runs[:0]
	buffers.Put(b)
}
