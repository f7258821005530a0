package compiler_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"pipec/compiler"
)

// corpus is the programs of testdata, for mutation and fuzzing.
func corpus(t testing.TB) []string {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		a, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, part(a, "main.pipe"))
	}
	return out
}

func compile(text string) *compiler.Result {
	return compiler.Check(compiler.Options{File: "main.pipe", Text: text, Cores: 2, Load: func(string) (string, error) { return "", os.ErrNotExist }})
}

// TestMutations deletes, doubles, exchanges and replaces words of good and bad programs. Nothing panics, every diagnostic lies in the text, and what
// compiles is a sound plan.
func TestMutations(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	texts := corpus(t)
	rounds := 12
	if testing.Short() {
		rounds = 2
	}
	for _, text := range texts {
		words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' })
		for range rounds {
			w := append([]string(nil), words...)
			for range 1 + rng.IntN(2) {
				i, j := rng.IntN(len(w)), rng.IntN(len(w))
				switch rng.IntN(5) {
				case 0:
					w = append(w[:i:i], w[i+1:]...)
				case 1:
					w[i] += " " + w[i]
				case 2:
					w[i], w[j] = w[j], w[i]
				case 3:
					w[i] = w[j]
				case 4:
					w = w[:i+1]
				}
				if len(w) == 0 {
					w = []string{"x"}
				}
			}
			examine(t, strings.Join(w, " "))
		}
	}
}

// examine compiles a text and checks what always holds.
func examine(t *testing.T, text string) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Fatalf("panic: %v\n%s", p, text)
		}
	}()
	r := compile(text)
	for _, d := range r.List {
		if s := d.Span; s.File == "main.pipe" && (int(s.End.Offset) > len(text) || s.Start.Offset > s.End.Offset) {
			t.Errorf("%s lies outside of the text: %+v", d.Code, s)
		}
		if d.Message == "" || strings.Contains(d.Message, "%!") || strings.Contains(strings.Join(d.Help, ""), "%!") || strings.Contains(d.Label, "%!") {
			t.Errorf("%s: %+v", d.Code, d)
		}
	}
	if r.Plan == nil && !r.List.HasErrors() {
		t.Errorf("no plan and no error:\n%s", text)
	}
	if r.Plan != nil {
		sound(t, r.Plan)
		if t.Failed() {
			t.Fatalf("the program:\n%s", text)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, text := range corpus(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { examine(t, text) })
}

// TestDeterministic compiles each program several times: the result never depends on the order of maps.
func TestDeterministic(t *testing.T) {
	for _, text := range corpus(t) {
		want := rendered(t, compile(text))
		for range 5 {
			if got := rendered(t, compile(text)); got != want {
				t.Fatalf("two answers:\n%s\n---\n%s", want, got)
			}
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	a, err := txtar.ParseFile("testdata/ok/windows.txtar")
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct{ name, text string }{{"wordcount", "from stdin\n  |> explode words(line) as word\n  |> key by word\n  |> count\n  |> into stdout\n"}, {"windows", part(a, "main.pipe")}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				compile(c.text)
			}
		})
	}
}
