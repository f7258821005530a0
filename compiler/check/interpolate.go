package check

import (
	"strings"

	"github.com/expr-lang/expr/ast"

	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/value"
)

// `${...}` is for settings and defaults of parameters, which are texts for other programs: paths, addresses, names. In expressions over rows a text is what
// it says, and is put together with `+`; a dollar sign there is a dollar sign.

// text reads a text literal. In settings and defaults of parameters `${name}` stands for a parameter, `${env.NAME}` for an environment variable and
// `${here}` for the folder of the file.
func (r *run) text(n *ast.StringNode) val {
	lit := func(s string, kind value.Kind) val {
		t := value.Of(kind)
		if kind == value.String {
			t.Words = []string{s}
		}
		return r.literal(n, t, plan.Literal{Kind: value.String, Text: s})
	}
	source := r.e.StringAt(n)
	if r.c.Env == nil || source == nil || !strings.Contains(source.Source, "$") {
		return lit(n.Value, value.String)
	}
	var b strings.Builder
	kind := value.String
	before := len(*r.c.List)
	for _, p := range source.Parts(r.c.List) {
		if p.Ref == nil {
			b.WriteString(p.Text)
			continue
		}
		text, secret, ok := r.reference(p)
		if !ok {
			return r.unknown()
		}
		// One secret in a text makes the whole of it one: it is masked wherever it is shown.
		if secret {
			kind = value.Secret
		}
		b.WriteString(text)
	}
	if len(*r.c.List) > before {
		r.failed = true
		return r.unknown()
	}
	return lit(b.String(), kind)
}

// Secret says whether a parameter of type secret is part of a setting, also while its value is not known.
func (c *Checker) Secret(e *grammar.Expr) bool {
	if e == nil || e.Node == nil {
		return false
	}
	s := &secrets{c: c, e: e}
	ast.Walk(&e.Node, s)
	return s.found
}

type secrets struct {
	c     *Checker
	e     *grammar.Expr
	found bool
}

// Visit implements ast.Visitor.
func (s *secrets) Visit(n *ast.Node) {
	var named []string
	switch n := (*n).(type) {
	case *ast.IdentifierNode:
		named = append(named, n.Value)
	case *ast.StringNode:
		if source := s.e.StringAt(n); source != nil {
			var quiet diag.List // the check has said what is wrong with them
			for _, p := range source.Parts(&quiet) {
				named = append(named, strings.Join(p.Ref, "."))
			}
		}
	}
	for _, name := range named {
		if x, ok := s.c.Names.Param(name); ok && x.Type.Kind == value.Secret {
			s.found = true
		}
	}
}

// reference gives the text that a `${...}` stands for; false if there is none, which has been reported, or none yet.
func (r *run) reference(p grammar.Part) (text string, secret, ok bool) {
	name := strings.Join(p.Ref, ".")
	if name == "here" {
		return r.c.Here, false, true
	}
	if p.Ref[0] == "env" && len(p.Ref) == 2 {
		text, known := r.c.Env(p.Ref[1])
		// Empty counts as not set, as with most tools that read the environment.
		if known && text == "" {
			r.errorf("C507", p.Span, "the environment variable `%s` is not set", p.Ref[1]).
				WithHelp("set it, or make it a parameter with a default: `param x: string = %s ?? \"...\"`", name)
			return "", false, false
		}
		return text, false, known
	}
	e, found := r.names.Param(name)
	if !found {
		d := r.errorf("N212", p.Span, "there is no parameter `%s`", name)
		if near := diag.Nearest(name, r.names.Similar(false)); near != "" {
			d.With("did you mean `%s`?", near).WithFix(p.Span, near)
		} else {
			d.WithHelp("declare it: `param %s: string = \"...\"`; a dollar sign is written `$$`", name)
		}
		return "", false, false
	}
	if e.Type.Kind == value.Unknown || e.Lit == nil {
		return "", false, false
	}
	switch e.Type.Kind {
	case value.String, value.Secret:
		return e.Lit.Text, e.Type.Kind == value.Secret, true
	case value.Timestamp:
		return string(value.AppendTime(nil, e.Lit.Int)), false, true
	}
	return e.Lit.Format(e.Type), false, true
}
