package group

import (
	"slices"

	"pipec/state"
	"pipec/vm/op/run"
	"pipec/vm/value"
)

// sliced keeps the rows of overlapping windows once: in slices of time between any two places where a window begins or ends, of which there are two per step (Krishnamurthy, Wu, Franklin:
// On-the-Fly Sharing for Streamed Aggregation, 2006). A window that fires is the sum of its slices.
//
// A row that is late for some of its windows is in no slice, because slices are shared, but in a pane of its own for each of the others. So a slice never changes once a window that it is in
// has fired.
//
// Which windows have fired is noted by key group, and only for groups that had rows in them: a task that takes keys over from several others may begin with a watermark before the ends of
// windows that some of them have fired.
type sliced struct {
	*windowed
	apart  *state.Table // panes of rows that are late for some windows
	fired  *state.Table // by key group: the first window that has not fired
	groupK value.Keys   // one key per owned key group that lies in it
	from   int          // first owned key group
	after  []int64      // what fired says, by group
	loaded bool
	slots1 []value.Slot

	rows  []int32 // rows for slices
	where []int64
	rowsA []int32 // rows for panes
	wherA []int64

	total  total // the sum of the slices of the window that fires
	next   int64 // windows before have fired
	open   []int64
	leave  []int64 // slices to be taken out of the sum and forgotten
	window int64   // the window that fires, if firing
	firing bool
	parts  []int64 // slices left to add
	phase  phase
	cursor state.Cursor
	keys1  value.Keys
	buf    []value.Slot
	had    []bool // groups that had rows in it
}

// phase is what is left to do for the window that fires, behind its slices.
type phase int

const (
	addApart  phase = iota // its pane is to be added
	giveRows               // the sums are to be given
	takeApart              // its pane is to be taken out again
)

func newSlices(c *run.Context, w *windowed) (*sliced, error) {
	from, to, groups := c.Store.Groups()
	named := func(suffix string) state.Schema {
		s := w.schema
		s.Name += suffix
		return s
	}
	s := &sliced{windowed: w, from: from, next: value.NoTime, buf: make([]value.Slot, w.size)}
	s.apart = c.Store.Table(named(".late"))
	s.fired = c.Store.Table(state.Schema{Node: w.schema.Node, Name: w.schema.Name + ".fired", Key: []value.Type{value.Of(value.Int)}, Fields: []value.StateField{{Name: "next", Cell: value.CellInt}}})
	s.total = newTotal(w.grouping, groups, w.size)
	s.groupK = groupKeys(from, to, groups)
	s.slots1 = make([]value.Slot, to-from)
	s.had = make([]bool, to-from)
	return s, nil
}

// groupKeys finds for each key group the smallest number whose key lies in it.
func groupKeys(from, to, groups int) value.Keys {
	found := make([][]byte, to-from)
	numbers := value.NewVec(value.Of(value.Int))
	var keys value.Keys
	for base, left := int64(0), to-from; left > 0; base += 1024 {
		numbers.Resize(1024)
		for i := range numbers.I64 {
			numbers.I64[i] = base + int64(i)
		}
		keys.Encode([]*value.Vec{numbers}, []value.Type{value.Of(value.Int)}, value.Identity(1024), groups)
		for i, g := range keys.Group {
			if g := int(g); g >= from && g < to && found[g-from] == nil {
				found[g-from] = slices.Clone(keys.At(i))
				left--
			}
		}
	}
	keys.Reset()
	for _, k := range found {
		keys.Add(k, groups)
	}
	return keys
}

// load reads, once, what the state says has fired.
func (s *sliced) load() error {
	if s.loaded {
		return nil
	}
	s.loaded = true
	s.after = make([]int64, len(s.slots1))
	if err := s.fired.Lookup(0, &s.groupK, s.slots1); err != nil {
		return err
	}
	for i, slot := range s.slots1 {
		s.after[i] = value.NoTime
		if !slot.None() {
			s.after[i] = *slot.Int(s.fired.Word(0))
		}
	}
	return nil
}

// sliceOf is the start of the slice that t lies in.
func (w *Window) sliceOf(t int64) int64 {
	base := w.last(t)
	if rest := w.Size % w.Step; rest != 0 && t-base >= rest {
		return base + rest
	}
	return base
}

// sliceEnd is the end of the slice that starts there.
func (w *Window) sliceEnd(start int64) int64 {
	base := w.last(start)
	if rest := w.Size % w.Step; rest != 0 && start == base {
		return base + rest
	}
	return base + w.Step
}

// take implements windows.
func (s *sliced) take() error {
	a, win := &s.a, s.win
	s.rows, s.where, s.rowsA, s.wherA = s.rows[:0], s.where[:0], s.rowsA[:0], s.wherA[:0]
	for ; a.at < len(a.rows); a.at++ {
		r, low, high := a.rows[a.at], a.low[a.at], a.high[a.at]
		t := s.in.Time[r]
		if low-win.Step <= t-win.Size {
			s.rows, s.where = append(s.rows, r), append(s.where, win.sliceOf(t))
			continue
		}
		if len(s.rowsA) > 0 && len(s.rowsA)+int((high-low)/win.Step) > entries {
			break
		}
		for start := low; start <= high; start += win.Step {
			s.rowsA, s.wherA = append(s.rowsA, r), append(s.wherA, start)
		}
	}
	if err := s.add(s.table, s.rows, s.where); err != nil {
		return err
	}
	return s.add(s.apart, s.rowsA, s.wherA)
}

func (s *sliced) add(t *state.Table, rows []int32, starts []int64) error {
	if len(rows) == 0 {
		return nil
	}
	if err := s.locate(t, s.in, rows, starts); err != nil {
		return err
	}
	s.update(t, s.in, rows)
	return nil
}

// advance implements windows.
func (s *sliced) advance() { s.choose() }

// due implements windows.
func (s *sliced) due() bool { return s.firing || len(s.leave) > 0 }

// choose finds the next window that has rows and whose end has come, and forgets slices that no window needs any more.
func (s *sliced) choose() {
	found, window := false, int64(0)
	s.open = s.table.Namespaces(s.open[:0])
	for i, start := range s.open {
		first := max(s.win.last(s.win.sliceEnd(start)-s.win.Size+s.win.Step-1), s.next)
		if first > s.win.last(start) {
			if s.total.holds(start) {
				s.leave = append(s.leave, start)
			} else {
				s.table.Drop(start)
			}
			continue
		}
		found, window = true, first
		s.open = s.open[i:]
		break
	}
	if !found {
		s.open = s.open[:0]
	}
	if s.total.cheaperAnew(len(s.leave)) {
		s.total.clear()
		for _, start := range s.leave {
			s.table.Drop(start)
		}
		s.leave = s.leave[:0]
	}
	apart := s.apart.Namespaces(s.parts[:0])
	if s.parts = apart[:0]; len(apart) > 0 && (!found || apart[0] <= window) {
		found, window = true, apart[0]
	}
	s.firing = found && window+s.win.Size <= s.mark
	if !s.firing {
		return
	}
	s.window, s.phase = window, addApart
	for _, start := range s.open {
		if start >= window && start < window+s.win.Size && !s.total.holds(start) {
			s.parts = append(s.parts, start)
		}
	}
}

// fire implements windows: slices that left are taken out of the sum, then slice after slice is added, then the sums are given.
func (s *sliced) fire() error {
	if err := s.load(); err != nil {
		return err
	}
	switch {
	case len(s.leave) > 0:
		start := s.leave[0]
		last, err := s.total.take(s.table, start, &s.cursor)
		if last {
			s.total.left(start)
			s.table.Drop(start)
			s.leave = s.leave[1:]
		}
		return err
	case len(s.parts) > 0:
		start := s.parts[0]
		last, err := s.total.add(s.table, start, &s.cursor)
		if last {
			s.total.entered(start)
			s.parts = s.parts[1:]
		}
		return err
	case s.phase == addApart:
		last, err := s.total.add(s.apart, s.window, &s.cursor)
		if last {
			s.phase = giveRows
		}
		return err
	case s.phase == giveRows:
		last, err := s.give()
		if last {
			s.phase = takeApart
		}
		return err
	}
	last, err := s.total.take(s.apart, s.window, &s.cursor)
	if last {
		return s.over()
	}
	return err
}

// give gives a batch of the sums, and says whether that was all. Of key groups for which the window fired before a restore it gives none.
func (s *sliced) give() (last bool, err error) {
	s.cursor.Plain = true
	n, err := s.total.table.Scan(0, &s.cursor, &s.keys1, s.buf)
	if err != nil {
		return false, err
	}
	if last = n < len(s.buf); last {
		s.cursor = state.Cursor{}
	}
	refires := slices.ContainsFunc(s.keys1.Group, func(g uint16) bool { return s.after[int(g)-s.from] > s.window })
	if refires || s.total.gone > 0 {
		n = keep(&s.keys1, s.buf[:n], func(i int) bool { return s.after[int(s.keys1.Group[i])-s.from] <= s.window && s.total.alive(s.buf[i]) })
	}
	if n == 0 {
		return last, nil
	}
	for _, g := range s.keys1.Group {
		s.had[int(g)-s.from] = true
	}
	return last, s.rowsOf(s.window, &s.keys1, s.buf[:n], s.total.table.Heap())
}

// over ends a window.
func (s *sliced) over() error {
	s.total.over()
	s.apart.Drop(s.window)
	s.next = s.window + s.win.Step
	if err := s.note(); err != nil {
		return err
	}
	s.choose()
	return nil
}

// note writes down that the window has fired for the groups that had rows in it.
func (s *sliced) note() error {
	s.keys1.Reset()
	for i, had := range s.had {
		if had {
			s.keys1.Add(s.groupK.At(i), s.groups)
			s.after[i], s.had[i] = s.next, false
		}
	}
	n := s.keys1.Len()
	if n == 0 {
		return nil
	}
	if err := s.fired.Upsert(0, &s.keys1, s.slots1[:n], nil); err != nil {
		return err
	}
	for _, slot := range s.slots1[:n] {
		*slot.Int(s.fired.Word(0)) = s.next
	}
	return nil
}
