package compiler

import (
	"slices"
	"strings"

	"pipec/compiler/check"
	"pipec/compiler/plan"
	"pipec/connector"
	"pipec/grammar"
	"pipec/vm/op"
	"pipec/vm/value"
)

// Streams are built on demand. A pipeline is built from its first stage to its last; where a stage names another stream, that is built first, and a stream that
// is asked for while it is being built feeds itself (J701). So declarations need no order, nodes come out in a topological one, and no graph of names is
// needed. Side outputs (branches, late rows, row errors) belong to the pipeline whose stage names them: asking for one builds that pipeline.
//
// What is wrong leaves a stream with unknown columns behind it. Stages go on checking what does not depend on columns, so a file with ten mistakes gets ten
// answers, and none of them follows from another.

// pipelines builds everything the root file declares, in its order; what is needed earlier is built when it is asked for.
func (c *compilation) pipelines() {
	c.build.init()
	for _, u := range c.build.units {
		u.name = anonymousName(u.pipeline)
	}
	for _, s := range c.root.symbols {
		if s.unit != nil && s.unit.own == s {
			s.unit.name = s.unitName()
		}
	}
	for _, d := range c.root.file.Decls {
		c.declaration(d)
	}
	c.unpinned()
}

// declaration builds one declaration of the root file.
func (c *compilation) declaration(d grammar.Decl) {
	switch d := d.(type) {
	case *grammar.Source, *grammar.Stream:
		if n := d.DeclName(); n != nil && c.root.symbols[n.Text].decl == d {
			c.make(c.root.symbols[n.Text].unit)
		}
	case *grammar.Sink:
		if d.Name != nil && c.root.symbols[d.Name.Text].decl == d {
			c.sinkOf(c.root.symbols[d.Name.Text])
		}
	case *grammar.TypeDecl:
		if d.Name != nil && !d.Broken && c.root.symbols[d.Name.Text].decl == d {
			c.declaredType(c.root.symbols[d.Name.Text], d.Name.Span(), inParam)
		}
	case *grammar.Process, *grammar.Test:
		if !d.DeclHead().Broken {
			c.refused(d)
		}
	case *grammar.Pipeline:
		for _, u := range c.build.units {
			if u.pipeline == d {
				c.make(u)
			}
		}
	}
}

// anonymousName is the name of a pipeline without one: that of its first sink or first branch (language A15).
func anonymousName(p *grammar.Pipeline) string {
	for _, st := range p.Stages {
		switch o := st.Op.(type) {
		case *grammar.Into:
			return o.Refs[0].String()
		case *grammar.Split:
			for _, b := range o.Branches {
				if !b.Broken && b.Name != nil {
					return b.Name.Text
				}
			}
		}
	}
	return p.From.String()
}

// make builds a unit once.
func (c *compilation) make(u *unit) {
	if u == nil || u.done || u.building {
		return
	}
	u.building = true
	if u.name == "" && u.own != nil {
		u.name = u.own.unitName()
	}
	if u.source != nil {
		c.source(u)
	} else {
		c.pipeline(u)
	}
	u.building, u.done = false, true
}

// pipeline builds a stream or an anonymous pipeline.
func (c *compilation) pipeline(u *unit) {
	if u.own != nil {
		u.own.out, u.own.made = op.Stream{Type: unknownType()}, true
	}
	p := u.pipeline
	if u.own != nil && u.own.broken || p == nil || p.Broken || p.From == nil {
		return
	}
	b := &builder{compilation: c, mod: u.mod, unit: u, known: true}
	out := b.stages(b.from(p), p.Stages)
	if w := out.Window; w != nil {
		if !w.Reported {
			b.list.Errorf("S404", w.Span, "a window must be followed by what is computed in it").WithHelp("%s", op.WindowHelp)
		}
		out = op.Stream{Type: unknownType()}
	}
	if u.own != nil {
		u.own.out = out
		if b.ended == "split" {
			u.own.ends = strings.Join(branches(p.Stages), ", ")
		}
		return
	}
	if b.ended == "" && b.known && !b.swallowed() {
		b.list.Errorf("S420", p.Keyword(), "this pipeline goes nowhere").WithHelp("end it with `|> into ...`, or give it a name: `stream x = from ...`")
	}
}

// swallowed says whether a text that is never closed may have taken the rest of a pipeline.
func (c *compilation) swallowed() bool {
	for _, d := range c.list {
		if d.Code == "P105" {
			return true
		}
	}
	return false
}

func branches(stages []*grammar.Stage) []string {
	var out []string
	for _, st := range stages {
		if s, ok := st.Op.(*grammar.Split); ok {
			for _, b := range s.Branches {
				if b.Name != nil {
					out = append(out, "`"+b.Name.Text+"`")
				}
			}
		}
	}
	return out
}

// from is where a pipeline begins: a stream, or a connector with its settings.
func (b *builder) from(p *grammar.Pipeline) op.Stream {
	name := p.From.String()
	if s, silent := b.mod.find(name); s != nil || silent {
		// `from orders { ... }` of a declared source would be a second reading of it with other settings, which is what another source is for.
		if p.Body != nil && s != nil {
			b.list.Errorf("C502", p.Body.Keyword(), "the settings of `%s` stand where it is declared", name).WithRelated(s.at.Span(), "here")
		}
		out, _ := b.Stream(p.From)
		return out
	}
	if spec, ok := connector.Lookup(name); ok && spec.Source != nil && p.Body != nil {
		inner := &builder{compilation: b.compilation, mod: b.mod, unit: b.unit}
		out := inner.reading(b.unit.name, p.From.Parts[0], p.Body, p.From.Span())
		if out.Type.Unknown {
			b.nameless(b.unit, p.Body)
		}
		return out
	}
	out, _ := b.Stream(p.From)
	return out
}

// Stream implements op.Builder: the stream of that name, built first if need be.
func (b *builder) Stream(ref *grammar.Ref) (op.Stream, bool) {
	unknown := op.Stream{Type: unknownType()}
	name := ref.String()
	s, silent := b.mod.find(name)
	switch {
	case silent:
		return unknown, true
	case s == nil:
		return b.connectorStream(ref)
	}
	s.used = true
	switch s.kind {
	case aSource, aTable, aStream, aSide:
	default:
		if !s.broken {
			b.notReadable(ref, s)
			return unknown, false
		}
		return unknown, true
	}
	if u := s.unit; u != nil {
		// A pipeline that reads itself is a cycle. Its own late rows and row errors are none, once the stage that gives them has been built: what stands
		// further on may read them, as in `|> union late`.
		if u.building && !(s.kind == aSide && s.made) {
			b.list.Errorf("J701", ref.Span(), "`%s` feeds itself", name).WithHelp("a pipeline cannot have a cycle")
			return unknown, false
		}
		b.make(u)
	}
	if s.ends != "" {
		b.list.Errorf("N206", ref.Span(), "`%s` ends in a split: read one of its branches", name).WithHelp("branches: %s", s.ends)
		return unknown, false
	}
	if !s.made {
		return unknown, true
	}
	out := s.out
	// A window is open from its stage to the next one; whoever begins with this stream opens his own.
	out.Window = nil
	return out, true
}

func (b *builder) notReadable(ref *grammar.Ref, s *symbol) {
	d := b.list.Errorf("N206", ref.Span(), "`%s` is a %s: it cannot be read", ref.String(), s.kind).WithRelated(s.at.Span(), "declared here")
	if s.kind == aPipe {
		d.WithHelp("a pipe is a stage: `from ... |> %s`", s.name)
	}
}

// connectorStream reads a connector that is not declared, as in `from stdin`: once per job.
func (b *builder) connectorStream(ref *grammar.Ref) (op.Stream, bool) {
	name := ref.String()
	if s, ok := b.build.direct[name]; ok {
		return s, true
	}
	spec, ok := connector.Lookup(name)
	if ok && spec.Source != nil {
		u := &unit{mod: b.mod, name: name}
		inner := &builder{compilation: b.compilation, mod: b.mod, unit: u}
		out := inner.reading(name, ref.Parts[0], nil, ref.Span())
		b.build.direct[name] = out
		return out, true
	}
	unknown := op.Stream{Type: unknownType()}
	own := b.mod.similar(aSource, aTable, aStream, aSide)
	if ok {
		choices(b.list.Errorf("N206", ref.Span(), "one cannot read from `%s`", name), "streams here", own, true)
		return unknown, false
	}
	d := b.list.Errorf("N206", ref.Span(), "there is no stream `%s`", name)
	if !nearest(d, ref.Span(), name, append(own, connectors(true)...)) {
		choices(d, "streams here", own, true)
	}
	return unknown, false
}

// stages runs a pipeline's stages in order.
func (b *builder) stages(in op.Stream, list []*grammar.Stage) op.Stream {
	for _, st := range list {
		if b.ended != "" {
			b.list.Errorf("S420", st.Op.Keyword(), "nothing comes behind `%s`", b.ended).
				WithHelp("to go on with the same rows, name the stream: `stream x = from ...`, then `from x |> into ...` and `from x |> ...`")
			return in
		}
		in = b.one(in, st)
	}
	return in
}

// one runs a stage.
func (b *builder) one(in op.Stream, st *grammar.Stage) op.Stream {
	switch o := st.Op.(type) {
	case *grammar.BrokenStage:
		b.known = false
		b.unnamed(st)
		return op.Stream{Type: unknownType()}
	case *grammar.Call:
		return b.call(in, st, o)
	}
	b.begin(st)
	defer b.end(st)
	if o, ok := st.Op.(*grammar.Into); ok {
		b.ended = "into"
		if in.Window == nil {
			b.into(in, o)
		}
		return in
	}
	spec, ok := op.Lookup(st.Op.Verb())
	if !ok {
		b.list.Errorf("P120", st.Op.Keyword(), "there is no stage called `%s`", st.Op.Verb())
		return op.Stream{Type: unknownType()}
	}
	if spec.Later != "" {
		b.mention(st)
		if p, ok := st.Op.(*grammar.ProcessUse); ok && b.declaredProcess(p.Process) {
			b.unnamed(st)
			return op.Stream{Type: unknownType()}
		}
	}
	// Behind `window rolling` a derive may hold aggregates. The window has been refused, and calling them wrong here would be a second complaint.
	if _, ok := st.Op.(*grammar.Derive); ok && in.Window != nil && in.Window.Kind == "rolling" { // refused, and what it means is not known
		b.unnamed(st)
		return op.Stream{Type: unknownType()}
	}
	b.window = in.Window
	check := &op.Check{Builder: b, Stage: st, In: in}
	out := spec.Check(check)
	if out.Window == nil {
		out.Window = check.Open
	}
	if out.Type.Unknown {
		b.unnamed(st)
	}
	if _, ok := st.Op.(*grammar.Split); ok {
		b.ended = "split"
	}
	return out
}

// mention marks the streams that a stage names as read, though nothing reads them yet.
func (b *builder) mention(st *grammar.Stage) {
	var refs []*grammar.Ref
	switch o := st.Op.(type) {
	case *grammar.Join:
		refs = append(refs, o.Right)
	case *grammar.Lookup:
		refs = append(refs, o.Right)
	}
	for _, r := range refs {
		b.Stream(r)
	}
}

// declaredProcess says whether a process has been refused where it is declared; one that does not exist is reported.
func (b *builder) declaredProcess(ref *grammar.Ref) bool {
	s, silent := b.mod.find(ref.String())
	if s != nil && s.kind == aProcess {
		s.used = true
		return s.mod == b.root
	}
	if !silent {
		d := b.list.Errorf("N206", ref.Span(), "there is no process `%s`", ref.String())
		nearest(d, ref.Span(), ref.String(), b.mod.similar(aProcess))
	}
	return true
}

// unnamed makes the side outputs of a stage that was not understood streams with unknown columns.
func (b *builder) unnamed(st *grammar.Stage) {
	for _, n := range sideNames(st) {
		if s := b.mod.symbols[n.Text]; s != nil && s.kind == aSide && !s.made {
			s.out, s.made = op.Stream{Type: unknownType()}, true
		}
	}
}

// sideNames are the names that a stage gives to streams beside the main one.
func sideNames(st *grammar.Stage) []*grammar.Name {
	var out []*grammar.Name
	if st.Errors != nil {
		out = append(out, st.Errors)
	}
	switch o := st.Op.(type) {
	case *grammar.Split:
		for _, br := range o.Branches {
			if !br.Broken && br.Name != nil {
				out = append(out, br.Name)
			}
		}
	case *grammar.Window:
		if o.LateAs != nil {
			out = append(out, o.LateAs)
		}
	case *grammar.Watermark:
		if o.AheadAs != nil {
			out = append(out, o.AheadAs)
		}
	}
	return out
}

// call puts the stages of a declared pipe in the place of its name, and checks them there.
func (b *builder) call(in op.Stream, st *grammar.Stage, o *grammar.Call) op.Stream {
	name := o.Name.String()
	s, silent := b.mod.find(name)
	unknown := op.Stream{Type: unknownType()}
	if silent || s != nil && s.broken {
		b.known = false
		return unknown
	}
	if s == nil || s.kind != aPipe {
		b.noStage(o, s)
		return unknown
	}
	s.used = true
	p := s.decl.(*grammar.Pipe)
	if slices.Contains(b.pipes, name) {
		b.list.Errorf("J701", o.Name.Span(), "`%s` contains itself", name).WithHelp("a pipe cannot be made of itself")
		return unknown
	}
	args, ok := b.arguments(p, o, s)
	if !ok {
		b.known = false
		return unknown
	}
	inner := &builder{compilation: b.compilation, mod: s.mod, unit: b.unit, args: args, known: true, pipes: append(slices.Clip(b.pipes), name)}
	// What is wrong in a pipe may be wrong for this use only, such as a column that these rows have not: say who uses it.
	before := len(b.list)
	out := inner.stages(in, p.Stages)
	for _, d := range b.list[before:] {
		d.WithRelated(o.Name.Span(), "used here")
	}
	b.ended, b.known = inner.ended, b.known && inner.known
	if st.Errors != nil || st.With != nil {
		b.list.Errorf("P101", o.Keyword(), "`errors as` and `with` stand at the stages of the pipe, not at its name").WithRelated(p.Name.Span(), "the pipe is here")
		b.unnamed(st)
	}
	return out
}

// noStage reports a stage that does not exist (P120).
func (b *builder) noStage(o *grammar.Call, s *symbol) {
	b.known = false
	name := o.Name.String()
	if s != nil {
		b.list.Errorf("P120", o.Name.Span(), "`%s` is a %s, not a stage", name, s.kind).WithRelated(s.at.Span(), "declared here")
		return
	}
	d := b.list.Errorf("P120", o.Name.Span(), "there is no stage called `%s`", name)
	verb, help := grammar.SuggestStage(name, b.mod.similar(aPipe)...)
	if verb != "" {
		d.With("did you mean `%s`?", verb).WithFix(o.Name.Span(), verb)
	}
	if help != "" {
		d.WithHelp("%s", help)
	}
}

// arguments are the values of a pipe's parameters: constants.
func (b *builder) arguments(p *grammar.Pipe, o *grammar.Call, s *symbol) (map[string]*plan.Expr, bool) {
	if len(o.Args) != len(p.Params) {
		params := make([]string, len(p.Params))
		for i, q := range p.Params {
			params[i] = q.Name.String()
		}
		b.list.Errorf("T306", o.Span(), "%s", check.Counted(o.Name.String(), len(p.Params), len(o.Args))).
			WithHelp("`%s(%s)`", o.Name.String(), strings.Join(params, ", "))
		return nil, false
	}
	args, ok := map[string]*plan.Expr{}, true
	for i, q := range p.Params {
		var to *value.Type
		if q.Type != nil {
			t := s.mod.typeOf(q.Type, inRows)
			to = &t
		}
		v := b.checker().ExprAs(o.Args[i], op.Scope{Constant: true, Doing: "`" + q.Name.String() + "`"}, to)
		if v == nil || v.Expr.Type.Kind == value.Unknown {
			ok = false
			continue
		}
		args[q.Name.String()] = v.Expr
	}
	return args, ok
}
