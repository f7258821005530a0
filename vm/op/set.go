package op

import (
	"pipec/compiler/plan"
	"pipec/grammar"
)

func setSpec() Spec {
	return Spec{
		Verb:     "set",
		Doc:      "Replaces columns, from left to right: a later item sees the new value. Event time stays with the row when its column is replaced.",
		Syntax:   "set NAME = EXPRESSION, ...",
		Examples: []string{"from orders |> set amount = round(amount, 1)"},
		Check:    checkSet,
		New:      newProject,
		Passes:   true,
	}
}

func checkSet(c *Check) Stream {
	c.closed()
	work := computed{c: c, schema: c.In.Type.Schema}
	changed := map[string]bool{}
	for _, item := range c.Stage.Op.(*grammar.Set).Items {
		name := item.Name.Text
		at := c.has(item.Name, work.schema, "N208", "there is no column `%s` to replace")
		if at < 0 {
			if !c.In.Type.Unknown {
				continue
			}
			at = len(work.schema.Fields)
		}
		c.keeps(name, item.Name.Span(), "`set` changes it")
		work.add(name, item.Expr, at)
		changed[name] = true
	}
	// A column with another value is another column: nothing is keyed or sorted by it any more.
	to := func(name string) (string, bool) { return name, !changed[name] }
	return c.forward(Node{
		Kind: "set", Ports: []plan.Port{{Type: moved(c.In.Type, work.schema, to)}}, Fails: work.fails,
		Config: &Project{Steps: work.steps, Columns: upTo(len(work.schema.Fields))},
	}, to)
}
