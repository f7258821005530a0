package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"
)

// box is a folder with a program in it, in which the real command runs.
type box struct {
	t       *testing.T
	dir     string
	sockets string // short: the name of a socket has a limit
	runs    int
}

func newBox(t *testing.T, program string) *box {
	t.Helper()
	sockets, err := os.MkdirTemp("", "box")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	b := &box{t: t, dir: t.TempDir(), sockets: sockets}
	b.write("job.pipe", program)
	return b
}

func (b *box) path(name string) string { return filepath.Join(b.dir, name) }

func (b *box) write(name, text string) {
	b.t.Helper()
	if err := os.WriteFile(b.path(name), []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// happened is one line of --events as a script sees it.
type happened map[string]any

func (h happened) is(name string) bool { return h["event"] == name }

func (h happened) text(key string) string { s, _ := h[key].(string); return s }

func (h happened) number(key string) int { n, _ := h[key].(float64); return int(n) }

func (h happened) at() time.Time {
	at, _ := time.Parse(time.RFC3339Nano, h.text("time"))
	return at
}

// life is one run of the command.
type life struct {
	b        *box
	cmd      *exec.Cmd
	events   string // its file
	out, err transcript
	gone     chan struct{}
	code     string
}

// start runs `pipec run job.pipe --events ...` with more arguments.
func (b *box) start(args ...string) *life {
	b.t.Helper()
	b.runs++
	events := b.path(fmt.Sprintf("events-%d", b.runs))
	p := b.startCommand(append([]string{"run", "job.pipe", "--events", events}, args...)...)
	p.events = events
	return p
}

func (b *box) startCommand(args ...string) *life {
	b.t.Helper()
	p := &life{b: b, gone: make(chan struct{}), cmd: exec.Command("pipec", args...)}
	p.cmd.Dir = b.dir
	p.cmd.Env = append(os.Environ(), "HOME="+b.dir, "XDG_STATE_HOME="+b.path(".state"), "XDG_RUNTIME_DIR="+b.sockets, "NO_COLOR=1")
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	if err := p.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the code says it
		p.code = exitText(p.cmd.ProcessState)
		close(p.gone)
	}()
	b.t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // of one that has ended: nothing
		<-p.gone
	})
	return p
}

// run is start and ends.
func (b *box) run(code string, args ...string) *life {
	b.t.Helper()
	p := b.start(args...)
	p.ends(code)
	return p
}

// ends waits for the end of the process.
func (p *life) ends(code string) {
	p.b.t.Helper()
	select {
	case <-p.gone:
	case <-time.After(patience):
		p.b.t.Fatalf("it does not end; it printed\n%s", p.stderr())
	}
	if p.code != code {
		out, _ := p.out.now()
		p.b.t.Fatalf("it ended with %s, not with %s:\n%s%s", p.code, code, out, p.stderr())
	}
}

func (p *life) stderr() string { text, _ := p.err.now(); return text }

func (p *life) signal(s syscall.Signal) {
	p.b.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.b.t.Fatal(err)
	}
}

// log reads the events so far; a line that is being written is left out.
func (p *life) log() []happened {
	p.b.t.Helper()
	data, err := os.ReadFile(p.events)
	if err != nil && !os.IsNotExist(err) {
		p.b.t.Fatal(err)
	}
	var all []happened
	for line := range bytes.Lines(data) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break
		}
		var h happened
		if err := json.Unmarshal(line, &h); err != nil {
			p.b.t.Fatalf("%s: %v", line, err)
		}
		all = append(all, h)
	}
	return all
}

// named gives the events of one name.
func (p *life) named(name string) []happened {
	var list []happened
	for _, h := range p.log() {
		if h.is(name) {
			list = append(list, h)
		}
	}
	return list
}

// until looks at the events again and again, since nothing tells of their coming, until so many have the name.
func (p *life) until(name string, n int) []happened {
	p.b.t.Helper()
	var list []happened
	p.b.until(fmt.Sprintf("%d events %s", n, name), func() bool {
		gone := false
		select {
		case <-p.gone:
			gone = true
		default:
		}
		if list = p.named(name); len(list) < n && gone {
			p.b.t.Fatalf("it ended with %s after %d events %s:\n%s", p.code, len(list), name, p.stderr())
		}
		return len(list) >= n
	})
	return list
}

// until polls a condition.
func (b *box) until(what string, holds func() bool) {
	b.t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	late := time.After(patience)
	for !holds() {
		select {
		case <-look.C:
		case <-late:
			b.t.Fatalf("there are never %s", what)
		}
	}
}

// lines are the rows of all published parts below a folder, sorted.
func (b *box) lines(dir string) []string {
	b.t.Helper()
	parts, err := filepath.Glob(b.path(dir + "/part-*"))
	if err != nil {
		b.t.Fatal(err)
	}
	var lines []string
	for _, part := range parts {
		data, err := os.ReadFile(part)
		if err != nil {
			b.t.Fatal(err)
		}
		lines = append(lines, strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")...)
	}
	sort.Strings(lines)
	return lines
}

// numbers says whether the published rows are {"value":0} to {"value":last}, each once.
func (b *box) numbers(dir string, last int) {
	b.t.Helper()
	seen := map[string]int{}
	for _, l := range b.lines(dir) {
		seen[l]++
	}
	for i := range last + 1 {
		if n := seen[fmt.Sprintf(`{"value":%d}`, i)]; n != 1 {
			b.t.Errorf("row %d is there %d times", i, n)
		}
	}
	if len(seen) != last+1 {
		b.t.Errorf("%d different rows, want %d", len(seen), last+1)
	}
}

// tree is every file below a folder with its content, so that one can say that nothing was changed.
func (b *box) tree(dir string) string { return b.treeOf(dir, func(string) bool { return true }) }

// withoutPending is tree without what no commit has published.
func (b *box) withoutPending(dir string) string {
	return b.treeOf(dir, func(name string) bool { return !strings.HasPrefix(name, ".pending-") })
}

func (b *box) treeOf(dir string, counts func(name string) bool) string {
	b.t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(b.path(dir), func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !counts(d.Name()) {
			return err
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(b.dir, name)
		fmt.Fprintf(&out, "%s %x\n", rel, data)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out.String()
}

// checkpoints lists the directories of checkpoints in the storage `st` of the job `j`, as `<run>/chk-N`.
func (b *box) checkpoints() []string {
	dirs, _ := filepath.Glob(b.path("st/j/*/chk-*"))
	for i, d := range dirs {
		dirs[i], _ = filepath.Rel(b.path("st/j"), d)
	}
	return dirs
}
