package eval

import (
	"pipec/vm/eval/lane"
	"pipec/vm/value"
)

// not inverts; null stays null.
func not(n *node) {
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		a := n.args[0].eval(f, s)
		out := n.fresh(f)
		for _, r := range s.rows {
			out.Bool[r] = !a.Bool[r]
		}
		liftOne(out, f.n, a)
		return out
	}
	if !n.args[0].typ.Nullable {
		n.pass = func(n *node, f *frame, s *sel, dst []int32) []int32 {
			return lane.Without(dst, s.rows, n.args[0].pick(f, s, n.rows(0, s)))
		}
	}
}

// and evaluates its right side only where the left is true (or null, which only the value of `1 < x < 5` can be).
func and(n *node) {
	n.run = func(n *node, f *frame, s *sel) *value.Vec { return both(n, f, s, true) }
	n.pass = func(n *node, f *frame, s *sel, dst []int32) []int32 {
		left := n.args[0].pick(f, s, n.rows(0, s))
		return n.args[1].pick(f, n.narrow(0, f, s, left), dst)
	}
}

// or evaluates its right side only where the left is not true.
func or(n *node) {
	n.run = func(n *node, f *frame, s *sel) *value.Vec { return both(n, f, s, false) }
	n.pass = func(n *node, f *frame, s *sel, dst []int32) []int32 {
		left := n.args[0].pick(f, s, n.rows(0, s))
		rest := n.narrow(0, f, s, lane.Without(n.rows(1, s), s.rows, left))
		return lane.Union(dst, left, n.args[1].pick(f, rest, n.rows(2, rest)))
	}
}

// both computes `and` (on = true) and `or` (on = false) in three-valued logic: where the left side is not decisive, the right side decides; a null on
// one side and an indecisive value on the other give null.
func both(n *node, f *frame, s *sel, on bool) *value.Vec {
	a := n.args[0].eval(f, s)
	out := n.fresh(f)
	liftOne(out, f.n, a)
	open, j := n.rows(0, s), 0
	for _, r := range s.rows {
		out.Bool[r] = a.Bool[r]
		open[j] = r
		j += lane.B2I(a.Bool[r] == on || a.IsNull(int(r)))
	}
	b := n.args[1].eval(f, n.narrow(0, f, s, open[:j]))
	if a.Valid == nil && b.Valid == nil {
		for _, r := range open[:j] {
			out.Bool[r] = b.Bool[r]
		}
		return out
	}
	for _, r := range open[:j] {
		switch i := int(r); {
		case b.IsNull(i):
			out.SetNull(i, f.n)
		case b.Bool[r] != on: // decisive, also beside a null
			out.SetValid(i)
			out.Bool[r] = b.Bool[r]
		case !a.IsNull(i):
			out.Bool[r] = b.Bool[r]
		}
	}
	return out
}

// choose is `if`: each branch is evaluated for its rows alone.
func choose(n *node) {
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		yes := n.args[0].pick(f, s, n.rows(0, s))
		no := lane.Without(n.rows(1, s), s.rows, yes)
		out := n.fresh(f)
		for k, rows := range [2][]int32{yes, no} {
			if len(rows) > 0 {
				merge(out, n.args[1+k].eval(f, n.narrow(k, f, s, rows)), rows, f.n)
			}
		}
		return out
	}
	if n.typ.Kind != value.Bool {
		return
	}
	n.pass = func(n *node, f *frame, s *sel, dst []int32) []int32 {
		yes := n.args[0].pick(f, s, n.rows(0, s))
		no := n.narrow(1, f, s, lane.Without(n.rows(1, s), s.rows, yes))
		hit := n.narrow(0, f, s, yes)
		n.buf[2] = room(n.buf[2], 2*len(s.rows))
		a := n.args[1].pick(f, hit, n.buf[2][:len(yes):len(yes)])
		b := n.args[2].pick(f, no, n.buf[2][len(yes):len(s.rows)])
		return lane.Union(dst, a, b)
	}
}

// coalesce is `??`: the right side is evaluated where the left is null.
func coalesce(n *node) {
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		a := n.args[0].eval(f, s)
		if a.Valid == nil {
			return a
		}
		have, none := n.rows(0, s), n.rows(1, s)
		h, k := 0, 0
		for _, r := range s.rows {
			null := lane.B2I(a.IsNull(int(r)))
			have[h], none[k] = r, r
			h, k = h+1-null, k+null
		}
		if k == 0 {
			return a
		}
		out := n.fresh(f)
		if h > 0 {
			out.Merge(a, have[:h], f.n)
		}
		merge(out, n.args[1].eval(f, n.narrow(1, f, s, none[:k])), none[:k], f.n)
		return out
	}
}

// merge is Vec.Merge, also from the literal null, which has no lane.
func merge(out, src *value.Vec, rows []int32, n int) {
	if src.Lane != value.LaneNone || out.Lane == value.LaneNone {
		out.Merge(src, rows, n)
		return
	}
	for _, r := range rows {
		out.SetNull(int(r), n)
		switch out.Lane {
		case value.LaneView:
			out.View[r] = value.View{}
		case value.LaneList:
			out.Range[r] = value.Range{}
		}
	}
}
