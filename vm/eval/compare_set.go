package eval

import (
	"fmt"

	"pipec/compiler/plan"
	"pipec/vm/eval/lane"
	"pipec/vm/value"
)

// between is x in low..high, both ends included; null lifts.
func (b *builder) between(n *node) error {
	if err := b.unify(n.args, 0, 1); err != nil {
		return err
	}
	if err := b.unify(n.args, 0, 2); err != nil {
		return err
	}
	if err := b.unify(n.args, 0, 1); err != nil { // the third may have widened the first
		return err
	}
	l := n.args[0].typ.Lane()
	if l != n.args[1].typ.Lane() || l != n.args[2].typ.Lane() {
		return noKernel(n, plan.OpBetween)
	}
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		x, low, high := n.args[0].eval(f, s), n.args[1].eval(f, s), n.args[2].eval(f, s)
		out := n.fresh(f)
		switch l {
		case value.LaneI64:
			lane.Within(out.Bool, x.I64, low.I64, high.I64, s.rows)
		case value.LaneF64:
			lane.Within(out.Bool, x.F64, low.F64, high.F64, s.rows)
		default:
			for _, r := range s.rows {
				i := int(r)
				out.Bool[r] = value.Compare(x, i, low, i) >= 0 && value.Compare(x, i, high, i) <= 0
			}
		}
		lift(out, f.n, x, low)
		lift(out, f.n, out, high)
		return out
	}
	return nil
}

// constantList gives the elements of a list of literals.
func constantList(e *plan.Expr) []*plan.Expr {
	if e.Op != plan.OpList || len(e.Args) == 0 {
		return nil
	}
	for _, a := range e.Args {
		if a.Op != plan.OpLiteral {
			return nil
		}
	}
	return e.Args
}

// member is x in [literals]: the list is a set made once. Lists of other types are compared element by element.
func (b *builder) member(e *plan.Expr, set []*plan.Expr) (*node, error) {
	x, err := b.build(e.Args[0])
	if err != nil {
		return nil, err
	}
	same := true
	for _, lit := range set {
		same = same && (lit.Lit.Kind == value.Null || lit.Type.Kind == x.typ.Kind && lit.Type.Precision == x.typ.Precision && lit.Type.Scale == x.typ.Scale)
	}
	l := x.typ.Lane()
	if !same || l != value.LaneI64 && l != value.LaneView {
		xs, err := b.build(e.Args[1])
		if err != nil {
			return nil, err
		}
		args := []*node{x, xs}
		return b.intern(b.key(e, args), func() (*node, error) { n := &node{typ: e.Type, args: args}; return n, b.memberOf(n) })
	}
	key := b.key(e, []*node{x})
	for _, lit := range set {
		key += fmt.Sprintf(" %#v", *lit.Lit)
	}
	return b.intern(key, func() (*node, error) {
		n := &node{typ: e.Type, args: []*node{x}}
		if l == value.LaneI64 {
			n.run = inInts(set)
		} else {
			n.run = inTexts(set)
		}
		return n, nil
	})
}

func inInts(set []*plan.Expr) func(*node, *frame, *sel) *value.Vec {
	ints := make(map[int64]struct{}, len(set))
	var few []int64
	for _, lit := range set {
		if lit.Lit.Kind != value.Null {
			ints[lit.Lit.Int] = struct{}{}
			few = append(few, lit.Lit.Int)
		}
	}
	return func(n *node, f *frame, s *sel) *value.Vec {
		x := n.args[0].eval(f, s)
		out := n.fresh(f)
		if len(few) <= 8 {
			for _, r := range s.rows {
				hit := 0
				for _, c := range few {
					hit |= lane.B2I(x.I64[r] == c)
				}
				out.Bool[r] = hit == 1
			}
		} else {
			for _, r := range s.rows {
				_, out.Bool[r] = ints[x.I64[r]]
			}
		}
		liftOne(out, f.n, x)
		return out
	}
}

func inTexts(set []*plan.Expr) func(*node, *frame, *sel) *value.Vec {
	texts := make(map[string]struct{}, len(set))
	var few [][2]uint64 // short texts, as the words of their views
	for _, lit := range set {
		if lit.Lit.Kind != value.Null {
			texts[lit.Lit.Text] = struct{}{}
			view := value.MakeView([]byte(lit.Lit.Text), 0, 0)
			lo, hi := view.Words()
			few = append(few, [2]uint64{lo, hi})
		}
	}
	short := len(few) <= 8
	for text := range texts {
		short = short && len(text) <= value.InlineView
	}
	if short {
		return inShortTexts(few)
	}
	return func(n *node, f *frame, s *sel) *value.Vec {
		x := n.args[0].eval(f, s)
		out := n.fresh(f)
		for _, r := range s.rows {
			if !x.IsNull(int(r)) {
				_, out.Bool[r] = texts[string(x.Text(int(r)))]
			}
		}
		liftOne(out, f.n, x)
		return out
	}
}

// inShortTexts compares words: a longer text has another length, which is part of the first word.
func inShortTexts(few [][2]uint64) func(*node, *frame, *sel) *value.Vec {
	return func(n *node, f *frame, s *sel) *value.Vec {
		x := n.args[0].eval(f, s)
		out := n.fresh(f)
		for _, r := range s.rows {
			lo, hi := x.View[r].Words()
			hit := 0
			for _, w := range few {
				hit |= lane.B2I((lo^w[0])|(hi^w[1]) == 0)
			}
			out.Bool[r] = hit == 1
		}
		liftOne(out, f.n, x)
		return out
	}
}

// memberOf is x in xs for a list that is not constant. A null element equals nothing, since x is not null.
func (b *builder) memberOf(n *node) error {
	x, xs := n.args[0], n.args[1]
	if xs.typ.Kind == value.Map {
		return b.keyOf(n)
	}
	if xs.typ.Kind != value.List {
		return noKernel(n, plan.OpIn)
	}
	elem := *xs.typ.Elem
	if elem.Kind == value.Null || elem.Kind == value.Unknown { // the empty list
		elem = x.typ
	}
	if elem.Numeric() && x.typ.Numeric() && !elem.Same(x.typ) {
		both := []*node{{typ: elem}, x}
		to := value.Of(value.Float)
		if elem.Kind != value.Float && x.typ.Kind != value.Float {
			to = value.UnionType(elem, x.typ)
		}
		var err error
		if n.args[0], err = b.converted(both[1], to); err != nil {
			return err
		}
		if n.args[1], err = b.converted(xs, value.ListOf(to.Null())); err != nil {
			return err
		}
	} else if elem.Lane() != x.typ.Lane() {
		return noKernel(n, plan.OpIn)
	}
	n.run = memberRows
	return nil
}

// keyOf is key in map.
func (b *builder) keyOf(n *node) error {
	if n.args[0].typ.Lane() != n.args[1].typ.Key.Lane() {
		return noKernel(n, plan.OpIn)
	}
	n.run = memberRows
	return nil
}

func memberRows(n *node, f *frame, s *sel) *value.Vec {
	x, xs := n.args[0].eval(f, s), n.args[1].eval(f, s)
	out := n.fresh(f)
	lift(out, f.n, x, xs)
	for _, r := range s.rows {
		if out.IsNull(int(r)) {
			continue
		}
		hit := false
		for e := xs.Range[r].From; e < xs.Range[r].To && !hit; e++ {
			hit = value.Equal(x, int(r), xs.Kids[0], int(e))
		}
		out.Bool[r] = hit
	}
	return out
}
