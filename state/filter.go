package state

import "math/bits"

// filter says of a key's hash whether the key may have been added: a chain of blocked Bloom filters (Putze, Sanders, Singler 2007), each four times as
// large as the one before, with 12 bits a key. It may err towards yes, by some per cent. Keys cannot be taken out again.
type filter struct {
	levels [][]uint64 // blocks of 8 words: one cache line
	room   int        // keys that the last level still takes
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

func (f *filter) maybe(hash uint64) bool {
	hash = spread(hash)
	for i := len(f.levels) - 1; i >= 0; i-- {
		if probeBlock(f.levels[i], hash, false) {
			return true
		}
	}
	return false
}

// add adds a key unless the filter says yes already.
func (f *filter) add(hash uint64) {
	if f.maybe(hash) {
		return
	}
	if f.room == 0 {
		f.room = filterFirst << (2 * min(len(f.levels), 12))
		f.levels = append(f.levels, make([]uint64, (f.room*filterBits/64+filterBlock-1)/filterBlock*filterBlock))
	}
	f.room--
	probeBlock(f.levels[len(f.levels)-1], spread(hash), true)
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

func (f *filter) bytes() int64 {
	n := 0
	for _, l := range f.levels {
		n += len(l) * 8
	}
	return int64(n)
}
