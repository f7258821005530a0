package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"math/rand/v2"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/state/vfs"
	"pipec/vm"
	"pipec/vm/clock"
	"pipec/vm/sim"
)

// testCase is one archive of run/: job.pipe, input files by path, and want/SINK for each sink that is looked at (stdout is one).
type testCase struct {
	name  string
	file  string
	arch  *txtar.Archive
	fails string // want/error: the text of the failure, for cases that fail at run time
}

// mode is one way to execute a case.
type mode struct {
	backend  string
	tasks    int
	batch    int
	every    time.Duration // checkpoints; 0: none
	crash    int           // after every so many completed checkpoints the machine loses power; 0: never
	atLeast  bool
	rescaled []int // parallelism after each crash, in turn
	backends []string
	deltas   bool // incremental checkpoints
	seed     uint64
}

func (m mode) String() string {
	s := fmt.Sprintf("%s/p%d/batch%d", m.backend, m.tasks, m.batch)
	if m.deltas {
		s += "/incremental"
	}
	switch {
	case m.crash > 0 && len(m.rescaled) > 0:
		s += fmt.Sprintf("/crash%d-rescale", m.crash)
	case m.crash > 0:
		s += fmt.Sprintf("/crash%d", m.crash)
	case m.every > 0:
		s += "/checkpoints"
	}
	return s
}

// modes are the ways every case runs. The first is the straight run that rewrites goldens.
func modes(short bool) []mode {
	const tick = 3 * time.Millisecond
	all := []mode{
		{backend: "memory", tasks: 1, batch: 1024},
		{backend: "memory", tasks: 3, batch: 7},
		{backend: "fs", tasks: 1, batch: 1, every: tick, crash: 2},
	}
	if short {
		return all
	}
	for i, backend := range []string{"fs", "badger"} {
		n := uint64(i)
		all = append(all,
			mode{backend: backend, tasks: 2, batch: 2, every: tick, crash: 2, deltas: true, seed: 50 + n},
			mode{backend: backend, tasks: 3, batch: 3, every: tick, crash: 3, rescaled: []int{3, 1, 1, 2, 4}, backends: []string{backend, "fs", "badger"}, deltas: true, seed: 60 + n},
		)
	}
	for i, backend := range []string{"memory", "fs", "badger"} {
		n := uint64(i)
		all = append(all,
			mode{backend: backend, tasks: 1, batch: 1},
			mode{backend: backend, tasks: 3, batch: 1024, seed: 10 + n},
			mode{backend: backend, tasks: 3, batch: 2, every: tick, seed: 20 + n},
			mode{backend: backend, tasks: 2, batch: 3, every: tick, crash: 1, seed: 30 + n},
			mode{backend: backend, tasks: 3, batch: 2, every: tick, crash: 1, rescaled: []int{1, 2, 4, 3}, backends: []string{"fs", "badger", "memory"}, seed: 40 + n},
		)
	}
	return all
}

// deaths is how often the power goes in one run of a case: at the end of the input each life is as short as the last, and it would never end.
const deaths = 12

func TestRun(t *testing.T) {
	files, err := filepath.Glob("run/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			c := load(t, file)
			for i, m := range modes(testing.Short()) {
				if m.crash > 0 && c.text("stdin") != "" {
					continue // standard input cannot be read again
				}
				t.Run(m.String(), func(t *testing.T) {
					got := c.run(t, m)
					if i == 0 && os.Getenv("PIPEC_UPDATE") != "" {
						c.update(t, got)
					}
					c.compare(t, got)
				})
			}
		})
	}
}

func load(t *testing.T, file string) *testCase {
	t.Helper()
	arch, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := &testCase{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), file: file, arch: arch}
	c.fails = strings.TrimSpace(c.text("want/error"))
	return c
}

func (c *testCase) text(name string) string {
	for _, f := range c.arch.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

// machine is a computer that can lose power: its disk, and what its standard output showed.
type machine struct {
	disk   *vfs.Mem
	stdout bytes.Buffer
	clock  *clock.Fake
	rng    *rand.Rand
}

// run executes the case in a mode and gives the rows of each sink: lines of JSON, sorted; folded by key where rows replace each other.
func (c *testCase) run(t *testing.T, m mode) map[string][]string {
	t.Helper()
	pc := &machine{disk: vfs.NewMem(), clock: clock.NewFake(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), rng: rand.New(rand.NewPCG(m.seed, 99))}
	for _, f := range c.arch.Files {
		if !strings.HasPrefix(f.Name, "want/") {
			place(t, pc.disk, f.Name, f.Data)
		}
	}
	local := t.TempDir()
	var p *plan.Plan
	for life := 0; ; life++ {
		p = c.compile(t, m, life)
		res, died := c.live(t, pc, p, m, life, local)
		if !died {
			c.check(t, res)
			break
		}
	}
	return c.collect(t, pc, p)
}

// place writes a file so that it survives everything.
func place(t *testing.T, fs vfs.FS, name string, data []byte) {
	t.Helper()
	if err := fs.MkdirAll(path.Dir(name)); err != nil {
		t.Fatal(err)
	}
	if err := vfs.WriteFile(fs, name, data); err != nil {
		t.Fatal(err)
	}
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if err := fs.SyncDir(dir); err != nil {
			t.Fatal(err)
		}
		if dir == "." || dir == "/" {
			return
		}
	}
}

// live runs one process until it ends or its time has come.
func (c *testCase) live(t *testing.T, pc *machine, p *plan.Plan, m mode, life int, local string) (res vm.Result, died bool) {
	t.Helper()
	sched := sim.New(m.seed+uint64(life)*7919, pc.clock)
	completed := 0
	watch := event.Func(func(e event.Event) {
		if _, ok := e.Body.(*event.CheckpointCompleted); ok {
			completed++
		}
	})
	env := &vm.Env{FS: pc.disk, Clock: pc.clock, Sched: sched, Random: sched.Random, Stdin: strings.NewReader(c.text("stdin")), Stdout: &pc.stdout,
		Events: watch, Process: vm.Process{Host: "sim", ID: life + 1, Engine: "test"}, Local: filepath.Join(local, strconv.Itoa(life))}
	job, err := vm.New(p, env, vm.Request{})
	if err != nil {
		t.Fatal(err)
	}
	done := job.Start()
	ended := false
	sched.Run(func() bool {
		if died = m.crash > 0 && life < deaths && completed >= m.crash; died {
			return true
		}
		select {
		case res = <-done:
			ended = true
		default:
		}
		return false
	})
	if !ended && !died {
		t.Fatal("nothing runs and the job has not ended")
	}
	if died {
		after := pc.disk.CrashClone(pc.rng)
		bury(sched, job, pc)
		pc.disk = after
	}
	return res, died
}

// bury lets the goroutines of a process that died end, on a disk that nobody will look at.
func bury(sched *sim.Scheduler, job *vm.Job, pc *machine) {
	seen := pc.stdout.Len()
	job.Kill(fmt.Errorf("the machine lost power"))
	sched.Run(func() bool { return false })
	pc.stdout.Truncate(seen)
}

func (c *testCase) check(t *testing.T, res vm.Result) {
	t.Helper()
	switch {
	case c.fails == "" && res.Err != nil:
		t.Fatalf("it failed: %v", res.Err)
	case c.fails != "" && res.Err == nil:
		t.Fatalf("it ended well; want the failure %q", c.fails)
	case c.fails != "" && !strings.Contains(res.Err.Error(), c.fails):
		t.Fatalf("it failed with %q; want %q", res.Err, c.fails)
	}
}

// collect reads what the sinks have published.
func (c *testCase) collect(t *testing.T, pc *machine, p *plan.Plan) map[string][]string {
	t.Helper()
	got := map[string][]string{}
	for _, n := range p.Nodes {
		config, ok := n.Config.(*plan.SinkConfig)
		if !ok {
			continue
		}
		var lines []string
		switch config.Connector {
		case "stdout":
			lines = split(pc.stdout.String())
		case "file":
			lines = published(t, pc.disk, config.Settings.Text("path"))
		default:
			continue
		}
		key := config.Key
		if len(key) == 0 && config.Mode == plan.Upsert {
			key = config.ModeKey
		}
		if len(key) > 0 || config.Mode == plan.Upsert {
			lines = fold(t, lines, key)
		} else if config.Connector == "stdout" {
			lines = distinct(lines) // what a crash repeats on a terminal is not doubled
		}
		sort.Strings(lines)
		got[config.Name] = lines
	}
	return got
}

func split(text string) []string {
	text = strings.TrimSuffix(text, "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func distinct(lines []string) []string {
	set := map[string]bool{}
	for _, l := range lines {
		set[l] = true
	}
	return slices.Collect(maps.Keys(set))
}

// published reads the parts of a directory in the order (run, epoch, task, n), numerically.
func published(t *testing.T, fs vfs.FS, dir string) []string {
	t.Helper()
	entries, err := fs.ReadDir(dir)
	if err != nil {
		return nil // nothing was ever written
	}
	type part struct {
		name  string
		run   string
		order [3]int
	}
	var parts []part
	for _, e := range entries {
		if strings.HasPrefix(e.Name, ".") {
			continue
		}
		base, _, _ := strings.Cut(e.Name, ".json")
		fields := strings.Split(base, "-")
		if len(fields) != 5 || fields[0] != "part" {
			t.Fatalf("%s/%s is no published part", dir, e.Name)
		}
		p := part{name: e.Name, run: fields[1]}
		for i, f := range fields[2:] {
			if p.order[i], err = strconv.Atoi(f); err != nil {
				t.Fatalf("%s: %v", e.Name, err)
			}
		}
		parts = append(parts, p)
	}
	sort.Slice(parts, func(i, j int) bool {
		if parts[i].run != parts[j].run {
			return parts[i].run < parts[j].run
		}
		return slices.Compare(parts[i].order[:], parts[j].order[:]) < 0
	})
	var lines []string
	for _, p := range parts {
		data, err := vfs.ReadFile(fs, path.Join(dir, p.name))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, split(string(data))...)
	}
	return lines
}

// fold keeps the last row of each key, without its _op; deleted keys are gone.
func fold(t *testing.T, lines, key []string) []string {
	t.Helper()
	table := map[string]string{}
	for _, l := range lines {
		var row map[string]json.RawMessage
		if err := json.Unmarshal([]byte(l), &row); err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		var k strings.Builder
		for _, name := range key {
			k.Write(row[name])
			k.WriteByte(0)
		}
		op := string(row["_op"])
		if op == `"delete"` {
			delete(table, k.String())
			continue
		}
		if op == `"update_before"` {
			continue
		}
		if op != "" {
			l = strings.Replace(l, `"_op":`+op+`,`, "", 1)
		}
		table[k.String()] = l
	}
	return slices.Collect(maps.Values(table))
}

func (c *testCase) compare(t *testing.T, got map[string][]string) {
	t.Helper()
	if c.fails != "" {
		return
	}
	seen := map[string]bool{}
	for _, f := range c.arch.Files {
		sink, ok := strings.CutPrefix(f.Name, "want/")
		if !ok {
			continue
		}
		seen[sink] = true
		want := split(string(f.Data))
		sort.Strings(want)
		if diff := cmp.Diff(want, got[sink]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", sink, diff)
		}
	}
	for sink := range got {
		if !seen[sink] {
			t.Errorf("the case says nothing about the sink %s: add want/%s", sink, sink)
		}
	}
}

// update rewrites the case's want sections.
func (c *testCase) update(t *testing.T, got map[string][]string) {
	t.Helper()
	if c.fails != "" {
		return
	}
	var files []txtar.File
	for _, f := range c.arch.Files {
		if !strings.HasPrefix(f.Name, "want/") {
			files = append(files, f)
		}
	}
	for _, sink := range slices.Sorted(maps.Keys(got)) {
		text := strings.Join(got[sink], "\n")
		if text != "" {
			text += "\n"
		}
		files = append(files, txtar.File{Name: "want/" + sink, Data: []byte(text)})
	}
	c.arch.Files = files
	if err := os.WriteFile(c.file, txtar.Format(c.arch), 0o644); err != nil {
		t.Fatal(err)
	}
}
