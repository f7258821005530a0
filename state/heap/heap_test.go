package heap

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestHeap puts, replaces and releases values of all sizes and compares with a map of copies.
func TestHeap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h Heap
		held := map[uint64][]byte{}
		pick := func() uint64 { // the smallest handle that is not below a random one: deterministic for rapid
			want, best := rapid.Uint64Range(0, 1<<33).Draw(t, "near"), uint64(0)
			for handle := range held {
				if best == 0 || handle >= want && (best < want || handle < best) || best < want && handle < best {
					best = handle
				}
			}
			return best
		}
		fill := byte(0)
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			old := uint64(0)
			if rapid.Bool().Draw(t, "replace") {
				old = pick()
			}
			size := rapid.OneOf(rapid.IntRange(0, 40), rapid.IntRange(0, 2000), rapid.IntRange(big-20, big+20), rapid.Just(3*maxChunk)).Draw(t, "size")
			fill++
			p := bytes.Repeat([]byte{fill}, size)
			if old != 0 && rapid.Bool().Draw(t, "from itself") {
				p = h.Bytes(old)[len(held[old])/2:]
			}
			want := bytes.Clone(p)
			handle := h.Put(old, p)
			delete(held, old)
			if _, taken := held[handle]; taken {
				t.Fatalf("handle %x is given out twice", handle)
			}
			if (handle == 0) != (len(want) == 0) {
				t.Fatalf("handle %x for %d bytes", handle, len(want))
			}
			if handle != 0 {
				held[handle] = want
			}
			for handle, want := range held {
				if !bytes.Equal(h.Bytes(handle), want) {
					t.Fatalf("value of handle %x has changed", handle)
				}
			}
		}
		for handle := range held {
			h.Release(handle)
		}
		if h.live != 0 || h.total > maxChunk {
			t.Fatalf("%d bytes in use, %d held, by nothing", h.live, h.total)
		}
	})
}

// TestHeapClasses: every size fits its class, with little waste, and what was rounded is in the same class.
func TestHeapClasses(t *testing.T) {
	last := 0
	for size := header + 1; size <= big; size++ {
		c, rounded := class(size)
		again, same := class(rounded)
		if rounded < size || again != c || same != rounded || c < last || c >= classes || size > 128 && rounded > size*5/4 {
			t.Fatalf("size %d: class %d, rounded to %d, which is of class %d", size, c, rounded, again)
		}
		last = c
	}
}
