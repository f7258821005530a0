package compiler

import (
	"slices"
	"strings"

	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/op"
	"pipec/vm/value"
)

// contract makes the rows what a sink demands: the columns of its schema, or those of what else is written into it. Only order and the precision of decimals are
// changed, by a node of its own; everything else that differs is reported (S433, S414).
func (b *builder) contract(in op.Stream, k *sink, ref *grammar.Ref) (op.Stream, bool) {
	want, code := k.contract, "S433"
	if k.node != "" {
		cfg := b.build.graph.Find(k.node).Config.(*plan.SinkConfig)
		want, code = &cfg.Schema, "S414"
	}
	if want == nil {
		return in, true
	}
	if !b.matches(in.Type.Schema, *want, k, code, ref.Span()) {
		return in, false
	}
	return b.arranged(in, *want), true
}

// matches compares arriving columns with those that a sink takes.
func (b *builder) matches(have, want value.Schema, k *sink, code string, at diag.Span) bool {
	ok := true
	say := func(message string, args ...any) *diag.Diagnostic {
		ok = false
		return b.list.Errorf(code, at, message, args...)
	}
	for _, f := range want.Fields {
		i := have.Index(f.Name)
		if i < 0 {
			say("`%s` wants the column `%s`, but these rows have none", k.name, f.Name).WithHelp("columns here: %s", strings.Join(have.Names(), ", "))
			continue
		}
		t := have.Fields[i].Type
		switch {
		case t.Nullable && !f.Type.Nullable && code == "S433":
			say("column `%s` may be null, but `%s` says that it is never", f.Name, k.name).WithHelp("say what a missing value is: `|> set %s = %s ?? ...`", f.Name, f.Name)
		case !assignable(t, f.Type, code == "S433"):
			say("column `%s` is %s, but `%s` takes %s", f.Name, t.NotNull().Article(), k.name, f.Type.NotNull().Article())
		}
	}
	for _, f := range have.Fields {
		if want.Index(f.Name) < 0 {
			say("`%s` has no column `%s`", k.name, f.Name).WithHelp("leave it out: `|> drop %s`", f.Name)
		}
	}
	return ok
}

// assignable says whether values of one type may go where another is declared: the same type, with decimals of any precision but the same scale. Words are
// part of a contract only: a sink without one takes what all its inputs have.
func assignable(from, to value.Type, contract bool) bool {
	if from.Kind == value.Decimal && to.Kind == value.Decimal {
		return from.Scale == to.Scale
	}
	if from.Kind == value.String && to.Kind == value.String && contract {
		return len(to.Words) == 0 || len(from.Words) > 0 && !slices.ContainsFunc(from.Words, func(w string) bool { return !slices.Contains(to.Words, w) })
	}
	return from.Same(to) || from.Kind == value.String && to.Kind == value.String
}

// arranged puts the columns in the order of want and gives decimals their precision; as it is where nothing differs.
func (b *builder) arranged(in op.Stream, want value.Schema) op.Stream {
	have := in.Type.Schema
	p := &op.Project{}
	t := in.Type
	t.Schema = value.Schema{}
	differs := false
	for at, f := range want.Fields {
		i := have.Index(f.Name)
		from := have.Fields[i].Type
		to := f.Type
		to.Nullable = from.Nullable
		t.Schema.Fields = append(t.Schema.Fields, value.Field{Name: f.Name, Type: to})
		p.Columns = append(p.Columns, i)
		differs = differs || i != at
		if from.Precision != to.Precision {
			p.Steps = append(p.Steps, op.Step{Column: i, Expr: &plan.Expr{Op: plan.OpConvert, Type: to, Args: []*plan.Expr{plan.Column(i, from)}, Span: b.span}})
			differs = true
		}
	}
	if !differs {
		return in
	}
	parts := in.Parts
	out := b.Node(op.Node{Kind: "select", Ports: []plan.Port{{Type: t}}, Config: p, Fails: len(p.Steps) > 0}, in)
	out.Parts = parts
	return out
}
