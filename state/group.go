package state

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"github.com/cespare/xxhash/v2"

	"pipec/vm/value"
)

// A slot is a word about it, one or two words of key and then the accumulators, as declared by Schema.Fields:
//
//	word 0    epoch of the last write (32 bits), key group (16), tag (8), flags (8)
//	word 1    a key of up to 8 bytes, zero padded; or the last 8 of 9 whose first is 1, which every number that is not null has
//	words 1,2 in tables with two words of key: a key of up to 16 bytes, zero padded
//
// A key that does not fit lies in the heap: word 1 is its handle, word 2 its hash.
const (
	inlineKey  = 16
	groupShift = 32
	tagShift   = 48
	tagMask    = 0xFF << tagShift
	tagEmpty   = 0 << tagShift
	tagDead    = 1 << tagShift // a deleted slot: probes go on behind it
	tagInline  = 2             // plus the length of the key
	tagNumber  = 19 << tagShift
	tagLong    = 20 << tagShift

	flagDirty = 1 << 56 // differs from what the cold store holds
	flagRef   = 1 << 57 // used since the clock hand passed
	flagSent  = 1 << 59 // on its way to the cold store
	flagAtCut = 1 << 58 // was in the table when the running cut began; valid while epoch is the current one
	flagSeen  = 1 << 60 // only within Distinct

	// hotMask is what a write must find in word 0 to need no further care.
	hotMask = 0xFFFFFFFF | flagDirty | flagRef
)

// group is one open-addressing table with linear probing: the keys of one key group in one pane, or of all groups of a small pane.
// A key's place is the high part of its mixed hash times the capacity, so that capacities need not be powers of two. The mixing depends on the
// capacity: rows that come in the order of another table, from a snapshot or a scan, would otherwise all crowd at the low end of one that is
// still growing, and each insertion would walk over those before it. Offsets (at, scanned) count words.
type group struct {
	words   []uint64
	slots   uint64 // capacity
	seed    uint64 // odd, a function of the capacity
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

// end is the address behind the last slot.
func (g *group) end() uintptr {
	return uintptr(unsafe.Pointer(unsafe.SliceData(g.words))) + uintptr(len(g.words))*8
}

func (g *group) limit() int { return int(g.slots) * 3 / 4 }

func seedOf(slots uint64) uint64 {
	x := slots * 0x9E3779B97F4A7C15
	x = (x ^ x>>31) * 0xBF58476D1CE4E5B9
	return (x ^ x>>29) | 1
}

// home is the number of the slot where a key should be.
func (g *group) home(hash uint64) uint64 {
	hi, _ := bits.Mul64(hash*g.seed, g.slots)
	return hi
}

// keyWords gives the tag and the words of a key that fits its slot, or tagLong. wide says that slots have two words of key.
func keyWords(key []byte, wide bool) (tag, k1, k2 uint64) {
	n := len(key)
	if !wide && n > 8 {
		if n == 9 && key[0] == 1 {
			return tagNumber, binary.LittleEndian.Uint64(key[1:]), 0
		}
		return tagLong, 0, 0
	}
	tag = uint64(n+tagInline) << tagShift
	switch {
	case n > 16:
		return tagLong, 0, 0
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

// find looks for a key in a table of the pane's and gives its offset; if it is absent, where it belongs: the first dead or the empty slot.
func (t *Table) find(g *group, key []byte, hash uint64) (at int, ok bool) {
	if g.slots == 0 {
		return 0, false
	}
	tag, k1, k2 := keyWords(key, t.header == 3)
	words, width := g.words, t.width
	at = int(g.home(hash)) * width
	dead := -1
	for {
		w := words[at : at+t.header : at+t.header]
		switch w[0] & tagMask {
		case tag:
			if tag == tagLong {
				if (len(w) == 2 || w[2] == hash) && string(t.heap.Bytes(w[1])) == string(key) {
					return at, true
				}
			} else if w[1] == k1 && (len(w) == 2 || w[2] == k2) {
				return at, true
			}
		case tagEmpty:
			if dead >= 0 {
				at = dead
			}
			return at, false
		case tagDead:
			if dead < 0 {
				dead = at
			}
		}
		if at += width; at == len(words) {
			at = 0
		}
	}
}

// setKey writes a new key into a slot and gives it its tag.
func (t *Table) setKey(w []uint64, key []byte, hash uint64) {
	tag, k1, k2 := keyWords(key, t.header == 3)
	if tag == tagLong {
		k1, k2 = t.heap.Put(0, key), hash
	}
	w[0], w[1] = tag, k1
	if t.header == 3 {
		w[2] = k2
	}
}

// keyOf gives the key of a slot; buf is where it is put together if need be.
func (t *Table) keyOf(w []uint64, buf *[inlineKey]byte) []byte {
	tag := w[0] & tagMask
	switch tag {
	case tagLong:
		return t.heap.Bytes(w[1])
	case tagNumber:
		buf[0] = 1
		binary.LittleEndian.PutUint64(buf[1:], w[1])
		return buf[:9]
	}
	binary.LittleEndian.PutUint64(buf[:], w[1])
	if t.header == 3 {
		binary.LittleEndian.PutUint64(buf[8:], w[2])
	}
	return buf[:tag>>tagShift-tagInline]
}

// hashOf gives the hash of a slot's key.
func (t *Table) hashOf(w []uint64) uint64 {
	switch tag := w[0] & tagMask; {
	case tag == tagNumber:
		return value.HashNumber(w[1])
	case tag == tagLong && t.header == 3:
		return w[2]
	}
	var buf [inlineKey]byte
	return xxhash.Sum64(t.keyOf(w, &buf))
}

func live(w0 uint64) bool { return w0&tagMask > tagDead }

// move puts the live slots among words into the tables of a pane that they belong to, which have room for them and do not hold their keys.
func (t *Table) move(p *pane, words []uint64) {
	from, width := t.store.from, t.width
	for ; len(words) >= width; words = words[width:] {
		w0 := words[0]
		if !live(w0) {
			continue
		}
		g := p.table(int(uint16(w0>>groupShift)) - from)
		hash := uint64(0)
		if w0&tagMask == tagNumber {
			hash = value.HashNumber(words[1])
		} else {
			hash = t.hashOf(words[:width])
		}
		at := int(g.home(hash)) * width
		for g.words[at]&tagMask != tagEmpty {
			if at += width; at == len(g.words) {
				at = 0
			}
		}
		to := g.words[at : at+width]
		for i, w := range words[:len(to)] { // a few words: a call would cost more
			to[i] = w
		}
		g.used++
		g.live++
	}
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

func (t *Table) slotAt(g *group, at int) value.Slot { return value.SlotAt(&g.words[at+t.header]) }
