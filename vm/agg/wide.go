package agg

import (
	"math"
	"math/bits"

	"pipec/vm/value"
)

// A sum of integers lies in a CellSum, which 2^63 rows cannot overflow, and which seldom needs more than its one word. A sum of wide decimals lies in a CellWide, upper word first, two's complement,
// and has a third word above these two, for the same reason: so addition is associative, whatever happens in between, and only the emission judges the range.

// addInt adds n to the sum at that word.
func addInt(s value.Slot, word int, n int64, heap value.Heap) {
	w := s.Int(word)
	have, more := *w, n<<1
	if sum := have + more; have&1 == 0 && more>>1 == n && (have^sum)&(more^sum) >= 0 {
		*w = sum
		return
	}
	addBig(s, word, value.DecOf(n), heap)
}

// addBig is addInt where more than 63 bits are there or may be needed.
func addBig(s value.Slot, word int, n value.Dec, heap value.Heap) {
	sum, _ := s.Sum(word, heap).Add(n)
	s.SetSum(word, sum, heap)
}

// addDec adds d to the 192-bit sum at that word.
func addDec(s value.Slot, word int, d value.Dec) {
	lo, carry := bits.Add64(*s.Uint(word + 1), d.Lo, 0)
	mid, carry := bits.Add64(*s.Uint(word), uint64(d.Hi), carry)
	*s.Uint(word + 1), *s.Uint(word) = lo, mid
	*s.Int(word + 2) += d.Hi>>63 + int64(carry)
}

// mergeInt adds one sum of integers to another.
func mergeInt(m *Merge, i, word int) {
	w, more := m.Dst[i].Int(word), *m.Src[i].Int(word)
	have := *w
	if sum := have + more; (have|more)&1 == 0 && (have^sum)&(more^sum) >= 0 {
		*w = sum
		return
	}
	addBig(m.Dst[i], word, m.Src[i].Sum(word, m.SrcHeap), m.DstHeap)
}

// mergeDec adds one 192-bit sum to another.
func mergeDec(d, s value.Slot, word int) {
	lo, carry := bits.Add64(*d.Uint(word + 1), *s.Uint(word + 1), 0)
	mid, carry := bits.Add64(*d.Uint(word), *s.Uint(word), carry)
	*d.Uint(word + 1), *d.Uint(word) = lo, mid
	*d.Int(word + 2) += *s.Int(word + 2) + int64(carry)
}

// unmergeInt takes one sum of integers out of another.
func unmergeInt(m *Merge, i, word int) {
	w, less := m.Dst[i].Int(word), *m.Src[i].Int(word)
	have := *w
	if diff := have - less; (have|less)&1 == 0 && (have^less)&(have^diff) >= 0 {
		*w = diff
		return
	}
	diff, _ := m.Dst[i].Sum(word, m.DstHeap).Sub(m.Src[i].Sum(word, m.SrcHeap))
	m.Dst[i].SetSum(word, diff, m.DstHeap)
}

// unmergeDec takes one 192-bit sum out of another.
func unmergeDec(d, s value.Slot, word int) {
	lo, borrow := bits.Sub64(*d.Uint(word + 1), *s.Uint(word + 1), 0)
	mid, borrow := bits.Sub64(*d.Uint(word), *s.Uint(word), borrow)
	*d.Uint(word + 1), *d.Uint(word) = lo, mid
	*d.Int(word + 2) -= *s.Int(word + 2) + int64(borrow)
}

// narrow gives the value of a CellWide.
func narrow(s value.Slot, word int) value.Dec {
	return value.Dec{Hi: *s.Int(word), Lo: *s.Uint(word + 1)}
}

// magnitude is a sum without its sign, lowest word first. Four words leave room to multiply by a power of ten below 2^64.
type magnitude [4]uint64

// magnitude gives the absolute value and the sign of the sum in slot i.
func (r *Result) magnitude(i, word int) (m magnitude, neg bool) {
	s, top := r.Slots[i], int64(0)
	if r.Types[0].Lane() == value.LaneWide {
		m[0], m[1], top = *s.Uint(word + 1), *s.Uint(word), *s.Int(word + 2)
	} else {
		d := s.Sum(word, r.Heap)
		m[0], m[1], top = d.Lo, uint64(d.Hi), d.Hi>>63
	}
	m[2], m[3] = uint64(top), uint64(top>>63)
	if top >= 0 {
		return m, false
	}
	borrow := uint64(0)
	for i := range m {
		m[i], borrow = bits.Sub64(0, m[i], borrow)
	}
	return m, true
}

// mul multiplies by a small number.
func (m *magnitude) mul(n uint64) {
	over := uint64(0)
	for i := range m {
		hi, lo := bits.Mul64(m[i], n)
		var c uint64
		m[i], c = bits.Add64(lo, over, 0)
		over = hi + c
	}
}

// div divides by a small number and gives the remainder.
func (m *magnitude) div(n uint64) (rem uint64) {
	for i := len(m) - 1; i >= 0; i-- {
		m[i], rem = bits.Div64(rem, m[i], n)
	}
	return rem
}

// increment adds one.
func (m *magnitude) increment() {
	for i := range m {
		if m[i]++; m[i] != 0 {
			return
		}
	}
}

// dec gives the signed number if it has at most 38 digits.
func (m *magnitude) dec(neg bool) (value.Dec, bool) {
	if m[3] != 0 || m[2] != 0 || m[1]>>63 != 0 {
		return value.Dec{}, false
	}
	d := value.Dec{Hi: int64(m[1]), Lo: m[0]}
	if neg {
		d = d.Neg()
	}
	return d, d.Fits(value.MaxPrecision)
}

// quotient is the float nearest to m / n, as if it had been divided exactly and then rounded once, halves to even. m is below 2^128.
func (m magnitude) quotient(n uint64) float64 {
	if m[0] < 1<<53 && m[1] == 0 && n < 1<<53 {
		return float64(m[0]) / float64(n)
	}
	// Move m up so that the quotient has at least 64 bits, divide, and let the remainder stand as the lowest bit: 64 bits then round as all of them would.
	up := bits.LeadingZeros64(m[1])
	if m[1] == 0 {
		up = 64 + bits.LeadingZeros64(m[0])
	}
	shifted := magnitude{0, 0, m[0], m[1]}
	if up >= 64 {
		shifted[2], shifted[3] = 0, m[0]<<(up-64)
	} else if up > 0 {
		shifted[2], shifted[3] = m[0]<<up, m[1]<<up|m[0]>>(64-up)
	}
	rest := shifted.div(n)
	return shifted.float(rest != 0, -up-128)
}

// float is m * 2^exp, rounded once; more says that there is something behind the last bit.
func (m *magnitude) float(more bool, exp int) float64 {
	top := len(m) - 1
	for top > 0 && m[top] == 0 {
		top--
	}
	head := m[top]
	lead := bits.LeadingZeros64(head)
	if lead > 0 && top > 0 {
		head = head<<lead | m[top-1]>>(64-lead)
		more = more || m[top-1]<<lead != 0
	} else {
		head <<= lead
		more = more || top > 0 && m[top-1] != 0
	}
	for i := top - 2; i >= 0; i-- {
		more = more || m[i] != 0
	}
	if more {
		head |= 1
	}
	return math.Ldexp(float64(head), exp+64*top-lead)
}
