// Package status is what a running job says of itself: the content of `pipec status`, of the live block of `run`, and of the metrics.
//
// Nothing here costs the data path anything: tasks keep plain counters, and copy them into a Part when somebody asks.
//
//	status.go   Job and its parts: what is told, as JSON
//	mark.go     Mark: a watermark as people and JSON write it
//	totals.go   Part, Totals: what tasks counted, added up by stage, also for the end report
//	tracker.go  Tracker: state, checkpoints and restarts, followed by the job's events
//	build.go    Build: parts, totals and the tracker make a Job
package status

import (
	"time"

	"pipec/checkpoint/event"
)

// Job is one running job at one moment. Counts are those of its process, replayed rows included.
type Job struct {
	Job         string      `json:"job"` // "" if the program names none
	Run         string      `json:"run"`
	Epoch       uint64      `json:"epoch"`
	Program     string      `json:"program"` // hash of its text
	Host        string      `json:"host"`
	Process     int         `json:"process"`
	Engine      string      `json:"engine"`
	Time        time.Time   `json:"time"`    // of this report
	Started     time.Time   `json:"started"` // of the process's run
	State       event.State `json:"state"`
	Since       time.Time   `json:"since"` // of the state
	Parallelism int         `json:"parallelism"`
	Backend     string      `json:"backend"`
	Restart     string      `json:"restart"` // the resolved strategy
	Restarts    int         `json:"restarts"`
	Cause       string      `json:"cause,omitempty"`      // of the last restart
	RestartAt   *time.Time  `json:"restart_at,omitempty"` // when the next attempt begins, while it waits
	Checkpoints Checkpoints `json:"checkpoints"`
	Restored    *Restored   `json:"restored,omitempty"` // what the running attempt began with
	Work        *Work       `json:"work,omitempty"`     // what takes long right now
	Watermark   Mark        `json:"watermark"`          // least over all stages with event time
	HeldBack    *Holder     `json:"held_back,omitempty"`
	Stages      []Stage     `json:"stages"`
}

// Checkpoints is how they go. Completed and Failed count those of this process.
type Checkpoints struct {
	IntervalMS  int64       `json:"interval_ms"` // 0: off
	Storage     string      `json:"storage,omitempty"`
	Completed   int64       `json:"completed"`
	Failed      int64       `json:"failed"`
	Consecutive int         `json:"consecutive_failures"`
	Last        *Checkpoint `json:"last,omitempty"`
	LastFailure *Failure    `json:"last_failure,omitempty"`
	Pending     *Pending    `json:"pending,omitempty"`
}

// Checkpoint is one that completed. Age is counted from its completion.
type Checkpoint struct {
	ID         uint64    `json:"id"`
	Path       string    `json:"path,omitempty"` // "": it lies in the process
	Time       time.Time `json:"time"`
	AgeMS      int64     `json:"age_ms"`
	DurationMS int64     `json:"duration_ms"`
	Bytes      int64     `json:"bytes"`      // written
	FullBytes  int64     `json:"full_bytes"` // of all files it needs
}

// Failure is the newest attempt at a checkpoint that was given up.
type Failure struct {
	ID     uint64    `json:"id"`
	Time   time.Time `json:"time"`
	Reason string    `json:"reason"`
	Text   string    `json:"text,omitempty"`
}

// Pending is the newest checkpoint that is being taken; Acked of Tasks have given their part.
type Pending struct {
	ID    uint64 `json:"id"`
	Kind  string `json:"kind"`
	ForMS int64  `json:"for_ms"`
	Tasks int    `json:"tasks"`
	Acked int    `json:"acked"`
}

// Restored is the snapshot that the running attempt began with.
type Restored struct {
	From       string `json:"from,omitempty"`
	Kind       string `json:"kind"`
	ID         uint64 `json:"id"`
	Bytes      int64  `json:"bytes"`
	DurationMS int64  `json:"duration_ms"`
}

// Work is something that takes long and has an end: Done of Total bytes.
type Work struct {
	What  string `json:"what"` // "restoring checkpoint 7"
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
}

// Holder is who holds the watermark back: the source whose watermark is least, and which of its splits.
type Holder struct {
	Source    string `json:"source"` // id of the source's node
	Split     string `json:"split,omitempty"`
	Why       string `json:"why"` // behind: its rows are; waiting: its turn has not come
	Watermark Mark   `json:"watermark"`
}

// Stage is one node of the plan, all its tasks together.
type Stage struct {
	ID        string  `json:"id"`
	Kind      string  `json:"kind"`
	Tasks     int     `json:"tasks"`
	RowsIn    int64   `json:"rows_in"`
	RowsOut   int64   `json:"rows_out"`
	Late      int64   `json:"late"`
	Skipped   int64   `json:"skipped"`
	Bytes     int64   `json:"bytes,omitempty"` // sources: read
	Held      int     `json:"held_up"`         // tasks that wait for room behind them: the slow stage is further down
	Timed     bool    `json:"timed"`           // its rows carry event time
	Watermark Mark    `json:"watermark"`       // least over its tasks
	Splits    *Splits `json:"splits,omitempty"`
}

// Splits is how far the splits of a source are.
type Splits struct {
	Total   int `json:"total"`
	Reading int `json:"reading"`
	Waiting int `json:"waiting"` // their turn has not come
	Idle    int `json:"idle"`    // silent for so long that they hold nobody back
	Ended   int `json:"ended"`
	// Behind is the one that holds the source's watermark back; "" if none is left. BehindWaits: it waits its turn.
	Behind      string `json:"behind,omitempty"`
	BehindMark  Mark   `json:"behind_watermark"`
	BehindWaits bool   `json:"behind_waits,omitempty"`
}
