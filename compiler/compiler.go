// Package compiler turns the text of a job into a plan. It reports everything it finds wrong at once, each thing once, and what is silent runs.
//
//	compiler.go  Options, Check, Compile, and the passes as one table
//	load.go      the file and its imports
//	resolve.go   declarations: one namespace per file, side outputs included
//	names.go     parameters and functions, for expressions
//	types.go     types as written
//	job.go       the job block with its layers
//	source.go    sources; time.go: their event time
//	sink.go      sinks and `into`; contract.go: what a sink demands of its rows
//	pipeline.go  streams on demand, stages in order, pipes where they are used
//	builder.go   what a stage asks of the compiler (op.Builder): expressions, nodes, names
//	finish.go    what nobody reads, and what only the whole plan shows
//	later.go     declarations that this engine does not run yet
//	codes.go     the register of diagnostics
//
// The packages below it do the parts that stand alone: check types expressions, config reads settings, graph is the dataflow while it grows.
package compiler

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"pipec/compiler/plan"
	"pipec/grammar/diag"
)

// Options are what a program is compiled with.
type Options struct {
	File string // name of the program, as diagnostics show it; imports are looked up beside it
	Text string // its text
	// Load reads an import, by its path joined with the folder of the importing file; nil: imports are errors.
	Load   func(path string) (string, error)
	Params map[string]string                // --set name=value
	Sets   map[string]string                // --set job.path=value, by path, with or without `job.`
	Site   *Site                            // the configuration file, nil if there is none
	Env    func(name string) (string, bool) // environment variables; nil: none is set
	// Parallelism is -p; 0: not given. Cores is what `parallelism = auto` counts; 0: as many as the machine has.
	Parallelism int
	Cores       int
	// Validate: variables that are not set and parameters without a value are no errors, since nothing will run.
	Validate bool
}

// Site is a configuration file (language A6).
type Site struct{ Name, Text string }

// Result is all that a compilation gives.
type Result struct {
	Plan    *plan.Plan   // nil if there are errors
	Job     plan.Job     // as far as it could be resolved, with Origins for --explain-config
	List    diag.List    // sorted by place
	Sources diag.Sources // text of every file that List points into
}

// Compile makes the plan of a program; nil if the list holds errors.
func Compile(o Options) (*plan.Plan, diag.List) {
	r := Check(o)
	return r.Plan, r.List
}

// passes are the steps of a compilation. Each reads what the ones before have left, and goes on in spite of errors.
var passes = []struct {
	name string
	run  func(*compilation)
}{
	{"load", (*compilation).load},
	{"resolve", (*compilation).resolve},
	{"parameters", (*compilation).parameters},
	{"job", (*compilation).jobBlock},
	{"functions", (*compilation).functions},
	{"pipelines", (*compilation).pipelines},
	{"unread", (*compilation).unread},
	{"prune", (*compilation).prune},
	{"facts", (*compilation).facts},
	{"misspelt", (*compilation).misspelt},
}

// Check compiles a program and gives everything there is to know about it.
func Check(o Options) *Result {
	c := &compilation{o: o, sources: diag.Sources{}, modules: map[string]*module{}, plan: &plan.Plan{}}
	for _, p := range passes {
		p.run(c)
	}
	c.list.Sort()
	// Hints are about taste and about what might be forgotten. Beside an error they would only push it off the screen.
	if c.list.HasErrors() { // first things first
		c.list = slices.DeleteFunc(c.list, func(d *diag.Diagnostic) bool { return d.Severity == diag.Hint })
	}
	r := &Result{Job: c.job, List: c.list, Sources: c.sources}
	if !c.list.HasErrors() {
		c.plan.Job = c.job
		c.plan.Text = c.text.String()
		// The program is the text of all its files, so a change in an import is another program too. Settings from outside are not part of it.
		sum := sha256.Sum256([]byte(c.plan.Text))
		c.plan.Program = hex.EncodeToString(sum[:8])
		r.Plan = c.plan
	}
	return r
}
