package config

import (
	"strconv"
	"time"

	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/op"
	"pipec/vm/value"
)

// A value is an expression without columns: a literal, a parameter, or something made of them. It is checked by the same checker as rows are, folded to a
// literal, and only then asked whether it is what the setting wants, so `delay = 2 * base` works and `delay = 10` gets the same help everywhere. Words
// (`mode = exactly_once`) are no expressions: as such they would be names of parameters.
//
// There are three outcomes: a value; a mistake, which has been reported; and a value that only the start of a run knows, because it comes from the environment or
// from `--set`. validate and plan go on with the last as if it were right, and show what is written (plan.Setting.Later).

// value reads the value of a setting; false if it cannot be used, which has been reported, or is not known yet.
func (r *Reader) value(p *plan.Param, e *grammar.Expr, s *plan.Setting) bool {
	if e == nil || e.Broken {
		return false
	}
	s.Span = e.Span()
	if len(p.Words) > 0 {
		// Before it is checked as an expression: there `auto` would be an unknown parameter.
		if word := e.Word(); word != "" || p.Kind == plan.WordParam {
			return r.word(p, e, s)
		}
	}
	c := r.Exprs.Expr(e, op.Scope{Constant: true, Doing: "`" + p.Name + "`"})
	if s.Later = r.later(c, e); s.Later != "" {
		s.Secret = r.Exprs.Secret(e)
	}
	if c == nil || c.Expr.Type.Kind == value.Unknown {
		return false
	}
	// The type first, then the limits: `every = "5"` is not too small, it is no duration.
	v, ok := convert(p.Kind, c.Expr)
	if !ok {
		r.wrongType(p, e, c.Expr)
		return false
	}
	if p.Check != nil {
		if problem := p.Check(v); problem != "" {
			r.List.Errorf("C508", e.Span(), "`%s` %s", p.Name, problem)
			return false
		}
	}
	s.Value, s.Secret = v, c.Expr.Type.Kind == value.Secret
	return true
}

// later is the text of a value that is right and not known before a run; "" of any other.
func (r *Reader) later(c *op.Checked, e *grammar.Expr) string {
	if c == nil || c.Expr.Type.Kind != value.Unknown {
		return ""
	}
	return e.Text
}

// word reads one of a setting's words.
func (r *Reader) word(p *plan.Param, e *grammar.Expr, s *plan.Setting) bool {
	for _, w := range p.Words {
		if w == e.Text {
			s.Value = w
			return true
		}
	}
	if p.Kind != plan.WordParam {
		r.List.Errorf("C505", e.Span(), "`%s` is %s or %s", p.Name, kindNames[p.Kind], either(p.Words))
		return false
	}
	r.notAWord(p, e.Span(), e.Text)
	return false
}

// every reads the rhythm of a group, which is spoken: "the checkpoint interval".
func (r *Reader) every(group, p *plan.Param, e *grammar.Expr, s *plan.Setting) bool {
	if e == nil || e.Broken {
		return false
	}
	c := r.Exprs.Expr(e, op.Scope{Constant: true, Doing: group.Name})
	s.Later = r.later(c, e)
	if c == nil || c.Expr.Type.Kind == value.Unknown {
		return false
	}
	v, ok := convert(p.Kind, c.Expr)
	if !ok {
		d := r.List.Errorf("T308", e.Span(), "the %s interval is a duration, but this is %s", group.Name, described(c.Expr))
		unitHelp(d, p.Kind, c.Expr)
		return false
	}
	if p.Check != nil {
		if problem := p.Check(v); problem != "" {
			r.List.Errorf("C508", e.Span(), "the %s interval %s", group.Name, problem)
			return false
		}
	}
	s.Value = v
	return true
}

// convert gives a constant as the Go value of a setting.
func convert(kind plan.ParamKind, e *plan.Expr) (any, bool) {
	l := e.Lit
	if l == nil || l.Kind == value.Null {
		return nil, false
	}
	switch k := e.Type.Kind; {
	case kind == plan.TextParam && (k == value.String || k == value.Secret):
		return l.Text, true
	case kind == plan.IntParam && k == value.Int:
		return l.Int, true
	case kind == plan.FloatParam && k == value.Float:
		return l.Float, true
	case kind == plan.FloatParam && k == value.Int:
		return float64(l.Int), true
	case kind == plan.FloatParam && k == value.Decimal:
		f, err := strconv.ParseFloat(l.Format(e.Type), 64)
		return f, err == nil
	case kind == plan.BoolParam && k == value.Bool:
		return l.Bool, true
	// Literals are microseconds, Go's durations nanoseconds: beyond 292 years they do not fit.
	case kind == plan.DurationParam && k == value.Duration:
		return time.Duration(l.Int) * time.Microsecond, l.Int < 1<<63/1000 && l.Int > -1<<63/1000
	case kind == plan.SizeParam && k == value.Size:
		return l.Int, true
	case kind == plan.TimestampParam && k == value.Timestamp:
		return string(value.AppendTime(nil, l.Int)), true
	case kind == plan.TimestampParam && k == value.String:
		_, ok := value.ParseTime([]byte(l.Text))
		// Kept as it is written: the connector reads it, and --explain-config shows it.
		return l.Text, ok
	}
	return nil, false
}

// wrongType reports a value of another kind (C505).
func (r *Reader) wrongType(p *plan.Param, e *grammar.Expr, x *plan.Expr) {
	d := r.List.Errorf("C505", e.Span(), "`%s` is %s, but this is %s", p.Name, kindNames[p.Kind], described(x))
	if len(p.Words) > 0 {
		d.Message = "`" + p.Name + "` is " + kindNames[p.Kind] + " or " + either(p.Words) + ", but this is " + described(x)
	}
	unitHelp(d, p.Kind, x)
}

// unitHelp tells which unit a bare number could have.
func unitHelp(d *diag.Diagnostic, kind plan.ParamKind, x *plan.Expr) {
	if x.Type.Kind != value.Int || x.Lit == nil {
		return
	}
	n := strconv.FormatInt(x.Lit.Int, 10)
	switch kind {
	case plan.DurationParam:
		d.WithHelp("give it a unit: `%ss` or `%sms`", n, n)
	case plan.SizeParam:
		d.WithHelp("give it a unit: `%sMB` or `%sMiB`", n, n)
	case plan.TextParam:
		d.WithHelp("put it in quotes: `\"%s\"`", n)
	}
}

// described is what a message calls a constant: a text as it is, else its type.
func described(x *plan.Expr) string {
	if x.Lit != nil && x.Lit.Kind == value.String && x.Type.Kind == value.String {
		return strconv.Quote(x.Lit.Text)
	}
	return x.Type.Article()
}
