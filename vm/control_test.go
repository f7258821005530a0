package vm_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"pipec/checkpoint"
	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/state/vfs"
	"pipec/vm"
	"pipec/vm/status"
)

// TestCancel cancels at every so many steps of a run. Kept checkpoints are gone on from, and then nothing is lost or doubled; deleted ones are gone. Nothing
// is published twice.
func TestCancel(t *testing.T) {
	want := straight(t, 2)
	states := map[event.State]int{}
	for seed := range uint64(60) {
		keep := seed%2 == 0
		w := newWorld(t, "slow,point=after-metadata,by=3ms,times=1000", "fail,point=row,row=70")
		p := copyPlan(2, 199, plan.Hash)
		p.Job.Checkpoint.KeepOnCancel = keep
		p.Job.Restart = plan.Restart{Strategy: "fixed_delay", Attempts: 10, Delay: time.Millisecond}
		steps := 0
		res := w.run(p, seed, vm.Request{}, func(j *vm.Job) {
			if steps++; steps == int(seed)*7 {
				j.Cancel()
			}
		})
		states[res.State]++
		if res.Err != nil {
			t.Fatalf("seed %d: %v", seed, res.Err)
		}
		completed, _ := count[*event.CheckpointCompleted](w)
		if (res.GoOn != "") != (res.State == event.Cancelled && keep && completed > 0) {
			t.Fatalf("seed %d: %s with %d checkpoints, keep %v: %q", seed, res.State, completed, keep, res.GoOn)
		}
		if !keep || res.State == event.Finished || completed == 0 {
			got := visible(t, w.disk)
			if once := slices.Compact(slices.Clone(got)); len(once) != len(got) {
				t.Fatalf("seed %d: %d rows, %d of them once", seed, len(got), len(once))
			}
			continue
		}
		w.faults = nil
		if res = w.run(copyPlan(2, 199, plan.Hash), seed, vm.Request{Request: checkpoint.Request{Resume: true}}, nil); res.Err != nil {
			t.Fatalf("seed %d: %v", seed, res.Err)
		}
		if got := published(t, w.disk, "out"); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %d rows, want %d", seed, len(got), len(want))
		}
	}
	if states[event.Cancelled] < 20 {
		t.Fatalf("hardly any was cancelled: %v", states)
	}
}

// visible is what is published of a job that ended in between; what it had prepared is still there.
func visible(t *testing.T, disk *vfs.Mem) []string {
	t.Helper()
	entries, err := disk.ReadDir("out")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name, ".") {
			continue
		}
		data, err := vfs.ReadFile(disk, "out/"+e.Name)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Fields(string(data))...)
	}
	slices.Sort(lines)
	return lines
}

// TestCheckpointOnRequest asks for checkpoints at all times, from the first step on; each is answered once, with a checkpoint, a failure, or the end.
func TestCheckpointOnRequest(t *testing.T) {
	taken, refused := 0, 0
	for seed := range uint64(60) {
		w := newWorld(t, "fail,point=snapshot,nth=5", "fail,point=row,row=120")
		p := copyPlan(2, 199, plan.Hash)
		p.Job.Checkpoint.Interval = time.Hour
		p.Job.Checkpoint.Tolerate = 100
		p.Job.Restart = plan.Restart{Strategy: "fixed_delay", Attempts: 10, Delay: time.Millisecond}
		var answers []<-chan vm.Taken
		steps := 0
		if res := w.run(p, seed, vm.Request{}, func(j *vm.Job) {
			if steps++; steps%11 == 1 {
				answers = append(answers, j.Checkpoint())
			}
		}); res.Err != nil {
			t.Fatalf("seed %d: %v", seed, res.Err)
		}
		ids := map[uint64]bool{}
		for i, c := range answers {
			select {
			case a := <-c:
				switch {
				case a.Err != nil && strings.Contains(a.Err.Error(), "superseded"):
					t.Fatalf("seed %d: the last checkpoint holds what was asked for: %v", seed, a.Err)
				case a.Err != nil:
					refused++
				case a.Checkpoint.Path == "" || ids[a.Checkpoint.ID]:
					t.Fatalf("seed %d: %+v", seed, a.Checkpoint)
				default:
					ids[a.Checkpoint.ID] = true
					taken++
				}
			default:
				if i < len(answers)-5 { // what comes when the job has ended nobody reads
					t.Fatalf("seed %d: request %d of %d has no answer", seed, i, len(answers))
				}
			}
		}
	}
	if taken < 20 || refused < 5 {
		t.Fatalf("%d taken, %d refused", taken, refused)
	}
}

func TestCheckpointsOff(t *testing.T) {
	w := newWorld(t)
	p := copyPlan(1, 99, plan.Forward)
	p.Job.Checkpoint = plan.Checkpoint{}
	var answer <-chan vm.Taken
	w.run(p, 1, vm.Request{}, func(j *vm.Job) {
		if answer == nil {
			answer = j.Checkpoint()
		}
	})
	if a := <-answer; a.Err != vm.ErrNoCheckpoints {
		t.Fatal(a.Err)
	}
}

// TestStatus looks at a job at all times: counts never fall, watermarks neither while nothing fails, and the last look agrees with the end report.
func TestStatus(t *testing.T) {
	for seed := range uint64(10) {
		w := newWorld(t)
		var looks []<-chan status.Job
		steps := 0
		p := copyPlan(2, 199, plan.Hash)
		res := w.run(p, seed, vm.Request{}, func(j *vm.Job) {
			if steps++; steps%7 == 1 {
				looks = append(looks, j.Status())
			}
		})
		if res.Err != nil {
			t.Fatal(res.Err)
		}
		var last *status.Job
		for _, c := range looks {
			select {
			case s := <-c:
				if last != nil {
					grows(t, last, &s)
				}
				last = &s
			default:
			}
		}
		if last == nil || last.Checkpoints.Completed == 0 || last.Stages[0].RowsIn == 0 || last.Stages[0].RowsIn > 200 {
			t.Fatalf("seed %d: %+v", seed, last)
		}
		if sum := res.Summary.Stages; sum[0].RowsOut != 200 || sum[1].RowsIn != 200 {
			t.Fatalf("seed %d: %+v", seed, sum)
		}
	}
}

func grows(t *testing.T, a, b *status.Job) {
	t.Helper()
	if b.Time.Before(a.Time) || b.Checkpoints.Completed < a.Checkpoints.Completed || b.Watermark.Known() && b.Watermark < a.Watermark {
		t.Fatalf("%+v\nbefore %+v", b, a)
	}
	for i := range b.Stages {
		if b.Stages[i].RowsIn < a.Stages[i].RowsIn || b.Stages[i].RowsOut < a.Stages[i].RowsOut {
			t.Fatalf("%+v\nbefore %+v", b.Stages[i], a.Stages[i])
		}
	}
}
