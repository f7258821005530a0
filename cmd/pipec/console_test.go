package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestConsole runs the console blocks of the specification and of the README: a line that begins with `$ ` is a command, what follows is all it
// prints on both streams, with [exit N] at the end where N is not 0. They run in a folder with the examples and, for short, wordcount.pipe.
func TestConsole(t *testing.T) {
	files, err := filepath.Glob("../../spec/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no chapters: %v", err)
	}
	blocks := 0
	for _, file := range append(files, "../../README.md") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(data), "\n")
		for i := 0; i < len(lines); i++ {
			if lines[i] != "```console" {
				continue
			}
			from := i + 1
			for i = from; lines[i] != "```"; i++ {
			}
			blocks++
			t.Run(fmt.Sprintf("%s:%d", filepath.Base(file), from), func(t *testing.T) { console(t, lines[from:i]) })
		}
	}
	if blocks == 0 {
		t.Error("no console block")
	}
}

func console(t *testing.T, lines []string) {
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"examples": "examples", "wordcount.pipe": "examples/wordcount.pipe"} {
		if err := os.Symlink(filepath.Join(root, to), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, line := range lines {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "NO_COLOR=1", "PIPEC_CONFIG=")
		out, err := cmd.CombinedOutput()
		got = append(got, line)
		if text := strings.TrimSuffix(string(out), "\n"); text != "" {
			got = append(got, strings.Split(text, "\n")...)
		}
		var failed *exec.ExitError
		switch {
		case errors.As(err, &failed):
			got = append(got, fmt.Sprintf("[exit %d]", failed.ExitCode()))
		case err != nil:
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(lines, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
