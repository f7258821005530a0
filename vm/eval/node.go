package eval

import (
	"pipec/compiler/plan"
	"pipec/vm/eval/lane"
	"pipec/vm/value"
)

// frame is the batch that nodes work on: the one given to Run, or the flattened elements of a closure's lists.
type frame struct {
	cols  []*value.Vec
	n     int // rows that every result has room for
	errs  *Errors
	run   uint64 // when work on this batch began
	clock *uint64

	// Only in a closure: where the batch came from.
	up    *frame
	upSel *sel
	owner []int32 // the row of up that each row here belongs to
	elem  *value.Vec
}

// tick is the next moment; no two are equal.
func (f *frame) tick() uint64 {
	*f.clock++
	return *f.clock
}

// sel is a selection of a frame's rows, and the larger one it was taken from.
type sel struct {
	rows []int32 // ascending
	gen  uint64  // the moment it was made, which tells it from every other
	up   *sel
}

// node computes one subexpression.
type node struct {
	run  func(n *node, f *frame, s *sel) *value.Vec
	pass func(n *node, f *frame, s *sel, dst []int32) []int32 // for conditions: the rows where it is true; nil: found from run
	args []*node
	typ  value.Type
	lit  *plan.Literal // of a constant
	id   int

	// A result holds for the selection it was computed for and for every one taken from that. The rule that makes sharing safe: whoever keeps
	// the result of an operand meanwhile evaluates others only for the same selection or for ones taken from it.
	last *value.Vec
	gen  uint64

	out  *value.Vec // the node's own memory for results
	used uint64     // the run that out was last prepared for
	sub  [2]sel     // selections it hands to its operands
	buf  [3][]int32
}

// eval gives the column for the rows of s.
func (n *node) eval(f *frame, s *sel) *value.Vec {
	for x := s; x != nil; x = x.up {
		if x.gen == n.gen {
			return n.last
		}
	}
	v := n.run(n, f, s)
	n.last, n.gen = v, s.gen
	return v
}

// pick puts the rows of s for which the node, a condition, is true into dst, which has room for all of them. Null is not true.
func (n *node) pick(f *frame, s *sel, dst []int32) []int32 {
	if n.pass != nil {
		return n.pass(n, f, s, dst)
	}
	v := n.eval(f, s)
	return pickTrue(dst, v, s.rows)
}

func pickTrue(dst []int32, v *value.Vec, rows []int32) []int32 {
	j := 0
	if v.Valid == nil {
		for _, r := range rows {
			dst[j] = r
			j += lane.B2I(v.Bool[r])
		}
		return dst[:j]
	}
	for _, r := range rows {
		dst[j] = r
		j += lane.B2I(v.Bool[r] && v.Valid[r>>6]>>(r&63)&1 == 1)
	}
	return dst[:j]
}

// fresh prepares the node's own vector for results. A second evaluation in one run, for other rows, must not disturb text of the first that somebody
// has merged by reference.
func (n *node) fresh(f *frame) *value.Vec {
	if n.out == nil {
		n.out = value.NewVec(n.typ)
	}
	if n.used == f.run {
		n.out.Ready(f.n)
	} else {
		n.out.Resize(f.n)
		n.used = f.run
		clear(n.out.View) // rows that fail or are null keep these, and may be looked at
		clear(n.out.Range)
	}
	return n.out
}

// shell prepares a vector for lists whose elements are another column's: the node owns the ranges alone.
func (n *node) shell(f *frame) *value.Vec {
	if n.out == nil {
		n.out = &value.Vec{Lane: value.LaneList}
	}
	n.out.Kids = n.out.Kids[:0] // not ours to resize
	return n.fresh(f)
}

// narrow makes a selection of rows taken from s, in the node's k-th slot.
func (n *node) narrow(k int, f *frame, s *sel, rows []int32) *sel {
	if len(rows) == len(s.rows) {
		return s
	}
	n.sub[k] = sel{rows: rows, gen: f.tick(), up: s}
	return &n.sub[k]
}

// rows gives the node's k-th scratch list with room for all rows of s.
func (n *node) rows(k int, s *sel) []int32 {
	n.buf[k] = room(n.buf[k], len(s.rows))
	return n.buf[k]
}

// lift makes out null where a or b is: the rule of operators and functions.
func lift(out *value.Vec, n int, a, b *value.Vec) {
	switch {
	case a.Valid == nil && b.Valid == nil:
		out.Valid = nil
	case b.Valid == nil:
		copy(out.Bitmap(n), a.Valid)
	case a.Valid == nil:
		copy(out.Bitmap(n), b.Valid)
	default:
		bits, x, y := out.Bitmap(n), a.Valid, b.Valid
		for i := range bits {
			bits[i] = x[i] & y[i]
		}
	}
}

// liftOne makes out null where a is.
func liftOne(out *value.Vec, n int, a *value.Vec) {
	if a.Valid == nil {
		out.Valid = nil
		return
	}
	copy(out.Bitmap(n), a.Valid)
}

// blame adds the error of every row of s that is not null and that check names one for. Kernels call it once they know that some row may have failed.
func blame(f *frame, s *sel, out *value.Vec, check func(r int32) (code, text string)) {
	for _, r := range s.rows {
		if out.IsNull(int(r)) || f.errs.Has(r) {
			continue
		}
		if code, text := check(r); code != "" {
			f.errs.Add(r, code, text)
		}
	}
}

// Codes of row errors (language reference, Row errors).
const (
	codeMissing  = "E802"
	codeKind     = "E803"
	codeRange    = "E804"
	codeZero     = "E805"
	codeInfinite = "E806"
)

const textZero = "division by zero"
