package checkpoint

import (
	"fmt"

	"pipec/checkpoint/event"
)

// Holding is what a job's storage holds when a run wants to start.
type Holding struct {
	Run   *Run // the newest; nil: nothing was ever claimed
	Alive bool // it holds the lock
	// Damaged: the history cannot be read, so nobody knows how the newest run stands. ErrSnapshot.
	Damaged error
}

// Request is what the command line asks for.
type Request struct {
	Resume  bool
	Fresh   bool
	Restore string // -s, already resolved against the working directory; empty: not given
}

// Start is how a run begins.
type Start uint8

// The ways to begin.
const (
	Refused   Start = iota
	Empty           // without state
	Recovered       // from a checkpoint of the storage
	Restored        // from a snapshot that a user named, now or when the run began
)

// Decision is from what a run starts.
type Decision struct {
	Start      Start
	Run        string    // the run that goes on; empty: a new one begins
	Checkpoint Completed // Recovered: this one
	From       string    // Restored: this one; Recovered: what the run that goes on once began with
	Exit       int       // Refused: the exit code
	Text       string    // Refused: why, and the choices; else what to say at the start, may be empty
}

// Decide is the table of the contract of the command line: what an earlier run left decides how the next one starts. A run that died or
// was suspended is recovered, a run that ended is not.
func Decide(h Holding, r Request) Decision {
	run := h.Run
	switch {
	case h.Alive && run == nil: // it holds the lock and has not come to its claim
		return Decision{Exit: 5, Text: "the job is being started by another process"}
	case h.Alive:
		return Decision{Exit: 5, Text: fmt.Sprintf("the job is already running: run %s, process %d on %s", run.ID, run.Claim.Process, run.Claim.Host)}
	case h.Damaged != nil && r.Restore == "" && !r.Fresh:
		return Decision{Exit: 4, Text: h.Damaged.Error()}
	case r.Restore != "":
		return Decision{Start: Restored, From: r.Restore}
	case r.Fresh:
		return Decision{Start: Empty, Text: freshText(run)}
	case run == nil:
		return empty(r, "there is no earlier run")
	}
	switch run.End {
	case event.Finished, event.Stopped:
		return empty(r, fmt.Sprintf("run %s %s", run.ID, endWord(run.End)))
	case event.Failed, event.Cancelled:
		return decideEnded(run, r)
	}
	return decideDied(run)
}

// decideEnded is for a run that failed or was cancelled.
func decideEnded(run *Run, r Request) Decision {
	newest := run.Newest()
	if newest == nil || !run.Kept {
		return empty(r, fmt.Sprintf("run %s %s and left no checkpoint", run.ID, endWord(run.End)))
	}
	if r.Resume {
		return Decision{Start: Recovered, Run: run.ID, Checkpoint: *newest, From: run.From,
			Text: fmt.Sprintf("resuming run %s, which %s, from checkpoint %d", run.ID, endWord(run.End), newest.ID)}
	}
	return Decision{Exit: 2, Text: fmt.Sprintf("run %s %s and kept its checkpoints: --resume goes on from checkpoint %d, --fresh starts empty",
		run.ID, endWord(run.End), newest.ID)}
}

// decideDied is for a run that died or was suspended: it goes on, from its newest checkpoint or, before the first, from what it began with.
func decideDied(run *Run) Decision {
	how := "died"
	if run.End == event.Suspended {
		how = "was suspended"
	}
	d := Decision{Run: run.ID, From: run.From}
	switch newest := run.Newest(); {
	case newest != nil:
		d.Start, d.Checkpoint = Recovered, *newest
		d.Text = fmt.Sprintf("recovering run %s, which %s, from checkpoint %d", run.ID, how, newest.ID)
	case run.From != "":
		d.Start = Restored
		d.Text = fmt.Sprintf("run %s %s before its first checkpoint: starting again from %s", run.ID, how, run.From)
	default:
		d.Start = Empty
		d.Text = fmt.Sprintf("run %s %s before its first checkpoint: starting again empty", run.ID, how)
	}
	return d
}

func empty(r Request, why string) Decision {
	d := Decision{Start: Empty}
	if r.Resume {
		d.Text = "nothing to resume, starting empty: " + why
	}
	return d
}

func freshText(run *Run) string {
	if run == nil || run.Newest() == nil || (run.End == event.Finished || run.End == event.Stopped) {
		return ""
	}
	return fmt.Sprintf("starting empty; the files of run %s stay", run.ID)
}

func endWord(s event.State) string {
	switch s {
	case event.Cancelled, event.Stopped:
		return "was " + string(s)
	}
	return string(s)
}
