// Package swar searches and converts bytes eight at a time: SIMD within a register (Lamport, "Multiple byte processing with full-word instructions", 1975;
// Warren, "Hacker's Delight", 6-1). It is what the scanners of package format are fast by.
//
//	swar.go     where a JSON string or a CSV field ends
//	number.go   whole numbers from and to digits
//
// In the masks here the lowest set bit is exact unless a comment says more: a borrow or carry that corrupts a byte can only come from a byte under it that
// is itself a hit.
package swar

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// Load reads data[i:i+8]; the caller has checked that they exist (a second check in each step of the loops below is a tenth of their time).
func Load(data []byte, i int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(data)), i))[:])
}

// Spread is the byte in all eight places.
func Spread(c byte) uint64 { return uint64(c) * ones }

// below is the index of the lowest byte that a mask marks.
func below(mask uint64) int { return bits.TrailingZeros64(mask) >> 3 }

// Store writes w to p[:8].
func Store(p []byte, w uint64) { binary.LittleEndian.PutUint64(p, w) }

// notPlain marks the bytes that cannot stand for themselves in a JSON string, and those beyond ASCII.
func notPlain(w uint64) uint64 {
	return (((w ^ Spread('"')) - ones) | ((w ^ Spread('\\')) - ones) | (w - Spread(' ')) | w) & highs
}

// StringStop finds the first byte from i on that ends the simple part of a JSON string: a quote, a backslash, a control character, or the first byte of
// a character beyond ASCII. It gives len(data) when there is none.
func StringStop(data []byte, i int) int {
	for i+16 <= len(data) {
		v, w := Load(data, i), Load(data, i+8)
		m := notPlain(v)
		n := notPlain(w)
		if m|n != 0 {
			if m != 0 {
				return i + below(m)
			}
			return i + 8 + below(n)
		}
		i += 16
	}
	for i+8 <= len(data) {
		w := Load(data, i)
		if m := notPlain(w); m != 0 {
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

// CopyString copies text up to where StringStop would stop to the head of p, which has room for all of it and 16 bytes more, and gives how much that is.
func CopyString(p, text []byte) (n int) {
	for n+16 <= len(text) {
		v, w := Load(text, n), Load(text, n+8)
		q := p[n : n+16]
		Store(q, v)
		Store(q[8:], w)
		v = notPlain(v)
		w = notPlain(w)
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
		v := Load(text, n)
		Store(p[n:], v)
		if v = notPlain(v); v != 0 {
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

// StringStopBeyond is StringStop that passes over characters beyond ASCII.
func StringStopBeyond(data []byte, i int) int {
	for i+8 <= len(data) {
		w := Load(data, i)
		quote, slash := w^Spread('"'), w^Spread('\\')
		if m := ((quote-ones)&^quote | (slash-ones)&^slash | (w-Spread(' '))&^w) & highs; m != 0 {
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

// FieldEnd finds the first byte from i on that ends the simple part of a CSV field: the separator, a line feed, the quote, or the first byte of a
// character beyond ASCII. sep and quote are spread.
func FieldEnd(data []byte, i int, sep, quote uint64) int {
	for i+8 <= len(data) {
		w := Load(data, i)
		if m := (((w ^ sep) - ones) | ((w ^ quote) - ones) | ((w ^ Spread('\n')) - ones) | w) & highs; m != 0 {
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

// PassFields gives where the n-th separator from i on is, if there is no quote and no line feed up to it, else 0. The mask of separators is exact in all bytes.
func PassFields(data []byte, i, n int, sep, quote uint64) int {
	const low = highs - ones // 0x7f in each byte
	for ; i+8 <= len(data); i += 8 {
		w := Load(data, i)
		s := w ^ sep
		hits := ^((s&low + low) | s | low)
		stops := (((w^quote)-ones)&^(w^quote) | ((w^Spread('\n'))-ones)&^(w^Spread('\n'))) & highs
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
