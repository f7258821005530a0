package group

import (
	"errors"

	"pipec/vm/eval"
	"pipec/vm/value"
)

// assignment is which windows the rows of a batch count for. A row is late for a window when its own split's watermark before it, or the stage's, has reached the window's end plus what is
// allowed (language A10): so a batch's edges, and what other splits do meanwhile, never decide.
type assignment struct {
	win    *Window
	rows   []int32 // rows that count for at least one window, ascending
	low    []int64 // start of the first window that each counts for
	high   []int64 // and of the last; the windows between lie a step apart. nil for tumbling windows
	late   []int32 // rows that are late for all their windows
	partly int64   // rows that are late for some of them

	at    int     // the next row that entries are made of
	to    int64   // the window to go on with, if cut
	cut   bool    // the last entries ended in the middle of a row
	entry []int32 // a row for each of its windows
	start []int64 // and the window
}

var errNoTime = errors.New("rows without event time came to a window")

// assign looks at the live rows of b; w is the stage's watermark. A row whose event time no window can hold is a row error.
func (a *assignment) assign(b *value.Batch, w int64, errs *eval.Errors) error {
	a.rows, a.low, a.high, a.late, a.partly = a.rows[:0], a.low[:0], a.high[:0], a.late[:0], 0
	a.at, a.cut = 0, false
	switch {
	case b.Time == nil:
		return errNoTime
	case a.win.Step == a.win.Size:
		a.tumbling(b, w, errs)
	default:
		a.sliding(b, w, errs)
	}
	return nil
}

// reached is the watermark that counts for row r.
func reached(b *value.Batch, r int32, w int64) int64 {
	if b.Mark == nil {
		return w
	}
	return max(w, b.Mark[r])
}

func (a *assignment) tumbling(b *value.Batch, w int64, errs *eval.Errors) {
	if a.together(b, w) {
		return
	}
	win, start, none := a.win, int64(0), true
	for _, r := range b.Rows() {
		t := b.Time[r]
		if outside(t) {
			refuse(r, errs)
			continue
		}
		if none || uint64(t-start) >= uint64(win.Size) {
			start, none = win.last(t), false
		}
		if reached(b, r, w) >= start+win.Size+win.Allow {
			a.late = append(a.late, r)
			continue
		}
		a.rows, a.low = append(a.rows, r), append(a.low, start)
	}
}

// together is tumbling for batches whose rows all lie in one window and are not late for it, which nearly all are: false if it is not so.
func (a *assignment) together(b *value.Batch, w int64) bool {
	rows := b.Rows()
	first, last := int64(latest), int64(earliest)
	for _, r := range rows {
		first, last = min(first, b.Time[r]), max(last, b.Time[r])
	}
	if outside(first) || outside(last) {
		return false
	}
	start := a.win.last(first)
	if last-start >= a.win.Size {
		return false
	}
	if b.Mark != nil {
		for _, r := range rows {
			w = max(w, b.Mark[r])
		}
	}
	if w >= start+a.win.Size+a.win.Allow {
		return false
	}
	a.rows = append(a.rows, rows...)
	for range rows {
		a.low = append(a.low, start)
	}
	return true
}

// outside says whether no window can hold an event time.
func outside(t int64) bool { return uint64(t-earliest) > latest-earliest }

func refuse(r int32, errs *eval.Errors) {
	errs.Add(r, "E804", "the event time is out of the range of windows")
}

func (a *assignment) sliding(b *value.Batch, w int64, errs *eval.Errors) {
	win := a.win
	for _, r := range b.Rows() {
		t := b.Time[r]
		if outside(t) {
			refuse(r, errs)
			continue
		}
		high := win.last(t)
		if high <= t-win.Size {
			continue // between two windows, where the step is longer than the size: it belongs to none
		}
		first := win.after(high, t-win.Size)
		// The windows that are not late begin behind the watermark less their size and what is allowed; no watermark is earlier than all windows.
		passed := max(reached(b, r, w), 2*earliest) - win.Size - win.Allow
		if high <= passed {
			a.late = append(a.late, r)
			continue
		}
		low := first
		if first <= passed {
			low = win.after(high, passed)
			a.partly++
		}
		a.rows, a.low, a.high = append(a.rows, r), append(a.low, low), append(a.high, high)
	}
}

// after is the first window that begins behind t, given one that does.
func (w *Window) after(start, t int64) int64 { return start - (start-t-1)/w.Step*w.Step }

// without takes the rows that failed out.
func (a *assignment) without(errs *eval.Errors) {
	if !errs.Any() {
		return
	}
	n := 0
	for i, r := range a.rows {
		if errs.Has(r) {
			continue
		}
		a.rows[n], a.low[n] = r, a.low[i]
		if len(a.high) > 0 {
			a.high[n] = a.high[i]
		}
		n++
	}
	a.rows, a.low = a.rows[:n], a.low[:n]
}

// left says whether rows have windows that entries have not named.
func (a *assignment) left() bool { return a.at < len(a.rows) }

// next gives at most n more entries: rows, and for each the start of one window it counts for.
func (a *assignment) next(n int) (rows []int32, starts []int64) {
	if a.win.Step == a.win.Size {
		from := a.at
		a.at = min(from+n, len(a.rows))
		return a.rows[from:a.at], a.low[from:a.at]
	}
	a.entry, a.start = a.entry[:0], a.start[:0]
	for ; a.at < len(a.rows); a.at++ {
		s := a.high[a.at]
		if a.cut {
			s = a.to
		}
		for a.cut = false; s >= a.low[a.at]; s -= a.win.Step {
			if len(a.entry) == n {
				a.cut, a.to = true, s
				return a.entry, a.start
			}
			a.entry, a.start = append(a.entry, a.rows[a.at]), append(a.start, s)
		}
	}
	return a.entry, a.start
}

// equal says whether all starts are the same.
func equal(starts []int64) bool {
	for _, s := range starts {
		if s != starts[0] {
			return false
		}
	}
	return true
}
