package connector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipec/compiler/plan"
	"pipec/connector/follow"
	"pipec/state/vfs"
	"pipec/vm/clock"
)

func followConfig(path string, format chosen) plan.SourceConfig {
	schema := lineSchema
	if format.word != "text" {
		schema = pairSchema
	}
	return plan.SourceConfig{Schema: schema, Settings: settings("path", path, "follow", true, "format", format)}
}

func appendTo(t testing.TB, fsys vfs.FS, name, text string) {
	t.Helper()
	f, err := fsys.OpenAppend(name)
	must(t, err)
	_, err = f.Write([]byte(text))
	must(t, err)
	must(t, f.Close())
}

// diskEnv is the real world, as far as files and time go.
func diskEnv(w follow.Watcher) (Env, *notes) {
	n := &notes{}
	return Env{FS: vfs.OS(), Clock: clock.Real(), Watcher: w, Note: n.add}, n
}

// notes are what a source tells its user.
type notes struct {
	mu   sync.Mutex
	list []string
}

func (n *notes) add(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, text)
}

func (n *notes) all() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.list, "\n")
}

// until reads until it has so many rows in all.
func until(t testing.TB, s *session, rows []string, n int) []string {
	t.Helper()
	for len(rows) < n {
		got, ok, err := s.next(100)
		must(t, err)
		if !ok {
			t.Fatalf("the end after %d rows", len(rows))
		}
		rows = append(append(rows, got.rows...), got.bad...)
	}
	return rows
}

// With the operating system's files and events: a writer that rotates by renaming, as fast as the reader follows, and writes on in the old file before it opens the new one.
func TestARotationThatIsWatched(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "app.log")
	var lines int
	line := func() string { lines++; return fmt.Sprintf("line %d\n", lines-1) }
	fsys := vfs.OS()
	appendTo(t, fsys, name, line())
	env, _ := diskEnv(follow.OS())
	src := openSource(t, "file", followConfig(name, choice("text")), env)
	defer src.Close()
	s := read(t, src, splitsOf(t, src, 1, nil))
	rows := until(t, s, nil, 1)
	for turn := range 60 {
		appendTo(t, fsys, name, line()+line())
		old := fmt.Sprintf("%s.%d", name, turn)
		must(t, os.Rename(name, old))
		appendTo(t, fsys, old, line())
		appendTo(t, fsys, name, line()[:3])
		appendTo(t, fsys, name, fmt.Sprintf("e %d\n", lines-1))
		rows = until(t, s, rows, lines)
	}
	must(t, s.r.Close())
	for i, row := range rows {
		if row != fmt.Sprintf("line %d", i) {
			t.Fatalf("row %d is %q", i, row)
		}
	}
}

// The writer does not wait for the reader, in a directory where files come, are renamed, and go; in between the reader is stopped and goes on.
func TestADirectoryThatIsWatched(t *testing.T) {
	for label, w := range map[string]follow.Watcher{"watched": follow.OS(), "looked at": nil} {
		t.Run(label, func(t *testing.T) {
			dir := t.TempDir()
			const files, turns, perTurn = 3, 40, 5
			write := func() {
				for turn := range turns {
					for f := range files {
						name := filepath.Join(dir, fmt.Sprintf("in%d.log", f))
						for i := range perTurn {
							appendTo(t, vfs.OS(), name, fmt.Sprintf("%d/%d\n", f, turn*perTurn+i))
						}
						if (turn+f)%5 == 4 {
							must(t, os.Rename(name, fmt.Sprintf("%s.%d", name, turn)))
						}
					}
				}
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				write()
			}()
			const total = files * turns * perTurn
			var rows []string
			var at []Split
			for attempt := 0; len(rows) < total; attempt++ {
				env, _ := diskEnv(w)
				src := openSource(t, "file", followConfig(filepath.Join(dir, "in*"), choice("text")), env)
				at = slices.DeleteFunc(at, func(s Split) bool { return s.ID == "" }) // appeared, and gave nothing yet
				at = splitsOf(t, src, 1, at)
				s := read(t, src, at)
				for taken := 0; len(rows) < total && (taken < 3 || attempt > 8); taken++ {
					got, _, err := s.next(7)
					must(t, err)
					rows = append(rows, got.rows...)
					for got.index >= len(at) {
						at = append(at, Split{})
					}
					at[got.index] = got.after
				}
				must(t, s.r.Close())
				must(t, src.Close())
			}
			<-done
			var want []string
			for f := range files {
				for i := range turns * perTurn {
					want = append(want, fmt.Sprintf("%d/%d", f, i))
				}
			}
			sort.Strings(rows)
			sort.Strings(want)
			if d := cmp.Diff(want, rows); d != "" {
				t.Fatal(d)
			}
		})
	}
}

// broken is a Watcher of a system that has no watches left.
type broken struct{ at string }

func (b broken) Watch(changed func(bool)) (follow.Watch, error) {
	if b.at == "" {
		return nil, syscall.EMFILE
	}
	return brokenWatch{}, nil
}

type brokenWatch struct{}

func (brokenWatch) Add(string) error { return syscall.ENOSPC }
func (brokenWatch) Close() error     { return nil }

func TestWithoutWatchesFilesAreLookedAt(t *testing.T) {
	for _, at := range []string{"", "add"} {
		name := filepath.Join(t.TempDir(), "log")
		appendTo(t, vfs.OS(), name, "one\n")
		env, notes := diskEnv(broken{at})
		src := openSource(t, "file", followConfig(name, choice("text")), env)
		s := read(t, src, splitsOf(t, src, 1, nil))
		rows := until(t, s, nil, 1)
		appendTo(t, vfs.OS(), name, "two\n")
		rows = until(t, s, rows, 2)
		must(t, os.Rename(name, name+".1"))
		appendTo(t, vfs.OS(), name, "three\n")
		rows = until(t, s, rows, 3)
		must(t, s.r.Close())
		must(t, src.Close())
		if !slices.Equal(rows, []string{"one", "two", "three"}) || strings.Count(notes.all(), "files cannot be watched") != 1 {
			t.Errorf("%q, notes %q", rows, notes.all())
		}
	}
}

// scene is a followed path in memory that a test moves on by hand.
type scene struct {
	t     *testing.T
	fs    vfs.FS
	clock *clock.Fake
	notes notes
	src   Source
	s     *session
	at    []Split
}

func newScene(t *testing.T) *scene {
	c := &scene{t: t, fs: vfs.NewMem(), clock: clock.NewFake(day)}
	must(t, c.fs.MkdirAll("d"))
	return c
}

func (c *scene) try(config plan.SourceConfig) error {
	spec, _ := Lookup("file")
	src, err := spec.Source(SourceOptions{Config: config, Job: plan.Job{BatchSize: 10}, Env: Env{FS: c.fs, Clock: c.clock, Inline: true, Note: c.notes.add}})
	if err != nil {
		return err
	}
	splits, err := src.Splits(context.Background(), 1, c.at)
	if err != nil {
		must(c.t, src.Close())
		return err
	}
	c.src, c.at = src, splits
	c.s = read(c.t, src, splits)
	return nil
}

func (c *scene) open(config plan.SourceConfig) {
	c.t.Helper()
	must(c.t, c.try(config))
}

func (c *scene) close() {
	must(c.t, c.s.r.Close())
	must(c.t, c.src.Close())
}

// look lets time pass and gives what came.
func (c *scene) look(d time.Duration) (rows []string) {
	c.clock.Advance(d)
	for {
		got, ok, err := c.s.next(10)
		must(c.t, err)
		if !ok {
			return rows
		}
		rows = append(append(rows, got.rows...), got.bad...)
		for got.index >= len(c.at) {
			c.at = append(c.at, Split{})
		}
		c.at[got.index] = got.after
	}
}

func (c *scene) want(d time.Duration, rows ...string) {
	c.t.Helper()
	if diff := cmp.Diff(rows, c.look(d)); diff != "" {
		c.t.Fatal(diff)
	}
}

func TestAFileOfItsOwnHeaderEach(t *testing.T) {
	c := newScene(t)
	put(t, c.fs, "d/log", "n,name\n1,a\n2,")
	c.open(followConfig("d/log", csvWithHeader))
	c.want(0, "1|a")
	appendTo(t, c.fs, "d/log", "b\n")
	c.want(time.Second, "2|b")
	must(t, c.fs.Rename("d/log", "d/log.1"))
	appendTo(t, c.fs, "d/log.1", "3,c")
	put(t, c.fs, "d/log", "")
	c.want(time.Second) // the writer may still be in the old file
	appendTo(t, c.fs, "d/log", "name,n\n")
	appendTo(t, c.fs, "d/log", "d,4\n")
	c.want(time.Second, "3|c", "4|d")
	c.close()
	appendTo(t, c.fs, "d/log", "e,5\n")
	c.open(followConfig("d/log", csvWithHeader))
	c.want(0, "5|e")
	c.close()
}

func TestWhatARemovedFileMeans(t *testing.T) {
	c := newScene(t)
	put(t, c.fs, "d/a", "one\ntwo")
	c.open(followConfig("d", choice("text")))
	c.want(0, "one")
	must(t, c.fs.Remove("d/a"))
	c.want(time.Second)
	if c.at[0].Ended {
		t.Fatal("somebody may still write to it")
	}
	c.want(10*time.Second, "two")
	c.look(time.Second)
	if !c.at[0].Ended {
		t.Fatal("nobody can find it any more")
	}
	put(t, c.fs, "d/a", "three\n")
	put(t, c.fs, "d/.hidden", "no\n")
	c.want(time.Second, "three")
	if c.at[0].Ended || len(c.at) != 1 {
		t.Fatalf("%+v", c.at)
	}
	c.close()
}

func TestASnapshotWhoseFileIsGone(t *testing.T) {
	for label, step := range map[string]struct {
		harm func(c *scene)
		want string // "": it goes on
		rows []string
	}{
		"removed":                 {func(c *scene) { must(t, c.fs.Remove("d/log")) }, "cannot go on in d/log: it is gone, or was cut or replaced, and the snapshot goes on at byte 8 of it", nil},
		"replaced":                {func(c *scene) { must(t, c.fs.Remove("d/log")); put(t, c.fs, "d/log", "other\nlines\n") }, "cannot go on in d/log: it is gone", nil},
		"cut":                     {func(c *scene) { put(t, c.fs, "d/log", "x\n") }, "cannot go on in d/log: it is gone", nil},
		"compressed":              {func(c *scene) { must(t, c.fs.Remove("d/log")); put(t, c.fs, "d/log.1.gz", "one\ntwo\nthree\n") }, "cannot go on in d/log: it is gone", nil},
		"renamed":                 {func(c *scene) { must(t, c.fs.Rename("d/log", "d/log.1")); put(t, c.fs, "d/log", "four\n") }, "", []string{"three", "four"}},
		"renamed, nothing yet":    {func(c *scene) { must(t, c.fs.Rename("d/log", "d/old-log")) }, "", []string{"three"}},
		"copied and cut":          {func(c *scene) { put(t, c.fs, "d/log.1", "one\ntwo\nthree\n"); put(t, c.fs, "d/log", "four\n") }, "", []string{"three", "four"}},
		"another machine's":       {func(c *scene) { must(t, c.fs.Remove("d/log")); put(t, c.fs, "d/log", "one\ntwo\nthree\n") }, "", []string{"three"}},
		"renamed to another path": {func(c *scene) { must(t, c.fs.Rename("d/log", "e/log")) }, "cannot go on in d/log: it is gone", nil},
	} {
		t.Run(label, func(t *testing.T) {
			c := newScene(t)
			must(t, c.fs.MkdirAll("e"))
			put(t, c.fs, "d/log", "one\ntwo\n")
			c.open(followConfig("d/log", choice("text")))
			c.want(0, "one", "two")
			c.close()
			appendTo(t, c.fs, "d/log", "three\n")
			step.harm(c)
			err := c.try(followConfig("d/log", choice("text")))
			if step.want != "" {
				if !errors.Is(err, ErrPosition) || !Permanent(err) || !strings.HasPrefix(err.Error(), step.want) {
					t.Fatal(err)
				}
				return
			}
			must(t, err)
			c.want(0, step.rows...)
			c.close()
		})
	}
}

func TestWhatCannotBeFollowed(t *testing.T) {
	c := newScene(t)
	for path, want := range map[string]string{
		"d/log":    "cannot open d/log: no such file or directory",
		"d/log.gz": "cannot open d/log.gz: a compressed file cannot be followed",
		"none/log": "cannot open none/log: no such file or directory",
	} {
		if err := c.try(followConfig(path, choice("text"))); !errors.Is(err, ErrOpen) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	c.at = []Split{{ID: filesID, Chain: true}}
	if err := c.try(followConfig("d", choice("text"))); !errors.Is(err, ErrPosition) {
		t.Error(err)
	}
	c.at = []Split{{ID: "d/x", Position: []byte(`{"file":"d/x","offset":3,"inode":7,"head":"","size":3}`)}}
	if err := c.try(followConfig("d", choice("text"))); !errors.Is(err, ErrPosition) || !strings.Contains(err.Error(), "follow = false") {
		t.Error(err)
	}
	c.at = nil
	put(t, c.fs, "d/log.1.gz", "old\n")
	put(t, c.fs, "d/log", "new\n")
	c.open(followConfig("d/log*", choice("text")))
	c.want(0, "new")
	if !strings.Contains(c.notes.all(), "compressed files are not followed: 1 of them") {
		t.Error(c.notes.all())
	}
	c.close()
}

// A glob may reach into directories that do not exist yet.
func TestNewDirectoriesOfAGlob(t *testing.T) {
	c := newScene(t)
	c.open(followConfig("d/*/log", choice("text")))
	c.want(0)
	put(t, c.fs, "d/x/log", "one\n")
	c.want(time.Second, "one")
	put(t, c.fs, "d/y/log", "two\n")
	put(t, c.fs, "d/y/other", "no\n")
	appendTo(t, c.fs, "d/x/log", "three\n")
	rows := c.look(time.Second)
	sort.Strings(rows)
	if !slices.Equal(rows, []string{"three", "two"}) {
		t.Fatal(rows)
	}
	c.close()
	put(t, c.fs, "d/z/log", "four\n")
	c.open(followConfig("d/*/log", choice("text")))
	c.want(0, "four")
	c.close()
}

// A file that waits its turn holds the watermark back; silence counts once what was there has been read.
func TestFollowedFilesAreReadyWhenTheyWereReadToTheirEnds(t *testing.T) {
	c := newScene(t)
	put(t, c.fs, "d/a", strings.Repeat("a\n", 15))
	put(t, c.fs, "d/b", "b\n")
	c.open(followConfig("d", choice("text")))
	var seen []string
	for {
		_, ok, err := c.s.next(10)
		must(t, err)
		seen = append(seen, fmt.Sprint(c.s.read.Ready))
		if !ok {
			break
		}
	}
	if want := []string{"[false false]", "[true false]", "[true true]"}; !slices.Equal(want, slices.Compact(seen)) {
		t.Error(seen)
	}
	c.close()
}

// New files go to the reader that has the fewest.
func TestNewFilesAreDivided(t *testing.T) {
	env := newEnv()
	env.Inline = true
	fake := env.Clock.(*clock.Fake)
	put(t, env.FS, "d/0", "x\n")
	src := openSource(t, "file", followConfig("d", choice("text")), env)
	defer src.Close()
	splits := splitsOf(t, src, 3, nil)
	var readers []*session
	for task := range 3 {
		readers = append(readers, read(t, src, Divide(splits, task, 3)))
	}
	for i := range 9 {
		put(t, env.FS, fmt.Sprintf("d/new%d", i), "y\n")
	}
	fake.Advance(time.Second)
	total := 0
	for round := range 2 {
		for _, s := range readers {
			ids := map[string]bool{}
			for {
				got, ok, err := s.next(10)
				must(t, err)
				if !ok {
					break
				}
				ids[got.after.ID] = true
				total += len(got.rows)
			}
			if round == 0 && len(ids) > 4 {
				t.Errorf("one reader has %d of 10 files", len(ids))
			}
		}
	}
	if total != 10 {
		t.Errorf("%d rows", total)
	}
	for _, s := range readers {
		must(t, s.r.Close())
	}
}

// The process dies at every single operation on the disk, and goes on from its last record.
func TestFollowingSurvivesADeathAtEveryOperation(t *testing.T) {
	script := func(c *scene, step int) bool {
		switch step {
		case 0:
			put(c.t, c.fs, "d/log", "line 0\nline 1\nli")
		case 1:
			appendTo(c.t, c.fs, "d/log", "ne 2\n")
			must(c.t, c.fs.Rename("d/log", "d/log.1"))
			appendTo(c.t, c.fs, "d/log.1", "line 3\n")
		case 2:
			put(c.t, c.fs, "d/log", "line 4\n")
		case 3:
			appendTo(c.t, c.fs, "d/log", "line 5\n")
			must(c.t, c.fs.Rename("d/log.1", "d/log.2"))
			must(c.t, c.fs.Rename("d/log", "d/log.1"))
			put(c.t, c.fs, "d/log", "line 6\n")
		case 4:
			put(c.t, c.fs, "d/log.new", "line 7\n")
			appendTo(c.t, c.fs, "d/log", "line 8\n")
		default:
			return false
		}
		return true
	}
	var want []string
	for i := range 9 {
		want = append(want, fmt.Sprintf("line %d", i))
	}
	total := 1
	for at := 0; at <= total; at++ {
		mem := vfs.NewMem()
		must(t, mem.MkdirAll("d"))
		c := &scene{t: t, fs: mem, clock: clock.NewFake(day)}
		script(c, 0)
		step, dies := 1, at
		var rows, kept []string
		var record []Split
		for done := false; !done; dies = -1 {
			disk, ops := mortal(mem, dies)
			rows = slices.Clone(kept)
			err := func() error {
				spec, _ := Lookup("file")
				src, err := spec.Source(SourceOptions{Config: followConfig("d/log*", choice("text")), Job: plan.Job{BatchSize: 2}, Env: Env{FS: disk, Clock: c.clock, Inline: true}})
				must(t, err)
				defer src.Close()
				splits, err := src.Splits(context.Background(), 1, record)
				if err != nil {
					return err
				}
				splits = slices.Clone(splits)
				r, err := src.Reader(splits, func() {})
				if err != nil {
					return err
				}
				defer r.Close()
				s := &session{t: t, r: r, quiet: true}
				for idle := false; ; {
					got, ok, err := s.next(2)
					switch {
					case err != nil:
						return err
					case ok:
						idle = false
						rows = append(rows, got.rows...)
						for got.index >= len(splits) {
							splits = append(splits, Split{})
						}
						splits[got.index] = got.after
						continue
					case idle:
						if !script(c, step) {
							done = true
							return nil
						}
						step++
					}
					idle = !idle
					kept, record = slices.Clone(rows), slices.Clone(splits)
					c.clock.Advance(time.Second)
				}
			}()
			if at == 0 {
				total = ops()
			}
			if err != nil && !errors.Is(err, errDied) {
				t.Fatalf("operation %d: %v", at, err)
			}
		}
		sort.Strings(rows)
		if d := cmp.Diff(want, rows); d != "" {
			t.Fatalf("operation %d: %s", at, d)
		}
	}
	if total < 50 {
		t.Errorf("only %d operations: it does nothing", total)
	}
}

// A line longer than a block, and a line that comes byte by byte.
func TestLongAndSlowLines(t *testing.T) {
	c := newScene(t)
	put(t, c.fs, "d/log", "")
	c.open(followConfig("d/log", choice("text")))
	long := bytes.Repeat([]byte("0123456789"), 100_000)
	appendTo(t, c.fs, "d/log", string(long))
	c.want(time.Second)
	put(t, c.fs, "d/other", "x")
	appendTo(t, c.fs, "d/log", "\nshort\n")
	c.want(time.Second, string(long), "short")
	for _, b := range []byte("slow\n") {
		c.want(time.Second)
		appendTo(t, c.fs, "d/log", string(b))
	}
	c.want(time.Second, "slow")
	c.close()
}
