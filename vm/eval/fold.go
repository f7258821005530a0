package eval

import (
	"pipec/compiler/plan"
	"pipec/grammar/diag"
	"pipec/vm/fn"
	"pipec/vm/value"
)

// FoldError says that a constant part of an expression fails for every row.
type FoldError struct {
	Span diag.Span
	Code string // E804, E805, ...
	Text string
}

// Error is the text of the row error.
func (e *FoldError) Error() string { return e.Text }

// Fold computes the constant parts of an expression: what remains has literals in their place. Calls of impure functions and those that depend on the
// job's zone stay. A part that fails is a *FoldError with its place, also in a branch that might never be taken.
func Fold(e *plan.Expr) (*plan.Expr, error) {
	if e == nil || e.Op == plan.OpLiteral || e.Op == plan.OpColumn {
		return e, nil
	}
	args := make([]*plan.Expr, len(e.Args))
	constant, changed := true, false
	for i, a := range e.Args {
		var err error
		if args[i], err = Fold(a); err != nil {
			return nil, err
		}
		constant = constant && args[i].Op == plan.OpLiteral
		changed = changed || args[i] != a
	}
	if changed {
		c := *e
		c.Args = args
		e = &c
	}
	if constant && foldable(e) {
		return compute(e)
	}
	return shorten(e), nil
}

// foldable says whether the value of an expression over literals is a literal that is always the same.
func foldable(e *plan.Expr) bool {
	switch e.Op {
	case plan.OpElem, plan.OpVar, plan.OpEach, plan.OpLet, plan.OpList, plan.OpRecord:
		return false
	case plan.OpCall:
		spec, ok := fn.Lookup(e.Name)
		if !ok || spec.Impure || spec.Family == "time" {
			return false
		}
	}
	switch e.Type.Lane() {
	case value.LaneList, value.LaneRecord, value.LaneNone:
		return false
	}
	return true
}

// compute evaluates a constant expression on a batch of one row.
func compute(e *plan.Expr) (*plan.Expr, error) {
	p, err := Compile(e, &fn.Env{})
	if err != nil {
		return e, nil // the checker will have said why
	}
	var errs Errors
	errs.Reset(1)
	v := p.Run(&value.Batch{Len: 1}, value.Identity(1), &errs)
	if errs.Any() {
		return nil, &FoldError{Span: e.Span, Code: errs.Code[0], Text: errs.Text[0]}
	}
	lit := &plan.Literal{Kind: e.Type.Kind}
	switch {
	case v.IsNull(0):
		lit.Kind = value.Null
	case v.Lane == value.LaneI64:
		lit.Int = v.I64[0]
		if e.Type.Kind == value.Decimal {
			lit.Hi = v.I64[0] >> 63
		}
	case v.Lane == value.LaneWide:
		lit.Int, lit.Hi = v.I64[0], v.Hi[0]
	case v.Lane == value.LaneF64:
		lit.Float = v.F64[0]
	case v.Lane == value.LaneBool:
		lit.Bool = v.Bool[0]
	default:
		lit.Text = string(v.Text(0))
	}
	return &plan.Expr{Op: plan.OpLiteral, Type: e.Type, Lit: lit, Span: e.Span}, nil
}

// shorten drops branches that a constant condition excludes.
func shorten(e *plan.Expr) *plan.Expr {
	if len(e.Args) == 0 || e.Args[0].Op != plan.OpLiteral {
		return e
	}
	lit, keep := e.Args[0].Lit, (*plan.Expr)(nil)
	switch {
	case e.Op == plan.OpAnd && lit.Kind == value.Bool && lit.Bool, e.Op == plan.OpOr && lit.Kind == value.Bool && !lit.Bool:
		keep = e.Args[1]
	case e.Op == plan.OpAnd && lit.Kind == value.Bool, e.Op == plan.OpOr && lit.Kind == value.Bool:
		keep = e.Args[0]
	case e.Op == plan.OpIf && lit.Kind == value.Bool && lit.Bool:
		keep = e.Args[1]
	case e.Op == plan.OpIf && lit.Kind == value.Bool:
		keep = e.Args[2]
	case e.Op == plan.OpCoalesce && lit.Kind == value.Null:
		keep = e.Args[1]
	case e.Op == plan.OpCoalesce:
		keep = e.Args[0]
	}
	if keep == nil || !keep.Type.Equal(e.Type) {
		return e
	}
	return keep
}
