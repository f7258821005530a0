package value

import (
	"math"
	"math/bits"
	"strconv"
	"unsafe"
)

// Dec is a decimal without its point: a 128-bit two's complement number, to be divided by ten to the scale that its type names. Values of a
// type have at most 38 digits. Operations say false where the result has more; it is then meaningless. Nothing here allocates.
type Dec struct {
	Hi int64
	Lo uint64
}

// DecOf is n units.
func DecOf(n int64) Dec { return Dec{n >> 63, uint64(n)} }

// Int is d as an int64, if it fits.
func (d Dec) Int() (n int64, ok bool) { return int64(d.Lo), d.Hi == int64(d.Lo)>>63 }

// Sign is -1, 0 or 1.
func (d Dec) Sign() int {
	if d.Hi < 0 {
		return -1
	}
	if d.Hi == 0 && d.Lo == 0 {
		return 0
	}
	return 1
}

// Neg is -d.
func (d Dec) Neg() Dec {
	lo, borrow := bits.Sub64(0, d.Lo, 0)
	return Dec{-d.Hi - int64(borrow), lo}
}

// Cmp compares decimals of one scale: -1, 0 or 1.
func (d Dec) Cmp(o Dec) int {
	switch {
	case d == o:
		return 0
	case d.Hi < o.Hi || d.Hi == o.Hi && d.Lo < o.Lo:
		return -1
	}
	return 1
}

// abs takes d apart.
func (d Dec) abs() (m u128, neg bool) {
	if d.Hi < 0 {
		d = d.Neg()
		neg = true
	}
	return u128{uint64(d.Hi), d.Lo}, neg
}

func signed(m u128, neg bool) Dec {
	d := Dec{int64(m.hi), m.lo}
	if neg {
		return d.Neg()
	}
	return d
}

// Fits says whether d has at most p digits.
func (d Dec) Fits(p int) bool {
	m, _ := d.abs()
	return m.less(tens[p])
}

// Add is d + o, both of one scale. The result may have 39 digits, which Fits tells; false means more than 128 bits.
func (d Dec) Add(o Dec) (sum Dec, ok bool) {
	lo, carry := bits.Add64(d.Lo, o.Lo, 0)
	hi := d.Hi + o.Hi + int64(carry)
	// Overflow: both signs differ from the sign of the result.
	return Dec{hi, lo}, (d.Hi^hi)&(o.Hi^hi) >= 0
}

// Sub is d - o, as Add.
func (d Dec) Sub(o Dec) (diff Dec, ok bool) {
	lo, borrow := bits.Sub64(d.Lo, o.Lo, 0)
	hi := d.Hi - o.Hi - int64(borrow)
	return Dec{hi, lo}, (d.Hi^o.Hi)&(d.Hi^hi) >= 0
}

// Mul is d * o, with its last drop digits rounded away (half away from zero). The scale of the result is the sum of the scales less drop.
func (d Dec) Mul(o Dec, drop int) (Dec, bool) {
	a, an := d.abs()
	b, bn := o.abs()
	if a.hi == 0 && b.hi == 0 && drop == 0 {
		hi, lo := bits.Mul64(a.lo, b.lo)
		m := u128{hi, lo}
		return signed(m, an != bn), m.less(tens[MaxPrecision])
	}
	p := a.mul(b)
	if drop > 0 {
		p = roundDiv(p, tens[drop])
	}
	return checked(p, an != bn)
}

// Div is d * 10^shift / o, rounded half away from zero: the scale of the result is shift + the scale of d - the scale of o; shift is at most 76.
// It says false for o = 0 as well.
func (d Dec) Div(o Dec, shift int) (Dec, bool) {
	a, an := d.abs()
	b, bn := o.abs()
	if b == (u128{}) {
		return Dec{}, false
	}
	if a.hi == 0 && b.hi == 0 && shift <= NarrowPrecision { // the usual case: 128 by 64 bits
		hi, lo := bits.Mul64(a.lo, tens[shift].lo)
		var q u128
		q.hi = hi / b.lo
		lo, r := bits.Div64(hi%b.lo, lo, b.lo)
		if q.lo = lo; r >= b.lo-r {
			q = q.add(u128{0, 1})
		}
		return signed(q, an != bn), q.less(tens[MaxPrecision])
	}
	first := min(shift, MaxPrecision)
	p := a.mul(tens[first])
	if shift == first {
		return checked(roundDiv(p, b), an != bn)
	}
	// The dividend would take more than 256 bits: divide twice, as one does on paper.
	q, r := p.divRem(b)
	more := tens[shift-first]
	if !q.fits() || !q.low().less(tens[MaxPrecision]) {
		return Dec{}, false
	}
	high, low := q.low().mul(more), roundDiv(r.mul(more), b)
	if !high.fits() || !high.low().less(tens[MaxPrecision]) {
		return Dec{}, false
	}
	sum := high.low().add(low.low()) // low is at most more, so this is below 2^128
	return checked(u256{sum.lo, sum.hi}, an != bn)
}

// Quo is d / o, both of one scale, truncated towards zero; Rem is what remains, with the sign of d. They say false for o = 0.
func (d Dec) Quo(o Dec) (Dec, bool) {
	a, an := d.abs()
	b, bn := o.abs()
	if b == (u128{}) {
		return Dec{}, false
	}
	q, _ := a.divRem(b)
	return signed(q, an != bn), true
}

// Rem is the remainder of Quo, with the sign of d, after d and o were brought to one scale: d gets up zeros more, or o down zeros more (one of
// the two is 0, and both are at most 38). It is exact also where the operands would need more than 38 digits.
func (d Dec) Rem(o Dec, up, down int) (Dec, bool) {
	a, an := d.abs()
	b, _ := o.abs()
	if b == (u128{}) {
		return Dec{}, false
	}
	if down > 0 {
		wide := b.mul(tens[down])
		if !wide.fits() || wide.low().hi>>63 != 0 {
			return d, true // o is larger than d can be
		}
		b = wide.low()
	}
	_, r := a.mul(tens[up]).divRem(b)
	return signed(r, an), true
}

// checked turns a magnitude into a decimal if it has no more than 38 digits.
func checked(p u256, neg bool) (Dec, bool) {
	m := p.low()
	return signed(m, neg), p.fits() && m.less(tens[MaxPrecision])
}

// roundDiv is p / d to the nearest number, halves up.
func roundDiv(p u256, d u128) u256 {
	q, r := p.divRem(d)
	// 2r >= d without overflow: r >= d - r.
	if !r.less(d.sub(r)) {
		for i := range q {
			if q[i]++; q[i] != 0 {
				break
			}
		}
	}
	return q
}

// Rounding is how digits leave.
type Rounding uint8

// The roundings; the language's own is HalfAway.
const (
	HalfAway Rounding = iota
	Truncate
	Floor
	Ceil
)

// Rescale moves d from a scale to another one: digits are appended as zeros, or rounded away.
func (d Dec) Rescale(from, to int, mode Rounding) (Dec, bool) {
	m, neg := d.abs()
	if to >= from {
		if to == from {
			return d, true
		}
		return checked(m.mul(tens[to-from]), neg)
	}
	q, r := m.divRem(tens[from-to])
	up := false
	switch mode {
	case HalfAway:
		up = !r.less(tens[from-to].sub(r))
	case Floor:
		up = neg && r != u128{}
	case Ceil:
		up = !neg && r != u128{}
	}
	if up {
		q = q.add(u128{0, 1})
	}
	return signed(q, neg), true
}

// Round keeps the scale and rounds to fewer digits after the point; digits may be negative: hundreds for -2.
func (d Dec) Round(scale, digits int, mode Rounding) (Dec, bool) {
	if digits >= scale {
		return d, true
	}
	if scale-digits > MaxPrecision {
		digits = scale - MaxPrecision
	}
	// Rescale may not leave the range of scales, so the zeros come back by hand.
	r, _ := d.Rescale(scale-digits, 0, mode)
	return r.Rescale(0, scale-digits, mode)
}

// Float is the float nearest to d of that scale.
func (d Dec) Float(scale int) float64 {
	if n, ok := d.Int(); ok && n > -1<<53 && n < 1<<53 && scale <= 22 {
		return float64(n) / floatTens[scale] // two exact floats, one rounding
	}
	var room [64]byte
	text := AppendDecimal(room[:0], d, scale)
	f, _ := strconv.ParseFloat(unsafe.String(unsafe.SliceData(text), len(text)), 64) // 39 digits are always in range
	return f
}

// DecOfFloat is the decimal(p, s) nearest to what f is written as: decimal of 0.1 is 0.1, not the binary fraction behind it.
func DecOfFloat(f float64, p, s int) (Dec, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Dec{}, ErrFinite
	}
	var room [32]byte
	x, _ := scanNumber(strconv.AppendFloat(room[:0], f, 'e', -1, 64)) // at most 17 digits: exact
	d, ok := signed(u128{0, x.mantissa}, x.neg), true
	switch shift := x.exp + s; {
	case x.mantissa == 0 || shift < -20:
		return Dec{}, nil
	case shift > MaxPrecision:
		return Dec{}, ErrRange
	case shift >= 0:
		d, ok = d.Rescale(0, shift, HalfAway)
	default:
		d, ok = d.Rescale(-shift, 0, HalfAway)
	}
	if !ok || !d.Fits(p) {
		return Dec{}, ErrRange
	}
	return d, nil
}

// AppendDecimal appends d of that scale with all digits of the scale: 1.50 for 150 and 2.
func AppendDecimal(dst []byte, d Dec, scale int) []byte {
	m, neg := d.abs()
	if neg {
		dst = append(dst, '-')
	}
	var digits [40]byte
	i := len(digits)
	for m.hi != 0 {
		var r u128
		m, r = m.divRem(tens[NarrowPrecision])
		for range NarrowPrecision {
			i--
			digits[i] = '0' + byte(r.lo%10)
			r.lo /= 10
		}
	}
	for n := m.lo; n > 0; n /= 10 {
		i--
		digits[i] = '0' + byte(n%10)
	}
	for len(digits)-i <= scale {
		i--
		digits[i] = '0'
	}
	dst = append(dst, digits[i:len(digits)-scale]...)
	if scale > 0 {
		dst = append(dst, '.')
		dst = append(dst, digits[len(digits)-scale:]...)
	}
	return dst
}

// Dec is the decimal of row i, in whichever lane it lies. Integers are decimals of scale 0.
func (v *Vec) Dec(i int) Dec {
	if v.Lane == LaneWide {
		return Dec{v.Hi[i], uint64(v.I64[i])}
	}
	return DecOf(v.I64[i])
}

// SetDec makes d the decimal of row i; it fits the precision of the vector's type.
func (v *Vec) SetDec(i int, d Dec) {
	v.I64[i] = int64(d.Lo)
	if v.Lane == LaneWide {
		v.Hi[i] = d.Hi
	}
}

// MulNarrow is Mul for two decimals of an int64 lane each whose result is one as well: a*b with its last drop digits (at most 18) rounded away,
// below 10^p. It runs in a few nanoseconds.
func MulNarrow(a, b int64, drop, p int) (int64, bool) {
	sign := (a ^ b) >> 63
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	if drop > 0 {
		unit := tens[drop].lo
		if hi >= unit {
			return 0, false
		}
		q, r := bits.Div64(hi, lo, unit)
		if r >= unit-r {
			q++
		}
		hi, lo = 0, q
	}
	return (int64(lo) ^ sign) - sign, hi == 0 && lo < tens[p].lo
}

func magnitude(n int64) uint64 { return uint64((n ^ n>>63) - n>>63) }

// Power is ten to the n, for n up to 18.
func Power(n int) int64 { return int64(tens[n].lo) }
