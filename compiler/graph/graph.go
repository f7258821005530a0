// Package graph is the dataflow of a plan while it is built: nodes with their ids, the edges between them, and what follows from the whole of it.
//
//	graph.go     Graph, Node, Link: adding nodes, walking, pruning
//	exchange.go  how rows get from node to node
//	facts.go     what only the whole graph shows: parallelism, old rows, marks, columns that nobody reads
package graph

import (
	"fmt"
	"slices"
	"strings"

	"pipec/compiler/plan"
	"pipec/grammar/diag"
	"pipec/vm/op"
)

// Graph grows node by node. A node's inputs are there before it, so the order of adding is a topological one, but for sinks that several pipelines
// write into: Prune puts those behind the last of them.
type Graph struct {
	Nodes []*Node
	Links []*Link

	ids    map[string]*Node
	counts map[string]int
}

// Node is a node of the plan and what the compiler knows of it beside.
type Node struct {
	*plan.Node
	Fails  bool       // its expressions can fail
	Pinned bool       // its id was given
	Own    bool       // its parallelism was given
	Window *op.Window // that it computes in
	// Silent is where a source says its event time without saying when it counts as idle; zero otherwise.
	Silent diag.Span
}

// Link is an edge with its nodes. From and To of the edge are filled in by Plan.
type Link struct {
	plan.Edge
	Source, Target *Node
}

// New is an empty graph.
func New() *Graph { return &Graph{ids: map[string]*Node{}, counts: map[string]int{}} }

// Add makes a node. Its id is what is given, else stream / pipes / kind / ordinal: the ordinal counts nodes of one kind within the stream or the pipe, so
// that a stage of another kind never changes it (language 2.13, A15).
func (g *Graph) Add(stream string, pipes []string, id string, n op.Node) *Node {
	key := strings.Join(append(append([]string{stream}, pipes...), n.Kind), "/")
	g.counts[key]++
	node := &Node{Node: &plan.Node{
		ID: id, Kind: n.Kind, Stream: stream, Ports: n.Ports, Config: n.Config, State: n.State, Single: n.Single,
	}, Fails: n.Fails, Pinned: id != ""}
	if id == "" {
		node.ID = fmt.Sprintf("%s/%d", key, g.counts[key])
	}
	for g.ids[node.ID] != nil { // a given id may look like one of ours
		node.ID += "_"
	}
	g.ids[node.ID] = node
	g.Nodes = append(g.Nodes, node)
	return node
}

// Find gives the node of that id, or nil.
func (g *Graph) Find(id string) *Node { return g.ids[id] }

// Into gives the edges into a node, by input.
func (g *Graph) Into(n *Node) []*Link {
	var out []*Link
	for _, l := range g.Links {
		if l.Target == n {
			out = append(out, l)
		}
	}
	return out
}

// OutOf gives the edges out of a node.
func (g *Graph) OutOf(n *Node) []*Link {
	var out []*Link
	for _, l := range g.Links {
		if l.Source == n {
			out = append(out, l)
		}
	}
	return out
}

// Behind says whether a node, or one that gets rows from it, is of some kind.
func (g *Graph) Behind(n *Node, is func(*Node) bool) bool {
	seen := map[*Node]bool{}
	var visit func(n *Node) bool
	visit = func(n *Node) bool {
		if seen[n] {
			return false
		}
		seen[n] = true
		return is(n) || slices.ContainsFunc(g.OutOf(n), func(l *Link) bool { return visit(l.Target) })
	}
	return visit(n)
}

// Prune leaves what reaches a sink, in topological order.
func (g *Graph) Prune() {
	var sorted []*Node
	done := map[*Node]bool{}
	var visit func(n *Node)
	visit = func(n *Node) {
		if done[n] {
			return
		}
		done[n] = true
		for _, l := range g.Into(n) {
			visit(l.Source)
		}
		sorted = append(sorted, n)
	}
	for _, n := range g.Nodes {
		if n.Kind == "sink" {
			visit(n)
		}
	}
	g.Nodes = sorted
	g.Links = slices.DeleteFunc(g.Links, func(l *Link) bool { return !done[l.Target] })
}

// Plan gives the nodes and the edges as they go into a plan.
func (g *Graph) Plan() (nodes []*plan.Node, edges []*plan.Edge) {
	for _, n := range g.Nodes {
		nodes = append(nodes, n.Node)
		for _, l := range g.Into(n) {
			l.From, l.To = l.Source.ID, n.ID
			edges = append(edges, &l.Edge)
		}
	}
	return nodes, edges
}
