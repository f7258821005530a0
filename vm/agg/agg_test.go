package agg

import (
	"math"
	"math/big"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"pipec/vm/value"
)

func TestTypes(t *testing.T) {
	str, dec := value.Of(value.String), value.DecimalOf(12, 2)
	for _, c := range []struct {
		name     string
		arg      value.Type
		filtered bool
		want     string
	}{
		{"sum", value.Of(value.Int).Null(), true, "int"},
		{"sum", dec, false, "decimal(38, 2)"},
		{"avg", value.Of(value.Int), false, "float"},
		{"avg", value.Of(value.Int), true, "float?"},
		{"avg", dec, false, "decimal(38, 6)"},
		{"avg", value.DecimalOf(20, 9).Null(), false, "decimal(38, 9)?"},
		{"avg", value.Of(value.Duration), false, "duration"},
		{"min", str, false, "string"},
		{"min", str.Null(), false, "string?"},
		{"max", value.Of(value.Timestamp), true, "timestamp?"},
		{"first", value.ListOf(str), false, "list<string>"},
		{"last", str, true, "string?"},
		{"count", str.Null(), true, "int"},
		{"count_distinct", str.Null(), true, "int"},
		{"sum", value.Type{}, false, "unknown"},
		{"sum", str, false, "`sum` takes a number or a duration, but this is a string"},
		{"avg", value.Of(value.Timestamp), false, "`avg` takes a number or a duration, but this is a timestamp"},
		{"max", value.ListOf(value.Of(value.Int)), false, "`max` takes a value that has an order, but this is a list<int>"},
		{"first", value.Of(value.Null), false, "`first` takes a value that has a type, but this is null"},
	} {
		spec, _ := Lookup(c.name)
		got, err := spec.Check([]value.Type{c.arg}, c.filtered)
		text := got.String()
		if err != nil {
			text = err.Error()
		}
		if text != c.want {
			t.Errorf("%s(%s): %s, want %s", c.name, c.arg, text, c.want)
		}
	}
	if _, ok := Lookup("median"); ok {
		t.Error("found an aggregate that does not exist")
	}
}

// A sum may leave its range on the way as long as it comes back; only what is emitted counts.
func TestSumRange(t *testing.T) {
	rows := func(name string, typ value.Type, values ...value.Dec) string {
		x := value.NewVec(typ)
		x.Resize(len(values))
		for i, d := range values {
			x.SetDec(i, d)
		}
		c := newCall(t, name, []value.Type{typ}, false, 1)
		c.add(x, nil, value.Identity(len(values)), one)
		return c.results()[0]
	}
	max, min := value.DecOf(math.MaxInt64), value.DecOf(math.MinInt64)
	ints := value.Of(value.Int)
	if got := rows("sum", ints, max, value.DecOf(1)); got != codeRange {
		t.Errorf("2^63 as an int: %s", got)
	}
	if got := rows("sum", ints, max, max, min, min, value.DecOf(5)); got != "3" {
		t.Errorf("there and back: %s", got)
	}
	if got := rows("avg", ints, max, max); got != strconv.FormatFloat(math.MaxInt64, 'g', -1, 64) {
		t.Errorf("mean of two large numbers: %s", got)
	}
	most, ok := value.DecOf(1).Rescale(0, 37, value.HalfAway)
	if most, ok = most.Mul(value.DecOf(9), 0); !ok {
		t.Fatal("9e37 has 38 digits")
	}
	wide := value.DecimalOf(38, 0)
	if got := rows("sum", wide, most, most); got != codeRange {
		t.Errorf("39 digits: %s", got)
	}
	if got := rows("sum", wide, most, most, most.Neg(), most, most.Neg(), most.Neg(), value.DecOf(7)); got != "7" {
		t.Errorf("there and back: %s", got)
	}
	if got := rows("avg", value.DecimalOf(38, 6), most, most, most); got != string(value.AppendDecimal(nil, most, 6)) {
		t.Errorf("mean of 38 digits: %s", got)
	}
	if got := rows("avg", wide, most, most); got != codeRange {
		t.Errorf("38 digits before the point and 6 behind: %s", got)
	}
}

func TestSumIsFinite(t *testing.T) {
	x := value.NewVec(value.Of(value.Float))
	x.Resize(2)
	x.F64[0], x.F64[1] = math.MaxFloat64, math.MaxFloat64
	for _, name := range []string{"sum", "avg"} {
		c := newCall(t, name, []value.Type{value.Of(value.Float)}, false, 1)
		c.add(x, nil, value.Identity(2), one)
		if got := c.results()[0]; got != codeFinite {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// The float nearest to an exact quotient, whatever the sizes.
func TestQuotient(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := magnitude{rapid.Uint64().Draw(t, "lo"), rapid.OneOf(rapid.Just(uint64(0)), rapid.Uint64()).Draw(t, "hi")}
		n := rapid.Uint64Range(1, math.MaxInt64).Draw(t, "n")
		whole := new(big.Int).Lsh(new(big.Int).SetUint64(m[1]), 64)
		whole.Add(whole, new(big.Int).SetUint64(m[0]))
		want, _ := new(big.Rat).SetFrac(whole, new(big.Int).SetUint64(n)).Float64()
		if got := m.quotient(n); got != want {
			t.Fatalf("%v / %d: %g, want %g", m, n, got, want)
		}
	})
}

// A set of a hundred thousand values passes through all its levels and stays exact.
func TestDistinctLarge(t *testing.T) {
	const n = 40_000
	typ := value.Of(value.Int)
	c := newCall(t, "count_distinct", []value.Type{typ}, false, 1)
	x := value.NewVec(typ)
	x.Resize(n)
	for round := range 3 {
		for i := range n {
			x.I64[i] = int64((i*7919 + round*n/2) % (2 * n)) // the rounds overlap by half
		}
		c.add(x, nil, value.Identity(n), one)
	}
	seen := map[int64]bool{}
	for round := range 3 {
		for i := range n {
			seen[int64((i*7919+round*n/2)%(2*n))] = true
		}
	}
	if got := c.results()[0]; got != strconv.Itoa(len(seen)) {
		t.Errorf("%s, want %d", got, len(seen))
	}
	set := distinct{c.slots[0], word, c.heap}
	if runLen(set.run(2)) == 0 {
		t.Error("the set never reached its third level, so the test shows less than it should")
	}
	other := newCall(t, "count_distinct", []value.Type{typ}, false, 1)
	other.add(x, nil, value.Identity(n), one)
	other.merge(c)
	if got := other.results()[0]; got != strconv.Itoa(len(seen)) {
		t.Errorf("merged: %s, want %d", got, len(seen))
	}
}

func BenchmarkUpdate(b *testing.B) {
	typ := value.Of(value.Int)
	x := value.NewVec(typ)
	x.Resize(1024)
	for i := range x.I64 {
		x.I64[i] = int64(i * 7919 % 1024)
	}
	for _, name := range []string{"count", "sum", "avg", "min", "last", "count_distinct"} {
		b.Run(name, func(b *testing.B) {
			c := newCall(b, name, []value.Type{typ}, false, 64)
			u := &Update{Args: []*value.Vec{x}, Types: c.args, Time: x.I64, Word: word, Heap: c.heap, Rows: value.Identity(1024)}
			for i := range 1024 {
				u.Slots = append(u.Slots, c.slots[i%64])
			}
			b.ReportAllocs()
			for b.Loop() {
				c.spec.Update(u)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/row")
		})
	}
}
