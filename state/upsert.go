package state

import (
	"encoding/binary"
	"slices"
	"unsafe"

	"pipec/vm/value"
)

// The hot path: Upsert in blocks of keys. A first pass over a block computes where each key's slot should be and reads it; these reads do not
// depend on each other, so their cache misses overlap. The second pass compares, and seldom has to look further. It uses
// pointers into the slot arrays, which no array outlives: probes are on the stack, and whatever moves slots sets Table.moved.

// block is the number of keys of a block.
const block = 128

type probe struct {
	home        *uint64 // word 0 of the slot where the key should be
	tag, k1, k2 uint64
}

func (t *Table) upsert(each []int64, ns int64, keys *value.Keys, slots []value.Slot, fresh []bool) error {
	n := keys.Len()
	if t.cold != nil {
		if err := t.cold.prepare(t, each, ns, keys); err != nil {
			return err
		}
	}
	if t.share != nil {
		if err := t.share.Charge(t.Bytes(), t.count); err != nil {
			return err
		}
	}
	if fresh == nil {
		if cap(t.unused) < n {
			t.unused = make([]bool, n)
		}
		fresh = t.unused[:n]
	}
	t.call++
	grown := false
	var panes [block]*pane
	var probes [block]probe
	for lo := 0; lo < n; lo += block {
		hi := min(lo+block, n)
		t.panesOf(&panes, each, ns, lo, hi)
		t.moved = false
		t.aim(&panes, &probes, keys, lo, hi)
		t.place(&panes, &probes, keys, slots, fresh, lo, hi)
		grown = grown || t.moved
	}
	if grown {
		t.settle(each, ns, keys, slots)
	}
	return nil
}

func (t *Table) panesOf(panes *[block]*pane, each []int64, ns int64, lo, hi int) {
	if each == nil {
		p := t.open(ns)
		for i := range hi - lo {
			panes[i] = p
		}
		return
	}
	for i, ns := range each[lo:hi] {
		panes[i] = t.open(ns)
	}
}

// aim fills the probes of keys lo to hi and reads the slots, in loops so short that many reads are under way at once; a slot may lie on two
// cache lines.
func (t *Table) aim(panes *[block]*pane, probes *[block]probe, keys *value.Keys, lo, hi int) {
	sum := uint64(0)
	width, from, wide := uint64(t.width), t.store.from, t.header == 3
	last := uintptr(0)
	if block*8%(width*8) != 0 {
		last = uintptr(width-1) * 8
	}
	buf, off := keys.Buf[:cap(keys.Buf)], keys.Off[lo:hi+1]
	hashes, groups := keys.Hash[lo:hi], keys.Group[lo:hi]
	for i, hash := range hashes {
		p := panes[i]
		g := p.table(int(groups[i]) - from)
		if g.slots == 0 {
			t.grow(p, g)
			g = p.table(int(groups[i]) - from)
		}
		pr := &probes[i]
		pr.home = (*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(g.words)), g.home(hash)*width*8))
		key := buf[off[i]:off[i+1]]
		switch {
		case !wide && len(key) == 9 && key[0] == 1:
			pr.tag, pr.k1 = tagNumber, binary.LittleEndian.Uint64(key[1:])
		case wide && len(key) <= inlineKey && int(off[i])+inlineKey <= len(buf):
			pr.words(buf[off[i]:], len(key))
		default:
			pr.tag, pr.k1, pr.k2 = keyWords(key, wide)
		}
	}
	for i := range hashes {
		sum += *probes[i].home
	}
	if last != 0 {
		for i := range hashes {
			sum += *(*uint64)(unsafe.Add(unsafe.Pointer(probes[i].home), last))
		}
	}
	t.read = sum
}

// words is keyWords for a wide table and a key of n bytes that has 16 bytes of memory: lengths that differ from key to key cost no branch.
func (pr *probe) words(mem []byte, n int) {
	pr.tag = uint64(n+tagInline) << tagShift
	pr.k1 = binary.LittleEndian.Uint64(mem) & (1<<(8*uint(n)) - 1) // a shift by 64 or more gives 0
	pr.k2 = binary.LittleEndian.Uint64(mem[8:]) & (1<<(8*uint(max(n-8, 0))) - 1)
}

// place finds or makes the slots of keys lo to hi.
func (t *Table) place(panes *[block]*pane, probes *[block]probe, keys *value.Keys, slots []value.Slot, fresh []bool, lo, hi int) {
	step, head := t.width*8, t.header*8
	second := uint64(0) // selects the second word of the key, if there is one
	if t.header == 3 {
		second = ^second
	}
	want := hotMask | uint64(tagMask)
	slots, fresh, groups := slots[lo:hi], fresh[lo:hi], keys.Group[lo:hi]
	for i := range slots {
		pr := &probes[i]
		tag, k1, k2 := pr.tag, pr.k1, pr.k2&second
		if tag == tagLong || t.moved {
			slots[i], fresh[i] = t.placeSlow(panes[i], keys, lo+i)
			continue
		}
		w := (*[3]uint64)(unsafe.Pointer(pr.home)) // the empty word behind the slots has two more behind it
		for w[0]&tagMask > tagDead && (w[1] != k1 || w[2]&second != k2 || w[0]&tagMask != tag) {
			w = (*[3]uint64)(unsafe.Add(unsafe.Pointer(w), step))
		}
		if w[0]&want == tag|t.hot {
			slots[i], fresh[i] = value.SlotAt((*uint64)(unsafe.Add(unsafe.Pointer(w), head))), false
			continue
		}
		if w[0] == 0 {
			p, number := panes[i], groups[i]
			if g := p.table(int(number) - t.store.from); g.used < g.limit() && uintptr(unsafe.Pointer(w)) < g.end() {
				w[0], w[1] = tag|uint64(number)<<groupShift|t.hot, k1
				w[2] = w[2]&^second | k2 // without a second word of key it is an accumulator, or the next slot's
				g.used++
				g.live++
				p.count++
				t.count++
				slots[i], fresh[i] = value.SlotAt((*uint64)(unsafe.Add(unsafe.Pointer(w), head))), true
				continue
			}
		}
		slots[i], fresh[i] = t.placeSlow(panes[i], keys, lo+i)
	}
}

// placeSlow is for keys that are new, long, not yet written in this epoch, or beyond the end of the array.
func (t *Table) placeSlow(p *pane, keys *value.Keys, i int) (value.Slot, bool) {
	g := p.table(int(keys.Group[i]) - t.store.from)
	at, ok := t.find(g, keys.At(i), keys.Hash[i])
	if !ok {
		g, at = t.insert(p, g, at, keys.At(i), keys.Hash[i], keys.Group[i])
	} else if g.words[at]&hotMask != t.hot {
		t.touch(p, g, at)
	}
	return t.slotAt(g, at), !ok
}

// insert makes the row of an absent key, at the offset that find gave if the table has room.
func (t *Table) insert(p *pane, g *group, at int, key []byte, hash uint64, number uint16) (*group, int) {
	if g.slots == 0 || g.words[at]&tagMask == tagEmpty {
		if g.used >= g.limit() {
			t.grow(p, g)
			g = p.table(int(number) - t.store.from)
			at, _ = t.find(g, key, hash)
		}
		g.used++
	}
	w := g.words[at : at+t.header]
	t.setKey(w, key, hash)
	if w[0] == tagLong {
		p.long++
	}
	w[0] |= uint64(number)<<groupShift | t.hot
	g.live++
	p.count++
	t.count++
	return g, at
}

// touch is the first write to a row in this epoch, or since the clock hand passed: the running cut takes what the row was.
func (t *Table) touch(p *pane, g *group, at int) {
	w0 := &g.words[at]
	atCut := *w0 & flagAtCut
	if c := t.cut; c != nil && uint32(*w0) <= c.epoch {
		c.before(p, g, at)
		atCut = flagAtCut
	}
	*w0 = *w0&^(0xFFFFFFFF|flagAtCut) | t.hot | atCut
}

// settle finds the slots again of tables that moved during the call.
func (t *Table) settle(each []int64, ns int64, keys *value.Keys, slots []value.Slot) {
	p := t.peek(ns)
	for i := range slots[:keys.Len()] {
		if each != nil {
			p = t.peek(each[i])
		}
		g := p.table(int(keys.Group[i]) - t.store.from)
		if g.grown == t.call {
			at, _ := t.find(g, keys.At(i), keys.Hash[i])
			slots[i] = t.slotAt(g, at)
		}
	}
}

// Distinct appends to first the index of the first of each different slot, in order, for slots that the last Upsert or UpsertAt gave. It marks rows in place while it looks, which costs less
// than a set beside them: their words are about to be written anyway.
func (t *Table) Distinct(slots []value.Slot, first []int32) []int32 {
	first = slices.Grow(first, len(slots))
	n, all := len(first), first[:len(first)+len(slots)]
	for i, s := range slots {
		w := s.Uint(-t.header)
		all[n] = int32(i)
		n += int(^*w / flagSeen & 1)
		*w |= flagSeen
	}
	for _, i := range all[len(first):n] {
		*slots[i].Uint(-t.header) &^= flagSeen
	}
	return all[:n]
}
