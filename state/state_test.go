package state

import (
	"bytes"
	"testing"

	"pipec/vm/value"
)

// reads gives a file in memory as an io.ReaderAt of the right size.
func openBytes(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// drain reads a snapshot to its end in steps of that budget.
func drain(t testing.TB, c *Snapshot, budget int) []byte {
	t.Helper()
	var file []byte
	for {
		chunk, done, err := c.Next(budget)
		if err != nil {
			t.Fatal(err)
		}
		file = append(file, chunk...)
		if done {
			return file
		}
	}
}

var countSchema = Schema{Node: "n", Name: "count", Key: []value.Type{value.Of(value.Int)}, Fields: []value.StateField{{Name: "count"}, {Name: "sum"}}}

// intKeys encodes integers as keys.
func intKeys(k *value.Keys, groups int, ints ...int64) *value.Keys {
	v := value.NewVec(value.Of(value.Int))
	v.I64 = ints
	k.Encode([]*value.Vec{v}, []value.Type{value.Of(value.Int)}, value.Identity(len(ints)), groups)
	return k
}

// TestDeltaSize: when one key of a hundred has changed, the delta is small, by bytes.
func TestDeltaSize(t *testing.T) {
	const keys, batch = 1_000_000, 1000
	s := newStore("a", 0, 128, 128)
	s.incremental = true
	tab := s.Table(countSchema)
	var k value.Keys
	slots, fresh := make([]value.Slot, batch), make([]bool, batch)
	add := func(next func(i int) int64) {
		ints := make([]int64, batch)
		for i := range ints {
			ints[i] = next(i)
		}
		if err := tab.Upsert(0, intKeys(&k, 128, ints...), slots, fresh); err != nil {
			t.Fatal(err)
		}
		for i := range ints {
			*slots[i].Int(0)++
			*slots[i].Int(1) += ints[i]
		}
	}
	for lo := int64(0); lo < keys; lo += batch {
		add(func(i int) int64 { return lo + int64(i) })
	}
	full := len(drain(t, s.Cut(1, nil), 1<<20))
	s.Completed(1)
	for round := range int64(keys / 100 / batch) {
		add(func(i int) int64 { return (round*batch + int64(i)) * 7919 % keys })
	}
	delta := len(drain(t, s.CutSince(1, 2, nil), 1<<20))
	t.Logf("full %d bytes, delta %d bytes: %.2f %%", full, delta, 100*float64(delta)/float64(full))
	if delta*20 > full {
		t.Fatalf("1 %% of the keys have changed, and the delta has %d bytes of %d", delta, full)
	}
}

func TestSmoke(t *testing.T) {
	s := newStore("a", 0, 128, 128)
	tab := s.Table(countSchema)
	var k value.Keys
	slots, fresh := make([]value.Slot, 1024), make([]bool, 1024)
	for round := range 200 {
		ints := make([]int64, 1024)
		for i := range ints {
			ints[i] = int64((round*1024 + i) * 7 % 50000)
		}
		if err := tab.Upsert(0, intKeys(&k, 128, ints...), slots, fresh); err != nil {
			t.Fatal(err)
		}
		for i := range ints {
			*slots[i].Int(0)++
			*slots[i].Int(1) += ints[i]
		}
	}
	t.Log(tab.Len(), tab.Bytes())
	file := drain(t, s.Cut(1, []Row{{Kind: Split, Node: "src", Name: "pos", Key: []byte("f"), Value: []byte("12")}}), 4096)
	f := openBytes(t, file)
	r := newStore("a", 0, 128, 128)
	rt := r.Table(countSchema)
	if err := r.Load(f); err != nil {
		t.Fatal(err)
	}
	if rt.Len() != tab.Len() {
		t.Fatal(rt.Len(), tab.Len())
	}
}
