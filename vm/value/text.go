package value

import (
	"errors"
	"math"
	"strconv"
	"unsafe"
)

// What can be wrong with the text of a value. They are sentinels, so that reading a bad row allocates nothing; connectors map ErrMalformed to E803
// and the others to E804.
var (
	ErrMalformed = errors.New("malformed")                // not a value of that type at all
	ErrDigits    = errors.New("too many digits")          // more digits after the point than the type keeps, and not only zeros
	ErrRange     = errors.New("out of range")             // a value of the type's kind, too large for it
	ErrFinite    = errors.New("not finite number")        // NaN or an infinity
	ErrFine      = errors.New("finer than a microsecond") // an instant with more digits than the engine keeps
)

// AppendInt appends a decimal integer.
func AppendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

// AppendBool appends true or false.
func AppendBool(dst []byte, b bool) []byte { return strconv.AppendBool(dst, b) }

// AppendFloat appends the shortest decimal text that reads back as f, without exponent from 1e-6 up to 1e21 (the form of ECMAScript and of
// JSON libraries), and never -0. The text of a float is a JSON number.
func AppendFloat(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, '0')
	}
	if f >= -1e15 && f <= 1e15 {
		if n := int64(f); float64(n) == f {
			return strconv.AppendInt(dst, n, 10)
		}
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// e-09 becomes e-9, as everybody else writes it.
	if n := len(dst); n >= 4 && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// exactDigits is how many decimal digits a float64 keeps apart: no two numbers with so few are the same float.
const exactDigits = 15

// UsualFloat says of a JSON number that means f whether AppendFloat would write the same. It may say no where it would.
func UsualFloat(text []byte, f float64) bool {
	if math.Abs(f) < 1e-6 {
		return string(text) == "0"
	}
	point := false
	for _, c := range text {
		if point = point || c == '.'; c != '.' && c != '-' && c-'0' > 9 {
			return false
		}
	}
	return len(text) <= exactDigits && (!point || text[len(text)-1] != '0')
}

// ParseInt reads -?[0-9]+ as an int64.
func ParseInt(b []byte) (int64, error) {
	digits, neg := b, false
	if len(b) > 0 && b[0] == '-' {
		digits, neg = b[1:], true
	}
	if len(digits) == 0 {
		return 0, ErrMalformed
	}
	var n uint64
	over := false
	for _, c := range digits {
		if c -= '0'; c > 9 {
			return 0, ErrMalformed
		}
		over = over || n > (1<<63)/10
		n = n*10 + uint64(c)
		over = over || n > 1<<63
	}
	if over || n == 1<<63 && !neg {
		return 0, ErrRange
	}
	if neg {
		return -int64(n), nil
	}
	return int64(n), nil
}

// ParseBool reads true or false.
func ParseBool(b []byte) (bool, error) {
	switch string(b) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, ErrMalformed
}

// number is the text of a number, taken apart: mantissa times ten to the exp.
type number struct {
	neg      bool
	exact    bool   // mantissa holds all digits
	mantissa uint64 // the leading 19 significant digits at most
	exp      int
}

// scanNumber reads [+-]? digits [. digits] [e [+-] digits] with at least one digit before the exponent.
func scanNumber(b []byte) (x number, ok bool) {
	i := 0
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		x.neg = b[i] == '-'
		i++
	}
	x.exact = true
	digits, significant, point := 0, 0, -1
	for ; i < len(b); i++ {
		c := b[i] - '0'
		if c > 9 {
			if b[i] != '.' || point >= 0 {
				break
			}
			point = digits
			continue
		}
		digits++
		if significant == 0 && c == 0 {
			continue
		}
		if significant++; significant <= 19 {
			x.mantissa = x.mantissa*10 + uint64(c)
		} else {
			x.exact = x.exact && c == 0
			x.exp++
		}
	}
	if digits == 0 {
		return x, false
	}
	if point >= 0 {
		x.exp -= digits - point
	}
	return scanExponent(x, b[i:])
}

func scanExponent(x number, b []byte) (number, bool) {
	if len(b) == 0 {
		return x, true
	}
	if b[0] != 'e' && b[0] != 'E' {
		return x, false
	}
	b = b[1:]
	neg := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg, b = b[0] == '-', b[1:]
	}
	if len(b) == 0 {
		return x, false
	}
	e := 0
	for _, c := range b {
		if c -= '0'; c > 9 {
			return x, false
		}
		e = min(e*10+int(c), 1<<20)
	}
	if neg {
		e = -e
	}
	x.exp += e
	return x, true
}

var floatTens = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// ParseFloat reads a decimal number, correctly rounded. Only finite numbers pass: NaN and infinities are ErrFinite, a number beyond the
// largest float is ErrRange. Minus zero becomes zero.
func ParseFloat(b []byte) (float64, error) {
	x, ok := scanNumber(b)
	if !ok {
		return 0, notFinite(b)
	}
	if x.mantissa == 0 {
		return 0, nil
	}
	// Both factors are exact floats, so one rounding remains (Clinger's fast path).
	if x.exact && x.mantissa < 1<<53 && x.exp >= -22 && x.exp <= 22 {
		f := float64(x.mantissa)
		if x.exp < 0 {
			f /= floatTens[-x.exp]
		} else {
			f *= floatTens[x.exp]
		}
		if x.neg {
			f = -f
		}
		return f, nil
	}
	f, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(b), len(b)), 64)
	if err != nil {
		return 0, ErrRange
	}
	if f == 0 {
		return 0, nil // too small, and perhaps negative
	}
	return f, nil
}

func notFinite(b []byte) error {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		b = b[1:]
	}
	if len(b) > 8 {
		return ErrMalformed
	}
	var low [8]byte
	for i, c := range b {
		low[i] = c | 0x20
	}
	switch string(low[:len(b)]) {
	case "nan", "inf", "infinity":
		return ErrFinite
	}
	return ErrMalformed
}

// ParseDecimal reads a number as a decimal(p, s), scaled by s. Digits after the s-th may only be zeros (ErrDigits), more than p-s digits before
// the point are ErrRange. An exponent is accepted.
func ParseDecimal(b []byte, p, s int) (Dec, error) {
	x, ok := scanNumber(b)
	if !ok {
		return Dec{}, notFinite(b)
	}
	if x.mantissa == 0 {
		return Dec{}, nil
	}
	if x.exact && p <= NarrowPrecision {
		if shift := x.exp + s; shift >= 0 && shift <= NarrowPrecision {
			if n := x.mantissa * uint64(tens[shift].lo); n/tens[shift].lo == x.mantissa && n < tens[p].lo {
				return signed(u128{0, n}, x.neg), nil
			}
		}
	}
	return parseWide(b, p, s)
}

// RoundDecimal is ParseDecimal for texts with more digits after the point than the type keeps: they are rounded, half away from zero.
func RoundDecimal(b []byte, p, s int) (Dec, error) {
	if _, ok := scanNumber(b); !ok {
		return Dec{}, notFinite(b)
	}
	digits, neg, exp := significant(b)
	up := false
	for exp < -s && len(digits) > 0 {
		last := digits[len(digits)-1]
		if digits = digits[:len(digits)-1]; last != '.' {
			up = last >= '5'
			exp++
		}
	}
	if exp < -s {
		return Dec{}, nil // far below one unit
	}
	d, err := assemble(digits, exp, p, s)
	if up && err == nil {
		m, _ := d.abs()
		if m = m.add(u128{0, 1}); !m.less(tens[p]) {
			return Dec{}, ErrRange
		}
		d = signed(m, false)
	}
	if neg {
		d = d.Neg()
	}
	return d, err
}

// parseWide is ParseDecimal for numbers that scanNumber has found well formed: up to 38 digits, or digits to spare.
func parseWide(b []byte, p, s int) (Dec, error) {
	digits, neg, exp := significant(b)
	d, err := assemble(digits, exp, p, s)
	if neg {
		d = d.Neg()
	}
	return d, err
}

// assemble makes the decimal of digits (the point among them does not count) times ten to the exp.
func assemble(digits []byte, exp, p, s int) (Dec, error) {
	n := 0
	for _, c := range digits {
		if c != '.' {
			n++
		}
	}
	switch {
	case n == 0:
		return Dec{}, nil
	case n+exp > p-s:
		return Dec{}, ErrRange
	case exp < -s:
		return Dec{}, ErrDigits
	}
	var m u128
	for _, c := range digits {
		if c != '.' {
			m = m.mulSmall(10).add(u128{0, uint64(c - '0')})
		}
	}
	if exp+s > 0 {
		m = m.mul(tens[exp+s]).low()
	}
	return signed(m, false), nil
}

// significant cuts a well-formed number down to its digits, which may still hold the point, without leading zeros, and gives the power of ten of
// the last of them.
func significant(b []byte) (digits []byte, neg bool, exp int) {
	if b[0] == '-' || b[0] == '+' {
		neg, b = b[0] == '-', b[1:]
	}
	end := len(b)
	for i, c := range b {
		if c|0x20 == 'e' {
			end = i
			x, _ := scanExponent(number{}, b[i:])
			exp = x.exp
			break
		}
	}
	b = b[:end]
	for i, c := range b {
		if c == '.' {
			exp -= len(b) - i - 1
			if i == len(b)-1 {
				b = b[:i]
			}
			break
		}
	}
	for len(b) > 0 && (b[0] == '0' || b[0] == '.') {
		b = b[1:]
	}
	return dropZeros(b, exp, neg)
}

// dropZeros removes trailing zeros on both sides of the point, and the point itself once nothing is behind it.
func dropZeros(b []byte, exp int, neg bool) ([]byte, bool, int) {
	for n := len(b); n > 0 && (b[n-1] == '0' || b[n-1] == '.'); n-- {
		if b[n-1] == '0' {
			exp++
		}
		b = b[:n-1]
	}
	return b, neg, exp
}
