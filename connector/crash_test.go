package connector

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipec/compiler/plan"
	"pipec/state/vfs"
	"pipec/vm/clock"
)

// A small job over file sinks: two tasks write rows, every few batches there is a checkpoint, one of three is aborted after its sinks have prepared. Its
// checkpoint is what a history record would hold; the test lets its disk die at every single operation.

const (
	crashRows  = 60
	crashBatch = 5
)

var errDied = errors.New("the machine is down")

// record is a completed checkpoint.
type record struct {
	id     uint64
	next   [2]int // rows taken, per task
	tokens [][]byte
}

// crashJob is one process.
type crashJob struct {
	config plan.SinkConfig
	env    Env
	epoch  uint64
	record *record // outlives the process
}

func (j *crashJob) run() error {
	spec, _ := Lookup("file")
	var sinks [2]Sink
	for task := range sinks {
		s, err := spec.Sink(SinkOptions{Config: j.config, Job: plan.Job{Name: "j"}, Env: j.env, Run: "r", Epoch: j.epoch, Task: task, Tasks: 2, Checkpoints: true})
		if err != nil {
			return err
		}
		var restored [][]byte
		if task == 0 {
			restored = j.record.tokens
		}
		if err := s.Open(context.Background(), restored); err != nil {
			return err
		}
		sinks[task] = s
	}
	next, id := j.record.next, j.record.id
	for round := 1; ; round++ {
		done := true
		for task := range sinks {
			if next[task] < crashRows {
				done = false
				from := task*crashRows + next[task]
				if err := sinks[task].Write(pairBatch(from, from+crashBatch)); err != nil {
					return err
				}
				next[task] += crashBatch
			}
		}
		if round%2 == 0 || done {
			id++
			if err := j.checkpoint(sinks, id, next, done); err != nil || done {
				return err
			}
		}
	}
}

func (j *crashJob) checkpoint(sinks [2]Sink, id uint64, next [2]int, final bool) error {
	r := record{id: id, next: next}
	for _, s := range sinks {
		token, err := s.Prepare(id, final)
		if err != nil {
			return err
		}
		if token != nil {
			r.tokens = append(r.tokens, token)
		}
	}
	if id%3 == 0 && !final {
		return nil
	}
	*j.record = r
	for i, token := range r.tokens {
		if err := sinks[(i+int(id))%2].Commit(context.Background(), token); err != nil {
			return err
		}
	}
	return nil
}

// mortal is a disk that dies at an operation: it is not done, nor is anything after it.
func mortal(base vfs.FS, at int) (fsys vfs.FS, ops func() int) {
	n := 0
	return vfs.Observe(base, vfs.Hooks{Before: func(op vfs.Op) error {
		n++
		if n == at && op.Kind == "write" {
			return &vfs.Partial{N: op.Len / 2, Err: errDied}
		}
		if at > 0 && n >= at {
			return errDied
		}
		return nil
	}}), func() int { return n }
}

func TestFileSinkSurvivesACrashAtEveryOperation(t *testing.T) {
	want := pairLines(0, 2*crashRows)
	for _, compression := range []string{"none", "gzip"} {
		config := plan.SinkConfig{Name: "s", Schema: pairSchema, Settings: settings("path", "a/out", "format", jsonLines, "compression", compression, "roll", settings("size", int64(400)))}
		job := func(fsys vfs.FS, n uint64, r *record) *crashJob {
			return &crashJob{config, Env{FS: fsys, Clock: clock.NewFake(day), Inline: true}, n, r}
		}
		disk, ops := mortal(vfs.NewMem(), 0)
		must(t, job(disk, 1, new(record)).run())
		total := ops()
		if total < 100 {
			t.Fatalf("only %d operations: the job does nothing", total)
		}
		for at := 1; at <= total; at++ {
			for seed := range uint64(4) {
				mem, r := vfs.NewMem(), new(record)
				rng := rand.New(rand.NewPCG(seed, uint64(at)))
				dies := at
				for epoch := uint64(1); ; epoch++ {
					disk, _ := mortal(mem, dies)
					err := job(disk, epoch, r).run()
					if err == nil {
						break
					}
					if !errors.Is(err, errDied) {
						t.Fatalf("%s, operation %d, seed %d, epoch %d: %v", compression, at, seed, epoch, err)
					}
					switch seed { // 0: the process died; 1: the power failed, nothing unsynced is left; 2, 3: any part of it
					case 0:
					case 1:
						mem = mem.CrashClone(nil)
					default:
						mem = mem.CrashClone(rng)
					}
					dies = 0
					if epoch < 4 && seed > 0 {
						dies = 1 + rng.IntN(total)
					}
				}
				if seed > 0 { // what a finished run has published stays
					mem = mem.CrashClone(nil)
				}
				got := readPublished(t, mem, "a/out")
				slices.Sort(got)
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("%s, operation %d, seed %d: %s", compression, at, seed, d)
				}
			}
		}
	}
}
