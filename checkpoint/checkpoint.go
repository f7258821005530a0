// Package checkpoint takes consistent snapshots of a job and finds them again: who triggers them and when, what is written, which
// write is the commit point, what is kept, and from what a start goes on.
//
//   - checkpoint.go   Kind, Reason, Handle: the words of this package
//   - coordinator.go  Coordinator: when to trigger, what to wait for, when to give up; a pure machine
//   - attempt.go      one attempt of the coordinator, from trigger to commit
//   - message.go      the events that the coordinator takes and the actions it gives
//   - manifest.go     Manifest: the content of `_metadata`
//   - frame.go        small objects with a checksum: `_metadata` and history records
//   - history.go      the history: claims, checkpoints, ends; the fence
//   - storage.go      Storage: one job's directory; open, claim, write, record
//   - retain.go       what is deleted, and what never
//   - shared.go       files that several checkpoints need
//   - decide.go       Decide: from what a run starts, as a pure function
//   - snapshot.go     Snapshot: reading one back, verifying it
//   - list.go         List: what lies in a storage, and what to take instead of a damaged snapshot
//
// The model is that of Flink (Carbone et al., "Lightweight Asynchronous Snapshots for Distributed Dataflows", and its
// CheckpointCoordinator), except for the commit point: here it is the creation of a history record, which is also the fence against a
// predecessor that was thought dead.
//
// The package knows tasks by name and state as opaque handles. It imports neither state nor the executor; sub-packages hold the
// restart strategies (restart) and the events (event).
package checkpoint

import (
	"pipec/state/blob"
)

// Kind is why a checkpoint is taken.
type Kind string

// The kinds of checkpoints. A savepoint belongs to the user: it is not recorded, not released, and publishes nothing. Final is the last
// one of a bounded input or of a suspended job.
const (
	Periodic  Kind = "periodic"
	Manual    Kind = "manual"
	Savepoint Kind = "savepoint"
	Final     Kind = "final"
)

// Reason is why an attempt was given up.
type Reason string

// The reasons. The first four count for tolerate_failures.
const (
	Expired    Reason = "expired"     // not complete within the timeout
	Declined   Reason = "declined"    // a task could not take part
	IO         Reason = "io"          // state or metadata could not be written
	TooLarge   Reason = "too_large"   // a task's state is above the cap of the memory backend
	Superseded Reason = "superseded"  // a newer one completed first
	Suspended  Reason = "suspended"   // the job is being suspended
	TaskFailed Reason = "task_failed" // a task failed meanwhile
)

// Counts tells whether a failure for this reason counts for tolerate_failures (Flink's CheckpointFailureManager since 1.16).
func (r Reason) Counts() bool {
	switch r {
	case Expired, Declined, IO, TooLarge:
		return true
	}
	return false
}

func (r Reason) or(other Reason) Reason {
	if r == "" {
		return other
	}
	return r
}

// HandleKind says how a handle is divided at restore.
type HandleKind string

// The kinds of state. Keyed is divided by key group, split by split id, task goes to every task that asks, a token to its sink.
const (
	Keyed HandleKind = "keyed"
	Split HandleKind = "split"
	Task  HandleKind = "task"
	Token HandleKind = "token"
)

// Handle is one piece of a task's state in a snapshot. The bytes lie in files; Inline is for what is small by nature: positions,
// watermarks, tokens of sinks.
type Handle struct {
	Task   string     `json:"task"`           // name of the task that wrote it
	Node   string     `json:"node,omitempty"` // id of the plan node; empty when it holds several
	Kind   HandleKind `json:"kind"`
	From   int        `json:"from,omitempty"` // keyed: key groups [From, To)
	To     int        `json:"to,omitempty"`
	Files  []blob.Ref `json:"files,omitempty"` // names in the snapshot's store
	Inline []byte     `json:"inline,omitempty"`
}

// Bytes is the size of the state that the handle stands for.
func (h Handle) Bytes() int64 {
	n := int64(len(h.Inline))
	for _, f := range h.Files {
		n += f.Size
	}
	return n
}

// MaxInline is how many bytes a handle may hold inline: `_metadata` stays one small object.
const MaxInline = 1 << 20
