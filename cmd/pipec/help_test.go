package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"pipec/cmd/pipec/roff"
	"pipec/compiler/reference"
)

// everyCommand calls f with all commands that a person can run.
func everyCommand(cmd *cobra.Command, f func(*cobra.Command)) {
	if cmd.Runnable() && cmd.Name() != "help" {
		f(cmd)
	}
	for _, sub := range cmd.Commands() {
		everyCommand(sub, f)
	}
}

// before is what must have happened for the examples of a command, in the same shell.
var before = map[string]string{
	"pipec state":        killed,
	"pipec state ls":     killed,
	"pipec state verify": killed,
	"pipec status":       running,
	"pipec checkpoint":   running,
	"pipec cancel":       running,
}

// killed is a run that leaves a checkpoint behind.
const killed = "pipec run examples/flights.pipe --quiet --fault crash,point=after-commit >/dev/null 2>&1"

// running is a job that does not come to its end while one talks to it.
const running = `pipec run examples/flights.pipe --quiet --fault slow,point=row,by=1s >/dev/null 2>&1 &
trap 'kill -9 $! 2>/dev/null' EXIT
until pipec status flights >/dev/null 2>&1; do sleep 0.01; done`

// TestHelp prints the help of every command at 80 columns and runs its examples, as they are printed, in a folder with a copy of the examples.
func TestHelp(t *testing.T) {
	everyCommand(newRoot(streams{strings.NewReader(""), io.Discard, io.Discard}), func(cmd *cobra.Command) {
		t.Run(strings.ReplaceAll(cmd.CommandPath(), " ", "_"), func(t *testing.T) {
			if cmd.Short == "" || cmd.Example == "" {
				t.Fatalf("it has no short text or no example")
			}
			for line := range strings.Lines(cmd.Long + "\n" + cmd.UsageString()) {
				if line = strings.TrimSuffix(line, "\n"); utf8.RuneCountInString(line) > reference.Width {
					t.Errorf("too long: %q", line)
				}
			}
			dir := t.TempDir()
			if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS("../../examples")); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(cmd.Example) {
				script := exec.Command("bash", "-c", before[cmd.CommandPath()]+"\n"+line)
				script.Dir = dir
				script.Env = append(os.Environ(), "NO_COLOR=1", "PIPEC_CONFIG=", "HOME="+dir, "XDG_STATE_HOME="+dir+"/.state", "XDG_RUNTIME_DIR="+dir, "TMPDIR="+dir)
				if out, err := script.CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", strings.TrimSpace(line), err, out)
				}
			}
		})
	})
}

// TestManual holds that the manual page knows every command and flag, and that no line of it is taken for a request by accident.
func TestManual(t *testing.T) {
	var b strings.Builder
	root := newRoot(streams{strings.NewReader(""), io.Discard, io.Discard})
	if err := manual(&b, root); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	everyCommand(root, func(cmd *cobra.Command) {
		if cmd != root && !strings.Contains(page, ".SS \""+roff.Escape(strings.TrimSuffix(cmd.UseLine(), " [flags]"))) {
			t.Errorf("%s is not there", cmd.CommandPath())
		}
	})
	if strings.Contains(page, "`FILE`") {
		t.Error("a name of a value stands in backquotes")
	}
	for _, want := range []string{`\-\-allow\-non\-restored\-state`, `printf 'to be or not to be\en'`, ".SH \"EXIT STATUS\"", `\fB130\fR`, "PIPEC_CONFIG"} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is not there", want)
		}
	}
	known := map[string]bool{"TH": true, "SH": true, "SS": true, "PP": true, "TP": true, "nf": true, "fi": true}
	for line := range strings.Lines(page) {
		if line[0] == '.' && !known[strings.Fields(line[1:])[0]] || line[0] == '\'' {
			t.Errorf("a request by accident: %q", line)
		}
	}
}

// TestCompletion asks for what shells ask for.
func TestCompletion(t *testing.T) {
	for _, c := range []struct {
		args []string
		want []string // lines
		not  string
	}{
		{[]string{""}, []string{"run\tcompile and run a job", "docs\t"}, ""},
		{[]string{"run", ""}, []string{"pipe\n:8"}, ""},
		{[]string{"validate", "a.pipe", ""}, []string{"pipe\n:8"}, ""},
		{[]string{"run", "a.pipe", ""}, []string{":4"}, "pipe\n"},
		{[]string{"explain", "T31"}, []string{"T312\ta condition that may be null"}, ""},
		{[]string{"docs", ""}, []string{"key_by\n", "window\n", "functions\n", "restart_fixed_delay\n"}, "key by"},
		{[]string{"completion", ""}, []string{"bash\nzsh\nfish\n:4"}, ""},
		{[]string{"run", "../../examples/flights.pipe", "--set", ""}, []string{"input=\tWhat to read", "job.checkpoint.interval=\t"}, ""},
		{[]string{"run", "--res"}, []string{"--restore", "--resume"}, ""},
	} {
		var out strings.Builder
		if code := execute(append([]string{cobra.ShellCompRequestCmd}, c.args...), streams{strings.NewReader(""), &out, io.Discard}); code != exitOK {
			t.Errorf("%q: exit %d", c.args, code)
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q: no %q in\n%s", c.args, want, out.String())
			}
		}
		if c.not != "" && strings.Contains(out.String(), c.not) {
			t.Errorf("%q: %q in\n%s", c.args, c.not, out.String())
		}
	}
}

// TestSnapshotCompletion completes -s with what lies in the storage of the program, the newest first, also when --set has moved it.
func TestSnapshotCompletion(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.pipe")
	if err := os.WriteFile(file, []byte("job x { state fs, checkpoint every 1s }\nfrom sequence { to = 9 } |> into stdout\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"r1/chk-9", "r1/chk-10", "savepoint-r1-3", "r1/chk-11"} {
		manifest := filepath.Join(dir, "store", "x", name, "_metadata")
		if err := os.MkdirAll(filepath.Dir(manifest), 0o755); err != nil {
			t.Fatal(err)
		}
		if name == "r1/chk-11" { // not complete
			continue
		}
		at := time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC)
		if err := errors.Join(os.WriteFile(manifest, nil, 0o644), os.Chtimes(manifest, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	args := []string{cobra.ShellCompRequestCmd, "run", file, "--set", "job.state.path=" + filepath.Join(dir, "store"), "-s", ""}
	execute(args, streams{strings.NewReader(""), &out, io.Discard})
	base := filepath.Join(dir, "store", "x") + "/"
	if want := base + "savepoint-r1-3\n" + base + "r1/chk-10\n" + base + "r1/chk-9\n:36"; strings.TrimSpace(out.String()) != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// TestBashCompletion loads the script into a bash, as a person does, and completes a command line in it.
func TestBashCompletion(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.pipe", "b.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// What the script needs of the package bash-completion, for a line without quotes.
	script := `_filedir() { COMPREPLY=(*.${1//|/}); }
_get_comp_words_by_ref() { cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD; }
source <(pipec completion bash)
complete -p pipec
compopt() { :; }
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMPREPLY=(); __start_pipec; echo "${COMPREPLY[@]}"; }
try pipec run ""
try pipec docs trunc
try pipec vali
try pipec run a.pipe --fault fail,po
try pipec run a.pipe --fault fail,point=sn
try pipec run a.pipe --fault fail,point=after`
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := "complete -o default -F __start_pipec pipec\na.pipe\ntruncate\nvalidate\nfail,point=\nsnapshot\nafter-metadata after-commit\n"; strings.ReplaceAll(string(out), " \n", "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}
