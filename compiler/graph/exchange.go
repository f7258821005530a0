package graph

import (
	"slices"

	"pipec/compiler/plan"
	"pipec/vm/op"
)

// Connect joins an input to a stage, over the exchange that the stage asks for.
func (g *Graph) Connect(to *Node, in op.Stream, n op.Node) {
	l := g.join(to, in)
	if l == nil {
		return
	}
	switch {
	case n.Single:
		if in.Parts == nil || len(in.Parts) > 0 {
			l.Exchange = plan.Gather
		}
	case len(n.Keyed) > 0:
		// State belongs to the task of its key group, and the group is a hash of the whole key in its order. So rows that are already divided by a part of the
		// key are together, but in the wrong task: only the very same key will do.
		if !slices.Equal(in.Parts, n.Keyed) {
			l.shuffle(in.Type, n.Keyed)
		}
	}
}

// ConnectSink joins an input to a sink. With a key, one task writes all rows of a key (language A19); it keeps no state, so a part of the key will do.
func (g *Graph) ConnectSink(to *Node, in op.Stream, key []string) {
	l := g.join(to, in)
	if l == nil || len(key) == 0 {
		return
	}
	if in.Parts == nil || slices.ContainsFunc(in.Parts, func(p string) bool { return !slices.Contains(key, p) }) {
		l.shuffle(in.Type, key)
	}
}

// join adds an edge that leaves rows in their task; nil where an error has left no node to join.
func (g *Graph) join(to *Node, in op.Stream) *Link {
	from := g.ids[in.Node]
	if from == nil {
		return nil
	}
	l := &Link{Edge: plan.Edge{Port: in.Port, Input: len(g.Into(to)), Exchange: plan.Forward, Mode: in.Type.Mode}, Source: from, Target: to}
	g.Links = append(g.Links, l)
	return l
}

// shuffle sends each row to the task of its key group.
func (l *Link) shuffle(in plan.StreamType, key []string) {
	l.Exchange, l.Keys = plan.Hash, nil
	for _, name := range key {
		if i := in.Schema.Index(name); i >= 0 {
			l.Keys = append(l.Keys, i)
		}
	}
}
