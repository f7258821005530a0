// Package connector is where rows come from and go to: one file or folder per connector, one table.
//
// A source is split into splits (files, partitions, residue classes), each with a position that seeks. A sink writes in two phases, so that what a
// checkpoint covers is published when the checkpoint is, exactly once.
//
//	connector.go   Spec, Source, Reader, Sink, the table and its look-up
//	split.go       Split: what of a source is read where, and how far; Divide
//	errors.go      what can go wrong for good: ErrOpen, ErrPosition, ErrInput, ErrLost, ErrClosed
//	reader.go      the Reader of whatever gives bytes, over package intake: what file and stdin share
//	stdin.go       source: the standard input
//	numbered.go    what sources of numbered rows share: splits, positions, rate
//	sequence.go    source: numbers with times, for tests and first steps
//	nexmark.go     source: the events of the Nexmark benchmark, over package nexmark
//	file_source.go source: files, directories and globs, over package listing
//	file_position.go where reading stopped, and whether the file still holds it
//	file_open.go     files as blocks: opening, decompressing, seeking
//	file_follow.go   files that grow, over package follow
//	socket.go      source: a connection, over package redial
//	stdout.go      sink: the standard output
//	stdout_live.go   updates on a terminal: a table that changes in place
//	blackhole.go   sink: nothing is kept
//	file_sink.go   sink: parts of files, published with checkpoints, over package part
//	file_commit.go   tokens, commit, and what a predecessor left
package connector

import (
	"context"

	"pipec/compiler/plan"
	"pipec/connector/follow"
	"pipec/connector/redial"
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
	// ColumnsBy gives the columns where they depend on the settings; nil: Columns, whatever the settings.
	ColumnsBy   func(s plan.Settings) []value.Field
	TimeColumn  string // column that is the event time unless `watermark` says otherwise
	Formats     bool   // takes `format`
	Replayable  bool   // its positions seek: exactly once is possible
	Endless     func(s plan.Settings) bool
	ExactlyOnce bool // the sink commits with checkpoints
	Updates     bool // the sink takes updates without a key of its own: it shows them, or keeps nothing
	// CheckSource and CheckSink say what contradicts in the settings, "" if nothing.
	CheckSource func(s plan.Settings) string
	CheckSink   func(c plan.SinkConfig) string
	// Probe says before anything is claimed whether the output can be written (ErrOpen), and leaves nothing behind; nil: nothing can be said.
	Probe    func(c plan.SinkConfig, e Env) error
	Source   func(o SourceOptions) (Source, error)
	Sink     func(o SinkOptions) (Sink, error)
	Examples []string
}

// ColumnsOf is what a source of these settings gives when it declares no schema.
func (s *Spec) ColumnsOf(set plan.Settings) []value.Field {
	if s.ColumnsBy != nil {
		return s.ColumnsBy(set)
	}
	return s.Columns
}

// Env is the world as connectors see it.
type Env struct {
	FS      vfs.FS
	Clock   clock.Clock
	Stdin   Stdin          // to be read on after a restart: see Keep
	Stdout  Stdout         // several tasks write at once: see Share
	Watcher follow.Watcher // nil: files that are followed are looked at from time to time
	Dialer  redial.Dialer  // nil: nothing can be connected to; to be read on after a restart: see redial.Keep
	// Note takes news for the user, from any goroutine; nil: nobody wants them.
	Note func(text string)
	// Inline is for the simulator: no goroutines are started. Next reads and decodes itself, wake is never called (who got Wait asks again when the clock
	// has moved), and nothing rolls by time while no row comes.
	Inline bool
}

func (e *Env) note(text string) {
	if e.Note != nil {
		e.Note(text)
	}
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

// Source knows the splits of one declared source. It is opened once per job, before anything is claimed, and lives on when the job restarts in its
// process: Splits and Reader are then called again.
type Source interface {
	// Splits lists what there is to read. known are the splits of the snapshot, with their positions; the result holds them too, save those that nothing will ever come of
	// (an input that no longer holds its position is an error: ErrPosition). Divide says which task reads which.
	Splits(ctx context.Context, tasks int, known []Split) ([]Split, error)
	// Reader reads the given splits, in the order given. wake is called, from any goroutine, when Next may have more after it gave Wait.
	Reader(splits []Split, wake func()) (Reader, error)
	Close() error
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
	Node        string // id of the sink in the plan
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

// table lists the connectors: a new one is a file of its own and one line here.
func table() []Spec {
	return []Spec{
		blackholeSpec(),
		fileSpec(),
		nexmarkSpec(),
		sequenceSpec(),
		socketSpec(),
		stdinSpec(),
		stdoutSpec(),
	}
}

// All lists the connectors by name.
func All() []Spec { return table() }

// Lookup finds a connector by name.
func Lookup(name string) (*Spec, bool) {
	specs := table()
	for i := range specs {
		if specs[i].Name == name {
			return &specs[i], true
		}
	}
	return nil, false
}
