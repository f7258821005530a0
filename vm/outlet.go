package vm

import (
	"pipec/compiler/plan"
	"pipec/vm/flow"
	"pipec/vm/value"
)

// outlet is one task's end of an edge to another chain: rows are gathered by destination and sent when a batch is full, when the task is quiet,
// and before anything that must not overtake them.
type outlet struct {
	edge   *plan.Edge
	types  []value.Type // of the key columns
	groups int
	size   int // rows of a full batch
	to     []*channel
	filled []*value.Batch // being filled, by destination; nil: none
	since  int            // rows gathered and not yet sent
	keys   value.Keys
	cols   []*value.Vec
	rows   [][]int32 // scratch: rows by destination
}

func newOutlet(p *plan.Plan, e *plan.Edge, to []*channel) *outlet {
	o := &outlet{edge: e, groups: p.Job.MaxParallel, size: p.Job.BatchSize, to: to,
		filled: make([]*value.Batch, len(to)), rows: make([][]int32, len(to))}
	fields := p.Find(e.From).Ports[e.Port].Type.Schema.Fields
	for _, k := range e.Keys {
		o.types = append(o.types, fields[k].Type)
	}
	o.cols = make([]*value.Vec, len(e.Keys))
	return o
}

// write takes the live rows of a borrowed batch.
func (o *outlet) write(b *value.Batch) {
	rows := b.Rows()
	if len(o.to) == 1 || o.edge.Exchange != plan.Hash {
		o.gather(0, b, rows)
		return
	}
	for i, k := range o.edge.Keys {
		o.cols[i] = b.Cols[k]
	}
	o.keys.Encode(o.cols, o.types, rows, o.groups)
	for d := range o.rows {
		o.rows[d] = o.rows[d][:0]
	}
	for i, r := range rows {
		d := value.TaskOf(int(o.keys.Group[i]), len(o.to), o.groups)
		o.rows[d] = append(o.rows[d], r)
	}
	for d, rows := range o.rows {
		if len(rows) > 0 {
			o.gather(d, b, rows)
		}
	}
}

func (o *outlet) gather(d int, b *value.Batch, rows []int32) {
	if o.filled[d] == nil {
		o.filled[d] = o.to[d].empty()
	}
	o.filled[d].AppendRows(b, rows)
	o.since += len(rows)
	if o.filled[d].Len >= o.size {
		o.flushTo(d)
	}
}

func (o *outlet) flushTo(d int) {
	b := o.filled[d]
	if b == nil || b.Len == 0 {
		return
	}
	b.Trim()
	o.filled[d] = nil
	o.to[d].send(flow.Message{Kind: flow.Rows, Batch: b})
}

// flush sends what was gathered.
func (o *outlet) flush() {
	if o.since == 0 {
		return
	}
	for d := range o.filled {
		o.flushTo(d)
	}
	o.since = 0
}

// signal sends a message that is no batch to every destination, behind all rows.
func (o *outlet) signal(m flow.Message) {
	o.flush()
	for _, c := range o.to {
		c.send(m)
	}
}

// room says whether the task may take more work.
func (o *outlet) room() bool {
	for _, c := range o.to {
		if !c.room() {
			return false
		}
	}
	return true
}
