package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pipec/checkpoint/event"
	"pipec/compiler"
	"pipec/compiler/plan"
	"pipec/connector"
	"pipec/connector/follow"
	"pipec/connector/redial"
	"pipec/grammar/diag"
	"pipec/state/vfs"
	"pipec/vm"
	"pipec/vm/clock"
)

// A benchmark here runs a whole job as `pipec run` does, text to sink, and beside it a loop as one writes it by hand for this one job: the same rows, the same answer, no generality. Both
// run in turns and what is reported are medians, because the machine is shared. Costs are CPU time of the whole process, every goroutine and the collector included.

// size scales the number of rows: PIPEC_BENCH_SCALE=0.1 is for a quick look.
func size(rows int64) int64 {
	var scale float64
	if _, err := fmt.Sscan(os.Getenv("PIPEC_BENCH_SCALE"), &scale); err != nil {
		return rows
	}
	return max(int64(float64(rows)*scale), 50_000)
}

// program is a job to be run.
type program struct {
	text   string
	sets   map[string]string // of the job block
	stdin  io.Reader
	stdout io.Writer  // nil: nobody looks
	events event.Sink // nil: nobody listens
	sched  func(vm.Scheduler) vm.Scheduler
	enough <-chan struct{} // a job without an end is cancelled when this is closed
}

// compile makes the plan.
func (p program) compile(t testing.TB) *plan.Plan {
	t.Helper()
	r := compiler.Check(compiler.Options{File: "bench.pipe", Text: p.text, Sets: p.sets, Load: func(string) (string, error) { return "", os.ErrNotExist }})
	if r.Plan == nil {
		var b strings.Builder
		_ = diag.Render(&b, r.List, r.Sources, false)
		t.Fatalf("it does not compile:\n%s", b.String())
	}
	return r.Plan
}

// run executes a compiled plan to its end.
func (p program) run(t testing.TB, c *plan.Plan) event.Summary {
	t.Helper()
	stdin, stdout := p.stdin, p.stdout
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	if stdout == nil {
		stdout = io.Discard
	}
	rng := rand.New(rand.NewPCG(1, 2))
	sched := &vm.Goroutines{Clock: clock.Real()}
	env := &vm.Env{FS: vfs.OS(), Clock: clock.Real(), Sched: sched, Random: rng.Uint64, Stdin: connector.Keep(stdin), Stdout: connector.Share(stdout),
		Events: p.events, Process: vm.Process{Host: "bench", ID: 1, Engine: "bench"}, Local: t.TempDir(),
		Watcher: follow.OS(), Dialer: redial.Keep(redial.Net())}
	if p.sched != nil {
		env.Sched = p.sched(sched)
	}
	job, err := vm.New(c, env, vm.Request{})
	if err != nil {
		t.Fatal(err)
	}
	done := job.Start()
	if p.enough != nil {
		<-p.enough
		job.Cancel()
	}
	res := <-done
	sched.Wait()
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	return res.Summary
}

// written is how many rows all sinks got.
func written(s event.Summary) (n int64) {
	for _, e := range s.Sinks {
		n += e.Rows
	}
	return n
}

// cost is what one run took.
type cost struct {
	cpu, wall time.Duration
	allocs    uint64
}

// cpuTime is what the process has used so far.
func cpuTime(t testing.TB, which int32) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(which, &ts); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

func measure(t testing.TB, f func()) cost {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, wall := cpuTime(t, unix.CLOCK_PROCESS_CPUTIME_ID), time.Now()
	f()
	c := cost{cpu: cpuTime(t, unix.CLOCK_PROCESS_CPUTIME_ID) - cpu, wall: time.Since(wall)}
	runtime.ReadMemStats(&after)
	c.allocs = after.Mallocs - before.Mallocs
	return c
}

// compare runs a job and its loop in turns and reports, per row of input. The loop gives how many rows it wrote, and so must the job; -1 if they cannot be compared.
func compare(b *testing.B, rows int64, p program, loop func() int64) {
	b.Helper()
	c := p.compile(b)
	var engine, hand []cost
	var ratios []float64
	for b.Loop() {
		var got event.Summary
		var want int64
		engine = append(engine, measure(b, func() { got = p.run(b, c) }))
		hand = append(hand, measure(b, func() { want = loop() }))
		if n := written(got); want >= 0 && n != want {
			b.Fatalf("the job wrote %d rows, the loop %d", n, want)
		}
		ratios = append(ratios, float64(engine[len(engine)-1].cpu)/float64(hand[len(hand)-1].cpu))
	}
	report(b, rows, engine)
	b.ReportMetric(perRow(rows, hand, func(c cost) time.Duration { return c.cpu }), "loop-ns/row")
	b.ReportMetric(median(ratios), "ratio")
}

// report gives the medians of a job's runs.
func report(b *testing.B, rows int64, runs []cost) {
	b.ReportMetric(perRow(rows, runs, func(c cost) time.Duration { return c.cpu }), "cpu-ns/row")
	b.ReportMetric(perRow(rows, runs, func(c cost) time.Duration { return c.wall }), "wall-ns/row")
	var allocs []float64
	for _, c := range runs {
		allocs = append(allocs, float64(c.allocs)/float64(rows))
	}
	b.ReportMetric(median(allocs), "allocs/row")
	b.ReportMetric(0, "ns/op") // an op is a whole run: it would only confuse
}

func perRow(rows int64, runs []cost, of func(cost) time.Duration) float64 {
	var all []float64
	for _, c := range runs {
		all = append(all, float64(of(c))/float64(rows))
	}
	return median(all)
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// sink is where loops leave their results, so that no compiler takes them away.
var sink int64
