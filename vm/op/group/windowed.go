package group

import (
	"pipec/vm/eval"
	"pipec/vm/op/run"
	"pipec/vm/value"
)

// windowed is aggregate and count in windows: what is the same however their state is laid out.
type windowed struct {
	run.Outbox
	*grouping
	m        *emission
	win      *Window
	latePort int
	stats    *run.Stats
	errors   *run.RowErrors
	errs     eval.Errors
	size     int   // rows of a batch of output
	mark     int64 // the stage's watermark
	late     value.Batch
	in       *value.Batch
	a        assignment
	state    windows
}

// windows is how the rows of windows are kept: panes or slices.
type windows interface {
	// take adds some of the rows that a has left.
	take() error
	// advance finds the windows that are due at the watermark.
	advance()
	// due says whether one is left, and fire goes on with it.
	due() bool
	fire() error
}

// newWindowed makes the operator of an aggregate in windows.
func newWindowed(c *run.Context, config *Config) (run.Operator, error) {
	w := &windowed{
		Outbox: run.Outbox{Emit: c.Emit}, win: config.Window, a: assignment{win: config.Window}, latePort: config.Late, stats: c.Stats, errors: c.Errors,
		size: run.BatchSize(c.Job), mark: value.NoTime,
	}
	var first []value.StateField
	if w.win.Allow > 0 {
		first = []value.StateField{{Name: "given", Cell: value.CellInt}}
	}
	var err error
	if w.grouping, err = newGrouping(c, config, first...); err != nil {
		return nil, err
	}
	if w.m, err = newEmission(c, w.grouping, &w.Outbox); err != nil {
		return nil, err
	}
	if w.win.Allow == 0 && w.win.Step < w.win.Size {
		w.state, err = newSlices(c, w)
	} else {
		w.state = newPanes(c, w)
	}
	return w, err
}

// Process implements run.Operator.
func (w *windowed) Process(b *value.Batch) (bool, error) {
	w.errs.Reset(b.Len)
	if err := w.a.assign(b, w.mark, &w.errs); err != nil {
		return false, err
	}
	w.tooLate(b)
	w.evaluate(b, w.a.rows, &w.errs)
	w.a.without(&w.errs)
	if err := w.errors.Add(&w.Outbox, b, &w.errs); err != nil {
		return false, err
	}
	w.in = b
	return w.Resume()
}

// tooLate sends the late rows where they belong, or counts them.
func (w *windowed) tooLate(b *value.Batch) {
	w.stats.Late += w.a.partly
	if w.latePort == 0 {
		w.stats.Late += int64(len(w.a.late))
		return
	}
	if len(w.a.late) > 0 {
		w.late.Share(b)
		w.late.Cols, w.late.Sel = b.Cols, w.a.late
		w.Put(w.latePort, &w.late)
	}
}

// Advance implements run.Operator: windows whose end has come fire, in the order of their ends.
func (w *windowed) Advance(mark int64) (bool, error) {
	w.mark = mark
	w.state.advance()
	return w.Resume()
}

// patience is how many pieces of work without output one call does before it lets the task look at something else.
const patience = 64

// Resume implements run.Operator.
func (w *windowed) Resume() (bool, error) {
	for n := 0; !w.Waiting() && n < patience; n++ {
		var err error
		switch {
		case w.m.left():
			w.m.put()
		case w.a.left():
			err = w.state.take()
		case w.state.due():
			err = w.state.fire()
		default:
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return w.send()
}

// send emits what is ready and says whether anything is left to do.
func (w *windowed) send() (bool, error) {
	more, err := w.Outbox.Send()
	return more || w.m.left() || w.a.left() || w.state.due(), err
}

// rowsOf gives the rows of some slots of a window for the first time.
func (w *windowed) rowsOf(start int64, keys *value.Keys, slots []value.Slot, heap value.Heap) error {
	w.m.open(len(slots))
	if err := w.m.keysOf(keys); err != nil {
		return err
	}
	w.m.windows(w.win.Size, func(int) int64 { return start })
	w.m.aggregate(slots, heap)
	w.m.compute()
	return w.m.plain()
}
