package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pipec/compiler"
)

// TestRunTimeCodes runs the examples of what happens at run time only: as they stand in the register, with their input, each must fail with its code.
func TestRunTimeCodes(t *testing.T) {
	n := 0
	for _, c := range compiler.Codes() {
		if !c.AtRunTime() {
			continue
		}
		n++
		t.Run(c.Code, func(t *testing.T) {
			dir := t.TempDir()
			before, program, two := strings.Cut(c.Example, "// then:\n")
			if !two {
				before, program = "", c.Example
			} else if code, out := runProgram(t, dir, before, "--fault", "crash,point=after-commit"); code != -1 {
				t.Fatalf("the first program was not killed: exit %d\n%s", code, out)
			}
			code, out := runProgram(t, dir, program)
			want := exitFailed
			if two {
				want = exitSnapshot
			}
			if code != want || !strings.Contains(out, c.Code) {
				t.Errorf("exit %d, want %d with %s:\n%s", code, want, c.Code, out)
			}
		})
	}
	if n < 9 {
		t.Errorf("only %d codes happen at run time", n)
	}
}

// runProgram runs a text as a program, with the input that its comments say. The code is -1 if it was killed.
func runProgram(t *testing.T, dir, text string, args ...string) (code int, out string) {
	t.Helper()
	var input string
	for line := range strings.Lines(text) {
		if row, ok := strings.CutPrefix(line, "// stdin: "); ok {
			input += row
		}
	}
	file := filepath.Join(dir, "job.pipe")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("pipec", append([]string{"run", "job.pipe"}, args...)...)
	cmd.Dir, cmd.Stdin, cmd.Env = dir, strings.NewReader(input), append(os.Environ(), "XDG_STATE_HOME="+dir, "PIPEC_CONFIG=")
	said, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(said)
}
