package checkpoint

import (
	"strings"
	"testing"

	"pipec/checkpoint/event"
)

// TestDecide is the table of the contract of the command line, row by row.
func TestDecide(t *testing.T) {
	run := func(end event.State, kept bool, from string, ids ...uint64) *Run {
		r := &Run{ID: "R1", End: end, Kept: kept, From: from, Claim: Record{Host: "box", Process: 42}}
		for _, id := range ids {
			r.Completed = append(r.Completed, Completed{ID: id})
		}
		return r
	}
	plain, resume, fresh, restore := Request{}, Request{Resume: true}, Request{Fresh: true}, Request{Restore: "/p/chk-3"}
	for _, c := range []struct {
		name  string
		holds Holding
		asks  Request
		start Start
		run   string // of the decision
		id    uint64
		exit  int
		text  string // contained in it; "": nothing is said
	}{
		{"nothing", Holding{}, plain, Empty, "", 0, 0, ""},
		{"nothing", Holding{}, resume, Empty, "", 0, 0, "nothing to resume, starting empty: there is no earlier run"},
		{"nothing", Holding{}, fresh, Empty, "", 0, 0, ""},
		{"nothing", Holding{}, restore, Restored, "", 0, 0, ""},

		{"finished", Holding{Run: run(event.Finished, false, "")}, plain, Empty, "", 0, 0, ""},
		{"finished", Holding{Run: run(event.Finished, false, "")}, resume, Empty, "", 0, 0, "run R1 finished"},
		{"stopped", Holding{Run: run(event.Stopped, false, "")}, resume, Empty, "", 0, 0, "run R1 was stopped"},
		{"stopped", Holding{Run: run(event.Stopped, false, "")}, restore, Restored, "", 0, 0, ""},
		{"failed without a checkpoint", Holding{Run: run(event.Failed, true, "")}, plain, Empty, "", 0, 0, ""},
		{"failed without a checkpoint", Holding{Run: run(event.Failed, true, "")}, resume, Empty, "", 0, 0, "run R1 failed and left no checkpoint"},
		{"cancelled, not kept", Holding{Run: run(event.Cancelled, false, "", 4)}, plain, Empty, "", 0, 0, ""},

		{"died", Holding{Run: run("", false, "", 4, 9)}, plain, Recovered, "R1", 9, 0, "recovering run R1, which died, from checkpoint 9"},
		{"died", Holding{Run: run("", false, "", 4, 9)}, resume, Recovered, "R1", 9, 0, "which died"},
		{"died", Holding{Run: run("", false, "", 4, 9)}, fresh, Empty, "", 0, 0, "the files of run R1 stay"},
		{"died", Holding{Run: run("", false, "", 4, 9)}, restore, Restored, "", 0, 0, ""},
		{"suspended", Holding{Run: run(event.Suspended, true, "", 9)}, plain, Recovered, "R1", 9, 0, "which was suspended"},
		{"died before its first", Holding{Run: run("", false, "")}, plain, Empty, "R1", 0, 0, "starting again empty"},
		{"died before its first, began from a snapshot", Holding{Run: run("", false, "/q/chk-1")}, plain, Restored, "R1", 0, 0, "starting again from /q/chk-1"},
		{"died after its first, began from a snapshot", Holding{Run: run("", false, "/q/chk-1", 2)}, plain, Recovered, "R1", 2, 0, "checkpoint 2"},

		{"failed", Holding{Run: run(event.Failed, true, "", 8, 9)}, plain, Refused, "", 0, 2, "run R1 failed and kept its checkpoints: --resume goes on from checkpoint 9, --fresh starts empty"},
		{"failed", Holding{Run: run(event.Failed, true, "", 8, 9)}, resume, Recovered, "R1", 9, 0, "resuming run R1"},
		{"failed", Holding{Run: run(event.Failed, true, "", 8, 9)}, fresh, Empty, "", 0, 0, "the files of run R1 stay"},
		{"failed", Holding{Run: run(event.Failed, true, "", 8, 9)}, restore, Restored, "", 0, 0, ""},
		{"cancelled, kept", Holding{Run: run(event.Cancelled, true, "", 9)}, plain, Refused, "", 0, 2, "was cancelled and kept"},
		{"cancelled, kept", Holding{Run: run(event.Cancelled, true, "", 9)}, resume, Recovered, "R1", 9, 0, "was cancelled"},

		{"alive", Holding{Run: run("", false, "", 9), Alive: true}, plain, Refused, "", 0, 5, "run R1, process 42 on box"},
		{"alive", Holding{Run: run("", false, "", 9), Alive: true}, resume, Refused, "", 0, 5, "already running"},
		{"alive", Holding{Run: run("", false, "", 9), Alive: true}, fresh, Refused, "", 0, 5, "already running"},
		{"alive", Holding{Run: run("", false, "", 9), Alive: true}, restore, Refused, "", 0, 5, "already running"},
		{"alive and just starting", Holding{Alive: true}, plain, Refused, "", 0, 5, "another process"},
	} {
		d := Decide(c.holds, c.asks)
		if d.Start != c.start || d.Run != c.run || d.Checkpoint.ID != c.id || d.Exit != c.exit ||
			!strings.Contains(d.Text, c.text) || (d.Text == "") != (c.text == "") {
			t.Errorf("%s, %+v:\n%+v", c.name, c.asks, d)
		}
		if c.asks.Restore != "" && c.start == Restored && d.From != c.asks.Restore {
			t.Errorf("%s: from %q", c.name, d.From)
		}
	}
}
