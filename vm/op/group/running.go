package group

import (
	"pipec/vm/eval"
	"pipec/vm/op/run"
	"pipec/vm/value"
)

// running is aggregate and count without a window: every batch that touches a group gives its new row, one per group and batch, in the order of first touch (language A14).
type running struct {
	run.Outbox
	*grouping
	m      *emission
	before bool
	errors *run.RowErrors
	errs   eval.Errors
	rowOf  []int32 // input row of each touched group
	exists []bool  // whether it was there before this batch
	diff   []value.Slot
	was    []int32 // which of the old rows each one replaces, -1: none
	failed []bool  // old rows that could not be computed

	oldRows  []int32
	oldSlots []value.Slot
}

func newRunning(c *run.Context, config *Config) (run.Operator, error) {
	g, err := newGrouping(c, config)
	if err != nil {
		return nil, err
	}
	r := &running{Outbox: run.Outbox{Emit: c.Emit}, grouping: g, before: c.Before, errors: c.Errors}
	r.m, err = newEmission(c, g, &r.Outbox)
	return r, err
}

// Process implements Operator.
func (r *running) Process(b *value.Batch) (bool, error) {
	r.errs.Reset(b.Len)
	rows := r.evaluate(b, b.Rows(), &r.errs)
	if err := r.errors.Add(&r.Outbox, b, &r.errs); err != nil {
		return false, err
	}
	if len(rows) > 0 {
		if err := r.locate(r.table, b, rows, nil); err != nil {
			return false, err
		}
		r.touch(rows)
		if r.before {
			r.old()
		}
		r.update(r.table, b, rows)
		if err := r.results(); err != nil {
			return false, err
		}
	}
	return r.Resume()
}

// touch finds the groups of the batch.
func (r *running) touch(rows []int32) {
	first := r.touched(r.table)
	n := len(first)
	r.rowOf, r.exists, r.diff = resized(r.rowOf, n), resized(r.exists, n), resized(r.diff, n)
	for k, i := range first {
		r.rowOf[k], r.exists[k], r.diff[k] = rows[i], !r.fresh[i], r.slots[i]
	}
}

// old computes the rows of the groups that were there, before they change.
func (r *running) old() {
	r.was, r.failed = r.was[:0], r.failed[:0]
	rows, slots := r.oldRows[:0], r.oldSlots[:0]
	for i, s := range r.diff {
		if !r.exists[i] {
			r.was = append(r.was, -1)
			continue
		}
		r.was = append(r.was, int32(len(slots)))
		slots, rows = append(slots, s), append(rows, r.rowOf[i])
	}
	r.oldRows, r.oldSlots = rows, slots
	r.m.open(len(slots))
	r.m.keysFrom(r.cols, rows)
	r.m.aggregate(slots, r.table.Heap())
	r.m.compute()
	r.m.old()
	for i := range slots {
		r.failed = append(r.failed, r.m.errs.Has(int32(i)))
	}
}

// results computes the new rows.
func (r *running) results() error {
	r.m.open(len(r.diff))
	r.m.keysFrom(r.cols, r.rowOf)
	r.m.aggregate(r.diff, r.table.Heap())
	r.m.compute()
	if !r.before {
		return r.m.changes(r.exists, nil, nil)
	}
	return r.m.changes(r.exists, r.was, r.failed)
}

// Advance implements Operator: without a window, time means nothing.
func (r *running) Advance(int64) (bool, error) { return false, nil }

// Resume implements Operator.
func (r *running) Resume() (bool, error) {
	if !r.Waiting() && r.m.left() {
		r.m.put()
	}
	more, err := r.Send()
	return more || r.m.left(), err
}
