package graph

import (
	"slices"

	"pipec/compiler/plan"
	"pipec/vm/op"
)

// Facts fills in what follows from the whole graph, after Prune: the parallelism of nodes that run in the tasks of others, which updates need the rows they
// replace, which sources mark their rows for windows, and which columns need not be decoded.
func (g *Graph) Facts(parallelism int) {
	for _, n := range g.Nodes {
		g.inherit(n, parallelism)
	}
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		g.oldRows(g.Nodes[i])
	}
	for _, n := range g.Nodes {
		if s, ok := n.Config.(*plan.SourceConfig); ok && s.Watermark != nil {
			s.Watermark.Emits = g.Behind(n, func(n *Node) bool { return n.Window != nil })
		}
	}
	g.wanted()
	for _, n := range g.Nodes {
		if s, ok := n.Config.(*plan.SourceConfig); ok && !slices.ContainsFunc(s.Default, func(e *plan.Expr) bool { return e != nil }) {
			s.Lines = g.unchanged(n, s)
		}
	}
}

// unchanged says whether rows of a source may reach a sink in its tasks with the same columns in the same format. The sink sees for itself whether they did.
func (g *Graph) unchanged(n *Node, from *plan.SourceConfig) bool {
	return slices.ContainsFunc(g.OutOf(n), func(l *Link) bool {
		to, ok := l.Target.Config.(*plan.SinkConfig)
		if l.Exchange != plan.Forward || !ok {
			return l.Exchange == plan.Forward && g.unchanged(l.Target, from)
		}
		read, _ := from.Settings.Choice("format")
		written, _ := to.Settings.Choice("format")
		return slices.Equal(to.Schema.Names(), from.Schema.Names()) && (written == read || written == "")
	})
}

// inherit gives a node the parallelism of those whose tasks it runs in, and shuffles where a key would otherwise meet another number of tasks: the task of a
// key group depends on it.
func (g *Graph) inherit(n *Node, parallelism int) {
	in := g.Into(n)
	if len(in) == 0 || n.Single {
		return
	}
	tasks := n.count(parallelism)
	if from := in[0].Source.count(parallelism); !n.Own && !slices.ContainsFunc(in, func(l *Link) bool {
		return l.Exchange != plan.Forward || l.Source.count(parallelism) != from
	}) {
		tasks = from
	}
	if tasks != parallelism {
		n.Tasks = tasks
	}
	for _, l := range in {
		if n.State != nil && l.Exchange == plan.Forward && l.Source.count(parallelism) != tasks {
			t := l.Source.Ports[l.Port].Type
			l.shuffle(t, t.Key)
		}
	}
}

// count is the number of tasks of a node.
func (n *Node) count(parallelism int) int {
	switch {
	case n.Single:
		return 1
	case n.Tasks > 0:
		return n.Tasks
	}
	return parallelism
}

// oldRows says for each edge into a node whether the rows that updates replace are needed, once that is known of the edges behind it. A filter needs them
// to know whether the row was there before; stages that pass updates on need them if anyone behind them does (plan.Edge.Before).
func (g *Graph) oldRows(n *Node) {
	need := false
	if s, ok := n.Config.(*plan.SinkConfig); ok {
		need = sinkNeedsOld(s)
	} else if spec, ok := op.Lookup(n.Kind); ok {
		need = spec.Before || spec.Passes && slices.ContainsFunc(g.OutOf(n), func(l *Link) bool { return l.Before })
	}
	for _, l := range g.Into(n) {
		l.Before = need && l.Mode != plan.Append
	}
}

// sinkNeedsOld says whether a sink must see replaced rows: to show them, or because its own key can change within one key of the stream.
func sinkNeedsOld(s *plan.SinkConfig) bool {
	if s.Settings.Bool("changes") {
		return true
	}
	if len(s.Key) == 0 {
		return s.Mode == plan.Retract
	}
	return slices.ContainsFunc(s.Key, func(k string) bool { return !slices.Contains(s.ModeKey, k) })
}

// wanted finds the columns that anything reads, of each source and of each stage that copies columns, from the sinks back.
func (g *Graph) wanted() {
	ports := map[*Node][][]bool{}
	for _, n := range g.Nodes {
		for _, p := range n.Ports {
			ports[n] = append(ports[n], make([]bool, len(p.Type.Schema.Fields)))
		}
	}
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		for _, l := range g.Into(n) {
			in := ports[l.Source][l.Port]
			read := make([]bool, len(in))
			n.reads(ports[n], read)
			for _, k := range l.Keys {
				read[k] = true
			}
			l.Unread = nil
			for i, r := range read {
				in[i] = in[i] || r
				if !r && l.Exchange != plan.Forward {
					l.Unread = append(l.Unread, i)
				}
			}
		}
		if s, ok := n.Config.(*plan.SourceConfig); ok {
			s.Wanted = n.decodes(s, ports[n])
		}
		if p, ok := n.Config.(op.Pruner); ok {
			p.Prune(ports[n])
		}
	}
}

// reads marks what a node reads of an input. A row error holds the whole row, so a node with `errors as` reads everything.
func (n *Node) reads(ports [][]bool, in []bool) {
	config, ok := n.Config.(op.Config)
	if ok && n.Errors == 0 {
		config.Wants(ports, in)
		return
	}
	for i := range in {
		in[i] = true
	}
}

// decodes are the columns that a source must decode: those that somebody reads, and its event time.
func (n *Node) decodes(s *plan.SourceConfig, ports [][]bool) []bool {
	want := make([]bool, len(s.Schema.Fields))
	for p, used := range ports {
		if p > 0 && p == n.Errors {
			continue // its columns are those of row errors
		}
		for i := range want {
			want[i] = want[i] || used[i]
		}
	}
	if s.Watermark != nil {
		want[s.Watermark.Column] = true
	}
	return want
}
