package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMisuse types what people mistype: each answer says what is wrong in one line, and what to do.
func TestMisuse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "w.pipe")
	if err := os.WriteFile(file, []byte("from stdin |> into stdout\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, says string }{
		{"rnu x.pipe", "there is no command `pipec rnu`; did you mean `pipec run`?\nsee `pipec --help`"},
		{"foo --help", "there is no command `pipec foo`\nsee `pipec --help`"},
		{"stop job", "use Ctrl-C, which takes a last checkpoint, or `pipec cancel`; `stop` comes in a later version"},
		{"list", "use `pipec ps`"},
		{"state lss .", "there is no command `pipec state lss`; did you mean `pipec state ls`?\nsee `pipec state --help`"},
		{"help state lss", "did you mean `pipec state ls`?"},
		{"run", "pipec run takes one file, not 0\nsee `pipec run --help`"},
		{"run --parrallelism 3 FILE", "pipec run has no flag --parrallelism; did you mean --parallelism?\nsee `pipec run --help`"},
		{"run -x FILE", "pipec run has no flag -x"},
		{"run -p 0 FILE", `--parallelism takes a whole number from 1 on, not "0"`},
		{"run -p -1 FILE", `--parallelism takes a whole number from 1 on, not "-1"`},
		{"run FILE -p", "--parallelism needs a value: --parallelism N"},
		{"run --grace 10 FILE", `--grace takes a duration such as 20s, not "10"`},
		{"run --quiet=7 FILE", `--quiet takes true or false, not "7"`},
		{"run -s chk-1 FILE", "-s: this job takes no checkpoints, and goes on from none"},
		{"run --resume FILE", "--resume: this job takes no checkpoints"},
		{"version x", `pipec version takes no arguments, not "x"`},
		{"fmt nothere.pipe", "cannot read nothere.pipe: no such file or directory"},
	} {
		var said strings.Builder
		args := strings.Fields(c.args)
		for i := range args {
			if args[i] == "FILE" {
				args[i] = file
			}
		}
		code := execute(args, streams{strings.NewReader(""), io.Discard, &said})
		if code != exitUsage || !strings.Contains(said.String(), c.says) || strings.Count(said.String(), "\n") > 2 {
			t.Errorf("pipec %s: exit %d, %s", c.args, code, said.String())
		}
	}
	var version strings.Builder
	for _, flag := range []string{"version", "--version", "-v"} {
		if code := execute([]string{flag}, streams{strings.NewReader(""), &version, io.Discard}); code != exitOK {
			t.Errorf("%s: exit %d", flag, code)
		}
	}
	if lines := strings.Split(version.String(), "\n"); !strings.HasPrefix(lines[0], "pipec ") || lines[0] != lines[1] || lines[1] != lines[2] {
		t.Errorf("%q", lines)
	}
}
