package agg

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"pipec/vm/value"
)

// data is a column with groups and times, together with its values for the naive computation.
type data struct {
	typ    value.Type
	x      *value.Vec
	times  []int64
	groups []int
	n      int
}

const groups = 3

// kinds are the types that laws are tried with.
var kinds = []value.Type{
	value.Of(value.Int), value.Of(value.Float), value.DecimalOf(9, 2), value.DecimalOf(38, 4), value.Of(value.String), value.Of(value.Bool),
	value.Of(value.Timestamp), value.Of(value.Duration), value.ListOf(value.Of(value.Int)), {Kind: value.Record, Fields: []value.Field{{Name: "a", Type: value.Of(value.Int)}, {Name: "b", Type: value.Of(value.String).Null()}}},
}

func drawData(t *rapid.T, typ value.Type) *data {
	n := rapid.IntRange(0, 40).Draw(t, "n")
	d := &data{typ: typ, x: value.NewVec(typ), n: n}
	d.x.Resize(n)
	for i := range n {
		d.times = append(d.times, rapid.Int64Range(0, 5).Draw(t, "time"))
		d.groups = append(d.groups, rapid.IntRange(0, groups-1).Draw(t, "group"))
		fill(t, d.x, typ, i, n)
		if typ.Nullable && rapid.IntRange(0, 3).Draw(t, "null") == 0 {
			d.x.SetNull(i, n)
		}
	}
	return d
}

func fill(t *rapid.T, x *value.Vec, typ value.Type, i, n int) {
	switch typ.Lane() {
	case value.LaneI64:
		limit := int64(math.MaxInt64)
		if typ.Kind == value.Decimal {
			limit = 999_999_999
		}
		x.I64[i] = rapid.OneOf(rapid.Int64Range(-3, 3), rapid.Int64Range(-limit, limit)).Draw(t, "x")
	case value.LaneWide:
		x.SetDec(i, value.Dec{Hi: rapid.Int64Range(-5e18, 5e18).Draw(t, "hi"), Lo: rapid.Uint64().Draw(t, "lo")})
	case value.LaneF64:
		x.F64[i] = float64(rapid.Int64Range(-1e6, 1e6).Draw(t, "x")) // whole numbers: their float sums are exact, so order does not matter
	case value.LaneBool:
		x.Bool[i] = rapid.Bool().Draw(t, "x")
	case value.LaneView:
		x.SetString(i, rapid.SampledFrom([]string{"", "a", "b", "pear", "a text of more than twelve bytes", "a text of more than twelve bytez", "\x00"}).Draw(t, "x"))
	case value.LaneList:
		from := len(x.Kids[0].I64)
		to := from + rapid.IntRange(0, 2).Draw(t, "length")
		x.Kids[0].Extend(to)
		for e := from; e < to; e++ {
			x.Kids[0].I64[e] = rapid.Int64Range(0, 1).Draw(t, "element")
		}
		x.Range[i] = value.Range{From: int32(from), To: int32(to)}
	case value.LaneRecord:
		x.Kids[0].I64[i] = rapid.Int64Range(0, 1).Draw(t, "a")
		x.Kids[1].SetString(i, "b")
		if rapid.Bool().Draw(t, "b") {
			x.Kids[1].SetNull(i, n)
		}
	}
}

func (d *data) group(row int32) int { return d.groups[row] }

// eachCall runs f for every aggregate over every type that it takes, plain and nullable.
func eachCall(t *testing.T, f func(t *testing.T, name string, typ value.Type)) {
	for _, spec := range All() {
		for _, typ := range kinds {
			for _, typ := range []value.Type{typ, typ.Null()} {
				if _, err := spec.Check([]value.Type{typ}, false); err != nil {
					continue
				}
				t.Run(spec.Name+"/"+typ.String(), func(t *testing.T) { f(t, spec.Name, typ) })
			}
		}
	}
}

func rowsBetween(from, to int) []int32 { return value.Identity(to)[from:] }

// What was merged can be taken out again, in any order, as if it had never been in.
func TestUnmerge(t *testing.T) {
	exact := map[string]bool{}
	eachCall(t, func(t *testing.T, name string, typ value.Type) {
		args := []value.Type{typ}
		spec, _ := Lookup(name)
		if spec.Unmerge == nil || spec.Unmerge(args) == nil {
			return
		}
		exact[name+" "+typ.Kind.String()] = true
		rapid.Check(t, func(r *rapid.T) {
			d := drawData(r, typ)
			at := rapid.IntRange(0, d.n).Draw(r, "cut")
			part := func(from, to int) *call {
				c := newCall(t, name, args, true, groups)
				c.add(d.x, d.times, rowsBetween(from, to), d.group)
				return c
			}
			sum, gone, left := newCall(t, name, args, true, groups), part(0, at), part(at, d.n)
			sum.merge(gone)
			sum.merge(left)
			spec.Unmerge(args)(&Merge{Dst: sum.slots, Src: gone.slots, Types: args, Word: word, DstHeap: sum.heap, SrcHeap: gone.heap})
			if got, want := sum.results(), left.results(); !slices.Equal(got, want) {
				r.Fatalf("%v, want %v", got, want)
			}
		})
	})
	for _, of := range []string{"count int", "count string", "sum int", "sum decimal", "avg duration"} {
		if !exact[of] {
			t.Errorf("%s cannot be taken back", of)
		}
	}
	if exact["sum float"] || exact["avg float"] {
		t.Error("sums of floats are not exact")
	}
}

// Splitting the rows into batches, and into panes that are merged in any bracketing, changes nothing.
func TestMergeIsAssociative(t *testing.T) {
	eachCall(t, func(t *testing.T, name string, typ value.Type) {
		rapid.Check(t, func(r *rapid.T) {
			d := drawData(r, typ)
			cut := []int{0, rapid.IntRange(0, d.n).Draw(r, "cut"), rapid.IntRange(0, d.n).Draw(r, "cut"), d.n}
			slices.Sort(cut)
			args := []value.Type{typ}
			part := func(i int) *call {
				c := newCall(t, name, args, true, groups)
				c.add(d.x, d.times, rowsBetween(cut[i], cut[i+1]), d.group)
				return c
			}
			whole := newCall(t, name, args, true, groups)
			whole.add(d.x, d.times, rowsBetween(0, d.n), d.group)
			batches := newCall(t, name, args, true, groups)
			for i := range 3 {
				batches.add(d.x, d.times, rowsBetween(cut[i], cut[i+1]), d.group)
			}
			left := part(0) // (a + b) + c
			left.merge(part(1))
			left.merge(part(2))
			inner := part(1) // a + (b + c)
			inner.merge(part(2))
			right := part(0)
			right.merge(inner)
			want := whole.results()
			for _, got := range [][]string{batches.results(), left.results(), right.results()} {
				if !slices.Equal(got, want) {
					r.Fatalf("%v, want %v", got, want)
				}
			}
			if slots := whole.slots; *slots[0].Uint(0) != 0xDEAD || *slots[0].Uint(word + Words(whole.spec.Fields(args))) != 0xBEEF {
				r.Fatal("wrote beside its fields")
			}
		})
	})
}

// The order of rows changes nothing where it is not the point: everywhere but for first and last of rows with equal times.
func TestOrderDoesNotMatter(t *testing.T) {
	eachCall(t, func(t *testing.T, name string, typ value.Type) {
		rapid.Check(t, func(r *rapid.T) {
			d := drawData(r, typ)
			for i := range d.times {
				d.times[i] = d.times[i]*100 + int64(i)
			}
			a, b := newCall(t, name, []value.Type{typ}, true, groups), newCall(t, name, []value.Type{typ}, true, groups)
			rows := slices.Clone(rowsBetween(0, d.n))
			a.add(d.x, d.times, rows, d.group)
			b.add(d.x, d.times, rapid.Permutation(rows).Draw(r, "order"), d.group)
			if got, want := b.results(), a.results(); !slices.Equal(got, want) {
				r.Fatalf("%v, want %v", got, want)
			}
		})
	})
}

// Every result is what a computation over all values of the group gives.
func TestResultsAreRight(t *testing.T) {
	eachCall(t, func(t *testing.T, name string, typ value.Type) {
		rapid.Check(t, func(r *rapid.T) {
			d := drawData(r, typ)
			c := newCall(t, name, []value.Type{typ}, true, groups)
			c.add(d.x, d.times, rowsBetween(0, d.n), d.group)
			for g, got := range c.results() {
				var rows []int
				for i := range d.n {
					if d.groups[i] == g && !d.x.IsNull(i) {
						rows = append(rows, i)
					}
				}
				if want := naive(name, d, rows, c.out); got != want {
					r.Fatalf("group %d: %s, want %s", g, got, want)
				}
			}
		})
	})
}

// naive computes an aggregate of the rows, which are not null, from its definition.
func naive(name string, d *data, rows []int, out value.Type) string {
	switch name {
	case "count":
		return strconv.Itoa(len(rows))
	case "count_distinct":
		seen := map[string]bool{}
		for _, i := range rows {
			seen[show(d.x, d.typ, i)] = true
		}
		return strconv.Itoa(len(seen))
	case "sum":
		return rational(naiveSum(d, rows), out, out.Scale)
	}
	if len(rows) == 0 {
		return "null"
	}
	best := rows[0]
	switch name {
	case "avg":
		mean := naiveSum(d, rows)
		return rational(mean.Quo(mean, new(big.Rat).SetInt64(int64(len(rows)))), out, out.Scale)
	case "min", "max":
		for _, i := range rows {
			less := string(value.AppendKey(nil, d.x, d.typ, i)) < string(value.AppendKey(nil, d.x, d.typ, best))
			more := string(value.AppendKey(nil, d.x, d.typ, i)) > string(value.AppendKey(nil, d.x, d.typ, best))
			if name == "min" && less || name == "max" && more {
				best = i
			}
		}
	case "first", "last":
		for _, i := range rows {
			if name == "first" && d.times[i] < d.times[best] || name == "last" && d.times[i] >= d.times[best] {
				best = i
			}
		}
	}
	return show(d.x, d.typ, best)
}

func naiveSum(d *data, rows []int) *big.Rat {
	sum := new(big.Rat)
	for _, i := range rows {
		x := new(big.Rat)
		if d.typ.Kind == value.Float {
			x.SetFloat64(d.x.F64[i])
		} else {
			x.SetString(string(value.AppendDecimal(nil, d.x.Dec(i), int(d.typ.Scale))))
		}
		sum.Add(sum, x)
	}
	return sum
}

// rational is how a result of that type shows, or the code of its failure.
func rational(x *big.Rat, t value.Type, scale uint8) string {
	switch t.Kind {
	case value.Float:
		f, _ := x.Float64()
		return strconv.FormatFloat(f, 'g', -1, 64)
	case value.Decimal:
		text := x.FloatString(int(scale)) // rounds half away from zero
		digits := new(big.Int).Quo(new(big.Int).Mul(x.Num(), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)), x.Denom())
		if digits.CmpAbs(new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil)) >= 0 {
			return codeRange
		}
		if zero, _ := new(big.Rat).SetString(text); zero.Sign() == 0 && text[0] == '-' {
			return text[1:]
		}
		return text
	}
	n := new(big.Int).Quo(x.Num(), x.Denom())
	if !n.IsInt64() {
		return codeRange
	}
	return n.String()
}
