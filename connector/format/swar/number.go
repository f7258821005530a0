package swar

import (
	"math/bits"
	"slices"
)

// Int reads -?[0-9]+ of at most 18 digits at i and gives where it ends; 0 when there is no such number, and the caller must look closer.
func Int(data []byte, i int) (n int64, end int) {
	start, neg := i, false
	if i < len(data) && data[i] == '-' {
		neg = true
		start++
		i++
	}
	for i+8 <= len(data) {
		// Bytes that are no digits: more than 9 after taking '0' away, or with the high bit.
		t := Load(data, i) ^ Spread('0')
		m := ((t + Spread(0x76)) | t) & highs
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

// AppendInt appends a whole number. It needs no table and hardly a branch: eight digits at a time, the leading zeros shifted out.
func AppendInt(dst []byte, n int64) []byte {
	if cap(dst)-len(dst) < MaxInt {
		dst = slices.Grow(dst, MaxInt)
	}
	p := dst[len(dst):cap(dst)]
	return dst[:len(dst)+PutInt(p, n)]
}

// MaxInt is the room that PutInt needs: a minus, and three times eight digits.
const MaxInt = 1 + 24

// PutInt writes a whole number to the head of p, which has room for MaxInt bytes, and gives its length.
func PutInt(p []byte, n int64) (size int) {
	p = p[:MaxInt]
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
		Store(p[size:], ascii(u/1e8%1e8))
		size += 8
	}
	Store(p[size:], ascii(u%1e8))
	return size + 8
}

// putFirst writes a number below 1e8 without leading zeros; it overwrites 8 bytes.
func putFirst(p []byte, u uint64) (size int) {
	digits := ascii(u)
	zeros := min(bits.TrailingZeros64(digits^Spread('0'))>>3, 7)
	Store(p, digits>>(8*zeros))
	return 8 - zeros
}

// ascii is the inverse of eight: the eight digits of a number below 1e8 as text. It divides in parallel lanes, by 100 as 10486/2^20 and by 10 as 103/2^10.
func ascii(u uint64) uint64 {
	v := u/10000 | u%10000<<32
	hundreds := v * 10486 >> 20 & 0x7f0000007f
	v = hundreds | (v-100*hundreds)<<16
	tens := v * 103 >> 10 & 0x000f000f000f000f
	return (tens | (v-10*tens)<<8) + Spread('0')
}

// eight turns eight digits, the first in the lowest byte, into their number: pairs, then fours, then all (Lemire, "Quickly parsing eight digits", 2022).
func eight(t uint64) int64 {
	const mask = 0x000000FF000000FF
	t = t*10 + t>>8
	return int64(((t&mask)*(100+1000000<<32) + (t>>16&mask)*(1+10000<<32)) >> 32)
}
