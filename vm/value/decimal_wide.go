package value

import "math/bits"

// u128 is an unsigned 128-bit number: the magnitude of a Dec.
type u128 struct{ hi, lo uint64 }

// u256 is the product of two u128, least word first.
type u256 [4]uint64

// tens holds the powers of ten that a u128 can hold.
var tens = func() (t [MaxPrecision + 1]u128) {
	t[0] = u128{0, 1}
	for i := 1; i < len(t); i++ {
		t[i] = t[i-1].mulSmall(10)
	}
	return t
}()

func (a u128) add(b u128) u128 {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(a.hi, b.hi, carry)
	return u128{hi, lo}
}

func (a u128) sub(b u128) u128 {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return u128{hi, lo}
}

func (a u128) less(b u128) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

// mulSmall is a*n modulo 2^128.
func (a u128) mulSmall(n uint64) u128 {
	hi, lo := bits.Mul64(a.lo, n)
	return u128{hi + a.hi*n, lo}
}

// mul is the whole product.
func (a u128) mul(b u128) (p u256) {
	h00, l00 := bits.Mul64(a.lo, b.lo)
	h01, l01 := bits.Mul64(a.lo, b.hi)
	h10, l10 := bits.Mul64(a.hi, b.lo)
	h11, l11 := bits.Mul64(a.hi, b.hi)
	var c1, c2, c3, c4 uint64
	p[0] = l00
	p[1], c1 = bits.Add64(h00, l01, 0)
	p[1], c2 = bits.Add64(p[1], l10, 0)
	p[2], c3 = bits.Add64(h01, l11, c1)
	p[2], c4 = bits.Add64(p[2], h10, c2)
	p[3] = h11 + c3 + c4
	return p
}

// low is p modulo 2^128; fits says whether that is all of it.
func (p u256) low() u128  { return u128{p[1], p[0]} }
func (p u256) fits() bool { return p[2]|p[3] == 0 }

// divRem divides by d, which is not 0.
func (a u128) divRem(d u128) (q, r u128) {
	if a.less(d) {
		return u128{}, a
	}
	if d.hi == 0 {
		q.hi, r.lo = a.hi/d.lo, a.hi%d.lo
		q.lo, r.lo = bits.Div64(r.lo, a.lo, d.lo)
		return q, r
	}
	// The quotient fits one word: estimate it with the divisor's upper 64 bits, which is at most one too large.
	shift := uint(bits.LeadingZeros64(d.hi))
	top := d.hi<<shift | d.lo>>1>>(63-shift)
	q.lo, _ = bits.Div64(a.hi>>1, a.hi<<63|a.lo>>1, top)
	if q.lo = q.lo >> (63 - shift); q.lo > 0 {
		q.lo--
	}
	r = a.sub(d.mulSmall(q.lo))
	if !r.less(d) {
		q.lo, r = q.lo+1, r.sub(d)
	}
	return q, r
}

// divRem divides by d, which is not 0, word by word (Knuth's algorithm D for a divisor of two words).
func (p u256) divRem(d u128) (q u256, r u128) {
	if p.fits() {
		lo, rem := p.low().divRem(d)
		return u256{lo.lo, lo.hi}, rem
	}
	if d.hi == 0 {
		for i := 3; i >= 0; i-- {
			q[i], r.lo = bits.Div64(r.lo, p[i], d.lo)
		}
		return q, r
	}
	shift := uint(bits.LeadingZeros64(d.hi))
	d = u128{d.hi<<shift | d.lo>>1>>(63-shift), d.lo << shift}
	var n [5]uint64
	n[4] = p[3] >> 1 >> (63 - shift)
	for i := 3; i > 0; i-- {
		n[i] = p[i]<<shift | p[i-1]>>1>>(63-shift)
	}
	n[0] = p[0] << shift
	r = u128{n[4], n[3]} // less than d, whose top bit is set
	for i := 2; i >= 0; i-- {
		q[i], r = div3by2(r, n[i], d)
	}
	return q, u128{r.hi >> shift, r.lo>>shift | r.hi<<1<<(63-shift)}
}

// div3by2 divides the three words (n, w) by d, whose top bit is set; n < d.
func div3by2(n u128, w uint64, d u128) (q uint64, r u128) {
	var rem, carry uint64
	if n.hi == d.hi { // the estimate would be 2^64
		q = ^uint64(0)
		rem, carry = bits.Add64(n.lo, d.hi, 0)
	} else {
		q, rem = bits.Div64(n.hi, n.lo, d.hi)
	}
	for {
		hi, lo := bits.Mul64(q, d.lo)
		if carry != 0 || hi < rem || hi == rem && lo <= w {
			return q, u128{rem, w}.sub(u128{hi, lo})
		}
		q--
		rem, carry = bits.Add64(rem, d.hi, 0)
	}
}
