package vm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"pipec/checkpoint"
	"pipec/checkpoint/event"
	"pipec/checkpoint/restart"
	"pipec/compiler/plan"
	"pipec/vm/actor"
	"pipec/vm/failure"
	"pipec/vm/fault"
	"pipec/vm/lineage"
	"pipec/vm/status"
	"pipec/vm/value"
)

// Result is how a job ended in this process.
type Result struct {
	State   event.State
	Exit    int   // of the process
	Err     error // why it failed; nil otherwise
	Summary event.Summary
	GoOn    string // newest checkpoint that is left, as one passes it to -s; "" if none
}

// Job is one run of a plan in this process: a machine that starts attempts, drives the checkpoint coordinator, and asks the restart strategy after
// a failure. All its fields are touched in Step alone; others post what they have to say.
type Job struct {
	Note func(text string) // news for the user, before and while the job runs; may be nil

	plan     *plan.Plan
	env      *Env
	request  Request
	waker    actor.Waker
	mu       sync.Mutex
	box      []func()
	released chan struct{} // closed when the attempt ends
	unstored string        // run id without storage

	state    event.State
	storage  *checkpoint.Storage // nil: no checkpoints
	coord    *checkpoint.Coordinator
	strategy restart.Strategy
	nextID   uint64
	initial  *checkpoint.Snapshot // where the run began, if not empty: what a restart before the first checkpoint goes back to
	sources  map[string]source
	at       *attempt
	began    time.Time
	resumeAt time.Time // of the restart that is due; zero: none
	wake     time.Time // when the coordinator wants a tick
	stopping stopping
	ending   event.State // Suspended once the last checkpoint is committed
	cause    error
	totals   *status.Totals // of attempts that have ended
	track    status.Tracker
	again    int // restarts
	control  control
	result   chan Result
	done     bool
	writing  map[uint64]bool // checkpoints whose _metadata is being written; true: given up meanwhile
	cleaning int             // deletions under way
	last     func()          // the end, which waits for them and for a record that is being written
}

// stopping is why the running attempt shall end.
type stopping uint8

const (
	goingOn    stopping = iota
	suspend             // the user asked for an orderly end
	finishing           // the input ended and everything is committed
	failing             // the failure is final, or a restart follows
	cancelling          // the user asked for the end, now
	killing             // at once, with nothing written any more
)

// New makes a job; Start begins it.
func New(p *plan.Plan, env *Env, request Request) (*Job, error) {
	strategy, err := restart.New(p.Job.Restart, chance{env.Random})
	if err != nil {
		return nil, err
	}
	return &Job{plan: p, env: env, request: request, strategy: strategy, totals: status.NewTotals(), result: make(chan Result, 1), released: make(chan struct{})}, nil
}

// chance makes fractions of random numbers.
type chance struct{ random func() uint64 }

// Float64 implements restart.Rand.
func (c chance) Float64() float64 { return float64(c.random()>>11) / (1 << 53) }

// Start runs the job; its result comes once.
func (j *Job) Start() <-chan Result {
	j.state, j.began = event.Starting, j.env.Clock.Now()
	j.control.working = true
	j.unstored = fmt.Sprintf("%s%04x", j.began.UTC().Format("20060102T150405.000Z"), j.env.Random()&0xffff)
	j.waker.Set(j.env.Sched.Start("job", j))
	j.env.Sched.Do("prepare", func() {
		res, err := j.prepare()
		j.post(func() { j.prepared(res, err) })
	})
	return j.result
}

// Suspend asks for an orderly end: one last checkpoint whose sinks are committed, or, without checkpoints, the end of the input.
func (j *Job) Suspend() { j.post(j.suspend) }

// Hold waits, by the job's clock, until d has passed or the attempt that runs now ends: what `--fault slow` waits with, so that whoever is slow holds
// nobody else up.
func (j *Job) Hold(d time.Duration) {
	j.mu.Lock()
	released := j.released
	j.mu.Unlock()
	timer := j.env.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C():
	case <-released:
	}
}

// letGo ends every Hold, also those to come, until the next attempt is launched.
func (j *Job) letGo() {
	j.mu.Lock()
	defer j.mu.Unlock()
	select {
	case <-j.released:
	default:
		close(j.released)
	}
}

// Kill ends the job at once, as it is.
func (j *Job) Kill(err error) {
	j.post(func() {
		j.cause = err
		j.end(killing)
	})
}

func (j *Job) post(f func()) {
	j.mu.Lock()
	j.box = append(j.box, f)
	j.mu.Unlock()
	j.waker.Call()
}

// Step implements Machine.
func (j *Job) Step() (Progress, time.Time) {
	j.mu.Lock()
	box := j.box
	j.box = nil
	j.mu.Unlock()
	for _, f := range box {
		f()
	}
	if j.done {
		return Finished, time.Time{}
	}
	now := j.env.Clock.Now()
	undecided := j.coord != nil && j.coord.Busy() // a record is being written: nobody knows yet what a restart must restore
	if !j.resumeAt.IsZero() && !now.Before(j.resumeAt) && !undecided {
		j.resumeAt = time.Time{}
		j.restart()
	}
	if !j.wake.IsZero() && !now.Before(j.wake) {
		j.drive(checkpoint.Tick{})
	}
	wake := earliest(j.wake, j.look(now))
	if undecided {
		return Waiting, wake
	}
	return Waiting, earliest(j.resumeAt, wake)
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// prepared begins the first attempt, or ends the job before it began.
func (j *Job) prepared(res *restored, err error) {
	j.control.working = false
	if err != nil || j.stopping == cancelling {
		res.close()
		for _, s := range j.sources {
			_ = s.Close()
		}
		j.goDown()
		j.over(event.Failed, err) // of a cancelled job no more
		return
	}
	j.emit(&event.Job{State: event.Starting, Epoch: j.epoch()})
	if j.storage != nil {
		j.coord = checkpoint.NewCoordinator(j.plan.Job.Checkpoint)
	}
	if res != nil {
		j.initial = res.snap
	}
	j.pass()
	j.launch(res)
}

// launch builds an attempt off the job's loop and starts it.
func (j *Job) launch(res *restored) {
	sources := j.sources
	j.env.Faults.Attempt()
	j.mu.Lock()
	j.released = make(chan struct{})
	j.mu.Unlock()
	j.control.working = true
	if res != nil {
		j.control.loading = res.files
	}
	j.env.Sched.Do("build", func() {
		a, err := j.build(sources, res)
		if res != nil {
			res.close()
			if err != nil && !errors.Is(err, lineage.ErrHalted) {
				err = checkpoint.Instead(res.snap.URI, err, j.env.FS)
			}
		}
		j.post(func() { j.launched(a, res, err) })
	})
}

func (j *Job) launched(a *attempt, res *restored, err error) {
	j.control.working, j.control.loading = false, nil
	if err == nil && res != nil {
		j.restored(res)
	}
	for _, sink := range a.recovered { // also when something else failed behind it
		j.committed(res.snap.Manifest.ID, sink, true)
	}
	if err != nil {
		j.sources = nil
		j.failed(err)
		return
	}
	j.at, j.state = a, event.Running
	if j.stopping == cancelling {
		a.stop()
		a.start()
		return
	}
	j.emit(&event.Job{State: event.Running, Epoch: j.epoch()})
	a.start()
	if j.coord != nil {
		tasks := make([]string, len(a.tasks))
		for i, t := range a.tasks {
			tasks[i] = t.id
		}
		j.drive(checkpoint.Started{Tasks: tasks, Jitter: chance{j.env.Random}.Float64(), Completed: j.storage.Completed(), NextID: j.nextID})
	}
	if j.stopping == suspend {
		j.suspendAttempt()
	}
}

// restored tells what was read back. A snapshot in memory has no place that anybody could name.
func (j *Job) restored(res *restored) {
	m, kind := res.snap.Manifest, "checkpoint"
	if m.Kind == checkpoint.Savepoint {
		kind = "savepoint"
	}
	from := res.snap.URI
	if j.plan.Job.Checkpoint.Storage == "" && res.snap != j.initial {
		from = ""
	}
	j.emit(&event.Restored{From: from, Kind: kind, ID: m.ID, Bytes: m.Bytes(), DurationMS: j.env.Clock.Now().Sub(res.began).Milliseconds()})
}

// drive gives the coordinator an event and does what it says. Of a job that is being killed nothing more is written, whatever comes to its end meanwhile.
func (j *Job) drive(e checkpoint.Event) {
	if j.coord == nil || j.stopping == killing || j.stopping == cancelling && !settles(e) {
		return
	}
	for _, a := range j.coord.Step(j.env.Clock.Now(), e) {
		j.act(a)
	}
	j.wake, _ = j.coord.NextWake()
	j.goDown()
}

func (j *Job) act(action checkpoint.Action) {
	switch a := action.(type) {
	case checkpoint.Emit:
		j.emit(a.Body)
		j.taken(a.Body)
	case checkpoint.Inject:
		j.control.triggered(a)
		if j.at != nil {
			j.at.announce(a.ID, a.Kind == checkpoint.Final && j.stopping == suspend)
		}
	case checkpoint.Write:
		j.write(a)
	case checkpoint.PutRecord:
		j.record(a.ID)
	case checkpoint.Publish:
		j.publish(a.ID)
	case checkpoint.Release:
		j.clean("release", func() error { return j.storage.Release(a.IDs) })
	case checkpoint.Abort:
		if _, busy := j.writing[a.ID]; busy {
			j.writing[a.ID] = true // when the writer is done: what is deleted before would leave a _metadata without its files
			j.cleaning++
			return
		}
		j.discard(a.ID)
	case checkpoint.FailJob:
		j.attemptFailed(j.at, errors.New(a.Cause))
	case checkpoint.Finished:
		if j.stopping == suspend {
			j.end(suspend)
		} else {
			j.end(finishing)
		}
	}
}

// discard removes what a checkpoint that was given up has written.
func (j *Job) discard(id uint64) {
	j.clean("discard", func() error { return j.storage.Discard(id) })
}

// clean deletes files off the job's loop. The job does not end before it is done.
func (j *Job) clean(name string, f func() error) {
	j.cleaning++
	j.env.Sched.Do(name, func() {
		err := f()
		j.post(func() {
			j.warn(err)
			j.cleaning--
			j.settle()
		})
	})
}

// warn reports what went wrong while cleaning up; it is never fatal.
func (j *Job) warn(err error) {
	if err != nil && !errors.Is(err, checkpoint.ErrFenced) {
		j.note("while cleaning up: " + err.Error())
	}
}

// write makes a checkpoint's _metadata durable.
func (j *Job) write(w checkpoint.Write) {
	m := j.manifest(w)
	if j.writing == nil {
		j.writing = map[uint64]bool{}
	}
	j.writing[w.ID] = false
	j.env.Sched.Do("metadata", func() {
		err := j.env.Faults.Hit(fault.BeforeMetadata, "", w.ID)
		if err == nil {
			err = j.storage.WriteMetadata(j.place(w.ID), m)
		}
		j.post(func() {
			if j.writing[w.ID] {
				j.discard(w.ID)
				j.cleaning--
			}
			delete(j.writing, w.ID)
			j.drive(checkpoint.Written{ID: w.ID, Path: j.storage.Path(w.ID), Err: err, Reason: failure.Reason(err, checkpoint.IO)})
		})
	})
}

func (j *Job) manifest(w checkpoint.Write) *checkpoint.Manifest {
	m := &checkpoint.Manifest{Job: j.plan.Job.Name, Run: j.runID(), ID: w.ID, Kind: w.Kind, Epoch: j.epoch(), Time: w.Trigger, Engine: j.env.Process.Engine,
		Program: j.plan.Text, Hash: j.plan.Program, Encoding: value.KeyVersion, Parallelism: j.plan.Job.Parallelism,
		MaxParallelism: j.plan.Job.MaxParallel, Handles: w.Handles}
	for _, n := range j.plan.Nodes {
		node := checkpoint.Node{ID: n.ID, Parallelism: j.plan.Parallelism(n)}
		if n.State != nil {
			node.Signature, _ = json.Marshal(n.State)
		}
		m.Nodes = append(m.Nodes, node)
	}
	return m
}

// record passes the commit point.
func (j *Job) record(id uint64) {
	j.env.Sched.Do("record", func() {
		err := j.env.Faults.Hit(fault.AfterMetadata, "", id)
		if err == nil {
			err = j.storage.Record(id)
		}
		j.post(func() {
			if errors.Is(err, checkpoint.ErrFenced) {
				j.cause = err
				j.end(killing)
				return
			}
			if err == nil && j.at != nil {
				j.at.completed(id)
			}
			j.drive(checkpoint.Stored{ID: id, Err: err, Unknown: unknown(err), Reason: failure.Reason(err, checkpoint.IO)})
			j.settle()
		})
	})
}

// publish lets the sinks commit what the checkpoint covers.
func (j *Job) publish(id uint64) {
	a := j.at
	if a == nil {
		return
	}
	tokens := a.tokens(id)
	j.control.publishing = true
	j.env.Sched.Do("commit", func() {
		err := j.commit(a, id, tokens)
		j.post(func() {
			j.control.publishing = false
			j.drive(checkpoint.Committed{ID: id, Err: err})
		})
	})
}

// commit gives every token to a task of its sink.
func (j *Job) commit(a *attempt, id uint64, tokens []checkpoint.Handle) error {
	faults := j.env.Faults
	var sinks []string
	for i, h := range tokens {
		if i == 0 || tokens[i-1].Node != h.Node {
			sinks = append(sinks, h.Node)
		}
	}
	if err := faults.HitAny(fault.BeforeCommit, sinks, id); err != nil {
		return err
	}
	for i, h := range tokens {
		if i > 0 {
			if err := faults.Hit(fault.MidCommit, h.Node, id); err != nil {
				return err
			}
		}
		if err := a.sinks[h.Node][0].Commit(context.Background(), h.Inline); err != nil {
			return fmt.Errorf("%s: %w", h.Node, err)
		}
	}
	j.post(func() {
		for _, sink := range sinks {
			j.committed(id, sink, false)
		}
	})
	return faults.HitAny(fault.AfterCommit, sinks, id)
}

func (j *Job) committed(id uint64, sink string, recovered bool) {
	j.emit(&event.Committed{ID: id, Sink: sink, Recovered: recovered})
}

// Describe is the resolved restart strategy, as one writes it.
func (j *Job) Describe() string { return strings.TrimSpace(j.strategy.String()) }
