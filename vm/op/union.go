package op

import (
	"slices"

	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/value"
)

func unionSpec() Spec {
	return Spec{
		Verb:     "union",
		Doc:      "Adds the rows of other streams, which must have the same columns, in any order.",
		Syntax:   "union STREAM, ...",
		Examples: []string{"from orders |> union orders"},
		Check:    checkUnion,
		New:      newProject,
	}
}

func checkUnion(c *Check) Stream {
	c.closed()
	c.appends(c.In, c.keyword())
	inputs := []Stream{c.In}
	t := c.In.Type
	t.Key, t.KeyAll, t.Mode, t.ModeKey = nil, false, plan.Append, nil
	t.Schema.Fields = slices.Clone(t.Schema.Fields)
	for _, ref := range c.Stage.Op.(*grammar.Union).Refs {
		s, ok := c.Stream(ref)
		if !ok {
			t.Unknown = true
			continue
		}
		c.appends(s, ref.Span())
		t.Unknown = t.Unknown || s.Type.Unknown
		if t.Unknown || !c.agree(&t, s.Type, ref.Span()) {
			continue
		}
		inputs = append(inputs, c.ordered(s, t.Schema))
	}
	out := c.Node(Node{Kind: "union", Ports: []plan.Port{{Type: t}}, Config: &Project{Columns: upTo(len(t.Schema.Fields))}}, inputs...)
	if len(inputs) > 1 {
		out.Parts = nil
	}
	out.Window = nil
	return out
}

// agree brings the type of the union and that of one more input together, and reports what cannot be (S414).
func (c *Check) agree(t *plan.StreamType, in plan.StreamType, at diag.Span) bool {
	ok := true
	for i := range t.Schema.Fields {
		f := &t.Schema.Fields[i]
		j := in.Schema.Index(f.Name)
		if j < 0 {
			c.say(errorAt("S414", at, "column `%s` is missing on this side", f.Name).WithHelp("add it: `|> derive %s = ...`, or leave it out on both sides: `|> drop %s`", f.Name, f.Name))
			ok = false
			continue
		}
		other := in.Schema.Fields[j].Type
		if f.Type.Kind == value.Unknown || other.Kind == value.Unknown {
			f.Type = value.Type{}
			continue
		}
		if !f.Type.Same(other) {
			c.say(errorAt("S414", at, "column `%s` is %s on one side and %s on the other", f.Name, aType(f.Type.NotNull()), aType(other.NotNull())))
			ok = false
			continue
		}
		f.Type.Nullable = f.Type.Nullable || other.Nullable
	}
	for _, f := range in.Schema.Fields {
		if t.Schema.Index(f.Name) < 0 {
			c.say(errorAt("S414", at, "column `%s` is on this side only", f.Name).WithHelp("drop it here: `|> drop %s`, or add it on the other side: `|> derive %s = ...`", f.Name, f.Name))
			ok = false
		}
	}
	t.Timed = t.Timed && in.Timed
	t.Marked = t.Marked || in.Marked // rows without a mark of their own are late by the stage's watermark alone
	if t.Time != in.Time {
		t.Time = ""
	}
	return ok
}

// ordered is an input with its columns in the order of the union, through a node of its own if they are in another.
func (c *Check) ordered(s Stream, schema value.Schema) Stream {
	columns := make([]int, len(schema.Fields))
	ordered := true
	for i, f := range schema.Fields {
		columns[i] = s.Type.Schema.Index(f.Name)
		ordered = ordered && columns[i] == i
	}
	if ordered {
		return s
	}
	t := s.Type
	t.Schema = value.Schema{}
	for _, j := range columns {
		t.Schema.Fields = append(t.Schema.Fields, s.Type.Schema.Fields[j])
	}
	return c.Node(Node{Kind: "union", Ports: []plan.Port{{Type: t}}, Config: &Project{Columns: columns}}, s)
}
