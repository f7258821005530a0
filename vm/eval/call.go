package eval

import (
	"fmt"

	"pipec/compiler/plan"
	"pipec/vm/fn"
	"pipec/vm/value"
)

// call makes a call of a function of vm/fn. Rows with a null argument are null and never reach it, unless it asks for them.
func (b *builder) call(n *node, e *plan.Expr) error {
	spec, ok := fn.Lookup(e.Name)
	if !ok {
		return fmt.Errorf("no such function: %s", e.Name)
	}
	c := &fn.Call{Args: make([]*value.Vec, len(n.args)), Type: n.typ, Env: b.env, Cache: new(any)}
	for _, a := range n.args {
		c.Types = append(c.Types, a.typ)
		c.Lits = append(c.Lits, a.lit)
	}
	var errs *Errors
	c.Fail = func(row int32, code, text string) { errs.Add(row, code, text) }
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		for i, a := range n.args {
			c.Args[i] = a.eval(f, s)
		}
		out := n.fresh(f)
		errs = f.errs
		c.Out, c.N, c.Rows = out, f.n, s.rows
		if !spec.KeepsNull {
			c.Rows = nonNull(n, f, s, out, c.Args)
		}
		if f.errs.Any() { // an argument that failed is garbage
			n.buf[1] = f.errs.Without(room(n.buf[1], len(c.Rows)), c.Rows)
			c.Rows = n.buf[1]
		}
		spec.Eval(c)
		return out
	}
	return nil
}

// nonNull lifts null and gives the rows without one.
func nonNull(n *node, f *frame, s *sel, out *value.Vec, args []*value.Vec) []int32 {
	any := false
	for _, a := range args {
		if a.Valid != nil {
			any = true
			lift(out, f.n, out, a)
		}
	}
	if !any {
		return s.rows
	}
	return pickValid(append(n.rows(0, s)[:0], s.rows...), out)
}
