package vm

import (
	"testing"
	"time"

	"pipec/compiler/plan"
	"pipec/connector"
	"pipec/vm/chain"
	"pipec/vm/clock"
	"pipec/vm/value"
)

// sourceOf makes a head with so many splits that hands its batches to nobody.
func sourceOf(c clock.Clock, mark plan.Watermark, splits int) *head {
	h := &head{node: &chain.Node{Spec: &plan.Node{ID: "s"}}, mark: &mark, clock: c, emit: func(int, *value.Batch) error { return nil }}
	for range splits {
		h.splits = append(h.splits, connector.Split{})
		h.times = append(h.times, &splitTime{Max: value.NoTime, ready: true})
	}
	return h
}

// give takes a batch of one row of a split.
func (h *head) give(t *testing.T, split int, at int64) []int64 {
	t.Helper()
	b := value.NewBatch(value.Schema{Fields: []value.Field{{Name: "at", Type: value.Of(value.Timestamp)}}})
	b.Reset(1)
	b.Cols[0].I64[0] = at
	h.read.Split = split
	if err := h.take(b); err != nil {
		t.Fatal(err)
	}
	return h.out.Mark
}

func TestWatermarkOfSplits(t *testing.T) {
	c := clock.NewFake(time.Unix(0, 0))
	h := sourceOf(c, plan.Watermark{Delay: 10, Emits: true}, 2)
	expect := func(what string, want int64) {
		t.Helper()
		if w, _, _ := h.watermark(c.Now()); w != want {
			t.Fatalf("%s: %d, want %d", what, w, want)
		}
	}
	if m := h.give(t, 0, 100); m[0] != value.NoTime {
		t.Fatalf("nothing came before the first row, but its mark is %d", m[0])
	}
	expect("a split without a row holds back", value.NoTime)
	h.give(t, 1, 50)
	expect("the least of the splits, minus the delay", 40)
	if m := h.give(t, 0, 60); m[0] != 90 {
		t.Fatalf("the mark before a row is its own split's: %d, want 90", m[0])
	}
	h.times[1].ended = true
	expect("an ended split does not count", 90)
	h.times[0].ended = true
	expect("none left: the end of time comes with the end of the task, not from here", value.NoTime)
}

func TestIdleSplits(t *testing.T) {
	c := clock.NewFake(time.Unix(1000, 0))
	h := sourceOf(c, plan.Watermark{Idle: int64(time.Second / time.Microsecond)}, 3)
	h.times[2].ready = false // waits its turn
	h.give(t, 0, 100)
	look := func() (int64, bool) {
		w, quiet, _ := h.watermark(c.Now())
		return w, quiet
	}
	look() // the silence of split 1 begins when it is first looked at
	c.Advance(time.Second)
	h.give(t, 0, 200)
	if w, _ := look(); w != value.NoTime {
		t.Fatalf("exactly `idle` is not yet idle, and split 2 waits its turn: %d", w)
	}
	c.Advance(time.Microsecond)
	if w, _ := look(); w != value.NoTime || !h.times[1].Idle || h.times[2].Idle {
		t.Fatalf("split 1 is idle although it never gave a row, split 2 is not: %d, %v %v", w, h.times[1].Idle, h.times[2].Idle)
	}
	h.times[2].ready, h.times[2].ended = true, true
	if w, quiet := look(); w != 200 || quiet {
		t.Fatalf("only split 0 counts: %d, %v", w, quiet)
	}
	c.Advance(2 * time.Second)
	if _, quiet := look(); !quiet {
		t.Fatal("all splits are silent: the source holds nobody back")
	}
	h.give(t, 1, 150)
	if w, quiet := look(); w != 150 || quiet {
		t.Fatalf("a row wakes its split: %d, %v", w, quiet)
	}
	if _, _, until := h.watermark(c.Now()); until.Sub(c.Now()) != time.Second {
		t.Fatalf("it wants to look again when the split becomes idle, in %v", until.Sub(c.Now()))
	}
}

func TestAllRowsAhead(t *testing.T) {
	c := clock.NewFake(time.Unix(0, 0))
	h := sourceOf(c, plan.Watermark{Ahead: 10, Future: 1}, 1)
	live := map[int]int{}
	h.emit = func(port int, b *value.Batch) error {
		live[port] += b.Live()
		return nil
	}
	h.give(t, 0, 11)
	if live[0] != 0 || live[1] != 1 {
		t.Fatalf("a batch of nothing but rows of the future: %d went on, %d aside", live[0], live[1])
	}
	if h.times[0].Max != value.NoTime {
		t.Fatal("it moved the watermark")
	}
}
