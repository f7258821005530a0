package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Pages for people are followed as a reader would: in one shell, in an empty folder that has a copy of the examples beside what the page itself makes. In a
// console block a line that begins with `$ ` is a command (`> ` continues it), what follows is all it prints on both streams, and [exit N] if it fails. Where a line is
// `...`, any lines may stand, and `...` in a line is any text; run ids, times, sizes, hashes, and how far a run came need not agree. A block with a second word is a file of that name: it is
// written where the shell is.

// page is a markdown file as a sequence of what a reader does.
type page struct {
	file  string
	lines []string
	steps []step
	end   time.Duration // how long a reader has patience
}

// step is a command with what it prints (lines[from:to] of the page), or a file to write.
type step struct {
	block    int // its number, for messages
	command  string
	from, to int
	file     string
	text     string
}

func TestPages(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	for _, file := range append(files, "../../examples/README.md", "../../examples/nexmark/README.md", "first/README.md") {
		name := strings.TrimSuffix(filepath.ToSlash(strings.TrimPrefix(file, "../../")), ".md")
		t.Run(strings.ReplaceAll(name, "/", "_"), func(t *testing.T) {
			t.Parallel()
			p := readPage(t, file)
			dir := t.TempDir()
			if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS("../../examples")); err != nil {
				t.Fatal(err)
			}
			if name == "first/README" { // the page of a folder that new has made
				if err := os.CopyFS(dir, os.DirFS("first")); err != nil {
					t.Fatal(err)
				}
			}
			p.follow(t, dir)
		})
	}
}

// TestIndexes holds that whoever starts at an index finds everything.
func TestIndexes(t *testing.T) {
	for index, pattern := range map[string]string{"../../docs/README.md": "../../docs/*.md", "../../examples/README.md": "../../examples/*.pipe", "../../examples/nexmark/README.md": "../../examples/nexmark/*.pipe"} {
		text, err := os.ReadFile(index)
		if err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if name := filepath.Base(file); name != "README.md" && !strings.Contains(string(text), "("+name+")") {
				t.Errorf("%s does not lead to %s", index, name)
			}
		}
	}
}

func readPage(t *testing.T, file string) *page {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := &page{file: file, lines: strings.Split(string(data), "\n"), end: 2 * time.Minute}
	for i, block := 0, 0; i < len(p.lines); i++ {
		fence, ok := strings.CutPrefix(p.lines[i], "```")
		if !ok {
			continue
		}
		block++
		from := i + 1
		for i = from; i < len(p.lines) && p.lines[i] != "```"; i++ {
		}
		switch words := strings.Fields(fence); {
		case len(words) == 2:
			p.steps = append(p.steps, step{block: block, file: words[1], text: strings.Join(p.lines[from:i], "\n")})
		case len(words) == 1 && words[0] == "console":
			p.console(block, from, i)
		}
	}
	return p
}

// console takes the commands of one block.
func (p *page) console(block, from, to int) {
	for i := from; i < to; i++ {
		command, ok := strings.CutPrefix(p.lines[i], "$ ")
		if !ok {
			p.steps[len(p.steps)-1].to = i + 1
			continue
		}
		for i+1 < to && strings.HasPrefix(p.lines[i+1], "> ") {
			i++
			command += "\n" + p.lines[i][2:]
		}
		p.steps = append(p.steps, step{block: block, command: command, from: i + 1, to: i + 1})
	}
}

const mark = "\x01"

// follow does all steps and compares what they print.
func (p *page) follow(t *testing.T, dir string) {
	t.Helper()
	var script strings.Builder
	for _, s := range p.steps {
		if s.file != "" {
			fmt.Fprintf(&script, "cat > %s <<'END OF FILE'\n%s\nEND OF FILE\n", quote(s.file), s.text)
			continue
		}
		fmt.Fprintf(&script, "%s\necho \"%s$?\"\n", s.command, mark)
	}
	ctx, cancel := context.WithTimeout(t.Context(), p.end)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script.String())
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NO_COLOR=1", "PIPEC_CONFIG=", "HOME="+dir, "XDG_STATE_HOME="+dir+"/.state", "XDG_RUNTIME_DIR="+dir, "TMPDIR="+dir, "LC_ALL=C", "PORT="+freePort(t))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what a page leaves in the background ends with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = patience
	out, _ := cmd.CombinedOutput() // each command has a code of its own
	_ = cmd.Cancel()               // most leave nothing
	said := strings.Split(strings.ReplaceAll(string(out), dir, "/home/you"), mark)
	n := 0
	var edits []step
	for _, s := range p.steps {
		if s.file != "" {
			continue
		}
		if n+1 >= len(said) {
			t.Fatalf("%s: the shell ended in front of %s\n%s", p.file, s.command, out)
		}
		_, text, ok := strings.Cut(mark+said[n], "\n") // behind the code of the command before
		if n == 0 {
			text, ok = said[0], true
		}
		code, _, _ := strings.Cut(said[n+1], "\n")
		n++
		got := printed(text, code)
		if want := p.lines[s.from:s.to]; ok && !matches(settled(want), settled(got)) {
			edits = append(edits, step{from: s.from, to: s.to, text: strings.Join(got, "\n")})
			if os.Getenv("PIPEC_UPDATE") == "" {
				t.Errorf("%s:%d: %s (-want +got):\n%s", p.file, s.from, s.command, cmp.Diff(want, got))
			}
		}
	}
	if os.Getenv("PIPEC_UPDATE") != "" && len(edits) > 0 {
		p.rewrite(t, edits)
	}
}

// timely are lines that come at some times only: what a shell says of a job of its own that was killed, and that a checkpoint was overtaken on a slow machine.
var timely = regexp.MustCompile(`^bash: line \d+: +\d+ Killed |^checkpoint \d+ failed: superseded`)

// printed are the lines of what a command printed.
func printed(text, code string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); !timely.MatchString(line) {
			lines = append(lines, line)
		}
	}
	if code != "0" {
		lines = append(lines, "[exit "+code+"]")
	}
	return lines
}

// varying is what differs from run to run.
var varying = []struct {
	found *regexp.Regexp
	as    string
}{
	{regexp.MustCompile(`\d{8}T\d{6}\.\d{3}Z[0-9a-f]{4}`), "RUN"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d by pipec \S+,`), "TIME by pipec VERSION,"},
	{regexp.MustCompile(`program [0-9a-f]{12}`), "program HASH"},
	{regexp.MustCompile(`\b\d+(\.\d+)? ?(ms|s)\b`), "DURATION"},
	{regexp.MustCompile(`\b\d+(\.\d+)? ([KMG]i?)?B\b`), "SIZE"},
	{regexp.MustCompile(`^  (read|written) +(\S+) +[\d,]+ rows`), "  $1 $2 N rows"}, // as far as it came
	{regexp.MustCompile(`\b(checkpoint |chk-|periodic )\d+`), "${1}N"},
	{regexp.MustCompile(`\b\d+ checkpoints, \d+ failed`), "N checkpoints, N failed"},
	{regexp.MustCompile(`\bpid \d+|process \d+`), "process N"},
	{regexp.MustCompile(`\b(localhost:|port=)\d+`), "${1}PORT"},
	{regexp.MustCompile(` +`), " "},
}

// settled are lines without what differs from run to run.
func settled(lines []string) []string {
	out := slices.Clone(lines)
	for i := range out {
		for _, v := range varying {
			out[i] = v.found.ReplaceAllString(out[i], v.as)
		}
	}
	return out
}

// matches compares lines; `...` alone is any lines, in a line any text.
func matches(want, got []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0] == "..." {
		return matches(want[1:], got) || len(got) > 0 && matches(want, got[1:])
	}
	if len(got) == 0 {
		return false
	}
	parts := strings.Split(want[0], "...")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	same, err := regexp.MatchString("^"+strings.Join(parts, ".*")+"$", got[0])
	return err == nil && same && matches(want[1:], got[1:])
}

// rewrite puts what was printed into the page, the last edit first.
func (p *page) rewrite(t *testing.T, edits []step) {
	t.Helper()
	lines := p.lines
	for _, e := range slices.Backward(edits) {
		var text []string
		if e.text != "" {
			text = strings.Split(e.text, "\n")
		}
		lines = slices.Concat(lines[:e.from], text, lines[e.to:])
	}
	if err := os.WriteFile(p.file, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}
