package status

import (
	"pipec/checkpoint/event"
	"pipec/compiler/plan"
)

// Part is what one task says: a copy of its counters. Its stages are those of its chain.
type Part struct {
	Stages    []event.StageCounts
	Bytes     []int64 // by stage: what a source has read or a sink written; 0 for others
	Watermark Mark
	Held      bool    // it waits for room behind it
	Splits    *Splits // of a source
}

// Totals adds up what tasks counted, by stage.
type Totals struct {
	stages map[string]*event.StageCounts
	bytes  map[string]int64
}

// NewTotals gives totals of nothing.
func NewTotals() *Totals {
	return &Totals{map[string]*event.StageCounts{}, map[string]int64{}}
}

// Add takes what a task counted, once.
func (t *Totals) Add(p *Part) {
	for i, c := range p.Stages {
		s := t.stages[c.ID]
		if s == nil {
			s = &event.StageCounts{ID: c.ID}
			t.stages[c.ID] = s
		}
		s.RowsIn += c.RowsIn
		s.RowsOut += c.RowsOut
		s.Late += c.Late
		s.Skipped += c.Skipped
		s.BusyNS += c.BusyNS
		t.bytes[c.ID] += p.Bytes[i]
	}
}

// with is these totals and those of parts that are still running.
func (t *Totals) with(parts []*Part) *Totals {
	sum := NewTotals()
	for id, s := range t.stages {
		c := *s
		sum.stages[id], sum.bytes[id] = &c, t.bytes[id]
	}
	for _, p := range parts {
		sum.Add(p)
	}
	return sum
}

// endpoint is what a report calls a source or a sink: the name that the program gives it. Those without one that share the name of their connector, as two `into
// stdout` do, are called by their ids.
func endpoint(p *plan.Plan, n *plan.Node) string {
	for _, other := range p.Nodes {
		if other != n && other.Kind == n.Kind && other.Stream == n.Stream {
			return n.ID
		}
	}
	return n.Stream
}

// Summary is the part of the end report that stages make, in the order of the plan; stages that never ran are left out.
func (t *Totals) Summary(p *plan.Plan) event.Summary {
	s := event.Summary{Sources: []event.EndpointCounts{}, Stages: []event.StageCounts{}, Sinks: []event.EndpointCounts{}}
	for _, n := range p.Nodes {
		c := t.stages[n.ID]
		if c == nil {
			continue
		}
		s.Stages = append(s.Stages, *c)
		end := event.EndpointCounts{Name: endpoint(p, n), Rows: c.RowsOut, Bytes: t.bytes[n.ID]}
		switch n.Kind {
		case "source":
			s.Sources = append(s.Sources, end)
		case "sink":
			s.Sinks = append(s.Sinks, end)
		}
	}
	return s
}
