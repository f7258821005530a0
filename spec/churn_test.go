package spec

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"

	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipec/checkpoint"
	"pipec/checkpoint/event"
	"pipec/compiler"
	"pipec/compiler/plan"
	"pipec/state"
	"pipec/state/vfs"
	"pipec/vm"
	"pipec/vm/clock"
	"pipec/vm/lineage"
	"pipec/vm/sim"
	"pipec/vm/value"
)

// churn is a job with much state of which little changes between two checkpoints: running totals by key, and windows that come and go.
const churn = `job churn {}

source numbers from file {
  path = "in.json"
  format json

  schema {
    value: int
    at: timestamp
  }

  watermark at
}

sink totals into file {
  path = "totals"
  format json
  key k
}

sink counts into file {
  path = "counts"
  format json
}

stream rows = from numbers
  |> select k = value < 600 ? value : div(value, 7) % 600, w = value % 5, v = value, at

from rows
  |> key by k
  |> aggregate n = count(), s = sum(v)
  |> into totals

from rows
  |> key by w
  |> window tumbling 200ms
  |> aggregate n = count()
  |> into counts
`

const (
	churnRows   = 16_000
	churnKeys   = 600
	churnWindow = 200_000 // microseconds
	churnStep   = 1000
)

func churnKey(v int64) int64 {
	if v < churnKeys {
		return v
	}
	return v / 7 % churnKeys
}

// churned is one machine that runs the job over and over.
type churned struct {
	*machine
	t         *testing.T
	backend   string
	local     string
	lives     int
	completed int
	deltas    int
	restored  int // chains of several files that were checked
}

// TestChurn kills a job with incremental checkpoints again and again, until fifty are complete. On each disk it leaves, every retained checkpoint holds exactly
// the state of its moment, and one of them, restored with other parallelism, gives the result of the straight run. After a clean end there is no file
// that no retained checkpoint names.
func TestChurn(t *testing.T) {
	for _, backend := range []string{"fs", "badger"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			c := &churned{machine: &machine{disk: vfs.NewMem(), clock: clock.NewFake(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), rng: rand.New(rand.NewPCG(5, 1))},
				t: t, backend: backend, local: t.TempDir()}
			c.input()
			straight := c.fork(c.disk.CrashClone(nil))
			straight.finish(vm.Request{}, 1)
			want := straight.output()
			kills := 0
			for ; c.completed < 50 || kills < 25; kills++ {
				steps := 40 + c.rng.IntN(300)
				if res := c.life(vm.Request{}, 2, func(*vm.Job) bool { steps--; return steps <= 0 }); res != nil {
					t.Fatalf("it ended after %d checkpoints: %+v", c.completed, res)
				}
				c.inspect()
				if kills%8 == 0 {
					c.branch(want)
				}
			}
			c.suspend()
			c.inspect()
			c.unneeded()
			c.finish(vm.Request{}, 2)
			if d := cmp.Diff(want, c.output()); d != "" {
				t.Fatal(d)
			}
			c.unneeded()
			t.Logf("%d kills, %d checkpoints, %d of them deltas, %d chains checked", kills, c.completed, c.deltas, c.restored)
			if c.deltas < c.completed/2 || c.restored < 20 {
				t.Error("too few deltas: the test does not see what it should")
			}
		})
	}
}

// input writes the rows.
func (c *churned) input() {
	var b bytes.Buffer
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for v := range churnRows {
		fmt.Fprintf(&b, `{"value":%d,"at":%q}`+"\n", v, begin.Add(time.Duration(v)*churnStep*time.Microsecond).Format(time.RFC3339Nano))
	}
	place(c.t, c.disk, "in.json", b.Bytes())
}

// fork is another machine with that disk.
func (c *churned) fork(disk *vfs.Mem) *churned {
	other := *c
	m := *c.machine
	m.disk = disk
	other.machine = &m
	return &other
}

func (c *churned) plan(tasks int) *plan.Plan {
	r := compiler.Check(compiler.Options{File: "churn.pipe", Text: churn, Sets: map[string]string{
		"job.state": c.backend, "job.state.incremental": "true", "job.parallelism": strconv.Itoa(tasks), "job.batch_size": "16", "job.checkpoint.interval": "10ms",
		"job.checkpoint.storage": "checkpoints", "job.checkpoint.retain": "3", "job.checkpoint.timeout": "1h", "job.max_parallelism": "8"}})
	if r.Plan == nil {
		c.t.Fatalf("%v", r.List)
	}
	if c.backend == "badger" {
		r.Plan.Job.State.Cache = 48 << 10 // most keys are cold
	}
	return r.Plan
}

// life runs one process until it ends or shall die.
func (c *churned) life(request vm.Request, tasks int, dies func(*vm.Job) bool) *vm.Result {
	c.lives++
	sched := sim.New(uint64(c.lives)*7919, c.clock)
	first := true
	watch := event.Func(func(e event.Event) {
		if b, ok := e.Body.(*event.CheckpointCompleted); ok {
			c.completed++
			if first && request.Restore != "" && b.Incremental {
				c.t.Errorf("checkpoint %d is the first after -s and builds on files that are not the job's", b.ID)
			}
			first = false
			if b.Incremental {
				c.deltas++
			}
			if b.Incremental != (b.Bytes < b.FullBytes) {
				c.t.Errorf("checkpoint %d: incremental %v, %d bytes of %d", b.ID, b.Incremental, b.Bytes, b.FullBytes)
			}
		}
	})
	env := &vm.Env{FS: c.disk, Clock: c.clock, Sched: sched, Random: sched.Random, Stdout: &c.stdout, Events: watch,
		Process: vm.Process{Host: "sim", ID: c.lives, Engine: "test"}, Local: filepath.Join(c.local, strconv.Itoa(c.lives)), Inline: c.lives%3 > 0}
	job, err := vm.New(c.plan(tasks), env, request)
	if err != nil {
		c.t.Fatal(err)
	}
	done := job.Start()
	var res *vm.Result
	sched.Run(func() bool {
		select {
		case r := <-done:
			res = &r
		default:
		}
		return res == nil && dies(job)
	})
	if res == nil {
		after := c.disk.CrashClone(c.rng)
		bury(sched, job, c.machine)
		c.disk = after
	}
	return res
}

// finish runs the job to its end.
func (c *churned) finish(request vm.Request, tasks int) {
	c.t.Helper()
	if res := c.life(request, tasks, func(*vm.Job) bool { return false }); res == nil || res.State != event.Finished {
		c.t.Fatalf("it did not finish: %+v", res)
	}
}

// suspend lets the job run for a while and end in order.
func (c *churned) suspend() {
	c.t.Helper()
	steps := 3000
	res := c.life(vm.Request{}, 2, func(j *vm.Job) bool {
		if steps--; steps == 0 {
			j.Suspend()
		}
		return false
	})
	if res == nil || res.State != event.Suspended {
		c.t.Fatalf("it was not suspended: %+v", res)
	}
}

// output is what is published: the totals folded by key, the counts of the windows as they are.
func (c *churned) output() []string {
	rows := append(fold(c.t, published(c.t, c.disk, "totals"), []string{"k"}), published(c.t, c.disk, "counts")...)
	slices.Sort(rows)
	return rows
}

// retained gives the checkpoints that a start would find, without those that were to be released.
func (c *churned) retained(s *checkpoint.Storage) (list []*checkpoint.Snapshot) {
	run := s.Holding().Run
	if run == nil {
		return nil
	}
	for _, done := range run.Completed[max(0, len(run.Completed)-3):] {
		snap, err := s.Snapshot(run.ID, done)
		if err == nil {
			err = snap.Verify()
		}
		if err != nil {
			c.t.Fatalf("checkpoint %d of %v: %v", done.ID, run.Completed, err)
		}
		list = append(list, snap)
	}
	return list
}

func (c *churned) storage() *checkpoint.Storage {
	s, err := checkpoint.Open(checkpoint.Options{URI: "checkpoints", Job: "churn", FS: c.disk, Random: func() uint64 { return 1 }, Host: "check"})
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// inspect checks the state of every retained checkpoint.
func (c *churned) inspect() {
	c.t.Helper()
	s := c.storage()
	defer s.Close()
	for _, snap := range c.retained(s) {
		c.check(snap)
	}
}

// branch restores one of the retained checkpoints on a copy of the disk with other parallelism.
func (c *churned) branch(want []string) {
	c.t.Helper()
	other := c.fork(c.disk.CrashClone(nil))
	s := other.storage()
	list := other.retained(s)
	s.Close()
	if len(list) == 0 {
		return
	}
	other.finish(vm.Request{Request: checkpoint.Request{Restore: list[c.rng.IntN(len(list))].URI}}, 1+c.rng.IntN(3))
	c.lives = other.lives
	rows := fold(c.t, published(c.t, other.disk, "totals"), []string{"k"})
	slices.Sort(rows)
	var totals []string
	for _, w := range want {
		if strings.Contains(w, `"k":`) {
			totals = append(totals, w)
		}
	}
	if d := cmp.Diff(totals, rows); d != "" {
		c.t.Fatalf("restored from %v: %s", list, d)
	}
}

// check loads a snapshot as a task does and compares it with what the rows up to then give. All rows come from one source, in order, so that they
// are those whose number the totals add up to.
func (c *churned) check(snap *checkpoint.Snapshot) {
	c.t.Helper()
	files, err := lineage.Open(snap)
	if err != nil {
		c.t.Fatal(err)
	}
	spec, _ := state.Lookup("fs")
	backend, err := spec.Open(state.Config{})
	if err != nil {
		c.t.Fatal(err)
	}
	store, err := backend.Store("check", 0, 8, 8)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, f := range files {
		defer f.Close()
		for _, sec := range f.Sections() {
			if sec.Kind == state.Keyed {
				store.Table(sec.Schema)
			}
		}
	}
	for i, f := range files {
		if err := store.Load(f.File); err != nil {
			c.t.Fatalf("%s: %v", f.URI, err)
		}
		if i > 0 && f.Base() > 0 {
			c.restored++
		}
	}
	totals, windows := map[int64][2]int64{}, map[int64]map[int64][2]int64{}
	for _, tab := range store.Tables() {
		for _, ns := range tab.Namespaces(nil) {
			switch rows := scanInts(c.t, tab, ns); {
			case !tab.Schema().Namespaced:
				totals = rows
			case len(rows) > 0: // a window that two tasks have closed is left empty
				windows[ns] = rows
			}
		}
	}
	wantTotals, wantWindows := churnState(totals)
	if d := cmp.Diff(wantTotals, totals); d != "" {
		c.t.Fatalf("%s (-want +got): %s", snap.URI, d)
	}
	newest := slices.Max(slices.Collect(maps.Keys(wantWindows)))
	if windows[newest] == nil || len(windows) > 2 {
		c.t.Fatalf("%s: the windows %v are open, the newest row is of %d", snap.URI, slices.Sorted(maps.Keys(windows)), newest)
	}
	for ns, rows := range windows {
		if d := cmp.Diff(wantWindows[ns], rows); d != "" {
			c.t.Fatalf("%s, window %d (-want +got): %s", snap.URI, ns, d)
		}
	}
}

// churnState is the state after as many rows as the totals count: count and sum by key, and the count by window and key.
func churnState(got map[int64][2]int64) (totals map[int64][2]int64, windows map[int64]map[int64][2]int64) {
	rows := int64(0)
	for _, r := range got {
		rows += r[0]
	}
	totals, windows = map[int64][2]int64{}, map[int64]map[int64][2]int64{}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	for v := range rows {
		k := churnKey(v)
		totals[k] = [2]int64{totals[k][0] + 1, totals[k][1] + v}
		ns := (begin + v*churnStep) / churnWindow * churnWindow
		if windows[ns] == nil {
			windows[ns] = map[int64][2]int64{}
		}
		windows[ns][v%5] = [2]int64{windows[ns][v%5][0] + 1}
	}
	return totals, windows
}

// scanInts reads a namespace of a table with an integer key and one or two integer accumulators.
func scanInts(t *testing.T, tab *state.Table, ns int64) map[int64][2]int64 {
	t.Helper()
	names := map[string]int64{}
	var all value.Keys
	col := value.NewVec(value.Of(value.Int))
	for k := range int64(churnKeys) {
		col.I64 = append(col.I64, k)
	}
	all.Encode([]*value.Vec{col}, tab.Schema().Key, value.Identity(churnKeys), 8)
	for k := range churnKeys {
		names[string(all.At(k))] = int64(k)
	}
	rows := map[int64][2]int64{}
	var cur state.Cursor
	var keys value.Keys
	slots := make([]value.Slot, 64)
	for {
		n, err := tab.Scan(ns, &cur, &keys, slots)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return rows
		}
		for i := range n {
			r := [2]int64{*slots[i].Int(tab.Word(0))}
			if len(tab.Schema().Fields) > 1 {
				r[1], _ = slots[i].Sum(tab.Word(1), tab.Heap()).Int()
			}
			rows[names[string(keys.At(i))]] = r
		}
	}
}

// unneeded fails if the run's folder holds what no retained checkpoint names, or there are more of these than were to be kept.
func (c *churned) unneeded() {
	c.t.Helper()
	s := c.storage()
	defer s.Close()
	run := s.Holding().Run
	needed := map[string]bool{}
	if run.End != event.Finished {
		if len(run.Completed) > 3 {
			c.t.Errorf("%d checkpoints are left", len(run.Completed))
		}
		for _, snap := range c.retained(s) {
			needed[path.Join(snap.Dir, checkpoint.MetadataFile)] = true
			for _, f := range snap.Manifest.Files() {
				needed[f.Name] = true
			}
		}
	}
	root := path.Join("checkpoints", "churn", run.ID)
	var walk func(dir string)
	walk = func(dir string) {
		entries, _ := c.disk.ReadDir(path.Join(root, dir)) // gone is as good as empty
		for _, e := range entries {
			name := path.Join(dir, e.Name)
			if e.Dir {
				walk(name)
			} else if !needed[name] {
				c.t.Errorf("%s is left, and nobody needs it", name)
			}
		}
	}
	walk("")
}
