package spec

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"pipec/grammar"
)

// exampleModes are the ways every example runs; the first rewrites goldens.
func exampleModes() []mode {
	return []mode{
		{backend: "memory", tasks: 1, batch: 1024},
		{backend: "badger", tasks: 3, batch: 100},
		{backend: "fs", tasks: 2, batch: 512, every: 3 * time.Millisecond, crash: 2, rescaled: []int{4, 1}, backends: []string{"badger", "fs"}, seed: 7},
	}
}

// TestExamples runs every example that has a folder expected/NAME, with a file for each sink, on the data it comes with. What must come out was computed without
// pipec too: examples/expected/examples.py compares.
func TestExamples(t *testing.T) {
	entries, err := os.ReadDir("../examples/expected")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		n++
		name, folder := e.Name(), filepath.Join("../examples/expected", e.Name())
		t.Run(name, func(t *testing.T) {
			c := example(t, name, folder)
			for i, m := range exampleModes() {
				if i > 0 && (testing.Short() || updating()) {
					break
				}
				t.Run(m.String(), func(t *testing.T) {
					got := c.run(t, m)
					if i == 0 && updating() {
						rewriteExpected(t, folder, got)
					} else {
						c.compare(t, got)
					}
				})
			}
		})
	}
	if n < 9 {
		t.Errorf("only %d examples", n)
	}
}

// example is an example as a case: the program, the data, the site's configuration if it has one, what must come out.
func example(t *testing.T, name, folder string) *testCase {
	t.Helper()
	read := func(path string) []byte {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	text := read("../examples/" + name + ".pipe")
	if out, diags := grammar.Format(name+".pipe", text); diags.HasErrors() || !bytes.Equal(out, text) {
		t.Errorf("%s.pipe does not have the one layout", name)
	}
	c := &testCase{name: name, arch: &txtar.Archive{Files: []txtar.File{{Name: "job.pipe", Data: text}}}}
	add := func(name, path string) {
		c.arch.Files = append(c.arch.Files, txtar.File{Name: name, Data: read(path)})
	}
	data, err := filepath.Glob("../examples/data/*.csv*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range data {
		add("data/"+filepath.Base(file), file)
	}
	if conf := "../examples/" + name + ".conf"; exists(conf) {
		add("site.conf", conf)
	}
	wants, err := filepath.Glob(folder + "/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range wants {
		add("want/"+strings.TrimSuffix(filepath.Base(file), ".json"), file)
	}
	return c
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// rewriteExpected writes a file for each sink and removes those of sinks that are gone.
func rewriteExpected(t *testing.T, folder string, got map[string][]string) {
	t.Helper()
	old, err := filepath.Glob(folder + "/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range old {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	for sink, lines := range got {
		text := strings.Join(append(lines, ""), "\n")
		if err := os.WriteFile(filepath.Join(folder, sink+".json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
