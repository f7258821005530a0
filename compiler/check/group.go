package check

import (
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"pipec/compiler/plan"
	"pipec/vm/agg"
	"pipec/vm/value"
)

// An expression behind `aggregate` mixes two worlds: inside of sum(...) the names are columns of the rows, outside they are columns of the group. So
// `total = sum(price * n) / count()` is taken apart into two calls over rows and one expression over their results, `$sum / $count`, and both halves
// are checked by the same walk, with another schema in force (run.inAgg).

// aggregate collects a call of an aggregate: its arguments are over the rows, its result is a column behind those of the group.
func (r *run) aggregate(n *ast.CallNode, a *agg.Spec) val {
	span := r.e.SpanOf(n)
	switch {
	case r.s.Aggregates == nil:
		d := r.errorf("S401", span, "`%s` works on many rows, but this is one row", a.Name)
		if r.s.Doing == "aggregate" || r.s.Doing == "window" {
			return r.unknown()
		}
		d.WithHelp("first `|> aggregate x = %s(...)`, then `|> %s x ...`", a.Name, stageWord(r.s.Doing))
		return r.unknown()
	case r.inAgg:
		r.errorf("S402", span, "an aggregate cannot be inside another one").
			WithHelp("aggregate twice: the second `aggregate` stage works on the rows of the first")
		return r.unknown()
	}
	r.inAgg = true
	args, known := r.arguments(n.Arguments)
	r.inAgg = false
	if !r.counted(n, a.Name, a.Params, a.Optional, false) || !known && r.failed {
		return r.unknown()
	}
	types, exprs := make([]value.Type, len(args)), make([]*plan.Expr, len(args))
	for i, v := range args {
		// Folded before it is written into the signature of the state, so that `sum(x * (1 + 1))` and `sum(x * 2)` are one state.
		exprs[i] = r.fold(v.Expr)
		types[i] = exprs[i].Type
	}
	t, err := a.Check(types, r.s.Filtered)
	if err != nil && !known {
		t, err = value.Of(value.Unknown), nil
	}
	if err != nil {
		r.errorf("T307", span, "%s", err).WithHelp("`%s(%s)`: %s", a.Name, strings.Join(a.Params, ", "), a.Doc)
		return r.unknown()
	}
	texts := make([]string, len(exprs))
	for i, e := range exprs {
		texts[i] = e.Format(r.s.Schema)
	}
	// The group's columns come first, then one column per call, in the order of the text: that is what the operator emits, and what the rest of this
	// expression is evaluated over. Equal calls are not merged, since each belongs to a named output of the state's signature.
	i := len(r.s.Group.Fields) + len(*r.s.Aggregates)
	*r.s.Aggregates = append(*r.s.Aggregates, plan.Aggregate{
		Func: a.Name, Args: exprs, Type: t, Text: a.Name + "(" + strings.Join(texts, ", ") + ")",
	})
	return val{Expr: &plan.Expr{Op: plan.OpColumn, Col: i, Type: t, Name: r.label(n), Span: span}, why: r.label(n)}
}

// stageWord is the stage that help texts continue with.
func stageWord(doing string) string {
	if slices.Contains([]string{"where", "derive", "set", "select"}, doing) {
		return doing
	}
	return "where"
}

func letPath(i int) string { return "$let" + strconv.Itoa(i) }

// plural writes a number with its noun.
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return number(n) + " " + noun
}

// number writes small numbers as words.
func number(n int) string {
	if words := []string{"no", "one", "two", "three"}; n < len(words) {
		return words[n]
	}
	return strconv.Itoa(n)
}

// Counted says that a call has the wrong number of values.
func Counted(name string, want, got int) string {
	return "`" + name + "` takes " + plural(want, "value") + ", but here " + isAre(got) + " " + strconv.Itoa(got)
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
