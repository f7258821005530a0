package op

import (
	"pipec/compiler/plan"
	"pipec/grammar"
)

func deriveSpec() Spec {
	return Spec{
		Verb:     "derive",
		Doc:      "Adds columns, from left to right: a later one may use an earlier one.",
		Syntax:   "derive NAME = EXPRESSION, ...",
		Examples: []string{"from orders |> derive vat = amount * 0.19, gross = amount + vat"},
		Check:    checkDerive,
		New:      newProject,
		Passes:   true,
	}
}

func checkDerive(c *Check) Stream {
	c.closed()
	work := computed{c: c, schema: c.In.Type.Schema}
	for _, item := range c.Stage.Op.(*grammar.Derive).Items {
		if work.schema.Index(item.Name.Text) >= 0 {
			c.say(errorAt("N207", item.Name.Span(), "`%s` already exists", item.Name.Text).
				WithHelp("`derive` adds a column; to replace one, use `set %s = ...`", item.Name.Text))
			continue
		}
		work.add(item.Name.Text, item.Expr, len(work.schema.Fields))
	}
	t := c.In.Type
	t.Schema = work.schema
	return c.forward(Node{
		Kind: "derive", Ports: []plan.Port{{Type: t}}, Fails: work.fails,
		Config: &Project{Steps: work.steps, Columns: upTo(len(t.Schema.Fields))},
	}, same)
}
