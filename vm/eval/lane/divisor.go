package lane

import (
	"math"
	"math/bits"
)

// divisor divides by a constant with a multiplication (Granlund and Montgomery, Division by Invariant Integers using Multiplication, 1994): a machine's division takes as long as the rest of an
// expression. Magnitudes have 63 bits, all but that of the smallest int, so a factor of 64 bits always suffices.
type divisor struct {
	d     int64
	m     uint64 // 2^(63+l) / d, rounded up, with l the bits of d - 1
	shift uint   // l - 1
}

// divisorOf is for constants of at least 2.
func divisorOf(d int64) divisor {
	l := uint(bits.Len64(uint64(d - 1)))
	m, rest := bits.Div64(1<<(l-1), 0, uint64(d))
	if rest > 0 {
		m++
	}
	return divisor{d: d, m: m, shift: l - 1}
}

// quotient is x / d, truncated.
func (v *divisor) quotient(x int64) int64 {
	sign := x >> 63
	hi, _ := bits.Mul64(uint64((x^sign)-sign), v.m)
	return (int64(hi>>v.shift) ^ sign) - sign
}

// DivBy gives x / c for a constant of at least 2.
func DivBy(c int64) func(out, a []int64, rows []int32) { return divisorOf(c).div }

// ModBy gives x % c for a constant of at least 2.
func ModBy(c int64) func(out, a []int64, rows []int32) { return divisorOf(c).mod }

func (v divisor) div(out, a []int64, rows []int32) {
	for _, r := range rows {
		x := a[r]
		q := v.quotient(x)
		if x == math.MinInt64 {
			q = x / v.d
		}
		out[r] = q
	}
}

func (v divisor) mod(out, a []int64, rows []int32) {
	for _, r := range rows {
		x := a[r]
		rest := x - v.quotient(x)*v.d
		if x == math.MinInt64 {
			rest = x % v.d
		}
		out[r] = rest
	}
}
