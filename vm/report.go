package vm

import (
	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/connector"
)

// tally adds up what the tasks of all attempts of this process counted; replayed rows count again.
type tally struct {
	stages map[string]*event.StageCounts
	ends   map[string]*event.EndpointCounts // sources and sinks by node
	done   int64                            // checkpoints
	failed int64
	again  int // restarts
}

func newTally() *tally {
	return &tally{stages: map[string]*event.StageCounts{}, ends: map[string]*event.EndpointCounts{}}
}

// add takes the counts of an attempt whose tasks have all closed and whose sinks too.
func (c *tally) add(a *attempt) {
	for _, t := range a.tasks {
		for _, n := range t.chain.nodes {
			s := c.stages[n.spec.ID]
			if s == nil {
				s = &event.StageCounts{ID: n.spec.ID}
				c.stages[n.spec.ID] = s
			}
			s.RowsIn += n.stats.RowsIn
			s.RowsOut += n.stats.RowsOut
			s.Late += n.stats.Late
			s.Skipped += n.stats.Skipped
			if n.spec.Kind != "source" && n.spec.Kind != "sink" {
				continue
			}
			e := c.ends[n.spec.ID]
			if e == nil {
				e = &event.EndpointCounts{Name: n.spec.Stream}
				c.ends[n.spec.ID] = e
			}
			e.Rows += n.stats.RowsOut
			if n.sink == nil {
				e.Bytes += t.head.bytes
			} else if s, ok := n.sink.sink.(connector.Counted); ok {
				e.Bytes += s.Bytes()
			}
		}
	}
}

// summary is the end report, in the order of the plan.
func (c *tally) summary(p *plan.Plan) event.Summary {
	s := event.Summary{Sources: []event.EndpointCounts{}, Stages: []event.StageCounts{}, Sinks: []event.EndpointCounts{},
		Checkpoints: event.CheckpointCounts{Completed: c.done, Failed: c.failed}, Restarts: c.again}
	for _, n := range p.Nodes {
		if e := c.ends[n.ID]; e != nil {
			if n.Kind == "source" {
				s.Sources = append(s.Sources, *e)
			} else {
				s.Sinks = append(s.Sinks, *e)
			}
		}
		if st := c.stages[n.ID]; st != nil {
			s.Stages = append(s.Stages, *st)
		}
	}
	return s
}
