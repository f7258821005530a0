// Package chain is the stages of one task, fused: a batch goes through all of them, by plain calls, before the next begins.
//
//	chain.go   Chain and its Nodes: rows, watermarks and pending output on their way down
//	sink.go    Sink: a declared sink in one task
package chain

import (
	"errors"

	"pipec/compiler/plan"
	"pipec/vm/clock"
	"pipec/vm/exchange"
	"pipec/vm/fault"
	"pipec/vm/flow"
	"pipec/vm/op"
	"pipec/vm/value"
)

// Target is where rows of a port go: to a node of the same chain, or out of the task.
type Target struct {
	Node *Node
	Out  *exchange.Outlet
}

// Node is one plan node in one task.
type Node struct {
	Spec   *plan.Node
	Op     op.Operator // nil for a source and a sink
	Sink   *Sink       // nil but for a sink
	Ports  [][]Target
	Stats  op.Stats
	more   bool  // Resume must be called before anything else reaches the node
	passes int64 // watermark to hand on once more is over; NoTime: none
}

// NewNode makes a node of which nobody has been told the time.
func NewNode(spec *plan.Node) *Node {
	return &Node{Spec: spec, Ports: make([][]Target, max(1, len(spec.Ports))), passes: value.NoTime}
}

// Error says at which node something went wrong: the one nearest to the cause, whoever called it.
type Error struct {
	ID  string
	Err error
}

// Error implements error.
func (e *Error) Error() string { return e.ID + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// At names the node of an error that names none yet.
func At(id string, err error) error {
	var named *Error
	var row *op.RowError
	if errors.As(err, &named) || errors.As(err, &row) {
		return err
	}
	return &Error{id, err}
}

// Chain is the nodes of one task. It belongs to the task's loop.
type Chain struct {
	Nodes  []*Node // in topological order
	Outs   []*exchange.Outlet
	Faults *fault.Set
	Watch  clock.Watch // whose time it is: that of a node holds its outlets, not the nodes behind it
	more   int         // nodes with pending output
}

// Deliver hands a batch to a node.
func (c *Chain) Deliver(n *Node, b *value.Batch) error {
	live := b.Live()
	if live == 0 {
		return nil
	}
	n.Stats.RowsIn += int64(live)
	if err := c.Faults.Rows(n.Spec.ID, live); err != nil {
		return At(n.Spec.ID, err)
	}
	outer := c.Watch.Enter(&n.Stats.Busy)
	defer c.Watch.Leave(outer)
	if n.Sink != nil {
		n.Stats.RowsOut += int64(live)
		return n.Sink.Write(b)
	}
	more, err := n.Op.Process(b)
	return c.after(n, more, err)
}

// Pending says whether a node has output left: Resume must be called before the task takes anything else.
func (c *Chain) Pending() bool { return c.more > 0 }

func (c *Chain) after(n *Node, more bool, err error) error {
	if err != nil {
		return At(n.Spec.ID, err)
	}
	if more && !n.more {
		c.more++
	} else if !more && n.more {
		c.more--
	}
	n.more = more
	return nil
}

// Emit gives a batch that a node made to everything behind its port. The batch stays the node's.
func (c *Chain) Emit(n *Node, port int, b *value.Batch) error {
	live := b.Live()
	if live == 0 || port >= len(n.Ports) {
		return nil
	}
	if port == 0 {
		n.Stats.RowsOut += int64(live)
	}
	for _, t := range n.Ports[port] {
		if t.Out != nil {
			t.Out.Write(b)
			continue
		}
		if err := c.Deliver(t.Node, b); err != nil {
			return err
		}
	}
	return nil
}

// Resume goes on with pending output: of the node that lies furthest down, so that nothing reaches a node which is not ready for it.
func (c *Chain) Resume() error {
	for i := len(c.Nodes) - 1; i >= 0; i-- {
		n := c.Nodes[i]
		if !n.more {
			continue
		}
		outer := c.Watch.Enter(&n.Stats.Busy)
		more, err := n.Op.Resume()
		c.Watch.Leave(outer)
		if err := c.after(n, more, err); err != nil {
			return err
		}
		return c.settle(n)
	}
	return nil
}

// Advance tells a node that event time has reached w, and then everything behind it.
func (c *Chain) Advance(n *Node, w int64) error {
	if n.Op != nil {
		outer := c.Watch.Enter(&n.Stats.Busy)
		more, err := n.Op.Advance(w)
		c.Watch.Leave(outer)
		if err := c.after(n, more, err); err != nil {
			return err
		}
	}
	n.passes = w
	return c.settle(n)
}

// settle hands the watermark on that a node holds back until its output is out.
func (c *Chain) settle(n *Node) error {
	if n.more || n.passes == value.NoTime {
		return nil
	}
	w := n.passes
	n.passes = value.NoTime
	for _, port := range n.Ports {
		for _, t := range port {
			if t.Out != nil {
				t.Out.Signal(flow.Message{Kind: flow.Watermark, Time: w})
				continue
			}
			if err := c.Advance(t.Node, w); err != nil {
				return err
			}
		}
	}
	return nil
}

// Room says whether the task may take more work.
func (c *Chain) Room() bool {
	for _, o := range c.Outs {
		if !o.Room() {
			return false
		}
	}
	return true
}

// Flush sends what the outlets have gathered.
func (c *Chain) Flush() {
	for _, o := range c.Outs {
		o.Flush()
	}
}

// Signal sends a message to all tasks behind this one.
func (c *Chain) Signal(m flow.Message) {
	for _, o := range c.Outs {
		o.Signal(m)
	}
}
