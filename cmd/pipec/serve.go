package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"pipec/checkpoint/event"
	"pipec/cmd/pipec/control"
	"pipec/compiler/plan"
	"pipec/vm"
)

// farewell is how long the end of a process waits for clients to take their answers.
const farewell = time.Second

// desk answers those who talk to the running job over its control socket. It is an event.Sink: the socket is opened once the job is this process's, before
// anybody else hears that it starts.
type desk struct {
	plan   *plan.Plan
	job    *vm.Job
	note   func(text string)
	ended  chan struct{} // closed when it has ended
	result vm.Result     // then
	mu     sync.Mutex
	run    string
	server *control.Server
}

func newDesk(p *plan.Plan) *desk { return &desk{plan: p, ended: make(chan struct{})} }

// Emit implements event.Sink.
func (d *desk) Emit(e event.Event) {
	if b, ok := e.Body.(*event.Job); !ok || b.State != event.Starting {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.run = e.Run
	if err := d.open(); err != nil {
		d.note("the job cannot be asked or cancelled from outside: " + err.Error())
	}
}

// sockets lists where control sockets lie.
func sockets() []string { return control.Dirs(os.Getenv("XDG_RUNTIME_DIR"), os.TempDir(), os.Getuid()) }

// open begins to answer. A job without a name is reached by its process.
func (d *desk) open() error {
	name := d.plan.Job.Name
	if name == "" {
		name = fmt.Sprintf("process-%d", os.Getpid())
	}
	var err error
	d.server, err = control.Listen(sockets(), name, d.answer)
	return err
}

// close ends the answers; who asked for the end gets it.
func (d *desk) close(res vm.Result) {
	d.result = res
	close(d.ended)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server != nil {
		d.server.Close(farewell)
	}
}

// taken is the answer to checkpoint.
type taken struct {
	ID         uint64 `json:"id"`
	Path       string `json:"path,omitempty"` // "": it lies in the process
	DurationMS int64  `json:"duration_ms"`
	Bytes      int64  `json:"bytes"`
	FullBytes  int64  `json:"full_bytes"`
}

// over is the answer to cancel.
type over struct {
	Job         string      `json:"job"`
	Run         string      `json:"run"`
	State       event.State `json:"state"`
	Checkpoints string      `json:"checkpoints"` // kept, deleted, none
	Path        string      `json:"path,omitempty"`
	Error       string      `json:"error,omitempty"`
}

// answer does what a request says.
func (d *desk) answer(r control.Request) (any, error) {
	gone := &control.Error{Text: "the job has ended", Exit: exitRunning}
	switch r.Verb {
	case control.Status:
		select {
		case s := <-d.job.Status():
			s.Checkpoints.Storage = whole(s.Checkpoints.Storage)
			if s.Checkpoints.Last != nil {
				s.Checkpoints.Last.Path = whole(s.Checkpoints.Last.Path)
			}
			return s, nil
		case <-d.ended:
			return nil, gone
		}
	case control.Checkpoint:
		select {
		case t := <-d.job.Checkpoint():
			c := t.Checkpoint
			return taken{c.ID, whole(c.Path), c.DurationMS, c.Bytes, c.FullBytes}, t.Err
		case <-d.ended:
			return nil, gone
		}
	case control.Cancel:
		d.job.Cancel()
		<-d.ended
		return d.over(), nil
	}
	return nil, &control.Error{Text: fmt.Sprintf("this version does not know %q", r.Verb), Exit: exitUsage}
}

// over is how the job ended.
func (d *desk) over() over {
	o := over{Job: d.plan.Job.Name, Run: d.run, State: d.result.State, Checkpoints: "none", Path: whole(d.result.GoOn)}
	switch {
	case d.result.GoOn != "":
		o.Checkpoints = "kept"
	case d.result.Summary.Checkpoints.Completed > 0:
		o.Checkpoints = "deleted"
	}
	if d.result.Err != nil {
		o.Error = d.result.Err.Error()
	}
	return o
}

// whole makes a path one that means the same to a client in another directory.
func whole(path string) string {
	if p, err := absolute(path); err == nil {
		return p
	}
	return path
}

// ask sends one request to a running job. A job that does not run is exit 5.
func ask(name string, r control.Request, v any, deadline time.Time) error {
	c, err := control.Dial(sockets(), name)
	if err != nil {
		return refused(err)
	}
	defer c.Close()
	return refused(c.Call(r, v, deadline))
}

// refused gives an error of the protocol its exit code.
func refused(err error) error {
	var e *control.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return &exit{e.Exit, err}
	case errors.Is(err, control.ErrNone):
		return &exit{exitRunning, err}
	}
	return &exit{exitFailed, err}
}
