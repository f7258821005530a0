package value

import (
	"encoding/binary"
	"math/bits"
	"slices"
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
	k.Reset()
	buf, off, hashes := k.extend(len(rows))
	for i, r := range rows {
		rest := numberRest(lane[r])
		putNumber(buf, off, i, rest)
		hashes[i] = HashNumber(rest)
	}
	groupAll(k.Group, hashes, groups)
}

// AddNumbers appends the keys of numbers, given as their rests, in groups that are known. Without hash their hashes are zeros: who only decodes keys needs none.
func (k *Keys) AddNumbers(rests []uint64, groups []uint16, hash bool) {
	buf, off, hashes := k.extend(len(rests))
	for i, rest := range rests {
		putNumber(buf, off, i, rest)
	}
	if hash {
		for i, rest := range rests {
			hashes[i] = HashNumber(rest)
		}
	} else {
		clear(hashes)
	}
	copy(k.Group[len(k.Group)-len(groups):], groups)
}

// extend makes room for the keys of n more numbers and gives what belongs to them. Entry 0 of off is the beginning of the first.
func (k *Keys) extend(n int) (buf []byte, off []uint32, hashes []uint64) {
	if len(k.Off) == 0 {
		k.Off = append(k.Off, 0)
	}
	b, o, h := len(k.Buf), len(k.Off), len(k.Hash)
	k.Buf, k.Off, k.Hash, k.Group = slices.Grow(k.Buf, numberSize*n), slices.Grow(k.Off, n), slices.Grow(k.Hash, n), slices.Grow(k.Group, n)
	k.Buf, k.Off, k.Hash, k.Group = k.Buf[:b+numberSize*n], k.Off[:o+n], k.Hash[:h+n], k.Group[:h+n]
	return k.Buf[b:], k.Off[o-1:], k.Hash[h:]
}

// putNumber writes key i of what extend gave.
func putNumber(buf []byte, off []uint32, i int, rest uint64) {
	key := buf[numberSize*i:][:numberSize]
	key[0] = 1
	binary.LittleEndian.PutUint64(key[1:], rest)
	off[i+1] = off[0] + uint32(numberSize*(i+1))
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
