package group

import (
	"pipec/state"
	"pipec/vm/op/run"
	"pipec/vm/value"
)

// panes keeps a pane of state per window. Without `allow late` a window is forgotten when it fires. With it, it is kept until the watermark reaches its end plus that time, and each slot says whether
// its row has been given: rows of such a slot, and rows of a window that has fired, give a new row at once. That the slot says it, and not the watermark, makes it right after a restore too,
// where a task may begin with a lower watermark than the one whose keys it took over.
type panes struct {
	*windowed
	before bool
	given  int // word that says whether the row of a slot was given; -1: windows are forgotten when they fire
	re     again

	fired   int64 // watermark up to which all windows have fired, as far as this task knows
	firing  []int64
	next    int // in firing
	cursor  state.Cursor
	scanned bool
	todo    value.Keys // keys of the firing window whose rows have not been given
	done    int        // of todo
	buf     []value.Slot
	part    value.Keys
}

func newPanes(c *run.Context, w *windowed) *panes {
	p := &panes{windowed: w, before: c.Before, fired: value.NoTime, given: -1, buf: make([]value.Slot, w.size)}
	if w.win.Allow > 0 {
		p.given = w.table.Word(0)
	}
	return p
}

// advance implements windows.
func (p *panes) advance() {
	p.firing, p.next = p.table.Namespaces(p.firing[:0]), 0
	n := 0
	for _, start := range p.firing {
		end := start + p.win.Size
		if end <= p.mark && (end > p.fired || end+p.win.Allow <= p.mark) {
			p.firing[n] = start
			n++
		}
	}
	p.firing = p.firing[:n]
	p.fired = p.mark
}

// entries is how many rows, each counted once per window, are added to their panes at once where nothing is given meanwhile.
const entries = 8192

// take implements windows: many rows, or as few as give at most a batch of new ones.
func (p *panes) take() error {
	limit := entries
	if p.given >= 0 {
		limit = p.size
	}
	rows, starts := p.a.next(limit)
	if err := p.locate(p.table, p.in, rows, starts); err != nil {
		return err
	}
	if p.given >= 0 {
		return p.again(rows, starts)
	}
	p.update(p.table, p.in, rows)
	return nil
}

// due implements windows.
func (p *panes) due() bool { return p.next < len(p.firing) }

// fire implements windows.
func (p *panes) fire() error {
	start := p.firing[p.next]
	end := start + p.win.Size
	if p.given < 0 {
		return p.drain(start)
	}
	if !p.scanned {
		if err := p.collect(start); err != nil {
			return err
		}
	}
	if p.done < p.todo.Len() {
		return p.give(start)
	}
	p.finish(start, end+p.win.Allow <= p.mark)
	return nil
}

// finish goes to the next window.
func (p *panes) finish(start int64, forget bool) {
	if forget {
		p.table.Drop(start)
	}
	p.next++
	p.cursor, p.scanned, p.done = state.Cursor{}, false, 0
}

// drain gives a batch of rows of a window that is forgotten afterwards.
func (p *panes) drain(start int64) error {
	p.cursor.Plain = true
	n, err := p.table.Scan(start, &p.cursor, &p.part, p.buf)
	if err != nil {
		return err
	}
	if n > 0 {
		if err := p.rowsOf(start, &p.part, p.buf[:n], p.table.Heap()); err != nil {
			return err
		}
	}
	if n < len(p.buf) {
		p.finish(start, true)
	}
	return nil
}

// collect finds the keys of a window whose rows have not been given. While a window is scanned it may not be written, so the keys are kept until the scan is over.
func (p *panes) collect(start int64) error {
	p.todo.Reset()
	p.scanned = true
	for {
		p.cursor.Plain = true
		n, err := p.table.Scan(start, &p.cursor, &p.part, p.buf)
		if err != nil {
			return err
		}
		for i := range n {
			if *p.buf[i].Int(p.given) == 0 {
				p.todo.Add(p.part.At(i), p.groups)
			}
		}
		if n < len(p.buf) {
			return nil
		}
	}
}

// give gives a batch of the collected rows, and notes in their slots that it has.
func (p *panes) give(start int64) error {
	from, to := p.done, min(p.done+p.size, p.todo.Len())
	p.done = to
	keys := value.Keys{Buf: p.todo.Buf, Off: p.todo.Off[from : to+1], Hash: p.todo.Hash[from:to], Group: p.todo.Group[from:to]}
	slots := p.buf[:to-from]
	if err := p.table.Upsert(start, &keys, slots, nil); err != nil {
		return err
	}
	for _, s := range slots {
		*s.Int(p.given) = 1
	}
	return p.rowsOf(start, &keys, slots, p.table.Heap())
}

// again is the scratch of rows that are given again.
type again struct {
	rows   []int32 // input row
	starts []int64
	slots  []value.Slot
	given  []bool // whether it had been given
	was    []int32
	failed []bool
	old    []int // of those that had been given, the number here
	oldR   []int32
	oldS   []value.Slot
}

// again adds rows where some may belong to windows that have fired: what they change is given at once.
func (p *panes) again(rows []int32, starts []int64) error {
	x := &p.re
	x.rows, x.starts, x.slots, x.given = x.rows[:0], x.starts[:0], x.slots[:0], x.given[:0]
	x.was, x.failed, x.old, x.oldR, x.oldS = x.was[:0], x.failed[:0], x.old[:0], x.oldR[:0], x.oldS[:0]
	for _, i := range p.touched(p.table) {
		s := p.slots[i]
		given := *s.Int(p.given) != 0
		if !given && starts[i]+p.win.Size > p.mark {
			continue
		}
		was := int32(-1)
		if given {
			was = int32(len(x.old))
			x.old, x.oldR, x.oldS = append(x.old, len(x.rows)), append(x.oldR, rows[i]), append(x.oldS, s)
		}
		x.rows, x.starts, x.slots = append(x.rows, rows[i]), append(x.starts, starts[i]), append(x.slots, s)
		x.given, x.was = append(x.given, given), append(x.was, was)
	}
	if p.before && len(x.rows) > 0 {
		p.results(x.oldR, func(i int) int64 { return x.starts[x.old[i]] }, x.oldS)
		p.m.old()
		for i := range x.oldS {
			x.failed = append(x.failed, p.m.errs.Has(int32(i)))
		}
	}
	p.update(p.table, p.in, rows)
	if len(x.rows) == 0 {
		return nil
	}
	for _, s := range x.slots {
		*s.Int(p.given) = 1
	}
	p.results(x.rows, func(i int) int64 { return x.starts[i] }, x.slots)
	if !p.before {
		return p.m.changes(x.given, nil, nil)
	}
	return p.m.changes(x.given, x.was, x.failed)
}

// results computes the rows of some slots, with the keys of input rows.
func (p *panes) results(rows []int32, start func(i int) int64, slots []value.Slot) {
	p.m.open(len(slots))
	p.m.keysFrom(p.cols, rows)
	p.m.windows(p.win.Size, start)
	p.m.aggregate(slots, p.table.Heap())
	p.m.compute()
}
