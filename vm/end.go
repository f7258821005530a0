package vm

import (
	"errors"
	"time"

	"pipec/checkpoint"
	"pipec/checkpoint/event"
	"pipec/state/blob"
	"pipec/vm/failure"
)

func unknown(err error) bool { return errors.Is(err, blob.ErrUnknown) }

// acked keeps a task's tokens until the checkpoint is published and tells the coordinator.
func (j *Job) acked(a *attempt, id uint64, task string, handles []checkpoint.Handle, stats checkpoint.Stats) {
	if a != j.at {
		return
	}
	a.remember(id, handles)
	j.track.Acked(id)
	j.drive(checkpoint.Ack{ID: id, Task: task, Handles: handles, Stats: stats})
}

func (j *Job) declined(a *attempt, id uint64, task string, err error) {
	if a != j.at {
		return
	}
	j.drive(checkpoint.Decline{ID: id, Task: task, Reason: failure.Reason(err, checkpoint.Declined), Text: err.Error()})
}

// taskEnded notes the end of a task's input; all: it was the last.
func (j *Job) taskEnded(a *attempt, _ string, all bool) {
	if a != j.at || !all {
		return
	}
	switch {
	case j.coord == nil && j.stopping == suspend:
		j.end(suspend)
	case j.coord == nil:
		j.end(finishing)
	default:
		j.drive(checkpoint.AllEnded{})
	}
}

// suspend begins an orderly end.
func (j *Job) suspend() {
	if j.stopping != goingOn || j.done {
		return
	}
	j.stopping = suspend
	switch {
	case j.state == event.Restarting && j.at == nil && !j.resumeAt.IsZero():
		j.resumeAt = time.Time{}
		j.over(event.Suspended, nil)
	case j.at != nil:
		j.suspendAttempt()
	}
}

func (j *Job) suspendAttempt() {
	if j.coord == nil {
		j.at.halt()
		return
	}
	j.drive(checkpoint.Suspend{})
}

// attemptFailed reacts to the first failure of an attempt.
func (j *Job) attemptFailed(a *attempt, err error) {
	if a == nil || a != j.at || j.stopping == killing || j.stopping == finishing || j.stopping == cancelling {
		return
	}
	j.cause = err
	j.drive(checkpoint.Failed{})
	j.wake = time.Time{}
	if j.stopping == goingOn {
		j.stopping = failing
	}
	a.stop()
}

// end stops the attempt for good.
func (j *Job) end(why stopping) {
	if j.stopping == killing {
		return
	}
	j.stopping = why
	if why == suspend {
		j.ending = event.Suspended
	}
	if j.at != nil {
		j.at.stop()
		return
	}
	j.resumeAt = time.Time{}
	if why == killing {
		j.over(event.Failed, j.cause)
	}
}

// attemptClosed goes on when every task has let go: to the end of the job, or to a restart.
func (j *Job) attemptClosed(a *attempt) {
	if a != j.at {
		return
	}
	j.at, j.sources = nil, nil
	err := a.release()
	for _, t := range a.tasks {
		j.totals.Add(t.part())
	}
	switch {
	case j.stopping == killing:
		j.over(event.Failed, j.cause)
	case j.stopping == cancelling:
		j.warn(err)
		j.goDown()
	case j.stopping == finishing && err == nil:
		j.over(event.Finished, nil)
	case j.ending == event.Suspended && err == nil:
		j.over(event.Suspended, nil)
	case err != nil && j.cause == nil:
		j.failed(err)
	default:
		j.failed(j.cause)
	}
}

// failed asks the restart strategy what to do about a failure, unless it is one that stays.
func (j *Job) failed(err error) {
	j.cause = nil
	if j.stopping == cancelling {
		j.goDown()
		return
	}
	if failure.Permanent(err) || j.stopping == suspend {
		j.over(event.Failed, err)
		return
	}
	now := j.env.Clock.Now()
	d := j.strategy.Failure(now)
	if !d.Restart {
		j.over(event.Failed, &failure.GaveUp{Strategy: j.Describe(), Reason: d.Reason, Err: err})
		return
	}
	if !d.Merged {
		j.again++
	}
	j.stopping, j.state = goingOn, event.Restarting
	j.emit(&event.Job{State: event.Restarting, Cause: err.Error(), Epoch: j.epoch()})
	j.emit(&event.Restart{Attempt: j.again, DelayMS: d.Delay.Milliseconds(), Strategy: j.Describe(), Cause: err.Error()})
	j.resumeAt = now.Add(d.Delay)
}

// restart begins the next attempt from the newest checkpoint, or from where the run began.
func (j *Job) restart() {
	j.control.working = true
	j.env.Sched.Do("restart", func() {
		res, sources, err := j.reopen()
		j.post(func() {
			j.sources, j.control.working = sources, false
			if err != nil {
				for _, s := range sources {
					_ = s.Close()
				}
				res.close()
				j.failed(err)
				return
			}
			j.launch(res)
		})
	})
}

// reopen claims the next epoch and opens the snapshot and the sources again.
func (j *Job) reopen() (*restored, map[string]source, error) {
	var res *restored
	if j.storage != nil {
		if err := j.storage.Reclaim(); err != nil {
			return nil, nil, err
		}
		snap, err := j.storage.Newest()
		if err != nil {
			ids := j.storage.Completed()
			return nil, nil, checkpoint.Instead(j.storage.Path(ids[len(ids)-1]), err, j.env.FS)
		}
		if snap == nil {
			snap = j.initial
		}
		if snap != nil {
			if res, err = j.openRestored(snap); err != nil {
				return nil, nil, checkpoint.Instead(snap.URI, err, j.env.FS)
			}
		}
		if j.nextID, err = j.storage.NextID(j.nextID - 1); err != nil {
			return res, nil, err
		}
	}
	sources, err := j.openSources(res)
	return res, sources, err
}

// settled says whether nothing is under way that the end must wait for: what is being deleted would stay for ever if no other run comes, and a record behind that of
// the end would say that the run goes on.
func (j *Job) settled() bool { return j.cleaning == 0 && (j.coord == nil || !j.coord.Busy()) }

// settle ends the job if that waited for what has just come to its end.
func (j *Job) settle() {
	if j.last != nil && j.settled() {
		j.last()
	}
}

// over ends the job in this process.
func (j *Job) over(state event.State, err error) {
	if j.done {
		return
	}
	if j.stopping != killing && !j.settled() {
		if j.last == nil {
			j.last = func() { j.over(state, err) }
		}
		return
	}
	j.done, j.state = true, state
	j.letGo()
	r := Result{State: state, Summary: j.totals.Summary(j.plan)}
	r.Summary.Checkpoints, r.Summary.Restarts = j.track.Counts()
	r.Summary.State, r.Summary.DurationMS = state, j.env.Clock.Now().Sub(j.began).Milliseconds()
	if j.storage != nil {
		r.GoOn, err = j.leave(state, err)
	}
	if r.Err = err; err != nil {
		r.Exit = failure.Code(err)
	}
	cause := ""
	if err != nil {
		cause = err.Error()
	}
	j.emit(&event.Job{State: state, Cause: cause, Epoch: j.epoch()})
	j.emit(&r.Summary)
	j.closeControl(r)
	j.result <- r
}

// leave writes how the run ended and lets go of the storage. It gives the checkpoint to go on from, and the error again: what a process fails with that has a successor
// is only how it noticed.
func (j *Job) leave(state event.State, err error) (goOn string, _ error) {
	defer func() { j.warn(j.storage.Close()) }()
	if j.storage.Run() == "" {
		return "", err
	}
	// Who is killed writes nothing: the run died. Nor does who could not take the last checkpoint of a suspend: the user did not decide that it failed, and the
	// next start goes on from the one before.
	if j.stopping != killing && !(j.stopping == suspend && state == event.Failed && !failure.Permanent(err)) {
		ended := j.storage.End(state, j.plan.Job.Checkpoint.KeepOnCancel)
		if j.warn(ended); state == event.Failed && errors.Is(ended, checkpoint.ErrFenced) {
			err = ended
		}
	}
	if ids := j.storage.Completed(); len(ids) > 0 && !errors.Is(err, checkpoint.ErrFenced) {
		goOn = j.storage.Path(ids[len(ids)-1])
	}
	return goOn, err
}
