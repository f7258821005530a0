package state

import (
	"encoding/binary"
	"errors"

	"pipec/vm/value"
)

// The row encoding of keyed state, the same in snapshots of all backends and in the local database:
//
//	key        uvarint length and the bytes of value.AppendKey
//	namespace  zigzag varint, only if the schema has one
//	fields     in declared order: CellInt zigzag varint, CellFloat 8 bytes of IEEE bits, CellWide its two words, CellBytes uvarint length and bytes,
//	           CellSum a uvarint, the zigzag of the integer and a zero bit below it, or a 1 and the lower and the upper half of one that needs more than 63 bits
//
// Fixed-size numbers are little endian.

// appendRow appends the row of a slot.
func (t *Table) appendRow(dst []byte, ns int64, w []uint64) []byte {
	var buf [inlineKey]byte
	key := t.keyOf(w, &buf)
	dst = binary.AppendUvarint(dst, uint64(len(key)))
	dst = append(dst, key...)
	if t.schema.Namespaced {
		dst = binary.AppendVarint(dst, ns)
	}
	return t.appendFields(dst, w)
}

func (t *Table) appendFields(dst []byte, w []uint64) []byte {
	for i := range t.schema.Fields {
		c := t.cells[i]
		switch t.schema.Fields[i].Cell {
		case value.CellInt:
			dst = binary.AppendVarint(dst, int64(w[c]))
		case value.CellFloat:
			dst = binary.LittleEndian.AppendUint64(dst, w[c])
		case value.CellWide:
			dst = binary.LittleEndian.AppendUint64(dst, w[c])
			dst = binary.LittleEndian.AppendUint64(dst, w[c+1])
		case value.CellSum:
			dst = t.appendSum(dst, w[c])
		case value.CellBytes:
			p := t.heap.Bytes(w[c])
			dst = binary.AppendUvarint(dst, uint64(len(p)))
			dst = append(dst, p...)
		}
	}
	return dst
}

func (t *Table) appendSum(dst []byte, w uint64) []byte {
	if handle := value.CellSum.Handle(w); handle != 0 {
		return append(append(dst, 1), t.heap.Bytes(handle)...)
	}
	n := int64(w) >> 1
	return binary.AppendUvarint(dst, uint64(n<<1^n>>63)<<1)
}

// readSum splits off what appendSum appends; size is that of both.
func readSum(p []byte) (d value.Dec, size int, err error) {
	u, size := binary.Uvarint(p)
	switch {
	case size <= 0 || u&1 == 1 && (u != 1 || len(p) < size+16):
		return d, 0, errRow
	case u == 1:
		return value.Dec{Lo: binary.LittleEndian.Uint64(p[size:]), Hi: int64(binary.LittleEndian.Uint64(p[size+8:]))}, size + 16, nil
	}
	u >>= 1
	return value.DecOf(int64(u>>1) ^ -int64(u&1)), size, nil
}

var errRow = errors.New("not a row of its schema")

// readRow splits a row into key and namespace, and gives what follows: the fields.
func readRow(p []byte, namespaced bool) (key []byte, ns int64, rest []byte, err error) {
	if key, p, err = readBytes(p); err != nil {
		return nil, 0, nil, err
	}
	if namespaced {
		n := 0
		if ns, n = binary.Varint(p); n <= 0 {
			return nil, 0, nil, errRow
		}
		p = p[n:]
	}
	return key, ns, p, nil
}

func readBytes(p []byte) (b, rest []byte, err error) {
	n, size := binary.Uvarint(p)
	if size <= 0 || n > uint64(len(p)-size) {
		return nil, nil, errRow
	}
	end := size + int(n)
	return p[size:end:end], p[end:], nil
}

// skipFields gives what follows the fields of one row.
func skipFields(p []byte, fields []value.StateField) ([]byte, error) {
	for _, f := range fields {
		n := 0
		switch f.Cell {
		case value.CellInt:
			_, n = binary.Varint(p)
		case value.CellFloat:
			n = 8
		case value.CellWide:
			n = 16
		case value.CellSum:
			_, n, _ = readSum(p)
		case value.CellBytes:
			var err error
			if _, p, err = readBytes(p); err != nil {
				return nil, err
			}
			continue
		}
		if n <= 0 || n > len(p) {
			return nil, errRow
		}
		p = p[n:]
	}
	return p, nil
}

// readFields writes the fields of one row, in the order of the snapshot's schema, into the slot's cells. word[i] is the first word of field i. The
// row was checked by skipFields.
func (t *Table) readFields(p []byte, fields []value.StateField, word []int, s value.Slot) {
	for i, f := range fields {
		switch f.Cell {
		case value.CellInt:
			v, n := binary.Varint(p)
			*s.Int(word[i]), p = v, p[n:]
		case value.CellFloat:
			*s.Uint(word[i]), p = binary.LittleEndian.Uint64(p), p[8:]
		case value.CellWide:
			*s.Uint(word[i]), *s.Uint(word[i] + 1) = binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:])
			p = p[16:]
		case value.CellSum:
			d, n, _ := readSum(p)
			s.SetSum(word[i], d, &t.heap)
			p = p[n:]
		case value.CellBytes:
			b, rest, _ := readBytes(p)
			cell := s.Uint(word[i])
			*cell, p = t.heap.Put(*cell, b), rest
		}
	}
}
