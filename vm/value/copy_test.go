package value

import (
	"testing"

	"pgregory.net/rapid"
)

// anyRows draws row numbers below n; they may repeat.
func anyRows(t *rapid.T, n int) []int32 {
	return rapid.SliceOfN(rapid.Int32Range(0, int32(n-1)), 0, 8).Draw(t, "rows")
}

func TestTakeGivesTheRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 5
		cols, types := anyColumns(t, n)
		for c, src := range cols {
			v := NewVec(types[c])
			for range 2 { // a second use must not see the first
				rows := anyRows(t, n)
				v.Take(src, rows)
				for i, r := range rows {
					if !Equal(v, i, src, int(r)) {
						t.Fatalf("%s: row %d taken from %d differs", types[c], i, r)
					}
				}
			}
		}
	})
}

func TestSpreadSetsTheRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 5
		typ := anyType(t, 2)
		a, b, v := NewVec(typ), NewVec(typ), NewVec(typ)
		for _, src := range []*Vec{a, b} {
			src.Resize(n)
			for i := range n {
				set(t, src, typ, i, n)
			}
		}
		for range 2 {
			v.Resize(n)
			perm := rapid.Permutation([]int32{0, 1, 2, 3, 4}).Draw(t, "rows")
			cut := rapid.IntRange(0, n).Draw(t, "cut")
			at := rapid.Permutation([]int32{0, 1, 2, 3, 4}).Draw(t, "at")
			v.Spread(a, perm[:cut], at[:cut], n)
			v.Spread(b, perm[cut:], at[cut:], n)
			for i, r := range perm {
				src := a
				if i >= cut {
					src = b
				}
				if !Equal(v, int(at[i]), src, int(r)) {
					t.Fatalf("%s: row %d of %d is not at %d", typ, r, i, at[i])
				}
			}
		}
	})
}

// TestAppendedRowsNeedNothingOfTheirBatch: the source is overwritten before the copy is read.
func TestAppendedRowsNeedNothingOfTheirBatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 4
		cols, types := anyColumns(t, n)
		src := &Batch{Len: n, Cols: cols}
		if rapid.Bool().Draw(t, "kinds") {
			src.Kinds = []RowKind{Insert, UpdateBefore, UpdateAfter, Delete}
		}
		dst := &Batch{Cols: empty(types, 0)}
		var keys Keys
		keys.Encode(cols, types, Identity(n), 1)
		first, second := anyRows(t, n), anyRows(t, n)
		dst.AppendRows(src, first)
		dst.AppendRows(src, second)
		for _, v := range cols {
			for _, block := range v.Bufs {
				clear(block)
			}
			v.Resize(0)
		}
		var got Keys
		got.Encode(dst.Cols, types, Identity(dst.Len), 1)
		for i, r := range append(first, second...) {
			if string(got.At(i)) != string(keys.At(int(r))) {
				t.Fatalf("%v: appended row %d is %x, want %x", types, i, got.At(i), keys.At(int(r)))
			}
			if src.Kinds != nil && dst.Kind(int32(i)) != src.Kinds[r] {
				t.Fatalf("row %d is %s", i, dst.Kind(int32(i)))
			}
		}
	})
}

// TestViews pins the two forms of texts around the limit of the inline one.
func TestViews(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "text")
		v := NewVec(Of(String))
		v.Resize(3)
		v.SetText(0, text)
		v.SetString(1, string(text))
		block := append([]byte("xx"), text...)
		v.View[2] = MakeView(block[2:], v.AddBuf(block), 2)
		for i := range 3 {
			if string(v.Text(i)) != string(text) || v.View[i].Len() != len(text) {
				t.Fatalf("%q is %q in row %d", text, v.Text(i), i)
			}
		}
		lo, hi := v.View[0].Words()
		if lo2, hi2 := v.View[1].Words(); len(text) <= InlineView && (lo != lo2 || hi != hi2) {
			t.Fatalf("%q has two forms", text)
		}
		from := rapid.IntRange(0, len(text)).Draw(t, "from")
		to := rapid.IntRange(from, len(text)).Draw(t, "to")
		w := NewVec(Of(String))
		w.Resize(1)
		w.ShareBufs(v)
		w.View[0] = v.Part(2, from, to)
		if string(w.Text(0)) != string(text[from:to]) {
			t.Fatalf("part %d to %d of %q is %q", from, to, text, w.Text(0))
		}
	})
}

// TestAppendPrunedRows gathers rows that came different ways: what was pruned on one of them is gone from the batch, whoever comes first.
func TestAppendPrunedRows(t *testing.T) {
	schema := Schema{Fields: []Field{{Name: "a", Type: Of(Int)}, {Name: "b", Type: Of(String)}}}
	whole, pruned := NewBatch(schema), NewBatch(schema)
	for _, b := range []*Batch{whole, pruned} {
		b.Reset(1)
		b.Cols[0].I64[0] = 7
	}
	pruned.Cols[1] = nil
	for _, order := range [][]*Batch{{whole, pruned, whole}, {pruned, whole, pruned}} {
		dst := NewBatch(schema)
		for _, src := range order {
			dst.AppendRows(src, []int32{0})
		}
		if dst.Len != 3 || dst.Cols[1] != nil || dst.Cols[0].I64[2] != 7 {
			t.Errorf("%d rows, the pruned column is %v", dst.Len, dst.Cols[1])
		}
	}
}
