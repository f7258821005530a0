package screen

import (
	"container/heap"
	"slices"
)

// A table of a stream with millions of keys must not hold them all: nobody scrolls to them. keptRows is some times the height of a window, so that rows that
// are deleted have successors.
const keptRows = 2000

// kept are the rows of a table with the smallest keys, of a stream with any number of them. The zero value is empty.
type kept struct {
	byKey   map[string]*record // by encoded key, whose order is that of the keys
	beyond  bool               // a row was left out: there may be more than these
	closed  bool               // keys from horizon on are left out
	horizon string
	order   []string // the smallest keys, sorted; valid unless stale
	stale   bool
	most    int // how many of them order may hold
}

// record is one row, its cells separated by a byte that clean text does not hold.
type record struct{ cells []byte }

const separator = 0

// place gives the record of a key, nil if the key is beyond what is kept. The key is copied if need be.
func (k *kept) place(key []byte) *record {
	if rec := k.byKey[string(key)]; rec != nil {
		return rec
	}
	if k.closed && string(key) >= k.horizon {
		return nil
	}
	if k.byKey == nil {
		k.byKey = map[string]*record{}
	}
	rec := &record{}
	k.byKey[string(key)] = rec
	k.stale = true
	if len(k.byKey) > 2*keptRows { // by far not at each row
		k.prune()
		if k.byKey[string(key)] == nil {
			return nil
		}
	}
	return rec
}

// prune forgets all but the smallest keys, and closes behind them.
func (k *kept) prune() {
	k.smallest(keptRows)
	last := k.order[keptRows-1]
	k.horizon = ""
	for key := range k.byKey {
		if key > last {
			if k.horizon == "" || key < k.horizon {
				k.horizon = key
			}
			delete(k.byKey, key)
		}
	}
	k.closed, k.beyond = true, true
}

// remove forgets a key. When many have gone, larger ones are taken again as they come.
func (k *kept) remove(key []byte) {
	if k.byKey[string(key)] == nil {
		return
	}
	delete(k.byKey, string(key))
	k.stale = true
	if len(k.byKey) < keptRows/2 {
		k.closed = false
	}
}

// smallest gives the rows with the n smallest keys in order.
func (k *kept) smallest(n int) []*record {
	if k.stale || n > k.most {
		var h largest
		for key := range k.byKey {
			if len(h) < n {
				heap.Push(&h, key)
			} else if key < h[0] {
				h[0] = key
				heap.Fix(&h, 0)
			}
		}
		slices.Sort(h)
		k.order, k.stale, k.most = h, false, n
	}
	rows := make([]*record, 0, n)
	for _, key := range k.order[:min(n, len(k.order))] {
		rows = append(rows, k.byKey[key])
	}
	return rows
}

// largest is a heap with the largest key on top.
type largest []string

func (h largest) Len() int           { return len(h) }
func (h largest) Less(i, j int) bool { return h[i] > h[j] }
func (h largest) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *largest) Push(x any) { *h = append(*h, x.(string)) }

// Pop implements heap.Interface.
func (h *largest) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
