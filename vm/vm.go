// Package vm runs a plan: it cuts it into chains, runs each chain as tasks, and supervises them through checkpoints and restarts.
//
// A task is a machine: Step takes one message or goes on with pending output and never waits. The goroutine loop of a Scheduler drives it in
// production, the simulator drives the same Step in an order of its own.
//
//	layout.go    chains: maximal parts of the plan without an exchange
//	source.go    head: a source's reader, event time and watermarks by split
//	task.go      task: one step of one task
//	cut.go       what a task does at a barrier, and how its snapshot is written
//	job.go       Job: start, supervise, restart, stop
//	attempt.go   attempt: one execution of all tasks, from restore to end
//	restore.go   which snapshot goes to which task
//	live.go      what a running job tells of itself
//	control.go   Job: checkpoints on request, cancel
//
// How a batch gets through the stages of a task is in vm/chain, how messages get from task to task in vm/exchange, how machines are run in vm/actor, how snapshots are written in vm/upload, whether one fits the
// program in vm/fit, which files it consists of in vm/lineage, what a job says of itself in vm/status.
package vm

import (
	"pipec/vm/actor"
	"pipec/vm/failure"
)

// InternalError is a bug in the engine, not in the program or its input.
type InternalError = failure.Internal

// The way machines are run, which package actor defines.
type (
	Progress   = actor.Progress
	Machine    = actor.Machine
	Scheduler  = actor.Scheduler
	Goroutines = actor.Goroutines
)

// The answers of a machine.
const (
	Again    = actor.Again
	Waiting  = actor.Waiting
	Finished = actor.Finished
)
