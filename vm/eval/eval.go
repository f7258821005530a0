// Package eval turns a plan.Expr into a program over column vectors and runs it batch by batch.
//
// A program is a graph of nodes; equal subexpressions are one node. A node computes a whole column at a time, for the rows of a selection:
// `and`, `or`, `if` and `??` hand smaller selections to their branches, so a branch that is not taken cannot fail. Kernels are plain loops over
// lanes, one per operator and form; they find overflow, division by zero and results that are not finite without a branch per row, and only then
// look for the rows to blame. Those loops are in vm/eval/lane.
//
//	eval.go     Program, Compile, Run, Filter
//	errors.go   Errors: the rows that failed
//	node.go     node, frame, sel: how a column is computed, and when it need not be computed again
//	build.go    from plan.Expr to nodes
//	leaf.go     columns and literals
//	logic.go    and, or, not, if, ??
//	compare*.go == < ..., in, between
//	arith*.go   + - * / % ** on ints, floats, decimals and times
//	text.go     operators on texts
//	nested.go   lists, maps and records
//	each.go     closures over lists: the elements of all rows become one batch
//	convert.go  conversions of types
//	call.go     functions of vm/fn
//	fold.go     Fold: constant subexpressions
package eval

import (
	"pipec/compiler/plan"
	"pipec/vm/fn"
	"pipec/vm/value"
)

// Batch is what a program reads: only the columns it uses need be there.
type Batch = value.Batch

// Program is one compiled expression with its scratch memory; it serves one goroutine.
type Program struct {
	root  *node
	frame frame
	sel   sel
	clock uint64
	none  Errors
}

// Compile makes a program of a checked expression. It fails for an expression that the checker should not have let pass, such as a sum of a bool.
func Compile(e *plan.Expr, env *fn.Env) (*Program, error) {
	b := newBuilder(env)
	root, err := b.build(e)
	if err != nil {
		return nil, err
	}
	p := &Program{root: root}
	p.frame.clock = &p.clock
	return p, nil
}

// Run computes the expression for the given rows of b, in ascending order. Entries of the result lie at row positions; those of other rows and
// of failed rows are garbage. The result is read-only and belongs to the program until its next Run; of a plain column it is the batch's own.
// Rows that fail are added to errs, which was Reset for b.Len rows; nil drops them.
func (p *Program) Run(b *Batch, rows []int32, errs *Errors) *value.Vec {
	p.begin(b, rows, errs)
	return p.root.eval(&p.frame, &p.sel)
}

// Filter puts those of the given rows for which the expression is true into dst, in order, and returns it, grown if need be. Rows that fail are
// not among them; they are in errs. dst and rows must not overlap.
func (p *Program) Filter(b *Batch, rows, dst []int32, errs *Errors) []int32 {
	p.begin(b, rows, errs)
	dst = p.root.pick(&p.frame, &p.sel, room(dst, len(rows)))
	if p.frame.errs.Any() {
		dst = p.frame.errs.Without(dst, dst)
	}
	return dst
}

func (p *Program) begin(b *Batch, rows []int32, errs *Errors) {
	if errs == nil {
		errs = &p.none
		errs.Reset(b.Len)
	}
	f := &p.frame
	f.cols, f.n, f.errs = b.Cols, b.Len, errs
	f.run = f.tick()
	p.sel = sel{rows: rows, gen: f.tick()}
}

// room gives n entries, in dst if it is large enough.
func room(dst []int32, n int) []int32 {
	if cap(dst) < n {
		return make([]int32, n, max(n, 64))
	}
	return dst[:n]
}
