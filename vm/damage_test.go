package vm_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
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

// killed runs a job until so many checkpoints are complete and kills it there, so that the newest of them lies in the storage with its predecessors.
func killed(t *testing.T, checkpoints int) *world {
	t.Helper()
	w := newWorld(t)
	p := copyPlan(2, 399, plan.Forward)
	p.Job.Checkpoint.Retain = 3
	res := w.run(p, 11, vm.Request{}, func(j *vm.Job) {
		if n, _ := count[*event.CheckpointCompleted](w); n >= checkpoints {
			j.Kill(errors.New("killed"))
		}
	})
	if res.Err == nil || res.Err.Error() != "killed" {
		t.Fatalf("%s: %v", res.State, res.Err)
	}
	return w
}

// files lists a folder and everything below it.
func files(t *testing.T, disk *vfs.Mem, dir string) []string {
	t.Helper()
	entries, err := disk.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		name := path.Join(dir, e.Name)
		if e.Dir {
			names = append(names, files(t, disk, name)...)
		} else {
			names = append(names, name)
		}
	}
	return names
}

func content(t *testing.T, disk *vfs.Mem) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range files(t, disk, ".") {
		data, err := vfs.ReadFile(disk, name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(data)
	}
	return all
}

// same says in what two disks differ.
func same(t *testing.T, what string, before, after map[string]string) {
	t.Helper()
	for name, data := range before {
		if got, ok := after[name]; !ok {
			t.Errorf("%s: %s is gone", what, name)
		} else if got != data {
			t.Errorf("%s: %s was changed", what, name)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			t.Errorf("%s: %s is new", what, name)
		}
	}
}

// TestDamage damages each file of the newest checkpoint in each way, with bits flipped all over it. A start, whether it recovers or was told
// to take that checkpoint, ends with exit code 4 before it has taken a row, names the file, lists the older checkpoints that verify and no
// other, and leaves the disk as it was.
func TestDamage(t *testing.T) {
	w := killed(t, 5)
	p := copyPlan(2, 399, plan.Forward)
	p.Job.Checkpoint.Retain = 3
	intact := content(t, w.disk)
	newest := newestCheckpoint(t, w)
	rng := rand.New(rand.NewPCG(1, 2))
	try := func(file, how string, data []byte) {
		t.Helper()
		if data == nil && how == "missing" {
			if err := w.disk.Remove(file); err != nil {
				t.Fatal(err)
			}
		} else if err := vfs.WriteFile(w.disk, file, data); err != nil {
			t.Fatal(err)
		}
		before := content(t, w.disk)
		requests := []checkpoint.Request{{}, {Restore: newest}, {Resume: true}, {Restore: newest + "/_metadata"}}
		if strings.HasPrefix(how, "flipped") {
			requests = requests[:2]
		}
		for _, request := range requests {
			res := w.run(p, 3, vm.Request{Request: request}, nil)
			what := fmt.Sprintf("%s %s, %+v", file, how, request)
			if res.Exit != 4 || res.State != event.Failed || !errors.Is(res.Err, checkpoint.ErrSnapshot) {
				t.Fatalf("%s: %s, exit %d: %v", what, res.State, res.Exit, res.Err)
			}
			text := res.Err.Error()
			if !strings.Contains(text, file) && !(how == "missing" && strings.Contains(text, path.Dir(file))) {
				t.Errorf("%s: the file is not named: %s", what, text)
			}
			_, list, _ := strings.Cut(text, "older and intact:\n")
			if n := strings.Count(list, "/chk-"); n < 2 || strings.Contains(list, newest) {
				t.Errorf("%s: not the two older ones: %s", what, text)
			}
			for _, s := range res.Summary.Stages {
				if s.RowsIn+s.RowsOut > 0 {
					t.Errorf("%s: %+v", what, s)
				}
			}
			same(t, what, before, content(t, w.disk))
			if t.Failed() {
				t.FailNow()
			}
		}
		if err := vfs.WriteFile(w.disk, file, []byte(intact[file])); err != nil {
			t.Fatal(err)
		}
	}
	damaged := 0
	for _, file := range files(t, w.disk, newest) {
		damaged++
		data := []byte(intact[file])
		try(file, "missing", nil)
		try(file, "empty", []byte{})
		try(file, "truncated", data[:rng.IntN(len(data)-1)+1])
		try(file, "longer", append(slices.Clone(data), 0))
		for i := rng.IntN(7); i < len(data); i += 1 + rng.IntN(2*len(data)/120+1) { // that every byte is under a checksum, the tests of the formats show
			flipped := slices.Clone(data)
			flipped[i] ^= 1 << rng.IntN(8)
			try(file, fmt.Sprintf("flipped at %d", i), flipped)
		}
	}
	if damaged != 3 {
		t.Fatalf("%d files in %s, want _metadata and a state file of each task", damaged, newest)
	}
	// Restored to what it was, it recovers and loses nothing.
	res := w.run(p, 3, vm.Request{}, nil)
	if res.State != event.Finished {
		t.Fatalf("%s: %v", res.State, res.Err)
	}
	if got := published(t, w.disk, "out"); len(got) != 400 || !slices.Equal(got, slices.Compact(slices.Clone(got))) {
		t.Fatalf("%d rows", len(got))
	}
}

// newestCheckpoint is the directory of the last one that was completed.
func newestCheckpoint(t *testing.T, w *world) string {
	t.Helper()
	_, last := count[*event.CheckpointCompleted](w)
	if last == nil {
		t.Fatal("no checkpoint was completed")
	}
	return last.Path
}

// TestDamagedRecord: so is a start when the record of the newest checkpoint, or the newest claim, is damaged; --fresh and -s are the ways out.
func TestDamagedRecord(t *testing.T) {
	w := killed(t, 4)
	p := copyPlan(2, 399, plan.Forward)
	p.Job.Checkpoint.Retain = 3
	records := files(t, w.disk, "chk/copy/history")
	older := newestCheckpoint(t, w)
	for _, record := range []string{records[0], records[len(records)-1]} {
		data, err := vfs.ReadFile(w.disk, record)
		if err != nil {
			t.Fatal(err)
		}
		bad := slices.Clone(data)
		bad[len(bad)/2] ^= 2
		if err := vfs.WriteFile(w.disk, record, bad); err != nil {
			t.Fatal(err)
		}
		before := content(t, w.disk)
		res := w.run(p, 3, vm.Request{}, nil)
		if res.Exit != 4 || !strings.Contains(res.Err.Error(), record+": damaged") || !strings.Contains(res.Err.Error(), older) || !strings.Contains(res.Err.Error(), "--fresh") {
			t.Fatalf("%s: exit %d: %v", record, res.Exit, res.Err)
		}
		same(t, record, before, content(t, w.disk))
		if res := w.run(p, 4, vm.Request{Request: checkpoint.Request{Restore: older}}, nil); res.State != event.Finished {
			t.Fatalf("%s, restored from %s: %s: %v", record, older, res.State, res.Err)
		}
		w = killed(t, 4)
		older = newestCheckpoint(t, w)
		records = files(t, w.disk, "chk/copy/history")
	}
}

// TestWriteErrors lets each operation on the storage of checkpoints fail once with the words of the operating system. The checkpoint fails with them, those before
// it stay and can be restored, the job goes on as tolerate_failures allows, and its output is that of a straight run.
func TestWriteErrors(t *testing.T) {
	want := straight(t, 2)
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EIO} {
		failures := 0
		for at := 1; ; at++ {
			hit, ok := writeError(t, want, errno, at)
			if !ok {
				break
			}
			if hit {
				failures++
			}
		}
		if failures < 40 {
			t.Errorf("%v: only %d operations failed a checkpoint: the test does not see what it should", errno, failures)
		}
	}
}

// writeError runs the job with the at-th operation on checkpoint files failing; ok is false when there are not so many.
func writeError(t *testing.T, want []string, errno syscall.Errno, at int) (hit, ok bool) {
	t.Helper()
	w := newWorld(t)
	n, failed := 0, ""
	completed := ""
	disturbed := vfs.Observe(w.disk, vfs.Hooks{Before: func(op vfs.Op) error {
		deletes := op.Kind == "remove" || op.Kind == "removeall"
		if completed == "" || !op.Changes() || deletes || !strings.Contains(op.Path, "/chk-") && !strings.Contains(op.Path, "/history") {
			return nil
		}
		if n++; n == at {
			failed = op.String()
			return &vfs.Partial{N: 3, Err: errno}
		}
		return nil
	}})
	var reasons []*event.CheckpointFailed
	watch := func(e event.Event) {
		switch b := e.Body.(type) {
		case *event.CheckpointCompleted:
			completed = b.Path
		case *event.CheckpointFailed:
			if b.Consecutive == 0 {
				return
			}
			reasons = append(reasons, b)
			snap, err := checkpoint.ReadSnapshot(completed, w.disk)
			if err == nil {
				err = snap.Verify()
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("operation %d (%s): the checkpoint before the failure: %v", at, failed, err)
			}
		}
	}
	p := faultPlan()
	p.Job.Checkpoint.Tolerate = 2
	p.Job.Restart = plan.Restart{Strategy: "none"}
	w.fs, w.watch = disturbed, watch
	res := w.run(p, 7, vm.Request{}, nil)
	if failed == "" {
		return false, false
	}
	if res.State != event.Finished {
		t.Fatalf("operation %d (%s): %s: %v", at, failed, res.State, res.Err)
	}
	for _, r := range reasons {
		if r.Reason != "io" || !strings.Contains(r.Text, errno.Error()) {
			t.Errorf("operation %d (%s): %+v", at, failed, r)
		}
	}
	if len(reasons) > 1 {
		t.Errorf("operation %d (%s): one error, %d checkpoints failed", at, failed, len(reasons))
	}
	if got := published(t, w.disk, "out"); !slices.Equal(got, want) {
		t.Fatalf("operation %d (%s): %d rows, want %d", at, failed, len(got), len(want))
	}
	return len(reasons) > 0, true
}

// TestDiskStaysFull: one more failure than is tolerated fails the job, with the disk's words, and what was complete before stays.
func TestDiskStaysFull(t *testing.T) {
	for _, tolerate := range []int{0, 2} {
		w := newWorld(t)
		full := false
		disk := vfs.Observe(w.disk, vfs.Hooks{Before: func(op vfs.Op) error {
			if full && op.Kind == "write" && strings.Contains(op.Path, "/chk-") {
				return syscall.ENOSPC
			}
			return nil
		}})
		p := faultPlan()
		p.Job.Checkpoint.Tolerate = tolerate
		p.Job.Restart = plan.Restart{Strategy: "fixed_delay", Attempts: 1, Delay: time.Second}
		var failed, last int
		path := ""
		w.fs, w.watch = disk, func(e event.Event) {
			switch b := e.Body.(type) {
			case *event.CheckpointCompleted:
				full, path = true, b.Path
			case *event.CheckpointFailed:
				if b.Consecutive > 0 {
					failed, last = failed+1, b.Consecutive
				}
			}
		}
		res := w.run(p, 7, vm.Request{}, nil)
		// One restart, and each of both attempts fails after its first failure above the limit.
		if res.State != event.Failed || failed != 2*(tolerate+1) || last != tolerate+1 || !strings.Contains(res.Err.Error(), "no space left on device") {
			t.Fatalf("tolerate %d: %s after %d failed checkpoints, the last %d in a row: %v", tolerate, res.State, failed, last, res.Err)
		}
		snap, err := checkpoint.ReadSnapshot(path, w.disk)
		if err == nil {
			err = snap.Verify()
		}
		if err != nil || res.GoOn != path {
			t.Fatalf("tolerate %d: what is left is %s: %v", tolerate, res.GoOn, err)
		}
	}
}

// TestDamageBeforeARestart: so is a restart in the process, when the checkpoint it needs was damaged since: it is permanent, and the older ones are offered.
func TestDamageBeforeARestart(t *testing.T) {
	w := newWorld(t, "fail,point=row,stage=out,row=150")
	p := copyPlan(2, 399, plan.Forward)
	p.Job.Checkpoint.Retain = 3
	p.Job.Restart = plan.Restart{Strategy: "fixed_delay", Attempts: 3, Delay: time.Second}
	damaged := ""
	res := w.run(p, 5, vm.Request{}, func(*vm.Job) {
		if n, _ := count[*event.Restart](w); n == 0 || damaged != "" {
			return
		}
		for _, file := range files(t, w.disk, newestCheckpoint(t, w)) {
			if path.Base(file) != "_metadata" {
				damaged = file
			}
		}
		data, err := vfs.ReadFile(w.disk, damaged)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 8
		if err := vfs.WriteFile(w.disk, damaged, data); err != nil {
			t.Fatal(err)
		}
	})
	if damaged == "" || res.Exit != 4 || res.State != event.Failed || !strings.Contains(res.Err.Error(), damaged) || !strings.Contains(res.Err.Error(), "older and intact:") {
		t.Fatalf("damaged %q: %s, exit %d: %v", damaged, res.State, res.Exit, res.Err)
	}
	if n, _ := count[*event.Restart](w); n != 1 {
		t.Errorf("%d restarts: what is damaged stays damaged", n)
	}
}
