package value

import (
	"encoding/binary"
	"math/bits"
)

// shortKey is the room that the key of a text needs that lies in its view: a 1, the text and two zeros, written as two words.
const shortKey = 16

// encodeTexts makes the keys of one column of texts without nulls, as AppendKey does, and their hashes. Most texts are short and have no zero byte: their keys are two words, which are hashed where
// they are made.
func (k *Keys) encodeTexts(v *Vec, rows []int32, groups int) {
	k.Reset()
	_, _, hashes := k.extend(len(rows))
	off := k.Off[:1]
	k.Buf = k.Buf[:0]
	for i, r := range rows {
		w := &v.View[r]
		p := len(k.Buf)
		if w.n > InlineView || zeroIn(w) {
			k.Buf = append(k.Buf, 1)
			k.Buf = appendText(k.Buf, v.Text(int(r)))
			hashes[i] = hashOf(k.Buf[p:])
		} else {
			if cap(k.Buf) < p+shortKey {
				k.Buf = append(k.Buf, make([]byte, shortKey)...)
			}
			lo, hi := binary.LittleEndian.Uint64(w.b[:8]), uint64(binary.LittleEndian.Uint32(w.b[8:]))
			lo, hi = lo<<8|1, hi<<8|lo>>56
			key := k.Buf[p : p+shortKey]
			binary.LittleEndian.PutUint64(key, lo)
			binary.LittleEndian.PutUint64(key[8:], hi)
			n := int(w.n) + 3
			k.Buf = k.Buf[:p+n] // what was written behind the key is zeros
			hashes[i] = hashShort(lo, hi, n)
		}
		off = append(off, uint32(len(k.Buf)))
	}
	k.Off = off
	groupAll(k.Group, hashes, groups)
}

// hashShort is xxHash64 with seed 0 of n bytes, 1 to 15, given as two words with zeros behind them. Lengths differ from key to key, so that a branch on them would be mispredicted: every step
// is computed, and masks decide which of them count.
func hashShort(lo, hi uint64, n int) uint64 {
	h, rest := uint64(prime5)+uint64(n), lo
	eight := uint64(int64(7-n) >> 63) // all ones from 8 bytes on
	h ^= (h ^ (bits.RotateLeft64(h^bits.RotateLeft64(lo*prime2, 31)*prime1, 27)*prime1 + prime4)) & eight
	rest ^= (lo ^ hi) & eight
	four := -(uint64(n) >> 2 & 1)
	h ^= (h ^ (bits.RotateLeft64(h^(rest&0xFFFFFFFF)*prime1, 23)*prime2 + prime3)) & four
	rest >>= uint(n) & 4 * 8
	left := n & 3
	h ^= (h ^ bits.RotateLeft64(h^(rest&0xFF)*prime5, 11)*prime1) & uint64(int64(-left)>>63)
	h ^= (h ^ bits.RotateLeft64(h^(rest>>8&0xFF)*prime5, 11)*prime1) & -uint64(left>>1)
	h ^= (h ^ bits.RotateLeft64(h^(rest>>16&0xFF)*prime5, 11)*prime1) & -uint64(left&(left>>1))
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	return h ^ h>>32
}

// zeroIn says whether a text that lies in its view has a zero byte, which a key must escape.
func zeroIn(w *View) bool {
	const low, high = 0x0101010101010101, 0x8080808080808080
	n := uint(w.n)
	a := binary.LittleEndian.Uint64(w.b[:8]) | ^uint64(0)<<(8*n)
	b := uint64(binary.LittleEndian.Uint32(w.b[8:])) | ^uint64(0)<<(8*max(n, 8)-64)
	return ((a-low)&^a|(b-low)&^b)&high != 0
}
