package group

import (
	"slices"

	"pipec/state"
	"pipec/vm/agg"
	"pipec/vm/value"
)

// total is the sum of the slices of a window. Where every aggregate can take back exactly what it was given it goes on from window to window: slices that leave are taken out, slices that enter are
// added, so that a window costs as many as changed, however many it has (Tangwongsan, Hirzel, Schneider: Sliding-Window Aggregation Algorithms, 2017, call it subtract-on-evict). Else it begins
// anew with each window. It is in no snapshot: a restored task adds its slices up again.
type total struct {
	*grouping
	table   *state.Table
	unmerge []func(*agg.Merge) // of each aggregate; nil: the sum begins anew
	count   int                // word of a slot that says in how many slices its key is
	inside  []int64            // slices in the sum
	gone    int                // keys of the table that are in no slice any more
	keys1   value.Keys
	src     []value.Slot
	dst     []value.Slot
	new     []bool
}

// newTotal makes an empty sum that moves size keys at a time.
func newTotal(g *grouping, groups, size int) total {
	t := total{grouping: g, src: make([]value.Slot, size), dst: make([]value.Slot, size), new: make([]bool, size)}
	for i := range g.parts {
		p := &g.parts[i]
		var back func(*agg.Merge)
		if p.spec.Unmerge != nil {
			back = p.spec.Unmerge(p.types)
		}
		if back == nil {
			t.unmerge = nil
			break
		}
		t.unmerge = append(t.unmerge, back)
	}
	schema := g.schema
	if t.unmerge != nil {
		schema.Fields = append(slices.Clone(schema.Fields), value.StateField{Name: "slices", Cell: value.CellInt}) // behind the others, whose words are those of the slices' slots
	}
	t.table = state.Scratch(schema, groups)
	if t.unmerge != nil {
		t.count = t.table.Word(len(schema.Fields) - 1)
	}
	return t
}

// holds says whether a slice is in the sum; entered and left change that.
func (t *total) holds(slice int64) bool { return slices.Contains(t.inside, slice) }

func (t *total) entered(slice int64) {
	if t.unmerge != nil {
		t.inside = append(t.inside, slice)
	}
}

func (t *total) left(slice int64) {
	t.inside = slices.DeleteFunc(t.inside, func(s int64) bool { return s == slice })
}

// cheaperAnew says whether to add up those that stay costs less than to take so many out.
func (t *total) cheaperAnew(leave int) bool { return 2*leave > len(t.inside) }

// clear empties the sum.
func (t *total) clear() {
	t.table.Drop(0)
	t.inside, t.gone = t.inside[:0], 0
}

// over ends a window. Keys that are gone stay in the table until they are many.
func (t *total) over() {
	if t.unmerge == nil || 2*t.gone > t.table.Len() {
		t.clear()
	}
}

// alive says whether the key of a slot is in any slice.
func (t *total) alive(s value.Slot) bool { return t.unmerge == nil || *s.Int(t.count) > 0 }

// piece reads some rows of a pane and finds their slots in the sum; last says that they are the last ones.
func (t *total) piece(from *state.Table, pane int64, c *state.Cursor) (n int, last bool, err error) {
	if n, err = from.Scan(pane, c, &t.keys1, t.src); err != nil || n == 0 {
		*c = state.Cursor{}
		return 0, true, err
	}
	if last = n < len(t.src); last {
		*c = state.Cursor{}
	}
	return n, last, t.table.Upsert(0, &t.keys1, t.dst[:n], t.new[:n])
}

// add adds some rows of a pane, and says whether they were the last ones.
func (t *total) add(from *state.Table, pane int64, c *state.Cursor) (last bool, err error) {
	n, last, err := t.piece(from, pane, c)
	if n == 0 || err != nil {
		return last, err
	}
	dst := t.dst[:n]
	t.merge(t.table, dst, from, t.src[:n])
	if t.unmerge == nil {
		return last, nil
	}
	for i, d := range dst {
		in := d.Int(t.count)
		if *in == 0 && !t.new[i] {
			t.gone--
		}
		*in++
	}
	return last, nil
}

// take takes some rows of a pane out that had been added. A sum that begins anew anyway is left as it is.
func (t *total) take(from *state.Table, pane int64, c *state.Cursor) (last bool, err error) {
	if t.unmerge == nil {
		return true, nil
	}
	n, last, err := t.piece(from, pane, c)
	if n == 0 || err != nil {
		return last, err
	}
	dst := t.dst[:n]
	m := agg.Merge{Dst: dst, Src: t.src[:n], DstHeap: t.table.Heap(), SrcHeap: from.Heap()}
	for i, back := range t.unmerge {
		m.Types, m.Word = t.parts[i].types, t.parts[i].word
		back(&m)
	}
	for _, d := range dst {
		in := d.Int(t.count)
		if *in--; *in == 0 {
			t.gone++
		}
	}
	return last, nil
}

// keep keeps the rows that stay, in place, and says how many they are.
func keep(keys *value.Keys, slots []value.Slot, stay func(i int) bool) int {
	n, end := 0, uint32(0)
	for i, s := range slots {
		if !stay(i) {
			continue
		}
		end += uint32(copy(keys.Buf[end:], keys.At(i)))
		slots[n], keys.Hash[n], keys.Group[n] = s, keys.Hash[i], keys.Group[i]
		n++
		keys.Off[n] = end
	}
	keys.Buf, keys.Off, keys.Hash, keys.Group = keys.Buf[:end], keys.Off[:n+1], keys.Hash[:n], keys.Group[:n]
	return n
}
