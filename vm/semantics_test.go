package vm_test

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pipec/checkpoint"
	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/state/vfs"
	"pipec/vm"
)

// TestPrepareFailsTheTask: what fails while a task takes its part of a checkpoint, before it reads on, fails the task and not only the checkpoint, whatever
// tolerate_failures says (flink-facts 74): nobody knows any more what of the output is there.
func TestPrepareFailsTheTask(t *testing.T) {
	want := straight(t, 2)
	w := newWorld(t)
	broken := 0
	w.fs = vfs.Observe(w.disk, vfs.Hooks{Before: func(op vfs.Op) error {
		if done, _ := count[*event.CheckpointCompleted](w); op.Kind == "sync" && strings.HasPrefix(op.Path, "out/.pending-") && done == 2 && broken == 0 {
			broken++
			return syscall.ENOSPC
		}
		return nil
	}})
	res := w.run(faultPlan(), 7, vm.Request{}, nil)
	n, last := count[*event.Restart](w)
	if res.State != event.Finished || broken != 1 || n != 1 || !strings.Contains(last.Cause, "no space left on device") {
		t.Fatalf("%s, %d restarts, the last for %+v: %v", res.State, n, last, res.Err)
	}
	for _, e := range w.events {
		if f, ok := e.Body.(*event.CheckpointFailed); ok && f.Consecutive > 0 {
			t.Errorf("a task that failed is no failure of a checkpoint: %+v", f)
		}
	}
	if got := published(t, w.disk, "out"); !slices.Equal(got, want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
}

// TestDeletionFails: that an old checkpoint cannot be deleted is said and changes nothing (flink-facts 113); it goes with a later one.
func TestDeletionFails(t *testing.T) {
	w := newWorld(t)
	refused := 0
	w.fs = vfs.Observe(w.disk, vfs.Hooks{Before: func(op vfs.Op) error {
		deletes := op.Kind == "remove" || op.Kind == "removeall"
		if done, _ := count[*event.CheckpointCompleted](w); deletes && strings.Contains(op.Path, "/chk-") && done < 6 {
			refused++
			return syscall.EIO
		}
		return nil
	}})
	most, looks := 0, 0
	p := faultPlan()
	p.Nodes[0].Config.(*plan.SourceConfig).Settings.Values[1].Value = int64(1999)
	res := w.run(p, 7, vm.Request{}, func(*vm.Job) {
		if done, _ := count[*event.CheckpointCompleted](w); done >= 8 {
			most, looks = max(most, len(metadata(t, w))), looks+1
		}
	})
	if res.State != event.Finished || refused == 0 || res.Summary.Restarts != 0 {
		t.Fatalf("%s, %d deletions refused, %d restarts: %v", res.State, refused, res.Summary.Restarts, res.Err)
	}
	if left := metadata(t, w); len(left) != 0 || most > 3 || looks == 0 { // the newest, one that is being written, one that is being released
		t.Errorf("up to %d checkpoints once deleting worked again; the finished run leaves %v", most, left)
	}
	if got := published(t, w.disk, "out"); len(got) != 2000 {
		t.Errorf("%d rows", len(got))
	}
}

// TestLateUpload: a checkpoint is given up because one task could not write its part; whatever another one finishes later does not stay, not even until the next
// checkpoint. Nor does it when the run has ended meanwhile.
func TestLateUpload(t *testing.T) {
	late := 0
	for seed := range uint64(60) {
		w := newWorld(t, "io,point=write,checkpoint=1")
		failed := false
		w.fs = vfs.Observe(w.disk, vfs.Hooks{Before: func(op vfs.Op) error {
			if failed && op.Kind == "rename" && strings.Contains(op.To, "/chk-1/") {
				late++
			}
			return nil
		}})
		w.watch = func(e event.Event) {
			switch b := e.Body.(type) {
			case *event.CheckpointFailed:
				failed = true
			case *event.CheckpointTriggered:
				if b.ID == 1 {
					return
				}
				for _, name := range files(t, w.disk, "chk") {
					if strings.Contains(name, "/chk-1/") {
						t.Errorf("seed %d: %s is still there when checkpoint %d is triggered", seed, name, b.ID)
					}
				}
			}
		}
		p := faultPlan()
		p.Job.Checkpoint.Interval = time.Hour
		asked := false
		res := w.run(p, seed, vm.Request{}, func(j *vm.Job) {
			if _, last := count[*event.Job](w); !asked && last != nil && last.State == event.Running {
				asked = true
				j.Checkpoint()
			}
		})
		if left := files(t, w.disk, "chk"); res.State != event.Finished || !failed || slices.ContainsFunc(left, func(name string) bool { return strings.Contains(name, "/chk-") }) {
			t.Fatalf("seed %d: %s, and left %v: %v", seed, res.State, left, res.Err)
		}
	}
	if late == 0 {
		t.Error("no upload came late")
	}
}

// TestNothingBehindTheEnd: a task fails for good while the record of a checkpoint is being written. How the run ended is the last thing that the history says of it, and
// the checkpoint counts if its record is there.
func TestNothingBehindTheEnd(t *testing.T) {
	for seed := range uint64(100) { // in some of them it is so
		w := newWorld(t, "fail,point=row,stage=out,row=60")
		p := faultPlan()
		p.Job.Restart = plan.Restart{Strategy: "none"}
		p.Job.Checkpoint.Interval = time.Millisecond
		res := w.run(p, seed, vm.Request{}, nil)
		records := files(t, w.disk, "chk/copy/history")
		last, err := vfs.ReadFile(w.disk, records[len(records)-1])
		if err != nil {
			t.Fatal(err)
		}
		if _, job := count[*event.Job](w); res.State != event.Failed || job.State != event.Failed || !strings.Contains(string(last), `"type":"end"`) {
			t.Fatalf("seed %d: %s, and the last record is %s", seed, res.State, last)
		}
		if done, c := count[*event.CheckpointCompleted](w); done > 0 && c.Path != res.GoOn {
			t.Errorf("seed %d: it goes on from %s, the newest is %s", seed, res.GoOn, c.Path)
		}
	}
}

// TestSuccessorIsTheCause: a process is thought dead in the middle of writing a record; its successor sweeps away what it had begun, so that it fails with an error of the disk. What it
// says in the end is that it has a successor, and not how to go on.
func TestSuccessorIsTheCause(t *testing.T) {
	want := straight(t, 2)
	w := newWorld(t)
	taken := false
	w.fs = vfs.Observe(w.disk, vfs.Hooks{Before: func(op vfs.Op) error {
		if done, _ := count[*event.CheckpointCompleted](w); op.Kind == "link" && strings.Contains(op.To, "/history/") && done == 2 && !taken {
			taken = true
			if err := w.disk.Remove("chk/copy/lock"); err != nil {
				t.Fatal(err)
			}
			next := newWorld(t)
			next.disk = w.disk
			if res := next.run(faultPlan(), 8, vm.Request{}, nil); res.State != event.Finished {
				t.Fatalf("the successor %s: %v", res.State, res.Err)
			}
		}
		return nil
	}})
	p := faultPlan()
	p.Job.Restart = plan.Restart{Strategy: "none"}
	p.Job.Checkpoint.Tolerate = 0
	res := w.run(p, 7, vm.Request{}, nil)
	_, job := count[*event.Job](w)
	if !taken || res.State != event.Failed || !errors.Is(res.Err, checkpoint.ErrFenced) || res.Exit != 1 || res.GoOn != "" || job.Cause != res.Err.Error() {
		t.Errorf("%s, exit %d, goes on from %q: %v; the event says %+v", res.State, res.Exit, res.GoOn, res.Err, job)
	}
	if got := published(t, w.disk, "out"); !slices.Equal(got, want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
}

// metadata lists the checkpoints that lie in the storage.
func metadata(t *testing.T, w *world) []string {
	t.Helper()
	return slices.DeleteFunc(files(t, w.disk, "chk"), func(name string) bool { return !strings.HasSuffix(name, "/_metadata") })
}

// TestRetentionAtEveryStep: after every step of every machine, once a checkpoint is complete, one that the history has is whole on the disk (flink-facts 107).
func TestRetentionAtEveryStep(t *testing.T) {
	for _, retain := range []int{1, 3} {
		for seed := range uint64(5) {
			w := newWorld(t, "fail,point=row,stage=out,row=80", "fail,point=before-commit,checkpoint=4", "io,point=after-metadata,checkpoint=6")
			p := faultPlan()
			p.Job.Checkpoint.Retain = retain
			steps := 0
			res := w.run(p, seed, vm.Request{}, func(*vm.Job) {
				done, last := count[*event.CheckpointCompleted](w)
				if done == 0 || w.events[len(w.events)-1].Body.Name() == "summary" {
					return
				}
				steps++
				if ended, j := count[*event.Job](w); ended > 0 && j.State == event.Finished {
					return
				}
				list := metadata(t, w)
				if len(list) == 0 || len(list) > retain+3 {
					t.Fatalf("retain %d, seed %d: %d checkpoints after %d", retain, seed, len(list), last.ID)
				}
			})
			if res.State != event.Finished || steps < 100 {
				t.Fatalf("retain %d, seed %d: %s after %d looks: %v", retain, seed, res.State, steps, res.Err)
			}
		}
	}
}

// TestRestartTimes: by the virtual clock a restart comes exactly when the strategy says, and the strategy sees the time of the failure, not that of the restart.
func TestRestartTimes(t *testing.T) {
	for _, c := range []struct {
		name    string
		set     plan.Restart
		times   int
		delays  []int64
		survive bool
	}{
		{"fixed", plan.Restart{Strategy: "fixed_delay", Attempts: 3, Delay: 7 * time.Second}, 3, []int64{7000, 7000, 7000}, true},
		{"fixed, one too many", plan.Restart{Strategy: "fixed_delay", Attempts: 3, Delay: 7 * time.Second}, 4, []int64{7000, 7000, 7000}, false},
		{"rate, spread by its own delay", plan.Restart{Strategy: "failure_rate", MaxFailures: 1, Interval: 5 * time.Second, Delay: 6 * time.Second}, 5, []int64{6000, 6000, 6000, 6000, 6000}, true},
		{"rate, not spread", plan.Restart{Strategy: "failure_rate", MaxFailures: 1, Interval: 5 * time.Second, Delay: 4 * time.Second}, 5, []int64{4000}, false},
		{"exponential", plan.Restart{Strategy: "exponential_delay", Initial: time.Second, Max: 10 * time.Second, Multiplier: 3, ResetAfter: time.Hour}, 5, []int64{1000, 3000, 9000, 10000, 10000}, true},
	} {
		w := newWorld(t, "fail,point=row,stage=out,row=60,times="+string(rune('0'+c.times)))
		p := faultPlan()
		p.Job.Restart = c.set
		res := w.run(p, 4, vm.Request{}, nil)
		var delays []int64
		var due time.Time
		for _, e := range w.events {
			switch b := e.Body.(type) {
			case *event.Restart:
				delays, due = append(delays, b.DelayMS), e.Time.Add(time.Duration(b.DelayMS)*time.Millisecond)
			case *event.Job:
				if b.State == event.Running && !due.IsZero() && (e.Time.Before(due.Add(-time.Millisecond)) || e.Time.After(due.Add(time.Second))) {
					t.Errorf("%s: it runs again at %v, due at %v", c.name, e.Time, due)
				}
			}
		}
		if !slices.Equal(delays, c.delays) || (res.State == event.Finished) != c.survive {
			t.Errorf("%s: %s after %v, want %v: %v", c.name, res.State, delays, c.delays, res.Err)
		}
	}
}
