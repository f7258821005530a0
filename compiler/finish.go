package compiler

import (
	"slices"

	"pipec/compiler/plan"
	"pipec/connector"
	"pipec/grammar"
	"pipec/vm/op"
)

// unread warns of what nothing reads, and reports a job that writes nowhere.
func (c *compilation) unread() {
	if c.list.HasErrors() {
		return // what is wrong might have read it
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
			if st, ok := d.(*grammar.Stream); !ok || st.Pipeline == nil || !endsItself(st.Pipeline) {
				c.list.Warnf("N220", s.at.Span(), "nothing reads `%s`", s.name)
			}
		case aSink:
			c.list.Warnf("N220", s.at.Span(), "nothing is written into `%s`", s.name)
		}
	}
	for _, s := range c.root.symbols {
		if s.kind == aSide && !s.used && !s.broken && s.made && !s.out.Type.Unknown {
			c.list.Warnf("N220", s.at.Span(), "nothing reads `%s`", s.name).WithHelp("its rows are dropped: `from %s |> into ...` keeps them", s.name)
		}
	}
	if c.build.written == 0 && (len(c.build.order) > 0 || !c.o.Validate) {
		c.list.Errorf("J702", c.start(), "this job writes nowhere").WithHelp("end a pipeline with `|> into ...`: `into stdout` shows its rows")
	}
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

// prune leaves in the plan what reaches a sink, in topological order.
func (c *compilation) prune() {
	keep := map[*info]bool{}
	var reach func(i *info)
	reach = func(i *info) {
		if keep[i] {
			return
		}
		keep[i] = true
		for _, l := range c.build.edges {
			if l.to == i {
				reach(l.from)
			}
		}
	}
	for _, i := range c.build.order {
		if i.Kind == "sink" {
			reach(i)
		}
	}
	c.build.order = slices.DeleteFunc(c.build.order, func(i *info) bool { return !keep[i] })
	c.build.edges = slices.DeleteFunc(c.build.edges, func(l *link) bool { return !keep[l.to] })
	c.sortNodes()
	for _, i := range c.build.order {
		c.plan.Nodes = append(c.plan.Nodes, i.Node)
	}
	for _, i := range c.build.order {
		for _, l := range c.build.edges {
			if l.to == i {
				l.From, l.To = l.from.ID, l.to.ID
				c.plan.Edges = append(c.plan.Edges, &l.Edge)
			}
		}
	}
}

// sortNodes puts a sink behind the last of the pipelines that write into it; everything else was built in order.
func (c *compilation) sortNodes() {
	var sorted []*info
	done := map[*info]bool{}
	var visit func(i *info)
	visit = func(i *info) {
		if done[i] {
			return
		}
		done[i] = true
		for _, l := range c.build.edges {
			if l.to == i {
				visit(l.from)
			}
		}
		sorted = append(sorted, i)
	}
	for _, i := range c.build.order {
		visit(i)
	}
	c.build.order = sorted
}

// facts computes what follows from the whole plan: the parallelism of nodes that are fused with others, old rows, split watermarks, columns that nobody
// reads; and it says what only the whole plan shows.
func (c *compilation) facts() {
	if c.list.HasErrors() {
		return
	}
	for _, i := range c.build.order {
		c.inherit(i)
	}
	for n := len(c.build.order) - 1; n >= 0; n-- {
		c.oldRows(c.build.order[n])
	}
	for _, i := range c.build.order {
		if s, ok := i.Config.(*plan.SourceConfig); ok && s.Watermark != nil {
			s.Watermark.Emits = c.marked(i)
		}
	}
	c.wanted()
	c.silent()
	c.idle()
}

// into gives the edges into a node.
func (c *compilation) into(i *info) []*link {
	var out []*link
	for _, l := range c.build.edges {
		if l.to == i {
			out = append(out, l)
		}
	}
	return out
}

// outOf gives the edges out of a node.
func (c *compilation) outOf(i *info) []*link {
	var out []*link
	for _, l := range c.build.edges {
		if l.from == i {
			out = append(out, l)
		}
	}
	return out
}

// inherit gives a node the parallelism of those it is fused with, and shuffles where a key would otherwise meet another number of tasks.
func (c *compilation) inherit(i *info) {
	in := c.into(i)
	if len(in) == 0 || i.Single {
		return
	}
	tasks := c.tasks(in[0].from)
	for _, l := range in {
		if l.Exchange != plan.Forward || c.tasks(l.from) != tasks {
			tasks = 0
		}
	}
	if !i.tasks && tasks > 0 && tasks != c.job.Parallelism {
		i.Tasks = tasks
	}
	for _, l := range in {
		if i.State != nil && l.Exchange == plan.Forward && c.tasks(l.from) != c.tasks(i) {
			l.shuffle(op.Stream{Type: l.from.Ports[l.Port].Type}, l.from.Ports[l.Port].Type.Key)
		}
	}
}

func (c *compilation) tasks(i *info) int {
	switch {
	case i.Single:
		return 1
	case i.Tasks > 0:
		return i.Tasks
	}
	return c.job.Parallelism
}

// oldRows says for each edge into a node whether the rows that updates replace are needed, once that is known of the edges behind it.
func (c *compilation) oldRows(i *info) {
	need := false
	if i.Kind == "sink" {
		need = c.sinkNeedsOld(i.Config.(*plan.SinkConfig))
	} else if spec, ok := op.Lookup(i.Kind); ok {
		need = spec.Before
		for _, l := range c.outOf(i) {
			need = need || spec.Passes && l.Before
		}
	}
	for _, l := range c.into(i) {
		l.Before = need && l.Mode != plan.Append
	}
}

// sinkNeedsOld says whether a sink must see replaced rows: to show them, or because its own key can change within one key of the stream.
func (c *compilation) sinkNeedsOld(s *plan.SinkConfig) bool {
	if s.Settings.Bool("changes") {
		return true
	}
	if len(s.Key) == 0 {
		return s.Mode == plan.Retract
	}
	for _, k := range s.Key {
		if !slices.Contains(s.ModeKey, k) {
			return true
		}
	}
	return false
}

// marked says whether rows of a source reach a window.
func (c *compilation) marked(i *info) bool {
	return c.behind(i, func(n *info) bool { return n.window != nil })
}

// behind says whether a node, or one that gets rows from it, is of some kind.
func (c *compilation) behind(i *info, is func(*info) bool) bool {
	seen := map[*info]bool{}
	var visit func(n *info) bool
	visit = func(n *info) bool {
		if seen[n] {
			return false
		}
		seen[n] = true
		if is(n) {
			return true
		}
		for _, l := range c.outOf(n) {
			if visit(l.to) {
				return true
			}
		}
		return false
	}
	return visit(i)
}

// wanted finds the columns of each source that anything reads.
func (c *compilation) wanted() {
	ports := map[*info][][]bool{}
	for _, i := range c.build.order {
		for _, p := range i.Ports {
			ports[i] = append(ports[i], make([]bool, len(p.Type.Schema.Fields)))
		}
	}
	for n := len(c.build.order) - 1; n >= 0; n-- {
		i := c.build.order[n]
		for _, l := range c.into(i) {
			in := ports[l.from][l.Port]
			c.reads(i, ports[i], in)
			for _, k := range l.Keys {
				in[k] = true
			}
		}
		if s, ok := i.Config.(*plan.SourceConfig); ok {
			s.Wanted = c.sourceWants(i, s, ports[i])
		}
	}
}

// reads marks what a node reads of an input.
func (c *compilation) reads(i *info, ports [][]bool, in []bool) {
	config, ok := i.Config.(op.Config)
	if !ok || i.Errors > 0 {
		for k := range in {
			in[k] = true
		}
		return
	}
	config.Wants(ports, in)
}

// sourceWants are the columns that a source must decode: those that are read, and its time.
func (c *compilation) sourceWants(i *info, s *plan.SourceConfig, ports [][]bool) []bool {
	want := make([]bool, len(s.Schema.Fields))
	for p, used := range ports {
		if p == i.Errors && p > 0 {
			continue
		}
		for k := range want {
			want[k] = want[k] || used[k]
		}
	}
	if s.Watermark != nil {
		want[s.Watermark.Column] = true
	}
	return want
}

// silent hints at windows whose late rows are only counted, in front of a sink that loses nothing else (S432).
func (c *compilation) silent() {
	cp := c.job.Checkpoint
	if !cp.Enabled() || cp.AtLeastOnce {
		return
	}
	for _, i := range c.build.order {
		if w := i.window; w != nil && w.Late == nil && c.exact(i) {
			c.list.Hintf("S432", w.Span, "rows that come too late for this window are dropped, and only counted").
				WithHelp("`late as NAME` behind it keeps them: `from NAME |> into ...`")
		}
	}
}

// exact says whether a sink behind a node holds each row exactly once.
func (c *compilation) exact(i *info) bool {
	return c.behind(i, func(n *info) bool {
		s, ok := n.Config.(*plan.SinkConfig)
		if !ok {
			return false
		}
		spec, ok := connector.Lookup(s.Connector)
		return ok && spec.ExactlyOnce && s.Settings.Has("path")
	})
}

// idle warns of a source beside another one that can hold the time of both back (S436).
func (c *compilation) idle() {
	for _, i := range c.build.order {
		if i.Kind == "sink" || len(c.into(i)) < 2 {
			continue
		}
		sources := map[*info]bool{}
		for _, s := range c.build.order {
			if s.Kind == "source" && s != i && c.behind(s, func(n *info) bool { return n == i }) {
				sources[s] = true
			}
		}
		if len(sources) < 2 {
			continue
		}
		for _, s := range c.build.order {
			if sources[s] && s.idle {
				s.idle = false
				c.list.Warnf("S436", s.timeAt, "while `%s` is silent, windows behind `%s` wait for it", s.Stream, i.Kind).
					WithHelp("`idle 1m` behind the watermark takes it out after a minute without rows")
			}
		}
	}
}
