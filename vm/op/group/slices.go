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
// A row that is late for some of its windows is in no slice, because slices are shared, but in a pane of its own for each of the others.
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

	total  *state.Table // the sum of the slices of the window that fires
	next   int64        // windows before have fired
	open   []int64
	window int64 // the window that fires, if firing
	firing bool
	parts  []int64 // slices left to add
	extra  bool    // its pane is left to add
	cursor state.Cursor
	keys1  value.Keys
	buf    []value.Slot
	dst    []value.Slot
	had    []bool // groups that had rows in it
}

func newSlices(c *run.Context, w *windowed) (*sliced, error) {
	from, to, groups := c.Store.Groups()
	named := func(suffix string) state.Schema {
		s := w.schema
		s.Name += suffix
		return s
	}
	s := &sliced{windowed: w, from: from, next: value.NoTime, buf: make([]value.Slot, w.size), dst: make([]value.Slot, w.size)}
	s.apart = c.Store.Table(named(".late"))
	s.fired = c.Store.Table(state.Schema{Node: w.schema.Node, Name: w.schema.Name + ".fired", Key: []value.Type{value.Of(value.Int)}, Fields: []value.StateField{{Name: "next", Cell: value.CellInt}}})
	s.total = state.Scratch(named(""), groups)
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
func (s *sliced) due() bool { return s.firing }

// choose finds the next window that has rows and whose end has come, and forgets slices that no window needs any more.
func (s *sliced) choose() {
	found, window := false, int64(0)
	s.open = s.table.Namespaces(s.open[:0])
	for i, start := range s.open {
		first := max(s.win.last(s.win.sliceEnd(start)-s.win.Size+s.win.Step-1), s.next)
		if first > s.win.last(start) {
			s.table.Drop(start)
			continue
		}
		found, window = true, first
		s.open = s.open[i:]
		break
	}
	if !found {
		s.open = s.open[:0]
	}
	apart := s.apart.Namespaces(s.parts[:0])
	if s.parts = apart[:0]; len(apart) > 0 && (!found || apart[0] <= window) {
		found, window = true, apart[0]
	}
	s.firing = found && window+s.win.Size <= s.mark
	if !s.firing {
		return
	}
	s.window, s.extra = window, true
	for _, start := range s.open {
		if start >= window && start < window+s.win.Size {
			s.parts = append(s.parts, start)
		}
	}
}

// fire implements windows: first slice after slice is added up, then the sums are given.
func (s *sliced) fire() error {
	if err := s.load(); err != nil {
		return err
	}
	if len(s.parts) > 0 {
		last, err := s.sum(s.table, s.parts[0])
		if last {
			s.parts = s.parts[1:]
		}
		return err
	}
	if s.extra {
		last, err := s.sum(s.apart, s.window)
		s.extra = !last
		return err
	}
	return s.give()
}

// sum adds a piece of a pane to the total, and says whether that was all of it.
func (s *sliced) sum(t *state.Table, pane int64) (last bool, err error) {
	n, err := t.Scan(pane, &s.cursor, &s.keys1, s.buf)
	if err != nil {
		return false, err
	}
	if last = n < len(s.buf); last {
		s.cursor = state.Cursor{}
	}
	keys, src := s.unfired(&s.keys1, s.buf[:n])
	if len(src) == 0 {
		return last, nil
	}
	if err := s.total.Upsert(0, keys, s.dst[:len(src)], nil); err != nil {
		return false, err
	}
	s.merge(s.total, s.dst[:len(src)], t, src)
	return last, nil
}

// unfired leaves those out for whose key group the window has fired before a restore.
func (s *sliced) unfired(keys *value.Keys, slots []value.Slot) (*value.Keys, []value.Slot) {
	fired := func(g uint16) bool { return s.after[int(g)-s.from] > s.window }
	if !slices.ContainsFunc(keys.Group, fired) {
		return keys, slots
	}
	var left value.Keys // only right after a restore, so it may cost something
	left.Reset()
	n := 0
	for i, g := range keys.Group {
		if !fired(g) {
			left.Add(keys.At(i), s.groups)
			slots[n] = slots[i]
			n++
		}
	}
	return &left, slots[:n]
}

// give gives a batch of the sums; after the last one the window is over.
func (s *sliced) give() error {
	n, err := s.total.Scan(0, &s.cursor, &s.keys1, s.buf)
	if err != nil {
		return err
	}
	if n > 0 {
		for _, g := range s.keys1.Group {
			s.had[int(g)-s.from] = true
		}
		if err := s.rowsOf(s.window, &s.keys1, s.buf[:n], s.total.Heap()); err != nil {
			return err
		}
	}
	if n == len(s.buf) {
		return nil
	}
	s.cursor = state.Cursor{}
	s.total.Drop(0)
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
