package agg

import "pipec/vm/value"

// levels is the number of runs of a set, levelCaps how many values each may hold. A value moves up at most levels times, each time with up to 32 times as
// many others: the logarithmic method of Bentley and Saxe (Decomposable Searching Problems, 1980).
const levels = 4

var levelCaps = [levels]int{32, 32 << 5, 32 << 10, 1 << 31}

func countDistinct() Spec {
	return Spec{
		Name:   "count_distinct",
		Doc:    "How many different values there are, exactly. It remembers each value of each group: bound it by a window.",
		Params: []string{"x"},
		Check: func(args []value.Type, _ bool) (value.Type, error) {
			if args[0].Kind == value.Null {
				return value.Type{}, takes("count_distinct", "a value that has a type", args[0])
			}
			return value.Of(value.Int), nil
		},
		Fields: func([]value.Type) []value.StateField {
			fields := []value.StateField{{Name: "count", Cell: value.CellInt}}
			for _, name := range [levels]string{"run0", "run1", "run2", "run3"} {
				fields = append(fields, value.StateField{Name: name, Cell: value.CellBytes})
			}
			return fields
		},
		Update: func(u *Update) {
			buf, x := borrow(), u.Args[0]
			defer buf.release()
			for i, r := range u.Rows {
				if x.IsNull(int(r)) {
					continue
				}
				buf.key = value.AppendKey(buf.key[:0], x, u.Types[0], int(r))
				set := distinct{u.Slots[i], u.Word, u.Heap}
				set.add(buf)
			}
		},
		Merge: func(m *Merge) {
			buf := borrow()
			defer buf.release()
			for i, d := range m.Dst {
				set, from := distinct{d, m.Word, m.DstHeap}, distinct{m.Src[i], m.Word, m.SrcHeap}
				set.join(from, buf)
			}
		},
		Result: func(r *Result) {
			for i, s := range r.Slots {
				r.Out.I64[i] = *s.Int(r.Word)
			}
		},
		Examples: []Example{
			{"[1, 2, 1, null]", "count_distinct(x)", "2"},
			{`["a", "b", "a"]`, "count_distinct(x)", "2"},
		},
		Flink: "COUNT(DISTINCT x)",
	}
}

// distinct is the set of encoded values of one slot: sorted runs of growing size, without a value in two of them.
type distinct struct {
	slot value.Slot
	word int
	heap value.Heap
}

func (d distinct) handle(level int) *uint64 { return d.slot.Uint(d.word + 1 + level) }

func (d distinct) run(level int) []byte { return d.heap.Bytes(*d.handle(level)) }

// add puts buf.key into the set.
func (d distinct) add(buf *buffer) {
	at := 0
	for level := levels - 1; level >= 0; level-- {
		var found bool
		if at, found = runFind(d.run(level), buf.key); found {
			return
		}
	}
	*d.slot.Int(d.word)++
	if first := d.run(0); runLen(first) < levelCaps[0] {
		buf.insert(first, at)
	} else {
		d.push(buf)
		buf.insert(nil, 0)
	}
	*d.handle(0) = d.heap.Put(*d.handle(0), buf.run)
}

// push merges the full first run into the first level that has room for it and all between.
func (d distinct) push(buf *buffer) {
	n, to := runLen(d.run(0)), 0
	for to == 0 || n > levelCaps[to] {
		to++
		n += runLen(d.run(to))
	}
	buf.runs = buf.runs[:0]
	for level := 0; level <= to; level++ {
		buf.runs = append(buf.runs, d.run(level))
	}
	buf.merge()
	for level := range to {
		*d.handle(level) = d.heap.Put(*d.handle(level), nil)
	}
	*d.handle(to) = d.heap.Put(*d.handle(to), buf.run)
}

// join makes d the union of both sets.
func (d distinct) join(from distinct, buf *buffer) {
	if *from.slot.Int(from.word) == 0 {
		return
	}
	buf.runs = buf.runs[:0]
	for level := range levels {
		buf.runs = append(buf.runs, d.run(level), from.run(level))
	}
	buf.merge()
	n, to := runLen(buf.run), 0
	for n > levelCaps[to] {
		to++
	}
	for level := range levels {
		var p []byte
		if level == to {
			p = buf.run
		}
		*d.handle(level) = d.heap.Put(*d.handle(level), p)
	}
	*d.slot.Int(d.word) = int64(n)
}
