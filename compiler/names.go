package compiler

import (
	"sort"
	"strings"

	"pipec/compiler/check"
	"pipec/compiler/config"
	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/op"
	"pipec/vm/value"
)

// names is what expressions of a file see beside columns: check.Names. In a pipe, its arguments come first.
type names struct {
	m    *module
	args map[string]*plan.Expr
}

// Param implements check.Names.
func (n names) Param(name string) (*plan.Expr, bool) {
	if e, ok := n.args[name]; ok {
		return e, true
	}
	s, silent := n.m.find(name)
	if silent {
		return unknownExpr(), true
	}
	if s == nil || s.kind != aParam {
		return nil, false
	}
	s.used = true
	return n.m.c.param(s), true
}

// Function implements check.Names.
func (n names) Function(name string) (*check.Function, bool) {
	s, _ := n.m.find(name)
	if s == nil || s.kind != aFunction {
		return nil, false
	}
	s.used = true
	return n.m.c.function(s), true
}

// Broken implements check.Names.
func (n names) Broken(name string) bool {
	s, silent := n.m.find(name)
	return silent || s != nil && s.broken
}

// Similar implements check.Names.
func (n names) Similar(functions bool) []string {
	if functions {
		return n.m.similar(aFunction)
	}
	out := n.m.similar(aParam)
	for a := range n.args {
		out = append(out, a)
	}
	return out
}

func unknownExpr() *plan.Expr {
	return &plan.Expr{Op: plan.OpLiteral, Type: value.Of(value.Unknown), Lit: &plan.Literal{}}
}

// parameters evaluates all parameters of the program and checks what `--set` gives.
func (c *compilation) parameters() {
	given := make([]string, 0, len(c.o.Params))
	for name := range c.o.Params {
		given = append(given, name)
	}
	sort.Strings(given)
	for _, name := range given {
		if s, silent := c.root.find(name); !silent && (s == nil || s.kind != aParam) {
			d := c.list.Errorf("N212", diag.Span{}, "--set %s=...: there is no parameter `%s`", name, name)
			known := c.root.similar(aParam)
			switch near := diag.Nearest(name, known); {
			case near != "":
				d.WithHelp("did you mean `%s`?", near)
			case len(known) > 0:
				d.WithHelp("parameters: %s", diag.Listed(known))
			default:
				d.WithHelp("this program has none; settings of the job block begin with `job.`")
			}
		}
	}
	for _, m := range c.order {
		for _, d := range m.file.Decls {
			if p, ok := d.(*grammar.Param); ok && p.Name != nil && m.symbols[p.Name.Text].decl == d {
				e := c.param(m.symbols[p.Name.Text])
				c.showParam(m, p, e)
			}
		}
	}
}

// showParam adds a parameter to the plan's list, secrets masked.
func (c *compilation) showParam(m *module, p *grammar.Param, e *plan.Expr) {
	name := p.Name.Text
	if m.prefix != "" {
		name = m.prefix + "." + name
	}
	var text string
	switch {
	case e.Type.Kind == value.Secret:
		text = "***"
	case e.Type.Kind != value.Unknown && e.Lit != nil:
		text = e.Lit.Format(e.Type)
	case p.Default != nil && !p.Default.Broken: // an environment that only a run reads
		text = p.Default.Text
	default:
		return
	}
	c.plan.Params = append(c.plan.Params, plan.Output{Name: name, Value: text})
}

// param gives the value of a parameter: what `--set` says, else its default.
func (c *compilation) param(s *symbol) *plan.Expr {
	if s.value != nil {
		return s.value
	}
	d, ok := s.decl.(*grammar.Param)
	if !ok || s.broken || s.busy {
		if s.busy { // s.value is set at the end only, so whoever asks for it meanwhile gets here
			c.list.Errorf("J701", s.at.Span(), "the default of `%s` needs itself", s.name).WithHelp("give it a value that needs no other parameter")
		}
		return unknownExpr()
	}
	s.busy = true
	s.value = c.paramValue(s, d)
	s.busy = false
	return s.value
}

// paramValue evaluates a parameter. One without a value, or with a wrong one, still has its type, so that what uses it is checked.
func (c *compilation) paramValue(s *symbol, d *grammar.Param) *plan.Expr {
	t := s.mod.typeOf(d.Type, inParam)
	e, text, isSet := d.Default, "", false
	// An import's parameter is set by its own name, or by that with the import's.
	for _, key := range []string{s.name, s.mod.prefix + "." + s.name} {
		if v, ok := c.o.Params[key]; ok {
			text, isSet = v, true
		}
	}
	switch {
	case t.Kind == value.Unknown:
		return unknownExpr()
	case isSet:
		return c.givenParam(s, t, text)
	case e != nil:
		v := s.mod.setting.ExprAs(e, op.Scope{Constant: true, Doing: "`" + s.name + "`"}, &t)
		if v == nil || v.Expr.Type.Kind == value.Unknown || v.Expr.Lit == nil {
			return later(s.name, t)
		}
		return constant(v.Expr, t)
	case t.Nullable:
		return &plan.Expr{Op: plan.OpLiteral, Type: t, Lit: &plan.Literal{Kind: value.Null}}
	case !c.o.Validate:
		c.list.Errorf("C507", s.at.Span(), "the parameter `%s` has no value", s.name).WithHelp("give it one: `--set %s=...`, or a default", s.name)
	}
	return later(s.name, t)
}

// later is a parameter whose value only the start of a run knows (check.Names). Whether a nullable one will be null decides what may be done with it, so
// nothing is said about those.
func later(name string, t value.Type) *plan.Expr {
	if t.Nullable {
		return unknownExpr()
	}
	return &plan.Expr{Op: plan.OpVar, Type: t, Name: name}
}

// constant is a parameter's value with the type that it declares.
func constant(e *plan.Expr, t value.Type) *plan.Expr {
	if e.Type.Kind == value.Unknown || e.Lit == nil {
		return unknownExpr()
	}
	c := *e
	// A parameter has one value for the whole run: declared `T?`, it is null or it is not, and nobody has to ask for it row by row.
	c.Type = t.NotNull()
	c.Type.Nullable = e.Lit.Kind == value.Null
	return &c
}

// givenParam reads the text that `--set name=text` gives: a text as it is, anything else as one writes it in a file.
func (c *compilation) givenParam(s *symbol, t value.Type, text string) *plan.Expr {
	flag := "--set " + s.name + "=" + text
	lit := &plan.Expr{Op: plan.OpLiteral, Type: t, Lit: &plan.Literal{Kind: value.String, Text: text}}
	switch t.Kind {
	case value.Secret:
		return lit
	case value.String:
		for _, w := range t.Words {
			if w == text {
				return lit
			}
		}
		if len(t.Words) > 0 {
			c.list.Errorf("T305", diag.Span{}, "%s: %q is not one of %s", flag, text, strings.ReplaceAll(t.NotNull().String(), " | ", ", "))
			return unknownExpr()
		}
		return lit
	case value.Timestamp:
		if us, ok := value.ParseTime([]byte(text)); ok {
			return &plan.Expr{Op: plan.OpLiteral, Type: t, Lit: &plan.Literal{Kind: value.Timestamp, Int: us}}
		}
	}
	var list diag.List
	// The value is read as if it stood in the file. What is said about it would point into a text that is none of the program's files, so one message of ours
	// says it instead.
	quiet := *s.mod.setting
	quiet.List = &list
	if e := config.ParseValue(text); e != nil {
		if v := quiet.ExprAs(e, op.Scope{Constant: true, Doing: "`" + s.name + "`"}, &t); v != nil {
			return constant(v.Expr, t)
		}
	}
	message := "`" + s.name + "` is " + t.Article()
	c.list.Errorf("T308", diag.Span{}, "%s: %s", flag, message)
	return unknownExpr()
}

// function makes a function of the file ready for inlining.
func (c *compilation) function(s *symbol) *check.Function {
	if s.fn != nil {
		return s.fn
	}
	d, ok := s.decl.(*grammar.Function)
	if !ok {
		return &check.Function{Name: s.name}
	}
	f := &check.Function{Name: s.name, Body: d.Body, Names: names{m: s.mod}}
	if s.broken {
		f.Body = nil
	}
	s.fn = f
	for _, p := range d.Params {
		q := check.Param{Name: p.Name.String(), Span: p.Span()}
		if p.Type != nil {
			t := s.mod.typeOf(p.Type, inRows)
			q.Type = &t
		}
		f.Params = append(f.Params, q)
	}
	if d.Result != nil {
		t := s.mod.typeOf(d.Result, inRows)
		f.Result = &t
	}
	return f
}

// functions checks the bodies of all functions of the root file, used or not.
func (c *compilation) functions() {
	for _, d := range c.root.file.Decls {
		if f, ok := d.(*grammar.Function); ok && f.Name != nil && !f.Broken {
			if s := c.root.symbols[f.Name.Text]; s.decl == d {
				c.root.expr.Body(c.function(s))
			}
		}
	}
}
