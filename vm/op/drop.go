package op

import (
	"slices"

	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/vm/value"
)

func dropSpec() Spec {
	return Spec{
		Verb:     "drop",
		Doc:      "Takes columns away. Event time stays with the row when its column is dropped.",
		Syntax:   "drop NAME, ...",
		Examples: []string{"from orders |> drop discount, status"},
		Check:    checkDrop,
		New:      newProject,
		Passes:   true,
	}
}

func checkDrop(c *Check) Stream {
	c.closed()
	in := c.In.Type.Schema
	dropped := map[string]bool{}
	for _, name := range c.Stage.Op.(*grammar.Drop).Columns {
		if c.has(name, in, "N201", "unknown column `%s`") >= 0 {
			c.keeps(name.Text, name.Span(), "`drop` takes it away")
			dropped[name.Text] = true
		}
	}
	config := &Project{Columns: []int{}}
	var out value.Schema
	for i, f := range in.Fields {
		if !dropped[f.Name] {
			config.Columns = append(config.Columns, i)
			out.Fields = append(out.Fields, f)
		}
	}
	to := func(name string) (string, bool) { return name, !dropped[name] }
	return c.forward(Node{Kind: "drop", Ports: []plan.Port{{Type: moved(c.In.Type, clipped(out), to)}}, Config: config}, to)
}

// clipped makes later appends to a schema copy it: streams share schemas.
func clipped(s value.Schema) value.Schema {
	s.Fields = slices.Clip(s.Fields)
	return s
}
