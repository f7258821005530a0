// Package op is the catalogue of stages: how each is checked, and how it runs. One file per stage, one table.
//
//	op.go         Spec and its table: the contract
//	check.go      Builder, Stream, Scope, Window: the narrow door to the compiler
//	say.go        what several stages complain about
//	later.go      stages and clauses that this engine does not run yet
//	project.go    the operator behind where, derive, set, select, drop, rename and key_by
//	where.go ...  one file per stage
//	run           a stage as it runs: Operator, Context, RowErrors
//	group         the operators that keep aggregates by key and window
package op

import (
	"sync"

	"pipec/compiler/plan"
	"pipec/vm/op/run"
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

// The parts of a running stage, which package run defines.
type (
	Operator  = run.Operator
	Context   = run.Context
	Config    = run.Config
	Pruner    = run.Pruner
	Stats     = run.Stats
	RowErrors = run.RowErrors
	RowError  = run.RowError
)

// NewRowErrors is for one node in one task: of its input rows, for a source of its own.
func NewRowErrors(c *Context) *RowErrors { return run.NewRowErrors(c) }

// ErrorStream is the type of the stream that `errors as` names; ErrorSchema are its columns (language A16).
func ErrorStream() plan.StreamType { return run.ErrorStream() }

// ErrorSchema is the columns of ErrorStream.
func ErrorSchema() value.Schema { return run.ErrorSchema() }

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
