package group

import (
	"pipec/compiler/plan"
	"pipec/vm/agg"
	"pipec/vm/eval"
	"pipec/vm/op/run"
	"pipec/vm/value"
)

// emission makes rows of aggregates: key, window, results, and what is computed from them. A set of results is made by
//
//	open(n)        room for n rows
//	key, window    by the caller, into group
//	aggregate      the results of n slots
//	compute        the output columns, in out
//
// and then either emitted as it is (plain), or as changes (changes), of which an update may need what was there before (old). Text in its columns is its own.
type emission struct {
	parts  []part
	types  []value.Type // of the key
	keys   int
	window bool
	items  []item
	size   int // rows of a batch of output
	box    *run.Outbox
	errors *run.RowErrors
	schema value.Schema // of the output

	group  value.Batch  // key, window, aggregates
	coded  []*value.Vec // key columns that were decoded
	taken  []*value.Vec // key columns that share text and elements with the input, and so may never be resized
	out    value.Batch
	errs   eval.Errors
	failed []int32 // by row: the first output that failed, -1: none; as long as errs has any
	at     int     // the output that is being computed
	times  []int64
	result agg.Result

	before *value.Batch // rows that updates replace, and then what replaces them
	first  int          // rows in before that are the old ones
	final  *value.Batch
	change []int32 // output rows as rows of what they are taken from
	kinds  []value.RowKind
	next   int // in change
	direct bool
	piece  []value.RowKind
	sel    []int32
}

// item is one output column: a column of group, or an expression.
type item struct {
	column  int
	program *eval.Program
}

func newEmission(c *run.Context, g *grouping, box *run.Outbox) (*emission, error) {
	m := &emission{parts: g.parts, types: g.types, keys: len(g.config.Keys), window: g.config.Window != nil, size: run.BatchSize(c.Job), box: box, schema: c.Node.Ports[0].Type.Schema}
	m.errors = c.Errors.Of(m.schema)
	for _, t := range m.types {
		m.coded, m.taken = append(m.coded, value.NewVec(t)), append(m.taken, value.NewVec(t))
	}
	m.group.Cols = make([]*value.Vec, m.keys, m.behind()+len(m.parts))
	for i := m.keys; i < m.behind(); i++ {
		m.group.Cols = append(m.group.Cols, value.NewVec(value.Of(value.Timestamp)))
	}
	for _, p := range m.parts {
		m.group.Cols = append(m.group.Cols, value.NewVec(p.typ))
	}
	m.before, m.final = value.NewBatch(m.schema), value.NewBatch(m.schema)
	for _, e := range g.config.Items {
		it := item{column: e.Col}
		if e.Op != plan.OpColumn {
			var err error
			if it.program, err = eval.Compile(e, c.Env); err != nil {
				return nil, err
			}
		}
		m.items = append(m.items, it)
	}
	m.result.Fail = m.fail
	return m, nil
}

// behind is the number of columns before the aggregates.
func (m *emission) behind() int {
	if m.window {
		return m.keys + 2
	}
	return m.keys
}

// open makes room for n rows.
func (m *emission) open(n int) {
	m.group.Len, m.group.Time = n, nil
	for _, c := range m.group.Cols[m.keys:] {
		c.Resize(n)
	}
	m.errs.Reset(n)
}

// keysOf decodes the key columns of all rows.
func (m *emission) keysOf(keys *value.Keys) error {
	n := keys.Len()
	for k, c := range m.coded {
		c.Resize(n)
		m.group.Cols[k] = c
	}
	return keys.Decode(m.coded, m.types)
}

// keysFrom takes the key columns from rows of the input.
func (m *emission) keysFrom(cols []*value.Vec, rows []int32) {
	for k, c := range cols {
		m.taken[k].Take(c, rows)
		m.group.Cols[k] = m.taken[k]
	}
}

// windows gives row i the window that starts there, and all rows their event time: the end less a microsecond (language A11).
func (m *emission) windows(size int64, start func(i int) int64) {
	from, to := m.group.Cols[m.keys].I64, m.group.Cols[m.keys+1].I64
	m.times = resized(m.times, len(from))
	for i := range from {
		from[i] = start(i)
		to[i] = from[i] + size
		m.times[i] = to[i] - 1
	}
	m.group.Time = m.times
}

func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, 64))
	}
	return s[:n]
}

// aggregate writes the results of the slots.
func (m *emission) aggregate(slots []value.Slot, heap value.Heap) {
	r := &m.result
	r.Slots, r.Heap = slots, heap
	for i := range m.parts {
		p := &m.parts[i]
		r.Types, r.Type, r.Word, r.Out = p.types, p.typ, p.word, m.group.Cols[m.behind()+i]
		m.at = p.item
		p.spec.Result(r)
	}
}

// fail is the result of a slot that cannot be emitted.
func (m *emission) fail(i int32, code, text string) {
	if !m.errs.Any() {
		m.unfailed()
	}
	if f := &m.failed[i]; *f < 0 || int(*f) > m.at {
		*f = int32(m.at)
	}
	m.errs.Add(i, code, text)
}

// unfailed makes failed as long as the rows, at the first error.
func (m *emission) unfailed() {
	m.failed = resized(m.failed, m.group.Len)
	for i := range m.failed {
		m.failed[i] = -1
	}
}

// compute gives the output columns.
func (m *emission) compute() {
	n := m.group.Len
	rows := value.Identity(n)
	if m.errs.Any() {
		m.sel = m.errs.Without(m.sel, rows)
		rows = m.sel
	}
	m.out.Share(&m.group)
	m.out.Cols = append(m.out.Cols[:0], m.group.Cols[:m.behind()]...)
	for i, it := range m.items {
		if it.program == nil {
			m.out.Cols = append(m.out.Cols, m.group.Cols[it.column])
			continue
		}
		had := len(m.errs.Rows)
		m.out.Cols = append(m.out.Cols, it.program.Run(&m.group, rows, &m.errs))
		if len(m.errs.Rows) == had {
			continue
		}
		if had == 0 {
			m.unfailed()
		}
		for _, r := range m.errs.Rows[had:] {
			m.failed[r] = int32(i)
		}
		m.sel = m.errs.Without(m.sel, rows)
		rows = m.sel
	}
}

// report tells of the rows that failed: as they would have been, with null from the first output on that could not be computed.
func (m *emission) report() error {
	if !m.errs.Any() {
		return nil
	}
	rows := append([]int32(nil), m.errs.Rows...)
	n := len(rows)
	bad := value.NewBatch(m.schema)
	bad.Len = n
	var errs eval.Errors
	errs.Reset(n)
	for c, col := range m.out.Cols {
		bad.Cols[c].Take(col, rows)
		for i, r := range rows {
			if c >= m.behind()+int(m.failed[r]) {
				bad.Cols[c].SetNull(i, n)
			}
		}
	}
	for i, r := range rows {
		errs.Add(int32(i), m.errs.Code[i], m.errs.Text[i])
		if m.out.Time != nil {
			bad.Time = append(bad.Time, m.out.Time[r])
		}
	}
	return m.errors.Add(m.box, bad, &errs)
}

// plain puts all rows that did not fail into the outbox, as inserts.
func (m *emission) plain() error {
	if m.errs.Any() {
		m.sel = m.errs.Without(m.sel, value.Identity(m.group.Len))
		m.out.Sel = m.sel
	}
	if err := m.report(); err != nil {
		return err
	}
	m.box.Put(0, &m.out)
	return nil
}

// old keeps the computed rows as those that updates replace. Rows that failed never got out, so nothing is told of them again.
func (m *emission) old() {
	m.before.Clear()
	m.before.AppendRows(&m.out, value.Identity(m.out.Len))
	m.first = m.before.Len
}

// changes puts the computed rows into the outbox as changes, piece by piece: existed tells for each row whether it replaces one, was which of the old rows that is (-1: it is not there;
// nil: nobody wants to know). oldFailed tells which old rows failed.
func (m *emission) changes(existed []bool, was []int32, oldFailed []bool) error {
	m.change, m.kinds, m.next = m.change[:0], m.kinds[:0], 0
	base := int32(0)
	if m.direct = was == nil; !m.direct {
		base = int32(m.first)
	}
	for i := range m.out.Len {
		r := int32(i)
		if m.errs.Has(r) {
			continue
		}
		kind := value.Insert
		if existed[i] {
			kind = value.UpdateAfter
		}
		if was != nil && existed[i] {
			if o := was[i]; o >= 0 && !oldFailed[o] {
				m.change, m.kinds = append(m.change, o), append(m.kinds, value.UpdateBefore)
			} else {
				kind = value.Insert
			}
		}
		m.change, m.kinds = append(m.change, base+r), append(m.kinds, kind)
	}
	if err := m.report(); err != nil {
		return err
	}
	if !m.direct {
		m.before.AppendRows(&m.out, value.Identity(m.out.Len))
		m.before.Trim()
	}
	return nil
}

// left says whether changes wait to be put into the outbox.
func (m *emission) left() bool { return m.next < len(m.change) }

// put moves the next piece of changes to the outbox: at most a batch, but never half an update.
func (m *emission) put() {
	from, to := m.next, min(m.next+m.size, len(m.change))
	if m.kinds[to-1] == value.UpdateBefore {
		if to--; to == from {
			to += 2
		}
	}
	m.next = to
	rows, kinds := m.change[from:to], m.kinds[from:to]
	if m.direct {
		// Kinds are by row and rows are selected: no column is touched.
		m.piece = resized(m.piece, m.out.Len)
		for i, r := range rows {
			m.piece[r] = kinds[i]
		}
		m.out.Sel, m.out.Kinds = rows, m.piece
		m.box.Put(0, &m.out)
		return
	}
	m.final.Len, m.final.Sel, m.final.Kinds = len(rows), nil, kinds
	for c, col := range m.before.Cols {
		m.final.Cols[c].Take(col, rows)
	}
	m.times, m.final.Time = run.Gather(m.times, m.before.Time, rows)
	m.box.Put(0, m.final)
}
