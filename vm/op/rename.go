package op

import (
	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/value"
)

func renameSpec() Spec {
	return Spec{
		Verb:     "rename",
		Doc:      "Gives columns new names, all at once: `rename a = b, b = a` exchanges two.",
		Syntax:   "rename NEW = OLD, ...",
		Examples: []string{"from orders |> rename buyer = customer, ordered_at = at"},
		Check:    checkRename,
		New:      newProject,
		Passes:   true,
	}
}

func checkRename(c *Check) Stream {
	c.closed()
	in := c.In.Type.Schema
	names := map[string]string{} // by old name
	for _, pair := range c.Stage.Op.(*grammar.Rename).Pairs {
		if c.has(pair.Old, in, "N201", "unknown column `%s`") < 0 {
			continue
		}
		if names[pair.Old.Text] != "" {
			c.say(errorAt("N205", pair.Old.Span(), "`%s` gets two new names", pair.Old.Text).
				WithHelp("to have it twice, add a column: `|> derive %s = %s`", pair.New.Text, pair.Old.Text))
			continue
		}
		names[pair.Old.Text] = pair.New.Text
	}
	to := func(name string) (string, bool) {
		if n := names[name]; n != "" {
			return n, true
		}
		return name, true
	}
	var out value.Schema
	for _, f := range in.Fields {
		f.Name, _ = to(f.Name)
		if out.Index(f.Name) < 0 {
			out.Fields = append(out.Fields, f)
			continue
		}
		c.say(errorAt("N209", newName(c, f.Name), "two columns would be called `%s`", f.Name).
			WithHelp("rename the other one too, or drop it first: `|> drop %s`", f.Name))
	}
	return c.forward(Node{
		Kind: "rename", Ports: []plan.Port{{Type: moved(c.In.Type, clipped(out), to)}}, Config: &Project{Columns: upTo(len(in.Fields))},
	}, to)
}

// newName is where a new name stands.
func newName(c *Check, name string) (at diag.Span) {
	at = c.keyword()
	for _, pair := range c.Stage.Op.(*grammar.Rename).Pairs {
		if pair.New.Text == name {
			at = pair.New.Span()
		}
	}
	return at
}
