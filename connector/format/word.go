package format

import (
	"encoding/binary"
	"math/bits"
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

// wholeNumber reads -?[0-9]+ of at most 18 digits at i and gives where it ends; 0 when there is no such number, and the caller must look closer.
func wholeNumber(data []byte, i int) (n int64, end int) {
	start, neg := i, false
	if i < len(data) && data[i] == '-' {
		neg = true
		start++
		i++
	}
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

func signedNumber(n int64, neg bool, start, end int) (int64, int) {
	if end == start || end-start > 18 {
		return 0, 0
	}
	if neg {
		n = -n
	}
	return n, end
}

var tens = [...]int64{1, 10, 100, 1000, 10000, 100000, 1000000, 10000000}

// eight turns eight digits, the first in the lowest byte, into their number: pairs, then fours, then all (Lemire, "Quickly parsing eight digits", 2022).
func eight(t uint64) int64 {
	const mask = 0x000000FF000000FF
	t = t*10 + t>>8
	return int64(((t&mask)*(100+1000000<<32) + (t>>16&mask)*(1+10000<<32)) >> 32)
}
