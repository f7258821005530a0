package op

import (
	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/value"
)

func selectSpec() Spec {
	return Spec{
		Verb:     "select",
		Doc:      "Gives exactly the listed columns, in their order. `*` is all of them, `r.*` all fields of the record r. A field without a name of its own keeps its name.",
		Syntax:   "select ITEM, ...",
		Examples: []string{"from orders |> select id, net = amount / 1.19", "from orders |> select *, year = year(at)"},
		Check:    checkSelect,
		New:      newProject,
		Passes:   true,
	}
}

// selection is the output of a select while it grows.
type selection struct {
	c      *Check
	in     value.Schema
	out    value.Schema
	config Project
	fails  bool
	work   int               // columns of the work so far
	names  map[string]string // new name of each input column that is given
}

func checkSelect(c *Check) Stream {
	c.closed()
	s := &selection{c: c, in: c.In.Type.Schema, work: len(c.In.Type.Schema.Fields), names: map[string]string{}}
	s.config.Columns = []int{}
	for _, item := range c.Stage.Op.(*grammar.Select).Items {
		switch {
		case item.Star:
			for i, f := range s.in.Fields {
				s.column(f.Name, item.Span(), f.Type, i)
			}
		case item.Of != nil:
			s.fields(item)
		default:
			s.expr(item)
		}
	}
	to := func(name string) (string, bool) {
		n, ok := s.names[name]
		return n, ok
	}
	if missing, ok := gone(c.In.Type, to); ok {
		c.keeps(missing, c.keyword(), "`select` drops it")
	}
	return c.forward(Node{Kind: "select", Ports: []plan.Port{{Type: moved(c.In.Type, s.out, to)}}, Fails: s.fails, Config: &s.config}, to)
}

// gone gives a column that updates need and that has no name any more.
func gone(t plan.StreamType, to func(string) (string, bool)) (string, bool) {
	for _, name := range t.ModeKey {
		if _, ok := to(name); !ok {
			return name, true
		}
	}
	return "", false
}

// column adds work column at to the output.
func (s *selection) column(name string, span diag.Span, t value.Type, at int) {
	if s.out.Index(name) >= 0 {
		s.c.twice(name, span)
		return
	}
	s.out = s.out.With(name, t)
	s.config.Columns = append(s.config.Columns, at)
	if at < len(s.in.Fields) {
		if old := s.in.Fields[at].Name; s.names[old] == "" {
			s.names[old] = name
		}
	}
}

// step adds a computed column to the output.
func (s *selection) step(name string, span diag.Span, t value.Type, e *plan.Expr) {
	if s.out.Index(name) >= 0 {
		s.c.twice(name, span)
		return
	}
	s.config.Steps = append(s.config.Steps, Step{Column: s.work, Expr: e})
	s.column(name, span, t, s.work)
	s.work++
}

// expr adds an item that is an expression. Steps are over the input's columns alone: what is computed here cannot be seen here.
func (s *selection) expr(item *grammar.Item) {
	x := s.c.Expr(item.Expr, s.c.scope(s.in))
	s.fails = s.fails || fails(x)
	name := s.c.itemName(item, x)
	if name == "" {
		return
	}
	t := s.c.typed(name, item.Expr, x)
	if x != nil && x.Expr.Op == plan.OpColumn {
		s.column(name, item.Span(), t, x.Expr.Col)
		return
	}
	s.step(name, item.Span(), t, expr(x))
}

// fields adds all fields of a record column.
func (s *selection) fields(item *grammar.Item) {
	i := s.c.has(item.Of, s.in, "N201", "unknown column `%s`")
	if i < 0 {
		return
	}
	record := s.in.Fields[i].Type
	if record.Kind == value.Unknown {
		return
	}
	if record.Kind != value.Record {
		s.c.say(errorAt("N202", item.Of.Span(), "`%s` has no fields: it is %s", item.Of.Text, record.Article()))
		return
	}
	for _, f := range record.Fields {
		t := f.Type
		t.Nullable = t.Nullable || record.Nullable
		s.step(f.Name, item.Span(), t, &plan.Expr{Op: plan.OpField, Type: t, Name: f.Name, Args: []*plan.Expr{plan.Column(i, record)}, Span: item.Span()})
	}
}

// itemName is the name of an item: its own, or that of the column or field it reads. Without one, N211 is reported.
func (c *Check) itemName(item *grammar.Item, x *Checked) string {
	if item.Name != nil {
		return item.Name.Text
	}
	if word := item.Expr.Word(); word != "" {
		return word
	}
	if x == nil {
		return "" // something has been reported already
	}
	if x.Expr.Op == plan.OpField {
		return x.Expr.Name
	}
	c.say(errorAt("N211", item.Span(), "this column has no name").With("write `name = %s`", item.Expr.Text))
	return ""
}
