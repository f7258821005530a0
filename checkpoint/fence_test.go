package checkpoint

import (
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipec/checkpoint/event"
	"pipec/state/blob"
	"pipec/state/vfs"
)

// doubtful is a disk on which a record becomes visible and the sync behind it fails, while fail says so.
func doubtful(fsys vfs.FS, fail *bool) vfs.FS {
	return vfs.Observe(fsys, vfs.Hooks{Before: func(op vfs.Op) error {
		if *fail && op.Kind == "syncdir" && strings.HasSuffix(op.Path, "history") {
			return syscall.EIO
		}
		return nil
	}})
}

func TestZombie(t *testing.T) {
	m := vfs.NewMem()
	zombie, _, err := open(options(m, "st", 1), Request{})
	must(t, err)
	run := zombie.Run()
	must(t, take(zombie, 1))
	must(t, take(zombie, 2))
	must(t, m.Remove("st/job/lock"))

	next, d, err := open(options(m, "st", 2), Request{})
	must(t, err)
	if d.Start != Recovered || d.Checkpoint.ID != 2 {
		t.Fatal(d)
	}
	// Both take the same id, the successor is half-way through it when the zombie gives its own attempt up.
	p := next.Place(3)
	w, err := p.Create("counts/aggregate/1-0")
	must(t, err)
	_, err = w.Write([]byte(content(run, 3)))
	must(t, err)
	ref, err := w.Commit()
	must(t, err)
	zw, err := zombie.Place(3).Create("counts/aggregate/1-0")
	must(t, err)
	_, err = zw.Commit()
	must(t, err)
	must(t, zombie.Discard(3))
	must(t, next.WriteMetadata(p, &Manifest{Job: "job", Run: run, ID: 3, Kind: Periodic, Epoch: p.Epoch,
		Handles: []Handle{{Task: "t", Kind: Keyed, Files: []blob.Ref{ref}}}}))
	if err := writeFiles(zombie, 3); !errors.Is(err, blob.ErrExist) {
		t.Fatalf("metadata of a taken id: %v", err)
	}
	must(t, next.Record(3))
	snap, err := next.Newest()
	must(t, err)
	must(t, checkSnapshot(snap, run, 3)) // the zombie's Discard(3) left it alone

	must(t, writeFiles(zombie, 4))
	before := tree(t, m, "st/job")
	if err := zombie.Record(4); !errors.Is(err, ErrFenced) || !strings.Contains(err.Error(), "process 2 on box") {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"release": zombie.Release([]uint64{1, 2}), "discard": zombie.Discard(3), "end": zombie.End(event.Finished, false), "reclaim": zombie.Reclaim(),
	} {
		if !errors.Is(err, ErrFenced) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if d := cmp.Diff(before, tree(t, m, "st/job")); d != "" {
		t.Fatal(d)
	}
	// Long after: the successor has released what it recovered from, and went on.
	must(t, take(next, 5))
	must(t, next.Release([]uint64{1, 2, 3}))
	must(t, next.Reclaim())
	late, err := next.Newest()
	must(t, err)
	must(t, checkSnapshot(late, run, 5))
}

// TestZombieMeetsTheClaim: also when all other records of the successor are gone, its claim is there.
func TestZombieMeetsTheClaim(t *testing.T) {
	m := vfs.NewMem()
	zombie, _, err := open(options(m, "st", 1), Request{})
	must(t, err)
	must(t, m.Remove("st/job/lock"))
	next, _, err := open(options(m, "st", 2), Request{})
	must(t, err)
	for id := uint64(1); id < 5; id++ {
		must(t, take(next, id))
		must(t, next.Release([]uint64{id - 1}))
	}
	must(t, next.End(event.Finished, false))
	must(t, writeFiles(zombie, 9))
	if err := zombie.Record(9); !errors.Is(err, ErrFenced) {
		t.Fatal(err)
	}
}

// TestReleaseKeepsTheNewest: whatever is asked, one restorable checkpoint stays.
func TestReleaseKeepsTheNewest(t *testing.T) {
	m := vfs.NewMem()
	s, _, err := open(options(m, "st", 1), Request{})
	must(t, err)
	must(t, s.Release([]uint64{1})) // nothing is complete yet
	for id := uint64(1); id <= 3; id++ {
		must(t, take(s, id))
	}
	must(t, s.Release([]uint64{1, 2, 3, 4}))
	if d := cmp.Diff([]uint64{3}, s.Completed()); d != "" {
		t.Fatal(d)
	}
	if err := s.Discard(3); err == nil {
		t.Fatal("a complete checkpoint was discarded")
	}
	snap, err := s.Newest()
	must(t, err)
	must(t, checkSnapshot(snap, s.Run(), 3))
}

// TestConcurrent is for the race detector: tasks write, old checkpoints go, attempts are given up, while others complete.
func TestConcurrent(t *testing.T) {
	m := vfs.NewMem()
	s, _, err := open(options(m, "st", 1), Request{})
	must(t, err)
	var wg sync.WaitGroup
	for g := range uint64(4) {
		wg.Go(func() {
			for i := range uint64(10) {
				id := 1 + g + 4*i
				if err := writeFiles(s, id); err != nil {
					t.Error(err)
					return
				}
				if g == 3 {
					if err := s.Discard(id); err != nil {
						t.Error(err)
					}
					continue
				}
				if err := s.Record(id); err != nil {
					t.Error(err)
				}
				_, _ = s.Path(id), s.Epoch()
			}
		})
	}
	wg.Wait()
	if n := len(s.Completed()); n != 30 {
		t.Fatalf("%d complete", n)
	}
	list := s.Completed()
	for _, id := range list[:29] {
		wg.Go(func() {
			if err := s.Release([]uint64{id}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if left := s.Completed(); len(left) != 1 { // also what was asked of a release that was under way
		t.Errorf("%v are not released", left)
	}
	must(t, leftBehind(m, "st", false))
	snap, err := s.Newest()
	must(t, err)
	must(t, checkSnapshot(snap, s.Run(), list[29]))
}

// TestDoubtAndSuccessor lets a process doubt whether its record is there, sleep while a successor goes on from that record and releases it, and wake: the number of the
// record is free again, and it must not take it.
func TestDoubtAndSuccessor(t *testing.T) {
	m := vfs.NewMem()
	fail := false
	fsys := doubtful(m, &fail)
	old, _, err := open(options(fsys, "st", 1), Request{})
	must(t, err)
	must(t, take(old, 1))
	fail = true
	if err := take(old, 2); !errors.Is(err, blob.ErrUnknown) {
		t.Fatal(err)
	}
	fail = false
	must(t, m.Remove("st/job/lock"))
	next, d, err := open(options(m, "st", 2), Request{})
	must(t, err)
	if d.Checkpoint.ID != 2 {
		t.Fatalf("the successor recovers checkpoint %d", d.Checkpoint.ID)
	}
	must(t, take(next, 3))
	must(t, next.Release([]uint64{1, 2}))
	if err := take(old, 4); !errors.Is(err, ErrFenced) {
		t.Errorf("the old process goes on: %v", err)
	}
	if err := old.Reclaim(); !errors.Is(err, ErrFenced) {
		t.Errorf("it claims again: %v", err)
	}
}

// TestDoubt: the directory's sync fails after the record became visible. The checkpoint is given up, its files stay, and a restart, in
// the process or after its death, takes it for what it is: complete.
func TestDoubt(t *testing.T) {
	for _, how := range []string{"reclaim", "next checkpoint", "death"} {
		m := vfs.NewMem()
		fail := false
		fsys := doubtful(m, &fail)
		s, _, err := open(options(fsys, "st", 1), Request{})
		must(t, err)
		run := s.Run()
		must(t, take(s, 1))
		fail = true
		if err := take(s, 2); !errors.Is(err, blob.ErrUnknown) || !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		fail = false
		must(t, s.Discard(2))
		newest := uint64(2)
		switch how {
		case "reclaim":
			must(t, s.Reclaim())
		case "next checkpoint":
			must(t, take(s, 3))
			newest = 3
			if d := cmp.Diff([]uint64{1, 2, 3}, s.Completed()); d != "" {
				t.Fatal(d)
			}
		case "death":
			must(t, s.Close())
			s, _, err = open(options(fsys, "st", 2), Request{})
			must(t, err)
		}
		snap, err := s.Newest()
		must(t, err)
		if err := checkSnapshot(snap, run, newest); err != nil {
			t.Fatalf("%s: %v", how, err)
		}
	}
}
