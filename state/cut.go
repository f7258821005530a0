package state

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/cespare/xxhash/v2"
)

// Snapshot is a running cut: the image of a store at one moment, read step by step as the bytes of one file. It belongs to the store's
// goroutine; only the chunks that Next returns may be given to others.
type Snapshot struct {
	store  *Store
	footer footer
	cuts   []*tableCut
	next   int    // of cuts
	extra  []Row  // until they are written
	out    []byte // what Next returns next
	offset int64  // of out's end in the file
	keyed  int64
	rows   int64
	done   bool
	err    error
}

// ErrAborted is what Next says after Abort.
var ErrAborted = errors.New("the snapshot was aborted")

const (
	firstChunk = 64 << 10
	// leastChunk keeps Next from returning crumbs.
	leastChunk = 32 << 10
	// mostSection bounds what is kept of a key group before it becomes a section; a group may have several.
	mostSection = 256 << 10
)

func newSnapshot(s *Store, checkpoint, base uint64, extra []Row) *Snapshot {
	c := &Snapshot{store: s, out: append(make([]byte, 0, firstChunk), magic...), offset: int64(len(magic))}
	c.footer = footer{Format: formatVersion, Keys: keyVersion, Checkpoint: checkpoint, Base: base, Task: s.task, From: s.from, To: s.to, Groups: s.groups}
	for _, r := range extra {
		r.Key, r.Value = append([]byte(nil), r.Key...), append([]byte(nil), r.Value...)
		c.extra = append(c.extra, r)
	}
	return c
}

// Checkpoint is the number given to Cut.
func (c *Snapshot) Checkpoint() uint64 { return c.footer.Checkpoint }

// KeyedBytes is the size of the encoded keyed rows so far, exact when Next has said done: what Backend.Limit limits.
func (c *Snapshot) KeyedBytes() int64 { return c.keyed }

// Rows is the number of keyed rows so far.
func (c *Snapshot) Rows() int64 { return c.rows }

// Next goes on by about budget slots and returns the bytes to append to the file, which may be none; they are the caller's. With done the
// file is complete. It is called between batches; a larger budget makes longer pauses and a shorter snapshot.
func (c *Snapshot) Next(budget int) (chunk []byte, done bool, err error) {
	if c.err != nil {
		return nil, false, c.err
	}
	c.advance(budget)
	if c.err != nil {
		c.Abort()
		return nil, false, c.err
	}
	if len(c.out) < leastChunk && !c.done {
		return nil, false, nil
	}
	chunk, c.out = c.out, nil
	return chunk, c.done, nil
}

func (c *Snapshot) advance(budget int) {
	for c.next < len(c.cuts) {
		if budget <= 0 {
			return
		}
		used, done, err := c.cuts[c.next].step(budget)
		if err != nil {
			c.err = err
			return
		}
		budget -= used
		if done {
			c.next++
		}
	}
	if !c.done {
		c.writeExtra()
		c.out = c.footer.append(c.out, c.offset)
		c.done = true
		c.end()
	}
}

// finish reads the rest at once; Next hands it out.
func (c *Snapshot) finish() {
	c.advance(math.MaxInt)
	if c.err != nil {
		c.end()
	}
}

// Abort gives the snapshot up; its chunks are worth nothing. After the end it does nothing.
func (c *Snapshot) Abort() {
	if c.done {
		return
	}
	if c.err == nil {
		c.err = ErrAborted
	}
	c.out = nil
	c.end()
}

// end lets the tables go.
func (c *Snapshot) end() {
	for _, cut := range c.cuts[min(c.next, len(c.cuts)):] {
		cut.end()
	}
	c.next, c.cuts, c.extra = 0, nil, nil
	if c.store.cut == c {
		c.store.cut = nil
	}
}

// section appends bytes to the file and an entry to its index.
func (c *Snapshot) section(s section, body []byte) {
	s.Offset, s.Length, s.Sum = c.offset, int64(len(body)), xxhash.Sum64(body)
	c.footer.Sections = append(c.footer.Sections, s)
	if c.out == nil {
		c.out = make([]byte, 0, max(firstChunk, 2*len(body)))
	}
	c.out = append(c.out, body...)
	c.offset += int64(len(body))
}

// writeExtra writes the rows of split and task state, one section for each state.
func (c *Snapshot) writeExtra() {
	type id struct {
		kind       Kind
		node, name string
	}
	bodies, counts, order := map[id][]byte{}, map[id]int64{}, []id(nil)
	for _, r := range c.extra {
		k := id{r.Kind, r.Node, r.Name}
		if counts[k] == 0 {
			order = append(order, k)
		}
		b := binary.AppendUvarint(bodies[k], uint64(len(r.Key)))
		b = append(b, r.Key...)
		b = binary.AppendUvarint(b, uint64(len(r.Value)))
		bodies[k] = append(b, r.Value...)
		counts[k]++
	}
	for _, k := range order {
		c.footer.States = append(c.footer.States, fileState{Kind: k.kind, Schema: Schema{Node: k.node, Name: k.name}})
		c.section(section{State: len(c.footer.States) - 1, Rows: counts[k]}, bodies[k])
	}
}

// allScanned is the scanned mark of a table of which the cut needs nothing any more.
const allScanned = math.MaxInt

// tableCut is what a running cut still needs of one table. A slot belongs to the cut if its epoch is not later; it is taken once, by the scan or
// by its first write after the cut, whichever comes first: the scan's position and the slot's epoch tell which.
type tableCut struct {
	t       *Table
	snap    *Snapshot
	state   int // index in the footer
	epoch   uint32
	since   uint32   // slots of this epoch or earlier are in the checkpoint that a delta builds on
	removed []byte   // what went away since
	panes   []*pane  // as of the cut
	dropped []*pane  // dropped since
	pending [][]byte // rows by key group that are not yet in a section
	rows    []int64
	small   int      // panes before it with one table are scanned
	group   int      // key groups before it are in the file
	pane    int      // panes before it are scanned in that group
	cold    *coldCut // rows that are not in memory; nil: none
}

func (t *Table) beginCut(snap *Snapshot, since mark, number int) {
	state := len(snap.footer.States)
	snap.footer.States = append(snap.footer.States, fileState{Kind: Keyed, Schema: t.schema})
	var removed []byte
	if number < len(since.removed) {
		removed = t.removed.since(since.removed[number])
	}
	if len(t.panes) == 0 && len(removed) == 0 {
		return
	}
	n := t.store.to - t.store.from
	c := &tableCut{t: t, snap: snap, state: state, epoch: t.store.epoch, since: since.epoch, removed: removed, pending: make([][]byte, n), rows: make([]int64, n)}
	for _, ns := range t.order {
		c.panes = append(c.panes, t.panes[ns])
	}
	if t.cold != nil {
		c.cold = t.cold.beginCut(c.panes)
	}
	t.cut = c
	snap.cuts = append(snap.cuts, c)
}

// end gives the table back to itself.
func (c *tableCut) end() {
	if c.t.cut != c {
		return
	}
	c.t.cut = nil
	for _, p := range c.dropped {
		c.t.retire(p)
	}
	if c.cold != nil {
		c.t.cold.lib.Unpin(c.cold.version)
	}
	c.dropped, c.panes, c.pending = nil, nil, nil
}

// step scans about budget slots. First come the small panes, whose rows belong to all key groups; then group by group the others.
func (c *tableCut) step(budget int) (used int, done bool, err error) {
	if len(c.removed) > 0 {
		c.takeRemoved()
	}
	for ; c.small < len(c.panes); c.small++ {
		if p := c.panes[c.small]; p.mask == 0 {
			if used >= budget {
				return used, false, nil
			}
			n, done := c.scan(p, &p.tables[0], budget-used)
			if used += n + 1; !done {
				return used, false, nil
			}
		}
	}
	for ; c.group < len(c.pending); c.group, c.pane = c.group+1, 0 {
		for ; c.pane < len(c.panes); c.pane++ {
			p := c.panes[c.pane]
			if p.mask == 0 {
				continue
			}
			if used >= budget {
				return used, false, nil
			}
			n, done := c.scan(p, &p.tables[c.group], budget-used)
			used += n + 1
			if !done {
				if len(c.pending[c.group]) >= mostSection {
					c.seal(c.group)
				}
				return used, false, nil
			}
		}
		if c.cold != nil {
			if used >= budget {
				return used, false, nil
			}
			n, done, err := c.cold.step(c, c.group, budget-used)
			if used += n; !done || err != nil {
				return used, false, err
			}
		}
		c.seal(c.group)
		c.pending[c.group] = nil
	}
	c.end()
	return used, true, nil
}

// scan goes on in one table and says how many slots it saw and whether it came to the end.
func (c *tableCut) scan(p *pane, g *group, budget int) (seen int, done bool) {
	if g.cut != c.epoch {
		g.cut, g.scanned = c.epoch, 0
	}
	if g.scanned >= len(g.words) {
		g.scanned = allScanned
		return 0, true
	}
	width := c.t.width
	end := len(g.words)
	if budget < (end-g.scanned)/width {
		end = g.scanned + budget*width
	}
	seen = (end - g.scanned) / width
	for at := g.scanned; at < end; at += width {
		if w := g.words[at : at+width]; live(w[0]) && uint32(w[0]) <= c.epoch && uint32(w[0]) > c.since {
			c.take(p, w)
		}
	}
	g.scanned = end
	if end == len(g.words) {
		g.scanned = allScanned
	}
	return seen, g.scanned == allScanned
}

// take writes one row of the cut.
func (c *tableCut) take(p *pane, w []uint64) {
	group := int(uint16(w[0]>>groupShift)) - c.t.store.from
	b := c.pending[group]
	size := len(b)
	b = c.t.appendRow(b, p.ns, w)
	c.pending[group] = b
	c.rows[group]++
	c.snap.keyed += int64(len(b) - size)
	c.snap.rows++
}

// takeCold writes one row of the cut from the database, whose values are rows' fields behind their epoch.
func (c *tableCut) takeCold(p *pane, group int, key, v []byte) {
	if binary.LittleEndian.Uint32(v) <= c.since {
		return
	}
	b := c.pending[group]
	size := len(b)
	b = binary.AppendUvarint(b, uint64(len(key)))
	b = append(b, key...)
	if c.t.schema.Namespaced {
		b = binary.AppendVarint(b, p.ns)
	}
	c.pending[group] = append(b, v[4:]...)
	c.rows[group]++
	c.snap.keyed += int64(len(c.pending[group]) - size)
	c.snap.rows++
}

func (c *tableCut) seal(group int) {
	if c.rows[group] > 0 {
		c.snap.section(section{State: c.state, Group: c.t.store.from + group, Rows: c.rows[group]}, c.pending[group])
		c.pending[group], c.rows[group] = c.pending[group][:0], 0
	}
}

// before is called when a row of the cut is about to be overwritten.
func (c *tableCut) before(p *pane, g *group, at int) {
	if uint32(g.words[at]) > c.since && (g.cut != c.epoch || at >= g.scanned) {
		c.take(p, g.words[at:at+c.t.width])
	}
}

// leaving is called when a row is about to leave the table.
func (c *tableCut) leaving(p *pane, g *group, at int) {
	belongs := uint32(g.words[at]) <= c.epoch
	if belongs {
		c.before(p, g, at)
	}
	if c.cold != nil && (belongs || g.words[at]&flagAtCut != 0) {
		c.cold.leaves(c.t, p, g.words[at:at+c.t.width])
	}
}

// finish scans a table to its end because its slots are about to move.
func (c *tableCut) finish(p *pane, g *group) {
	if p.born <= c.epoch && g.slots > 0 {
		c.scan(p, g, math.MaxInt)
	}
}
