package vm_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/state/vfs"
	"pipec/vm"
	"pipec/vm/clock"
	"pipec/vm/fault"
)

// faultPlan is copyPlan with two tasks, so that one commit has two outputs, and room for failures.
func faultPlan() *plan.Plan {
	p := copyPlan(2, 199, plan.Forward)
	p.Job.Checkpoint.Tolerate = 5
	p.Job.Restart = plan.Restart{Strategy: "fixed_delay", Attempts: 3, Delay: time.Second}
	return p
}

// TestFaultPoints holds what `fail` and `io` do at each point (the contract of the command line): up to the commit point they fail the checkpoint, at rows,
// at a restore and behind the commit point they fail the task. Whatever happens, the output is that of a straight run.
func TestFaultPoints(t *testing.T) {
	want := straight(t, 2)
	for _, c := range []struct {
		point   string // with what else the rule needs
		reason  map[string]string
		restart bool
		cause   string
	}{
		{point: "row,stage=numbers,row=40", restart: true, cause: "row of numbers"},
		{point: "row,stage=out,row=40", restart: true, cause: "row of out"},
		{point: "snapshot,checkpoint=2", reason: map[string]string{"fail": "declined", "io": "io"}, cause: "snapshot of numbers"},
		{point: "snapshot,stage=out,checkpoint=2", reason: map[string]string{"fail": "declined", "io": "io"}, cause: "snapshot of out"},
		{point: "write,checkpoint=2", reason: map[string]string{"fail": "declined", "io": "io"}, cause: "write of numbers"},
		{point: "write,stage=numbers,checkpoint=2", reason: map[string]string{"fail": "declined", "io": "io"}, cause: "write of numbers"},
		{point: "before-metadata,checkpoint=2", reason: map[string]string{"fail": "declined", "io": "io"}, cause: "before-metadata"},
		{point: "after-metadata,checkpoint=2", reason: map[string]string{"fail": "declined", "io": "io"}, cause: "after-metadata"},
		{point: "before-commit,checkpoint=2", restart: true, cause: "checkpoint 2 is complete, but its output could not be published: before-commit"},
		{point: "before-commit,stage=out,checkpoint=2", restart: true, cause: "before-commit of out"},
		{point: "mid-commit,checkpoint=2", restart: true, cause: "mid-commit of out"},
		{point: "after-commit,checkpoint=2", restart: true, cause: "after-commit of out"},
	} {
		for _, action := range []string{"fail", "io"} {
			rule := action + ",point=" + c.point
			t.Run(rule, func(t *testing.T) {
				w := newWorld(t, rule)
				res := w.run(faultPlan(), 7, vm.Request{}, nil)
				if res.State != event.Finished {
					t.Fatalf("%s: %v", res.State, res.Err)
				}
				if got := published(t, w.disk, "out"); !slices.Equal(got, want) {
					t.Errorf("%d rows, want %d", len(got), len(want))
				}
				restarts, last := count[*event.Restart](w)
				var failed []*event.CheckpointFailed
				for _, e := range w.events {
					if f, ok := e.Body.(*event.CheckpointFailed); ok && f.Consecutive > 0 {
						failed = append(failed, f)
					}
				}
				if c.restart {
					if restarts != 1 || !strings.Contains(last.Cause, c.cause) || !strings.Contains(last.Cause, rule) || len(failed) != 0 {
						t.Errorf("%d restarts, the last for %+v; failed checkpoints %v", restarts, last, failed)
					}
					return
				}
				if len(failed) != 1 || failed[0].ID != 2 || failed[0].Reason != c.reason[action] || failed[0].Consecutive != 1 || restarts != 0 {
					t.Fatalf("failed checkpoints %+v, %d restarts", failed, restarts)
				}
				if text := failed[0].Text; !strings.Contains(text, c.cause) || (action == "io") != strings.Contains(text, "input/output error") {
					t.Errorf("text %q", text)
				}
				if list, err := w.disk.ReadDir("chk/copy"); err != nil {
					t.Error(err)
				} else {
					for _, e := range list {
						if names, _ := w.disk.ReadDir("chk/copy/" + e.Name + "/chk-2"); len(names) > 0 {
							t.Errorf("the failed checkpoint left %v", names)
						}
					}
				}
			})
		}
	}
}

// TestFaultAtRestore: a task that fails while its state is read back goes to the strategy like any other.
func TestFaultAtRestore(t *testing.T) {
	want := straight(t, 2)
	for _, stage := range []string{"", ",stage=numbers"} {
		w := newWorld(t, "fail,point=row,stage=out,row=60", "fail,point=restore,times=2"+stage)
		res := w.run(faultPlan(), 3, vm.Request{}, nil)
		if n, last := count[*event.Restart](w); res.State != event.Finished || n != 3 || !strings.Contains(last.Cause, "restore of numbers") {
			t.Fatalf("%s after %d restarts, the last for %+v: %v", res.State, n, last, res.Err)
		}
		if got := published(t, w.disk, "out"); !slices.Equal(got, want) {
			t.Errorf("%d rows, want %d", len(got), len(want))
		}
	}
	w := newWorld(t, "fail,point=row,stage=out,row=60", "fail,point=restore,times=3")
	if res := w.run(faultPlan(), 3, vm.Request{}, nil); res.State != event.Failed || res.Exit != 1 || !strings.Contains(res.Err.Error(), "all 3 attempts were used") {
		t.Fatalf("%s, exit %d: %v", res.State, res.Exit, res.Err)
	}
}

// TestRowFaultEachAttempt is the example of the contract: times=3 fails three attempts and then lets the rows pass.
func TestRowFaultEachAttempt(t *testing.T) {
	w := newWorld(t, "fail,point=row,stage=out,row=50,times=3")
	res := w.run(faultPlan(), 5, vm.Request{}, nil)
	if n, _ := count[*event.Restart](w); res.State != event.Finished || n != 3 || res.Summary.Restarts != 3 {
		t.Fatalf("%s after %d restarts: %v", res.State, n, res.Err)
	}
}

// goroutines runs a job as production does, in a bubble of virtual time, and calls meddle when an event comes.
func goroutines(t *testing.T, p *plan.Plan, disk *vfs.Mem, meddle func(*vm.Job, event.Event), faults ...string) (res vm.Result, took time.Duration) {
	t.Helper()
	set, err := fault.Parse(faults)
	if err != nil {
		t.Fatal(err)
	}
	sched := &vm.Goroutines{Clock: clock.Real()}
	random := func() uint64 { return 1 << 63 }
	var job *vm.Job
	env := &vm.Env{FS: disk, Clock: clock.Real(), Sched: sched, Random: random, Faults: set, Process: vm.Process{Host: "box", ID: 1}, Local: t.TempDir(),
		Events: event.Func(func(e event.Event) {
			if meddle != nil {
				meddle(job, e)
			}
		})}
	job, err = vm.New(p, env, vm.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if set != nil {
		set.Wait = job.Hold
	}
	start := time.Now()
	res = <-job.Start()
	took = time.Since(start)
	sched.Wait()
	return res, took
}

// TestSlow: whoever is slow holds up nobody else. Checkpoints expire meanwhile, a failure elsewhere ends the wait, and so does the end of the job.
func TestSlow(t *testing.T) {
	quick := func() *plan.Plan {
		p := faultPlan()
		p.Job.Checkpoint.Interval, p.Job.Checkpoint.Timeout = 20*time.Millisecond, 50*time.Millisecond
		p.Nodes[0].Config.(*plan.SourceConfig).Settings.Values = append(p.Nodes[0].Config.(*plan.SourceConfig).Settings.Values, plan.Setting{Name: "rate", Value: 1000.0})
		return p
	}
	t.Run("a checkpoint expires while a task is slow, and the next one passes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var expired []string
			completed := 0
			res, took := goroutines(t, quick(), vfs.NewMem(), func(_ *vm.Job, e event.Event) {
				switch b := e.Body.(type) {
				case *event.CheckpointFailed:
					expired = append(expired, b.Reason+" "+b.Text)
				case *event.CheckpointCompleted:
					if len(expired) > 0 {
						completed++
					}
				}
			}, "slow,point=snapshot,checkpoint=2,by=70ms")
			if res.State != event.Finished || len(expired) == 0 || !strings.HasPrefix(expired[0], "expired not complete after 50ms, waiting for") || completed == 0 {
				t.Fatalf("%s after %s, failed %q, %d completed afterwards: %v", res.State, took, expired, completed, res.Err)
			}
		})
	})
	for _, point := range []string{"row,stage=numbers,row=20", "snapshot,checkpoint=2", "before-metadata,checkpoint=2", "after-metadata,checkpoint=2", "before-commit,checkpoint=2"} {
		t.Run("a kill ends the wait at "+point, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := quick()
				p.Job.Checkpoint.Timeout = 1000 * time.Hour
				p.Job.Checkpoint.Interval = 10 * time.Millisecond
				running := make(chan *vm.Job, 1)
				killed := make(chan struct{})
				go func() {
					j := <-running
					<-time.NewTimer(500 * time.Millisecond).C
					j.Kill(nil)
					close(killed)
				}()
				res, took := goroutines(t, p, vfs.NewMem(), func(j *vm.Job, _ event.Event) {
					select {
					case running <- j:
					default: // it has been told
					}
				}, "slow,point="+point+",by=100h")
				<-killed
				if res.State != event.Failed || took < 500*time.Millisecond || took > time.Second {
					t.Fatalf("%s after %s: %v", res.State, took, res.Err)
				}
			})
		})
	}
	t.Run("a failure of another task ends the wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := quick()
			p.Job.Checkpoint.Timeout = 1000 * time.Hour
			res, took := goroutines(t, p, vfs.NewMem(), nil, "slow,point=after-metadata,by=100h", "fail,point=row,stage=out,row=120")
			if res.State != event.Finished || res.Summary.Restarts != 1 || took > time.Minute {
				t.Fatalf("%s after %s, %d restarts: %v", res.State, took, res.Summary.Restarts, res.Err)
			}
		})
	})
}
