// Package lane is the loops under expressions: one operator over whole lanes of numbers, for the rows of a selection, without nulls, types or errors. Where a loop meets a row whose result does
// not count it computes garbage and goes on; what went wrong is said once, for all rows.
//
//	lane.go     lists of rows, and what the loops are made of
//	arith.go    + - * / % ** of ints and floats
//	divisor.go  division by a constant
//	compare.go  == < > between, as bools and as selections
package lane

import "math"

// Without is rows less part; both ascend, and dst has room.
func Without(dst, rows, part []int32) []int32 {
	j, k := 0, 0
	for _, r := range rows {
		if k < len(part) && part[k] == r {
			k++
			continue
		}
		dst[j] = r
		j++
	}
	return dst[:j]
}

// Union merges two ascending lists without common rows into dst.
func Union(dst, a, b []int32) []int32 {
	dst = dst[:len(a)+len(b)]
	i, j := 0, 0
	for k := range dst {
		if j == len(b) || i < len(a) && a[i] < b[j] {
			dst[k] = a[i]
			i++
		} else {
			dst[k] = b[j]
			j++
		}
	}
	return dst
}

// B2I is 1 for true; it compiles to one instruction, so that loops select rows without branches.
func B2I(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Infinite is negative when the bits of a float are those of an infinity or NaN: or-ing it over a loop tells whether any result was not finite.
func Infinite(x float64) int64 {
	const exponent = 0x7FF << 52
	return int64(math.Float64bits(x)&exponent + 1<<52)
}
