package status

import (
	"slices"
	"testing"

	"pipec/checkpoint/event"
	"pipec/compiler/plan"
)

// TestEndpointNames: what shares a name is told apart by its id, what has one of its own keeps it.
func TestEndpointNames(t *testing.T) {
	p := &plan.Plan{}
	totals := NewTotals()
	for _, n := range []plan.Node{
		{ID: "orders/source/1", Kind: "source", Stream: "orders"}, {ID: "stdout/sink/1", Kind: "sink", Stream: "stdout"},
		{ID: "stdout/where/1", Kind: "where", Stream: "stdout"}, {ID: "stdout/sink/2", Kind: "sink", Stream: "stdout"}, {ID: "orders/sink/1", Kind: "sink", Stream: "orders"},
	} {
		p.Nodes = append(p.Nodes, &n)
		totals.stages[n.ID] = &event.StageCounts{ID: n.ID}
	}
	s := totals.Summary(p)
	var got []string
	for _, e := range append(s.Sources, s.Sinks...) {
		got = append(got, e.Name)
	}
	if want := []string{"orders", "stdout/sink/1", "stdout/sink/2", "orders"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
