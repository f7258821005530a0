package sim

import (
	"io"
	"regexp"
	"strconv"
	"testing"
	"time"

	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/state/vfs"
	"pipec/vm"
)

// capped runs a small job whose one checkpoint, the last, must fit into max bytes. It gives what the checkpoint failed with, "" if it was complete.
func capped(t *testing.T, max int64) string {
	t.Helper()
	const text = `job sim {}

sink out into file { path = "out", format json, key k }

from sequence { to = 99 }
  |> key by k = value % 10
  |> count as n
  |> into out
`
	w := newWorld(&Scenario{Job: Job{Text: text}, Groups: 16}, vfs.NewMem(), 1)
	pl, err := compile(text, 16, 1)
	if err != nil {
		t.Fatal(err)
	}
	pl.Job.State = plan.State{Backend: "memory", MaxSize: max}
	pl.Job.Checkpoint = plan.Checkpoint{Interval: time.Hour, Storage: storage, Timeout: time.Hour, MaxConcurrent: 1, Retain: 1}
	pl.Job.Restart = plan.Restart{Strategy: "none"}
	failed := ""
	hear := func(e event.Event) {
		if b, ok := e.Body.(*event.CheckpointFailed); ok {
			failed = b.Reason + ": " + b.Text
		}
	}
	env := &vm.Env{FS: w.disk, Clock: w.clock, Sched: w.sched, Random: w.sched.Random, Stdout: io.Discard, Events: event.Func(hear), Local: "local", Inline: true}
	job, err := vm.New(pl, env, vm.Request{})
	if err != nil {
		t.Fatal(err)
	}
	done := job.Start()
	w.sched.Run(func() bool { return false })
	if res := <-done; (res.State == event.Finished) != (failed == "") {
		t.Fatalf("the job %s, the checkpoint failed with %q: %v", res.State, failed, res.Err)
	}
	return failed
}

// TestCapIsExact holds `state memory` to its word: max_size bytes fit, one byte less does not.
func TestCapIsExact(t *testing.T) {
	failed := capped(t, 1)
	found := regexp.MustCompile(`^too_large: .* is (\d+) bytes`).FindStringSubmatch(failed)
	if found == nil {
		t.Fatalf("one byte is enough? %q", failed)
	}
	size, _ := strconv.ParseInt(found[1], 10, 64)
	if failed := capped(t, size); failed != "" {
		t.Errorf("%d bytes do not fit into %d: %s", size, size, failed)
	}
	if capped(t, size-1) == "" {
		t.Errorf("%d bytes fit into %d", size, size-1)
	}
}

// TestReductions holds every word of Shrink to its meaning.
func TestReductions(t *testing.T) {
	full, err := Generate(12, "")
	if err != nil {
		t.Fatal(err)
	}
	small, err := Generate(12, "lives=1 tasks=1 batch=1 plain=1 rows=5 fault=0 sched=3")
	if err != nil {
		t.Fatal(err)
	}
	if len(small.Lives) != 1 || small.Lives[0].Tasks != 1 || small.Lives[0].Batch != 1 || small.Lives[0].Slow != 0 || small.Sched != 3 {
		t.Errorf("%s", small)
	}
	for _, f := range small.Faults {
		if f.Life > 0 || f == full.Faults[0] {
			t.Errorf("%s is still there", f)
		}
	}
	if len(small.Job.Inputs) > 0 && len(small.Job.Inputs[0].Data) >= len(full.Job.Inputs[0].Data) {
		t.Error("the input has not become smaller")
	}
	if _, err := Generate(12, "rows=many"); err == nil {
		t.Error("rows=many is no reduction")
	}
}

// TestDeadlockIsFound makes sure that a machine that nobody wakes is seen.
func TestDeadlockIsFound(t *testing.T) {
	w := newWorld(&Scenario{}, vfs.NewMem(), 1)
	w.sched.Start("sleeper", sleeper{})
	w.sched.Run(func() bool { return false })
	if len(w.sched.actors) != 1 {
		t.Error("the sleeper is gone")
	}
}

// sleeper waits for ever.
type sleeper struct{}

// Step implements vm.Machine.
func (sleeper) Step() (vm.Progress, time.Time) { return vm.Waiting, time.Time{} }
