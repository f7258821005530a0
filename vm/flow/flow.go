// Package flow is what travels between tasks: batches, watermarks, barriers and ends, in band and in order.
package flow

import "pipec/vm/value"

// Kind says what a message is.
type Kind uint8

// The kinds of messages. Nothing ever overtakes anything on one channel.
const (
	Rows      Kind = iota // Batch
	Watermark             // Time: no earlier event time is expected; value.EndTime when the input has ended
	Barrier               // Checkpoint: the cut goes through here (Carbone et al., Lightweight Asynchronous Snapshots)
	Idle                  // the channel does not hold back the watermark until its next message
	End                   // nothing follows
)

// Message is one unit between two tasks. The receiver owns the batch until it hands it back to its pool.
type Message struct {
	Kind       Kind
	Batch      *value.Batch
	Time       int64  // Watermark: microseconds
	Checkpoint uint64 // Barrier: its id
}
