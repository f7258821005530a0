package connector

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipec/compiler/plan"
	"pipec/connector/listing"
	"pipec/state/vfs"
)

func fileConfig(path string, more ...any) plan.SourceConfig {
	return plan.SourceConfig{Schema: pairSchema, Settings: settings(append([]any{"path", path, "format", csvWithHeader}, more...)...)}
}

func openFileSource(env Env, config plan.SourceConfig) (Source, error) {
	spec, _ := Lookup("file")
	return spec.Source(SourceOptions{Config: config, Job: plan.Job{BatchSize: 10}, Env: env})
}

// openAndList is what happens before a job claims anything.
func openAndList(env Env, config plan.SourceConfig) error {
	src, err := openFileSource(env, config)
	if err == nil {
		_, err = src.Splits(context.Background(), 1, nil)
	}
	return err
}

func TestWhichFilesAPathStandsFor(t *testing.T) {
	env := newEnv()
	for _, name := range []string{"d/b.csv", "d/a.csv", "d/.c.csv", "d/sub/x.csv", "d/sub/y.txt", "e/sub/x.csv", "e/z[1].csv", "/abs/q.csv"} {
		put(t, env.FS, name, "n,name\n")
	}
	for _, c := range []struct {
		path, order string
		want        []string
	}{
		{"d", "name", []string{"d/a.csv", "d/b.csv"}},
		{"d/", "name", []string{"d/a.csv", "d/b.csv"}},
		{"d", "time", []string{"d/b.csv", "d/a.csv"}},
		{"d/*.csv", "name", []string{"d/a.csv", "d/b.csv"}},
		{"d/.*", "name", []string{"d/.c.csv"}},
		{"d/*", "name", []string{"d/a.csv", "d/b.csv"}},
		{"*/sub/[xy].*", "name", []string{"d/sub/x.csv", "d/sub/y.txt", "e/sub/x.csv"}},
		{"?/sub/x.csv", "time", []string{"d/sub/x.csv", "e/sub/x.csv"}},
		{"e/z[1].csv", "name", []string{"e/z[1].csv"}},
		{"/abs/*", "any", []string{"/abs/q.csv"}},
		{"./d/*/x.csv", "name", []string{"d/sub/x.csv"}},
	} {
		files, err := listing.Files(env.FS, c.path, c.order)
		must(t, err)
		var got []string
		for _, f := range files {
			got = append(got, f.Path)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s by %s: %s", c.path, c.order, d)
		}
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	env := newEnv()
	must(t, env.FS.MkdirAll("empty"))
	put(t, env.FS, "d/secret.csv", "n,name\n")
	env.FS = vfs.Observe(env.FS, vfs.Hooks{Before: func(op vfs.Op) error {
		if op.Kind == "open" {
			return syscall.EACCES
		}
		return nil
	}})
	for path, want := range map[string]string{
		"none.csv":   "cannot open none.csv: no such file or directory",
		"no/such/d":  "cannot open no/such/d: no such file or directory",
		"empty":      "cannot open empty: the directory holds no files",
		"d/*.json":   "cannot open d/*.json: no file matches",
		"x/*/*.json": "cannot open x/*/*.json: no file matches",
		"d/[":        `cannot open d/[: "[" is no pattern`,
		"d":          "cannot open d/secret.csv: permission denied",
	} {
		err := openAndList(env, fileConfig(path))
		if !errors.Is(err, ErrOpen) || !Permanent(err) || err.Error() != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	must(t, syscall.Mkfifo(pipe, 0o600))
	env.FS = vfs.OS()
	if err := openAndList(env, fileConfig(pipe)); !errors.Is(err, ErrOpen) || !strings.Contains(err.Error(), "from stdin") {
		t.Error(err)
	}
	spec, _ := Lookup("file")
	if text := spec.CheckSource(settings("follow", true, "path", "a/b.csv.gz")); !strings.Contains(text, "cannot be followed") {
		t.Error(text)
	}
}

// stopped reads some rows of a file and gives the split with its position.
func stopped(t *testing.T, env Env, config plan.SourceConfig, rows int) []Split {
	t.Helper()
	src, err := openFileSource(env, config)
	must(t, err)
	defer src.Close()
	splits := splitsOf(t, src, 1, nil)
	s := read(t, src, splits)
	defer s.r.Close()
	for rows > 0 {
		got, ok, err := s.next(min(rows, 10))
		must(t, err)
		if !ok {
			t.Fatal("too few rows")
		}
		splits[got.index] = got.after
		rows -= len(got.rows)
	}
	return splits
}

func TestAFileThatNoLongerHoldsItsPosition(t *testing.T) {
	whole := pairsCSV(0, 1000, "\n")
	middle := strings.Index(whole, "\n250,")
	for label, c := range map[string]struct {
		harm func(t *testing.T, env Env, name string)
		want string // "": it goes on
	}{
		"gone":     {func(t *testing.T, env Env, name string) { must(t, env.FS.Remove(name)) }, "it is gone; the snapshot goes on at byte "},
		"shorter":  {func(t *testing.T, env Env, name string) { put(t, env.FS, name, pairsCSV(0, 500, "\n")) }, "it has become shorter, "},
		"replaced": {func(t *testing.T, env Env, name string) { put(t, env.FS, name, pairsCSV(5000, 7000, "\n")) }, "it is another file than the one that the snapshot was taken from"},
		"edited": {func(t *testing.T, env Env, name string) {
			put(t, env.FS, name, whole[:middle]+"\n"+whole[middle:]+pairsCSV(0, 500, "\n"))
		}, "it was changed: other bytes lie before byte "},
		"copied": {func(t *testing.T, env Env, name string) {
			must(t, env.FS.Remove(name))
			put(t, env.FS, name, whole)
		}, ""},
		"appended": {func(t *testing.T, env Env, name string) { put(t, env.FS, name, whole+strings.Repeat("1,2,3\n", 2000)) }, ""},
	} {
		for _, name := range []string{"a.csv", "a.csv.zst"} {
			for _, order := range []string{"name", "any"} {
				t.Run(label+"/"+name+"/"+order, func(t *testing.T) {
					if label == "appended" && name != "a.csv" || label == "edited" && name != "a.csv" {
						return // compressed anew, its first bytes are others
					}
					env := newEnv()
					put(t, env.FS, name, whole)
					put(t, env.FS, "b.csv", whole)
					at := stopped(t, env, fileConfig("*.csv*", "order", order), 300)
					c.harm(t, env, name)
					src, err := openFileSource(env, fileConfig("*.csv*", "order", order))
					must(t, err)
					defer src.Close()
					_, err = src.Splits(context.Background(), 1, at)
					if c.want == "" {
						must(t, err)
						return
					}
					if !errors.Is(err, ErrPosition) || !Permanent(err) || !strings.HasPrefix(err.Error(), "cannot go on in "+name+": "+c.want) {
						t.Fatal(err)
					}
				})
			}
		}
	}
}

func TestACompressedFileThatWasEditedIsFoundOutWhenRead(t *testing.T) {
	for _, edit := range []string{pairsCSV(1000, 2000, "\n"), "n,name\n"} {
		env := newEnv()
		put(t, env.FS, "a.csv.gz", pairsCSV(0, 1000, "\n"))
		at := stopped(t, env, fileConfig("a.csv.gz"), 300)
		put(t, env.FS, "a.csv.gz", edit)
		p, err := parsePosition(at[0].Position)
		must(t, err)
		f, err := env.FS.Open("a.csv.gz")
		must(t, err)
		p.Size = 10 // both begin with the same ten bytes
		p.Head, err = headSum(f, p.Size)
		must(t, err)
		f.Close()
		info, _ := env.FS.Stat("a.csv.gz")
		at[0].Position = positions(p.File, vfs.Info{Size: p.Size, Inode: info.Inode}, p.Head)(p.Offset, false, []byte("the bytes before"))
		src, err := openFileSource(env, fileConfig("a.csv.gz"))
		must(t, err)
		s := read(t, src, splitsOf(t, src, 1, at))
		if _, _, err := s.next(10); !errors.Is(err, ErrPosition) {
			t.Errorf("%v", err)
		}
		must(t, s.r.Close())
	}
}

func TestAFileThatIsDamagedWhileItIsRead(t *testing.T) {
	text := pairsCSV(0, 100000, "\n") // several blocks
	for _, c := range []struct {
		name, want string
		harm       func(t *testing.T, fsys vfs.FS, name string)
	}{
		{"a.csv", "cannot read a.csv: it shrank while it was being read, from ", func(t *testing.T, fsys vfs.FS, name string) {
			put(t, fsys, name, text[:len(text)/2])
		}},
		{"b.csv.gz", "cannot read b.csv.gz: it shrank while it was being read, from ", func(t *testing.T, fsys vfs.FS, name string) {
			f, err := fsys.OpenAppend(name)
			must(t, err)
			info, _ := f.Stat()
			must(t, f.Truncate(info.Size-1000))
			must(t, f.Close())
		}},
		{"b.csv.zst", "cannot read b.csv.zst: its zstd data is damaged before byte ", func(t *testing.T, fsys vfs.FS, name string) {
			f, err := fsys.OpenAppend(name)
			must(t, err)
			info, _ := f.Stat()
			must(t, f.Truncate(info.Size-1000))
			_, err = f.Write(make([]byte, 1000))
			must(t, err)
			must(t, f.Close())
		}},
	} {
		env := newEnv()
		put(t, env.FS, c.name, text)
		src, err := openFileSource(env, fileConfig(c.name))
		must(t, err)
		splits := splitsOf(t, src, 1, nil)
		harmed := false
		base := env.FS
		src.(*fileSource).o.Env.FS = vfs.Observe(base, vfs.Hooks{Before: func(op vfs.Op) error {
			if op.Kind == "read" && op.Len > headMax && !harmed {
				harmed = true
				c.harm(t, base, c.name)
			}
			return nil
		}})
		s := read(t, src, splits)
		for err = nil; err == nil; {
			ok := false
			if _, ok, err = s.next(1000); !ok && err == nil {
				t.Fatalf("%s: read to its end", c.name)
			}
		}
		if !errors.Is(err, ErrInput) || !Permanent(err) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v", err)
		}
		if _, _, again := s.next(1); again == nil {
			t.Errorf("%s: goes on after %v", c.name, err)
		}
		must(t, s.r.Close())
	}
}

func TestACutCompressedFile(t *testing.T) {
	for _, name := range []string{"a.csv.gz", "a.csv.zst"} {
		for _, keep := range []int64{1, 5, 200} {
			env := newEnv()
			put(t, env.FS, name, pairsCSV(0, 1000, "\n"))
			f, err := env.FS.OpenAppend(name)
			must(t, err)
			must(t, f.Truncate(keep))
			must(t, f.Close())
			src, err := openFileSource(env, fileConfig(name))
			must(t, err)
			s := read(t, src, splitsOf(t, src, 1, nil))
			if _, _, err := s.next(10); !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), "damaged") {
				t.Errorf("%d bytes of %s: %v", keep, name, err)
			}
			must(t, s.r.Close())
		}
	}
}

func TestADiskErrorIsTransient(t *testing.T) {
	for _, name := range []string{"a.csv", "a.csv.gz", "a.csv.zst"} {
		env := newEnv()
		put(t, env.FS, name, pairsCSV(0, 1000, "\n"))
		src, err := openFileSource(env, fileConfig(name))
		must(t, err)
		splits := splitsOf(t, src, 1, nil)
		src.(*fileSource).o.Env.FS = vfs.Observe(env.FS, vfs.Hooks{Before: func(op vfs.Op) error {
			if op.Kind == "read" && op.Len > headMax {
				return syscall.EIO
			}
			return nil
		}})
		s := read(t, src, splits)
		if _, _, err := s.next(10); !errors.Is(err, syscall.EIO) || Permanent(err) {
			t.Errorf("%s: %v", name, err)
		}
		must(t, s.r.Close())
	}
}

func TestAWrongHeaderNamesTheFile(t *testing.T) {
	env := newEnv()
	put(t, env.FS, "d/1.csv", pairsCSV(0, 3, "\n"))
	put(t, env.FS, "d/2.csv", "n,nome\n1,x\n")
	src, err := openFileSource(env, fileConfig("d"))
	must(t, err)
	s := read(t, src, splitsOf(t, src, 1, nil))
	_, _, err = s.next(10)
	must(t, err)
	if _, _, err = s.next(10); !errors.Is(err, ErrInput) || !strings.HasPrefix(err.Error(), "cannot read d/2.csv: ") || !strings.Contains(err.Error(), "name") {
		t.Error(err)
	}
	must(t, s.r.Close())
}

func TestFilesThatAreNewAtARestore(t *testing.T) {
	for order, want := range map[string][]string{
		"name": {"c", "d"},           // behind the position by name
		"time": {"c", "a", "d"},      // written later
		"any":  {"c", "a", "d", "b"}, // b was not begun, and each file is a split
	} {
		env := newEnv()
		path := map[string]string{"a": "in/a.csv", "b": "in/b.csv", "c": "in/c.csv", "d": "in/d.csv"}
		write := func(name string) { put(t, env.FS, path[name], "n,name\n1,"+name+"\n") }
		write("b")
		write("c")
		config := fileConfig("in", "order", order)
		at := stopped(t, env, config, 1)
		if order == "any" { // the split of b is read first
			at = []Split{{ID: path["b"]}, {ID: path["c"]}}
		}
		write("a")
		write("d")
		src, err := openFileSource(env, config)
		must(t, err)
		var got []string
		for _, row := range rowsOf(read(t, src, splitsOf(t, src, 1, at)).all(10, nil)) {
			got = append(got, strings.TrimPrefix(row, "1|"))
		}
		slices.Sort(got)
		slices.Sort(want)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("by %s: %s", order, d)
		}
	}
}

func TestASnapshotOfAnotherOrderIsRefused(t *testing.T) {
	env := newEnv()
	put(t, env.FS, "a.csv", pairsCSV(0, 100, "\n"))
	at := stopped(t, env, fileConfig("a.csv"), 10)
	src, err := openFileSource(env, fileConfig("a.csv", "order", "any"))
	must(t, err)
	if _, err := src.Splits(context.Background(), 1, at); !errors.Is(err, ErrPosition) {
		t.Error(err)
	}
	if _, err := src.Splits(context.Background(), 1, []Split{{ID: "gone.csv"}}); !errors.Is(err, ErrPosition) {
		t.Error(err)
	}
	if _, err := src.Splits(context.Background(), 1, []Split{{ID: "a.csv", Position: []byte("17")}}); !errors.Is(err, ErrPosition) {
		t.Error(err)
	}
	splits := splitsOf(t, src, 1, []Split{{ID: "gone.csv", Ended: true}})
	if want := []Split{{ID: "gone.csv", Ended: true}, {ID: "a.csv"}}; !cmp.Equal(want, splits) {
		t.Errorf("an ended file is not needed: %+v", splits)
	}
}

// While the files of a task wait their turn, they hold the watermark back.
func TestFilesThatWaitTheirTurnAreNotReady(t *testing.T) {
	env := newEnv()
	for _, name := range []string{"in/1.csv", "in/2.csv", "in/3.csv"} {
		put(t, env.FS, name, pairsCSV(0, 3, "\n"))
	}
	src, err := openFileSource(env, fileConfig("in", "order", "any"))
	must(t, err)
	s := read(t, src, splitsOf(t, src, 1, nil))
	var seen [][]bool
	for {
		got, ok, err := s.next(2)
		must(t, err)
		if !ok {
			break
		}
		_ = got
		seen = append(seen, slices.Clone(s.read.Ready))
	}
	must(t, s.r.Close())
	want := [][]bool{{true, false, false}, {true, true, false}, {true, true, false}, {true, true, true}, {true, true, true}, {true, true, true}}
	if d := cmp.Diff(want, seen); d != "" {
		t.Error(d)
	}
}

func TestTheOperatingSystemsFiles(t *testing.T) {
	dir := t.TempDir()
	env := newEnv()
	env.FS = vfs.OS()
	for i, name := range []string{"z.csv", "a.csv"} {
		file := filepath.Join(dir, name)
		put(t, env.FS, file, pairsCSV(i*10, i*10+10, "\n"))
		must(t, os.Chtimes(file, time.Time{}, day.Add(time.Duration(i)*time.Hour)))
	}
	must(t, os.Symlink("a.csv", filepath.Join(dir, "link.csv")))
	must(t, os.Mkdir(filepath.Join(dir, "sub.csv"), 0o700))
	must(t, os.Symlink("sub.csv", filepath.Join(dir, "linked.csv")))
	src, err := openFileSource(env, fileConfig(dir, "order", "time"))
	must(t, err)
	rows := rowsOf(read(t, src, splitsOf(t, src, 1, nil)).all(100, nil))
	if len(rows) != 30 || !strings.HasPrefix(rows[0], "0|") || !strings.HasPrefix(rows[10], "10|") {
		t.Errorf("%q", rows)
	}
	must(t, os.Remove(filepath.Join(dir, "link.csv")))
	must(t, os.Symlink("none", filepath.Join(dir, "dangling.csv")))
	if err := openAndList(env, fileConfig(dir)); !errors.Is(err, ErrOpen) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link to nothing: %v", err)
	}
}
