// Package connector is where rows come from and go to: one file or folder per connector, one table.
//
// A source is split into splits (files, partitions, residue classes), each with a position that seeks. A sink writes in two phases, so that what a
// checkpoint covers is published when the checkpoint is, exactly once.
//
//	connector.go   Spec, Source, Reader, Sink, the table and its look-up
//	split.go       Split: what of a source is read where, and how far
package connector

import (
	"context"

	"pipec/compiler/plan"
	"pipec/connector/format"
	"pipec/state/vfs"
	"pipec/vm/clock"
	"pipec/vm/value"
)

// Spec is one connector: an entry of the table that `from WORD` and `into WORD` are looked up in. A connector without Source cannot be read.
type Spec struct {
	Name         string
	Doc          string
	SourceParams []plan.Param
	SinkParams   []plan.Param
	Columns      []value.Field // what a source gives when it declares no schema; nil: it must declare one (or have a format)
	TimeColumn   string        // column that is the event time unless `watermark` says otherwise
	Formats      bool          // takes `format`
	Replayable   bool          // its positions seek: exactly once is possible
	Endless      func(s plan.Settings) bool
	ExactlyOnce  bool // the sink commits with checkpoints
	// CheckSource and CheckSink say what contradicts in the settings, "" if nothing.
	CheckSource func(s plan.Settings) string
	CheckSink   func(c plan.SinkConfig) string
	Source      func(o SourceOptions) (Source, error)
	Sink        func(o SinkOptions) (Sink, error)
	Examples    []string
}

// Env is the world as connectors see it.
type Env struct {
	FS     vfs.FS
	Clock  clock.Clock
	Stdin  Stdin
	Stdout Stdout
}

// Stdin reads the process's standard input; Stdout writes its standard output.
type (
	Stdin  interface{ Read(p []byte) (int, error) }
	Stdout interface{ Write(p []byte) (int, error) }
)

// SourceOptions are what a source is made from.
type SourceOptions struct {
	Config plan.SourceConfig
	Job    plan.Job
	Env    Env
}

// Source knows the splits of one declared source. It is opened once per job, before anything is claimed.
type Source interface {
	// Splits lists what there is to read. known are the splits of the snapshot, with their positions; the result holds them too (an input that no longer holds
	// its position is an error: ErrPosition), and tells for each whether it goes to one task only by its Order.
	Splits(ctx context.Context, tasks int, known []Split) ([]Split, error)
	// Reader reads the given splits, in the order given. wake is called, from any goroutine, when Next may have more after it gave Wait.
	Reader(splits []Split, wake func()) (Reader, error)
	Close() error
}

// Split is a part of a source that is read in order by one reader. It is what a snapshot stores of a source ("split state").
type Split struct {
	ID       string `json:"id"`              // stable name: a path, a residue
	Position []byte `json:"pos,omitempty"`   // after the last row taken, in the connector's own form; nil: the start
	Ended    bool   `json:"ended,omitempty"` // everything was read and nothing can follow
	Chain    bool   `json:"chain,omitempty"` // read with the other chained splits by one task, in order
}

// Status is what Next gives.
type Status uint8

// The statuses.
const (
	More Status = iota // rows (or bad records) were given
	Wait               // nothing now; wake will be called
	Done               // every split has ended; the source gives nothing more
)

// Read is one batch of a reader. Its columns follow the source's schema; the reader owns it until the next call of Next.
type Read struct {
	Batch *value.Batch
	Bad   []format.Bad
	Split int    // index in the splits given to Reader
	After Split  // the split after the batch's last row: what a snapshot stores once the batch has been taken
	Bytes int64  // read from the outside, for reports
	Ready []bool // by split: it is being read or has ended; a split that waits its turn holds the watermark back. nil: all
}

// Reader reads the splits of one task. Next never waits: blocking reads happen in goroutines of the reader's own.
type Reader interface {
	// Next gives at most max rows of one split.
	Next(r *Read, max int) (Status, error)
	// Close stops reading; nothing may be called afterwards.
	Close() error
}

// SinkOptions are what one task's sink is made from.
type SinkOptions struct {
	Config      plan.SinkConfig
	Job         plan.Job
	Env         Env
	Run         string // run id; with Epoch part of every name that is written
	Epoch       uint64 // claim number: pending output of lower epochs is a predecessor's
	Task, Tasks int
	Checkpoints bool // output is published by Commit; without checkpoints when rolled and at the end
}

// Sink is one task's end of a declared sink.
type Sink interface {
	// Open prepares for writing. restored are the tokens of the snapshot that this process must commit again (given to task 0 only): it commits them, then discards
	// pending output of earlier epochs.
	Open(ctx context.Context, restored [][]byte) error
	// Write takes the batch's selected rows; it copies what it keeps.
	Write(b *value.Batch) error
	// Prepare makes everything written so far durable and gives a token that Commit publishes; nil when there is nothing. The tokens of an aborted checkpoint are part of the next one's.
	// final says that no row follows.
	Prepare(checkpoint uint64, final bool) (token []byte, err error)
	// Commit publishes. It is idempotent, may be called on any task's sink and by a later process, and runs off the task loop.
	Commit(ctx context.Context, token []byte) error
	// Close flushes what needs no commit and lets go; without checkpoints it publishes the rest.
	Close() error
}

// Lookup finds a connector by name.
func Lookup(name string) (*Spec, bool) {
	for i := range table() {
		if s := &table()[i]; s.Name == name {
			return s, true
		}
	}
	return nil, false
}
