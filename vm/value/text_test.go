package value

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAppendTimeIsRFC3339(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		micros := rapid.Int64Range(-62167219200*Second, 253402300800*Second-1).Draw(t, "micros")
		got := string(AppendTime(nil, micros))
		if want := time.UnixMicro(micros).UTC().Format(time.RFC3339Nano); got != want {
			t.Fatalf("%d: %s, want %s", micros, got, want)
		}
	})
}

func TestTimeReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		micros := rapid.Int64().Draw(t, "micros")
		text := AppendTime(nil, micros)
		if got, ok := ParseTime(text); !ok || got != micros {
			t.Fatalf("%d: %s reads as %d, %v", micros, text, got, ok)
		}
	})
	for _, micros := range []int64{math.MinInt64, math.MaxInt64, 0, -1, 1} {
		if got, ok := ParseTime(AppendTime(nil, micros)); !ok || got != micros {
			t.Errorf("%d: %s reads as %d, %v", micros, AppendTime(nil, micros), got, ok)
		}
	}
}

func TestParseTimeAgainstTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(-62000000000*Second, 253000000000*Second).Draw(t, "micros"))
		zone := time.FixedZone("", 60*rapid.IntRange(-1439, 1439).Draw(t, "minutes"))
		text := at.In(zone).Format(time.RFC3339Nano)
		if got, ok := ParseTime([]byte(text)); !ok || got != at.UnixMicro() {
			t.Fatalf("%s reads as %d, %v, want %d", text, got, ok, at.UnixMicro())
		}
	})
}

func TestParseTimeRefuses(t *testing.T) {
	for _, text := range []string{
		"", "2024", "2024-01-01", "2024-01-01T00:00:00", "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z",
		"2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00.0000001Z",
		"2024-01-01T00:00:00+1:00", "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00Zx", "2024-01-01T00:00:00.5", "x024-01-01T00:00:00Z", "+294248-01-01T00:00:00Z",
		"+294247-12-31T00:00:00Z", "-290308-01-01T00:00:00Z",
	} {
		if got, ok := ParseTime([]byte(text)); ok {
			t.Errorf("%q reads as %d", text, got)
		}
	}
	for text, want := range map[string]int64{"1970-01-01 00:00:01z": Second, "1970-01-01t01:00:00.100000000+01:00": Second / 10, "2024-02-29T00:00:00Z": 1709164800 * Second} {
		if got, ok := ParseTime([]byte(text)); !ok || got != want {
			t.Errorf("%q reads as %d, %v, want %d", text, got, ok, want)
		}
	}
}

func TestAppendFloat(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", 1: "1", -1.5: "-1.5", 1e6: "1000000", 1e15: "1000000000000000", 123456789012345680000: "123456789012345680000", 1e21: "1e+21",
		1e-6: "0.000001", 1e-7: "1e-7", 0.1: "0.1", math.MaxFloat64: "1.7976931348623157e+308", 5e-324: "5e-324", -2.5e-10: "-2.5e-10",
	} {
		if got := string(AppendFloat(nil, f)); got != want {
			t.Errorf("%g: %s, want %s", f, got, want)
		}
	}
	if got := string(AppendFloat(nil, math.Copysign(0, -1))); got != "0" {
		t.Errorf("minus zero: %s", got)
	}
}

func TestFloatReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "f")
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return
		}
		if got, err := ParseFloat(AppendFloat(nil, f)); err != nil || got != f {
			t.Fatalf("%g reads as %g, %v", f, got, err)
		}
	})
}

// numberText draws texts around the grammar of numbers, most of them well formed.
var numberText = rapid.StringMatching(`[+-]?[0-9]{0,25}(\.[0-9]{0,25})?([eE][+-]?[0-9]{1,3})?`)

func TestParseFloatAgainstTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := numberText.Draw(t, "text")
		got, err := ParseFloat([]byte(text))
		want, wantErr := strconv.ParseFloat(text, 64)
		if (err != nil) != (wantErr != nil) || err == nil && got != want {
			t.Fatalf("%q: %g, %v, want %g, %v", text, got, err, want, wantErr)
		}
	})
	for text, want := range map[string]error{"": ErrMalformed, "NaN": ErrFinite, "-Infinity": ErrFinite, "1e999": ErrRange, "0x10": ErrMalformed, "1_0": ErrMalformed, "1 ": ErrMalformed, ".": ErrMalformed} {
		if _, err := ParseFloat([]byte(text)); err != want {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

func TestParseInt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringMatching(`-?[0-9]{0,21}`), rapid.Map(rapid.Int64(), func(n int64) string { return strconv.FormatInt(n, 10) })).Draw(t, "text")
		got, err := ParseInt([]byte(text))
		want, wantErr := strconv.ParseInt(text, 10, 64)
		if (err != nil) != (wantErr != nil) || err == nil && got != want {
			t.Fatalf("%q: %d, %v, want %d, %v", text, got, err, want, wantErr)
		}
	})
	for text, want := range map[string]error{"": ErrMalformed, "-": ErrMalformed, "+1": ErrMalformed, "1.0": ErrMalformed, "9223372036854775808": ErrRange, "-9223372036854775808": nil, "99999999999999999999x": ErrMalformed} {
		if _, err := ParseInt([]byte(text)); err != want {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

func TestParseDecimalAgainstRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := numberText.Draw(t, "text")
		p := rapid.IntRange(1, 38).Draw(t, "p")
		s := rapid.IntRange(0, p).Draw(t, "s")
		got, err := ParseDecimal([]byte(text), p, s)
		exact, ok := new(big.Rat).SetString(strings.TrimSuffix(text, "."))
		if ok != (err != ErrMalformed) {
			t.Fatalf("%q: %v, math/big says %v", text, err, ok)
		}
		if !ok {
			return
		}
		units := exact.Mul(exact, new(big.Rat).SetInt(pow10(s)))
		inRange := new(big.Rat).Abs(units).Cmp(new(big.Rat).SetInt(pow10(p))) < 0
		switch {
		case err == nil && (!units.IsInt() || !inRange || toBig(got).Cmp(units.Num()) != 0):
			t.Fatalf("%q as decimal(%d, %d): %v, want %v", text, p, s, toBig(got), units)
		case err == ErrDigits && units.IsInt(), err == ErrRange && inRange:
			t.Fatalf("%q as decimal(%d, %d): %v for %v", text, p, s, err, units)
		case err != nil && units.IsInt() && inRange:
			t.Fatalf("%q as decimal(%d, %d): %v for %v", text, p, s, err, units)
		}
	})
}

func TestAppendDuration(t *testing.T) {
	for d, want := range map[int64]string{0: "0s", 90 * Minute: "1h30m", 250 * Millisecond: "250ms", -2 * Day: "-2d", Second + 1: "1s1us", math.MinInt64: "-106751991d4h54s775ms808us"} {
		if got := string(AppendDuration(nil, d)); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
}

func TestTextAllocatesNothing(t *testing.T) {
	room := make([]byte, 0, 128)
	at, num, dec := []byte("2024-05-01T12:30:00.25+02:00"), []byte("-12345.678e3"), []byte("12345678901234567890.12345")
	if n := testing.AllocsPerRun(100, func() {
		AppendTime(room, 1714566600250000)
		AppendFloat(room, 1.25e-9)
		AppendDecimal(room, Dec{1 << 40, 5}, 10)
		ParseTime(at)
		ParseFloat(num)
		ParseFloat(dec)
		ParseDecimal(dec, 38, 6)
		ParseDecimal(num, 18, 6)
		Dec{1 << 40, 5}.Float(10)
		DecOfFloat(0.1, 38, 18)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRoundDecimalAgainstRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(numberText, rapid.StringMatching(`-?[0-9]{0,3}\.[0-9]{1,6}`), rapid.StringMatching(`-?9{0,5}\.9{1,6}`)).Draw(t, "text")
		p := rapid.IntRange(1, 38).Draw(t, "p")
		s := rapid.IntRange(0, p).Draw(t, "s")
		got, err := RoundDecimal([]byte(text), p, s)
		exact, ok := new(big.Rat).SetString(strings.TrimSuffix(text, "."))
		if ok != (err != ErrMalformed) {
			t.Fatalf("%q: %v, math/big says %v", text, err, ok)
		}
		if !ok {
			return
		}
		want := halfAway(exact.Mul(exact, new(big.Rat).SetInt(pow10(s))))
		fits := new(big.Int).Abs(want).Cmp(pow10(p)) < 0
		if fits != (err == nil) || fits && toBig(got).Cmp(want) != 0 {
			t.Fatalf("%q as decimal(%d, %d): %v, %v, want %v", text, p, s, toBig(got), err, want)
		}
	})
}
