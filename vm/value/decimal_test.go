package value

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

func toBig(d Dec) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(d.Hi), 64)
	return n.Add(n, new(big.Int).SetUint64(d.Lo))
}

func fromBig(n *big.Int) Dec {
	m := new(big.Int).Abs(n)
	lo := new(big.Int).And(m, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
	d := Dec{int64(new(big.Int).Rsh(m, 64).Uint64()), lo}
	if n.Sign() < 0 {
		return d.Neg()
	}
	return d
}

// anyDec draws decimals of up to 38 digits, with all lengths equally likely, so that edges between words and steps occur.
var anyDec = rapid.Custom(func(t *rapid.T) Dec {
	n := new(big.Int).SetUint64(rapid.Uint64().Draw(t, "a"))
	n.Mul(n, new(big.Int).SetUint64(rapid.Uint64().Draw(t, "b")))
	n.Add(n, new(big.Int).SetUint64(rapid.Uint64().Draw(t, "c")))
	n.Mod(n, pow10(rapid.IntRange(0, 38).Draw(t, "digits")))
	if rapid.Bool().Draw(t, "edge") {
		n = pow10(rapid.IntRange(0, 37).Draw(t, "power"))
		n.Add(n, big.NewInt(int64(rapid.IntRange(-1, 1).Draw(t, "off"))))
	}
	if rapid.Bool().Draw(t, "neg") {
		n.Neg(n)
	}
	return fromBig(n)
})

// halfAway rounds a rational to the nearest integer, halves away from zero.
func halfAway(r *big.Rat) *big.Int {
	num, den := new(big.Int).Abs(r.Num()), r.Denom()
	num.Mul(num, big.NewInt(2)).Add(num, den)
	q := num.Quo(num, new(big.Int).Mul(den, big.NewInt(2)))
	if r.Sign() < 0 {
		q.Neg(q)
	}
	return q
}

// agree fails unless (got, ok) is want where that has at most 38 digits, and not ok where it has more.
func agree(t *rapid.T, what string, got Dec, ok bool, want *big.Int) {
	t.Helper()
	fits := new(big.Int).Abs(want).Cmp(pow10(38)) < 0
	if ok != fits || ok && toBig(got).Cmp(want) != 0 {
		t.Fatalf("%s: %v, %v, want %v", what, toBig(got), ok, want)
	}
}

func TestDecimalSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyDec.Draw(t, "a"), anyDec.Draw(t, "b")
		sum, ok := a.Add(b)
		agree(t, "a + b", sum, ok && sum.Fits(38), new(big.Int).Add(toBig(a), toBig(b)))
		diff, ok := a.Sub(b)
		agree(t, "a - b", diff, ok && diff.Fits(38), new(big.Int).Sub(toBig(a), toBig(b)))
		if got, want := a.Cmp(b), toBig(a).Cmp(toBig(b)); got != want {
			t.Fatalf("cmp %d, want %d", got, want)
		}
		if got, want := a.Sign(), toBig(a).Sign(); got != want {
			t.Fatalf("sign %d, want %d", got, want)
		}
	})
}

func TestDecimalProducts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyDec.Draw(t, "a"), anyDec.Draw(t, "b")
		drop := rapid.IntRange(0, 38).Draw(t, "drop")
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(toBig(a), toBig(b)), pow10(drop))
		got, ok := a.Mul(b, drop)
		agree(t, "a * b", got, ok, halfAway(exact))
	})
}

func TestDecimalQuotients(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyDec.Draw(t, "a"), anyDec.Draw(t, "b")
		shift := rapid.IntRange(0, 76).Draw(t, "shift")
		got, ok := a.Div(b, shift)
		if b.Sign() == 0 {
			if ok {
				t.Fatal("divided by zero")
			}
			return
		}
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(toBig(a), pow10(shift)), toBig(b))
		agree(t, "a / b", got, ok, halfAway(exact))
		quo, ok := a.Quo(b)
		agree(t, "quo", quo, ok, new(big.Int).Quo(toBig(a), toBig(b)))
		zeros := rapid.IntRange(0, 38).Draw(t, "zeros")
		rem, ok := a.Rem(b, zeros, 0)
		agree(t, "rem", rem, ok, new(big.Int).Rem(new(big.Int).Mul(toBig(a), pow10(zeros)), toBig(b)))
		rem, ok = a.Rem(b, 0, zeros)
		agree(t, "rem", rem, ok, new(big.Int).Rem(toBig(a), new(big.Int).Mul(toBig(b), pow10(zeros))))
	})
}

func TestDecimalRescale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDec.Draw(t, "d")
		from, to := rapid.IntRange(0, 38).Draw(t, "from"), rapid.IntRange(0, 38).Draw(t, "to")
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(toBig(d), pow10(to)), pow10(from))
		down := new(big.Int).Div(exact.Num(), exact.Denom()) // Euclidean: towards minus infinity for a positive divisor
		up := new(big.Int).Neg(new(big.Int).Div(new(big.Int).Neg(exact.Num()), exact.Denom()))
		for mode, want := range map[Rounding]*big.Int{HalfAway: halfAway(exact), Truncate: new(big.Int).Quo(exact.Num(), exact.Denom()), Floor: down, Ceil: up} {
			got, ok := d.Rescale(from, to, mode)
			agree(t, "rescale", got, ok, want)
		}
	})
}

func TestDecimalRound(t *testing.T) {
	for _, c := range []struct {
		d             int64
		scale, digits int
		mode          Rounding
		want          int64
	}{{12345, 2, 1, HalfAway, 12350}, {-12345, 2, 1, HalfAway, -12350}, {12345, 2, 0, Floor, 12300}, {-12345, 2, 0, Floor, -12400}, {12345, 2, -2, HalfAway, 10000},
		{12345, 2, 5, HalfAway, 12345}, {99, 0, -2, HalfAway, 100}, {99, 0, -60, HalfAway, 0}} {
		if got, ok := DecOf(c.d).Round(c.scale, c.digits, c.mode); !ok || got != DecOf(c.want) {
			t.Errorf("round(%d, %d, %d): %v, want %d", c.d, c.scale, c.digits, got, c.want)
		}
	}
}

func TestDecimalText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDec.Draw(t, "d")
		scale := rapid.IntRange(0, 38).Draw(t, "scale")
		text := string(AppendDecimal(nil, d, scale))
		if want := new(big.Rat).SetFrac(toBig(d), pow10(scale)).FloatString(scale); text != want {
			t.Fatalf("%s, want %s", text, want)
		}
		if back, err := ParseDecimal([]byte(text), 38, scale); err != nil || back != d {
			t.Fatalf("%s reads as %v, %v", text, toBig(back), err)
		}
	})
}

func TestDecimalFloat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDec.Draw(t, "d")
		scale := rapid.IntRange(0, 38).Draw(t, "scale")
		want, _ := new(big.Rat).SetFrac(toBig(d), pow10(scale)).Float64()
		if got := d.Float(scale); got != want {
			t.Fatalf("%g, want %g", got, want)
		}
	})
	for _, c := range []struct {
		f    float64
		p, s int
		want int64
		err  error
	}{{0.1, 38, 18, 100000000000000000, nil}, {2.675, 10, 2, 268, nil}, {-2.675, 10, 2, -268, nil}, {1e-30, 10, 2, 0, nil}, {1e9, 10, 2, 0, ErrRange}, {1e300, 38, 0, 0, ErrRange},
		{math.NaN(), 38, 0, 0, ErrFinite}, {9.999, 3, 2, 0, ErrRange}, {0, 1, 1, 0, nil}} {
		if got, err := DecOfFloat(c.f, c.p, c.s); got != DecOf(c.want) || err != c.err {
			t.Errorf("%g as decimal(%d, %d): %v, %v", c.f, c.p, c.s, got, err)
		}
	}
}

func TestDecimalTypes(t *testing.T) {
	d := DecimalOf
	for _, c := range []struct{ what, got, want string }{
		{"+", AddType(d(10, 2), d(8, 4)).String(), "decimal(13, 4)"},
		{"+ int", AddType(Of(Int), d(8, 2)).String(), "decimal(22, 2)"},
		{"+ wide", AddType(d(38, 18), d(38, 0)).String(), "decimal(38, 18)"},
		{"-", SubType(d(10, 2).Null(), d(10, 2)).String(), "decimal(11, 2)?"},
		{"*", MulType(d(10, 2), d(8, 4)).String(), "decimal(18, 6)"},
		{"* capped", MulType(d(38, 18), d(38, 18)).String(), "decimal(38, 18)"},
		{"* above the cap", MulType(d(30, 20), d(10, 5)).String(), "decimal(35, 20)"},
		{"/", DivType(d(10, 2), d(8, 4)).String(), "decimal(18, 6)"},
		{"/ wide", DivType(d(38, 18), d(38, 18)).String(), "decimal(38, 18)"},
		{"%", ModType(d(10, 2), d(8, 4)).String(), "decimal(8, 4)"},
		{"union", UnionType(d(5, 5), d(3, 0)).String(), "decimal(8, 5)"},
		{"literal", LiteralDecimal(-100).String(), "decimal(3, 0)"},
		{"literal", LiteralDecimal(math.MinInt64).String(), "decimal(19, 0)"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
}

// The type of a product or a sum holds every value of it: that is what "cannot overflow" means.
func TestDecimalTypesHoldTheResult(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p1, p2 := rapid.IntRange(1, 18).Draw(t, "p1"), rapid.IntRange(1, 18).Draw(t, "p2")
		a, b := d128(t, p1), d128(t, p2)
		ta, tb := DecimalOf(p1, rapid.IntRange(0, p1).Draw(t, "s1")), DecimalOf(p2, rapid.IntRange(0, p2).Draw(t, "s2"))
		m := MulType(ta, tb)
		if got, ok := a.Mul(b, int(ta.Scale)+int(tb.Scale)-int(m.Scale)); !ok || !got.Fits(int(m.Precision)) {
			t.Fatalf("%v * %v does not fit %s", toBig(a), toBig(b), m)
		}
		s := AddType(ta, tb)
		x, _ := a.Rescale(int(ta.Scale), int(s.Scale), HalfAway)
		y, _ := b.Rescale(int(tb.Scale), int(s.Scale), HalfAway)
		if got, ok := x.Add(y); !ok || !got.Fits(int(s.Precision)) {
			t.Fatalf("%v + %v does not fit %s", toBig(a), toBig(b), s)
		}
		q := DivType(ta, tb)
		if b.Sign() != 0 && int(q.Precision) < MaxPrecision {
			if got, ok := a.Div(b, int(q.Scale)-int(ta.Scale)+int(tb.Scale)); !ok || !got.Fits(int(q.Precision)) {
				t.Fatalf("%v / %v does not fit %s", toBig(a), toBig(b), q)
			}
		}
	})
}

// d128 draws a decimal of at most p digits, the largest ones often.
func d128(t *rapid.T, p int) Dec {
	top := int64(tens[p].lo) - 1
	return DecOf(rapid.OneOf(rapid.Int64Range(-top, top), rapid.SampledFrom([]int64{top, -top, top - 1})).Draw(t, "units"))
}

func TestMulNarrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := d128(t, 18), d128(t, rapid.IntRange(1, 18).Draw(t, "digits"))
		drop, p := rapid.IntRange(0, 18).Draw(t, "drop"), rapid.IntRange(1, 18).Draw(t, "p")
		x, _ := a.Int()
		y, _ := b.Int()
		got, ok := MulNarrow(x, y, drop, p)
		want, fits := a.Mul(b, drop)
		fits = fits && want.Fits(p)
		if ok != fits || ok && DecOf(got) != want {
			t.Fatalf("%d * %d, drop %d: %d, %v, want %v, %v", x, y, drop, got, ok, toBig(want), fits)
		}
	})
}
