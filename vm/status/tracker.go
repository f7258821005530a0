package status

import (
	"time"

	"pipec/checkpoint/event"
)

// Tracker follows a job by its events. It belongs to the job's loop.
type Tracker struct {
	state     event.State
	since     time.Time
	cause     string
	restarts  int
	resumes   time.Time
	restored  *Restored
	completed int64
	failed    int64
	inRow     int
	last      *Checkpoint
	failure   *Failure
	pending   []pending // oldest first
}

type pending struct {
	id    uint64
	kind  string
	since time.Time
	acked int
}

// Take notes an event.
func (t *Tracker) Take(at time.Time, body event.Body) {
	switch b := body.(type) {
	case *event.Job:
		if b.State != t.state {
			t.state, t.since = b.State, at
		}
		if b.State != event.Running {
			t.pending = nil
		}
	case *event.Restart:
		t.restarts, t.cause, t.resumes, t.restored = b.Attempt, b.Cause, at.Add(time.Duration(b.DelayMS)*time.Millisecond), nil
	case *event.Restored:
		t.restored = &Restored{From: b.From, Kind: b.Kind, ID: b.ID, Bytes: b.Bytes, DurationMS: b.DurationMS}
	case *event.CheckpointTriggered:
		t.pending = append(t.pending, pending{id: b.ID, kind: b.Kind, since: at})
	case *event.CheckpointCompleted:
		t.drop(b.ID)
		t.completed, t.inRow = t.completed+1, 0
		t.last = &Checkpoint{ID: b.ID, Path: b.Path, Time: at, DurationMS: b.DurationMS, Bytes: b.Bytes, FullBytes: b.FullBytes}
	case *event.CheckpointFailed:
		t.drop(b.ID)
		t.failed, t.inRow = t.failed+1, b.Consecutive
		t.failure = &Failure{ID: b.ID, Time: at, Reason: b.Reason, Text: b.Text}
	}
}

// Acked notes that a task has given its part of a checkpoint.
func (t *Tracker) Acked(id uint64) {
	for i := range t.pending {
		if t.pending[i].id == id {
			t.pending[i].acked++
		}
	}
}

// Counts is how many checkpoints completed and failed, and how often the job was restarted.
func (t *Tracker) Counts() (event.CheckpointCounts, int) {
	return event.CheckpointCounts{Completed: t.completed, Failed: t.failed}, t.restarts
}

func (t *Tracker) drop(id uint64) {
	for i := range t.pending {
		if t.pending[i].id == id {
			t.pending = append(t.pending[:i], t.pending[i+1:]...)
			return
		}
	}
}

// fill writes what the tracker knows into a report.
func (t *Tracker) fill(j *Job, tasks int) {
	j.State, j.Since, j.Restarts, j.Cause, j.Restored = t.state, t.since, t.restarts, t.cause, t.restored
	if t.state == "" { // nothing is claimed yet
		j.State, j.Since = event.Starting, j.Started
	}
	if t.state == event.Restarting && t.resumes.After(j.Time) {
		at := t.resumes
		j.RestartAt = &at
	}
	c := &j.Checkpoints
	c.Completed, c.Failed, c.Consecutive, c.LastFailure = t.completed, t.failed, t.inRow, t.failure
	if t.last != nil {
		last := *t.last
		last.AgeMS = j.Time.Sub(last.Time).Milliseconds()
		c.Last = &last
	}
	if n := len(t.pending); n > 0 {
		p := t.pending[n-1]
		c.Pending = &Pending{ID: p.id, Kind: p.kind, ForMS: j.Time.Sub(p.since).Milliseconds(), Tasks: tasks, Acked: p.acked}
	}
}
