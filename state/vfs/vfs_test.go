package vfs

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// both runs a test on the operating system and in memory: the model is only worth something if it answers like the real one.
func both(t *testing.T, test func(t *testing.T, fsys FS, dir string)) {
	t.Run("os", func(t *testing.T) { test(t, OS(), filepath.ToSlash(t.TempDir())) })
	t.Run("mem", func(t *testing.T) {
		m := NewMem()
		must(t, m.MkdirAll("/tmp/x"))
		test(t, m, "/tmp/x")
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, fsys FS, name string) string {
	t.Helper()
	b, err := ReadFile(fsys, name)
	must(t, err)
	return string(b)
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

func TestContract(t *testing.T) {
	both(t, func(t *testing.T, fsys FS, dir string) {
		a, b, sub := dir+"/a", dir+"/b", dir+"/s/t"
		must(t, WriteFile(fsys, a, []byte("hello")))
		_, err := fsys.Create(a, true)
		wantErr(t, err, fs.ErrExist)
		_, err = fsys.Open(b)
		wantErr(t, err, fs.ErrNotExist)

		before, err := fsys.Stat(a)
		must(t, err)
		if before.Size != 5 || before.Name != "a" || before.IsDir() || before.Inode == 0 {
			t.Fatalf("stat: %+v", before)
		}
		must(t, fsys.Link(a, b))
		wantErr(t, fsys.Link(a, b), fs.ErrExist)
		must(t, fsys.Remove(a))
		after, err := fsys.Stat(b)
		must(t, err)
		if !after.SameFile(before) {
			t.Fatal("a link is another file")
		}

		must(t, WriteFile(fsys, a, []byte("new")))
		must(t, fsys.Rename(a, b))
		if got := read(t, fsys, b); got != "new" {
			t.Fatalf("after rename: %q", got)
		}
		if after, _ = fsys.Stat(b); after.SameFile(before) {
			t.Fatal("a replaced file kept its identity")
		}
		wantErr(t, fsys.Rename(a, b), fs.ErrNotExist)

		must(t, fsys.MkdirAll(sub))
		must(t, fsys.MkdirAll(sub))
		must(t, WriteFile(fsys, sub+"/f", nil))
		must(t, fsys.SyncDir(sub))
		if err := fsys.Remove(dir + "/s"); err == nil {
			t.Fatal("removed a directory that is not empty")
		}
		list, err := fsys.ReadDir(dir)
		must(t, err)
		if len(list) != 2 || list[0] != (Entry{Name: "b"}) || list[1] != (Entry{Name: "s", Dir: true}) {
			t.Fatalf("readdir: %v", list)
		}
		must(t, fsys.RemoveAll(dir+"/s"))
		must(t, fsys.RemoveAll(dir+"/s"))
		must(t, fsys.RemoveAll(dir+"/no/such"))
		if _, err := fsys.Stat(sub); !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err := fsys.MkdirAll(b + "/c"); !errors.Is(err, syscall.ENOTDIR) {
			t.Fatal(err)
		}
	})
}

func TestFileContract(t *testing.T) {
	both(t, func(t *testing.T, fsys FS, dir string) {
		f, err := fsys.OpenAppend(dir + "/log")
		must(t, err)
		for _, s := range []string{"one", "two", "three"} {
			_, err := f.Write([]byte(s))
			must(t, err)
		}
		must(t, f.Truncate(4))
		_, err = f.Write([]byte("X"))
		must(t, err)
		if off, err := f.Seek(-2, io.SeekEnd); err != nil || off != 3 {
			t.Fatal(off, err)
		}
		rest, err := io.ReadAll(f)
		must(t, err)
		if string(rest) != "tX" {
			t.Fatalf("rest %q", rest)
		}
		buf := make([]byte, 4)
		if n, err := f.ReadAt(buf, 3); n != 2 || err != io.EOF || string(buf[:n]) != "tX" {
			t.Fatal(n, err, buf)
		}
		info, err := f.Stat()
		must(t, err)
		if info.Size != 5 {
			t.Fatalf("size %d", info.Size)
		}
		must(t, f.Close())
		if _, err := f.Write(nil); !errors.Is(err, fs.ErrClosed) {
			t.Fatal(err)
		}
		r, err := fsys.Open(dir + "/log")
		must(t, err)
		if _, err := r.Write([]byte("x")); !errors.Is(err, syscall.EBADF) {
			t.Fatal(err)
		}
		must(t, r.Close())
	})
}

func TestLock(t *testing.T) {
	both(t, func(t *testing.T, fsys FS, dir string) {
		l, err := fsys.Lock(dir + "/lock")
		must(t, err)
		_, err = fsys.Lock(dir + "/lock")
		wantErr(t, err, ErrLocked)
		// A lock is on the file, not on the name: whoever removes the name lets the next one in.
		must(t, fsys.Remove(dir+"/lock"))
		l2, err := fsys.Lock(dir + "/lock")
		must(t, err)
		must(t, l2.Close())
		must(t, l.Close())
		l, err = fsys.Lock(dir + "/lock")
		must(t, err)
		must(t, l.Close())
	})
}

func TestCrashKeepsWhatWasSynced(t *testing.T) {
	m := NewMem()
	must(t, m.MkdirAll("d"))
	must(t, m.SyncDir(""))
	must(t, WriteFile(m, "d/kept", []byte("abc")))
	must(t, m.SyncDir("d"))
	must(t, WriteFile(m, "d/unnamed", []byte("abc")))
	f, err := m.OpenAppend("d/kept")
	must(t, err)
	_, err = f.Write([]byte("def"))
	must(t, err)

	strict := m.CrashClone(nil)
	if got := read(t, strict, "d/kept"); got != "abc" {
		t.Fatalf("kept = %q", got)
	}
	if _, err := strict.Stat("d/unnamed"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("a name that was never synced survived a strict crash")
	}
	if got := read(t, m, "d/kept"); got != "abcdef" {
		t.Fatalf("the original changed: %q", got)
	}
}

// TestCrashShows looks for each kind of damage the model promises, over many seeds: whole, lost, torn, reordered.
func TestCrashShows(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(300) {
		m := NewMem()
		f, err := m.Create("f", true)
		must(t, err)
		must(t, m.SyncDir(""))
		for _, s := range []string{"aaaa", "bbbb"} {
			_, err := f.Write([]byte(s))
			must(t, err)
		}
		must(t, m.Rename("f", "g"))
		c := m.CrashClone(rand.New(rand.NewPCG(seed, 1)))
		list, err := c.ReadDir("")
		must(t, err)
		if len(list) != 1 {
			t.Fatalf("seed %d: a rename within a directory is atomic, got %v", seed, list)
		}
		seen["name "+list[0].Name] = true
		got := read(t, c, list[0].Name)
		switch {
		case got == "":
			seen["lost"] = true
		case got == "aaaabbbb":
			seen["whole"] = true
		case strings.HasPrefix(got, "\x00\x00\x00\x00b"):
			seen["reordered"] = true
		case len(got) < 8:
			seen["torn"] = true
		}
		if again := m.CrashClone(rand.New(rand.NewPCG(seed, 1))); read(t, again, list[0].Name) != got {
			t.Fatalf("seed %d does not repeat", seed)
		}
	}
	for _, want := range []string{"name f", "name g", "lost", "whole", "reordered", "torn"} {
		if !seen[want] {
			t.Errorf("no crash showed %q", want)
		}
	}
}

func TestRenameAcrossDirectoriesMayLeaveBothNames(t *testing.T) {
	m := NewMem()
	must(t, m.MkdirAll("a"))
	must(t, m.MkdirAll("b"))
	must(t, WriteFile(m, "a/f", []byte("x")))
	must(t, m.SyncDir(""))
	must(t, m.SyncDir("a"))
	must(t, m.Rename("a/f", "b/f"))
	must(t, m.SyncDir("b"))
	c := m.CrashClone(nil)
	if read(t, c, "a/f") != "x" || read(t, c, "b/f") != "x" {
		t.Fatal("the name in the synced directory must be there, the other may not be gone yet")
	}
}

func TestObserve(t *testing.T) {
	var log []string
	full := &Partial{N: 2, Err: syscall.ENOSPC}
	fsys := Observe(NewMem(), Hooks{
		Before: func(op Op) error {
			log = append(log, op.String())
			if op.Kind == "write" && op.Path == "full" {
				return full
			}
			if op.Kind == "sync" && op.Path == "bad" {
				return syscall.EIO
			}
			return nil
		},
		Read: func(op Op, p []byte) {
			if op.Path == "flip" && len(p) > 0 {
				p[0] ^= 1
			}
		},
	})
	wantErr(t, WriteFile(fsys, "full", []byte("hello")), syscall.ENOSPC)
	if got := read(t, fsys, "full"); got != "he" {
		t.Fatalf("full disk kept %q", got)
	}
	wantErr(t, WriteFile(fsys, "bad", []byte("x")), syscall.EIO)
	must(t, WriteFile(fsys, "flip", []byte("a")))
	if got := read(t, fsys, "flip"); got != "`" {
		t.Fatalf("flip: %q", got)
	}
	must(t, fsys.Rename("flip", "flop"))
	want := "create flip, write flip 1, sync flip, close flip"
	if got := strings.Join(log, ", "); !strings.Contains(got, want) || !strings.HasSuffix(got, "rename flip flop") {
		t.Fatalf("log:\n%s", got)
	}
}
