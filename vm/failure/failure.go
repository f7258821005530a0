// Package failure is what a job can fail of, and what follows from it: whether a restart can help, with which code the process ends, why a checkpoint was given up.
package failure

import (
	"errors"
	"fmt"

	"pipec/checkpoint"
	"pipec/connector"
	"pipec/state"
	"pipec/state/budget"
	"pipec/vm/fault"
	"pipec/vm/lineage"
	"pipec/vm/op"
)

// Internal is a bug in the engine, not in the program or its input.
type Internal struct{ Text, Stack string }

// Error implements error.
func (e *Internal) Error() string { return "internal error: " + e.Text + "\n" + e.Stack }

// TooLarge says that a task's state has outgrown the memory backend's cap. Who declines a checkpoint is named with the checkpoint, not here.
type TooLarge struct {
	Bytes, Limit int64
}

// Error implements error.
func (e *TooLarge) Error() string {
	return fmt.Sprintf("the state is %d bytes, and `state memory` holds at most %d per task: raise it with `state memory { max_size = ... }`, or use `state fs` or `state badger`",
		e.Bytes, e.Limit)
}

// Exit is why a job could not be started, or ended, with the exit code of the command line's contract.
type Exit struct {
	Code int
	Err  error
}

// Error implements error.
func (e *Exit) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *Exit) Unwrap() error { return e.Err }

// Permanent says whether trying again cannot help, so that no restart strategy is asked (architecture, rule 9).
func Permanent(err error) bool {
	var row *op.RowError
	var internal *Internal
	var snapshot *checkpoint.SnapshotError
	var exit *Exit
	var full *budget.FullError
	return connector.Permanent(err) || errors.As(err, &full) || errors.As(err, &row) || errors.As(err, &internal) || errors.As(err, &snapshot) || errors.As(err, &exit) ||
		errors.Is(err, state.ErrDamaged) || errors.Is(err, state.ErrSignature) || errors.Is(err, state.ErrVersion) || errors.Is(err, checkpoint.ErrFenced)
}

// Code is what the process says of a failure.
func Code(err error) int {
	var exit *Exit
	var snapshot *checkpoint.SnapshotError
	switch {
	case errors.As(err, &exit):
		return exit.Code
	case errors.As(err, &snapshot), errors.Is(err, state.ErrDamaged), errors.Is(err, state.ErrSignature), errors.Is(err, state.ErrVersion), errors.Is(err, connector.ErrPosition):
		return 4
	case errors.Is(err, checkpoint.ErrAlive):
		return 5
	}
	return 1
}

// GaveUp says that the restart strategy allows no further restart.
type GaveUp struct {
	Strategy, Reason string // the reason names the strategy
	Err              error  // the last failure
}

// Error implements error.
func (e *GaveUp) Error() string {
	if e.Strategy == "none" {
		return e.Err.Error()
	}
	return e.Err.Error() + "\nno further restart: " + e.Reason
}

// Unwrap gives the last failure.
func (e *GaveUp) Unwrap() error { return e.Err }

// Reason says why an attempt is given up for an error; other is what an error counts as that tells nothing of itself.
func Reason(err error, other checkpoint.Reason) checkpoint.Reason {
	var large *TooLarge
	var onPurpose *fault.Error
	switch {
	case errors.As(err, &large):
		return checkpoint.TooLarge
	case errors.As(err, &onPurpose) && onPurpose.Action == fault.Fail:
		return checkpoint.Declined
	case lineage.IsIO(err):
		return checkpoint.IO
	}
	return other
}
