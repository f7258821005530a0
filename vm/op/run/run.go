// Package run is a stage as it runs: what it gets from its task, and what every operator does the same way.
//
//	run.go        Operator, Context, Stats, Config: the contract
//	rowerror.go   RowErrors: what happens to a row whose expression fails
//	outbox.go     Outbox: batches that wait to be emitted, one per call
//	pairs.go      Pairs: what is left of an update when one of its two rows leaves
//
// Operators own their scratch memory and allocate nothing per row. A batch that an operator emits is valid until it is called again.
package run

import (
	"time"

	"pipec/compiler/plan"
	"pipec/state"
	"pipec/vm/fn"
	"pipec/vm/value"
)

// Config is what plan.Node.Config of every stage is. Column pruning asks it: ports[p] tells which columns of output p somebody reads, and Wants marks in `in` what the stage
// reads of each of its inputs for that. A node with a port for row errors wants every column, whatever its Config says: the row is part of the error.
type Config interface {
	Wants(ports [][]bool, in []bool)
}

// Pruner is a Config of a stage that copies columns: the compiler tells it, once all consumers are known, which columns of its outputs somebody reads.
type Pruner interface {
	Prune(ports [][]bool)
}

// Operator is one node in one task. It is driven by the task's loop alone, never waits, and emits at most one batch per port in one call; what is more waits in
// it: it says so and is resumed before anything else reaches it. An input batch stays valid until the operator has nothing more.
type Operator interface {
	// Process takes the live rows of b.
	Process(b *value.Batch) (more bool, err error)
	// Advance says that event time has reached w: nothing earlier than w is expected. It is called only when w grows.
	Advance(w int64) (more bool, err error)
	// Resume goes on with pending output.
	Resume() (more bool, err error)
}

// Context is what an operator gets from its task.
type Context struct {
	Job    *plan.Job
	Node   *plan.Node
	Inputs []plan.StreamType
	Before bool // the consumers need update_before rows (plan.Edge.Before)
	Emit   func(port int, b *value.Batch) error
	Store  *state.Store // of the task; nil for nodes without state
	Env    *fn.Env
	Errors *RowErrors
	Stats  *Stats
	Enough func() // the operator needs no more rows, ever (limit)
}

// Stats are counted by the task's goroutine and read after it stopped, or through a copy taken by it.
type Stats struct {
	RowsIn, RowsOut int64
	Late            int64         // rows that came after a window of theirs had closed, unless `late as` has taken them
	Skipped         int64         // row errors under on_row_error = skip, and rows that no branch took
	Busy            time.Duration // of its own, not of the stages behind it in the same task
}

// Stateless gives an operator without event time and without pending output the rest of the interface.
type Stateless struct{}

// Advance does nothing.
func (Stateless) Advance(int64) (bool, error) { return false, nil }

// Resume has nothing to go on with.
func (Stateless) Resume() (bool, error) { return false, nil }

// BatchSize is the number of rows an operator puts into one batch: the job's, so that even all rows with what they were before fit one batch.
func BatchSize(j *plan.Job) int {
	if j.BatchSize <= 0 {
		return defaultBatch
	}
	return min(j.BatchSize, value.MaxRows/2)
}

const defaultBatch = 1024

// Gather appends the given entries of an optional lane to buf[:0], which it also gives, grown, to be kept; of a lane that is not there it makes none.
func Gather(buf, lane []int64, rows []int32) (grown, out []int64) {
	if lane == nil {
		return buf, nil
	}
	buf = buf[:0]
	for _, r := range rows {
		buf = append(buf, lane[r])
	}
	return buf, buf
}
