package checkpoint

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"pipec/checkpoint/event"
	"pipec/state/blob"
	"pipec/state/vfs"
)

// history of one job's lives, as a user who counts on the promises would keep it.
type witness struct {
	promised uint64 // newest checkpoint whose Record returned without an error
	run      string // its run
	tried    uint64 // newest that was attempted at all
	ended    bool   // End(Finished) returned without an error
	ending   bool   // it was called

	chains bool // checkpoints build on each other, with files in shared/
}

// live plays one process: claim, checkpoints with release of what they replace, a restart within, one given-up attempt, and the end.
func (w *witness) live(fsys vfs.FS, seed uint64, checkpoints int, finish bool) error {
	s, d, err := open(options(fsys, "st", seed), Request{})
	if err != nil {
		return err
	}
	if err := w.checkStart(s, d); err != nil {
		return err
	}
	for range checkpoints {
		if err := w.checkpoint(s); err != nil {
			return err
		}
	}
	if err := s.Reclaim(); err != nil {
		return err
	}
	if err := w.attempt(s); err != nil {
		return err
	}
	if err := w.checkpoint(s); err != nil {
		return err
	}
	if finish {
		w.ending = true
		if err := s.End(event.Finished, true); err != nil {
			return err
		}
		w.ended = true
	}
	return s.Close()
}

// broken is an error of the promises, not of the disk.
type broken struct{ error }

func brokenf(format string, args ...any) error { return broken{fmt.Errorf(format, args...)} }

// checkStart compares what a start found with what was promised.
func (w *witness) checkStart(s *Storage, d Decision) error {
	if w.ended && d.Start != Empty {
		return brokenf("the run finished, the next one starts with %+v", d)
	}
	if w.promised > 0 && !w.ending && d.Start != Recovered {
		return brokenf("checkpoint %d was complete, the next run starts with %+v", w.promised, d)
	}
	if d.Start != Recovered {
		if d.Run == "" {
			w.promised, w.tried = 0, 0 // a new run
		}
		w.ended, w.ending = false, false
		return nil
	}
	if d.Checkpoint.ID < w.promised || d.Checkpoint.ID > w.tried {
		return brokenf("recovered from %d, complete was %d, tried %d", d.Checkpoint.ID, w.promised, w.tried)
	}
	snap, err := s.Newest()
	if err != nil {
		if errors.Is(err, ErrSnapshot) {
			return broken{err}
		}
		return err
	}
	check := checkSnapshot(snap, d.Run, d.Checkpoint.ID)
	if w.chains {
		check = checkChain(snap, d.Run)
	}
	if err := check; err != nil {
		return brokenf("recovering %d: %w", d.Checkpoint.ID, err)
	}
	w.ending = false
	return nil
}

func (w *witness) attempt(s *Storage) error {
	id, err := s.NextID(0)
	if err != nil {
		return err
	}
	w.tried = max(w.tried, id)
	if err := w.write(s, id); err != nil {
		return err
	}
	return s.Discard(id)
}

func (w *witness) checkpoint(s *Storage) error {
	id, err := s.NextID(w.promised)
	if err != nil {
		return err
	}
	if id <= w.promised {
		return brokenf("id %d is used again", id)
	}
	w.tried = max(w.tried, id)
	if err := w.write(s, id); err != nil {
		return err
	}
	if err := s.Record(id); err != nil {
		return err
	}
	w.promised, w.run = id, s.Run()
	var old []uint64
	for _, c := range s.Completed() {
		if c != id {
			old = append(old, c)
		}
	}
	return s.Release(old)
}

func (w *witness) write(s *Storage, id uint64) error {
	if w.chains {
		return writeChain(s, id)
	}
	return writeFiles(s, id)
}

type powerCut struct{}

// until plays a life and cuts the power before operation number at; it returns how many operations there were, and what broke.
func (w *witness) until(m *vfs.Mem, at int64, seed uint64, finish bool) (ops int64, err error) {
	fsys := vfs.Observe(m, vfs.Hooks{Before: func(op vfs.Op) error {
		if ops = op.Seq; ops >= at {
			panic(powerCut{})
		}
		return nil
	}})
	defer func() {
		if r := recover(); r != nil && r != (powerCut{}) {
			panic(r)
		}
	}()
	return ops, w.live(fsys, seed, 2, finish)
}

const never = int64(1) << 60

// TestCrashPoints cuts the power at every file operation of a life, lets the disk keep what it likes of what was not synced, and lives
// on; then once more at a random operation of the second life. Whatever happens, the newest complete checkpoint can be restored.
func TestCrashPoints(t *testing.T) {
	seeds := uint64(6)
	if testing.Short() {
		seeds = 2
	}
	for _, chains := range []bool{false, true} {
		for _, finish := range []bool{false, true} {
			total, err := (&witness{chains: chains}).until(vfs.NewMem(), never, 1, finish)
			must(t, err)
			if total < 100 {
				t.Fatalf("only %d operations: the test does not see what it should", total)
			}
			for at := int64(1); at <= total; at++ {
				for seed := range seeds {
					if err := twoCrashes(at, seed, finish, chains); err != nil {
						t.Fatalf("finish %v, chains %v, power cut before operation %d, seed %d: %v", finish, chains, at, seed, err)
					}
				}
			}
		}
	}
}

func twoCrashes(at int64, seed uint64, finish, chains bool) error {
	rng := rand.New(rand.NewPCG(seed, uint64(at)))
	w := &witness{chains: chains}
	m := vfs.NewMem()
	if _, err := w.until(m, at, 1, finish); err != nil {
		return err
	}
	m = m.CrashClone(rng)
	if _, err := w.until(m, 1+rng.Int64N(200), 2, finish); err != nil {
		return fmt.Errorf("second life: %w", err)
	}
	m = m.CrashClone(rng)
	if _, err := w.until(m, never, 3, finish); err != nil {
		return fmt.Errorf("third life: %w", err)
	}
	return leftBehind(m, "st", finish)
}

// TestIOErrors lets each operation of a life fail once with the disk's words, then cuts the power, keeping only what was synced.
// Errors are passed on, and the promises hold in the next life.
func TestIOErrors(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EIO, syscall.ENOSPC} {
		for at := int64(1); ; at++ {
			m, w, ops := vfs.NewMem(), &witness{chains: at%2 == 0}, int64(0)
			fsys := vfs.Observe(m, vfs.Hooks{Before: func(op vfs.Op) error {
				if ops = op.Seq; ops == at {
					return &vfs.Partial{N: 3, Err: errno}
				}
				return nil
			}})
			err := w.live(fsys, 1, 2, false)
			if err != nil && !errors.Is(err, errno) {
				t.Fatalf("operation %d: %v", at, err)
			}
			for _, left := range []*vfs.Mem{m.CrashClone(nil), m.CrashClone(rand.New(rand.NewPCG(uint64(at), 5)))} {
				next := *w
				if err := next.live(left, 2, 1, true); err != nil {
					t.Fatalf("%v at operation %d, next life: %v", errno, at, err)
				}
			}
			if ops < at {
				break
			}
		}
	}
}

// TestGoesOnAfterErrors is the job that tolerates failures: each operation of taking a checkpoint fails once, the attempt is
// discarded, the next one completes, and at every instant the newest complete one can be restored from what is synced.
func TestGoesOnAfterErrors(t *testing.T) {
	for at := int64(1); ; at++ {
		m := vfs.NewMem()
		var count, from int64
		fsys := vfs.Observe(m, vfs.Hooks{Before: func(op vfs.Op) error {
			count = op.Seq
			if from > 0 && op.Seq == from+at {
				return syscall.EIO
			}
			return nil
		}})
		s, _, err := open(options(fsys, "st", 1), Request{})
		must(t, err)
		must(t, take(s, 1))
		from = count
		newest := uint64(1)
		for id := uint64(2); id <= 4; id++ {
			err := take(s, id)
			switch {
			case err == nil:
				newest = id
				if err := s.Release([]uint64{id - 1, id - 2}); err != nil && !errors.Is(err, syscall.EIO) {
					t.Fatal(err)
				}
			case !errors.Is(err, syscall.EIO):
				t.Fatalf("operation %d: %v", at, err)
			default:
				if derr := s.Discard(id); derr != nil && !errors.Is(derr, syscall.EIO) {
					t.Fatal(derr)
				}
				if errors.Is(err, blob.ErrUnknown) {
					newest = max(newest, id-1) // id may be there, and then it may be what is found
				}
			}
			left, d, err := open(options(m.CrashClone(nil), "st", 2), Request{})
			must(t, err)
			snap, err := left.Newest()
			must(t, err)
			if d.Checkpoint.ID < newest {
				t.Fatalf("operation %d failed: %d is the newest found, %d was complete", at, d.Checkpoint.ID, newest)
			}
			if err := checkSnapshot(snap, s.Run(), d.Checkpoint.ID); err != nil {
				t.Fatalf("operation %d failed: %v", at, err)
			}
		}
		if newest < 4 && at < count-from-30 {
			t.Fatalf("operation %d failed: the last of three checkpoints did not complete", at)
		}
		if count < from+at {
			return
		}
	}
}
