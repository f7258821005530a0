package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// place gives a directory for sockets, short enough for one.
func place(t *testing.T) []string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return []string{filepath.Join(dir, "pipec")}
}

func echo(r Request) (any, error) {
	switch r.Verb {
	case "no":
		return nil, &Error{Text: "no " + r.Arg, Exit: 7}
	case "broken":
		return nil, errors.New("broken")
	}
	return r.Verb + " " + r.Arg, nil
}

func serve(t *testing.T, dirs []string, name string, h Handler) *Server {
	t.Helper()
	s, err := Listen(dirs, name, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(time.Second) })
	return s
}

func dial(t *testing.T, dirs []string, name string) *Client {
	t.Helper()
	c, err := Dial(dirs, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestRequests(t *testing.T) {
	dirs := place(t)
	serve(t, dirs, "orders", echo)
	c := dial(t, dirs, "orders")
	for i := range 3 { // one connection carries many
		var got string
		if err := c.Call(Request{Verb: "say", Arg: fmt.Sprint("<", i, ">")}, &got, time.Time{}); err != nil || got != fmt.Sprint("say <", i, ">") {
			t.Errorf("%q, %v", got, err)
		}
	}
	var e *Error
	if err := c.Call(Request{Verb: "no", Arg: "way"}, nil, time.Time{}); !errors.As(err, &e) || e.Exit != 7 || e.Text != "no way" {
		t.Errorf("%v", err)
	}
	if err := c.Call(Request{Verb: "broken"}, nil, time.Time{}); !errors.As(err, &e) || e.Exit != 1 {
		t.Errorf("%v", err)
	}
	if _, err := c.conn.Write([]byte("no json\n")); err != nil {
		t.Fatal(err)
	}
	line, err := c.in.ReadBytes('\n')
	var a Answer
	if err != nil || json.Unmarshal(line, &a) != nil || a.Exit != 2 {
		t.Errorf("%s, %v", line, err)
	}
}

func TestMany(t *testing.T) {
	dirs := place(t)
	serve(t, dirs, "orders", echo)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			c, err := Dial(dirs, "orders")
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			var got string
			if err := c.Call(Request{Verb: "n", Arg: fmt.Sprint(i)}, &got, time.Time{}); err != nil || got != fmt.Sprint("n ", i) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	all.Wait()
}

func TestNames(t *testing.T) {
	dirs := place(t)
	if got := List(dirs); len(got) != 0 {
		t.Errorf("%q", got)
	}
	first := serve(t, dirs, "orders", echo)
	second := serve(t, dirs, "orders", echo)
	serve(t, dirs, "clicks", echo)
	if want := fmt.Sprintf("orders@%d", os.Getpid()); second.Name() != want || first.Name() != "orders" {
		t.Errorf("%s, %s", first.Name(), second.Name())
	}
	if got := List(dirs); !slices.Equal(got, []string{"clicks", "orders", second.Name()}) {
		t.Errorf("%q", got)
	}
	first.Close(time.Second)
	if got := List(dirs); slices.Contains(got, "orders") {
		t.Errorf("%q", got)
	}
	for _, name := range []string{"orders", "", "../pipec/clicks", "none"} {
		if _, err := Dial(dirs, name); !errors.Is(err, ErrNone) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// dead leaves what a process leaves that was killed: a socket on which nobody listens.
func dead(t *testing.T, dir, name string) string {
	t.Helper()
	if err := secure(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name+suffix)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	return path
}

func gone(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", path, err)
	}
}

func TestDead(t *testing.T) {
	dirs := place(t)
	path := dead(t, dirs[0], "listed")
	if got := List(dirs); len(got) != 0 {
		t.Errorf("%q", got)
	}
	gone(t, path)
	path = dead(t, dirs[0], "dialled")
	if _, err := Dial(dirs, "dialled"); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	gone(t, path)
	dead(t, dirs[0], "orders")
	if s := serve(t, dirs, "orders", echo); s.Name() != "orders" {
		t.Errorf("%s: the name of a dead process is free", s.Name())
	}
	dial(t, dirs, "orders")
}

// TestEnd holds that a request which is being answered when the job ends gets its answer, and that a waiting connection does not hold up the end.
func TestEnd(t *testing.T) {
	dirs := place(t)
	asked, finish := make(chan bool), make(chan bool)
	s := serve(t, dirs, "orders", func(r Request) (any, error) {
		if r.Verb == "look" {
			return "", nil
		}
		asked <- true
		<-finish
		return "done", nil
	})
	idle := dial(t, dirs, "orders")
	c := dial(t, dirs, "orders")
	answered := make(chan error)
	go func() {
		var got string
		err := c.Call(Request{Verb: "wait"}, &got, time.Time{})
		if err == nil && got != "done" {
			err = errors.New(got)
		}
		answered <- err
	}()
	<-asked
	closed := make(chan bool)
	go func() {
		s.Close(time.Minute)
		closed <- true
	}()
	var err error
	for err == nil { // until the server closes what waits
		err = idle.Call(Request{Verb: "look"}, new(string), time.Time{})
	}
	if !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	close(finish)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	<-closed
	if _, err := Dial(dirs, "orders"); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

func TestDirs(t *testing.T) {
	if got := Dirs("/run/user/7", "/tmp", 7); !slices.Equal(got, []string{"/run/user/7/pipec", "/tmp/pipec-7"}) {
		t.Errorf("%q", got)
	}
	if got := Dirs("", "/tmp", 7); !slices.Equal(got, []string{"/tmp/pipec-7"}) {
		t.Errorf("%q", got)
	}
	if got := Dirs("relative", "/tmp", 7); len(got) != 1 {
		t.Errorf("%q", got)
	}
}

// TestPlaces holds that sockets lie only where others cannot put theirs, and that the next place is taken where the first does not do.
func TestPlaces(t *testing.T) {
	dirs := place(t)
	open := dirs[0]
	if err := os.Mkdir(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(dirs, "orders", echo); err == nil || !strings.Contains(err.Error(), "0700") {
		t.Errorf("%v", err)
	}
	if got := List(dirs); len(got) != 0 {
		t.Errorf("%q", got)
	}
	long := filepath.Join(filepath.Dir(open), strings.Repeat("x", 120))
	if _, err := Listen([]string{long}, "orders", echo); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("%v", err)
	}
	second := filepath.Join(filepath.Dir(open), "second")
	serve(t, []string{open, second}, "orders", echo)
	dial(t, []string{open, second}, "orders")
	info, err := os.Stat(second)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
