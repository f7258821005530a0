package vm

import (
	"encoding/json"
	"errors"
	"time"

	"pipec/compiler/plan"
	"pipec/connector"
	"pipec/vm/chain"
	"pipec/vm/clock"
	"pipec/vm/eval"
	"pipec/vm/fault"
	"pipec/vm/op"
	"pipec/vm/value"
)

// splitTime is the event time of one split, or of all chained splits together, which are one sequence. It is part of the snapshot.
type splitTime struct {
	Max   int64 `json:"max"` // largest event time so far; NoTime: none
	Idle  bool  `json:"idle,omitempty"`
	ended bool
	ready bool // being read, or ended; else it waits its turn and holds the watermark back
	seen  time.Time
}

// head is the source of a task: it reads batches, gives them event time, and knows the watermark of each split (language A4, A10).
type head struct {
	node    *chain.Node
	mark    *plan.Watermark // nil: no event time
	reader  connector.Reader
	splits  []connector.Split // with the position after the last batch that was taken
	times   []*splitTime      // by split; chained splits share one
	clock   clock.Clock
	errors  *op.RowErrors
	emit    func(port int, b *value.Batch) error
	faults  *fault.Set
	read    connector.Read
	out     value.Batch
	future  value.Batch
	marks   []int64
	sel     []int32
	late    []int32
	failed  eval.Errors
	bytes   int64
	done    bool
	paused  bool // a suspend: nothing more is read
	started bool
	waits   bool // the reader has nothing now, and may have more
}

// next reads one batch into the chain. It gives Again if there was something, Waiting if not, Finished at the end of all splits.
func (h *head) next(size int) (Progress, error) {
	status, err := h.reader.Next(&h.read, size)
	if err != nil {
		return Again, err
	}
	h.turns()
	h.waits = status == connector.Wait
	switch status {
	case connector.Done:
		h.done = true
		for _, t := range h.times {
			t.ended = true
		}
		return Finished, nil
	case connector.Wait:
		return Waiting, nil
	}
	h.bytes += h.read.Bytes
	for h.read.Split >= len(h.splits) { // the reader has found it; what it found before and gave no rows yet has no name here, and is found again
		h.splits = append(h.splits, connector.Split{})
		h.times = append(h.times, &splitTime{Max: value.NoTime})
		h.turns()
	}
	if len(h.read.Bad) > 0 {
		if err := h.errors.Raw(h.read.Bad); err != nil {
			return Again, h.placed(err)
		}
	}
	if b := h.read.Batch; b != nil && b.Len > 0 {
		if err := h.take(b); err != nil {
			return Again, err
		}
	}
	i := h.read.Split
	h.splits[i] = h.read.After
	if !h.read.After.Chain { // what a split is named after may appear again: then it goes on
		h.times[i].ended = h.read.After.Ended
	}
	return Again, nil
}

// placed adds to the error of a record where that lies in the input.
func (h *head) placed(err error) error {
	if row := new(op.RowError); errors.As(err, &row) {
		row.Input, row.Byte = h.read.From.Input, h.read.From.Byte+int64(h.read.Bad[0].Offset)
	}
	return err
}

// turns notes which splits are being read.
func (h *head) turns() {
	for i, t := range h.times {
		if h.read.Ready == nil || h.read.Ready[i] {
			t.ready = true
		}
	}
}

// take gives a batch its event times and marks and sends it into the chain.
func (h *head) take(b *value.Batch) error {
	if err := h.faults.Rows(h.node.Spec.ID, b.Live()); err != nil {
		return err
	}
	if h.mark == nil {
		return h.emit(0, b)
	}
	t := h.times[h.read.Split]
	t.Idle = false
	t.seen = h.clock.Now()
	h.out = *b
	h.out.Time = b.Cols[h.mark.Column].I64
	if h.mark.Ahead > 0 {
		if err := h.ahead(t); err != nil {
			return err
		}
	}
	high, times := t.Max, h.out.Time
	if h.mark.Emits {
		h.marks = extend(h.marks, b.Len)
		h.out.Mark = h.marks
		delay, marks := h.mark.Delay, h.marks[:len(times)]
		for _, r := range h.out.Rows() {
			marks[r] = before(high, delay)
			high = max(high, times[r])
		}
	} else {
		for _, r := range h.out.Rows() {
			high = max(high, times[r])
		}
	}
	t.Max = high
	return h.emit(0, &h.out)
}

// before is the watermark that a largest event time gives.
func before(high, delay int64) int64 {
	if high < value.NoTime+delay {
		return value.NoTime
	}
	return high - delay
}

// ahead takes rows out whose event time lies too far beyond the wall clock: they do not move the watermark.
func (h *head) ahead(t *splitTime) error {
	limit := t.seen.UnixMicro() + h.mark.Ahead
	if h.sel == nil {
		h.sel = make([]int32, 0, h.out.Len) // nil would select all
	}
	h.sel, h.late = h.sel[:0], h.late[:0]
	for _, r := range h.out.Rows() {
		if h.out.Time[r] > limit {
			h.late = append(h.late, r)
		} else {
			h.sel = append(h.sel, r)
		}
	}
	if len(h.late) == 0 {
		return nil
	}
	if h.mark.Future > 0 {
		h.future = h.out
		h.future.Sel = h.late
		if err := h.emit(h.mark.Future, &h.future); err != nil {
			return err
		}
	} else {
		h.failed.Reset(h.out.Len)
		for _, r := range h.late {
			h.failed.Add(r, "E807", "the event time is more than "+string(value.AppendDuration(nil, h.mark.Ahead))+" ahead of the clock")
		}
		if err := h.errors.Batch(&h.out, &h.failed); err != nil {
			return err
		}
	}
	h.out.Sel = h.sel
	return nil
}

// watermark is the least over the splits that count, and whether none does: all are silent, or have ended in a source that may get more. Where nothing more can come
// the end is near, and nobody must run ahead of it: what still lies in windows comes with it. until is when the next split becomes idle.
func (h *head) watermark(now time.Time) (w int64, quiet bool, until time.Time) {
	if h.mark == nil {
		return value.NoTime, false, time.Time{}
	}
	w, quiet = value.EndTime, h.waits
	live := false
	for _, t := range h.times {
		if t.ended {
			continue
		}
		if h.mark.Idle > 0 && t.ready && !t.Idle {
			if t.seen.IsZero() {
				t.seen = now
			}
			limit := t.seen.Add(time.Duration(h.mark.Idle) * time.Microsecond)
			if now.After(limit) {
				t.Idle = true
			} else if until.IsZero() || limit.Before(until) {
				until = limit
			}
		}
		if t.Idle {
			quiet = true
			continue
		}
		live = true
		w = min(w, before(t.Max, h.mark.Delay)) // of one that waits its turn: nothing before its rows
	}
	if !live {
		w = value.NoTime
	}
	return w, quiet && !live, until
}

// splitState is what the snapshot holds of a split.
type splitState struct {
	connector.Split
	Time splitTime `json:"time"`
}

// state encodes the splits for a snapshot.
func (h *head) state() (keys []string, values [][]byte, err error) {
	for i, s := range h.splits {
		if s.ID == "" {
			continue
		}
		data, err := json.Marshal(splitState{s, *h.times[i]})
		if err != nil {
			return nil, nil, err
		}
		keys, values = append(keys, s.ID), append(values, data)
	}
	return keys, values, nil
}

func extend[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
