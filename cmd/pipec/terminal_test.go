package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// window is a pseudo-terminal with a process in it.
type window struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	out    transcript
	gone   chan struct{}
}

// open starts a command in a window of its own session, so that what is typed there reaches it as signals do. out is its standard output; nil: the window.
func open(t *testing.T, columns, rows int, out *os.File, args ...string) *window {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(rows), Col: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
	mode, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	mode.Lflag |= unix.NOFLSH // else the line discipline throws away what is on its way when ^C is typed
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, mode); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	w := &window{t: t, master: master, cmd: exec.Command("pipec", args...), gone: make(chan struct{})}
	w.cmd.Dir = t.TempDir()
	w.cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=1", "PIPEC_CONFIG=", "HOME="+w.cmd.Dir, "XDG_STATE_HOME="+w.cmd.Dir, "XDG_RUNTIME_DIR="+w.cmd.Dir, "TMPDIR="+w.cmd.Dir)
	w.cmd.Stdin, w.cmd.Stdout, w.cmd.Stderr = slave, slave, slave
	if out != nil {
		w.cmd.Stdout = out
	}
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	for _, job := range terminalJobs {
		if err := os.WriteFile(w.cmd.Dir+"/"+job.name, []byte(job.text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	go func() {
		_, _ = io.Copy(&w.out, master) // ends with an error when the last process of the window has gone
		close(w.gone)
	}()
	t.Cleanup(func() { _ = w.cmd.Process.Kill() })
	return w
}

var terminalJobs = []struct{ name, text string }{
	{"updates.pipe", `job updates {
  state memory
  checkpoint every 50ms
}
from sequence { to = 100000, rate = 2000, start = "2026-01-01T00:00:00Z", step = 1s }
  |> derive word = "w" + string(value % 40) |> key by word |> aggregate n = count(), total = sum(value) |> into stdout`},
	{"few.pipe", `from sequence { to = 40, start = "2026-01-01T00:00:00Z" }
  |> derive word = "w" + string(value % 5) |> key by word |> aggregate n = count() |> into stdout`},
	{"rows.pipe", `from sequence { to = 100000, rate = 100, start = "2026-01-01T00:00:00Z", step = 1s } |> into stdout`},
	{"typed.pipe", `from stdin |> explode words(line) as word |> key by word |> count |> into stdout`},
}

// sees waits until the window has shown something.
func (w *window) sees(pattern string) {
	w.t.Helper()
	re := regexp.MustCompile(pattern)
	late := time.After(patience)
	for {
		text, changed := w.out.now()
		if re.MatchString(text) {
			return
		}
		select {
		case <-changed:
		case <-w.gone:
			if text, _ := w.out.now(); !re.MatchString(text) {
				w.t.Fatalf("it ended and never showed %s:\n%q", pattern, text)
			}
			return
		case <-late:
			w.t.Fatalf("it does not show %s:\n%q", pattern, text)
		}
	}
}

func (w *window) keys(text string) {
	w.t.Helper()
	if _, err := w.master.WriteString(text); err != nil {
		w.t.Fatal(err)
	}
}

// ends waits for the end and gives all that was shown. Nothing may be left that had to be put back.
func (w *window) ends(code int) string {
	w.t.Helper()
	select {
	case <-w.gone:
	case <-time.After(patience):
		w.t.Fatal("it does not end")
	}
	_ = w.cmd.Wait() // the code says it
	text, _ := w.out.now()
	if got := w.cmd.ProcessState.ExitCode(); got != code {
		w.t.Errorf("exit %d, want %d:\n%q", got, code, text)
	}
	for _, bad := range []string{"\x1b[?25l", "\x1b[?1049h", "\x1b[?47h", "\x1b[?1000h", "\x1bc"} {
		if strings.Contains(text, bad) {
			w.t.Errorf("it shows %q", bad)
		}
	}
	if n, m := strings.Count(text, "\x1b[?2026h"), strings.Count(text, "\x1b[?2026l"); n != m {
		w.t.Errorf("%d frames begin, %d end", n, m)
	}
	return text
}

// tail is what was shown behind the last sequence.
func tail(text string) string {
	text = text[strings.LastIndex(text, "\x1b[?2026l")+len("\x1b[?2026l"):]
	return strings.ReplaceAll(text, "\r\n", "\n")
}

// TestTerminalUpdates interrupts a job whose updates are a table: below the last state of the table comes the end report.
func TestTerminalUpdates(t *testing.T) {
	w := open(t, 60, 16, nil, "run", "updates.pipe")
	w.sees(`word +n +total`)
	w.sees(`… \d+ more rows`)
	w.sees(`updates running .*`)
	w.sees(`checkpoint \d+, \d+ ms ago`)
	w.keys("\x03")
	text := w.ends(exitOK)
	last := text[strings.LastIndex(text, "\x1b[?2026h"):]
	for i := range 40 {
		if !strings.Contains(last, fmt.Sprintf("\nw%d ", i)) {
			t.Errorf("w%d is not there at the end:\n%q", i, last)
		}
	}
	if strings.Contains(last, "updates running") || strings.Contains(last, "more rows") || !strings.HasPrefix(tail(text), "suspended after") {
		t.Errorf("the end is %q", last)
	}
}

// TestTerminalFew is a job that ends at once: the table stays, there is no block.
func TestTerminalFew(t *testing.T) {
	text := open(t, 80, 24, nil, "run", "few.pipe").ends(exitOK)
	if !strings.Contains(text, "word  n\x1b[K\r\r\nw0    9\x1b[K\r\r\nw1    8\x1b[K\r\r\n") || strings.Contains(text, "rows/s") {
		t.Errorf("%q", text)
	}
	if !strings.HasPrefix(tail(text), "finished after") {
		t.Errorf("%q", tail(text))
	}
}

// TestTerminalRows is an append stream: every row is there once, in order, whatever is drawn between them.
func TestTerminalRows(t *testing.T) {
	w := open(t, 80, 24, nil, "run", "rows.pipe")
	w.sees(`"value":120,`)
	w.sees(`rows/s`)
	w.keys("\x03")
	text := w.ends(exitOK)
	for i, m := range regexp.MustCompile(`"value":(\d+),`).FindAllStringSubmatch(text, -1) {
		if m[1] != strconv.Itoa(i) {
			t.Fatalf("row %d is %s", i, m[1])
		}
	}
}

// TestTerminalTyped types into the window: then nothing is redrawn.
func TestTerminalTyped(t *testing.T) {
	w := open(t, 80, 24, nil, "run", "typed.pipe")
	w.keys("to be or not to be\n")
	w.sees(`\{"word":"be","count":2\}`)
	w.keys("\x04")
	if text := w.ends(exitOK); strings.Contains(text, "\x1b") {
		t.Errorf("%q", text)
	}
}

// TestTerminalPipes runs where only some streams are terminals.
func TestTerminalPipes(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := open(t, 80, 24, file, "run", "updates.pipe") // into a file: the block lives, the rows are lines
	w.sees(`updates running .*`)
	w.keys("\x03")
	if text := w.ends(exitOK); strings.Contains(text, "word  n") {
		t.Errorf("%q", text)
	}
	if rows, err := os.ReadFile(file.Name()); err != nil || !strings.HasPrefix(string(rows), `{"word":"w0","n":1,"total":0}`+"\n") {
		t.Errorf("%.100q, %v", rows, err)
	}
	read, write, err := os.Pipe() // into a program: it may print on the same terminal, so nothing is redrawn
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	w = open(t, 80, 24, write, "run", "few.pipe")
	write.Close()
	if text := w.ends(exitOK); strings.Contains(text, "\x1b") {
		t.Errorf("%q", text)
	}
	w = open(t, 80, 24, nil, "run", "--quiet", "few.pipe") // the table is data: --quiet leaves it
	if text := w.ends(exitOK); !strings.Contains(text, "w0    9") || strings.Contains(text, "finished") {
		t.Errorf("%q", text)
	}
}

// TestTerminalKilled kills a job in the middle of its frames: the cursor rests below what was drawn.
func TestTerminalKilled(t *testing.T) {
	w := open(t, 60, 16, nil, "run", "updates.pipe")
	w.sees(`updates running .*`)
	if err := w.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if text := w.ends(-1); !strings.HasSuffix(text, "\r\n\x1b[K\x1b[?2026l") {
		t.Errorf("%q", text[max(0, len(text)-200):])
	}
}
