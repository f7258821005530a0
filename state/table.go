package state

import (
	"fmt"

	"pipec/state/budget"
	"pipec/state/heap"
	"pipec/vm/value"
)

// Table is one keyed state of one task: rows of (namespace, key) -> accumulators. It belongs to one goroutine.
//
// Slots and the words behind them never hold pointers, so a million keys cost the collector nothing. A slot that Upsert, Lookup or Scan
// gave stays readable until its namespace is changed by another call (Upsert, UpsertAt, Delete, Drop) or until the call after the
// next one; only slots of Upsert may be written, and only until the next call or cut.
type Table struct {
	store   *Store
	schema  Schema
	width   int        // words of a slot
	header  int        // of them before the accumulators: 2 or 3
	cells   []int      // first word of each field, counted from the slot's start
	inHeap  []heapCell // those that may have something in the heap
	hot     uint64
	heap    heap.Heap
	panes   map[int64]*pane
	near    [near]*pane
	order   []int64 // open namespaces, ascending
	free    []*pane
	cut     *tableCut // while a cut needs something of this table
	call    uint32
	moved   bool          // slots moved in this call
	removed removed       // since the checkpoint that deltas build on
	cold    *cold         // rows that are not in memory; nil: all are
	share   *budget.Share // of the memory that tables may have; nil: no limit
	count   int           // rows in memory
	bytes   int64         // of slots
	words   []int         // cells, as words of a value.Slot
	read    uint64        // keeps the reads of aim alive
	unused  []bool
	numbers numbers // scratch of a scan
}

// heapCell is a cell that may have something in the heap: its first word, counted from the slot's start.
type heapCell struct {
	at   int
	cell value.Cell
}

func newTable(s *Store, schema Schema) *Table {
	t := &Table{store: s, schema: schema, header: 3, panes: map[int64]*pane{}}
	if len(schema.Key) == 1 && fixed(schema.Key[0]) {
		t.header = 2
	}
	t.width = t.header
	for _, f := range schema.Fields {
		t.cells, t.words = append(t.cells, t.width), append(t.words, t.width-t.header)
		if f.Cell == value.CellBytes || f.Cell == value.CellSum {
			t.inHeap = append(t.inHeap, heapCell{t.width, f.Cell})
		}
		t.width += f.Cell.Words()
	}
	t.width = max(t.width, t.header+1) // a slot has an address also without fields
	t.setEpoch(s.epoch)
	return t
}

// fixed says that encoded keys of the type have at most 9 bytes.
func fixed(k value.Type) bool {
	switch k.Lane() {
	case value.LaneI64, value.LaneF64, value.LaneBool:
		return true
	}
	return false
}

func (t *Table) setEpoch(epoch uint32) { t.hot = uint64(epoch) | flagDirty | flagRef }

// Schema is what the table was made for.
func (t *Table) Schema() Schema { return t.schema }

// Word gives the first accumulator word of a field, for value.Slot.
func (t *Table) Word(field int) int { return t.words[field] }

// Heap is where the table's CellBytes values lie.
func (t *Table) Heap() value.Heap { return &t.heap }

// Bytes is the memory the table holds.
func (t *Table) Bytes() int64 { return t.bytes + t.heap.Total() + t.cold.bytes() }

// Len is the number of rows of all namespaces, those that are not in memory included.
func (t *Table) Len() int {
	n := 0
	for _, p := range t.panes {
		n += p.count + p.cold.count()
	}
	return n
}

// Namespaces appends the open namespaces, ascending. A namespace is open from its first row until it is dropped.
func (t *Table) Namespaces(dst []int64) []int64 { return append(dst, t.order...) }

// Upsert finds or makes the rows of all keys in one namespace (0 where the schema has none). slots[i] belongs to key i; fresh[i] says that
// this call made it, which for equal keys is true only of the first; fresh may be nil. All rows count as written now.
// The error is one of the backend's storage; the table is then unusable.
func (t *Table) Upsert(ns int64, keys *value.Keys, slots []value.Slot, fresh []bool) error {
	return t.upsert(nil, ns, keys, slots, fresh)
}

// UpsertAt is Upsert with a namespace for each key.
func (t *Table) UpsertAt(ns []int64, keys *value.Keys, slots []value.Slot, fresh []bool) error {
	return t.upsert(ns, 0, keys, slots, fresh)
}

// Lookup finds the rows of all keys in one namespace, for reading: slots[i] is None where there is none.
func (t *Table) Lookup(ns int64, keys *value.Keys, slots []value.Slot) error {
	if t.cold != nil {
		if err := t.cold.prepare(t, nil, ns, keys); err != nil {
			return err
		}
	}
	p := t.peek(ns)
	if p != nil {
		p.read = t.call + 1
	}
	for i := range keys.Len() {
		slots[i] = value.Slot{}
		if p == nil {
			continue
		}
		g := p.table(int(keys.Group[i]) - t.store.from)
		if at, ok := t.find(g, keys.At(i), keys.Hash[i]); ok {
			slots[i] = t.slotAt(g, at)
		}
	}
	return nil
}

// Delete removes the rows of all keys in one namespace; keys without a row are allowed.
func (t *Table) Delete(ns int64, keys *value.Keys) error {
	if t.cold != nil {
		if err := t.cold.prepare(t, nil, ns, keys); err != nil {
			return err
		}
	}
	p := t.peek(ns)
	if p == nil {
		return nil
	}
	for i := range keys.Len() {
		g := p.table(int(keys.Group[i]) - t.store.from)
		at, ok := t.find(g, keys.At(i), keys.Hash[i])
		if !ok {
			continue
		}
		if t.cold != nil {
			t.cold.deleted(p, int(keys.Group[i]), keys.At(i), keys.Hash[i])
		}
		t.removed.row(ns, keys.At(i))
		t.remove(p, g, at)
	}
	if t.cold != nil {
		return t.cold.flush(t)
	}
	return nil
}

// remove takes a row out of the table; the running cut takes it first.
func (t *Table) remove(p *pane, g *group, at int) {
	w := g.words[at : at+t.width]
	if c := t.cut; c != nil {
		c.leaving(p, g, at)
	}
	if w[0]&tagMask == tagLong {
		p.long--
	}
	t.releaseCells(w)
	g.remove(t.width, at)
	p.count--
	t.count--
}

// releaseCells gives back what a slot holds in the heap.
func (t *Table) releaseCells(w []uint64) {
	if w[0]&tagMask == tagLong {
		t.heap.Release(w[1])
	}
	for _, c := range t.inHeap {
		t.heap.Release(c.cell.Handle(w[c.at]))
	}
}

// Drop closes a namespace and forgets its rows, at once and without looking at them: a running cut keeps the pane until it has read it.
func (t *Table) Drop(ns int64) {
	p := t.panes[ns]
	if p == nil {
		return
	}
	delete(t.panes, ns)
	t.near[nearSlot(ns)] = nil
	t.removeOrder(ns)
	t.removed.namespace(ns)
	if t.cut != nil && p.born <= t.cut.epoch {
		t.cut.dropped = append(t.cut.dropped, p)
		return
	}
	t.retire(p)
}

// retire takes back a dropped pane, in memory and outside.
func (t *Table) retire(p *pane) {
	if t.cold != nil {
		t.cold.forget(t, p)
	}
	t.recycle(p)
}

// Cursor is a place in a Scan; the zero Cursor is its beginning.
type Cursor struct {
	// Plain says that nobody will look the keys up: those that are numbers come without their hashes (zeros).
	Plain bool
	table int
	at    int
	cold  coldCursor
	done  bool
}

// Scan reads rows of a namespace: up to len(slots) of them, their encoded keys into keys; 0 at the end. The order is arbitrary
// but the same for the same history. Until the end or Drop the namespace may not be changed, except for deleting rows that were given.
func (t *Table) Scan(ns int64, c *Cursor, keys *value.Keys, slots []value.Slot) (int, error) {
	keys.Reset()
	p := t.peek(ns)
	if p == nil || c.done || len(slots) == 0 {
		return 0, nil
	}
	if t.cold != nil {
		return t.cold.scan(t, p, c, keys, slots)
	}
	n := t.scanTables(p, c, keys, slots)
	c.done = n < len(slots)
	return n, nil
}

func (t *Table) scanTables(p *pane, c *Cursor, keys *value.Keys, slots []value.Slot) int {
	t.numbers.room(len(slots))
	n := 0
	for ; c.table < len(p.tables); c.table, c.at = c.table+1, 0 {
		words, at := p.tables[c.table].words, c.at
		for ; at < len(words) && n < len(slots); at += t.width {
			w0 := words[at]
			if !live(w0) {
				continue
			}
			if w0&tagMask == tagNumber {
				t.numbers.add(words[at+1], uint16(w0>>groupShift))
			} else {
				t.numbers.flush(keys, c.Plain)
				t.addKey(keys, words[at:at+t.width])
			}
			slots[n] = value.SlotAt(&words[at+t.header])
			n++
		}
		if c.at = at; n == len(slots) {
			t.numbers.flush(keys, c.Plain)
			return n
		}
	}
	t.numbers.flush(keys, c.Plain)
	c.table = allScanned // also if deletions split the pane meanwhile
	return n
}

// numbers gathers the keys of a scan that are numbers, to be written together.
type numbers struct {
	rest  []uint64
	group []uint16
	n     int
}

func (b *numbers) room(n int) {
	if len(b.rest) < n {
		b.rest, b.group = make([]uint64, n), make([]uint16, n)
	}
}

func (b *numbers) add(rest uint64, group uint16) {
	b.rest[b.n], b.group[b.n] = rest, group
	b.n++
}

func (b *numbers) flush(keys *value.Keys, plain bool) {
	keys.AddNumbers(b.rest[:b.n], b.group[:b.n], !plain)
	b.n = 0
}

func (t *Table) addKey(keys *value.Keys, w []uint64) {
	var buf [inlineKey]byte
	keys.Buf = append(keys.Buf, t.keyOf(w, &buf)...)
	keys.Off = append(keys.Off, uint32(len(keys.Buf)))
	keys.Hash = append(keys.Hash, t.hashOf(w))
	keys.Group = append(keys.Group, uint16(w[0]>>groupShift))
}

func (t *Table) name() string { return fmt.Sprintf("%s/%s", t.schema.Node, t.schema.Name) }
