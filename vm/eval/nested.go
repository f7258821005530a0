package eval

import (
	"fmt"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// field reads one field of a record, also of a null one, which gives null. The column is the record's own.
func field(n *node, name string) error {
	rec := n.args[0].typ
	at := value.Schema{Fields: rec.Fields}.Index(name)
	if rec.Kind != value.Record || at < 0 {
		return fmt.Errorf("%s has no field %q", rec, name)
	}
	n.out = &value.Vec{}
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		v := n.args[0].eval(f, s)
		kid := v.Kids[at]
		if v.Valid == nil {
			return kid
		}
		n.out.Share(kid)
		lift(n.out, f.n, v, kid)
		return n.out
	}
	return nil
}

// index is list[i], negative from the end, or map[key]; what is missing is null.
func (b *builder) index(n *node) error {
	x := n.args[0].typ
	n.args = append(n.args, literal(&plan.Literal{Kind: value.Null}, n.typ)) // for a batch without any element
	switch x.Kind {
	case value.List:
		if n.args[1].typ.Kind != value.Int {
			return noKernel(n, plan.OpIndex)
		}
		n.run = func(n *node, f *frame, s *sel) *value.Vec {
			return picked(n, f, s, 0, func(v, at *value.Vec, r int32) int32 {
				span, i := v.Range[r], at.I64[r]
				if i < 0 {
					i += int64(span.To - span.From)
				}
				if i < 0 || i >= int64(span.To-span.From) {
					return -1
				}
				return span.From + int32(i)
			})
		}
		return nil
	case value.Map:
		if n.args[1].typ.Lane() != x.Key.Lane() {
			return noKernel(n, plan.OpIndex)
		}
		n.run = func(n *node, f *frame, s *sel) *value.Vec {
			return picked(n, f, s, 1, func(v, at *value.Vec, r int32) int32 {
				for e := v.Range[r].From; e < v.Range[r].To; e++ {
					if value.Equal(v.Kids[0], int(e), at, int(r)) {
						return e
					}
				}
				return -1
			})
		}
		return nil
	}
	return noKernel(n, plan.OpIndex)
}

// picked takes one element of each row's list, or null where find gives -1. The elements are gathered at row positions and share their text.
func picked(n *node, f *frame, s *sel, kid int, find func(v, at *value.Vec, r int32) int32) *value.Vec {
	v, at := n.args[0].eval(f, s), n.args[1].eval(f, s)
	from := v.Kids[kid]
	if from.Room() == 0 {
		return n.args[2].eval(f, s)
	}
	if n.out == nil {
		n.out = &value.Vec{}
	}
	out := n.out
	takeShape(out, from)
	elements := room(n.buf[0], f.n)
	missing := n.rows(1, s)[:0]
	n.buf[0] = elements
	clear(elements)
	for _, r := range s.rows {
		e := int32(-1)
		if !v.IsNull(int(r)) && !at.IsNull(int(r)) {
			e = find(v, at, r)
		}
		elements[r] = max(e, 0)
		if e < 0 {
			missing = append(missing, r)
		}
	}
	out.Take(from, elements)
	for _, r := range missing {
		out.SetNull(int(r), f.n)
	}
	return out
}

// list makes lists of as many elements as there are operands: the i-th selected row has elements [k*i, k*i+k) of the child.
func list(n *node) {
	vs := make([]*value.Vec, len(n.args))
	k := len(vs)
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		for i, a := range n.args {
			vs[i] = a.eval(f, s)
		}
		out := n.fresh(f)
		if k == 0 {
			return out // all ranges are empty
		}
		kid, m := out.Kids[0], k*len(s.rows)
		kid.Resize(m)
		clear(kid.View)
		clear(kid.Range)
		to := n.rows(0, s)
		for i, v := range vs {
			for j := range to {
				to[j] = int32(j*k + i)
			}
			if v.Lane == value.LaneNone && kid.Lane != value.LaneNone {
				for _, e := range to {
					kid.SetNull(int(e), m)
				}
			} else {
				kid.Spread(v, s.rows, to, m)
			}
		}
		for i, r := range s.rows {
			out.Range[r] = value.Range{From: int32(i * k), To: int32(i*k + k)}
		}
		return out
	}
}

// record makes records; their fields are the operands' columns.
func record(n *node) {
	n.out = value.NewVec(n.typ)
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		for i, a := range n.args {
			n.out.Kids[i] = a.eval(f, s)
		}
		n.out.Valid = nil
		return n.out
	}
}
