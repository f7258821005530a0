package op

import (
	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/vm/value"
)

func whereSpec() Spec {
	return Spec{
		Verb:     "where",
		Doc:      "Keeps the rows for which the condition holds. Columns that are compared with null in it are not null behind it.",
		Syntax:   "where CONDITION",
		Examples: []string{"from orders |> where amount > 100", `from orders |> where status == "paid" and discount != null`},
		Check:    checkWhere,
		New:      newProject,
		Before:   true,
	}
}

func checkWhere(c *Check) Stream {
	c.closed()
	cond := c.condition(c.Stage.Op.(*grammar.Where).Cond, c.scope(c.In.Type.Schema))
	t := c.In.Type
	t.Schema = narrowed(t.Schema, cond)
	return c.forward(Node{
		Kind: "where", Ports: []plan.Port{{Type: t}}, Fails: fails(cond),
		Config: &Project{Where: expr(cond), Columns: upTo(len(t.Schema.Fields))},
	}, same)
}

// upTo is 0, 1, ... n-1.
func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// computed gathers the columns of a stage that gives them names: the schema as far as it is known, and the steps that compute them.
type computed struct {
	c      *Check
	schema value.Schema
	steps  []Step
	fails  bool
}

// add checks one expression over the columns there are, and makes it the column at that place (len: a new one).
func (s *computed) add(name string, e *grammar.Expr, at int) {
	x := s.c.Expr(e, s.c.scope(s.schema))
	t := s.c.typed(name, e, x)
	s.fails = s.fails || fails(x)
	s.steps = append(s.steps, Step{Column: at, Expr: expr(x)})
	if at == len(s.schema.Fields) {
		s.schema = s.schema.With(name, t)
		return
	}
	changed := value.Schema{Fields: append([]value.Field(nil), s.schema.Fields...)}
	changed.Fields[at].Type = t
	s.schema = changed
}
