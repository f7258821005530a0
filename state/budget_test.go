package state

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pipec/compiler/plan"
	"pipec/state/budget"
	"pipec/vm/value"
)

// TestFull: tables on the heap that outgrow the memory of the job say so, and name the stage that has most of it; loading them, too.
func TestFull(t *testing.T) {
	const memory = 64 << 20
	open := func(memory int64) Backend {
		spec, _ := Lookup("fs")
		b, err := spec.Open(Config{Settings: plan.State{}, Memory: memory})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	large, small := countSchema, countSchema
	large.Node, small.Node = "much/aggregate/1", "little/aggregate/1"
	grow := func(b Backend, schema Schema, task string, from, to int64) (*Store, error) {
		s, err := b.Store(task, 0, 128, 128)
		if err != nil {
			t.Fatal(err)
		}
		tab := s.Table(schema)
		var k value.Keys
		slots := make([]value.Slot, 1000)
		ints := make([]int64, 1000)
		for ; from < to; from += 1000 {
			for i := range ints {
				ints[i] = from + int64(i)
			}
			if err := tab.Upsert(0, intKeys(&k, 128, ints...), slots, nil); err != nil {
				return s, err
			}
		}
		return s, nil
	}
	b := open(memory)
	first, err := grow(b, small, "a", 0, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	_, err = grow(b, large, "b", 0, 10_000_000)
	var full *budget.FullError
	if !errors.As(err, &full) || full.Node != large.Node || full.Memory != memory || full.All > memory || full.All < memory/2 || full.Bytes > full.All || full.Rows < 100_000 {
		t.Fatalf("%+v", err)
	}
	if text := err.Error(); !strings.Contains(text, "`memory = 64MiB`") || !strings.Contains(text, large.Node) {
		t.Error(text)
	}
	first.Close()
	if b.(heapBackend).budget.Used() >= full.All {
		t.Error("a store that is closed gives nothing back")
	}
	whole, err := grow(open(0), large, "c", 0, 2_000_000)
	if err != nil {
		t.Fatalf("without a limit: %v", err)
	}
	file := drain(t, whole.Cut(1, nil), 1<<20)
	s, err := open(memory).Store("d", 0, 128, 128)
	if err != nil {
		t.Fatal(err)
	}
	s.Table(large)
	f, err := OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Load(f); !errors.As(err, &full) || errors.Is(err, ErrDamaged) {
		t.Errorf("loaded too much: %v", err)
	}
}
