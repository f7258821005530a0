// Package event is what happened in a job, as data. The log, `--events`, `status` and the metrics are views of these events; they
// are emitted from the place that decides.
//
//   - event.go  Event and the bodies, one per line of the table in the contract of the command line
//   - json.go   one JSON object a line, both ways
//   - sink.go   Sink, FanOut, Emitter and Writer: where events go
package event

import "time"

// Event is one thing that happened to one run of a job.
type Event struct {
	Time time.Time // written in RFC 3339 with microseconds, UTC
	Job  string
	Run  string
	Body Body
}

// Body is the part of an event that differs from kind to kind: one of the pointer types of this package.
type Body interface {
	// Name is the value of the field "event".
	Name() string
}

// State is the state of a job.
type State string

// The states of a job. Suspended, Stopped, Finished, Failed and Cancelled end a run.
const (
	Starting   State = "starting"
	Running    State = "running"
	Restarting State = "restarting"
	Suspended  State = "suspended"
	Stopped    State = "stopped"
	Finished   State = "finished"
	Failed     State = "failed"
	Cancelled  State = "cancelled"
)

// Job says that the job changed its state.
type Job struct {
	State State  `json:"state"`
	Cause string `json:"cause,omitempty"`
	Epoch uint64 `json:"epoch,omitempty"` // number of the claim record; 0 before the claim and without storage
}

// Restored says that state was read back.
type Restored struct {
	From       string `json:"from"`
	Kind       string `json:"kind"` // checkpoint, savepoint
	ID         uint64 `json:"id"`
	Bytes      int64  `json:"bytes"`
	DurationMS int64  `json:"duration_ms"`
}

// CheckpointTriggered says that barriers were sent.
type CheckpointTriggered struct {
	ID   uint64 `json:"id"`
	Kind string `json:"kind"` // periodic, manual, savepoint, final
}

// CheckpointCompleted says that a checkpoint passed its commit point. Align, sync and async are the longest of any task.
type CheckpointCompleted struct {
	ID          uint64 `json:"id"`
	Path        string `json:"path"`
	DurationMS  int64  `json:"duration_ms"` // from the trigger to the commit point
	AlignMS     int64  `json:"align_ms"`
	SyncMS      int64  `json:"sync_ms"`
	AsyncMS     int64  `json:"async_ms"`
	Bytes       int64  `json:"bytes"`      // written by this checkpoint
	FullBytes   int64  `json:"full_bytes"` // of all files it needs
	Incremental bool   `json:"incremental"`
}

// CheckpointFailed says that an attempt was given up. Consecutive is the count after it; superseded and suspended do not count.
type CheckpointFailed struct {
	ID          uint64 `json:"id"`
	Reason      string `json:"reason"` // expired, declined, io, too_large, superseded, suspended, task_failed
	Text        string `json:"text,omitempty"`
	Consecutive int    `json:"consecutive"`
}

// Restart says that the strategy granted a restart; it is written before the delay.
type Restart struct {
	Attempt  int    `json:"attempt"`
	DelayMS  int64  `json:"delay_ms"`
	Strategy string `json:"strategy"`
	Cause    string `json:"cause"`
}

// Committed says that a sink made the output of a checkpoint visible. Recovered: a restored run did it for its predecessor.
type Committed struct {
	ID        uint64 `json:"id"`
	Sink      string `json:"sink"`
	Recovered bool   `json:"recovered"`
}

// Summary closes a run. Its counts are this process's, replayed rows included.
type Summary struct {
	State       State            `json:"state"`
	DurationMS  int64            `json:"duration_ms"`
	Sources     []EndpointCounts `json:"sources"`
	Stages      []StageCounts    `json:"stages"`
	Sinks       []EndpointCounts `json:"sinks"`
	Checkpoints CheckpointCounts `json:"checkpoints"`
	Restarts    int              `json:"restarts"`
}

// EndpointCounts is what one source read or one sink published.
type EndpointCounts struct {
	Name  string `json:"name"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
}

// StageCounts is what passed one stage.
type StageCounts struct {
	ID      string `json:"id"`
	RowsIn  int64  `json:"rows_in"`
	RowsOut int64  `json:"rows_out"`
	Late    int64  `json:"late"`
	Skipped int64  `json:"skipped"`
	BusyNS  int64  `json:"busy_ns,omitempty"` // of all tasks together, the stages behind it not included
}

// CheckpointCounts is how the attempts of a process ended.
type CheckpointCounts struct {
	Completed int64 `json:"completed"`
	Failed    int64 `json:"failed"`
}

// Name implements Body.
func (*Job) Name() string { return "job" }

// Name implements Body.
func (*Restored) Name() string { return "restored" }

// Name implements Body.
func (*CheckpointTriggered) Name() string { return "checkpoint_triggered" }

// Name implements Body.
func (*CheckpointCompleted) Name() string { return "checkpoint_completed" }

// Name implements Body.
func (*CheckpointFailed) Name() string { return "checkpoint_failed" }

// Name implements Body.
func (*Restart) Name() string { return "restart" }

// Name implements Body.
func (*Committed) Name() string { return "committed" }

// Name implements Body.
func (*Summary) Name() string { return "summary" }

// bodies returns an empty body of each kind: the one table of kinds.
func bodies() []Body {
	return []Body{
		&Job{}, &Restored{}, &CheckpointTriggered{}, &CheckpointCompleted{}, &CheckpointFailed{}, &Restart{}, &Committed{}, &Summary{},
	}
}
