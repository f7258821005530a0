package vm

import (
	"time"

	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/connector"
	"pipec/connector/follow"
	"pipec/connector/redial"
	"pipec/state/vfs"
	"pipec/vm/clock"
	"pipec/vm/fault"
	"pipec/vm/fn"
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
