// Package vm runs a plan: it cuts it into chains, runs each chain as tasks, and supervises them through checkpoints and restarts.
//
// A task is a machine: Step takes one message or goes on with pending output and never waits. The goroutine loop of a Scheduler drives it in
// production, the simulator drives the same Step in an order of its own.
//
//	layout.go    chains: maximal parts of the plan without an exchange
//	chain.go     chain: the fused operators of one task, and their pending output
//	source.go    head: a source's reader, event time and watermarks by split
//	task.go      task: one step of one task
//	cut.go       what a task does at a barrier, and how its snapshot is written
//	actor.go     Scheduler: how machines are run
//	job.go       Job: start, supervise, restart, stop
//	attempt.go   attempt: one execution of all tasks, from restore to end
//	restore.go   which snapshot goes to which task
//	report.go    Summary: what the end report counts
//
// How messages get from task to task is in vm/exchange.
package vm
