package state

import (
	"github.com/cespare/xxhash/v2"

	"pipec/vm/value"
)

// coldCursor is the place of a Scan among the cold rows of a pane.
type coldCursor struct {
	group int    // index of the key group that is being read
	after []byte // last key read of it
	lent  []uint64
}

// scan is Table.Scan: first the rows in memory, then the cold ones, which are read beside the table and do not push anything out of it.
func (c *cold) scan(t *Table, p *pane, cur *Cursor, keys *value.Keys, slots []value.Slot) (int, error) {
	for _, h := range cur.cold.lent {
		t.heap.Release(h)
	}
	cur.cold.lent = cur.cold.lent[:0]
	p.busy, p.read = true, t.call+1
	n := t.scanTables(p, cur, keys, slots)
	if p.cold.count() > 0 {
		for n < len(slots) && cur.cold.group < t.store.to-t.store.from {
			var err error
			if n, err = c.scanGroup(t, p, cur, keys, slots, n); err != nil {
				return n, err
			}
		}
	}
	if cur.done = n < len(slots); cur.done {
		p.busy = false
		c.lent, c.lentAt = append(c.lent, cur.cold.lent...), t.call
		cur.cold.lent = nil
	}
	return n, nil
}

// scanGroup reads cold rows of one key group into slots[n:].
func (c *cold) scanGroup(t *Table, p *pane, cur *Cursor, keys *value.Keys, slots []value.Slot, n int) (int, error) {
	db, err := c.lib.DB()
	if err != nil {
		return n, err
	}
	words := make([]uint64, (len(slots)-n)*t.width)
	group := t.store.from + cur.cold.group
	full := false
	var bad error
	var prefix [coldPrefix]byte
	err = db.Scan(c.appendKey(prefix[:0], group, p.cold.id), cur.cold.after, c.version, func(key, v []byte) bool {
		if full = n == len(slots); full {
			return false
		}
		cur.cold.after = append(cur.cold.after[:0], key...)
		key = key[coldPrefix:]
		if _, ok := t.find(p.table(cur.cold.group), key, xxhash.Sum64(key)); ok {
			return true
		}
		_, fields, err := splitCold(v, t.schema.Fields)
		if err != nil {
			bad = err
			return false
		}
		keys.Add(key, t.store.groups)
		slots[n] = value.SlotAt(&words[t.header])
		t.readFields(fields, t.schema.Fields, t.words, slots[n])
		for _, c := range t.inHeap {
			cur.cold.lent = append(cur.cold.lent, c.cell.Handle(words[c.at]))
		}
		words = words[t.width:]
		n++
		return true
	})
	if err == nil {
		err = bad
	}
	if !full {
		cur.cold.group, cur.cold.after = cur.cold.group+1, nil
	}
	return n, err
}

// coldCut is what a running cut needs of the database: the rows that were cold when it began, as of then.
//
// Such a row may since have come into the table and changed, or gone out again: the database still has it at the version of the cut. A row that was in the
// table at the cut, on the other hand, is the table's to give, though the database may have an older value of it; so rows are passed over that are still
// in the table since the cut, or that left it during the cut (left).
type coldCut struct {
	version uint64
	panes   []*pane // with cold rows at the cut
	left    map[string]struct{}
	pane    int // panes before it are read in the current key group
	after   []byte
}

// coldWeight is how many slots of a step's budget a cold row costs.
const coldWeight = 8

func (c *cold) beginCut(panes []*pane) *coldCut {
	cut := &coldCut{version: c.version, left: map[string]struct{}{}}
	for _, p := range panes {
		if p.coldRows() > 0 {
			cut.panes = append(cut.panes, p)
		}
	}
	if len(cut.panes) == 0 {
		return nil
	}
	c.lib.Pin(cut.version)
	return cut
}

// leaves is told of a row that was in the table at the cut and leaves it now.
func (k *coldCut) leaves(t *Table, p *pane, w []uint64) {
	var buf [inlineKey]byte
	if p.cold != nil {
		k.left[string(t.cold.appendKey(nil, int(uint16(w[0]>>groupShift)), p.cold.id))+string(t.keyOf(w, &buf))] = struct{}{}
	}
}

// step reads cold rows of one key group (an index) into the cut.
func (k *coldCut) step(c *tableCut, group, budget int) (used int, done bool, err error) {
	db, err := c.t.cold.lib.DB()
	if err != nil {
		return 0, false, err
	}
	for ; k.pane < len(k.panes); k.pane, k.after = k.pane+1, nil {
		p, full := k.panes[k.pane], false
		var bad error
		var prefix [coldPrefix]byte
		err := db.Scan(c.t.cold.appendKey(prefix[:0], c.t.store.from+group, p.cold.id), k.after, k.version, func(key, v []byte) bool {
			if full = used >= budget; full {
				return false
			}
			used += coldWeight
			k.after = append(k.after[:0], key...)
			if _, ok := k.left[string(key)]; ok || c.present(p, group, key[coldPrefix:]) {
				return true
			}
			if len(v) < 4 {
				bad = errRow
				return false
			}
			c.takeCold(p, group, key[coldPrefix:], v)
			return true
		})
		if err == nil {
			err = bad
		}
		if err != nil || full {
			return used, false, err
		}
		used++
	}
	k.pane = 0
	return used, true, nil
}

// present says whether the key's row is in the table and was there at the cut.
func (c *tableCut) present(p *pane, group int, key []byte) bool {
	g := p.table(group)
	at, ok := c.t.find(g, key, xxhash.Sum64(key))
	return ok && (uint32(g.words[at]) <= c.epoch || g.words[at]&flagAtCut != 0)
}
