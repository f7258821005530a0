package op

import (
	"slices"

	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/value"
)

// Row errors go by each emission (2.18, 37): an update whose expression fails is an error although the next one of its key may be right. Which updates are
// seen depends on batches and on timing, so a program that runs well on one day can have row errors, or fail, on another. Results out of range are left out
// of the warning: any sum can have them, and hardly one is corrected later.

// Expr is Builder.Expr with the warning for stages behind which updates go on.
func (c *Check) Expr(e *grammar.Expr, s Scope) *Checked {
	x := c.Builder.Expr(e, s)
	if t := c.In.Type; x != nil && !s.Constant && c.updates(c.In) {
		c.passing(x, func(operand *plan.Expr) bool {
			return reads(operand, func(column *plan.Expr) bool {
				return column.Col < len(t.Schema.Fields) && !slices.Contains(t.ModeKey, t.Schema.Fields[column.Col].Name)
			})
		})
	}
	return x
}

// passing warns of a part of an expression that fails for some values of operands that change from update to update (S441).
func (c *Check) passing(x *Checked, changes func(operand *plan.Expr) bool) {
	always(x.Expr, func(e *plan.Expr) {
		operand := risky(e)
		if c.warned || operand == nil || !changes(operand) {
			return
		}
		c.warned = true
		c.say(diag.New(diag.Warning, "S441", e.Span, "a row error here may be of a result that the next update corrects").
			WithHelp("which updates are seen depends on timing: say what holds meanwhile, as in `if n == 0 { null } else { x / n }`, or aggregate in a window, which gives each result once"))
	})
}

// always walks the parts of an expression that are evaluated for every row: what stands behind a condition is guarded by it.
func always(e *plan.Expr, visit func(*plan.Expr)) {
	if e == nil {
		return
	}
	visit(e)
	args := e.Args
	if e.Op == plan.OpIf || e.Op == plan.OpAnd || e.Op == plan.OpOr {
		args = args[:1]
	}
	for _, a := range args {
		always(a, visit)
	}
}

// reads says whether an expression reads one of some columns.
func reads(e *plan.Expr, is func(column *plan.Expr) bool) bool {
	found := false
	e.Walk(func(x *plan.Expr) { found = found || x.Op == plan.OpColumn && is(x) })
	return found
}

// risky gives the operand whose value decides whether e fails for another reason than a result out of range; nil if there is none.
func risky(e *plan.Expr) *plan.Expr {
	switch e.Op {
	case plan.OpDiv, plan.OpMod:
		return divisor(e.Args[1])
	case plan.OpCall:
		switch e.Name {
		case "div", "mod":
			return divisor(e.Args[1])
		case "log", "sqrt":
			return e.Args[0]
		case "int", "float", "decimal", "timestamp", "bool", "parse_time":
			if e.Args[0].Type.Kind == value.String {
				return e.Args[0]
			}
		}
	}
	return nil
}

// divisor is an operand that may be 0; nil for a number that is not.
func divisor(e *plan.Expr) *plan.Expr {
	if e.Op == plan.OpLiteral {
		return nil
	}
	return e
}
