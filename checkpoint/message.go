package checkpoint

import (
	"fmt"
	"strings"
	"time"

	"pipec/checkpoint/event"
)

// Event is something that the coordinator is told.
type Event interface{ isEvent() }

// Started says that all tasks run, at the start and after each restart. Tasks that had finished for good in the restored snapshot are
// not among Tasks.
type Started struct {
	Tasks     []string
	Jitter    float64  // uniform in [0, 1): delays the first periodic trigger
	Completed []uint64 // complete and not released, oldest first: Storage.Completed
	NextID    uint64   // at least this one; ids never go back
	Ended     []Handle // inline state of tasks that ended before the restored snapshot, part of every later one
}

// Tick says that time has passed; the coordinator asks for it by NextWake.
type Tick struct{}

// Trigger asks for a checkpoint now: Manual or Savepoint. Request comes back in Inject.
type Trigger struct {
	Kind    Kind
	Request string
}

// Stats is what one task measured about its part.
type Stats struct {
	Align, Sync, Async time.Duration
	Written            int64 // bytes
	Incremental        bool
}

// Ack says that a task's part is durable.
type Ack struct {
	ID      uint64
	Task    string
	Handles []Handle
	Stats   Stats
}

// Decline says that a task could not take part. Reason is Declined, IO or TooLarge.
type Decline struct {
	ID     uint64
	Task   string
	Reason Reason
	Text   string
}

// TaskEnded says that a task has nothing more to do. Its handles hold no files (those would go with an old checkpoint), only what is
// inline; they are part of every later checkpoint. A task that ends counts as acknowledged.
type TaskEnded struct {
	Task    string
	Handles []Handle
}

// Failed says that the job leaves the running state, because a task failed or for any other reason; Started comes next, if anything.
type Failed struct{}

// Written answers Write: `_metadata` is durable, or not, and then why: IO if Reason is empty.
type Written struct {
	ID     uint64
	Path   string // for the event
	Err    error
	Reason Reason
}

// Stored answers PutRecord. Unknown: Err says that nobody knows whether the record is there. Reason is as in Written.
type Stored struct {
	ID      uint64
	Err     error
	Reason  Reason
	Unknown bool
}

// Committed answers Publish: all sinks have committed, or one could not.
type Committed struct {
	ID  uint64
	Err error
}

// AllEnded says that every input has ended and every task has reached the end of its data.
type AllEnded struct{}

// Suspend asks for one last checkpoint; the sources have been told to stop at its barrier.
type Suspend struct{}

func (Started) isEvent()   {}
func (Tick) isEvent()      {}
func (Trigger) isEvent()   {}
func (Ack) isEvent()       {}
func (Decline) isEvent()   {}
func (TaskEnded) isEvent() {}
func (Failed) isEvent()    {}
func (Written) isEvent()   {}
func (Stored) isEvent()    {}
func (Committed) isEvent() {}
func (AllEnded) isEvent()  {}
func (Suspend) isEvent()   {}

// Action is something that the coordinator wants done. String is for scripts and logs.
type Action interface{ String() string }

// Inject asks to send barriers from every source task, and to tasks whose inputs have all ended.
type Inject struct {
	ID      uint64
	Kind    Kind
	Request string // of the Trigger
}

// Write asks to make `_metadata` durable; answered by Written. Handles are those of all tasks, ended ones included.
type Write struct {
	ID      uint64
	Kind    Kind
	Trigger time.Time
	Handles []Handle
	Ended   []string // tasks that have ended
}

// PutRecord asks to write the history record, the commit point; answered by Stored.
type PutRecord struct{ ID uint64 }

// Publish asks the sinks to commit what they prepared for this checkpoint; answered by Committed.
type Publish struct{ ID uint64 }

// Release asks to delete checkpoints; no answer is expected.
type Release struct{ IDs []uint64 }

// Abort says that an attempt was given up: tasks drop it, and its files go (Storage.Discard).
type Abort struct {
	ID     uint64
	Reason Reason
}

// FailJob says that the job must fail over: too many checkpoints failed in a row, or sinks could not commit.
type FailJob struct{ Cause string }

// Finished says that the last checkpoint is committed, or that none was needed: the job may end.
type Finished struct{}

// Emit asks to report what happened.
type Emit struct{ Body event.Body }

// String is "inject 7 periodic", with " for REQUEST" if somebody asked for it.
func (a Inject) String() string {
	s := fmt.Sprintf("inject %d %s", a.ID, a.Kind)
	if a.Request != "" {
		s += " for " + a.Request
	}
	return s
}

// String is "write 7" and the tasks whose handles are in it.
func (a Write) String() string {
	names := make([]string, len(a.Handles))
	for i, h := range a.Handles {
		names[i] = h.Task
	}
	return strings.TrimSpace(fmt.Sprintf("write %d %s", a.ID, strings.Join(names, " ")))
}

// String is "record 7".
func (a PutRecord) String() string { return fmt.Sprintf("record %d", a.ID) }

// String is "publish 7".
func (a Publish) String() string { return fmt.Sprintf("publish %d", a.ID) }

// String is "release 5 6".
func (a Release) String() string {
	return "release " + strings.Trim(fmt.Sprint(a.IDs), "[]")
}

// String is "abort 7 expired".
func (a Abort) String() string { return fmt.Sprintf("abort %d %s", a.ID, a.Reason) }

// String is "fail job: " and the cause.
func (a FailJob) String() string { return "fail job: " + a.Cause }

// String is "finished".
func (Finished) String() string { return "finished" }

// String is "emit", the name of the event and what a script compares of it.
func (a Emit) String() string {
	switch b := a.Body.(type) {
	case *event.CheckpointTriggered:
		return fmt.Sprintf("emit %s %d", b.Name(), b.ID)
	case *event.CheckpointCompleted:
		return fmt.Sprintf("emit %s %d after %dms", b.Name(), b.ID, b.DurationMS)
	case *event.CheckpointFailed:
		return strings.TrimSpace(fmt.Sprintf("emit %s %d %s consecutive %d %s", b.Name(), b.ID, b.Reason, b.Consecutive, b.Text))
	}
	return "emit " + a.Body.Name()
}
