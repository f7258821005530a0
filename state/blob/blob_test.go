package blob

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipec/state/vfs"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// both runs a test on the operating system's files and in memory.
func both(t *testing.T, test func(t *testing.T, s Store)) {
	t.Run("os", func(t *testing.T) { test(t, NewLocal(filepath.ToSlash(t.TempDir())+"/deep/root", vfs.OS())) })
	t.Run("mem", func(t *testing.T) { test(t, NewLocal("root", vfs.NewMem())) })
}

func names(t *testing.T, s Store, dir string) []string {
	t.Helper()
	list, err := s.List(dir)
	must(t, err)
	var out []string
	for _, i := range list {
		out = append(out, fmt.Sprintf("%s:%d", i.Name, i.Size))
	}
	return out
}

func TestStore(t *testing.T) {
	both(t, func(t *testing.T, s Store) {
		if got := names(t, s, ""); got != nil {
			t.Fatalf("a store that was not made yet: %v", got)
		}
		ref, err := s.Put("chk-1/a", []byte("hello"))
		must(t, err)
		got, err := ReadRef(s, ref)
		must(t, err)
		if string(got) != "hello" || ref.Size != 5 {
			t.Fatal(string(got), ref)
		}
		_, err = s.PutIfAbsent("history/1", []byte("one"))
		must(t, err)
		if _, err = s.PutIfAbsent("history/1", []byte("two")); !errors.Is(err, ErrExist) {
			t.Fatalf("second put-if-absent: %v", err)
		}
		if b, _ := ReadAll(s, "history/1"); string(b) != "one" {
			t.Fatalf("the loser wrote: %q", b)
		}
		if _, err := s.Open("no"); !errors.Is(err, ErrNotExist) {
			t.Fatal(err)
		}
		if _, err := s.Stat("chk-1"); !errors.Is(err, ErrNotExist) {
			t.Fatalf("a directory is no object: %v", err)
		}
		if d := cmp.Diff([]string{"chk-1/a:5", "history/1:3"}, names(t, s, "")); d != "" {
			t.Fatal(d)
		}
		dirs, err := s.Dirs("")
		must(t, err)
		if d := cmp.Diff([]string{"chk-1", "history"}, dirs); d != "" {
			t.Fatal(d)
		}
		must(t, s.RemoveDir("chk-1"))
		if _, err := s.Stat("chk-1/a"); err != nil {
			t.Fatalf("RemoveDir of a directory with an object: %v", err)
		}
		must(t, s.Delete("chk-1/a"))
		must(t, s.RemoveDir("chk-1"))
		must(t, s.RemoveDir("chk-1"))
		_, err = s.Put("chk-1/a", []byte("hello"))
		must(t, err)
		must(t, s.DeleteDir("chk-1"))
		must(t, s.DeleteDir("chk-1"))
		must(t, s.Delete("history/1"))
		must(t, s.Delete("history/1"))
		if got := names(t, s, ""); got != nil {
			t.Fatal(got)
		}
		_, err = s.Put("chk-1/a", []byte("again")) // the directory is made anew
		must(t, err)
	})
}

func TestNames(t *testing.T) {
	s := NewLocal("root", vfs.NewMem())
	for _, bad := range []string{"../x", "/x", "a//b", "a/", "./a", ".", "a/.tmp-b"} {
		if _, err := s.Put(bad, nil); err == nil {
			t.Errorf("Put(%q) went through", bad)
		}
	}
	if err := s.DeleteDir(""); err == nil {
		t.Error("DeleteDir of everything went through")
	}
}

func TestWriter(t *testing.T) {
	both(t, func(t *testing.T, s Store) {
		w, err := s.Create("d/big")
		must(t, err)
		for range 1000 {
			_, err := io.WriteString(w, "0123456789")
			must(t, err)
		}
		if got := names(t, s, ""); got != nil {
			t.Fatalf("visible before Commit: %v", got)
		}
		ref, err := w.Commit()
		must(t, err)
		w.Abort()
		must(t, Verify(s, ref))
		if w.Size() != 10000 || ref.Size != 10000 {
			t.Fatal(w.Size(), ref)
		}
		r, err := OpenRef(s, ref)
		must(t, err)
		buf := make([]byte, 4)
		if _, err := r.ReadAt(buf, 9996); err != nil || string(buf) != "6789" {
			t.Fatal(err, string(buf))
		}
		must(t, r.Close())

		w, err = s.Create("d/other")
		must(t, err)
		w.Abort()
		w2, err := s.Create("d/left")
		must(t, err)
		_, err = w2.Write([]byte("x"))
		must(t, err)
		must(t, s.Sweep("d")) // as if its process had died
		if _, err := w2.Commit(); err == nil {
			t.Fatal("a swept writer published its object")
		}
		if d := cmp.Diff([]string{"d/big:10000"}, names(t, s, "")); d != "" {
			t.Fatal(d)
		}
	})
}

// TestPutIfAbsentRace is the fence in small: of many writers exactly one wins, and what is read is the winner's.
func TestPutIfAbsentRace(t *testing.T) {
	both(t, func(t *testing.T, s Store) {
		for round := range 20 {
			name := fmt.Sprintf("h/%d", round)
			var wg sync.WaitGroup
			var mu sync.Mutex
			var winners []string
			for g := range 8 {
				wg.Go(func() {
					me := fmt.Sprintf("writer %d", g)
					_, err := s.PutIfAbsent(name, []byte(me))
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						winners = append(winners, me)
					} else if !errors.Is(err, ErrExist) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			got, err := ReadAll(s, name)
			must(t, err)
			if len(winners) != 1 || winners[0] != string(got) {
				t.Fatalf("winners %v, content %q", winners, got)
			}
		}
	})
}

func TestDamage(t *testing.T) {
	m := vfs.NewMem()
	s := NewLocal("root", m)
	ref, err := s.Put("a", []byte("some bytes"))
	must(t, err)
	check := func(what string, content []byte) {
		t.Helper()
		if content != nil {
			must(t, vfs.WriteFile(m, "root/a", content))
		}
		err := Verify(s, ref)
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "root/a: ") {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := ReadRef(s, ref); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: ReadRef: %v", what, err)
		}
	}
	for bit := range 8 * 10 {
		b := []byte("some bytes")
		b[bit/8] ^= 1 << (bit % 8)
		check(fmt.Sprintf("bit %d", bit), b)
	}
	check("truncated", []byte("some byte"))
	check("empty", []byte{})
	check("longer", []byte("some bytes."))
	must(t, m.Remove("root/a"))
	check("missing", nil)
	ref, err = s.Put("empty", nil)
	must(t, err)
	must(t, Verify(s, ref))
}

// TestErrorsLeaveNothing fails each operation of a Put in turn: the object is not visible afterwards, or it is whole.
func TestErrorsLeaveNothing(t *testing.T) {
	for at := int64(1); ; at++ {
		m, ops := vfs.NewMem(), int64(0)
		s := NewLocal("root/d", vfs.Observe(m, vfs.Hooks{Before: func(op vfs.Op) error {
			if ops = op.Seq; ops == at {
				return &vfs.Partial{N: 1, Err: syscall.ENOSPC}
			}
			return nil
		}}))
		_, err := s.Put("x", []byte("hello"))
		got, rerr := ReadAll(NewLocal("root/d", m), "x")
		if rerr == nil && string(got) != "hello" {
			t.Fatalf("operation %d failed: content %q", at, got)
		}
		if err == nil && string(got) != "hello" {
			t.Fatalf("operation %d: lost without an error", at)
		}
		if err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("operation %d: %v", at, err)
		}
		if ops < at {
			return
		}
	}
}

// TestCrash cuts the power after every operation of two puts: an object that was promised is there and whole, and no object is torn.
func TestCrash(t *testing.T) {
	for at := int64(1); ; at++ {
		m := vfs.NewMem()
		type stop struct{}
		var last int64
		s := NewLocal("root/d", vfs.Observe(m, vfs.Hooks{Before: func(op vfs.Op) error {
			if last = op.Seq; last > at {
				panic(stop{})
			}
			return nil
		}}))
		promised := map[string]bool{}
		func() {
			defer func() {
				if r := recover(); r != nil && r != (stop{}) {
					panic(r)
				}
			}()
			if _, err := s.Put("x", []byte("hello")); err == nil {
				promised["x"] = true
			}
			if _, err := s.PutIfAbsent("h/1", []byte("hello")); err == nil {
				promised["h/1"] = true
			}
		}()
		for seed := range uint64(30) {
			left := NewLocal("root/d", m.CrashClone(rand.New(rand.NewPCG(seed, 7))))
			for _, name := range []string{"x", "h/1"} {
				got, err := ReadAll(left, name)
				if err == nil && string(got) != "hello" || promised[name] && err != nil {
					t.Fatalf("crash after operation %d, seed %d: %s = %q, %v", at, seed, name, got, err)
				}
			}
		}
		if last <= at {
			return
		}
	}
}

func TestOpen(t *testing.T) {
	for _, c := range []struct{ uri, want, err string }{
		{"/a/b", "/a/b", ""},
		{"./a/", "a", ""},
		{"file:///a/b/", "/a/b", ""},
		{"file://a/b", "", "three slashes: file:///a/b"},
		{"file:a", "", "absolute path"},
		{"s3://bucket/x", "", "no storage for s3:// in this version; there are plain paths and file://"},
		{"hdfs://host/x", "", "no storage for hdfs://"},
		{"", "", "empty"},
	} {
		s, err := Open(c.uri, vfs.NewMem())
		switch {
		case err == nil && (c.err != "" || s.URI() != c.want):
			t.Errorf("%q: %q, want %q %q", c.uri, s.URI(), c.want, c.err)
		case err != nil && (c.err == "" || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%q: %v, want %q", c.uri, err, c.err)
		}
	}
}

func TestSplitURI(t *testing.T) {
	for _, c := range [][3]string{
		{"chk-7", ".", "chk-7"},
		{"a/chk-7/", "a", "chk-7"},
		{"/chk-7", "/", "chk-7"},
		{"file:///a/chk-7//", "file:///a", "chk-7"},
		{"file:///a", "file:///", "a"},
	} {
		if dir, base := SplitURI(c[0]); dir != c[1] || base != c[2] {
			t.Errorf("%q: %q %q", c[0], dir, base)
		}
	}
}

func TestLocks(t *testing.T) {
	both(t, func(t *testing.T, s Store) {
		l, err := s.Lock("lock")
		must(t, err)
		if _, err := s.Lock("lock"); !errors.Is(err, vfs.ErrLocked) {
			t.Fatal(err)
		}
		must(t, l.Close())
	})
}
