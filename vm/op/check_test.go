package op_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"pipec/compiler"
	"pipec/grammar/diag"
	"pipec/vm/op"
)

// prelude stands before every program of the tests. The lines of diagnostics count from behind it.
const prelude = `job shop { time_zone = "UTC" }
source orders from file {
  path = "orders"
  format json
  schema { id: int, customer: string, amount: decimal(12, 2), discount: float?, score: float, status: "open" | "paid" | "void", tags: list<string>, place: { city: string, zip: string }?, at: timestamp }
  watermark at - 5s
}
`

// notes is declared where a program reads it.
const notes = `source notes from file { path = "notes", format json, schema { id: int, text: string } }
`

func check(program string) *compiler.Result {
	text := prelude + program
	if strings.Contains(program, "notes") {
		text = prelude + notes + program
	}
	return compiler.Check(compiler.Options{File: "job.pipe", Text: text, Validate: true})
}

// shown is what is said about a program, and the type of each of its nodes.
func shown(t *testing.T, r *compiler.Result) string {
	var b bytes.Buffer
	if err := diag.Render(&b, r.List, r.Sources, false); err != nil {
		t.Fatal(err)
	}
	if r.Plan != nil {
		for _, n := range r.Plan.Nodes {
			if n.Kind == "source" || n.Kind == "sink" {
				continue
			}
			for _, p := range n.Ports {
				fmt.Fprintf(&b, "%s\n", strings.TrimSpace(n.ID+" "+p.Name+": "+p.Type.String()))
			}
		}
	}
	return b.String()
}

// TestChecks compiles the programs in testdata/checks.txtar: NAME.pipe, and in NAME.said what must be said about it and what its nodes give.
func TestChecks(t *testing.T) {
	const file = "testdata/checks.txtar"
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := &txtar.Archive{Comment: archive.Comment}
	said := map[string]string{}
	for _, f := range archive.Files {
		if name, ok := strings.CutSuffix(f.Name, ".said"); ok {
			said[name] = string(f.Data)
		}
	}
	for _, f := range archive.Files {
		name, ok := strings.CutSuffix(f.Name, ".pipe")
		if !ok {
			continue
		}
		got := shown(t, check(string(f.Data)))
		out.Files = append(out.Files, f, txtar.File{Name: name + ".said", Data: []byte(got)})
		if diff := cmp.Diff(said[name], got); diff != "" && os.Getenv("PIPEC_UPDATE") == "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
		delete(said, name)
	}
	for name := range said {
		t.Errorf("%s.said belongs to no program", name)
	}
	if os.Getenv("PIPEC_UPDATE") != "" {
		if err := os.WriteFile(file, txtar.Format(out), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// The examples of the catalogue are right: those of stages that run compile without a word beyond warnings.
func TestExamples(t *testing.T) {
	for _, s := range op.All() {
		for _, e := range s.Examples {
			end := " |> into stdout"
			if s.Verb == "split" {
				end = "\nfrom big |> into stdout\nfrom rest |> into blackhole"
			}
			if r := check(e + end); r.List.HasErrors() {
				t.Errorf("%s: %s\n%s", s.Verb, e, shown(t, r))
			}
		}
	}
}
