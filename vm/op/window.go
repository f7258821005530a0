package op

import (
	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/op/group"
	"pipec/vm/value"
)

func windowSpec() Spec {
	return Spec{
		Verb: "window",
		Doc: "Opens windows of event time for the next stage. `tumbling` windows lie side by side, `sliding` ones overlap; they are aligned to 1970-01-01T00:00Z, moved by `offset`. A row " +
			"is late for a window when its split's watermark, or the stage's, has reached the window's end plus `allow late`; `late as` names the rows that are late for all their windows.",
		Syntax:   "window ( tumbling SIZE | sliding SIZE every STEP ) [offset D] [allow late D] [late as NAME]",
		Examples: []string{"from orders |> key by customer |> window tumbling 1h allow late 5m |> count", "from orders |> window sliding 1h every 5m offset 1m |> aggregate total = sum(amount)"},
		Check:    checkWindow,
	}
}

func checkWindow(c *Check) Stream {
	c.closed()
	w := c.Stage.Op.(*grammar.Window)
	out := c.In
	open := &Window{Window: group.Window{Kind: w.Kind.Text}, Late: w.LateAs, Span: c.keyword()}
	out.Window = open
	if c.refusedKind(w) {
		out.Type.Unknown = true
		return out
	}
	switch w.Kind.Text {
	case "tumbling", "sliding":
	default:
		c.unknownKind(w.Kind)
		return out
	}
	c.clauses(w)
	open.Size = c.length(w.Size, "the size of a "+w.Kind.Text+" window")
	open.Step = open.Size
	if w.Kind.Text == "sliding" {
		if w.Every == nil {
			c.say(errorAt("S412", w.Kind.Span(), "a sliding window needs its step").With("write `sliding %s every ...`", w.Size.Text).
				WithHelp("`sliding 1h every 5m` gives the last hour every five minutes; windows side by side are `tumbling 1h`"))
		} else {
			open.Step = c.length(w.Every, "the step of a sliding window")
		}
	}
	if w.Offset != nil {
		open.Offset, _ = c.duration(w.Offset, "the offset of a window")
	}
	if w.AllowLate != nil {
		open.Allow, _ = c.duration(w.AllowLate, "`allow late`")
		if open.Allow < 0 {
			c.say(errorAt("S411", w.AllowLate.Span(), "`allow late` cannot be less than nothing"))
		}
	}
	if c.updates(c.In) { // they lost their time when they were aggregated, so there is no use in asking for it
		c.appends(c.In, c.keyword())
		out.Type.Mode, out.Type.ModeKey = plan.Append, nil
		return out
	}
	if !c.In.Type.Timed && !c.In.Type.Unknown && !w.ProcessingTime {
		c.say(errorAt("S409", c.keyword(), "these rows have no event time").With("the window would never close").
			WithHelp("declare it on the source: `watermark some_column - 5s`"))
	}
	return out
}

// windowKinds are the kinds of windows, for suggestions.
var windowKinds = []string{"tumbling", "sliding", "cumulating", "session", "count", "rolling"}

func (c *Check) unknownKind(kind *grammar.Name) {
	d := errorAt("S408", kind.Span(), "there is no window called `%s`", kind.Text)
	near := map[string]string{"hop": "sliding", "hopping": "sliding", "slide": "sliding", "tumble": "tumbling", "fixed": "tumbling", "cumulate": "cumulating"}[kind.Text]
	if near == "" {
		near = diag.Nearest(kind.Text, windowKinds)
	}
	if near != "" {
		d.With("did you mean `%s`?", near)
	}
	c.say(d.WithHelp("windows: `tumbling 1h` and `sliding 1h every 5m`"))
}

// clauses complains about clauses that belong to another kind of window, and about those that do not run yet.
func (c *Check) clauses(w *grammar.Window) {
	if w.Kind.Text == "tumbling" && w.Every != nil {
		c.say(errorAt("S412", w.Every.Span(), "a tumbling window has no step: the next one begins where it ends").With("did you mean `sliding`?"))
	}
	if w.Max != nil {
		c.say(errorAt("S408", w.Max.Span(), "a %s window has no `max`: it is as long as its size", w.Kind.Text))
	}
	if w.Rows {
		c.say(errorAt("S408", w.Span(), "a %s window is a time, not a number of rows", w.Kind.Text).WithHelp("for example `window tumbling 1m`"))
	}
	if w.Zone != nil {
		c.refuse("zone", clause(w.Place, "zone"))
	}
	if w.ProcessingTime {
		c.refuse("on processing time", clause(w.Place, "on"))
	}
	if w.Early != nil {
		c.refuse("early", clause(w.Place, "early"))
	}
}

// length is a duration that must be more than nothing.
func (c *Check) length(e *grammar.Expr, what string) int64 {
	d, ok := c.duration(e, what)
	if ok && d <= 0 {
		c.say(errorAt("S411", e.Span(), "%s must be more than nothing", what))
	}
	return d
}

// duration is a constant duration in microseconds; ok is false if it is none, which has been reported.
func (c *Check) duration(e *grammar.Expr, what string) (d int64, ok bool) {
	x := c.Expr(e, Scope{Constant: true, Doing: c.verb()})
	if x == nil || x.Expr.Type.Kind == value.Unknown {
		return 0, false
	}
	if x.Expr.Type.Kind != value.Duration || x.Expr.Lit == nil || x.Expr.Lit.Kind == value.Null {
		say := errorAt("S411", e.Span(), "%s is a duration, but this is %s", what, x.Expr.Type.Article())
		if x.Expr.Type.Kind == value.Int {
			say.WithHelp("give it a unit: `%ss`, `%sm` or `%sh`", e.Text, e.Text, e.Text)
		}
		c.say(say)
		return 0, false
	}
	d = x.Expr.Lit.Int
	if d > group.Longest || d < -group.Longest {
		c.say(errorAt("S411", e.Span(), "%s cannot be longer than 36000 years", what))
		return 0, false
	}
	return d, true
}
