package vm_test

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/state/vfs"
	"pipec/vm"
	"pipec/vm/clock"
	"pipec/vm/sim"
	"pipec/vm/value"
)

// copyPlan reads a sequence and writes it to files: the smallest job with a position and a two-phase sink.
func copyPlan(tasks int, to int64, exchange plan.Exchange) *plan.Plan {
	schema := value.Schema{Fields: []value.Field{{Name: "value", Type: value.Of(value.Int)}, {Name: "at", Type: value.Of(value.Timestamp)}}}
	stream := plan.StreamType{Schema: schema, Mode: plan.Append, Timed: true}
	source := &plan.SourceConfig{Name: "numbers", Connector: "sequence", Schema: schema, Physical: []string{"value", "at"}, Wanted: []bool{true, true},
		Watermark: &plan.Watermark{Column: 1},
		Settings:  plan.Settings{Values: []plan.Setting{{Name: "from", Value: int64(0)}, {Name: "to", Value: to}, {Name: "step", Value: time.Millisecond}}}}
	sink := &plan.SinkConfig{Name: "out", Connector: "file", Schema: schema, Mode: plan.Append,
		Settings: plan.Settings{Values: []plan.Setting{{Name: "path", Value: "out"}, {Name: "format", Value: "json", Sub: &plan.Settings{}}, {Name: "compression", Value: "none"}}}}
	p := &plan.Plan{Text: "copy", Program: "copy",
		Nodes: []*plan.Node{
			{ID: "numbers", Kind: "source", Stream: "numbers", Ports: []plan.Port{{Type: stream}}, Config: source},
			{ID: "out", Kind: "sink", Stream: "out", Config: sink},
		},
		Edges: []*plan.Edge{{From: "numbers", To: "out", Exchange: exchange, Mode: plan.Append}}}
	if exchange == plan.Hash {
		p.Edges[0].Keys = []int{0}
	}
	p.Job = plan.Job{Name: "copy", Parallelism: tasks, MaxParallel: 16, TimeZone: "UTC", BatchSize: 5, Linger: time.Millisecond, State: plan.State{Backend: "fs"},
		Checkpoint: plan.Checkpoint{Interval: 2 * time.Millisecond, Storage: "chk", Timeout: time.Hour, MaxConcurrent: 1, Retain: 1},
		Restart:    plan.Restart{Strategy: "none"}}
	return p
}

// life runs a job in the simulator until it ends, or until so many checkpoints are complete and the power goes.
func life(t *testing.T, p *plan.Plan, disk *vfs.Mem, c *clock.Fake, seed uint64, power int) (vm.Result, *vfs.Mem) {
	t.Helper()
	sched := sim.New(seed, c)
	completed := 0
	watch := event.Func(func(e event.Event) {
		if _, ok := e.Body.(*event.CheckpointCompleted); ok {
			completed++
		}
	})
	env := &vm.Env{FS: disk, Clock: c, Sched: sched, Random: sched.Random, Events: watch, Process: vm.Process{Host: "sim", ID: 1}, Local: t.TempDir()}
	job, err := vm.New(p, env, vm.Request{})
	if err != nil {
		t.Fatal(err)
	}
	done := job.Start()
	var res vm.Result
	sched.Run(func() bool {
		select {
		case res = <-done:
		default:
		}
		return power > 0 && completed >= power
	})
	if res.State != "" {
		return res, disk
	}
	after := disk.CrashClone(rand.New(rand.NewPCG(seed, 1)))
	job.Kill(fmt.Errorf("no power"))
	sched.Run(func() bool { return false })
	return vm.Result{}, after
}

func published(t *testing.T, disk *vfs.Mem, dir string) []string {
	t.Helper()
	entries, err := disk.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name, ".") {
			t.Errorf("%s was left behind", e.Name)
			continue
		}
		data, err := vfs.ReadFile(disk, path.Join(dir, e.Name))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")...)
	}
	sort.Strings(lines)
	return lines
}

func TestCopyThroughPowerCuts(t *testing.T) {
	for _, tasks := range []int{1, 3} {
		for _, exchange := range []plan.Exchange{plan.Forward, plan.Hash} {
			var want []string
			for seed := range uint64(12) {
				c := clock.NewFake(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
				disk := vfs.NewMem()
				var res vm.Result
				lives := 0
				for power := int(seed % 4); ; lives++ {
					if lives == 20 {
						power = 0 // enough: at the end of the input every life is as short as the last
					}
					res, disk = life(t, copyPlan(tasks, 399, exchange), disk, c, seed*1000+uint64(lives), power)
					if res.State != "" {
						break
					}
				}
				if res.Err != nil || res.State != event.Finished {
					t.Fatalf("seed %d: %s: %v", seed, res.State, res.Err)
				}
				got := published(t, disk, "out")
				if seed == 0 {
					want = got
					if len(want) != 400 {
						t.Fatalf("the straight run gives %d rows", len(want))
					}
				}
				if !slices.Equal(got, want) {
					t.Fatalf("%d tasks, %s, seed %d, %d lives: %d rows, want %d", tasks, exchange, seed, lives, len(got), len(want))
				}
			}
		}
	}
}
