package op

import (
	"slices"
	"strings"

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
	ok := c.sameNames(t.Schema, in.Schema, at)
	for i := range t.Schema.Fields {
		f := &t.Schema.Fields[i]
		j := in.Schema.Index(f.Name)
		if j < 0 {
			continue
		}
		other := in.Schema.Fields[j].Type
		switch {
		case f.Type.Kind == value.Unknown || other.Kind == value.Unknown:
			f.Type = value.Type{}
		default:
			both, fits := widened(f.Type, other)
			if !fits {
				c.say(errorAt("S414", at, "column `%s` is %s on one side and %s on the other", f.Name, f.Type.NotNull().Article(), other.NotNull().Article()))
				ok = false
				continue
			}
			f.Type = both
		}
	}
	t.Timed = t.Timed && in.Timed
	t.Marked = t.Marked || in.Marked // rows without a mark of their own are late by the stage's watermark alone
	if t.Time != in.Time {
		t.Time = ""
	}
	return ok
}

// widened is the type of a column that gets values of both types without converting them: null if one may be, all words of two enumerations, any text beside
// one; so too for the elements of lists. Other types must be the same.
func widened(a, b value.Type) (value.Type, bool) {
	nullable := a.Nullable || b.Nullable
	switch {
	case a.Kind == value.String && b.Kind == value.String:
		a.Words = AllWords(a.Words, b.Words)
	case a.Kind == value.List && b.Kind == value.List:
		elem, ok := widened(*a.Elem, *b.Elem)
		if !ok {
			return a, false
		}
		a = value.ListOf(elem)
	case !a.Same(b):
		return a, false
	}
	a.Nullable = nullable
	return a, true
}

// AllWords is the words of two text types together, those of the first one first: none, which is any text, if one of them has none.
func AllWords(a, b []string) []string {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	all := slices.Clone(a)
	for _, w := range b {
		if !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}

// sameNames reports the columns that only one side has.
func (c *Check) sameNames(one, other value.Schema, at diag.Span) bool {
	missing, extra := lacking(other, one), lacking(one, other)
	is := map[bool]string{true: "is", false: "are"}
	if len(missing) > 0 {
		c.say(errorAt("S414", at, "%s %s missing on this side", quoted(missing, "and"), is[len(missing) == 1]).
			WithHelp("add what is missing here: `|> derive %s = ...`, or leave it out on the other side: `|> drop %s`", missing[0], strings.Join(missing, ", ")))
	}
	if len(extra) > 0 {
		c.say(errorAt("S414", at, "%s %s on this side only", quoted(extra, "and"), is[len(extra) == 1]).
			WithHelp("leave it out here: `|> drop %s`, or add it on the other side: `|> derive %s = ...`", strings.Join(extra, ", "), extra[0]))
	}
	return len(missing)+len(extra) == 0
}

// lacking is the columns of want that s does not have.
func lacking(s, want value.Schema) (names []string) {
	for _, f := range want.Fields {
		if s.Index(f.Name) < 0 {
			names = append(names, f.Name)
		}
	}
	return names
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
