package state

import (
	"encoding/binary"
	"math/bits"

	"github.com/cespare/xxhash/v2"

	"pipec/vm/value"
)

// A slot is header words and then the accumulators, as declared by Schema.Fields:
//
//	word 0   epoch of the last write (32 bits), key group (16), tag (8), flags (8)
//	word 1,2 the key, zero padded, up to 16 bytes; a longer one is its hash and its handle in the heap
const (
	header    = 3
	inlineKey = 16

	groupShift = 32
	tagShift   = 48
	tagMask    = 0xFF << tagShift
	tagEmpty   = 0 << tagShift
	tagDead    = 1 << tagShift // a deleted slot: probes go on behind it
	tagInline  = 2             // plus the length of the key
	tagLong    = uint64(tagInline+inlineKey+1) << tagShift

	flagDirty = 1 << 56 // differs from what the cold store holds
	flagRef   = 1 << 57 // used since the clock hand passed
	flagAtCut = 1 << 58 // was in the table when the running cut began; valid while epoch is the current one

	// hotMask is what a write must find in word 0 to need no further care.
	hotMask = 0xFFFFFFFF | flagDirty | flagRef
)

// group is one open-addressing table with linear probing: the keys of one key group in one pane, or of all groups of a small pane.
// Its position in the table is the high part of hash times capacity, so that capacities need not be powers of two and growing
// visits both tables in order. Offsets (at, scanned) count words.
type group struct {
	words   []uint64
	slots   uint64 // capacity
	used    int    // slots that are live or dead
	live    int
	scanned int    // slots below are in the running cut already; valid if cut is its epoch
	cut     uint32 // epoch of the cut that scanned belongs to
	grown   uint32 // number of the call in which slots moved
}

// Load factor at most 3/4; growth by half from growSlow slots on, doubling below.
const (
	minSlots = 8
	growSlow = 64
)

func (g *group) limit() int { return int(g.slots) * 3 / 4 }

func home(hash, slots uint64) uint64 {
	hi, _ := bits.Mul64(hash, slots)
	return hi
}

// keyWords gives the tag and the two words of a key of up to 16 bytes.
func keyWords(key []byte) (tag, k1, k2 uint64) {
	n := len(key)
	tag = uint64(n+tagInline) << tagShift
	switch {
	case n >= 8:
		k1 = binary.LittleEndian.Uint64(key)
		k2 = binary.LittleEndian.Uint64(key[n-8:]) >> (8 * uint(16-n)) // a shift by 64 gives 0
	case n >= 4:
		k1 = uint64(binary.LittleEndian.Uint32(key)) | uint64(binary.LittleEndian.Uint32(key[n-4:]))<<(8*uint(n-4))
	default:
		for i := n - 1; i >= 0; i-- {
			k1 = k1<<8 | uint64(key[i])
		}
	}
	return tag, k1, k2
}

// findInline looks for a short key and gives its offset; if it is absent, where it belongs: the first dead or the empty slot.
func (g *group) findInline(width int, hash, tag, k1, k2 uint64) (at int, ok bool) {
	words := g.words
	at = int(home(hash, g.slots)) * width
	dead := -1
	for {
		w := words[at : at+header : at+header]
		t := w[0] & tagMask
		if t == tag && w[1] == k1 && w[2] == k2 {
			return at, true
		}
		if t <= tagDead {
			if t == tagEmpty {
				if dead >= 0 {
					at = dead
				}
				return at, false
			}
			if dead < 0 {
				dead = at
			}
		}
		if at += width; at == len(words) {
			at = 0
		}
	}
}

// findLong is findInline for keys in the heap.
func (g *group) findLong(h *heap, width int, hash uint64, key []byte) (at int, ok bool) {
	words := g.words
	at = int(home(hash, g.slots)) * width
	dead := -1
	for {
		w := words[at : at+header : at+header]
		t := w[0] & tagMask
		if t == tagLong && w[1] == hash && string(h.Bytes(w[2])) == string(key) {
			return at, true
		}
		if t <= tagDead {
			if t == tagEmpty {
				if dead >= 0 {
					at = dead
				}
				return at, false
			}
			if dead < 0 {
				dead = at
			}
		}
		if at += width; at == len(words) {
			at = 0
		}
	}
}

// appendKey appends the key of a slot.
func appendKey(dst []byte, h *heap, w []uint64) []byte {
	tag := w[0] & tagMask
	if tag == tagLong {
		return append(dst, h.Bytes(w[2])...)
	}
	var b [inlineKey]byte
	binary.LittleEndian.PutUint64(b[:], w[1])
	binary.LittleEndian.PutUint64(b[8:], w[2])
	return append(dst, b[:tag>>tagShift-tagInline]...)
}

func keyLen(h *heap, w []uint64) int {
	if tag := w[0] & tagMask; tag != tagLong {
		return int(tag>>tagShift) - tagInline
	}
	return len(h.Bytes(w[2]))
}

// hashOf gives the hash of a slot's key.
func hashOf(w []uint64) uint64 {
	var b [inlineKey]byte
	if tag := w[0] & tagMask; tag != tagLong {
		binary.LittleEndian.PutUint64(b[:], w[1])
		binary.LittleEndian.PutUint64(b[8:], w[2])
		return xxhash.Sum64(b[:tag>>tagShift-tagInline])
	}
	return w[1]
}

func live(w0 uint64) bool { return w0&tagMask > tagDead }

// move puts a live slot of another table into this one, which has room for it and does not hold its key.
func (g *group) move(width int, slot []uint64) {
	at := int(home(hashOf(slot), g.slots)) * width
	for g.words[at]&tagMask != tagEmpty {
		if at += width; at == len(g.words) {
			at = 0
		}
	}
	copy(g.words[at:at+width], slot)
	g.used++
	g.live++
}

// capacityFor gives the number of slots for n keys that are going to grow.
func capacityFor(n int) uint64 {
	want := n*4/3 + 1
	if want < growSlow {
		return uint64(max(minSlots, 1<<bits.Len(uint(want))))
	}
	return uint64(want + want/2)
}

// remove makes a live slot dead, or empty if no probe can go on behind it. Its cells in the heap are the caller's.
func (g *group) remove(width, at int) {
	clear(g.words[at : at+width])
	next := at + width
	if next == len(g.words) {
		next = 0
	}
	g.live--
	if g.words[next]&tagMask == tagEmpty {
		g.used--
		return
	}
	g.words[at] = tagDead
}

func slotAt(words []uint64, at int) value.Slot { return value.SlotAt(&words[at+header]) }
