package format

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unsafe"
)

// Eight bytes at a time ("SIMD within a register", Lamport 1975; Warren, Hacker's Delight, 6-1). In each mask below the lowest set bit is exact: a borrow
// or carry that corrupts a byte can only come from a byte under it that is itself a hit.

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// load reads data[i:i+8]; the caller has checked that they exist (a second check in each step of the loops below is a tenth of their time).
func load(data []byte, i int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(data)), i))[:])
}

// spread is the byte in all eight places.
func spread(c byte) uint64 { return uint64(c) * ones }

// below is the index of the lowest byte that a mask marks.
func below(mask uint64) int { return bits.TrailingZeros64(mask) >> 3 }

// stopAt finds the first byte from i on that ends the simple part of a JSON string: a quote, a backslash, a control character, or the first byte of
// a character beyond ASCII. It gives len(data) when there is none.
func stopAt(data []byte, i int) int {
	for i+16 <= len(data) {
		v, w := load(data, i), load(data, i+8)
		m := (((v ^ spread('"')) - ones) | ((v ^ spread('\\')) - ones) | (v - spread(' ')) | v) & highs
		n := (((w ^ spread('"')) - ones) | ((w ^ spread('\\')) - ones) | (w - spread(' ')) | w) & highs
		if m|n != 0 {
			if m != 0 {
				return i + below(m)
			}
			return i + 8 + below(n)
		}
		i += 16
	}
	for i+8 <= len(data) {
		w := load(data, i)
		if m := (((w ^ spread('"')) - ones) | ((w ^ spread('\\')) - ones) | (w - spread(' ')) | w) & highs; m != 0 {
			return i + below(m)
		}
		i += 8
	}
	for i < len(data) {
		if c := data[i]; c == '"' || c == '\\' || c < ' ' || c >= 0x80 {
			return i
		}
		i++
	}
	return i
}

// copyPlain copies text up to where stopAt would stop to the head of p, which has room for all of it and 16 bytes more, and gives how much that is.
func copyPlain(p, text []byte) (n int) {
	for n+16 <= len(text) {
		v, w := load(text, n), load(text, n+8)
		q := p[n : n+16]
		store(q, v)
		store(q[8:], w)
		v = (((v ^ spread('"')) - ones) | ((v ^ spread('\\')) - ones) | (v - spread(' ')) | v) & highs
		w = (((w ^ spread('"')) - ones) | ((w ^ spread('\\')) - ones) | (w - spread(' ')) | w) & highs
		if v|w != 0 {
			if v != 0 {
				return n + below(v)
			}
			return n + 8 + below(w)
		}
		n += 16
	}
	for len(text) >= 8 && n < len(text) {
		// The last word may overlap what is copied already.
		n = min(n, len(text)-8)
		v := load(text, n)
		store(p[n:], v)
		if v = (((v ^ spread('"')) - ones) | ((v ^ spread('\\')) - ones) | (v - spread(' ')) | v) & highs; v != 0 {
			return n + below(v)
		}
		n += 8
	}
	for ; n < len(text); n++ {
		c := text[n]
		if c == '"' || c == '\\' || c < ' ' || c >= 0x80 {
			return n
		}
		p[n] = c
	}
	return n
}

// stopBeyond is stopAt that passes over characters beyond ASCII.
func stopBeyond(data []byte, i int) int {
	for i+8 <= len(data) {
		w := load(data, i)
		quote, slash := w^spread('"'), w^spread('\\')
		if m := ((quote-ones)&^quote | (slash-ones)&^slash | (w-spread(' '))&^w) & highs; m != 0 {
			return i + below(m)
		}
		i += 8
	}
	for i < len(data) {
		if c := data[i]; c == '"' || c == '\\' || c < ' ' {
			return i
		}
		i++
	}
	return i
}

// fieldEnd finds the first byte from i on that ends the simple part of a CSV field: the separator, a line feed, the quote, or the first byte of a
// character beyond ASCII. sep and quote are spread.
func fieldEnd(data []byte, i int, sep, quote uint64) int {
	for i+8 <= len(data) {
		w := load(data, i)
		if m := (((w ^ sep) - ones) | ((w ^ quote) - ones) | ((w ^ spread('\n')) - ones) | w) & highs; m != 0 {
			return i + below(m)
		}
		i += 8
	}
	for i < len(data) {
		if c := data[i]; c == byte(sep) || c == byte(quote) || c == '\n' || c >= 0x80 {
			return i
		}
		i++
	}
	return i
}

// passFields gives where the n-th separator from i on is, if there is no quote and no line feed up to it, else 0. The mask of separators is exact in all bytes.
func passFields(data []byte, i, n int, sep, quote uint64) int {
	const low = highs - ones // 0x7f in each byte
	for ; i+8 <= len(data); i += 8 {
		w := load(data, i)
		s := w ^ sep
		hits := ^((s&low + low) | s | low)
		stops := (((w^quote)-ones)&^(w^quote) | ((w^spread('\n'))-ones)&^(w^spread('\n'))) & highs
		if found := bits.OnesCount64(hits); found < n && stops == 0 {
			n -= found
			continue
		}
		for ; hits != 0; hits &= hits - 1 {
			if n--; n == 0 {
				break
			}
		}
		if n > 0 || stops != 0 && below(stops) < below(hits) {
			return 0
		}
		return i + below(hits)
	}
	return 0
}

// wholeNumber reads -?[0-9]+ of at most 18 digits at i and gives where it ends; 0 when there is no such number, and the caller must look closer.
func wholeNumber(data []byte, i int) (n int64, end int) {
	if i >= len(data) {
		return 0, 0
	}
	// Signs are as random as numbers are, so nothing branches on them: neg is 1 for a minus.
	neg := int64((uint64(data[i]^'-') - 1) >> 63)
	i += int(neg)
	start := i
	for i+8 <= len(data) {
		// Bytes that are no digits: more than 9 after taking '0' away, or with the high bit.
		t := load(data, i) ^ spread('0')
		m := ((t + spread(0x76)) | t) & highs
		if m == 0 {
			n = n*1e8 + eight(t)
			if i += 8; i-start > 18 {
				return 0, 0
			}
			continue
		}
		if k := below(m); k > 0 {
			// The digits move up; zeros in front of them change nothing.
			n = n*tens[k] + eight(t<<(64-8*k))
			i += k
		}
		return signedNumber(n, neg, start, i)
	}
	for ; i < len(data); i++ {
		c := data[i] - '0'
		if c > 9 {
			break
		}
		if i-start >= 18 {
			return 0, 0
		}
		n = n*10 + int64(c)
	}
	return signedNumber(n, neg, start, i)
}

func signedNumber(n, neg int64, start, end int) (int64, int) {
	if end == start || end-start > 18 {
		return 0, 0
	}
	return (n ^ -neg) + neg, end
}

var tens = [...]int64{1, 10, 100, 1000, 10000, 100000, 1000000, 10000000}

// appendInt appends a whole number. It needs no table and hardly a branch: eight digits at a time, the leading zeros shifted out.
func appendInt(dst []byte, n int64) []byte {
	if cap(dst)-len(dst) < maxInt {
		dst = slices.Grow(dst, maxInt)
	}
	p := dst[len(dst):cap(dst)]
	return dst[:len(dst)+putInt(p, n)]
}

// maxInt is the room that putInt needs: a minus, and three times eight digits.
const maxInt = 1 + 24

// putInt writes a whole number to the head of p, which has room for maxInt bytes, and gives its length.
func putInt(p []byte, n int64) (size int) {
	p = p[:maxInt]
	u := uint64(n)
	if n < 0 {
		p[0], size, u = '-', 1, -u
	}
	if u < 1e8 {
		return size + putFirst(p[size:], u)
	}
	if u < 1e16 {
		size += putFirst(p[size:], u/1e8)
	} else {
		size += putFirst(p[size:], u/1e16)
		store(p[size:], ascii(u/1e8%1e8))
		size += 8
	}
	store(p[size:], ascii(u%1e8))
	return size + 8
}

// putFirst writes a number below 1e8 without leading zeros; it overwrites 8 bytes.
func putFirst(p []byte, u uint64) (size int) {
	digits := ascii(u)
	zeros := min(bits.TrailingZeros64(digits^spread('0'))>>3, 7)
	store(p, digits>>(8*zeros))
	return 8 - zeros
}

func store(p []byte, w uint64) { binary.LittleEndian.PutUint64(p, w) }

// ascii is the inverse of eight: the eight digits of a number below 1e8 as text. It divides in parallel lanes, by 100 as 10486/2^20 and by 10 as 103/2^10.
func ascii(u uint64) uint64 {
	v := u/10000 | u%10000<<32
	hundreds := v * 10486 >> 20 & 0x7f0000007f
	v = hundreds | (v-100*hundreds)<<16
	tens := v * 103 >> 10 & 0x000f000f000f000f
	return (tens | (v-10*tens)<<8) + spread('0')
}

// eight turns eight digits, the first in the lowest byte, into their number: pairs, then fours, then all (Lemire, "Quickly parsing eight digits", 2022).
func eight(t uint64) int64 {
	const mask = 0x000000FF000000FF
	t = t*10 + t>>8
	return int64(((t&mask)*(100+1000000<<32) + (t>>16&mask)*(1+10000<<32)) >> 32)
}
