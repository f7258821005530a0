package main

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pipec/checkpoint/event"
	"pipec/connector"
	"pipec/state/vfs"
	"pipec/vm"
	"pipec/vm/clock"
)

var soakFor = flag.Duration("soak", 3*time.Second, "how long TestSoak runs on each backend; minutes show a slope")

// soakJob counts as long as it lasts: 200,000 keys in tables, 10,000 in windows that come and go into a file.
const soakJob = `
job soak { checkpoint every 1s { retain = 3, on_cancel = delete } }

source numbers from sequence { to = 9_000_000_000_000, step = 10us }

sink windows into file { path = %q, format json }

from numbers |> derive k = value * 7919 %% 200_000 |> key by k |> aggregate n = count(), total = sum(value) |> into blackhole

from numbers |> derive k = value * 104_729 %% 10_000 |> key by k |> window tumbling 10s |> count |> into windows
`

// soaking is what is seen of a soak while it runs.
type soaking struct {
	t         testing.TB
	over      atomic.Bool // what is cancelled now does not count
	completed atomic.Int64
	failed    atomic.Int64
	restarts  atomic.Int64
}

// Emit implements event.Sink.
func (s *soaking) Emit(e event.Event) {
	switch body := e.Body.(type) {
	case *event.CheckpointCompleted:
		s.completed.Add(1)
	case *event.CheckpointFailed:
		if s.over.Load() {
			return
		}
		s.failed.Add(1)
		s.t.Logf("checkpoint %d failed: %s %s", body.ID, body.Reason, body.Text)
	case *event.Restart:
		s.restarts.Add(1)
	}
}

// sample is one look at the process.
type sample struct {
	rows              int64
	resident          int64 // bytes
	goroutines, files int
}

// TestSoak runs a job at full speed with a checkpoint each second, and looks each second: resident memory must be flat over the last half, no goroutine may be left when the job is over,
// and no file but what retained checkpoints need while it runs, nor any when it was cancelled. Throughput is printed; a machine that others use is no reason to fail.
func TestSoak(t *testing.T) {
	for _, backend := range []string{"memory", "fs", "badger"} {
		t.Run(backend, func(t *testing.T) { soak(t, backend) })
	}
}

func soak(t *testing.T, backend string) {
	dir := t.TempDir()
	sets := map[string]string{"job.state": backend, "job.checkpoint.storage": filepath.Join(dir, "checkpoints")}
	switch backend {
	case "memory":
		sets["job.state.max_size"] = "1GiB"
	case "badger":
		sets["job.state.cache"] = "8MiB" // half of the keys
		fallthrough
	default:
		sets["job.state.incremental"] = "true"
	}
	before := runtime.NumGoroutine()
	seen := &soaking{t: t}
	sched := &vm.Goroutines{Clock: clock.Real()}
	rng := rand.New(rand.NewPCG(1, 2))
	env := &vm.Env{FS: vfs.OS(), Clock: clock.Real(), Sched: sched, Random: rng.Uint64, Stdin: connector.Keep(strings.NewReader("")), Stdout: connector.Share(&bytes.Buffer{}),
		Events: seen, Process: vm.Process{Host: "soak", ID: 1, Engine: "soak"}, Local: filepath.Join(dir, "local")}
	job, err := vm.New(program{text: fmt.Sprintf(soakJob, filepath.Join(dir, "out")), sets: sets}.compile(t), env, vm.Request{})
	if err != nil {
		t.Fatal(err)
	}
	done := job.Start()
	var all []sample
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	begun := time.Now()
	for time.Since(begun) < *soakFor || seen.completed.Load() < 2 && time.Since(begun) < *soakFor+time.Minute {
		<-tick.C
		now := <-job.Status()
		s := sample{resident: residentMemory(t), goroutines: runtime.NumGoroutine(), files: countFiles(t, filepath.Join(dir, "checkpoints"))}
		for _, n := range now.Stages {
			if n.Kind == "source" {
				s.rows += n.RowsOut
			}
		}
		all = append(all, s)
	}
	seen.over.Store(true)
	job.Cancel()
	res := <-done
	sched.Wait()
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	report := soakReport(all)
	t.Logf("%d checkpoints completed, %d failed, %d restarts\n%s", seen.completed.Load(), seen.failed.Load(), seen.restarts.Load(), report)
	if seen.completed.Load() < 2 || seen.failed.Load()+seen.restarts.Load() > 0 {
		t.Error("checkpoints do not go through")
	}
	for range 1000 { // those that are on their way out
		if runtime.NumGoroutine() <= before {
			break
		}
		runtime.Gosched()
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
	if left := countFiles(t, filepath.Join(dir, "local")); left > 0 {
		t.Errorf("%d files are left in the working folder", left)
	}
	level(t, all)
}

// level compares the third quarter of a long soak with the last one.
func level(t *testing.T, all []sample) {
	if len(all) < 60 {
		return // the heap is still growing to its size
	}
	n := len(all) / 4
	third, last := all[2*n:3*n], all[3*n:]
	// Medians: a compaction takes some goroutines and much memory for a moment, and how many meet is chance.
	usual := func(of []sample, f func(sample) int64) float64 {
		var all []float64
		for _, s := range of {
			all = append(all, float64(f(s)))
		}
		return median(all)
	}
	for what, f := range map[string]func(sample) int64{
		"resident bytes": func(s sample) int64 { return s.resident }, "goroutines": func(s sample) int64 { return int64(s.goroutines) }, "files": func(s sample) int64 { return int64(s.files) },
	} {
		if a, b := usual(third, f), usual(last, f); b > 1.1*a {
			t.Errorf("%s: %.0f in the third quarter, %.0f in the last", what, a, b)
		}
	}
}

// soakReport is ten lines of the samples.
func soakReport(all []sample) string {
	var b strings.Builder
	for i, step := 0, max(1, len(all)/10); i+step < len(all); i += step {
		s, e := all[i], all[i+step]
		fmt.Fprintf(&b, "%4d s: %5.2f M rows/s, %4d MiB resident, %3d goroutines, %3d files\n", i+step, float64(e.rows-s.rows)/float64(step)/1e6, e.resident>>20, e.goroutines, e.files)
	}
	return b.String()
}

// residentMemory is what the process holds of real memory.
func residentMemory(t testing.TB) int64 {
	text, err := os.ReadFile("/proc/self/statm")
	must(t, err)
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	must(t, err)
	return pages * int64(os.Getpagesize())
}

// countFiles counts regular files below a folder. Some go while it counts.
func countFiles(t testing.TB, dir string) (n int) {
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return nil
	})
	must(t, err)
	return n
}
