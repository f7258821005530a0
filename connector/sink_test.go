package connector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipec/compiler/plan"
	"pipec/connector/part"
	"pipec/state/vfs"
	"pipec/vm/clock"
	"pipec/vm/value"
)

// sinkCase is one configured sink; a new entry of the table needs at least one. published shows what readers see.
type sinkCase struct {
	connector, label string
	config           plan.SinkConfig
	published        func(t *testing.T, env Env) []string
}

func sinkCases() []sinkCase {
	out := func(t *testing.T, env Env) []string {
		return strings.Split(strings.TrimSuffix(env.Stdout.(*bytes.Buffer).String(), "\n"), "\n")
	}
	files := func(t *testing.T, env Env) []string { return readPublished(t, env.FS, "out/dir") }
	file := func(label string, pairs ...any) sinkCase {
		return sinkCase{"file", label, plan.SinkConfig{Name: "s", Schema: pairSchema, Settings: settings(append([]any{"path", "out/dir", "format", jsonLines}, pairs...)...)}, files}
	}
	return []sinkCase{
		file("plain"),
		file("rolled often", "roll", settings("size", int64(300), "every", time.Hour)),
		file("gzip", "compression", "gzip"),
		file("zstd", "compression", "zstd", "roll", settings("size", int64(1))),
		{"stdout", "lines", plan.SinkConfig{Name: "s", Schema: pairSchema}, out},
		{"blackhole", "nothing", plan.SinkConfig{Name: "s", Schema: pairSchema}, nil},
	}
}

// sinkWorld makes sinks of one case over one world.
type sinkWorld struct {
	t    *testing.T
	c    sinkCase
	spec *Spec
	env  Env
}

func (w sinkWorld) open(epoch uint64, task int, restored ...[]byte) Sink {
	w.t.Helper()
	s := w.make(epoch, task)
	must(w.t, s.Open(context.Background(), restored))
	return s
}

func (w sinkWorld) make(epoch uint64, task int) Sink {
	w.t.Helper()
	s, err := w.spec.Sink(SinkOptions{Config: w.c.config, Job: plan.Job{Name: "j"}, Env: w.env, Run: "r1", Epoch: epoch, Task: task, Tasks: 2, Checkpoints: true})
	must(w.t, err)
	return s
}

// see checks what readers see; rows are numbers of pairBatch, in any order.
func (w sinkWorld) see(from, to int) {
	w.t.Helper()
	if w.c.published == nil {
		return
	}
	got := w.c.published(w.t, w.env)
	slices.Sort(got)
	if d := cmp.Diff(pairLines(from, to), got); d != "" {
		w.t.Fatalf("published rows: %s", d)
	}
}

func pairLines(from, to int) []string {
	var want []string
	for i := from; i < to; i++ {
		want = append(want, fmt.Sprintf(`{"n":%d,"name":"name of number %d"}`, i, i))
	}
	slices.Sort(want)
	return want
}

func eachSink(t *testing.T, exactlyOnce bool, f func(w sinkWorld)) {
	for _, c := range sinkCases() {
		spec, _ := Lookup(c.connector)
		if exactlyOnce && !spec.ExactlyOnce {
			continue
		}
		t.Run(c.connector+"/"+c.label, func(t *testing.T) {
			env := newEnv()
			env.Stdout = &bytes.Buffer{}
			f(sinkWorld{t, c, spec, env})
		})
	}
}

func prepare(t *testing.T, s Sink, id uint64) []byte {
	t.Helper()
	token, err := s.Prepare(id, false)
	must(t, err)
	return token
}

func commit(t *testing.T, s Sink, tokens ...[]byte) {
	t.Helper()
	for _, token := range tokens {
		if token != nil {
			must(t, s.Commit(context.Background(), token))
		}
	}
}

func TestSinksPublishOnceWhatIsCommitted(t *testing.T) {
	eachSink(t, true, func(w sinkWorld) {
		s := w.open(1, 0)
		must(t, s.Write(pairBatch(0, 10)))
		must(t, s.Write(pairBatch(10, 20)))
		one := prepare(t, s, 1)
		must(t, s.Write(pairBatch(20, 30)))
		w.see(0, 0)
		commit(w.t, s, one)
		w.see(0, 20)
		commit(w.t, s, one)
		w.see(0, 20)
		two := prepare(t, s, 2)
		commit(w.t, s, two, one, two)
		w.see(0, 30)
		if token := prepare(t, s, 3); token != nil {
			t.Fatalf("nothing was written, and the token is %q", token)
		}
		must(t, s.Close())
		w.see(0, 30)
	})
}

func TestSinksCommitForEachOther(t *testing.T) {
	eachSink(t, true, func(w sinkWorld) {
		a, b := w.open(1, 0), w.open(1, 1)
		must(t, a.Write(pairBatch(0, 10)))
		must(t, b.Write(pairBatch(10, 20)))
		one, other := prepare(t, a, 1), prepare(t, b, 1)
		commit(w.t, b, one)
		commit(w.t, a, other)
		w.see(0, 20)
		if again := prepare(t, a, 2); again != nil {
			t.Fatalf("published by another task, and promised again: %s", again)
		}
		must(t, a.Close())
		must(t, b.Close())
	})
}

func TestTokensOfAnAbortedCheckpointJoinTheNext(t *testing.T) {
	eachSink(t, true, func(w sinkWorld) {
		s := w.open(1, 0)
		must(t, s.Write(pairBatch(0, 10)))
		prepare(t, s, 1)
		must(t, s.Write(pairBatch(10, 20)))
		prepare(t, s, 2)
		must(t, s.Write(pairBatch(20, 30)))
		three := prepare(t, s, 3)
		w.see(0, 0)
		commit(w.t, s, three)
		w.see(0, 30)
		must(t, s.Close())
	})
}

func TestASuccessorCommitsThenDiscards(t *testing.T) {
	eachSink(t, true, func(w sinkWorld) {
		a, b := w.open(3, 0), w.open(3, 1)
		must(t, a.Write(pairBatch(0, 10)))
		must(t, b.Write(pairBatch(10, 20)))
		one, other := prepare(t, a, 7), prepare(t, b, 7)
		must(t, a.Write(pairBatch(20, 25)))
		prepare(t, a, 8) // not completed
		must(t, b.Write(pairBatch(25, 30)))
		// a and b are gone; half of the commit was done
		commit(t, w.make(3, 0), one)
		next := w.open(4, 0, one, other)
		w.see(0, 20)
		must(t, next.Write(pairBatch(20, 30)))
		token, err := next.Prepare(8, true)
		must(t, err)
		must(t, next.Close())
		commit(t, next, token)
		w.see(0, 30)
		if w.c.connector == "file" {
			must(t, leftOver(w.env.FS))
		}
	})
}

func leftOver(fsys vfs.FS) error {
	entries, err := fsys.ReadDir("out/dir")
	for _, e := range entries {
		if strings.HasPrefix(e.Name, ".") {
			return fmt.Errorf("%s is left over", e.Name)
		}
	}
	return err
}

func fileSinkWorld(t *testing.T) sinkWorld {
	spec, _ := Lookup("file")
	return sinkWorld{t, sinkCases()[0], spec, newEnv()}
}

func TestDiscardSparesWhatIsNotAPredecessors(t *testing.T) {
	w := fileSinkWorld(t)
	spared := []string{".pending-j-s-r1-5-0-0.json", ".pending-j-s-r2-6-1-0.json", ".pending-j-other-r1-1-0-0.json", ".pending-k-s-r1-1-0-0.json", ".pending-mine", ".profile", "part-r1-1-0-0.json"}
	gone := []string{".pending-j-s-r1-4-0-0.json", ".pending-j-s-r0-1-3-17.csv.gz"}
	for _, name := range append(slices.Clone(spared), gone...) {
		put(t, w.env.FS, path.Join("out/dir", name), "")
	}
	w.open(5, 1)
	if n := len(names(t, w.env.FS)); n != len(spared)+len(gone) {
		t.Fatalf("another task than the first has discarded: %d files are left", n)
	}
	w.open(5, 0)
	if d := cmp.Diff(slices.Sorted(slices.Values(spared)), names(t, w.env.FS)); d != "" {
		t.Fatal(d)
	}
}

func names(t *testing.T, fsys vfs.FS) []string {
	entries, err := fsys.ReadDir("out/dir")
	must(t, err)
	var list []string
	for _, e := range entries {
		list = append(list, e.Name)
	}
	return list
}

func TestNamesOfPartsAreReadBack(t *testing.T) {
	for _, sink := range []string{"s", "a-b", "x/y.z", "größe", ""} {
		p := part.Name{Job: "j-1", Sink: sink, Run: "r20260101", Epoch: 12, Task: 3, N: 4, Ext: "json.gz"}
		got, ok := part.Parse(p.Pending())
		p.Job, p.Sink = part.Escape(p.Job), part.Escape(p.Sink)
		if !ok || got != p {
			t.Errorf("%s is read as %+v", p.Pending(), got)
		}
	}
	for _, name := range []string{".pending-a-b-c-1-2-3", ".pending-a-b-c-x-2-3.json", ".pending-a-b-c--1-2-3.json", "part-r-1-0-0.json", ".pending-a-b-c-1-2-3-4.json"} {
		if p, ok := part.Parse(name); ok {
			t.Errorf("%s is read as %+v", name, p)
		}
	}
}

func TestALostPartIsNamed(t *testing.T) {
	for _, damage := range []string{"remove", "truncate"} {
		w := fileSinkWorld(t)
		s := w.open(1, 0)
		must(t, s.Write(pairBatch(0, 10)))
		one := prepare(t, s, 1)
		name := "out/dir/.pending-j-s-r1-1-0-0.json"
		if damage == "remove" {
			must(t, w.env.FS.Remove(name))
		} else {
			put(t, w.env.FS, name, "{}\n")
		}
		err := w.make(2, 0).Open(context.Background(), [][]byte{one})
		if !errors.Is(err, ErrLost) || !Permanent(err) || !strings.Contains(err.Error(), "part-r1-1-0-0.json") {
			t.Errorf("%s: %v", damage, err)
		}
	}
}

func TestWithoutCheckpointsPartsArePublishedWhenRolledAndAtTheEnd(t *testing.T) {
	w := fileSinkWorld(t)
	w.c.config.Settings = settings("path", "out/dir", "format", jsonLines, "roll", settings("size", int64(1000), "every", 10*time.Second))
	fake := w.env.Clock.(*clock.Fake)
	sink, err := w.spec.Sink(SinkOptions{Config: w.c.config, Env: w.env, Run: "r1", Epoch: 1, Tasks: 1})
	must(t, err)
	must(t, sink.Open(context.Background(), nil))
	must(t, sink.Write(pairBatch(0, 10)))
	w.see(0, 0)
	must(t, sink.Write(pairBatch(10, 30)))
	w.see(0, 30)
	must(t, sink.Write(pairBatch(30, 31)))
	fake.BlockUntil(1)
	fake.Advance(10 * time.Second) // no row comes, and yet the part is rolled
	for len(readPublished(t, w.env.FS, "out/dir")) < 31 {
		fake.Advance(time.Millisecond)
	}
	w.see(0, 31)
	must(t, sink.Write(pairBatch(31, 33)))
	w.see(0, 31)
	must(t, sink.Close())
	w.see(0, 33)
	must(t, leftOver(w.env.FS))
}

func TestWithoutCheckpointsNothingPublishedIsReplaced(t *testing.T) {
	w := fileSinkWorld(t)
	put(t, w.env.FS, "out/dir/.pending-j-s-r1-1-0-1.json", "half a ro") // of an attempt that was killed
	for i := range 3 {
		sink, err := w.spec.Sink(SinkOptions{Config: w.c.config, Job: plan.Job{Name: "j"}, Env: w.env, Run: "r1", Epoch: 1, Tasks: 1})
		must(t, err)
		must(t, sink.Open(context.Background(), nil))
		must(t, sink.Write(pairBatch(i, i+1)))
		must(t, sink.Close())
	}
	w.see(0, 3)
}

// changes is a batch with all kinds of rows.
func changes() *value.Batch {
	b := pairBatch(0, 4)
	b.Kinds = []value.RowKind{value.Insert, value.UpdateBefore, value.UpdateAfter, value.Delete}
	return b
}

func TestChangesAreShown(t *testing.T) {
	const before, after = `{"_op":"update_before","n":1,"name":"name of number 1"}`, `{"_op":"update_after","n":2,"name":"name of number 2"}`
	const insert, gone = `{"_op":"insert","n":0,"name":"name of number 0"}`, `{"_op":"delete","n":3,"name":"name of number 3"}`
	bare := pairLines(0, 4)
	cases := []struct {
		label, connector string
		config           plan.SinkConfig
		want             []string
	}{
		{"stdout of an upsert stream", "stdout", plan.SinkConfig{Mode: plan.Upsert}, []string{bare[0], bare[2], gone}},
		{"stdout with changes", "stdout", plan.SinkConfig{Mode: plan.Upsert, Settings: settings("changes", true)}, []string{insert, before, after, gone}},
		{"keyed file", "file", plan.SinkConfig{Mode: plan.Upsert, Key: []string{"n"}}, []string{insert, after, gone}},
		{"file of a stream that retracts", "file", plan.SinkConfig{Mode: plan.Retract}, []string{insert, before, after, gone}},
	}
	for _, c := range cases {
		t.Run(c.label, func(t *testing.T) {
			env := newEnv()
			var out bytes.Buffer
			env.Stdout = &out
			c.config.Schema = pairSchema
			if c.connector == "file" {
				c.config.Settings = settings("path", "out", "format", jsonLines)
			}
			spec, _ := Lookup(c.connector)
			s, err := spec.Sink(SinkOptions{Config: c.config, Env: env, Run: "r", Epoch: 1, Tasks: 1})
			must(t, err)
			must(t, s.Open(context.Background(), nil))
			must(t, s.Write(changes()))
			got := strings.Split(strings.TrimSpace(out.String()), "\n")
			must(t, s.Close())
			if c.connector == "file" {
				got = readPublished(t, env.FS, "out")
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Fatal(d)
			}
		})
	}
}

func TestAKeyedSinkOfInsertsSaysInsert(t *testing.T) {
	env := newEnv()
	spec, _ := Lookup("file")
	s, err := spec.Sink(SinkOptions{Config: plan.SinkConfig{Schema: pairSchema, Key: []string{"n"}, Settings: settings("path", "out", "format", jsonLines)}, Env: env, Run: "r", Epoch: 1, Tasks: 1})
	must(t, err)
	must(t, s.Open(context.Background(), nil))
	must(t, s.Write(pairBatch(0, 1)))
	must(t, s.Close())
	if got := readPublished(t, env.FS, "out"); len(got) != 1 || !strings.HasPrefix(got[0], `{"_op":"insert"`) {
		t.Fatal(got)
	}
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func TestStdoutWritesEachBatchAtOnceAndItsHeaderOnce(t *testing.T) {
	spec, _ := Lookup("stdout")
	var pieces []string
	env := newEnv()
	env.Stdout = Share(writer(func(p []byte) (int, error) { pieces = append(pieces, string(p)); return len(p), nil }))
	config := plan.SinkConfig{Name: "s", Schema: pairSchema, Settings: settings("format", csvWithHeader)}
	for attempt := range 2 {
		for task := range 2 {
			s, err := spec.Sink(SinkOptions{Config: config, Env: env, Task: task, Tasks: 2, Epoch: uint64(attempt)})
			must(t, err)
			must(t, s.Open(context.Background(), nil))
			must(t, s.Write(pairBatch(task, task+1)))
			must(t, s.Close())
		}
	}
	row := []string{"0,name of number 0\n", "1,name of number 1\n"}
	if d := cmp.Diff([]string{"n,name\n", row[0], row[1], row[0], row[1]}, pieces); d != "" {
		t.Fatal(d)
	}
}

func TestStdoutOfAClosedPipe(t *testing.T) {
	for _, cause := range []error{syscall.EPIPE, io.ErrClosedPipe, io.ErrShortWrite} {
		spec, _ := Lookup("stdout")
		env := newEnv()
		env.Stdout = writer(func([]byte) (int, error) { return 0, cause })
		s, err := spec.Sink(SinkOptions{Config: plan.SinkConfig{Schema: pairSchema}, Env: env, Tasks: 1})
		must(t, err)
		err = s.Write(pairBatch(0, 1))
		if closed := cause != io.ErrShortWrite; errors.Is(err, ErrClosed) != closed || Permanent(err) != closed || !errors.Is(err, cause) {
			t.Errorf("%v: %v", cause, err)
		}
	}
}

func TestProbeLeavesNothingAndSaysWhatIsWrong(t *testing.T) {
	env := newEnv()
	put(t, env.FS, "a/file", "x")
	spec, _ := Lookup("file")
	probe := func(dir string, e Env) error {
		return spec.Probe(plan.SinkConfig{Name: "s", Settings: settings("path", dir)}, e)
	}
	for _, dir := range []string{"a", "a/b/c", "/new"} {
		must(t, probe(dir, env))
	}
	if entries, _ := env.FS.ReadDir("a"); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	if err := probe("a/file/b", env); !errors.Is(err, ErrOpen) || !Permanent(err) {
		t.Error(err)
	}
	env.FS = vfs.Observe(env.FS, vfs.Hooks{Before: func(op vfs.Op) error {
		if op.Changes() {
			return syscall.EACCES
		}
		return nil
	}})
	if err := probe("a/b/c", env); !errors.Is(err, ErrOpen) || err.Error() != "cannot open a/b/c: permission denied" {
		t.Error(err)
	}
	w := sinkWorld{t, sinkCases()[0], spec, env}
	if err := w.make(1, 0).Open(context.Background(), nil); !errors.Is(err, ErrOpen) {
		t.Error(err)
	}
}

func TestAFullDiskIsTransient(t *testing.T) {
	w := fileSinkWorld(t)
	full := false
	w.env.FS = vfs.Observe(w.env.FS, vfs.Hooks{Before: func(op vfs.Op) error {
		if full && op.Kind == "write" {
			return &vfs.Partial{N: 5, Err: syscall.ENOSPC}
		}
		return nil
	}})
	s := w.open(1, 0)
	must(t, s.Write(pairBatch(0, 10)))
	full = true
	_, err := s.Prepare(1, false)
	if !errors.Is(err, syscall.ENOSPC) || Permanent(err) {
		t.Fatal(err)
	}
	if err := s.Write(pairBatch(0, 1)); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("a sink that lost rows goes on: %v", err)
	}
	s.Close()
	w.see(0, 0)
}
