// Package exchange is how rows, watermarks and barriers get from one task to another.
//
//	channel.go   Channel: the bounded queue between two tasks
//	outlet.go    Outlet: a task's side of an exchange, rows gathered by destination
//	gate.go      Aligner and Merger: barriers and watermarks over several inputs, as pure machines
package exchange

import (
	"sync"

	"pipec/vm/flow"
	"pipec/vm/value"
)

// channelRoom is how many messages wait between two tasks before the sender is held up.
const channelRoom = 8

// Channel carries messages from one task to one other, in order. The sender asks room before it takes work, and may then exceed it by what one
// step gives, so no step ever waits. Batches go round: the receiver hands them back for the sender to fill again.
type Channel struct {
	mu     sync.Mutex
	queue  []flow.Message // queue[first:] is waiting
	first  int
	free   []*value.Batch
	Schema value.Schema // of the rows
	WakeTo func()       // the receiver
	WakeUp func()       // the sender
}

// Send appends a message.
func (c *Channel) Send(m flow.Message) {
	c.mu.Lock()
	if c.first > 0 && c.first == len(c.queue) {
		c.queue, c.first = c.queue[:0], 0
	}
	c.queue = append(c.queue, m)
	alone := len(c.queue)-c.first == 1
	c.mu.Unlock()
	if alone {
		c.WakeTo()
	}
}

// Room says whether the sender may take more work.
func (c *Channel) Room() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue)-c.first < channelRoom
}

// Receive takes the next message, if there is one.
func (c *Channel) Receive() (flow.Message, bool) {
	c.mu.Lock()
	n := len(c.queue) - c.first
	if n == 0 {
		c.mu.Unlock()
		return flow.Message{}, false
	}
	m := c.queue[c.first]
	c.queue[c.first] = flow.Message{}
	c.first++
	if c.first > 4*channelRoom {
		c.queue = append(c.queue[:0], c.queue[c.first:]...)
		c.first = 0
	}
	c.mu.Unlock()
	if n == channelRoom {
		c.WakeUp()
	}
	return m, true
}

// Empty gives an empty batch to fill and send.
func (c *Channel) Empty() *value.Batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.free); n > 0 {
		b := c.free[n-1]
		c.free = c.free[:n-1]
		return b
	}
	return value.NewBatch(c.Schema)
}

// Recycle takes a received batch back.
func (c *Channel) Recycle(b *value.Batch) {
	b.Clear()
	c.mu.Lock()
	c.free = append(c.free, b)
	c.mu.Unlock()
}
