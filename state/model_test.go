package state

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"pipec/vm/value"
)

// The model is a Go map; every backend must behave like it, whatever comes between.

type modelKey struct {
	ns  int64
	key string
}

type modelRow struct {
	n    int64
	f    float64
	a, b uint64
	text string
	sum  value.Dec
}

type model map[modelKey]modelRow

// modelSchemas differ in what matters to a table: the header of slots, namespaces, values in the heap.
func modelSchemas() []Schema {
	all := []value.StateField{{Name: "n"}, {Name: "f", Cell: value.CellFloat}, {Name: "w", Cell: value.CellWide}, {Name: "t", Cell: value.CellBytes}, {Name: "s", Cell: value.CellSum}}
	return []Schema{
		{Node: "ints", Name: "s", Key: []value.Type{value.Of(value.Int)}, Fields: all},
		{Node: "texts", Name: "s", Key: []value.Type{value.Of(value.String)}, Namespaced: true, Fields: all},
		{Node: "narrow", Name: "s", Key: []value.Type{value.Of(value.Int)}, Namespaced: true, Fields: all[:1]},
		{Node: "bare", Name: "s", Key: []value.Type{value.Of(value.String), value.Of(value.Int)}},
	}
}

// modelKeyOf makes key number i of a schema: short, of two words, or long.
func modelKeyOf(s Schema, i int) string {
	if s.Key[0].Kind == value.Int {
		return string(value.AppendKey(nil, &value.Vec{Lane: value.LaneI64, I64: []int64{int64(i)}}, s.Key[0], 0))
	}
	text := fmt.Sprint(i)
	switch i % 3 {
	case 1:
		text += "-medium"
	case 2:
		text += "-a key that is longer than a slot can hold"
	}
	return text
}

// machine runs a table beside its model.
type machine struct {
	t      *rapid.T
	store  *Store
	tables []*Table
	models []model
	groups int
	keys   value.Keys
	slots  []value.Slot
	fresh  []bool

	cut     *Snapshot
	cutRows []model // the models at the cut
	file    []byte
	last    uint64              // checkpoint completed last
	next    uint64              // number of the next one
	chains  map[uint64][][]byte // by checkpoint: a whole snapshot and its deltas
	check   func(chain [][]byte, want []model)
}

func newMachine(t *rapid.T, s *Store) *machine {
	m := &machine{t: t, next: 1, chains: map[uint64][][]byte{}, store: s, groups: s.groups, slots: make([]value.Slot, 4096), fresh: make([]bool, 4096)}
	for _, schema := range modelSchemas() {
		m.tables = append(m.tables, s.Table(schema))
		m.models = append(m.models, model{})
	}
	return m
}

// draw picks a table, a namespace and up to n keys of the store's key groups into m.keys.
func (m *machine) draw(n int) (int, []string, int64) {
	i := rapid.IntRange(0, len(m.tables)-1).Draw(m.t, "table")
	schema := m.tables[i].schema
	ns := int64(0)
	if schema.Namespaced {
		ns = rapid.Int64Range(-2, 2).Draw(m.t, "ns")
	}
	space := rapid.SampledFrom([]int{5, 100, 900}).Draw(m.t, "space")
	count := rapid.IntRange(1, n).Draw(m.t, "count")
	first, step := rapid.IntRange(0, space-1).Draw(m.t, "first"), rapid.SampledFrom([]int{1, 7, 101}).Draw(m.t, "step")
	m.keys.Reset()
	var names []string
	for k := range count {
		name := modelKeyOf(schema, (first+k*step)%space)
		if g := value.GroupOf([]byte(name), m.groups); g >= m.store.from && g < m.store.to {
			m.keys.Add([]byte(name), m.groups)
			names = append(names, name)
		}
	}
	return i, names, ns
}

func (m *machine) must(err error) {
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) upsert(spread bool) {
	i, names, ns := m.draw(400)
	each := make([]int64, len(names))
	for k := range each {
		each[k] = ns
		if spread && m.tables[i].schema.Namespaced {
			each[k] += int64(k % 3)
		}
	}
	if spread {
		m.must(m.tables[i].UpsertAt(each, &m.keys, m.slots, m.fresh))
	} else {
		m.must(m.tables[i].Upsert(ns, &m.keys, m.slots, m.fresh))
	}
	value := rapid.Int64().Draw(m.t, "value")
	text := rapid.SampledFrom([]string{"", "x", "some text", string(make([]byte, 300))}).Draw(m.t, "text")
	seen := map[modelKey]bool{}
	first := m.tables[i].Distinct(m.slots[:len(names)], []int32{-1})[1:]
	for k, name := range names {
		id := modelKey{each[k], name}
		_, had := m.models[i][id]
		if !seen[id] {
			if len(first) == 0 || first[0] != int32(k) {
				m.t.Fatalf("key %q: it is the first of its row, not among %v", name, first)
			}
			first = first[1:]
		}
		if m.fresh[k] != (!had && !seen[id]) {
			m.t.Fatalf("key %q: fresh %v, known %v, seen in this batch %v", name, m.fresh[k], had, seen[id])
		}
		seen[id] = true
	}
	if len(first) > 0 {
		m.t.Fatalf("%v are not the first of their rows", first)
	}
	for k, name := range names {
		id := modelKey{each[k], name}
		m.models[i][id] = m.write(i, m.slots[k], m.models[i][id], value, text)
	}
}

// write changes a slot and gives the row it must then be.
func (m *machine) write(i int, s value.Slot, r modelRow, v int64, text string) modelRow {
	t := m.tables[i]
	if len(t.schema.Fields) > 0 {
		*s.Int(t.Word(0)) += v
		r.n += v
	}
	if len(t.schema.Fields) > 1 {
		*s.Float(t.Word(1)) = float64(v)
		*s.Uint(t.Word(2))++
		*s.Uint(t.Word(2) + 1) = uint64(v)
		cell := s.Uint(t.Word(3))
		r.f, r.a, r.b, r.text = float64(v), r.a+1, uint64(v), text
		if v%2 == 0 {
			r.text = string(t.Heap().Bytes(*cell)) + text
			if len(r.text) > 2000 {
				r.text = ""
			}
		}
		*cell = t.Heap().Put(*cell, []byte(r.text))
		r.sum, _ = s.Sum(t.Word(4), t.Heap()).Add(value.Dec{Hi: v >> 62, Lo: uint64(v)})
		s.SetSum(t.Word(4), r.sum, t.Heap())
	}
	return r
}

func readModel(t *Table, s value.Slot) (r modelRow) {
	word := func(name string) int { return t.Word(t.schema.field(name)) }
	if len(t.schema.Fields) > 0 {
		r.n = *s.Int(word("n"))
	}
	if len(t.schema.Fields) > 1 {
		r.f, r.a, r.b = *s.Float(word("f")), *s.Uint(word("w")), *s.Uint(word("w") + 1)
		r.text = string(t.Heap().Bytes(*s.Uint(word("t"))))
		r.sum = s.Sum(word("s"), t.Heap())
	}
	return r
}

func (m *machine) lookup() {
	i, names, ns := m.draw(300)
	m.must(m.tables[i].Lookup(ns, &m.keys, m.slots))
	for k, name := range names {
		want, ok := m.models[i][modelKey{ns, name}]
		if m.slots[k].None() == ok {
			m.t.Fatalf("key %q is found: %v, want %v", name, !m.slots[k].None(), ok)
		}
		if ok && readModel(m.tables[i], m.slots[k]) != want {
			m.t.Fatalf("key %q: %+v, want %+v", name, readModel(m.tables[i], m.slots[k]), want)
		}
	}
}

func (m *machine) remove() {
	i, names, ns := m.draw(100)
	m.must(m.tables[i].Delete(ns, &m.keys))
	for _, name := range names {
		delete(m.models[i], modelKey{ns, name})
	}
}

func (m *machine) drop() {
	i, _, ns := m.draw(1)
	m.tables[i].Drop(ns)
	maps.DeleteFunc(m.models[i], func(k modelKey, _ modelRow) bool { return k.ns == ns })
}

func (m *machine) begin() {
	before, rows := m.cut, m.cutRows
	m.cut = nil
	if rapid.Bool().Draw(m.t, "delta") {
		m.cut = m.store.CutSince(m.last, m.next, nil)
	}
	if m.cut == nil {
		m.cut = m.store.Cut(m.next, nil)
	}
	m.next++
	if before != nil { // the store has finished it; what is left of the file comes at once
		m.collect(before, rows, math.MaxInt)
	}
	m.cutRows, m.file = nil, nil
	for _, one := range m.models {
		m.cutRows = append(m.cutRows, maps.Clone(one))
	}
}

// step goes on with the cut if there is one.
func (m *machine) step() {
	if m.cut == nil {
		return
	}
	if m.collect(m.cut, m.cutRows, rapid.SampledFrom([]int{1, 40, 700}).Draw(m.t, "budget")) {
		m.cut = nil
	}
}

func (m *machine) collect(c *Snapshot, want []model, budget int) bool {
	chunk, done, err := c.Next(budget)
	m.must(err)
	m.file = append(m.file, chunk...)
	if !done {
		return false
	}
	base, rows := c.footer.Base, 0
	for _, one := range want {
		rows += len(one)
	}
	if int(c.Rows()) > rows || base == 0 && int(c.Rows()) != rows {
		m.t.Fatalf("%d rows in the snapshot instead of %d", c.Rows(), rows)
	}
	m.chains[c.Checkpoint()] = append(slices.Clip(m.chains[base]), m.file)
	m.check(m.chains[c.Checkpoint()], want)
	m.last = c.Checkpoint()
	if rapid.Bool().Draw(m.t, "completed") {
		m.store.Completed(m.last)
	}
	return true
}

func (m *machine) abort() {
	if m.cut != nil {
		m.cut.Abort()
		m.cut = nil
	}
}

// compare reads a table by scans of n rows and compares it with its model.
func compare(t *rapid.T, tab *Table, want model, n int) {
	got := model{}
	var keys value.Keys
	slots := make([]value.Slot, n)
	for _, ns := range tab.Namespaces(nil) {
		var c Cursor
		for {
			k, err := tab.Scan(ns, &c, &keys, slots)
			if err != nil {
				t.Fatal(err)
			}
			if k == 0 {
				break
			}
			for i := range k {
				id := modelKey{ns, string(keys.At(i))}
				if _, twice := got[id]; twice {
					t.Fatalf("%s: the scan gives %+v twice", tab.name(), id)
				}
				got[id] = readModel(tab, slots[i])
			}
		}
	}
	if !maps.Equal(got, want) {
		t.Fatalf("%s: %d rows by scan, want %d, or they differ", tab.name(), len(got), len(want))
	}
	if tab.Len() != len(want) {
		t.Fatalf("%s: Len %d, want %d", tab.name(), tab.Len(), len(want))
	}
}

func (m *machine) compareAll() {
	for i, tab := range m.tables {
		compare(m.t, tab, m.models[i], rapid.SampledFrom([]int{1, 13, 2000}).Draw(m.t, "scan"))
		if ns := tab.Namespaces(nil); !slices.IsSorted(ns) {
			m.t.Fatal("namespaces are not ascending")
		}
	}
}

// run makes n random calls.
func (m *machine) run(n int) {
	for range n {
		switch op := rapid.IntRange(0, 19).Draw(m.t, "op"); {
		case op < 6:
			m.upsert(false)
		case op < 8:
			m.upsert(true)
		case op < 10:
			m.lookup()
		case op < 12:
			m.remove()
		case op < 13:
			m.drop()
		case op < 14:
			m.begin()
		case op < 18:
			m.step()
		case op < 19:
			m.abort()
		default:
			m.compareAll()
		}
	}
	for m.cut != nil {
		m.step()
	}
	m.compareAll()
}

func TestModel(t *testing.T) {
	all := backends(t)
	for _, b := range all {
		t.Run(b.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				from, to, groups := 3, 13, 16
				if rapid.Bool().Draw(rt, "one group") {
					from, to = 5, 6
				}
				s := b.store(rt, from, to, groups)
				m := newMachine(rt, s)
				m.check = func(chain [][]byte, want []model) {
					other := rapid.SampledFrom(all).Draw(rt, "other backend")
					restoreCompare(rt, other, [][][]byte{chain}, want, from, to, groups)
				}
				m.run(40)
				s.Close()
			})
		})
	}
}

// restoreCompare loads snapshots with their deltas into the stores of two tasks that share the key groups, and compares what they hold together.
func restoreCompare(t *rapid.T, b backend, chains [][][]byte, want []model, from, to, groups int) {
	mid := rapid.IntRange(from, to).Draw(t, "mid")
	for _, span := range [][2]int{{from, mid}, {mid, to}} {
		if span[0] == span[1] {
			continue
		}
		s := b.store(t, span[0], span[1], groups)
		var tables []*Table
		for _, schema := range modelSchemas() {
			schema.Fields = slices.Clone(schema.Fields)
			slices.Reverse(schema.Fields) // fields are found by name
			tables = append(tables, s.Table(schema))
		}
		for _, chain := range chains {
			loadChain(t, s, chain)
		}
		for i, tab := range tables {
			part := model{}
			for k, v := range want[i] {
				if g := value.GroupOf([]byte(k.key), groups); g >= span[0] && g < span[1] {
					part[k] = v
				}
			}
			compare(t, tab, part, 100)
		}
		s.Close()
	}
}

func loadChain(t *rapid.T, s *Store, chain [][]byte) {
	for _, file := range chain {
		f, err := openFile(file)
		if err == nil {
			err = s.Load(f)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestDeltas: two tasks make chains of deltas, their state is divided anew, and a restored task goes on with its chain.
func TestDeltas(t *testing.T) {
	all := backends(t)
	for _, b := range all {
		if b.name == "memory" {
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				const from, mid, to, groups = 3, 7, 13, 16
				var chains [][][]byte
				union := make([]model, len(modelSchemas()))
				for _, span := range [][2]int{{from, mid}, {mid, to}} {
					m := deltaMachine(rt, b, span, groups)
					m.run(12)
					m.begin()
					for m.cut != nil {
						m.step()
					}
					m.store.Close()
					m = m.restored(deltaMachine(rt, b, span, groups))
					m.run(8)
					m.begin()
					for m.cut != nil {
						m.step()
					}
					chains = append(chains, m.chains[m.last])
					for i, one := range m.models {
						if union[i] == nil {
							union[i] = model{}
						}
						maps.Copy(union[i], one)
					}
					m.store.Close()
				}
				restoreCompare(rt, b, chains, union, from, to, groups)
			})
		})
	}
}

func deltaMachine(t *rapid.T, b backend, span [2]int, groups int) *machine {
	m := newMachine(t, b.store(t, span[0], span[1], groups))
	m.check = func(chain [][]byte, want []model) {
		restoreCompare(t, b, [][][]byte{chain}, want, span[0], span[1], groups)
	}
	return m
}

// restored makes n go on from m's last checkpoint, which holds all of m.
func (m *machine) restored(n *machine) *machine {
	loadChain(m.t, n.store, m.chains[m.last])
	n.store.Restored(m.last)
	n.models, n.chains, n.last, n.next = m.models, m.chains, m.last, m.next
	return n
}
