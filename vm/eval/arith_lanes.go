package eval

import (
	"math"
	"math/bits"
)

// Kernels of arithmetic. Each gives a number that is negative if some result overflowed, divided by zero or is not finite; it is or-ed together
// without a branch. Where all rows are selected (len(rows) == len(out)) the loop needs neither the row numbers nor bounds checks.

func addInts(out, a, b []int64, rows []int32) (bad int64) {
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

func subInts(out, a, b []int64, rows []int32) (bad int64) {
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

// mulHigh is the upper half of the signed 128-bit product; the product fits if it is the sign of the lower half.
func mulHigh(a, b int64) int64 {
	hi, _ := bits.Mul64(uint64(a), uint64(b))
	return int64(hi) - (a >> 63 & b) - (b >> 63 & a)
}

func mulInts(out, a, b []int64, rows []int32) (bad int64) {
	for _, r := range rows {
		x, y := a[r], b[r]
		hi, lo := bits.Mul64(uint64(x), uint64(y))
		out[r] = int64(lo)
		over := (int64(hi) - (x >> 63 & y) - (y >> 63 & x)) ^ int64(lo)>>63
		bad |= over | -over
	}
	return bad
}

// divInts and modInts divide by 1 in place of 0, so that the machine does not trap.
func divInts(out, a, b []int64, rows []int32) (bad int64) {
	for _, r := range rows {
		x, y := a[r], b[r]
		zero := int64(b2i(y == 0))
		q := x / (y + zero)
		out[r] = q
		bad |= -zero | x&q&y // of three negative numbers only min / -1 consists
	}
	return bad
}

func modInts(out, a, b []int64, rows []int32) (bad int64) {
	for _, r := range rows {
		zero := int64(b2i(b[r] == 0))
		out[r] = a[r] % (b[r] + zero)
		bad |= -zero
	}
	return bad
}

func addFloats(out, a, b []float64, rows []int32) (bad int64) {
	for _, r := range rows {
		x := a[r] + b[r]
		out[r] = x
		bad |= infinite(x)
	}
	return bad
}

func subFloats(out, a, b []float64, rows []int32) (bad int64) {
	for _, r := range rows {
		x := a[r] - b[r]
		out[r] = x
		bad |= infinite(x)
	}
	return bad
}

func mulFloats(out, a, b []float64, rows []int32) (bad int64) {
	if len(rows) == len(out) {
		a, b = a[:len(out)], b[:len(out)]
		for i := range out {
			x := a[i] * b[i]
			out[i] = x
			bad |= infinite(x)
		}
		return bad
	}
	for _, r := range rows {
		x := a[r] * b[r]
		out[r] = x
		bad |= infinite(x)
	}
	return bad
}

func divFloats(out, a, b []float64, rows []int32) (bad int64) {
	for _, r := range rows {
		x := a[r] / b[r]
		out[r] = x
		bad |= infinite(x)
	}
	return bad
}

func modFloats(out, a, b []float64, rows []int32) (bad int64) {
	for _, r := range rows {
		x := math.Mod(a[r], b[r])
		out[r] = x
		bad |= infinite(x)
	}
	return bad
}

func powFloats(out, a, b []float64, rows []int32) (bad int64) {
	for _, r := range rows {
		x := math.Pow(a[r], b[r])
		out[r] = x
		bad |= infinite(x)
	}
	return bad
}

func addFloatConst(out, a []float64, c float64, rows []int32) (bad int64) {
	for _, r := range rows {
		x := a[r] + c
		out[r] = x
		bad |= infinite(x)
	}
	return bad
}

func subFloatConst(out, a []float64, c float64, rows []int32) (bad int64) {
	for _, r := range rows {
		x := a[r] - c
		out[r] = x
		bad |= infinite(x)
	}
	return bad
}

func mulFloatConst(out, a []float64, c float64, rows []int32) (bad int64) {
	if len(rows) == len(out) {
		a = a[:len(out)]
		for i := range out {
			x := a[i] * c
			out[i] = x
			bad |= infinite(x)
		}
		return bad
	}
	for _, r := range rows {
		x := a[r] * c
		out[r] = x
		bad |= infinite(x)
	}
	return bad
}

func divFloatConst(out, a []float64, c float64, rows []int32) (bad int64) {
	for _, r := range rows {
		x := a[r] / c
		out[r] = x
		bad |= infinite(x)
	}
	return bad
}
