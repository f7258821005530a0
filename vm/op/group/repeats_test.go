package group

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"pipec/vm/value"
)

// Every row gets the place of a row that has its key, the places ascend from the first row of each, and repeats of one short key are found however many rows lie between.
func TestRepeats(t *testing.T) {
	var p repeats
	rapid.Check(t, func(t *rapid.T) {
		types := rapid.SliceOfN(rapid.SampledFrom([]value.Type{value.Of(value.Int), value.Of(value.String), value.Of(value.Bool), value.Of(value.Float), value.DecimalOf(30, 2)}), 1, 3).Draw(t, "types")
		n := rapid.IntRange(leastRow, 300).Draw(t, "rows")
		space := rapid.SampledFrom([]int64{1, 3, 40}).Draw(t, "space")
		var cols []*value.Vec
		for _, typ := range types {
			v := value.NewVec(typ)
			v.Resize(n)
			for i := range n {
				x := rapid.Int64Range(0, space).Draw(t, "x")
				switch v.Lane {
				case value.LaneView:
					v.SetString(i, fmt.Sprint("a text of some length "[:x%15], x))
				case value.LaneBool:
					v.Bool[i] = x%2 == 0
				case value.LaneF64:
					v.F64[i] = float64(x) / 3
				case value.LaneWide:
					v.SetDec(i, value.Dec{Hi: x % 3, Lo: uint64(x)})
				default:
					v.I64[i] = x << 40
				}
			}
			cols = append(cols, v)
		}
		rows := value.Identity(n)
		if rapid.Bool().Draw(t, "selected") {
			rows = nil
			for i := 0; i < n; i += 2 {
				rows = append(rows, int32(i))
			}
		}
		p.pause = 0
		if !p.find(cols, rows) {
			return
		}
		key := func(r int32) (s string) {
			for c, v := range cols {
				s += string(value.AppendKey(nil, v, types[c], int(r)))
			}
			return s
		}
		next := int32(0)
		for i, r := range rows {
			k := p.of[i]
			if k > next || k == next && (p.first[k] != int32(i) || p.rows[k] != r) {
				t.Fatalf("row %d has place %d of %d", i, k, next)
			}
			if k == next {
				next++
			}
			if key(p.rows[k]) != key(r) {
				t.Fatalf("rows %d and %d do not have one key", p.rows[k], r)
			}
		}
		if int(next) != len(p.first) || len(p.rows) != len(p.first) || 8*len(p.first) > most*len(rows) {
			t.Fatalf("%d firsts of %d rows, but %d places", len(p.first), len(rows), next)
		}
	})
}

// Where rows do not repeat it stops looking, and looks again later.
func TestRepeatsRest(t *testing.T) {
	var p repeats
	v := value.NewVec(value.Of(value.Int))
	v.Resize(100)
	batch := func(repeat bool) bool {
		for i := range v.I64 {
			if v.I64[i] = int64(i); repeat {
				v.I64[i] = int64(i % 10)
			}
		}
		return p.find([]*value.Vec{v}, value.Identity(100))
	}
	if !batch(true) || len(p.first) < 10 || len(p.first) > 20 {
		t.Fatalf("100 rows with 10 keys have %d firsts", len(p.first))
	}
	if batch(false) {
		t.Error("rows that are all different are said to repeat")
	}
	for i := range restFor {
		if batch(true) {
			t.Errorf("batch %d is looked at, although the last one did not pay", i)
		}
	}
	if !batch(true) {
		t.Error("it never looks again")
	}
}
