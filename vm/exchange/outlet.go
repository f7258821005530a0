package exchange

import (
	"pipec/compiler/plan"
	"pipec/vm/flow"
	"pipec/vm/value"
)

// Outlet is one task's end of an edge to another chain: rows are gathered by destination and sent when a batch is full, when the task is quiet,
// and before anything that must not overtake them.
type Outlet struct {
	edge   *plan.Edge
	types  []value.Type // of the key columns
	groups int
	size   int // rows of a full batch
	to     []*Channel
	filled []*value.Batch // being filled, by destination; nil: none
	since  int            // rows gathered and not yet sent
	keys   value.Keys
	cols   []*value.Vec
	rows   [][]int32   // scratch: rows by destination
	read   value.Batch // scratch: a batch without the columns that nobody reads
}

// NewOutlet makes a task's end of the edge; to are the channels to the tasks behind it.
func NewOutlet(p *plan.Plan, e *plan.Edge, to []*Channel) *Outlet {
	o := &Outlet{edge: e, groups: p.Job.MaxParallel, size: p.Job.BatchSize, to: to,
		filled: make([]*value.Batch, len(to)), rows: make([][]int32, len(to))}
	fields := p.Find(e.From).Ports[e.Port].Type.Schema.Fields
	for _, k := range e.Keys {
		o.types = append(o.types, fields[k].Type)
	}
	o.cols = make([]*value.Vec, len(e.Keys))
	return o
}

// Write takes the live rows of a borrowed batch.
func (o *Outlet) Write(b *value.Batch) {
	if len(o.edge.Unread) > 0 {
		o.read.Share(b)
		o.read.Cols = append(o.read.Cols[:0], b.Cols...)
		for _, c := range o.edge.Unread {
			o.read.Cols[c] = nil
		}
		b = &o.read
	}
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

func (o *Outlet) gather(d int, b *value.Batch, rows []int32) {
	if b := o.filled[d]; b != nil && b.Len+len(rows) > value.MaxRows {
		o.flushTo(d)
	}
	if o.filled[d] == nil {
		o.filled[d] = o.to[d].Empty()
	}
	o.filled[d].AppendRows(b, rows)
	o.since += len(rows)
	if o.filled[d].Len >= o.size {
		o.flushTo(d)
	}
}

func (o *Outlet) flushTo(d int) {
	b := o.filled[d]
	if b == nil || b.Len == 0 {
		return
	}
	b.Trim()
	o.filled[d] = nil
	o.to[d].Send(flow.Message{Kind: flow.Rows, Batch: b})
}

// Flush sends what was gathered.
func (o *Outlet) Flush() {
	if o.since == 0 {
		return
	}
	for d := range o.filled {
		o.flushTo(d)
	}
	o.since = 0
}

// Signal sends a message that is no batch to every destination, behind all rows.
func (o *Outlet) Signal(m flow.Message) {
	o.Flush()
	for _, c := range o.to {
		c.Send(m)
	}
}

// Room says whether the task may take more work.
func (o *Outlet) Room() bool {
	for _, c := range o.to {
		if !c.Room() {
			return false
		}
	}
	return true
}
