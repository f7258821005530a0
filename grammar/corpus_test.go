package grammar

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pipec/grammar/diag"
)

// update rewrites goldens instead of comparing them: PIPEC_UPDATE=1 go test ./grammar
var update = os.Getenv("PIPEC_UPDATE") != ""

// files gives the paths that match a pattern, and fails if there are none.
func files(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files match %s: %v", pattern, err)
	}
	return paths
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// render is the list as people see it.
func render(t testing.TB, file, text string, list diag.List) string {
	t.Helper()
	var b bytes.Buffer
	if err := diag.Render(&b, list, diag.Sources{file: text}, false); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// section is a named part of an archive: what follows a line `-- name --`.
type section struct{ name, text string }

// readArchive cuts a file into its sections, the first of which is the input.
func readArchive(t testing.TB, path string) []section {
	t.Helper()
	var all []section
	for line := range strings.Lines(string(read(t, path))) {
		name, ok := strings.CutPrefix(line, "-- ")
		if name, closed := strings.CutSuffix(name, " --\n"); ok && closed {
			all = append(all, section{name: name})
			continue
		}
		if len(all) == 0 {
			t.Fatalf("%s: text in front of the first section", path)
		}
		all[len(all)-1].text += line
	}
	return all
}

// golden compares got with the second section of an archive, or rewrites it. There are no others.
func golden(t *testing.T, path string, archive []section, name, got string) {
	t.Helper()
	if len(archive) == 2 && archive[1] == (section{name, got}) {
		return
	}
	if update {
		text := fmt.Sprintf("-- %s --\n%s-- %s --\n%s", archive[0].name, archive[0].text, name, got)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s: %s is\n%s\nthe archive holds %d sections:\n%v", path, name, got, len(archive), archive[1:])
}

// Each archive holds one broken file, and what is said about it.
func TestMistakes(t *testing.T) {
	for _, path := range files(t, "testdata/mistakes/*.txtar") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive := readArchive(t, path)
			input := archive[0]
			f, list := Parse(input.name, []byte(input.text))
			checkPlaces(t, f, list)
			golden(t, path, archive, "diagnostics", render(t, input.name, input.text, list))
			if len(list) == 0 {
				t.Error("nothing is wrong with this file")
			}
		})
	}
}

// Each archive holds a text and its canonical form.
func TestFormatted(t *testing.T) {
	for _, path := range files(t, "testdata/format/*.txtar") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive := readArchive(t, path)
			out := formatClean(t, archive[0].name, []byte(archive[0].text))
			golden(t, path, archive, "formatted", string(out))
		})
	}
}

// formatClean formats a text without mistakes, and checks that nothing but its form has changed.
func formatClean(t testing.TB, file string, text []byte) []byte {
	t.Helper()
	out, list := Format(file, text)
	if list.HasErrors() {
		t.Fatalf("this text has mistakes:\n%s", render(t, file, string(text), list))
	}
	if err := sameMeaning(file, text, out); err != nil {
		t.Fatalf("%v\nbefore:\n%s\nafter:\n%s", err, text, out)
	}
	return out
}

// The examples of the language are clean, and canonical already.
func TestExamples(t *testing.T) {
	for _, path := range files(t, "testdata/examples/*.pipe") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text := read(t, path)
			f, list := Parse(path, text)
			if len(list) > 0 {
				t.Fatal(render(t, path, string(text), list))
			}
			checkPlaces(t, f, list)
			if out := formatClean(t, path, text); !bytes.Equal(out, text) {
				t.Errorf("the formatter gives\n%s", out)
			}
		})
	}
}

// The grammar that the parser has is part of the specification: a change must be seen.
func TestEBNF(t *testing.T) {
	path := "testdata/grammar.ebnf"
	got := EBNF() + "\n"
	if update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(read(t, path)); got != want {
		t.Errorf("the grammar has changed:\n%s", got)
	}
}

func BenchmarkBuild(b *testing.B) {
	for b.Loop() {
		newParser()
	}
}

func BenchmarkParse(b *testing.B) {
	for _, path := range files(b, "testdata/examples/*.pipe") {
		text := read(b, path)
		b.Run(fmt.Sprintf("%s/%dB", filepath.Base(path), len(text)), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Parse(path, text)
			}
		})
	}
}

func BenchmarkFormat(b *testing.B) {
	text := read(b, "testdata/examples/10_everything.pipe")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Format("x.pipe", text)
	}
}
