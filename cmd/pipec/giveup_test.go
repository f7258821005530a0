package main

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"pipec/checkpoint/event"
	"pipec/compiler"
	"pipec/compiler/plan"
	"pipec/state/vfs"
	"pipec/vm"
	"pipec/vm/clock"
)

const restoring = `
job big {
  state fs
  checkpoint every 10ms { storage = "storage", on_cancel = keep }
}
from sequence { to = 1_000_000_000, rate = 100_000 }
  |> key by value
  |> count
  |> into blackhole
`

func compiledText(t *testing.T, text string) *plan.Plan {
	t.Helper()
	r := compiler.Check(compiler.Options{File: "main.pipe", Text: text, Params: map[string]string{}, Sets: map[string]string{}})
	if r.List.HasErrors() {
		t.Fatal(r.List)
	}
	return r.Plan
}

// TestCancelRestore cancels a job while it reads its state back: no further key group is read, and the checkpoint stays.
func TestCancelRestore(t *testing.T) {
	disk := vfs.NewMem()
	life := func(fsys vfs.FS, meet func(*vm.Job, event.Event)) (*vm.Job, func() vm.Result) {
		sched := &vm.Goroutines{Clock: clock.Real()}
		var job *vm.Job
		env := &vm.Env{FS: fsys, Clock: clock.Real(), Sched: sched, Random: seeded(), Process: vm.Process{Host: "box", ID: 1}, Local: t.TempDir(),
			Events: event.Func(func(e event.Event) { meet(job, e) })}
		job, err := vm.New(compiledText(t, restoring), env, vm.Request{})
		if err != nil {
			t.Fatal(err)
		}
		return job, func() vm.Result {
			res := <-job.Start()
			sched.Wait()
			return res
		}
	}
	_, run := life(disk, func(j *vm.Job, e event.Event) {
		if c, ok := e.Body.(*event.CheckpointCompleted); ok && c.ID >= 3 {
			j.Kill(errors.New("no power"))
		}
	})
	run()

	var loads atomic.Int64
	var job *vm.Job
	watched := vfs.Observe(disk, vfs.Hooks{Read: func(o vfs.Op, _ []byte) {
		if !strings.Contains(o.Path, "-state") {
			return
		}
		if s := <-job.Status(); s.Work != nil && s.Work.What == "restoring" && loads.Add(1) == 5 {
			job.Cancel()
			<-job.Status() // behind the cancel
		}
	}})
	restored := false
	job, run = life(watched, func(_ *vm.Job, e event.Event) {
		_, is := e.Body.(*event.Restored)
		restored = restored || is
	})
	res := run()
	if res.State != event.Cancelled || res.Err != nil || restored || !strings.Contains(res.GoOn, "/chk-") || loads.Load() != 5 {
		t.Fatalf("%s, %d reads while restoring, restored %v, goes on with %q: %v", res.State, loads.Load(), restored, res.GoOn, res.Err)
	}
}
