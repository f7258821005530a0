package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pipec/compiler"
)

// TestExamplesAreClean holds that validate has nothing to say about an example, not even a hint; of the lesson it says what the page teaches.
func TestExamplesAreClean(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.pipe")
	more, _ := filepath.Glob("../../examples/nexmark/*.pipe")
	if files = append(files, more...); err != nil || len(files) < 20 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		o := compiler.Options{File: filepath.ToSlash(file), Text: string(text), Params: map[string]string{}, Sets: map[string]string{}, Env: func(string) (string, bool) { return "", false }, Validate: true}
		name := strings.TrimSuffix(filepath.Base(file), ".pipe")
		if conf, err := os.ReadFile("../../examples/" + name + ".conf"); err == nil {
			o.Site = &compiler.Site{Name: name + ".conf", Text: string(conf)}
		}
		for _, d := range compiler.Check(o).List {
			if d.Code != "S442" || !strings.HasPrefix(name, "lesson") {
				t.Errorf("%s: %s %s", file, d.Code, d.Message)
			}
		}
	}
}
