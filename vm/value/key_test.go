package value

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// anyType draws a type that can be a key, nested at most depth times.
func anyType(t *rapid.T, depth int) Type {
	kinds := []Kind{Bool, Int, Float, Decimal, String, Bytes, Timestamp, Duration}
	if depth > 0 {
		kinds = append(kinds, List, Record, Map)
	}
	typ := Of(rapid.SampledFrom(kinds).Draw(t, "kind"))
	switch typ.Kind {
	case Decimal:
		p := rapid.IntRange(1, MaxPrecision).Draw(t, "precision")
		typ = DecimalOf(p, rapid.IntRange(0, p).Draw(t, "scale"))
	case List:
		typ = ListOf(anyType(t, depth-1))
	case Map:
		key, elem := anyType(t, 0), anyType(t, depth-1)
		typ.Key, typ.Elem = &key, &elem
	case Record:
		for i := range rapid.IntRange(1, 3).Draw(t, "fields") {
			typ.Fields = append(typ.Fields, Field{fmt.Sprint("f", i), anyType(t, depth-1)})
		}
	}
	typ.Nullable = rapid.Bool().Draw(t, "nullable")
	return typ
}

// set draws a value of the type into row i of n.
func set(t *rapid.T, v *Vec, typ Type, i, n int) {
	if typ.Nullable && rapid.IntRange(0, 3).Draw(t, "null") == 0 {
		v.SetNull(i, n)
		return
	}
	switch v.Lane {
	case LaneI64:
		if typ.Kind == Decimal {
			top := int64(tens[typ.Precision].lo) - 1
			v.I64[i] = rapid.Int64Range(-top, top).Draw(t, "units")
		} else {
			v.I64[i] = rapid.OneOf(rapid.Int64Range(-2, 2), rapid.Int64()).Draw(t, "int")
		}
	case LaneWide:
		d := anyDec.Draw(t, "decimal")
		for !d.Fits(int(typ.Precision)) {
			d, _ = d.Rescale(1, 0, Truncate)
		}
		v.SetDec(i, d)
	case LaneF64:
		v.F64[i] = rapid.OneOf(rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, -1}), rapid.Float64Range(-1e300, 1e300)).Draw(t, "float")
	case LaneBool:
		v.Bool[i] = rapid.Bool().Draw(t, "bool")
	case LaneView:
		v.SetText(i, rapid.OneOf(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 'b', 0xFF}), 0, 4), rapid.SliceOfN(rapid.Byte(), 0, 30)).Draw(t, "text"))
	case LaneList:
		from := v.Kids[0].Room()
		size := rapid.IntRange(0, 3).Draw(t, "length")
		for k, part := range typ.parts() {
			v.Kids[k].Extend(from + size)
			for e := range size {
				set(t, v.Kids[k], part, from+e, from+size)
			}
		}
		v.Range[i] = Range{int32(from), int32(from + size)}
	case LaneRecord:
		for k, f := range typ.Fields {
			set(t, v.Kids[k], f.Type, i, n)
		}
	}
}

// anyColumns draws n rows of up to three columns.
func anyColumns(t *rapid.T, n int) (cols []*Vec, types []Type) {
	for range rapid.IntRange(1, 3).Draw(t, "columns") {
		typ := anyType(t, 2)
		v := NewVec(typ)
		v.Resize(n)
		for i := range n {
			set(t, v, typ, i, n)
		}
		cols, types = append(cols, v), append(types, typ)
	}
	return cols, types
}

func empty(types []Type, n int) (cols []*Vec) {
	for _, typ := range types {
		v := NewVec(typ)
		v.Resize(n)
		cols = append(cols, v)
	}
	return cols
}

func TestKeysReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 4
		cols, types := anyColumns(t, n)
		var keys Keys
		keys.Encode(cols, types, Identity(n), 128)
		back := empty(types, n)
		for i := range n {
			if err := DecodeKey(keys.At(i), back, types, i, n); err != nil {
				t.Fatalf("%v: %x: %v", types, keys.At(i), err)
			}
		}
		for i := range n {
			for c := range cols {
				if !Equal(cols[c], i, back[c], i) {
					t.Fatalf("%s: row %d reads back as another value from %x", types[c], i, keys.At(i))
				}
			}
			if err := DecodeKey(keys.At(i)[:len(keys.At(i))-1], empty(types, n), types, 0, n); err == nil {
				t.Fatalf("%v: %x without its last byte is accepted", types, keys.At(i))
			}
			if err := DecodeKey(append(bytes.Clone(keys.At(i)), 0), empty(types, n), types, 0, n); err == nil {
				t.Fatalf("%v: %x with a byte behind it is accepted", types, keys.At(i))
			}
		}
	})
}

// TestKeysKeepTheOrder: bytes of keys order as the values do, null first.
func TestKeysKeepTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cols, types := anyColumns(t, 2)
		var keys Keys
		keys.Encode(cols, types, Identity(2), 128)
		want := 0
		for c := range cols {
			if want = Compare(cols[c], 0, cols[c], 1); want != 0 {
				break
			}
		}
		if got := bytes.Compare(keys.At(0), keys.At(1)); got != want {
			t.Fatalf("%v: %x and %x compare as %d, their values as %d", types, keys.At(0), keys.At(1), got, want)
		}
		if equal := Equal(cols[0], 0, cols[0], 1); equal != (Compare(cols[0], 0, cols[0], 1) == 0) {
			t.Fatalf("%v: Equal says %v", types, equal)
		}
	})
}

func FuzzDecodeKey(f *testing.F) {
	types := []Type{Of(String).Null(), ListOf(Of(Int).Null()).Null(), DecimalOf(38, 2), Of(Float), {Kind: Record, Nullable: true, Fields: []Field{{"b", Of(Bool)}}}}
	f.Add([]byte{0, 0, 0, 0, 0})
	f.Add([]byte("\x01a\x00\xffb\x00\x00\x01\x00\x01 1234567890123456\x01\x80\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, key []byte) {
		cols := empty(types, 1)
		if DecodeKey(key, cols, types, 0, 1) != nil {
			return
		}
		var keys Keys
		keys.Encode(cols, types, Identity(1), 128)
		again := empty(types, 1)
		if err := DecodeKey(keys.At(0), again, types, 0, 1); err != nil {
			t.Fatalf("%x was read, was written as %x, and is not read: %v", key, keys.At(0), err)
		}
	})
}

func TestGroupsBelongToTasks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.IntRange(1, 32768).Draw(t, "groups")
		tasks := rapid.IntRange(1, min(groups, 64)).Draw(t, "tasks")
		next := 0
		for task := range tasks {
			from, to := GroupRange(task, tasks, groups)
			if from != next || to <= from {
				t.Fatalf("task %d of %d has the groups %d to %d of %d, the one before ended at %d", task, tasks, from, to, groups, next)
			}
			if TaskOf(from, tasks, groups) != task || TaskOf(to-1, tasks, groups) != task {
				t.Fatalf("task %d of %d has the groups %d to %d of %d, TaskOf says %d and %d", task, tasks, from, to, groups, TaskOf(from, tasks, groups), TaskOf(to-1, tasks, groups))
			}
			next = to
		}
		if next != groups {
			t.Fatalf("%d tasks have %d of %d groups", tasks, next, groups)
		}
	})
}

// TestKeysOfIntsAreTheSame: the fast way for one column of ints gives the general encoding, hash and group.
func TestKeysOfIntsAreTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ints := rapid.SliceOfN(rapid.Int64(), 1, 20).Draw(t, "ints")
		groups := rapid.IntRange(1, 1000).Draw(t, "groups")
		v := NewVec(Of(Int))
		v.Resize(len(ints))
		copy(v.I64, ints)
		var fast, slow Keys
		fast.Encode([]*Vec{v}, []Type{Of(Int)}, Identity(len(ints)), groups)
		slow.Reset()
		for i := range ints {
			slow.Add(AppendKey(nil, v, Of(Int), i), groups)
		}
		for i := range ints {
			if !bytes.Equal(fast.At(i), slow.At(i)) || fast.Hash[i] != slow.Hash[i] || fast.Group[i] != slow.Group[i] || int(fast.Group[i]) != GroupOf(fast.At(i), groups) {
				t.Fatalf("%d: %x %d, else %x %d", ints[i], fast.At(i), fast.Group[i], slow.At(i), slow.Group[i])
			}
		}
	})
}

// TestKeyVectors pins the encoding, the hash and the key group: snapshots of any release must find their keys.
func TestKeyVectors(t *testing.T) {
	var out strings.Builder
	fmt.Fprintf(&out, "key encoding version %d: type, value, key, xxh64, group of 128, group of 1000\n", KeyVersion)
	for _, c := range keyVectors() {
		v := NewVec(c.typ)
		v.Resize(1)
		c.set(v)
		var keys Keys
		keys.Encode([]*Vec{v}, []Type{c.typ}, Identity(1), 128)
		fmt.Fprintf(&out, "%s\t%s\t%x\t%016x\t%d\t%d\n", c.typ, c.text, keys.At(0), keys.Hash[0], keys.Group[0], GroupOf(keys.At(0), 1000))
	}
	path := filepath.Join("testdata", "keys.golden")
	if os.Getenv("PIPEC_UPDATE") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != out.String() {
		t.Errorf("the encoding of keys has changed; old snapshots would lose their keys:\n%s\nwant\n%s", out.String(), want)
	}
}

type keyVector struct {
	typ  Type
	text string
	set  func(v *Vec)
}

func keyVectors() (all []keyVector) {
	add := func(typ Type, text string, set func(v *Vec)) { all = append(all, keyVector{typ, text, set}) }
	for _, n := range []int64{0, 1, -1, 42, math.MaxInt64, math.MinInt64} {
		add(Of(Int), fmt.Sprint(n), func(v *Vec) { v.I64[0] = n })
	}
	add(Of(Int).Null(), "null", func(v *Vec) { v.SetNull(0, 1) })
	for _, f := range []float64{0, math.Copysign(0, -1), 1.5, -1.5, math.MaxFloat64} {
		add(Of(Float), fmt.Sprint(f), func(v *Vec) { v.F64[0] = f })
	}
	for _, b := range []bool{false, true} {
		add(Of(Bool), fmt.Sprint(b), func(v *Vec) { v.Bool[0] = b })
	}
	for _, s := range []string{"", "a", "UA", "exactly 12 b", "more than twelve bytes", "zero\x00byte", "Zürich"} {
		add(Of(String), fmt.Sprintf("%q", s), func(v *Vec) { v.SetString(0, s) })
	}
	add(Of(Bytes), "00ff", func(v *Vec) { v.SetText(0, []byte{0, 0xFF}) })
	add(Of(Timestamp), "2024-05-01T12:00:00Z", func(v *Vec) { v.I64[0], _ = ParseTime([]byte("2024-05-01T12:00:00Z")) })
	add(Of(Duration), "1h", func(v *Vec) { v.I64[0] = Hour })
	add(DecimalOf(10, 2), "12.50", func(v *Vec) { v.I64[0] = 1250 })
	add(DecimalOf(38, 2), "-12.50", func(v *Vec) { v.SetDec(0, DecOf(-1250)) })
	add(ListOf(Of(Int).Null()), "[1, null]", func(v *Vec) {
		v.Kids[0].Resize(2)
		v.Kids[0].I64[0] = 1
		v.Kids[0].SetNull(1, 2)
		v.Range[0] = Range{0, 2}
	})
	add(Type{Kind: Record, Fields: []Field{{"a", Of(String)}, {"b", Of(Int).Null()}}}, `{"x", null}`, func(v *Vec) {
		v.Kids[0].SetString(0, "x")
		v.Kids[1].SetNull(0, 1)
	})
	return all
}

// The keys of numbers take a way of their own; it must be the same way.
func TestKeysOfNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		types := []Type{Of(Int)}
		numbers := rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(-300, 300), rapid.Int64()), 0, 50).Draw(t, "numbers")
		groups := rapid.SampledFrom([]int{1, 2, 3, 100, 128, 32768}).Draw(t, "groups")
		col := NewVec(types[0])
		col.Resize(len(numbers))
		copy(col.I64, numbers)
		var rows []int32
		for i := range numbers {
			if rapid.Bool().Draw(t, "selected") {
				rows = append(rows, int32(i))
			}
		}
		var fast, slow, added Keys
		fast.Encode([]*Vec{col}, types, rows, groups)
		slow.Reset()
		added.Reset()
		for i, r := range rows {
			slow.Add(AppendKey(nil, col, types[0], int(r)), groups)
			if h := HashNumber(numberRest(numbers[r])); h != slow.Hash[i] {
				t.Fatalf("the hash of %d is %x, want %x", numbers[r], h, slow.Hash[i])
			}
			added.AddNumbers([]uint64{numberRest(numbers[r])}, slow.Group[i:i+1], true)
		}
		if diff := cmp.Diff(slow, fast, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(slow, added, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		back := NewVec(types[0])
		back.Resize(len(rows))
		if err := fast.Decode([]*Vec{back}, types); err != nil {
			t.Fatal(err)
		}
		for i, r := range rows {
			if back.I64[i] != numbers[r] || back.IsNull(i) {
				t.Fatalf("row %d is %d, want %d", i, back.I64[i], numbers[r])
			}
		}
	})
}

// Nulls among numbers, and numbers among other columns, are decoded one by one.
func TestDecodeOfMixedKeys(t *testing.T) {
	typ := Of(Int).Null()
	col := NewVec(typ)
	col.Resize(3)
	copy(col.I64, []int64{7, 0, -7})
	col.SetNull(1, 3)
	for _, cols := range [][]*Vec{{col}, {col, col}} {
		types := []Type{typ, typ}[:len(cols)]
		var k Keys
		k.Encode(cols, types, Identity(3), 128)
		var back []*Vec
		for range cols {
			v := NewVec(typ)
			v.Resize(3)
			back = append(back, v)
		}
		if err := k.Decode(back, types); err != nil {
			t.Fatal(err)
		}
		for _, v := range back {
			if v.I64[0] != 7 || v.I64[2] != -7 || v.IsNull(0) || !v.IsNull(1) || v.IsNull(2) {
				t.Errorf("%v %v", v.I64, v.Valid)
			}
		}
	}
}

// Texts take a way of their own too, with and without bytes that are escaped.
func TestKeysOfTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		types := []Type{Of(Bytes)}
		texts := rapid.SliceOfN(rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 15), rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0xFF}), 0, 15)), 0, 50).Draw(t, "texts")
		col := NewVec(types[0])
		col.Resize(len(texts))
		var slow, fast Keys
		slow.Reset()
		for i, text := range texts {
			col.SetText(i, text)
			slow.Add(AppendKey(nil, col, types[0], i), 128)
		}
		fast.Encode([]*Vec{col}, types, Identity(len(texts)), 128)
		if diff := cmp.Diff(slow, fast, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestHashShort holds the hash without branches against the library, with every length and every bit.
func TestHashShort(t *testing.T) {
	check := func(fail func(string, ...any), key []byte) {
		var words [shortKey]byte
		copy(words[:], key)
		lo, hi := binary.LittleEndian.Uint64(words[:]), binary.LittleEndian.Uint64(words[8:])
		if got, want := hashShort(lo, hi, len(key)), xxhash.Sum64(key); got != want {
			fail("%x: %x, want %x", key, got, want)
		}
	}
	for n := 1; n < shortKey; n++ {
		key := make([]byte, n)
		check(t.Fatalf, key)
		for bit := range 8 * n {
			clear(key)
			key[bit/8] = 1 << (bit % 8)
			check(t.Fatalf, key)
		}
	}
	rapid.Check(t, func(t *rapid.T) { check(t.Fatalf, rapid.SliceOfN(rapid.Byte(), 1, shortKey-1).Draw(t, "key")) })
}
