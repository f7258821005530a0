package value

// The types of decimal arithmetic (language reference, "Small rules", row 4; the precisions are those of SQL Server and Flink: what cannot overflow,
// at most 38). Where 38 digits do not hold the result, the row fails with E804.

// minDivScale is how many digits after the point a quotient has at least, maxMulScale how many a product keeps unless a factor has more.
const (
	minDivScale = 6
	maxMulScale = NarrowPrecision
	intDigits   = 19
)

// AsDecimal is the decimal type that holds every value of an int or decimal type.
func (t Type) AsDecimal() Type {
	if t.Kind == Int {
		return Type{Kind: Decimal, Nullable: t.Nullable, Precision: intDigits}
	}
	return t
}

// LiteralDecimal is the smallest decimal type of scale 0 that holds n, for int literals beside decimals.
func LiteralDecimal(n int64) Type {
	p := 1
	for d := DecOf(n); !d.Fits(p); {
		p++
	}
	return DecimalOf(p, 0)
}

// whole is the number of digits before the point.
func (t Type) whole() int { return int(t.Precision) - int(t.Scale) }

func decimalOf(whole, scale int, a, b Type) Type {
	t := DecimalOf(max(1, min(whole+scale, MaxPrecision)), scale)
	t.Nullable = a.Nullable || b.Nullable
	return t
}

// UnionType is the type both sides are converted to before a comparison, a list or the branches of an `if`: no digit is lost up to 38.
func UnionType(a, b Type) Type {
	a, b = a.AsDecimal(), b.AsDecimal()
	return decimalOf(max(a.whole(), b.whole()), max(int(a.Scale), int(b.Scale)), a, b)
}

// AddType is the type of a + b for decimals; ints count as decimal(19, 0).
func AddType(a, b Type) Type {
	a, b = a.AsDecimal(), b.AsDecimal()
	return decimalOf(max(a.whole(), b.whole())+1, max(int(a.Scale), int(b.Scale)), a, b)
}

// SubType is the type of a - b.
func SubType(a, b Type) Type { return AddType(a, b) }

// MulType is the type of a * b.
func MulType(a, b Type) Type {
	a, b = a.AsDecimal(), b.AsDecimal()
	s1, s2 := int(a.Scale), int(b.Scale)
	return decimalOf(a.whole()+b.whole(), min(s1+s2, max(s1, s2, maxMulScale)), a, b)
}

// DivType is the type of a / b.
func DivType(a, b Type) Type {
	a, b = a.AsDecimal(), b.AsDecimal()
	return decimalOf(a.whole()+int(b.Scale), max(minDivScale, int(a.Scale), int(b.Scale)), a, b)
}

// ModType is the type of a % b.
func ModType(a, b Type) Type {
	a, b = a.AsDecimal(), b.AsDecimal()
	return decimalOf(min(a.whole(), b.whole()), max(int(a.Scale), int(b.Scale)), a, b)
}
