package compiler

import (
	"pipec/compiler/graph"
	"pipec/compiler/plan"
	"pipec/connector"
	"pipec/grammar"
	"pipec/grammar/diag"
)

// unread warns of what nothing reads, and reports a job that writes nowhere.
func (c *compilation) unread() {
	if c.list.HasErrors() {
		return // what is wrong might have read it
	}
	nowhere := c.build.written == 0 && (len(c.build.graph.Nodes) > 0 || !c.o.Validate)
	if nowhere {
		c.list.Errorf("J702", c.lastPipeline(), "this job writes nowhere").WithHelp("end a pipeline with `|> into ...`: `into stdout` shows its rows")
	}
	for _, d := range c.root.file.Decls {
		n := d.DeclName()
		if n == nil || d.DeclHead().Broken {
			continue
		}
		s := c.root.symbols[n.Text]
		if s == nil || s.decl != d || s.used {
			continue
		}
		switch s.kind {
		case aSource, aStream:
			if nowhere {
				continue // which says the same of all of them
			}
			// A stream may write or split by itself; its name is then only for messages and ids.
			if st, ok := d.(*grammar.Stream); !ok || st.Pipeline == nil || !endsItself(st.Pipeline) {
				c.list.Warnf("N220", s.at.Span(), "nothing reads `%s`", s.name)
			}
		case aSink:
			c.list.Warnf("N220", s.at.Span(), "nothing is written into `%s`", s.name)
		case aPipe:
			if c.build.written > 0 { // a file of pipes alone is for others to import
				c.list.Warnf("N220", s.at.Span(), "nothing uses the pipe `%s`", s.name).WithHelp("its stages are checked where it is used: `from ... |> %s`", s.name)
			}
		}
	}
	for _, s := range c.root.symbols {
		if s.kind == aSide && !s.used && !s.broken && s.made && !s.out.Type.Unknown {
			c.list.Warnf("N220", s.at.Span(), "nothing reads `%s`", s.name).WithHelp("its rows are dropped: `from %s |> into ...` keeps them", s.name)
		}
	}
}

// lastPipeline is where a sink is missed: the end of the last pipeline, else the last declaration, else the start of the file.
func (c *compilation) lastPipeline() diag.Span {
	at := c.start()
	for _, d := range c.root.file.Decls {
		at = d.Keyword()
	}
	for _, d := range c.root.file.Decls {
		switch d := d.(type) {
		case *grammar.Stream:
			if at = d.Keyword(); d.Pipeline != nil && len(d.Pipeline.Stages) > 0 {
				at = d.Pipeline.Stages[len(d.Pipeline.Stages)-1].Op.Keyword()
			}
		case *grammar.Pipeline:
			at = d.Keyword()
		}
	}
	return at
}

// endsItself says whether a stream writes or splits, so that nobody needs to read it.
func endsItself(p *grammar.Pipeline) bool {
	if len(p.Stages) == 0 {
		return false
	}
	switch p.Stages[len(p.Stages)-1].Op.(type) {
	case *grammar.Into, *grammar.Split, *grammar.BrokenStage, *grammar.Call:
		return true
	}
	return false
}

// prune leaves in the plan what reaches a sink.
func (c *compilation) prune() {
	c.build.graph.Prune()
}

// facts computes what follows from the whole plan, and says what only the whole plan shows.
func (c *compilation) facts() {
	if c.list.HasErrors() {
		return
	}
	c.build.graph.Facts(c.job.Parallelism)
	c.plan.Nodes, c.plan.Edges = c.build.graph.Plan()
	c.silent()
	c.idle()
}

// silent hints at windows whose late rows are only counted, in front of a sink that loses nothing else (S432).
func (c *compilation) silent() {
	cp := c.job.Checkpoint
	if !cp.Enabled() || cp.AtLeastOnce {
		return
	}
	for _, n := range c.build.graph.Nodes {
		if w := n.Window; w != nil && w.Late == nil && c.build.graph.Behind(n, exact) {
			c.list.Hintf("S432", w.Span, "rows that come too late for this window are dropped, and only counted").
				WithHelp("`late as NAME` behind it keeps them: `from NAME |> into ...`")
		}
	}
}

// exact says whether a node is a sink that holds each row exactly once.
func exact(n *graph.Node) bool {
	s, ok := n.Config.(*plan.SinkConfig)
	if !ok {
		return false
	}
	spec, ok := connector.Lookup(s.Connector)
	return ok && spec.ExactlyOnce && s.Settings.Has("path")
}

// idle warns of a source beside another one that can hold the time of both back (S436).
func (c *compilation) idle() {
	g := c.build.graph
	for _, n := range g.Nodes {
		if n.Kind == "sink" || len(g.Into(n)) < 2 {
			continue
		}
		var sources []*graph.Node
		for _, s := range g.Nodes {
			if s.Kind == "source" && g.Behind(s, func(m *graph.Node) bool { return m == n }) {
				sources = append(sources, s)
			}
		}
		for _, s := range sources {
			if len(sources) > 1 && !s.Silent.IsZero() {
				c.list.Warnf("S436", s.Silent, "while `%s` is silent, windows behind `%s` wait for it", s.Stream, n.Kind).
					WithHelp("`idle 1m` behind the watermark takes it out after a minute without rows")
				s.Silent = diag.Span{}
			}
		}
	}
}
