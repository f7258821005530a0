package state

import "slices"

// pane is the rows of one namespace: one table for all key groups while it is small, so that a window of one key costs one small
// array, and one table per key group after that.
type pane struct {
	ns     int64
	tables []group // 1, or one per key group of the store
	mask   int     // 0 or -1: and-ed to the index of a key group
	born   uint32  // epoch
	count  int     // live rows in the tables
	long   int     // of them with a key in the heap
	cold   *coldPane
	busy   bool   // a scan has begun: nothing is evicted
	read   uint32 // nor before this call is over, because rows were handed out for reading
}

// splitSlots is the size at which a pane gets a table per key group: some eight slots for each.
func (t *Table) splitSlots() int { return max(256, 8*(t.store.to-t.store.from)) }

func (p *pane) table(g int) *group { return &p.tables[g&p.mask] }

// maxFree is how many panes wait for reuse: where several inputs run ahead of each other, windows open and close in bunches.
const maxFree = 12

// near is the size of the direct-mapped cache in front of the map of panes.
const near = 8

func nearSlot(ns int64) int { return int(uint64(ns) * 0x9E3779B97F4A7C15 >> 61) }

// open gives the pane of a namespace, made if need be.
func (t *Table) open(ns int64) *pane {
	c := &t.near[nearSlot(ns)]
	if *c != nil && (*c).ns == ns {
		return *c
	}
	p := t.panes[ns]
	if p == nil {
		p = t.newPane(ns)
		t.panes[ns] = p
		t.insertOrder(ns)
	}
	*c = p
	return p
}

// peek gives the pane of a namespace or nil.
func (t *Table) peek(ns int64) *pane {
	if c := t.near[nearSlot(ns)]; c != nil && c.ns == ns {
		return c
	}
	return t.panes[ns]
}

func (t *Table) newPane(ns int64) *pane {
	var p *pane
	if n := len(t.free); n > 0 {
		p, t.free = t.free[n-1], t.free[:n-1]
	} else {
		p = &pane{tables: make([]group, 1)}
	}
	p.ns, p.born = ns, t.store.epoch
	if len(p.tables) > 1 || t.store.to-t.store.from == 1 {
		p.mask = -1
	}
	return p
}

// insertOrder keeps the namespaces ascending. New windows usually come last.
func (t *Table) insertOrder(ns int64) {
	n := len(t.order)
	if n == 0 || t.order[n-1] < ns {
		t.order = append(t.order, ns)
		return
	}
	i, _ := slices.BinarySearch(t.order, ns)
	t.order = slices.Insert(t.order, i, ns)
}

func (t *Table) removeOrder(ns int64) {
	i, _ := slices.BinarySearch(t.order, ns)
	if i == 0 {
		t.order = t.order[1:] // append moves the rest to the front when it needs room
		return
	}
	t.order = slices.Delete(t.order, i, i+1)
}

// grow makes room for one more row in the table that the key group's rows of the pane lie in. Slots move, so that a running cut first
// takes what it needs of them.
func (t *Table) grow(p *pane, g *group) {
	if t.cut != nil {
		t.cut.finish(p, g)
	}
	t.moved = true
	want := capacityFor(g.live + 1)
	if len(p.tables) == 1 && p.mask == 0 && int(want) > t.splitSlots() {
		t.split(p)
		return
	}
	old := g.words
	t.bytes += (int64(want) - int64(g.slots)) * int64(t.width) * 8
	*g = group{words: t.alloc(want), slots: want, seed: seedOf(want), scanned: g.scanned, cut: g.cut, grown: t.call}
	t.move(p, old)
}

// alloc makes an array of slots, with one empty header behind it that ends every probe of place.
func (t *Table) alloc(slots uint64) []uint64 {
	n := int(slots) * t.width
	return make([]uint64, n+3)[:n]
}

// split gives every key group of the pane a table of its own.
func (t *Table) split(p *pane) {
	small := p.tables[0]
	counts := make([]int, t.store.to-t.store.from)
	for at := 0; at < len(small.words); at += t.width {
		if live(small.words[at]) {
			counts[int(uint16(small.words[at]>>groupShift))-t.store.from]++
		}
	}
	p.tables, p.mask = make([]group, len(counts)), -1
	t.bytes -= int64(len(small.words)) * 8
	for i := range p.tables {
		slots := capacityFor(counts[i] + 1)
		p.tables[i] = group{words: t.alloc(slots), slots: slots, seed: seedOf(slots), scanned: small.scanned, cut: small.cut, grown: t.call}
		t.bytes += int64(len(p.tables[i].words)) * 8
	}
	t.move(p, small.words)
}

// recycle takes back a pane that nobody needs any more: its values in the heap, and its arrays if they were well used.
func (t *Table) recycle(p *pane) {
	if t.heap.Live() > 0 && (p.long > 0 || len(t.inHeap) > 0) {
		for i := range p.tables {
			g := &p.tables[i]
			for at := 0; at < len(g.words); at += t.width {
				if live(g.words[at]) {
					t.releaseCells(g.words[at : at+t.width])
				}
			}
		}
	}
	t.count -= p.count
	slots, used := uint64(0), p.count
	for i := range p.tables {
		slots += p.tables[i].slots
	}
	if len(t.free) >= maxFree || slots > uint64(8*used+minSlots) {
		t.bytes -= int64(slots) * int64(t.width) * 8
		return
	}
	for i := range p.tables {
		g := &p.tables[i]
		clear(g.words)
		*g = group{words: g.words, slots: g.slots, seed: g.seed}
	}
	*p = pane{tables: p.tables}
	t.free = append(t.free, p)
}
