package ordered

import (
	"math/bits"
	"sync/atomic"
)

// Filter says of a key's hash whether the key may have been added: a chain of blocked Bloom filters (Putze, Sanders, Singler 2007), each four times as
// large as the one before, with 12 bits a key. It may err towards yes, by some per cent. Keys cannot be taken out again. It belongs to one goroutine.
type Filter struct {
	levels [][]uint64 // blocks of 8 words: one cache line
	room   int        // keys that the last level still takes
	blind  bool       // there was no memory for it: every key may have been added
}

// Room is the memory that filters share, in bytes.
type Room struct {
	Most int64
	used atomic.Int64
}

const (
	filterBlock = 8
	filterBits  = 12
	filterFirst = 512 // keys of the first level
	filterProbe = 5
)

// spread makes bits of a hash that are independent of its key group and of its place in the table.
func spread(hash uint64) uint64 {
	hash ^= hash >> 32
	hash *= 0xD6E8FEB86659FD93
	return hash ^ hash>>32
}

// Maybe says whether the key may have been added.
func (f *Filter) Maybe(hash uint64) bool {
	hash = spread(hash)
	for i := len(f.levels) - 1; i >= 0; i-- {
		if probeBlock(f.levels[i], hash, false) {
			return true
		}
	}
	return f.blind
}

// Any says whether a key was ever added.
func (f *Filter) Any() bool { return f.blind || len(f.levels) > 0 }

// Add adds a key unless the filter says yes already. Where the memory is used up the filter gives all of its own back and says yes to everything: that costs time,
// and is right.
func (f *Filter) Add(hash uint64, memory *Room) {
	if f.Maybe(hash) {
		return
	}
	if f.room == 0 {
		room := filterFirst << (2 * min(len(f.levels), 12))
		words := (room*filterBits/64 + filterBlock - 1) / filterBlock * filterBlock
		if memory.used.Add(int64(words)*8) > memory.Most {
			memory.used.Add(-int64(words) * 8)
			f.Free(memory)
			f.blind = true
			return
		}
		f.room = room
		f.levels = append(f.levels, make([]uint64, words))
	}
	f.room--
	probeBlock(f.levels[len(f.levels)-1], spread(hash), true)
}

// Free gives the memory back; the filter is empty.
func (f *Filter) Free(memory *Room) {
	for _, l := range f.levels {
		memory.used.Add(-int64(len(l)) * 8)
	}
	*f = Filter{}
}

// probeBlock tests the bits of a hash, or sets them.
func probeBlock(level []uint64, hash uint64, set bool) bool {
	hi, lo := bits.Mul64(hash, uint64(len(level)/filterBlock))
	block := level[hi*filterBlock:][:filterBlock]
	for range filterProbe {
		word, bit := &block[lo>>61], uint64(1)<<(lo>>55&63)
		if set {
			*word |= bit
		} else if *word&bit == 0 {
			return false
		}
		lo *= 0x9E3779B97F4A7C15
	}
	return true
}
