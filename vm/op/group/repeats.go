package group

import (
	"math"
	"math/bits"

	"pipec/state"
	"pipec/vm/value"
)

// repeats finds rows of a batch whose keys an earlier row has, before the keys are encoded, hashed and looked up: of words of a language, or of a hundred sensors, most rows are such. It may
// miss some, which costs nothing but their look-up. Where there are few it stops looking for a while.
//
// Everything is a loop over lanes without a branch on what it finds, since whether a row repeats an earlier one is what no machine predicts.
type repeats struct {
	table []uint32 // by hash: the number of the batch and that of a row in it
	batch uint32   // shifted by rowBits
	pause int      // batches to come that are not looked at
	hash  []uint64
	like  []int32 // by row: an earlier row that may have the same key, or itself
	same  []uint64
	first []int32 // rows of firsts, counted in the batch's selection
	rows  []int32 // and in the batch
	of    []int32 // by row: its place in first
	slots []value.Slot
	fresh []bool
}

const (
	rowBits  = 16 // of an entry say which row: a batch has at most value.MaxRows of them
	restFor  = 15 // batches after one with few repeats
	leastRow = 32 // rows for which it pays
	most     = 5  // eighths of the rows that may be firsts: to look costs a row about a third of its look-up
)

// find looks at the keys of some rows and says whether enough of them repeat others; then first, rows and of are set.
func (p *repeats) find(cols []*value.Vec, rows []int32) bool {
	n := len(rows)
	if n < leastRow {
		return false
	}
	if p.pause > 0 {
		p.pause--
		return false
	}
	for _, c := range cols {
		if c.Valid != nil || c.Lane == value.LaneList || c.Lane == value.LaneRecord || c.Lane == value.LaneNone {
			return false
		}
	}
	p.reset(n)
	for _, c := range cols {
		p.mix(c, rows)
	}
	p.guess()
	for _, c := range cols {
		p.compare(c, rows)
	}
	p.number(rows)
	if 8*len(p.first) > most*n {
		p.pause = restFor
		return false
	}
	return true
}

// reset prepares for n rows.
func (p *repeats) reset(n int) {
	if p.batch += 1 << rowBits; p.batch == 0 {
		clear(p.table)
		p.batch = 1 << rowBits
	}
	if len(p.table) < 4*n {
		p.table = make([]uint32, max(256, 1<<bits.Len(uint(4*n-1))))
	}
	p.hash, p.like, p.same, p.of = resized(p.hash, n), resized(p.like, n), resized(p.same, n), resized(p.of, n)
	p.first, p.rows = resized(p.first, n), resized(p.rows, n)
	clear(p.hash)
}

// mix puts a column's values into the hashes.
func (p *repeats) mix(c *value.Vec, rows []int32) {
	const odd = 0x9E3779B97F4A7C15
	hash := p.hash[:len(rows)]
	switch c.Lane {
	case value.LaneI64, value.LaneWide:
		for i, r := range rows {
			hash[i] = (bits.RotateLeft64(hash[i], 31) ^ uint64(c.I64[r])) * odd
		}
	case value.LaneF64:
		for i, r := range rows {
			hash[i] = (bits.RotateLeft64(hash[i], 31) ^ math.Float64bits(c.F64[r])) * odd
		}
	case value.LaneBool:
		for i, r := range rows {
			hash[i] = (bits.RotateLeft64(hash[i], 31) ^ bit(c.Bool[r])) * odd
		}
	case value.LaneView:
		for i, r := range rows {
			lo, hi := c.View[r].Words()
			hash[i] = (bits.RotateLeft64(hash[i]^lo*odd, 31) ^ hi) * odd
		}
	}
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// guess finds for each row the first one whose hash has the same place in the table.
func (p *repeats) guess() {
	table, like := p.table, p.like[:len(p.hash)]
	shift := uint(64 - bits.Len(uint(len(table)-1)))
	for i, h := range p.hash {
		at := h >> shift
		now := p.batch | uint32(i)
		e := table[at]
		known := uint32(int32((e^now)>>rowBits-1) >> 31) // all ones if the entry is of this batch
		e = e&known | now&^known
		table[at] = e
		like[i] = int32(e & (1<<rowBits - 1))
		p.same[i] = 0
	}
}

// compare notes where a column differs between a row and the one like it.
func (p *repeats) compare(c *value.Vec, rows []int32) {
	like, diff := p.like[:len(rows)], p.same[:len(rows)]
	switch c.Lane {
	case value.LaneI64:
		for i, r := range rows {
			diff[i] |= uint64(c.I64[r] ^ c.I64[rows[like[i]]])
		}
	case value.LaneWide:
		for i, r := range rows {
			o := rows[like[i]]
			diff[i] |= uint64(c.I64[r]^c.I64[o]) | uint64(c.Hi[r]^c.Hi[o])
		}
	case value.LaneF64:
		for i, r := range rows {
			diff[i] |= math.Float64bits(c.F64[r]) ^ math.Float64bits(c.F64[rows[like[i]]])
		}
	case value.LaneBool:
		for i, r := range rows {
			diff[i] |= bit(c.Bool[r] != c.Bool[rows[like[i]]])
		}
	case value.LaneView: // two views of one vector that are the same are the same text; long ones that are not may be too
		for i, r := range rows {
			lo, hi := c.View[r].Words()
			lo2, hi2 := c.View[rows[like[i]]].Words()
			diff[i] |= lo ^ lo2 | hi ^ hi2
		}
	}
}

// number gives the rows that are not like an earlier one their places, and the others the places of those.
func (p *repeats) number(rows []int32) {
	n := int32(0)
	of := p.of[:len(rows)]
	like, same := p.like[:len(rows)], p.same[:len(rows)]
	for i, r := range rows {
		differs := int32((same[i] | -same[i]) >> 63) // 1 or 0
		self := int32(uint32(like[i]^int32(i))-1) >> 31 & 1
		p.first[n], p.rows[n] = int32(i), r
		new := differs | self
		of[i] = n&-new | of[like[i]]&^-new
		n += new
	}
	p.first, p.rows = p.first[:n], p.rows[:n]
}

// locate is Upsert of the firsts alone.
func (p *repeats) locate(t *state.Table, ns int64, keys *value.Keys, slots []value.Slot, fresh []bool) error {
	n := len(p.first)
	p.slots, p.fresh = resized(p.slots, n), resized(p.fresh, n)
	if err := t.Upsert(ns, keys, p.slots, p.fresh); err != nil {
		return err
	}
	for i, k := range p.of {
		slots[i] = p.slots[k]
	}
	for k, i := range p.first {
		fresh[i] = p.fresh[k]
	}
	return nil
}
