package state

import (
	"encoding/binary"

	"pipec/state/ordered"
	"pipec/vm/value"
)

// cold is the part of a table that does not lie in memory. The table is a cache over a database: rows that were not used for a while are
// written there and forgotten, and come back when they are asked for. A row is in the table or cold, never both; the database may also hold an
// older value of a row in the table.
//
// Keys are: table u16 | key group u16 | pane u64 | key, big endian; panes are numbered, so that a dropped one is never seen again and can be
// deleted later. Values are the epoch of the row's last write (u32) and its fields in the row encoding. All of it is gone with the process.
type cold struct {
	lib     *library
	op      uint16
	version uint64 // of the table's last batch that is applied, as far as it knows: what it reads at
	counted int64  // the table's share of lib.used
	hand    hand
	graves  []grave
	batch   []ordered.Entry // that is being put together
	flight  flight
	misses  []miss
	keys    [][]byte
	arena   []byte // keys and values of the batch
	lent    []uint64
	lentAt  uint32
}

// coldPane is a pane's part of it.
type coldPane struct {
	id     uint64
	rows   int // that are cold
	filter ordered.Filter
}

// flight is a batch on its way to the database, which takes its time. Rows that are to become cold with it stay in the table until it has arrived, and
// longer if they are used meanwhile: so the database may be behind and nobody sees it.
type flight struct {
	at    uint64 // version; 0: there is none
	rows  []passenger
	batch []ordered.Entry
	arena []byte
}

type passenger struct {
	p     *pane
	pane  uint64 // its number: p may have been dropped and used again
	group uint16
	key   []byte
	hash  uint64
}

// hand is the clock hand: the slot where the search for unused rows goes on.
type hand struct {
	pane, table, at int
}

// grave is a dropped pane whose rows are still to be deleted.
type grave struct {
	id    uint64
	group int // groups before it are done
}

type miss struct {
	p *pane
	i int // key
}

const (
	coldPrefix = 12
	// maxColdKey is the longest key that goes to the database; badger takes no key over 65,000 bytes.
	maxColdKey = 60_000
	// evictStep and purgeStep bound what one call does of the work that can wait, in rows.
	evictStep = 1024
	purgeStep = 256
	// minShare is the part of the cache that a table keeps even when others use all of it.
	minShare = 64
	// mostSpare and spareShare bound how much of the cache is kept free, as long as the database can follow: some batches.
	mostSpare  = 1 << 20
	spareShare = 16
)

func (c *cold) bytes() int64 {
	if c == nil {
		return 0
	}
	return int64(cap(c.arena) + cap(c.flight.arena))
}

func (c *coldPane) count() int {
	if c == nil {
		return 0
	}
	return c.rows
}

// coldOf gives the pane's cold part, made at its first cold row.
func (c *cold) coldOf(p *pane) *coldPane {
	if p.cold == nil {
		p.cold = &coldPane{id: c.lib.Pane()}
	}
	return p.cold
}

func (c *cold) appendKey(dst []byte, group int, pane uint64) []byte {
	dst = binary.BigEndian.AppendUint16(dst, c.op)
	dst = binary.BigEndian.AppendUint16(dst, uint16(group))
	return binary.BigEndian.AppendUint64(dst, pane)
}

// prepare makes room and then brings back the cold rows of the keys, all with one read.
func (c *cold) prepare(t *Table, each []int64, ns int64, keys *value.Keys) error {
	if c.lent != nil && t.call > c.lentAt+1 {
		c.release(t)
	}
	if err := c.shrink(t, max(evictStep, 2*keys.Len())); err != nil {
		return err
	}
	if len(c.graves) > 0 && c.flight.at == 0 {
		if err := c.purge(t); err != nil {
			return err
		}
	}
	c.misses, c.keys, c.arena = c.misses[:0], c.keys[:0], c.arena[:0]
	p := t.peek(ns)
	if each == nil && p.coldRows() == 0 {
		return nil
	}
	for i := range keys.Len() {
		if each != nil {
			p = t.peek(each[i])
		}
		if p.coldRows() == 0 || !p.cold.filter.Maybe(keys.Hash[i]) {
			continue
		}
		if _, ok := t.find(p.table(int(keys.Group[i])-t.store.from), keys.At(i), keys.Hash[i]); ok {
			continue
		}
		from := len(c.arena)
		c.arena = append(c.appendKey(c.arena, int(keys.Group[i]), p.cold.id), keys.At(i)...)
		c.keys = append(c.keys, c.arena[from:len(c.arena):len(c.arena)])
		c.misses = append(c.misses, miss{p, i})
	}
	if len(c.misses) == 0 {
		return nil
	}
	db, err := c.lib.DB()
	if err != nil {
		return err
	}
	return db.Get(c.keys, c.version, func(i int, v []byte) error { return c.admit(t, c.misses[i].p, keys, c.misses[i].i, v) })
}

func (p *pane) coldRows() int {
	if p == nil {
		return 0
	}
	return p.cold.count()
}

// admit brings one row back. During a cut it counts as written, because the cut reads it from the database.
func (c *cold) admit(t *Table, p *pane, keys *value.Keys, i int, v []byte) error {
	g := p.table(int(keys.Group[i]) - t.store.from)
	key, hash := keys.At(i), keys.Hash[i]
	at, ok := t.find(g, key, hash)
	if ok {
		return nil // the key occurs twice in the batch
	}
	epoch, fields, err := splitCold(v, t.schema.Fields)
	if err != nil {
		return err
	}
	g, at = t.insert(p, g, at, key, hash, keys.Group[i])
	if t.cut != nil {
		epoch = t.store.epoch
	}
	w0 := &g.words[at]
	*w0 = *w0&^(0xFFFFFFFF|flagDirty) | uint64(epoch)
	t.readFields(fields, t.schema.Fields, t.words, t.slotAt(g, at))
	p.cold.rows--
	return nil
}

func splitCold(v []byte, fields []value.StateField) (uint32, []byte, error) {
	if len(v) < 4 {
		return 0, nil, errRow
	}
	if rest, err := skipFields(v[4:], fields); err != nil || len(rest) > 0 {
		return 0, nil, errRow
	}
	return binary.LittleEndian.Uint32(v), v[4:], nil
}

// footprint is the memory that the table's rows need: their slots in tables that are half full, and their values.
func (c *cold) footprint(t *Table) int64 {
	return int64(t.count)*int64(t.width)*16 + t.heap.Live()
}

// shrink makes room in a cache that is nearly full: rows that were not used for a while leave, unchanged ones at once, the others with a batch of up to n. Only
// when the cache is full does it wait for the batch before. So the database is never further behind than that.
func (c *cold) shrink(t *Table, n int) error {
	size, total := c.account(t)
	if err := c.land(t, total > c.lib.cache && size > c.lib.cache/minShare); err != nil || c.flight.at != 0 {
		return err
	}
	room := c.lib.cache - min(c.lib.cache/spareShare, mostSpare)
	if total <= room || size <= c.lib.cache/minShare {
		return nil
	}
	c.batch, c.arena = c.batch[:0], c.arena[:0]
	size, total = c.account(t)
	goal := max(size-(total-room), c.lib.cache/minShare)
	leaving := int64(0) // with the batch
	seen, most := 0, 2*int(t.bytes)/(t.width*8)+len(t.order)
	for n > 0 && seen <= most && c.footprint(t)-leaving > goal {
		p, g := c.next(t)
		if p == nil {
			break
		}
		seen++
		if g == nil || !live(g.words[c.hand.at]) {
			continue
		}
		w0 := &g.words[c.hand.at]
		if *w0&(flagRef|flagSent) != 0 {
			*w0 &^= flagRef
			continue
		}
		if freed, ok := c.evict(t, p, g, c.hand.at); ok {
			leaving += freed
			n--
		}
	}
	c.account(t)
	return c.send()
}

// account tells the others how much of the cache the table has, and gives it and the sum of all.
func (c *cold) account(t *Table) (size, total int64) {
	size = c.footprint(t)
	total = c.lib.used.Add(size - c.counted)
	c.counted = size
	return size, total
}

// next moves the hand to the next slot of a pane that may be touched; g is nil if that took it over the end of an array.
func (c *cold) next(t *Table) (*pane, *group) {
	h := &c.hand
	h.at += t.width
	for range len(t.order) + 1 {
		if h.pane >= len(t.order) {
			*h = hand{}
		}
		if len(t.order) == 0 {
			return nil, nil
		}
		p := t.panes[t.order[h.pane]]
		if p.busy || t.call <= p.read {
			*h = hand{pane: h.pane + 1}
			continue
		}
		for h.table < len(p.tables) {
			if h.at < len(p.tables[h.table].words) {
				return p, &p.tables[h.table]
			}
			h.table, h.at = h.table+1, 0
		}
		*h = hand{pane: h.pane + 1}
	}
	return nil, nil
}

// evict makes a row cold: at once if the database has it as it is, else with the batch, and then it says how much that will free. Rows with
// enormous keys stay.
func (c *cold) evict(t *Table, p *pane, g *group, at int) (freed int64, ok bool) {
	w := g.words[at : at+t.width]
	var buf [inlineKey]byte
	key := t.keyOf(w, &buf)
	if len(key) > maxColdKey {
		return 0, false
	}
	cp := c.coldOf(p)
	if w[0]&flagDirty == 0 {
		cp.rows++
		t.remove(p, g, at)
		return 0, true
	}
	group := uint16(w[0] >> groupShift)
	from := len(c.arena)
	c.arena = append(c.appendKey(c.arena, int(group), cp.id), key...)
	mid := len(c.arena)
	c.arena = binary.LittleEndian.AppendUint32(c.arena, uint32(w[0]))
	c.arena = t.appendFields(c.arena, w)
	hash := t.hashOf(w)
	c.batch = append(c.batch, ordered.Entry{Key: c.arena[from:mid:mid], Value: c.arena[mid:len(c.arena):len(c.arena)]})
	c.flight.rows = append(c.flight.rows, passenger{p, cp.id, group, c.arena[from+coldPrefix : mid : mid], hash})
	cp.filter.Add(hash, &c.lib.Room)
	w[0] = w[0]&^flagDirty | flagSent
	return int64(t.width)*16 + int64(len(c.arena)-mid), true
}

// send lets the batch be written; there is no other on its way.
func (c *cold) send() error {
	if len(c.batch) == 0 {
		return nil
	}
	f := &c.flight
	f.batch, c.batch = c.batch, f.batch[:0]
	f.arena, c.arena = c.arena, f.arena[:0]
	var err error
	f.at, err = c.lib.Submit(f.batch)
	return err
}

// land lets the rows of a batch that has arrived go, those that nobody has used since. wait: also if that takes time.
func (c *cold) land(t *Table, wait bool) error {
	f := &c.flight
	if f.at == 0 {
		return nil
	}
	done, err := c.lib.Applied(f.at)
	if !done && err == nil && wait {
		err = c.lib.Wait(f.at)
		done = err == nil
	}
	if !done {
		return err
	}
	c.version = max(c.version, f.at)
	for i := range f.rows {
		r := &f.rows[i]
		p := r.p
		if p.cold == nil || p.cold.id != r.pane {
			continue
		}
		g := p.table(int(r.group) - t.store.from)
		at, ok := t.find(g, r.key, r.hash)
		if !ok || g.words[at]&flagSent == 0 {
			continue
		}
		g.words[at] &^= flagSent
		if g.words[at]&(flagDirty|flagRef) == 0 && !p.busy && t.call > p.read {
			p.cold.rows++
			t.remove(p, g, at)
		}
	}
	clear(f.rows)
	f.at, f.rows = 0, f.rows[:0]
	return nil
}

// flush writes the batch and waits for it.
func (c *cold) flush(t *Table) error {
	if len(c.batch) == 0 {
		return nil
	}
	if err := c.land(t, true); err != nil {
		return err
	}
	if err := c.send(); err != nil {
		return err
	}
	return c.land(t, true)
}

// deleted is told of every row that Delete removes: the database may hold an older value.
func (c *cold) deleted(p *pane, group int, key []byte, hash uint64) {
	if p.cold != nil && p.cold.filter.Maybe(hash) {
		from := len(c.arena)
		c.arena = append(c.appendKey(c.arena, group, p.cold.id), key...)
		c.batch = append(c.batch, ordered.Entry{Key: c.arena[from:len(c.arena):len(c.arena)]})
	}
}

// forget lets a dropped pane's rows be deleted bit by bit.
func (c *cold) forget(t *Table, p *pane) {
	if p.cold != nil && p.cold.filter.Any() {
		c.graves = append(c.graves, grave{p.cold.id, t.store.from})
	}
	if p.cold != nil {
		p.cold.filter.Free(&c.lib.Room)
	}
	p.cold = nil
}

// purge deletes some rows of dropped panes.
func (c *cold) purge(t *Table) error {
	db, err := c.lib.DB()
	if err != nil {
		return err
	}
	c.batch, c.arena = c.batch[:0], c.arena[:0]
	for len(c.graves) > 0 && len(c.batch) < purgeStep {
		v := &c.graves[0]
		if v.group == t.store.to {
			c.graves = c.graves[1:]
			continue
		}
		room := purgeStep - len(c.batch)
		var prefix [coldPrefix]byte
		err := db.Scan(c.appendKey(prefix[:0], v.group, v.id), nil, c.version, func(key, _ []byte) bool {
			c.batch = append(c.batch, ordered.Entry{Key: append([]byte(nil), key...)})
			room--
			return room > 0
		})
		if err != nil {
			return err
		}
		if room > 0 {
			v.group++
		}
	}
	return c.send()
}

// release gives back the values that a finished scan had lent.
func (c *cold) release(t *Table) {
	for _, h := range c.lent {
		t.heap.Release(h)
	}
	c.lent = nil
}
