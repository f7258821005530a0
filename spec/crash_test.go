package spec

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pipec/vm/sim"
)

var (
	simSeeds = flag.Int("seeds", 2000, "TestSim: how many seeds")
	simFirst = flag.Uint64("first", 1, "TestSim: the first of them")
	simSeed  = flag.Uint64("seed", 0, "TestSim: only this one, with all that happens")
	simLess  = flag.String("less", "", "TestSim: with -seed, what Shrink took out of it")
	simPlays = flag.Int("shrink", 120, "TestSim: how many smaller scenarios are tried when one fails")
)

// TestSim plays scenarios in the simulator: jobs, crashes and failures by seed. Whatever happens, what is published in the end is what the straight run publishes.
func TestSim(t *testing.T) {
	if *simSeed != 0 {
		replay(t, *simSeed, *simLess)
		return
	}
	n := *simSeeds
	if testing.Short() {
		n = min(n, 200)
	}
	begun := time.Now()
	var next, failures atomic.Int64
	var mu sync.Mutex
	var all sim.Stats
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for failures.Load() == 0 {
				i := next.Add(1) - 1
				if i >= int64(n) {
					return
				}
				seed := *simFirst + uint64(i)
				s, err := sim.Generate(seed, "")
				if err != nil {
					t.Error(err)
					return
				}
				out := sim.Play(s, false)
				mu.Lock()
				all.Add(out.Stats)
				mu.Unlock()
				if len(out.Wrong) > 0 {
					failures.Add(1)
					t.Error(failed(seed, out))
				}
			}
		})
	}
	wait.Wait()
	t.Logf("%d seeds in %v: %+v", n, time.Since(begun).Round(time.Millisecond), all)
}

// failed shrinks what went wrong and says how to see it again.
func failed(seed uint64, out *sim.Outcome) string {
	less, small := sim.Shrink(seed, "", *simPlays)
	return fmt.Sprintf("seed %d: %s\nagain: go test ./spec -run 'TestSim$' -seed %d\nsmaller: go test ./spec -run 'TestSim$' -seed %d -less %q\n  %s",
		seed, strings.Join(out.Wrong, "\n  "), seed, seed, less, strings.Join(small.Wrong, "\n  "))
}

// replay plays one scenario and tells all.
func replay(t *testing.T, seed uint64, less string) {
	t.Helper()
	s, err := sim.Generate(seed, less)
	if err != nil {
		t.Fatal(err)
	}
	out := sim.Play(s, testing.Verbose())
	t.Logf("%s", s)
	for _, line := range out.Log {
		t.Log(line)
	}
	if len(out.Wrong) > 0 {
		t.Fatalf("%s", strings.Join(out.Wrong, "\n"))
	}
}

// TestSimRepeats plays the same seeds twice: everything that happens, happens again, in the same order.
func TestSimRepeats(t *testing.T) {
	for seed := uint64(1); seed <= 100; seed++ {
		var traces [2]uint64
		for i := range traces {
			s, err := sim.Generate(seed, "")
			if err != nil {
				t.Fatal(err)
			}
			traces[i] = sim.Play(s, false).Trace
		}
		if traces[0] != traces[1] {
			t.Errorf("seed %d: the traces differ", seed)
		}
	}
}

// TestMutantsAreListed holds that docs/crashes.md says of every mutant which test kills it, and of no other.
func TestMutantsAreListed(t *testing.T) {
	page, err := os.ReadFile("../docs/crashes.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../mutants/*.patch")
	if err != nil || len(files) == 0 {
		t.Fatalf("no mutants: %v", err)
	}
	for _, file := range files {
		patch, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".patch")
		if !strings.Contains(string(patch), "\nKilled-by: go test ") || !strings.Contains(string(page), "| `"+name+"` |") {
			t.Errorf("%s names no test, or docs/crashes.md does not list it", name)
		}
	}
	if n := strings.Count(string(page), "\n| `"); n != len(files) {
		t.Errorf("docs/crashes.md lists %d mutants, and there are %d", n, len(files))
	}
}
