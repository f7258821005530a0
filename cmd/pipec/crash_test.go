package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pipec/checkpoint"
	"pipec/checkpoint/event"
	"pipec/state/vfs"
	"pipec/vm/sim"
)

var (
	killsWanted = flag.Int("kills", 40, "TestKills: how many processes are killed")
	killsSeed   = flag.Uint64("killseed", 0, "TestKills: from which all is drawn but the moments at which the system runs things; 0: another one each time")
	killsRows   = flag.Int("killrows", 6000, "TestKills: rows of each source")
)

// TestKills runs jobs in processes of their own and kills these with SIGKILL, at any moment or where --fault says, until each job has finished. What it has published
// then is what it publishes when nobody disturbs it. Jobs, backends, parallelism and moments follow from a seed, which is printed.
func TestKills(t *testing.T) {
	seed := *killsSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano()) % 1e9
	}
	t.Logf("again: go test ./cmd/pipec -run 'TestKills$' -kills %d -killseed %d", *killsWanted, seed)
	k := &killing{t: t, seed: seed, left: *killsWanted, begun: time.Now(), how: map[string]int{}}
	var wait sync.WaitGroup
	for range 3 { // a job that keeps a rate leaves the cores to others
		wait.Go(k.work)
	}
	wait.Wait()
	t.Logf("%d jobs, %d processes killed: %v, in %v", k.jobs, *killsWanted-k.left, k.how, time.Since(k.begun).Round(time.Second))
}

// killing is the test while it runs.
type killing struct {
	t     *testing.T
	seed  uint64
	begun time.Time

	mu   sync.Mutex
	left int // kills still wanted; a job that was begun is brought to its end all the same
	jobs int
	how  map[string]int
}

// take draws the next job, 0 if there were enough kills.
func (k *killing) take() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.left <= 0 || k.t.Failed() {
		return 0
	}
	k.jobs++
	return k.seed*1000 + uint64(k.jobs)
}

func (k *killing) killed(how string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left--
	k.how[how]++
}

func (k *killing) work() {
	for seed := k.take(); seed != 0; seed = k.take() {
		v := &victim{k: k, t: k.t, seed: seed, rng: rand.New(rand.NewPCG(seed, 0xdead)), dir: k.t.TempDir()}
		if err := v.test(); err != nil {
			k.t.Errorf("job %d: %v\n%s\n%s\nwhat it left lies in %s", seed, err, strings.Join(v.log, "\n"), v.job.Text, v.keep())
		}
	}
}

// victim is one job and its processes.
type victim struct {
	k    *killing
	t    *testing.T
	seed uint64
	rng  *rand.Rand
	dir  string
	job  sim.Job
	log  []string // how each process was started and how it ended
}

// keep copies what the job and its processes left, events included, to where the end of the test does not remove it.
func (v *victim) keep() string {
	dir, err := os.MkdirTemp("", "pipec-kills-")
	if err == nil {
		err = os.CopyFS(filepath.Join(dir, "job"), os.DirFS(v.dir))
	}
	if err != nil {
		return err.Error()
	}
	return dir
}

// mostKills is how often one job is killed: then it may end.
const mostKills = 25

func (v *victim) test() error {
	v.job = sim.Long(v.seed, *killsRows, *killsRows) // a second, if it is left alone
	want, err := v.straight()
	if err != nil {
		return fmt.Errorf("the straight run: %w", err)
	}
	if err := v.place(v.dir, v.job); err != nil {
		return err
	}
	retain := 1 + v.rng.IntN(3)
	for life := 0; ; life++ {
		finished, err := v.live(life, retain)
		if err != nil {
			return err
		}
		if finished {
			break
		}
	}
	got, err := v.job.Published(vfs.OS(), v.dir)
	if err != nil {
		return err
	}
	if wrong := v.job.Differ(want, got, false); wrong != nil {
		return errors.New(strings.Join(wrong, "\n"))
	}
	return nil
}

// place writes program and inputs.
func (v *victim) place(dir string, job sim.Job) error {
	for _, f := range append(slices.Clone(job.Inputs), sim.File{Name: "job.pipe", Data: []byte(job.Text)}) {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// straight runs the job without checkpoints, in one task and as fast as it can.
func (v *victim) straight() (map[string][]string, error) {
	dir := v.t.TempDir()
	if err := v.place(dir, sim.Long(v.seed, *killsRows, math.MaxInt32)); err != nil {
		return nil, err
	}
	c, out := v.command(dir, "--set", "job.state=memory")
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return v.job.Published(vfs.OS(), dir)
}

// command is `pipec run` in a folder.
func (v *victim) command(dir string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	v.t.Cleanup(cancel)
	c := exec.CommandContext(ctx, "pipec", append([]string{"run", "job.pipe"}, args...)...)
	c.Dir = dir
	c.Env = append(os.Environ(), "HOME="+dir, "XDG_STATE_HOME="+filepath.Join(dir, ".state"), "XDG_RUNTIME_DIR="+dir)
	out := &bytes.Buffer{}
	c.Stdout, c.Stderr = out, out
	return c, out
}

// live runs one process until it has finished or was killed.
func (v *victim) live(life, retain int) (finished bool, err error) {
	rng := v.rng
	backend := []string{"memory", "fs", "badger"}[rng.IntN(3)]
	args := []string{"-p", fmt.Sprint(1 + rng.IntN(4)), "--set", "job.state=" + backend, "--set", "job.checkpoint.storage=chk",
		"--set", fmt.Sprintf("job.checkpoint.interval=%dms", 10+rng.IntN(60)), "--set", fmt.Sprintf("job.checkpoint.retain=%d", retain),
		"--set", fmt.Sprintf("job.batch_size=%d", []int{7, 100, 1024}[rng.IntN(3)]), "--events", fmt.Sprintf("events-%d.json", life)}
	if backend != "memory" && rng.IntN(2) == 0 {
		args = append(args, "--set", "job.state.incremental=true")
	}
	if backend == "badger" && rng.IntN(2) == 0 {
		args = append(args, "--set", "job.state.cache=64KiB") // most rows lie in the database
	}
	how := "by a signal"
	after := time.Duration(20+rng.ExpFloat64()*250) * time.Millisecond
	switch {
	case life >= mostKills:
		after = time.Hour
	case rng.IntN(3) == 0:
		point := []string{"before-metadata", "after-metadata", "before-commit", "mid-commit", "after-commit", "snapshot", "write", "restore"}[rng.IntN(8)]
		how, after = point, time.Hour
		args = append(args, "--fault", fmt.Sprintf("crash,point=%s,nth=%d", point, 1+rng.IntN(6)))
	}
	c, out := v.command(v.dir, args...)
	v.log = append(v.log, strings.Join(args, " "))
	if err := c.Start(); err != nil {
		return false, err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case err = <-ended:
	case <-timer.C:
		_ = c.Process.Kill() // it may just have ended
		err = <-ended
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled():
		v.log = append(v.log, "  killed "+how)
		v.k.killed(how)
		return v.finished()
	}
	return false, fmt.Errorf("a process ended by itself: %w\n%s", err, out)
}

// finished tells a run that was killed behind its last word from one that must go on: the first is not started again.
func (v *victim) finished() (bool, error) {
	s, err := checkpoint.Open(checkpoint.Options{URI: filepath.Join(v.dir, "chk"), Job: "sim", FS: vfs.OS(), Random: func() uint64 { return 1 }})
	if err != nil {
		return false, fmt.Errorf("after a kill the storage cannot be read: %w", err)
	}
	run := s.Holding().Run
	return run != nil && run.End == event.Finished, s.Close()
}

var recoveryKeys = flag.Int("recovery", 0, "TestRecoveryTime: how many keys; 0: it measures nothing but that it works")

// TestRecoveryTime measures how long a killed job with a large state takes to come back, on each backend: from the start of the next process to the restore, and to the
// first rows that it publishes.
func TestRecoveryTime(t *testing.T) {
	keys := *recoveryKeys
	if keys == 0 {
		keys = 2000
	}
	for _, backend := range []string{"memory", "fs", "badger"} {
		t.Run(backend, func(t *testing.T) {
			b := newBox(t, fmt.Sprintf(`
job j {
  state %s
  checkpoint every 100ms { storage = "st" }
}

source numbers from sequence { rate = 1000000.0 }

sink counts into file { path = "out", format json, key k }

from numbers
  |> key by k = value %% %d
  |> count as n
  |> where k %% 1000 == 0
  |> into counts
`, backend, keys))
			var sets []string
			if backend == "memory" {
				sets = []string{"--set", "job.state.max_size=1GB"}
			}
			p := b.start(sets...)
			for n, grown := 1, 0; ; n++ {
				done := p.until("checkpoint_completed", n)
				full := done[len(done)-1].number("full_bytes")
				if full > 10*keys && full*50 < grown*51 { // all keys are in it: it grows no more
					break
				}
				grown = full
			}
			p.signal(syscall.SIGKILL)
			p.ends("killed")
			begun := time.Now()
			p = b.start(sets...)
			published := p.until("committed", 2)[1] // the first publishes what the killed process left
			restored := p.until("restored", 1)[0]
			since := func(h happened) time.Duration { return h.at().Sub(begun).Round(time.Millisecond) }
			t.Logf("%s, %d keys: %.0f MB read in %d ms; restored %v after the start, new rows published after %v", backend, keys,
				float64(restored.number("bytes"))/1e6, restored.number("duration_ms"), since(restored), since(published))
			p.signal(syscall.SIGKILL)
			p.ends("killed")
		})
	}
}
