package value

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"

	"github.com/cespare/xxhash/v2"
)

// KeyVersion is the version of the key encoding; snapshots name it and a restore compares it.
const KeyVersion = 1

// GroupOf is the key group of an encoded key: xxh64 with seed 0, modulo the number of key groups (max_parallelism).
func GroupOf(key []byte, groups int) int { return int(xxhash.Sum64(key) % uint64(groups)) }

// TaskOf is the task that owns a key group (Flink's KeyGroupRangeAssignment).
func TaskOf(group, tasks, groups int) int { return group * tasks / groups }

// GroupRange is the half-open range of key groups that a task owns.
func GroupRange(task, tasks, groups int) (from, to int) {
	return (task*groups + tasks - 1) / tasks, ((task+1)*groups + tasks - 1) / tasks
}

// Keys holds the encoded keys of the selected rows of one batch: key i is Buf[Off[i]:Off[i+1]], with its hash and key group.
// A Keys is scratch: its owner encodes batch after batch into it.
type Keys struct {
	Buf   []byte
	Off   []uint32 // one more than there are keys
	Hash  []uint64
	Group []uint16
}

// Len is the number of keys.
func (k *Keys) Len() int { return len(k.Hash) }

// At gives key i; read-only, valid until the next Encode.
func (k *Keys) At(i int) []byte { return k.Buf[k.Off[i]:k.Off[i+1]] }

// Reset forgets all keys.
func (k *Keys) Reset() {
	k.Buf, k.Off, k.Hash, k.Group = k.Buf[:0], append(k.Off[:0], 0), k.Hash[:0], k.Group[:0]
}

// Encode replaces the keys by those of the given rows: the columns in order, each in the order-preserving form of AppendKey.
func (k *Keys) Encode(cols []*Vec, types []Type, rows []int32, groups int) {
	if len(cols) == 1 && cols[0].Lane == LaneI64 && cols[0].Valid == nil {
		k.encodeInts(cols[0].I64, rows, groups)
		return
	}
	if len(cols) == 1 && cols[0].Lane == LaneView && cols[0].Valid == nil {
		k.encodeTexts(cols[0], rows, groups)
		return
	}
	k.Reset()
	for _, r := range rows {
		for c, v := range cols {
			k.Buf = AppendKey(k.Buf, v, types[c], int(r))
		}
		k.Off = append(k.Off, uint32(len(k.Buf)))
	}
	k.finish(groups)
}

// Add appends one key that is already encoded.
func (k *Keys) Add(key []byte, groups int) {
	if len(k.Off) == 0 {
		k.Off = append(k.Off, 0)
	}
	k.Buf = append(k.Buf, key...)
	k.Off = append(k.Off, uint32(len(k.Buf)))
	h := xxhash.Sum64(key)
	k.Hash, k.Group = append(k.Hash, h), append(k.Group, uint16(h%uint64(groups)))
}

func (k *Keys) finish(groups int) {
	n := len(k.Off) - 1
	k.Hash, k.Group = grow(k.Hash, n), grow(k.Group, n)
	for i := range n {
		k.Hash[i] = hashOf(k.Buf[k.Off[i]:k.Off[i+1]])
	}
	groupAll(k.Group, k.Hash, groups)
}

func hashOf(key []byte) uint64 { return xxhash.Sum64(key) }

// groupAll gives the key groups of hashes.
func groupAll(to []uint16, hashes []uint64, groups int) {
	to = to[:len(hashes)]
	if mask := uint64(groups - 1); uint64(groups)&mask == 0 {
		for i, h := range hashes {
			to[i] = uint16(h & mask)
		}
		return
	}
	for i, h := range hashes {
		to[i] = uint16(h % uint64(groups))
	}
}

// AppendKey appends the order-preserving encoding of row i: 0 for null, else 1 and the value. Integers, times and decimals are big endian with the
// sign flipped, floats likewise on their bits (-0 is 0), text has its zero bytes escaped (00 FF) and ends in 00 00, lists put 1 before each element
// and end in 0, records are their fields in order.
func AppendKey(dst []byte, v *Vec, t Type, i int) []byte {
	if v.IsNull(i) {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	switch v.Lane {
	case LaneI64:
		dst = binary.BigEndian.AppendUint64(dst, uint64(v.I64[i])^(1<<63))
	case LaneWide:
		dst = binary.BigEndian.AppendUint64(dst, uint64(v.Hi[i])^(1<<63))
		dst = binary.BigEndian.AppendUint64(dst, uint64(v.I64[i]))
	case LaneF64:
		dst = binary.BigEndian.AppendUint64(dst, orderFloat(v.F64[i]))
	case LaneBool:
		b := byte(0)
		if v.Bool[i] {
			b = 1
		}
		dst = append(dst, b)
	case LaneView:
		dst = appendText(dst, v.Text(i))
	case LaneList:
		for e := v.Range[i].From; e < v.Range[i].To; e++ {
			dst = append(dst, 1)
			for kid, part := range t.parts() {
				dst = AppendKey(dst, v.Kids[kid], part, int(e))
			}
		}
		dst = append(dst, 0)
	case LaneRecord:
		for f, kid := range v.Kids {
			dst = AppendKey(dst, kid, t.Fields[f].Type, i)
		}
	}
	return dst
}

func orderFloat(f float64) uint64 {
	if f == 0 {
		f = 0 // -0 and 0 are one key
	}
	bits := math.Float64bits(f)
	if bits>>63 == 1 {
		return ^bits
	}
	return bits | 1<<63
}

func appendText(dst, text []byte) []byte {
	for {
		zero := bytes.IndexByte(text, 0)
		if zero < 0 {
			return append(append(dst, text...), 0, 0)
		}
		dst = append(append(dst, text[:zero+1]...), 0xFF)
		text = text[zero+1:]
	}
}

// parts are the types of the children of a list or a map.
func (t Type) parts() []Type {
	if t.Kind == Map {
		return []Type{*t.Key, *t.Elem}
	}
	return []Type{*t.Elem}
}

// DecodeKey writes an encoded key into row i of the columns, which have room for n rows, and is the inverse of Encode.
func DecodeKey(key []byte, cols []*Vec, types []Type, i, n int) error {
	for c, v := range cols {
		var err error
		if key, err = decodeValue(key, v, types[c], i, n); err != nil {
			return err
		}
	}
	if len(key) != 0 {
		return errKey
	}
	return nil
}

var errKey = errors.New("not a key of this encoding")

func decodeValue(key []byte, v *Vec, t Type, i, n int) ([]byte, error) {
	if len(key) == 0 {
		return nil, errKey
	}
	present := key[0] == 1
	key = key[1:]
	if !present {
		v.SetNull(i, n)
		if v.Lane == LaneView {
			v.View[i] = View{}
		}
		return key, nil
	}
	v.SetValid(i)
	switch v.Lane {
	case LaneView:
		return decodeText(key, v, i)
	case LaneList:
		return decodeList(key, v, t, i)
	case LaneRecord:
		var err error
		for f, kid := range v.Kids {
			if key, err = decodeValue(key, kid, t.Fields[f].Type, i, n); err != nil {
				return nil, err
			}
		}
		return key, nil
	}
	return decodeFixed(key, v, i)
}

func decodeFixed(key []byte, v *Vec, i int) ([]byte, error) {
	size := 8
	if v.Lane == LaneBool {
		size = 1
	} else if v.Lane == LaneWide {
		size = 16
	}
	if len(key) < size {
		return nil, errKey
	}
	switch v.Lane {
	case LaneI64:
		v.I64[i] = int64(binary.BigEndian.Uint64(key) ^ (1 << 63))
	case LaneWide:
		v.Hi[i] = int64(binary.BigEndian.Uint64(key) ^ (1 << 63))
		v.I64[i] = int64(binary.BigEndian.Uint64(key[8:]))
	case LaneF64:
		bits := binary.BigEndian.Uint64(key)
		if bits>>63 == 1 {
			bits &^= 1 << 63
		} else {
			bits = ^bits
		}
		v.F64[i] = math.Float64frombits(bits)
	case LaneBool:
		v.Bool[i] = key[0] == 1
	}
	return key[size:], nil
}

func decodeText(key []byte, v *Vec, i int) ([]byte, error) {
	end := bytes.Index(key, []byte{0, 0})
	// An escaped zero byte is 00 FF, so 00 00 is the end unless its first byte belongs to an escape, which it cannot: escapes end in FF.
	if end < 0 {
		return nil, errKey
	}
	text := key[:end]
	if bytes.IndexByte(text, 0) >= 0 {
		text = bytes.ReplaceAll(text, []byte{0, 0xFF}, []byte{0})
	}
	v.SetText(i, text)
	return key[end+2:], nil
}

func decodeList(key []byte, v *Vec, t Type, i int) ([]byte, error) {
	from := v.Kids[0].length()
	at := from
	for len(key) > 0 && key[0] == 1 {
		key = key[1:]
		for kid, part := range t.parts() {
			v.Kids[kid].Extend(at + 1)
			var err error
			if key, err = decodeValue(key, v.Kids[kid], part, at, at+1); err != nil {
				return nil, err
			}
		}
		at++
	}
	if len(key) == 0 {
		return nil, errKey
	}
	v.Range[i] = Range{int32(from), int32(at)}
	return key[1:], nil
}

// length is the number of rows the lane has room for.
func (v *Vec) length() int {
	switch v.Lane {
	case LaneI64, LaneWide:
		return len(v.I64)
	case LaneF64:
		return len(v.F64)
	case LaneBool:
		return len(v.Bool)
	case LaneView:
		return len(v.View)
	case LaneList:
		return len(v.Range)
	case LaneRecord:
		if len(v.Kids) > 0 {
			return v.Kids[0].length()
		}
	}
	return 0
}
