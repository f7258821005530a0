package vm

import (
	"errors"
	"fmt"
	"time"

	"pipec/checkpoint"
	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/connector"
	"pipec/connector/follow"
	"pipec/connector/redial"
	"pipec/state"
	"pipec/state/vfs"
	"pipec/vm/clock"
	"pipec/vm/fault"
	"pipec/vm/fn"
	"pipec/vm/op"
)

// Env is the world a job runs in: everything that is not in the program. Time, disk and chance come in here.
type Env struct {
	FS      vfs.FS
	Clock   clock.Clock
	Sched   Scheduler
	Random  func() uint64
	Stdin   connector.Stdin
	Stdout  connector.Stdout
	Watcher follow.Watcher // nil: files that are followed are looked at from time to time
	Dialer  redial.Dialer  // nil: there is no network
	Faults  *fault.Set
	Events  event.Sink // nil: nobody listens
	Process Process
	Local   string // directory for working files of backends
	Inline  bool   // no goroutine but the scheduler's: connectors start none, and badger, which would, is an ordered map
}

// Process tells who runs the job; it stands in claims and manifests.
type Process struct {
	Host   string
	ID     int
	Engine string // version of pipec
}

func (e *Env) functions(j *plan.Job) *fn.Env {
	zone, err := time.LoadLocation(j.TimeZone)
	if err != nil {
		zone = time.UTC // the compiler has checked the name
	}
	return &fn.Env{Zone: zone, Now: e.Clock.Now, Rand: e.Random}
}

// connectors is the world as the job's connectors see it.
func (j *Job) connectors() connector.Env {
	e := j.env
	return connector.Env{FS: e.FS, Clock: e.Clock, Stdin: e.Stdin, Stdout: e.Stdout, Watcher: e.Watcher, Dialer: e.Dialer, Inline: e.Inline,
		Note: func(text string) { j.post(func() { j.note(text) }) }}
}

// InternalError is a bug in the engine, not in the program or its input.
type InternalError struct{ Text, Stack string }

// Error implements error.
func (e *InternalError) Error() string { return "internal error: " + e.Text + "\n" + e.Stack }

// TooLargeError says that a task's state has outgrown the memory backend's cap. Who declines a checkpoint is named with the checkpoint, not here.
type TooLargeError struct {
	Bytes, Limit int64
}

// Error implements error.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the state is %d bytes, and `state memory` holds at most %d per task: raise it with `state memory { max_size = ... }`, or use `state fs` or `state badger`",
		e.Bytes, e.Limit)
}

// ExitError is why a job could not be started, or ended, with the exit code of the command line's contract.
type ExitError struct {
	Code int
	Err  error
}

// Error implements error.
func (e *ExitError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *ExitError) Unwrap() error { return e.Err }

// permanent says whether trying again cannot help, so that no restart strategy is asked (architecture, rule 9).
func permanent(err error) bool {
	var row *op.RowError
	var internal *InternalError
	var snapshot *checkpoint.SnapshotError
	var exit *ExitError
	return connector.Permanent(err) || errors.As(err, &row) || errors.As(err, &internal) || errors.As(err, &snapshot) || errors.As(err, &exit) ||
		errors.Is(err, state.ErrDamaged) || errors.Is(err, state.ErrSignature) || errors.Is(err, state.ErrVersion) || errors.Is(err, checkpoint.ErrFenced)
}

// exitCode is what the process says of a failure.
func exitCode(err error) int {
	var exit *ExitError
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
