package vm_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pipec/checkpoint"
	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/state/vfs"
	"pipec/vm"
	"pipec/vm/clock"
	"pipec/vm/fault"
	"pipec/vm/sim"
)

// world is one process for tests: everything a job may touch, and what it said.
type world struct {
	t      *testing.T
	disk   *vfs.Mem
	clock  *clock.Fake
	events []event.Event
	faults []string
	fs     vfs.FS            // in front of the disk; nil: the disk
	watch  func(event.Event) // called with each event; may be nil
}

func newWorld(t *testing.T, faults ...string) *world {
	return &world{t: t, disk: vfs.NewMem(), clock: clock.NewFake(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), faults: faults}
}

// run executes the plan to its end; meddle is called after every step.
func (w *world) run(p *plan.Plan, seed uint64, request vm.Request, meddle func(*vm.Job)) vm.Result {
	w.t.Helper()
	w.events = nil
	set, err := fault.Parse(w.faults)
	if err != nil {
		w.t.Fatal(err)
	}
	sched := sim.New(seed, w.clock)
	fsys := w.fs
	if fsys == nil {
		fsys = w.disk
	}
	env := &vm.Env{FS: fsys, Clock: w.clock, Sched: sched, Random: sched.Random, Faults: set, Process: vm.Process{Host: "sim", ID: 1}, Local: w.t.TempDir(),
		Events: event.Func(func(e event.Event) {
			w.events = append(w.events, e)
			if w.watch != nil {
				w.watch(e)
			}
		})}
	job, err := vm.New(p, env, request)
	if err != nil {
		w.t.Fatal(err)
	}
	done := job.Start()
	sched.Run(func() bool {
		if meddle != nil {
			meddle(job)
		}
		return false
	})
	select {
	case res := <-done:
		return res
	default:
		w.t.Fatal("nothing runs and there is no result")
		return vm.Result{}
	}
}

func count[T event.Body](w *world) (n int, last T) {
	for _, e := range w.events {
		if b, ok := e.Body.(T); ok {
			n++
			last = b
		}
	}
	return n, last
}

func straight(t *testing.T, tasks int) []string {
	w := newWorld(t)
	if res := w.run(copyPlan(tasks, 199, plan.Forward), 1, vm.Request{}, nil); res.Err != nil {
		t.Fatal(res.Err)
	}
	return published(t, w.disk, "out")
}

func TestRestartsInTheProcess(t *testing.T) {
	want := straight(t, 2)
	for _, storage := range []string{"chk", ""} {
		for seed := range uint64(10) {
			w := newWorld(t, "fail,point=row,stage=out,row=60,times=3", "fail,point=snapshot,checkpoint=2", "fail,point=before-commit,nth=3", "fail,point=mid-commit,nth=2")
			p := copyPlan(2, 199, plan.Forward)
			p.Job.Checkpoint.Storage = storage
			if storage == "" {
				p.Job.State.Backend = "memory"
			}
			p.Job.Restart = plan.Restart{Strategy: "fixed_delay", Attempts: 10, Delay: time.Second}
			res := w.run(p, seed, vm.Request{}, nil)
			if res.Err != nil || res.State != event.Finished {
				t.Fatalf("seed %d: %s: %v", seed, res.State, res.Err)
			}
			if n, r := count[*event.Restart](w); n < 4 || r.DelayMS != 1000 {
				t.Fatalf("seed %d: %d restarts, the last %+v", seed, n, r)
			}
			if got := published(t, w.disk, "out"); !slices.Equal(got, want) {
				t.Fatalf("storage %q, seed %d: %d rows, want %d", storage, seed, len(got), len(want))
			}
		}
	}
}

func TestStrategyGivesUp(t *testing.T) {
	w := newWorld(t, "fail,point=row,stage=out,row=60,times=100")
	p := copyPlan(1, 199, plan.Forward)
	p.Job.Restart = plan.Restart{Strategy: "fixed_delay", Attempts: 3, Delay: time.Second}
	res := w.run(p, 1, vm.Request{}, nil)
	if res.State != event.Failed || res.Exit != 1 || !strings.Contains(res.Err.Error(), "no further restart") {
		t.Fatalf("%s, exit %d: %v", res.State, res.Exit, res.Err)
	}
	if n, _ := count[*event.Restart](w); n != 3 {
		t.Fatalf("%d restarts, want 3", n)
	}
	if res := w.run(p, 2, vm.Request{}, nil); res.Exit != 2 {
		t.Fatalf("a run that failed and kept its checkpoints is refused with exit 2, got %d: %v", res.Exit, res.Err)
	}
	w.faults = nil
	res = w.run(p, 3, vm.Request{Request: checkpoint.Request{Resume: true}}, nil)
	if res.State != event.Finished {
		t.Fatalf("resumed: %s: %v", res.State, res.Err)
	}
	if got, want := published(t, w.disk, "out"), straight(t, 1); !slices.Equal(got, want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
}

func TestSuspendAndGoOn(t *testing.T) {
	want := straight(t, 2)
	for seed := range uint64(20) {
		w := newWorld(t)
		steps, lives := 0, 0
		for {
			res := w.run(copyPlan(2, 199, plan.Hash), seed*100+uint64(lives), vm.Request{}, func(j *vm.Job) {
				if steps++; steps%int(40+seed) == 0 && lives < 30 {
					j.Suspend()
				}
			})
			lives++
			if res.Err != nil {
				t.Fatalf("seed %d: %v", seed, res.Err)
			}
			if res.State == event.Finished {
				break
			}
			if res.State != event.Suspended {
				t.Fatalf("seed %d: %s", seed, res.State)
			}
		}
		if got := published(t, w.disk, "out"); !slices.Equal(got, want) {
			t.Fatalf("seed %d, %d lives: %d rows, want %d", seed, lives, len(got), len(want))
		}
	}
}

func TestWithoutCheckpoints(t *testing.T) {
	w := newWorld(t)
	p := copyPlan(2, 199, plan.Forward)
	p.Job.Checkpoint = plan.Checkpoint{}
	if res := w.run(p, 1, vm.Request{}, nil); res.State != event.Finished {
		t.Fatalf("%s: %v", res.State, res.Err)
	}
	if got := published(t, w.disk, "out"); len(got) != 200 {
		t.Fatalf("%d rows", len(got))
	}
}

func TestTypoLeavesNothingBehind(t *testing.T) {
	w := newWorld(t)
	p := copyPlan(1, 10, plan.Forward)
	source := p.Nodes[0].Config.(*plan.SourceConfig)
	source.Connector = "file"
	source.Settings = plan.Settings{Values: []plan.Setting{{Name: "path", Value: "in/missing.json"}, {Name: "format", Value: "json", Sub: &plan.Settings{}}}}
	res := w.run(p, 1, vm.Request{}, nil)
	if res.Exit != 1 || res.State != event.Failed {
		t.Fatalf("%s, exit %d: %v", res.State, res.Exit, res.Err)
	}
	if entries, err := w.disk.ReadDir("."); err != nil || len(entries) != 0 {
		t.Fatalf("it left %v (%v)", entries, err)
	}
}
