package value

import (
	"encoding/binary"
	"math/bits"
)

// Keys that are one number are most keys there are. Their encoding is nine bytes, a 1 and the number, so they are encoded, hashed and decoded in loops without calls, in which several
// rows are under way at once.

// The primes of xxHash64 (Collet, xxHash fast digest algorithm, specification 0.1.1).
const (
	prime1 = 11400714785074694791
	prime2 = 14029467366897019727
	prime3 = 1609587929392839161
	prime4 = 9650029242287828579
	prime5 = 2870177450012600261
)

// HashNumber is the hash of the key of a number that is not null: xxHash64 with seed 0 of a 1 and the eight bytes of rest, the lowest first.
func HashNumber(rest uint64) uint64 {
	k := (1 | rest<<8) * prime2
	h := uint64(prime5+9) ^ bits.RotateLeft64(k, 31)*prime1
	h = bits.RotateLeft64(h, 27)*prime1 + prime4
	h ^= (rest >> 56) * prime5
	h = bits.RotateLeft64(h, 11) * prime1
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	return h ^ h>>32
}

// numberRest is what follows the 1 in the key of n, as HashNumber takes it.
func numberRest(n int64) uint64 { return bits.ReverseBytes64(uint64(n) ^ 1<<63) }

// numberSize is the length of the key of a number.
const numberSize = 9

// encodeInts makes the keys of one column of numbers.
func (k *Keys) encodeInts(lane []int64, rows []int32, groups int) {
	n := len(rows)
	k.Buf, k.Off, k.Hash, k.Group = grow(k.Buf, numberSize*n), grow(k.Off, n+1), grow(k.Hash, n), grow(k.Group, n)
	buf, off, hashes, group := k.Buf, k.Off[1:n+1], k.Hash[:n], k.Group[:n]
	k.Off[0] = 0
	for i, r := range rows {
		rest := numberRest(lane[r])
		p := numberSize * i
		key := buf[p : p+numberSize : p+numberSize]
		key[0] = 1
		binary.LittleEndian.PutUint64(key[1:], rest)
		off[i] = uint32(p + numberSize)
		hashes[i] = HashNumber(rest)
	}
	if mask := uint64(groups - 1); uint64(groups)&mask == 0 {
		for i, h := range hashes {
			group[i] = uint16(h & mask)
		}
		return
	}
	for i, h := range hashes {
		group[i] = uint16(h % uint64(groups))
	}
}

// AddNumber appends the key of a number, given as its rest, in a group that is known.
func (k *Keys) AddNumber(rest uint64, group uint16) {
	k.Buf = append(k.Buf, 1)
	k.Buf = binary.LittleEndian.AppendUint64(k.Buf, rest)
	k.Off = append(k.Off, uint32(len(k.Buf)))
	k.Hash, k.Group = append(k.Hash, HashNumber(rest)), append(k.Group, group)
}

// Decode writes all keys into the columns, which have room for them: key i into row i.
func (k *Keys) Decode(cols []*Vec, types []Type) error {
	n := k.Len()
	if len(cols) == 1 && cols[0].Lane == LaneI64 && len(k.Buf) == numberSize*n && k.decodeInts(cols[0].I64[:n]) {
		cols[0].Valid = nil
		return nil
	}
	for i := range n {
		if err := DecodeKey(k.At(i), cols, types, i, n); err != nil {
			return err
		}
	}
	return nil
}

// decodeInts is Decode where every key is a number; false if one is not. Nine bytes each on average do not say that: a null has one, but no key of one number has more.
func (k *Keys) decodeInts(lane []int64) bool {
	buf := k.Buf
	for i := range lane {
		key := buf[numberSize*i:][:numberSize]
		if key[0] != 1 {
			return false
		}
		lane[i] = int64(bits.ReverseBytes64(binary.LittleEndian.Uint64(key[1:])) ^ 1<<63)
	}
	return true
}
