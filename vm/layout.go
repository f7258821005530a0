package vm

import (
	"pipec/compiler/plan"
)

// chainSpec is a maximal part of the plan that runs in one task without an exchange: a tree of nodes below its head.
type chainSpec struct {
	head   *plan.Node
	nodes  []*plan.Node // in topological order, the head first
	tasks  int
	inputs []*plan.Edge // edges from other chains into the head; none: the head is a source
	inside []*plan.Edge // edges between nodes of the chain
	out    []*plan.Edge // edges to heads of other chains
	ids    []string     // of nodes
	keeps  []string     // ids of the nodes that a snapshot holds something of: keyed state, or the splits of a source
}

// layout is the plan cut into chains.
type layout struct {
	plan   *plan.Plan
	chains []*chainSpec
	of     map[string]*chainSpec // by node id
}

// newLayout cuts the plan. A node begins a chain if it is a source, has several inputs, or its one input comes over an exchange that moves rows
// between tasks; everything else is fused with the node before it.
func newLayout(p *plan.Plan) *layout {
	l := &layout{plan: p, of: map[string]*chainSpec{}}
	for _, n := range p.Nodes {
		in := p.Inputs(n.ID)
		if c := l.joins(n, in); c != nil {
			c.nodes = append(c.nodes, n)
			c.inside = append(c.inside, in[0])
			l.of[n.ID] = c
			continue
		}
		c := &chainSpec{head: n, nodes: []*plan.Node{n}, tasks: p.Parallelism(n), inputs: in}
		l.chains = append(l.chains, c)
		l.of[n.ID] = c
		for _, e := range in {
			from := l.of[e.From]
			from.out = append(from.out, e)
		}
	}
	for _, c := range l.chains {
		for _, n := range c.nodes {
			c.ids = append(c.ids, n.ID)
			if KeepsState(n) {
				c.keeps = append(c.keeps, n.ID)
			}
		}
	}
	return l
}

// KeepsState says whether a snapshot holds something of the node: keyed state, or the splits of a source.
func KeepsState(n *plan.Node) bool { return n.State != nil || n.Kind == "source" }

// joins gives the chain that the node is fused with, or nil if it begins one of its own.
func (l *layout) joins(n *plan.Node, in []*plan.Edge) *chainSpec {
	if len(in) != 1 {
		return nil
	}
	from := l.of[in[0].From]
	tasks := l.plan.Parallelism(n)
	if from.tasks != tasks {
		return nil
	}
	if in[0].Exchange == plan.Forward || tasks == 1 {
		return from
	}
	return nil
}

// index gives the place of a node in the chain.
func (c *chainSpec) index(id string) int {
	for i, n := range c.nodes {
		if n.ID == id {
			return i
		}
	}
	return -1
}
