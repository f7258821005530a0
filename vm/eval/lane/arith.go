package lane

import (
	"math"
	"math/bits"
)

// Kernels of arithmetic. Each gives a number that is negative if some result overflowed, divided by zero or is not finite; it is or-ed together
// without a branch. Where all rows are selected (len(rows) == len(out)) the loop needs neither the row numbers nor bounds checks.

// AddInts is a + b.
func AddInts(out, a, b []int64, rows []int32) (bad int64) {
	if len(rows) == len(out) {
		a, b = a[:len(out)], b[:len(out)]
		for i := range out {
			s := a[i] + b[i]
			out[i] = s
			bad |= (a[i] ^ s) & (b[i] ^ s)
		}
		return bad
	}
	for _, r := range rows {
		s := a[r] + b[r]
		out[r] = s
		bad |= (a[r] ^ s) & (b[r] ^ s)
	}
	return bad
}

// SubInts is a - b.
func SubInts(out, a, b []int64, rows []int32) (bad int64) {
	if len(rows) == len(out) {
		a, b = a[:len(out)], b[:len(out)]
		for i := range out {
			d := a[i] - b[i]
			out[i] = d
			bad |= (a[i] ^ b[i]) & (a[i] ^ d)
		}
		return bad
	}
	for _, r := range rows {
		d := a[r] - b[r]
		out[r] = d
		bad |= (a[r] ^ b[r]) & (a[r] ^ d)
	}
	return bad
}

// MulHigh is the upper half of the signed 128-bit product; the product fits if it is the sign of the lower half.
func MulHigh(a, b int64) int64 {
	hi, _ := bits.Mul64(uint64(a), uint64(b))
	return int64(hi) - (a >> 63 & b) - (b >> 63 & a)
}

// MulInts is a * b.
func MulInts(out, a, b []int64, rows []int32) (bad int64) {
	for _, r := range rows {
		x, y := a[r], b[r]
		hi, lo := bits.Mul64(uint64(x), uint64(y))
		out[r] = int64(lo)
		over := (int64(hi) - (x >> 63 & y) - (y >> 63 & x)) ^ int64(lo)>>63
		bad |= over | -over
	}
	return bad
}

// DivInts and ModInts divide by 1 in place of 0, so that the machine does not trap.
func DivInts(out, a, b []int64, rows []int32) (bad int64) {
	for _, r := range rows {
		x, y := a[r], b[r]
		zero := int64(B2I(y == 0))
		q := x / (y + zero)
		out[r] = q
		bad |= -zero | x&q&y // of three negative numbers only min / -1 consists
	}
	return bad
}

// ModInts is a % b.
func ModInts(out, a, b []int64, rows []int32) (bad int64) {
	for _, r := range rows {
		zero := int64(B2I(b[r] == 0))
		out[r] = a[r] % (b[r] + zero)
		bad |= -zero
	}
	return bad
}

// AddFloats is a + b.
func AddFloats(out, a, b []float64, rows []int32) (bad int64) {
	for _, r := range rows {
		x := a[r] + b[r]
		out[r] = x
		bad |= Infinite(x)
	}
	return bad
}

// SubFloats is a - b.
func SubFloats(out, a, b []float64, rows []int32) (bad int64) {
	for _, r := range rows {
		x := a[r] - b[r]
		out[r] = x
		bad |= Infinite(x)
	}
	return bad
}

// MulFloats is a * b.
func MulFloats(out, a, b []float64, rows []int32) (bad int64) {
	if len(rows) == len(out) {
		a, b = a[:len(out)], b[:len(out)]
		for i := range out {
			x := a[i] * b[i]
			out[i] = x
			bad |= Infinite(x)
		}
		return bad
	}
	for _, r := range rows {
		x := a[r] * b[r]
		out[r] = x
		bad |= Infinite(x)
	}
	return bad
}

// DivFloats is a / b.
func DivFloats(out, a, b []float64, rows []int32) (bad int64) {
	for _, r := range rows {
		x := a[r] / b[r]
		out[r] = x
		bad |= Infinite(x)
	}
	return bad
}

// ModFloats is a % b.
func ModFloats(out, a, b []float64, rows []int32) (bad int64) {
	for _, r := range rows {
		x := math.Mod(a[r], b[r])
		out[r] = x
		bad |= Infinite(x)
	}
	return bad
}

// PowFloats is a ** b.
func PowFloats(out, a, b []float64, rows []int32) (bad int64) {
	for _, r := range rows {
		x := math.Pow(a[r], b[r])
		out[r] = x
		bad |= Infinite(x)
	}
	return bad
}

// AddFloatConst is a + c.
func AddFloatConst(out, a []float64, c float64, rows []int32) (bad int64) {
	for _, r := range rows {
		x := a[r] + c
		out[r] = x
		bad |= Infinite(x)
	}
	return bad
}

// SubFloatConst is a - c.
func SubFloatConst(out, a []float64, c float64, rows []int32) (bad int64) {
	for _, r := range rows {
		x := a[r] - c
		out[r] = x
		bad |= Infinite(x)
	}
	return bad
}

// MulFloatConst is a * c.
func MulFloatConst(out, a []float64, c float64, rows []int32) (bad int64) {
	if len(rows) == len(out) {
		a = a[:len(out)]
		for i := range out {
			x := a[i] * c
			out[i] = x
			bad |= Infinite(x)
		}
		return bad
	}
	for _, r := range rows {
		x := a[r] * c
		out[r] = x
		bad |= Infinite(x)
	}
	return bad
}

// DivFloatConst is a / c.
func DivFloatConst(out, a []float64, c float64, rows []int32) (bad int64) {
	for _, r := range rows {
		x := a[r] / c
		out[r] = x
		bad |= Infinite(x)
	}
	return bad
}
