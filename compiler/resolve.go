package compiler

import (
	"strings"

	"pipec/compiler/check"
	"pipec/compiler/plan"
	"pipec/connector"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/op"
	"pipec/vm/value"
)

// There is one namespace for all declarations of a file, streams and parameters alike, so that a name has one meaning wherever it stands. Columns and fields
// have their own. A file sees its own declarations, those of files it imports without a name, and those of named imports with the name as prefix; what an
// import imports is its own affair. Declarations that the parser could not read are ghosts: their names exist and are silent.

// kind is what a name stands for; its text is for messages.
type kind string

const (
	aSource   kind = "source"
	aTable    kind = "table"
	aSink     kind = "sink"
	aStream   kind = "stream"
	aSide     kind = "side output"
	aParam    kind = "parameter"
	aType     kind = "type"
	aFunction kind = "function"
	aPipe     kind = "pipe"
	aProcess  kind = "process"
)

// symbol is one declared name.
type symbol struct {
	name   string
	kind   kind
	mod    *module
	decl   grammar.Decl // nil for side outputs
	at     *grammar.Name
	broken bool // reported already: silent
	used   bool

	unit *unit     // of sources, streams and side outputs: what builds it
	out  op.Stream // what it gives, once the unit is built
	made bool      // out is set
	ends string    // why it cannot be read: it ends in a split

	value *plan.Expr // of a parameter, once evaluated
	busy  bool       // being evaluated
	typ   *value.Type
	fn    *check.Function
	sink  *sink
}

// unit is what is built at once: a source, or a pipeline with all its outputs.
type unit struct {
	mod      *module
	name     string            // first part of the ids of its nodes
	source   *grammar.Source   // a declared source
	pipeline *grammar.Pipeline // a stream or an anonymous pipeline
	own      *symbol           // of a source or a stream
	building bool
	done     bool
}

// resolve collects the declarations of all files.
func (c *compilation) resolve() {
	for _, m := range c.order {
		for _, d := range m.file.Decls {
			m.declare(d)
		}
	}
	// Only when every file has said its names: a clash may be with one that was loaded later.
	for _, m := range c.order {
		m.clashes()
	}
}

// declare adds the names of one declaration, side outputs included.
func (m *module) declare(d grammar.Decl) {
	broken := d.DeclHead().Broken
	switch d := d.(type) {
	case *grammar.Job:
		m.declareJob(d)
	case *grammar.Param:
		m.add(&symbol{kind: aParam, decl: d, at: d.Name, broken: broken})
	case *grammar.TypeDecl:
		m.add(&symbol{kind: aType, decl: d, at: d.Name, broken: broken})
	case *grammar.Function:
		m.add(&symbol{kind: aFunction, decl: d, at: d.Name, broken: broken})
	case *grammar.Sink:
		m.add(&symbol{kind: aSink, decl: d, at: d.Name, broken: broken})
	case *grammar.Process:
		m.add(&symbol{kind: aProcess, decl: d, at: d.Name, broken: broken})
		m.declareEmits(d)
	case *grammar.Pipe:
		s := m.add(&symbol{kind: aPipe, decl: d, at: d.Name, broken: broken})
		m.sideOutputs(d.Stages, nil, s)
	case *grammar.Source:
		k := aSource
		if d.Table {
			k = aTable
		}
		u := &unit{mod: m, source: d}
		u.own = m.add(&symbol{kind: k, decl: d, at: d.Name, broken: broken, unit: u})
		if e := d.Body.ErrorsAs(); e != nil {
			m.side(e.Name, u)
		}
		if w := d.Body.Watermark(); w != nil && w.AheadAs != nil {
			m.side(w.AheadAs, u)
		}
	case *grammar.Stream:
		u := &unit{mod: m, pipeline: d.Pipeline}
		u.own = m.add(&symbol{kind: aStream, decl: d, at: d.Name, broken: broken, unit: u})
		if d.Pipeline != nil {
			m.sideOutputs(d.Pipeline.Stages, u, nil)
		}
	case *grammar.Pipeline:
		if m != m.c.root || broken {
			m.sideOutputs(d.Stages, nil, nil)
			return
		}
		u := &unit{mod: m, pipeline: d}
		m.c.build.units = append(m.c.build.units, u)
		m.sideOutputs(d.Stages, u, nil)
	}
}

// declareJob takes the job block of the root file; those of imports do not count.
func (m *module) declareJob(d *grammar.Job) {
	if m != m.c.root {
		return
	}
	if m.c.jobDecl != nil {
		m.c.list.Errorf("J703", d.Keyword(), "there is a second job block").WithRelated(m.c.jobDecl.Keyword(), "the first one is here")
		return
	}
	m.c.jobDecl = d
}

// sideOutputs adds the names that stages give to streams beside the main one. Without a unit (in a pipe, say) they are known, but not what they hold.
func (m *module) sideOutputs(stages []*grammar.Stage, u *unit, pipe *symbol) {
	add := func(n *grammar.Name) {
		s := m.side(n, u)
		// A pipe builds nothing by itself: its side outputs get their rows where the pipe is used, and stay in the file that declares it. Those of an import's own
		// pipelines, which never run, are only names that nobody should be told are missing.
		if s != nil && u == nil {
			s.broken = pipe == nil
			if pipe != nil {
				s.decl = pipe.decl
			}
		}
	}
	for _, st := range stages {
		if st.Errors != nil {
			add(st.Errors)
		}
		switch o := st.Op.(type) {
		case *grammar.Split:
			for _, b := range o.Branches {
				if !b.Broken && b.Name != nil {
					add(b.Name)
				}
			}
		case *grammar.Window:
			if o.LateAs != nil {
				add(o.LateAs)
			}
		case *grammar.Watermark:
			if o.AheadAs != nil {
				add(o.AheadAs)
			}
		}
	}
}

// declareEmits adds the side outputs of a process, which has been refused.
func (m *module) declareEmits(d *grammar.Process) {
	var walk func(b *grammar.Block)
	walk = func(b *grammar.Block) {
		if b == nil {
			return
		}
		for _, s := range b.Stmts {
			switch s := s.(type) {
			case *grammar.EmitStmt:
				if s.As != nil {
					m.add(&symbol{kind: aSide, at: s.As, broken: true})
				}
			case *grammar.IfStmt:
				walk(s.Then)
				for _, e := range s.ElseIf {
					walk(e.Then)
				}
				walk(s.Else)
			}
		}
	}
	for _, member := range d.Members {
		if h, ok := member.(*grammar.Handler); ok {
			walk(h.Block)
		}
	}
}

func (m *module) side(n *grammar.Name, u *unit) *symbol {
	return m.add(&symbol{kind: aSide, at: n, unit: u})
}

// add declares a name, or reports that it is there already (N205). It always gives a symbol.
func (m *module) add(s *symbol) *symbol {
	s.mod = m
	if s.at == nil {
		return s
	}
	s.name = s.at.Text
	first, twice := m.symbols[s.name]
	if !twice {
		m.symbols[s.name] = s
		return s
	}
	m.c.list.Errorf("N205", s.at.Span(), "`%s` is declared twice", s.name).
		WithRelated(first.at.Span(), "the first time is here, as a "+string(first.kind))
	return s
}

// clashes reports names that two imports, or an import and the file, declare; and names that hide a connector.
func (m *module) clashes() {
	for _, i := range m.imports {
		if i == nil {
			continue
		}
		for _, d := range i.file.Decls {
			n := d.DeclName()
			if n == nil {
				continue
			}
			if own, ok := m.symbols[n.Text]; ok {
				m.c.list.Errorf("N205", own.at.Span(), "`%s` is declared twice", n.Text).
					WithRelated(n.Span(), "an import declares it here").WithHelp("give the import a name: `import \"...\" as x`, then it is `x.%s`", n.Text)
			}
		}
	}
	for _, s := range m.symbols {
		if s.kind != aSource && s.kind != aSink && s.kind != aStream || s.broken {
			continue
		}
		// Declared names win over connectors, so that a connector of a later release breaks no program; who reads the text should know all the same.
		if _, ok := connector.Lookup(s.name); ok && m == m.c.root {
			m.c.list.Warnf("N214", s.at.Span(), "`%s` hides the connector of that name", s.name).With("another name is clearer")
		}
	}
}

// find looks a name up as this file sees it: its own declarations, those of its imports, and dotted ones. silent says that the name may come from
// an import that could not be read.
func (m *module) find(name string) (s *symbol, silent bool) {
	if head, rest, dotted := strings.Cut(name, "."); dotted {
		i, ok := m.named[head]
		if !ok {
			return nil, false
		}
		if i == nil {
			return nil, true
		}
		s, silent = i.symbols[rest], false
		return s, silent
	}
	if s, ok := m.symbols[name]; ok {
		return s, false
	}
	for _, i := range m.imports {
		if i == nil {
			silent = true
			continue
		}
		if s, ok := i.symbols[name]; ok {
			return s, false
		}
	}
	return nil, silent
}

// similar lists the names of some kinds that this file sees.
func (m *module) similar(kinds ...kind) []string {
	var out []string
	from := func(i *module, prefix string) {
		if i == nil {
			return
		}
		for n, s := range i.symbols {
			for _, k := range kinds {
				if s.kind == k {
					out = append(out, prefix+n)
				}
			}
		}
	}
	from(m, "")
	for _, i := range m.imports {
		from(i, "")
	}
	for p, i := range m.named {
		from(i, p+".")
	}
	return out
}

// nearest adds "did you mean" to a diagnostic.
func nearest(d *diag.Diagnostic, span diag.Span, name string, candidates []string) bool {
	near := diag.Nearest(name, candidates)
	if near == "" {
		return false
	}
	d.With("did you mean `%s`?", near).WithFix(span, near)
	return true
}
