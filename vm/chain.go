package vm

import (
	"errors"

	"pipec/compiler/plan"
	"pipec/vm/exchange"
	"pipec/vm/fault"
	"pipec/vm/flow"
	"pipec/vm/op"
	"pipec/vm/value"
)

// target is where rows of a port go: to a node of the same chain, or out of the task.
type target struct {
	node *node
	out  *exchange.Outlet
}

// node is one plan node in one task.
type node struct {
	spec   *plan.Node
	op     op.Operator // nil for a source and a sink
	sink   *sinkEnd    // nil but for a sink
	ports  [][]target
	stats  op.Stats
	more   bool  // Resume must be called before anything else reaches the node
	passes int64 // watermark to hand on once more is over; NoTime: none
}

// nodeError says at which node something went wrong: the one nearest to the cause, whoever called it.
type nodeError struct {
	id  string
	err error
}

func (e *nodeError) Error() string { return e.id + ": " + e.err.Error() }
func (e *nodeError) Unwrap() error { return e.err }

// at names the node of an error that names none yet.
func at(id string, err error) error {
	var named *nodeError
	var row *op.RowError
	if errors.As(err, &named) || errors.As(err, &row) {
		return err
	}
	return &nodeError{id, err}
}

// chain is the operators of one task, called one by the other: a batch goes through all of them before the next begins.
type chain struct {
	nodes  []*node // in topological order
	outs   []*exchange.Outlet
	faults *fault.Set
	more   int // nodes with pending output
}

// deliver hands a batch to a node.
func (c *chain) deliver(n *node, b *value.Batch) error {
	live := b.Live()
	if live == 0 {
		return nil
	}
	n.stats.RowsIn += int64(live)
	if err := c.faults.Rows(n.spec.ID, live); err != nil {
		return at(n.spec.ID, err)
	}
	if n.sink != nil {
		n.stats.RowsOut += int64(live)
		return n.sink.write(b)
	}
	more, err := n.op.Process(b)
	return c.after(n, more, err)
}

func (c *chain) after(n *node, more bool, err error) error {
	if err != nil {
		return at(n.spec.ID, err)
	}
	if more && !n.more {
		c.more++
	} else if !more && n.more {
		c.more--
	}
	n.more = more
	return nil
}

// emit gives a batch that a node made to everything behind its port. The batch stays the node's.
func (c *chain) emit(n *node, port int, b *value.Batch) error {
	live := b.Live()
	if live == 0 || port >= len(n.ports) {
		return nil
	}
	if port == 0 {
		n.stats.RowsOut += int64(live)
	}
	for _, t := range n.ports[port] {
		if t.out != nil {
			t.out.Write(b)
			continue
		}
		if err := c.deliver(t.node, b); err != nil {
			return err
		}
	}
	return nil
}

// resume goes on with pending output: of the node that lies furthest down, so that nothing reaches a node which is not ready for it.
func (c *chain) resume() error {
	for i := len(c.nodes) - 1; i >= 0; i-- {
		n := c.nodes[i]
		if !n.more {
			continue
		}
		more, err := n.op.Resume()
		if err := c.after(n, more, err); err != nil {
			return err
		}
		return c.settle(n)
	}
	return nil
}

// advance tells a node that event time has reached w, and then everything behind it.
func (c *chain) advance(n *node, w int64) error {
	if n.op != nil {
		more, err := n.op.Advance(w)
		if err := c.after(n, more, err); err != nil {
			return err
		}
	}
	n.passes = w
	return c.settle(n)
}

// settle hands the watermark on that a node holds back until its output is out.
func (c *chain) settle(n *node) error {
	if n.more || n.passes == value.NoTime {
		return nil
	}
	w := n.passes
	n.passes = value.NoTime
	for _, port := range n.ports {
		for _, t := range port {
			if t.out != nil {
				t.out.Signal(flow.Message{Kind: flow.Watermark, Time: w})
				continue
			}
			if err := c.advance(t.node, w); err != nil {
				return err
			}
		}
	}
	return nil
}

// room says whether the task may take more work.
func (c *chain) room() bool {
	for _, o := range c.outs {
		if !o.Room() {
			return false
		}
	}
	return true
}

// flush sends what the outlets have gathered.
func (c *chain) flush() {
	for _, o := range c.outs {
		o.Flush()
	}
}

// signal sends a message to all tasks behind this one.
func (c *chain) signal(m flow.Message) {
	for _, o := range c.outs {
		o.Signal(m)
	}
}
