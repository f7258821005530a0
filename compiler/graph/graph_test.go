package graph_test

import (
	"testing"

	"pipec/compiler/graph"
	"pipec/compiler/plan"
	"pipec/vm/op"
	"pipec/vm/value"
)

var columns = value.Schema{Fields: []value.Field{{Name: "a", Type: value.Of(value.Int)}, {Name: "b", Type: value.Of(value.Int)}}}

func port(mode plan.Mode) []plan.Port {
	return []plan.Port{{Type: plan.StreamType{Schema: columns, Mode: mode, Key: []string{"a"}}}}
}

// TestExchanges are how rows get to a stage or a sink, by what is known of where they are.
func TestExchanges(t *testing.T) {
	one := []string{}
	for _, c := range []struct {
		name  string
		parts []string
		node  op.Node
		sink  []string
		want  plan.Exchange
	}{
		{"a stage without a key leaves rows where they are", nil, op.Node{Kind: "where"}, nil, plan.Forward},
		{"a key shuffles", nil, op.Node{Kind: "count", Keyed: []string{"a"}}, nil, plan.Hash},
		{"the same key does not", []string{"a"}, op.Node{Kind: "count", Keyed: []string{"a"}}, nil, plan.Forward},
		{"a longer key does, because state lies by the whole key", []string{"a"}, op.Node{Kind: "count", Keyed: []string{"a", "b"}}, nil, plan.Hash},
		{"another order does", []string{"b", "a"}, op.Node{Kind: "count", Keyed: []string{"a", "b"}}, nil, plan.Hash},
		{"one task for all gathers", []string{"a"}, op.Node{Kind: "count", Single: true}, nil, plan.Gather},
		{"rows of one task are gathered", one, op.Node{Kind: "count", Single: true}, nil, plan.Forward},
		{"a key behind one task shuffles", one, op.Node{Kind: "count", Keyed: []string{"a"}}, nil, plan.Hash},
		{"a keyed sink shuffles", nil, op.Node{Kind: "sink"}, []string{"a"}, plan.Hash},
		{"but not what is divided by a part of its key", []string{"a"}, op.Node{Kind: "sink"}, []string{"b", "a"}, plan.Forward},
		{"nor what is in one task", one, op.Node{Kind: "sink"}, []string{"a"}, plan.Forward},
		{"it does if rows are divided by more", []string{"a", "b"}, op.Node{Kind: "sink"}, []string{"a"}, plan.Hash},
	} {
		g := graph.New()
		from := g.Add("s", nil, "", op.Node{Kind: "where", Ports: port(plan.Append)})
		to := g.Add("s", nil, "", c.node)
		in := op.Stream{Type: from.Ports[0].Type, Node: from.ID, Parts: c.parts}
		if c.node.Kind == "sink" {
			g.ConnectSink(to, in, c.sink)
		} else {
			g.Connect(to, in, c.node)
		}
		if got := g.Links[0]; got.Exchange != c.want || (c.want == plan.Hash) != (len(got.Keys) > 0) {
			t.Errorf("%s: %s by %v", c.name, got.Exchange, got.Keys)
		}
	}
}

// TestIDs count by stream, pipe and kind, and are never the same.
func TestIDs(t *testing.T) {
	g := graph.New()
	for _, c := range []struct {
		pipes    []string
		id, kind string
		want     string
	}{
		{nil, "", "where", "s/where/1"}, {nil, "", "count", "s/count/1"}, {nil, "", "where", "s/where/2"}, {[]string{"p", "q"}, "", "where", "s/p/q/where/1"},
		{nil, "mine", "count", "mine"}, {nil, "s/where/4", "count", "s/where/4"}, {nil, "", "where", "s/where/3"}, {nil, "", "where", "s/where/4_"},
	} {
		if got := g.Add("s", c.pipes, c.id, op.Node{Kind: c.kind}).ID; got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// TestParallelism: what runs in the tasks of a node has as many; a key never meets two numbers of tasks without a shuffle; what reaches no sink is gone.
func TestParallelism(t *testing.T) {
	g := graph.New()
	keyed := op.Node{Kind: "count", Keyed: []string{"a"}, Ports: port(plan.Append), State: &plan.Signature{}}
	source := g.Add("s", nil, "", op.Node{Kind: "source", Ports: port(plan.Append), Config: &plan.SourceConfig{Schema: columns}})
	first := g.Add("s", nil, "", keyed)
	first.Tasks, first.Own = 5, true
	behind := g.Add("s", nil, "", op.Node{Kind: "where", Ports: port(plan.Append)})
	again := g.Add("s", nil, "", keyed)
	again.Tasks, again.Own = 2, true
	lost := g.Add("s", nil, "", op.Node{Kind: "where", Ports: port(plan.Append)})
	sink := g.Add("s", nil, "", op.Node{Kind: "sink", Config: &plan.SinkConfig{}})
	stream := func(n *graph.Node, parts ...string) op.Stream {
		return op.Stream{Type: n.Ports[0].Type, Node: n.ID, Parts: parts}
	}
	g.Connect(first, stream(source), keyed)
	g.Connect(behind, stream(first, "a"), op.Node{Kind: "where"})
	g.Connect(again, stream(behind, "a"), keyed)
	g.Connect(lost, stream(source), op.Node{Kind: "where"})
	g.ConnectSink(sink, stream(again, "a"), nil)
	g.Prune()
	g.Facts(3)
	nodes, edges := g.Plan()
	if len(nodes) != 5 || len(edges) != 4 {
		t.Fatalf("%d nodes, %d edges", len(nodes), len(edges))
	}
	if behind.Tasks != 5 || again.Tasks != 2 || sink.Tasks != 2 || source.Tasks != 0 {
		t.Errorf("tasks: %d %d %d %d", behind.Tasks, again.Tasks, sink.Tasks, source.Tasks)
	}
	if in := g.Into(again); in[0].Exchange != plan.Hash {
		t.Errorf("from 5 tasks to 2 by %s", in[0].Exchange)
	}
}
