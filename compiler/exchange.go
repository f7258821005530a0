package compiler

import (
	"slices"

	"pipec/compiler/plan"
	"pipec/vm/op"
)

// connectStage joins an input to a stage, over the exchange that it asks for.
func (b *builder) connectStage(to *info, in op.Stream, n op.Node) {
	l := b.join(to, in)
	if l == nil {
		return
	}
	switch {
	case n.Single:
		if in.Parts == nil || len(in.Parts) > 0 {
			l.Exchange = plan.Gather
		}
	case len(n.Keyed) > 0:
		// State belongs to the task of its key group, so only the very same key will do, in the same order.
		if !slices.Equal(in.Parts, n.Keyed) {
			l.shuffle(in, n.Keyed)
		}
	}
}

// connect joins an input to a sink. With a key, one task writes all rows of a key (language A19).
func (b *builder) connect(to *info, in op.Stream, key []string) {
	l := b.join(to, in)
	if l == nil || len(key) == 0 {
		return
	}
	if in.Parts == nil || slices.ContainsFunc(in.Parts, func(p string) bool { return !slices.Contains(key, p) }) {
		l.shuffle(in, key)
	}
}

// join adds an edge that leaves rows in their task.
func (b *builder) join(to *info, in op.Stream) *link {
	from := b.build.infos[in.Node]
	if from == nil {
		return nil
	}
	input := 0
	for _, l := range b.build.edges {
		if l.to == to {
			input++
		}
	}
	l := &link{Edge: plan.Edge{Port: in.Port, Input: input, Exchange: plan.Forward, Mode: in.Type.Mode}, from: from, to: to}
	b.build.edges = append(b.build.edges, l)
	return l
}

// shuffle sends each row to the task of its key group.
func (l *link) shuffle(in op.Stream, key []string) {
	l.Exchange, l.Keys = plan.Hash, nil
	for _, name := range key {
		if i := in.Type.Schema.Index(name); i >= 0 {
			l.Keys = append(l.Keys, i)
		}
	}
}
