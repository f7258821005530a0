package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts run the real command in processes of their own. Beside the words of testscript they have:
//
//	exits CODE COMMAND...        runs to the end, with exactly this exit code
//	start NAME COMMAND...        runs in the background; its standard input stays open
//	type NAME TEXT               writes a line to its standard input; eof NAME closes it
//	shut NAME                    closes the reading end of its standard output
//	sees NAME out|err REGEXP     waits until it has printed that
//	signal NAME INT|TERM|KILL
//	ends NAME CODE|killed        waits for its end; stdout and stderr are then what it printed
//	waitfor FILE REGEXP [N]      waits until N lines of a file, one if N is not given, match
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"pipec": main, "nc": listen})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("PIPEC_UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_STATE_HOME", e.WorkDir+"/.state")
			e.Setenv("NO_COLOR", "1")
			examples, err := os.Getwd()
			e.Setenv("EXAMPLES", examples+"/../../examples")
			e.Values[children{}] = map[string]*child{}
			return err
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root":
				return os.Geteuid() == 0, nil
			case "mounts": // a file system of its own for a script: a namespace of its own
				return exec.Command("unshare", "-rm", "true").Run() == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "start": start, "type": typeLine, "eof": eof, "shut": shut, "sees": sees, "signal": sendSignal, "ends": ends, "waitfor": waitFor,
		},
	})
}

// patience is how long a script waits for anything.
const patience = 20 * time.Second

// children is the key of a script's background processes by name.
type children struct{}

// child runs in the background of a script.
type child struct {
	cmd      *exec.Cmd
	in       io.WriteCloser
	stdout   *os.File // the reading end
	out, err transcript
	gone     chan struct{} // closed when it has ended and all it printed is there
	code     string
}

// transcript is what a process has printed so far.
type transcript struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{} // closed with each change
}

// Write implements io.Writer.
func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
	return len(p), nil
}

// now is the text so far, and what tells of more.
func (s *transcript) now() (text string, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.text.String(), s.changed
}

func named(ts *testscript.TestScript, neg bool, args []string, n int, usage string) *child {
	if neg || len(args) < n {
		ts.Fatalf("usage: %s", usage)
	}
	p := ts.Value(children{}).(map[string]*child)[args[0]]
	if p == nil {
		ts.Fatalf("nothing called %s was started", args[0])
	}
	return p
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	var failed *exec.ExitError
	switch {
	case err == nil && args[0] != "0":
		ts.Fatalf("it ended with 0, not with %s", args[0])
	case errors.As(err, &failed) && exitText(failed.ProcessState) != args[0]:
		ts.Fatalf("it ended with %s, not with %s", exitText(failed.ProcessState), args[0])
	case err != nil && failed == nil:
		ts.Fatalf("%v", err)
	}
}

func exitText(s *os.ProcessState) string {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		if w.Signal() == syscall.SIGKILL {
			return "killed"
		}
		return w.Signal().String()
	}
	return strconv.Itoa(s.ExitCode())
}

func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME COMMAND...")
	}
	p := &child{cmd: exec.Command(args[1], args[2:]...), gone: make(chan struct{})}
	p.cmd.Dir = ts.MkAbs(".")
	for _, v := range []string{"HOME", "XDG_STATE_HOME", "PATH", "NO_COLOR", "TMPDIR", "EXAMPLES", "PIPEC_CONFIG"} {
		if text := ts.Getenv(v); text != "" {
			p.cmd.Env = append(p.cmd.Env, v+"="+text)
		}
	}
	var err error
	p.in, err = p.cmd.StdinPipe()
	ts.Check(err)
	var write *os.File
	p.stdout, write, err = os.Pipe()
	ts.Check(err)
	p.cmd.Stdout, p.cmd.Stderr = write, &p.err
	ts.Check(p.cmd.Start())
	_ = write.Close()
	ts.Value(children{}).(map[string]*child)[args[0]] = p
	read := make(chan struct{})
	go func() {
		_, _ = io.Copy(&p.out, p.stdout) // ends with the process, or when shut closes the pipe
		close(read)
	}()
	go func() {
		_ = p.cmd.Wait() // the code says it
		<-read
		p.code = exitText(p.cmd.ProcessState)
		close(p.gone)
	}()
	ts.Defer(func() {
		_ = p.cmd.Process.Kill() // of one that has ended: nothing
		<-p.gone
		_ = p.stdout.Close()
	})
}

func typeLine(ts *testscript.TestScript, neg bool, args []string) {
	p := named(ts, neg, args, 2, "type NAME TEXT...")
	_, err := io.WriteString(p.in, strings.Join(args[1:], " ")+"\n")
	ts.Check(err)
}

func eof(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(named(ts, neg, args, 1, "eof NAME").in.Close())
}

func shut(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(named(ts, neg, args, 1, "shut NAME").stdout.Close())
}

func sees(ts *testscript.TestScript, neg bool, args []string) {
	p := named(ts, neg, args, 3, "sees NAME out|err REGEXP")
	s := map[string]*transcript{"out": &p.out, "err": &p.err}[args[1]]
	if s == nil {
		ts.Fatalf("sees NAME out|err REGEXP, not %s", args[1])
	}
	re, err := regexp.Compile("(?m)" + args[2])
	ts.Check(err)
	late := time.After(patience)
	for ended := false; ; {
		text, changed := s.now()
		if re.MatchString(text) {
			return
		}
		if ended {
			ts.Fatalf("it ended with %s and never printed %s on %s:\n%s", p.code, args[2], args[1], text)
		}
		select {
		case <-changed:
		case <-p.gone:
			ended = true
		case <-late:
			ts.Fatalf("it does not print %s on %s:\n%s", args[2], args[1], text)
		}
	}
}

func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	p := named(ts, neg, args, 2, "signal NAME INT|TERM|KILL")
	s, ok := map[string]os.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}[args[1]]
	if !ok {
		ts.Fatalf("no signal %s", args[1])
	}
	ts.Check(p.cmd.Process.Signal(s))
}

func ends(ts *testscript.TestScript, neg bool, args []string) {
	p := named(ts, neg, args, 2, "ends NAME CODE")
	select {
	case <-p.gone:
	case <-time.After(patience):
		out, _ := p.out.now()
		err, _ := p.err.now()
		ts.Fatalf("it does not end; it printed\n%s%s", out, err)
	}
	out, _ := p.out.now()
	err, _ := p.err.now()
	_, _ = io.WriteString(ts.Stdout(), out)
	_, _ = io.WriteString(ts.Stderr(), err)
	if p.code != args[1] {
		ts.Fatalf("it ended with %s, not with %s:\n%s", p.code, args[1], err)
	}
	delete(ts.Value(children{}).(map[string]*child), args[0])
}

// waitFor looks at a file again and again: nothing tells of its changes.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: waitfor FILE REGEXP [N]")
	}
	want := 1
	if len(args) > 2 {
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		want = n
	}
	re, err := regexp.Compile(args[1])
	ts.Check(err)
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	late := time.After(patience)
	for {
		text, _ := os.ReadFile(ts.MkAbs(args[0])) // it may not be there yet
		n := 0
		for line := range strings.Lines(string(text)) {
			if re.MatchString(line) {
				n++
			}
		}
		if n >= want {
			return
		}
		select {
		case <-look.C:
		case <-late:
			ts.Fatalf("%s: %d lines match, want %d:\n%s", args[0], n, want, text)
		}
	}
}
