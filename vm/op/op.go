// Package op is the catalogue of stages: how each is checked, and how it runs. One file per stage, one table.
//
//	op.go           Spec and its table, Operator, Context, Config: the contract
//	check.go        Builder, Stream, Scope, Window: the narrow door to the compiler
//	say.go          what several stages complain about
//	later.go        stages and clauses that this engine does not run yet
//	rowerror.go     RowErrors: what happens to a row whose expression fails
//	outbox.go       batches that wait to be emitted, one per call
//	pairs.go        what is left of an update when one of its two rows leaves
//	project.go      the operator behind where, derive, set, select, drop, rename and key_by
//	grouping.go     keys, aggregates and their state; emission.go: their results as rows
//	running.go      aggregate and count without a window
//	panes.go        aggregate and count in tumbling and sliding windows; lateness.go: which windows a row still counts for
//	where.go ...    one file per stage
//
// Operators own their scratch memory and allocate nothing per row. A batch that an operator emits is valid until it is called again.
package op

import (
	"sync"

	"pipec/compiler/plan"
	"pipec/state"
	"pipec/vm/fn"
	"pipec/vm/value"
)

// Spec is one stage: an entry of the table that a stage's verb is looked up in.
type Spec struct {
	Verb     string // as in the language, words joined by _: where, key_by
	Doc      string
	Syntax   string // one line, as in the reference
	Stateful bool
	Examples []string // pipelines that check against a source `orders` (see the tests)
	// Check types the stage and adds its node. It reports what is wrong and then gives a stream whose columns are unknown, so that nothing follows from it.
	Check func(c *Check) Stream
	// New makes the operator of one task; nil for a stage that only tells the next one something (window), or that this engine cannot run yet.
	New func(c *Context) (Operator, error)
	// Later says why this engine refuses the stage in validate; "" for stages that run.
	Later string
	// Before says that over updates the stage must see update_before rows (plan.Edge.Before of its inputs). Stages with Passes set hand the wish of their consumers on.
	Before, Passes bool
}

// Config is what plan.Node.Config of every stage is. Column pruning asks it: ports[p] tells which columns of output p somebody reads, and Wants marks in `in` what the stage
// reads of each of its inputs for that. A node with a port for row errors wants every column, whatever its Config says: the row is part of the error.
type Config interface {
	Wants(ports [][]bool, in []bool)
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
	Late            int64 // rows that came after a window of theirs had closed, unless `late as` has taken them
	Skipped         int64 // row errors under on_row_error = skip, and rows that no branch took
}

// Stateless gives an operator without event time and without pending output the rest of the interface.
type Stateless struct{}

// Advance does nothing.
func (Stateless) Advance(int64) (bool, error) { return false, nil }

// Resume has nothing to go on with.
func (Stateless) Resume() (bool, error) { return false, nil }

// table lists the stages. It is a function because a package-level slice would be part of an initialisation cycle.
func table() []Spec {
	return append([]Spec{
		whereSpec(),
		deriveSpec(),
		setSpec(),
		selectSpec(),
		dropSpec(),
		renameSpec(),
		explodeSpec(),
		keyBySpec(),
		windowSpec(),
		aggregateSpec(),
		countSpec(),
		unionSpec(),
		splitSpec(),
		limitSpec(),
	}, laterSpecs()...)
}

// All lists the stages in the order of the reference; those with Later set do not run yet.
var All = sync.OnceValue(table)

// Lookup finds a stage by its verb, also as it is spoken (`key by`).
func Lookup(verb string) (*Spec, bool) {
	verb = snake(verb)
	for i := range All() {
		if s := &All()[i]; s.Verb == verb {
			return s, true
		}
	}
	return nil, false
}
