package op

import (
	"fmt"
	"slices"
	"strings"

	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/value"
)

// say reports a diagnostic.
func (c *Check) say(d *diag.Diagnostic) { c.Report(*d) }

func errorAt(code string, at diag.Span, message string, args ...any) *diag.Diagnostic {
	return diag.New(diag.Error, code, at, message, args...)
}

// verb is the stage's verb as it is spoken, for messages.
func (c *Check) verb() string { return c.Stage.Op.Verb() }

// keyword is where complaints about the stage as a whole point.
func (c *Check) keyword() diag.Span { return c.Stage.Op.Keyword() }

// snake is a verb as tables and ids have it.
func snake(verb string) string { return strings.ReplaceAll(verb, " ", "_") }

// closed complains if a window is open, which this stage computes nothing in (S404).
func (c *Check) closed() {
	w := c.In.Window
	if w == nil {
		return
	}
	c.In.Window = nil
	if !w.Reported {
		c.say(errorAt("S404", c.keyword(), "a window must be followed by what is computed in it").WithHelp(WindowHelp + ". Move this stage before the window or after the aggregate"))
	}
	open := *w
	open.Reported = true
	c.Open = &open
}

// WindowHelp is the way out of S404.
const WindowHelp = "`window` opens a scope for the next stage: `aggregate` or `count`"

// nameLate makes the late rows of a window that nothing is computed in a stream all the same, so that whoever reads it gets no second complaint.
func (c *Check) nameLate() {
	if w := c.In.Window; w != nil && w.Late != nil {
		c.Name(*w.Late, Stream{Type: c.In.Type})
	}
}

// appends complains if the rows of a stream are updates, which this stage cannot take (S430).
func (c *Check) appends(s Stream, at diag.Span) {
	if !c.updates(s) {
		return
	}
	d := errorAt("S430", at, "`%s` needs rows that stay, but these rows are updates", c.verb()).With("%s", replaces(s.Type))
	c.say(d.WithHelp("put this stage before the rows are aggregated, or aggregate in a window, which gives each result once"))
}

// updates says whether rows of a stream replace earlier ones.
func (c *Check) updates(s Stream) bool {
	return !s.Type.Unknown && s.Type.Mode != plan.Append && s.Type.Mode != ""
}

// replaces says what updates do.
func replaces(t plan.StreamType) string {
	if len(t.ModeKey) == 0 {
		return "each row replaces the one before"
	}
	return "each row replaces the earlier one with the same " + quoted(t.ModeKey, "and")
}

// keeps complains about a step that takes a key column of updates away or changes it (2.18, 41).
func (c *Check) keeps(name string, at diag.Span, does string) {
	t := c.In.Type
	if t.Mode != plan.Upsert || t.Unknown || !slices.Contains(t.ModeKey, name) {
		return
	}
	c.say(errorAt("S430", at, "these rows are updates by %s, so `%s` must stay as it is", quoted(t.ModeKey, "and"), name).
		With("%s, and nobody knows which row an update replaces", does).
		WithHelp("keep `%s`; a copy can be changed: `|> derive x = %s`", name, name))
}

// has gives the position of a column, or -1. Where columns are unknown it is silent, else it reports the code (N208, N201).
func (c *Check) has(name *grammar.Name, s value.Schema, code, message string) int {
	i := s.Index(name.Text)
	if i >= 0 || c.In.Type.Unknown {
		return i
	}
	d := errorAt(code, name.Span(), message, name.Text)
	if near := diag.Nearest(name.Text, s.Names()); near != "" {
		d.With("did you mean `%s`?", near)
	}
	c.say(d.WithHelp("columns here: %s", strings.Join(s.Names(), ", ")))
	return -1
}

// twice reports N209.
func (c *Check) twice(name string, at diag.Span) {
	c.say(errorAt("N209", at, "two columns would be called `%s`", name).WithHelp("give this one another name: `name = ...`"))
}

// typed gives the type of a new column; one that no column can have is reported. Of a broken expression it is unknown.
func (c *Check) typed(name string, e *grammar.Expr, x *Checked) value.Type {
	if x == nil {
		return value.Type{}
	}
	t := x.Expr.Type
	switch t.Kind {
	case value.Null:
		c.say(errorAt("T308", e.Span(), "`%s` would be null in every row, and nothing says what it is otherwise", name).
			WithHelp("a column needs a type: leave it out, or say when it has a value: `if ... { ... } else { null }`"))
		return value.Type{}
	case value.Size, value.Secret:
		c.say(errorAt("T308", e.Span(), "`%s` cannot be %s: rows do not hold it", name, t.Article()))
		return value.Type{}
	}
	return t
}

// condition checks an expression that must be true or false; nil if it is not.
func (c *Check) condition(e *grammar.Expr, s Scope) *Checked {
	s.Condition = true
	x := c.Expr(e, s)
	if x == nil || x.Expr.Type.Kind == value.Unknown {
		return x
	}
	switch t := x.Expr.Type; {
	case t.Kind != value.Bool:
		c.say(errorAt("T303", e.Span(), "a condition must be true or false, but this is %s", t.Article()))
		return nil
	case t.Nullable:
		c.say(errorAt("T312", e.Span(), "this condition is null when a part of it is null").With("neither true nor false").
			WithHelp("say what a missing value means: `(x ?? 0)`, or filter first: `|> where x != null`"))
		return nil
	}
	return x
}

// narrowed is a schema after a condition has held: the columns that cannot be null there lose their `?`.
func narrowed(s value.Schema, x *Checked) value.Schema {
	if x == nil || len(x.NotNull) == 0 {
		return s
	}
	out := value.Schema{Fields: slices.Clone(s.Fields)}
	for _, name := range x.NotNull {
		if i := out.Index(name); i >= 0 {
			out.Fields[i].Type = out.Fields[i].Type.NotNull()
		}
	}
	return out
}

// scope is the names an expression of this stage may use: the columns of s.
func (c *Check) scope(s value.Schema) Scope {
	return Scope{Schema: s, Unknown: c.In.Type.Unknown, Doing: c.verb()}
}

// fails says whether a checked expression may fail; one that is wrong may do anything.
func fails(x *Checked) bool { return x == nil || x.Fails }

// expr is the plan's expression, nil of a broken one.
func expr(x *Checked) *plan.Expr {
	if x == nil {
		return nil
	}
	return x.Expr
}

// quoted is names in backquotes, the last one behind a word.
func quoted(names []string, last string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("`%s`", n)
	}
	if n := len(out); n > 1 {
		return strings.Join(out[:n-1], ", ") + " " + last + " " + out[n-1]
	}
	return strings.Join(out, "")
}

// mapped is names under their new names; false if one of them is gone.
func mapped(names []string, to func(string) (string, bool)) ([]string, bool) {
	if names == nil {
		return nil, true
	}
	out := make([]string, len(names))
	for i, n := range names {
		var ok bool
		if out[i], ok = to(n); !ok {
			return nil, false
		}
	}
	return out, true
}

// moved is what is known of a stream after its columns got new names or went: to gives the new name of a column that is still the same.
func moved(t plan.StreamType, schema value.Schema, to func(string) (string, bool)) plan.StreamType {
	t.Schema = schema
	t.Key, _ = mapped(t.Key, to)
	t.ModeKey, _ = mapped(t.ModeKey, to)
	if t.Time != "" {
		t.Time, _ = to(t.Time)
	}
	return t
}

// forward adds a node behind the stage's input that leaves rows where they are; to is as for moved.
func (c *Check) forward(n Node, to func(string) (string, bool)) Stream {
	out := c.Node(n, c.In)
	out.Parts, _ = mapped(out.Parts, to)
	out.Window = nil
	return out
}

// same is the function for stages that leave all columns as they are.
func same(name string) (string, bool) { return name, true }
