package vm

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"pipec/checkpoint"
	"pipec/checkpoint/event"
	"pipec/vm/lineage"
	"pipec/vm/status"
)

// control is what others ask of a running job, and what has to come to its end first. It belongs to the job's loop.
type control struct {
	viewers    []chan status.Job // who waits for a report
	lookBy     time.Time         // when they get it at the latest
	requests   int
	waiting    []string              // requests for checkpoints that the coordinator does not know yet
	asked      map[string]chan Taken // by request
	ids        map[uint64]string     // request by checkpoint
	newest     event.CheckpointCompleted
	publishing bool            // sinks are committing
	working    bool            // an attempt is being prepared or built off the loop
	loading    []*lineage.File // what it is built from
}

// Taken is the checkpoint that somebody asked for, or why there is none.
type Taken struct {
	Checkpoint event.CheckpointCompleted
	Err        error
}

// ErrNoCheckpoints says that the job takes none.
var ErrNoCheckpoints = errors.New("the job takes no checkpoints: `checkpoint every ...` in its job block turns them on")

// Checkpoint takes a checkpoint as soon as one may be taken, also while the job restarts; what came of it arrives once. Completed means past the commit
// point: it can be restored, and its output will be published.
func (j *Job) Checkpoint() <-chan Taken {
	c := make(chan Taken, 1)
	j.post(func() {
		switch {
		case j.done:
			c <- Taken{Err: fmt.Errorf("the job has ended: %s", j.state)}
			return
		case !j.plan.Job.Checkpoint.Enabled():
			c <- Taken{Err: ErrNoCheckpoints}
			return
		}
		k := &j.control
		if k.asked == nil {
			k.asked, k.ids = map[string]chan Taken{}, map[uint64]string{}
		}
		k.requests++
		name := strconv.Itoa(k.requests)
		k.asked[name] = c
		k.waiting = append(k.waiting, name)
		j.pass()
	})
	return c
}

// pass hands requests to the coordinator, once there is one.
func (j *Job) pass() {
	if j.coord == nil {
		return
	}
	waiting := j.control.waiting
	j.control.waiting = nil
	for _, name := range waiting {
		j.drive(checkpoint.Trigger{Kind: checkpoint.Manual, Request: name})
	}
}

// triggered notes which checkpoint answers a request.
func (k *control) triggered(i checkpoint.Inject) {
	if i.Request != "" {
		k.ids[i.ID] = i.Request
	}
}

// taken answers the request whose checkpoint came to an end.
func (j *Job) taken(body event.Body) {
	var id uint64
	var t Taken
	switch b := body.(type) {
	case *event.CheckpointCompleted:
		id, t.Checkpoint, j.control.newest = b.ID, *b, *b
	case *event.CheckpointFailed:
		id, t.Err = b.ID, fmt.Errorf("checkpoint %d failed: %s", b.ID, b.Reason)
		switch {
		case b.Reason == string(checkpoint.Superseded): // who asked gets the one that came first: it holds more
			t = Taken{Checkpoint: j.control.newest}
		case b.Text != "":
			t.Err = fmt.Errorf("%w: %s", t.Err, b.Text)
		}
	}
	if name, ok := j.control.ids[id]; ok {
		delete(j.control.ids, id)
		j.answer(name, t)
	}
}

func (j *Job) answer(name string, t Taken) {
	j.control.asked[name] <- t
	delete(j.control.asked, name)
}

// closeControl answers everybody who still waits when the job has ended.
func (j *Job) closeControl(r Result) {
	for name := range j.control.asked {
		j.answer(name, Taken{Err: fmt.Errorf("the job ended first: %s", r.State)})
	}
	j.show()
}

// Cancel ends the job now, without a last checkpoint; its `on_cancel` decides what becomes of the checkpoints. What is past its commit point is published
// first. A restore is given up; a job that is at its end already ends as it would have.
func (j *Job) Cancel() {
	j.post(func() {
		if j.done || j.stopping == killing || j.stopping == finishing || j.ending != "" {
			return
		}
		j.stopping, j.resumeAt, j.wake = cancelling, time.Time{}, time.Time{}
		lineage.Halt(j.control.loading)
		if j.at == nil {
			j.letGo()
		}
		j.goDown()
	})
}

// settles says whether an event brings a checkpoint to its end that can no longer be given up.
func settles(e checkpoint.Event) bool {
	switch e.(type) {
	case checkpoint.Stored, checkpoint.Committed:
		return true
	}
	return false
}

// goDown takes the next step of a cancel: nothing may be between its commit point and its publication, then the tasks stop, then the job ends. Whatever has to
// come to its end first comes back here.
func (j *Job) goDown() {
	k := &j.control
	if j.stopping != cancelling || j.done || k.publishing || j.coord != nil && j.coord.Busy() {
		return
	}
	switch {
	case j.at != nil:
		if j.coord != nil {
			for _, a := range j.coord.Step(j.env.Clock.Now(), checkpoint.Failed{}) {
				j.act(a)
			}
		}
		j.wake = time.Time{}
		j.at.stop()
	case !k.working:
		j.over(event.Cancelled, nil)
	}
}
