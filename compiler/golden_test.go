package compiler_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"pipec/compiler"
	"pipec/compiler/plan"
	"pipec/grammar/diag"
)

// goldens are the parts of an archive that are written by PIPEC_UPDATE=1.
var goldens = []string{"diagnostics", "plan", "config", "json"}

var update = os.Getenv("PIPEC_UPDATE") != ""

// TestPrograms compiles the programs of testdata. An archive holds main.pipe, files that it imports, perhaps site.conf and `flags`, and what
// comes out: `diagnostics`, and for a valid program `plan`. The archives in fail must not compile, those in ok must.
func TestPrograms(t *testing.T) {
	for _, dir := range []string{"ok", "fail"} {
		files, err := filepath.Glob("testdata/" + dir + "/*.txtar")
		if err != nil || len(files) == 0 {
			t.Fatalf("no archives in %s: %v", dir, err)
		}
		for _, file := range files {
			t.Run(dir+"/"+strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { program(t, file, dir == "ok") })
		}
	}
}

func program(t *testing.T, file string, ok bool) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	o := options(t, a)
	r := compiler.Check(o)
	if (r.Plan != nil) != ok {
		t.Errorf("compiles: %v, want %v", r.Plan != nil, ok)
	}
	got := map[string]string{"diagnostics": rendered(t, r)}
	if r.Plan != nil {
		var b bytes.Buffer
		if err := plan.Explain(&b, r.Plan); err != nil {
			t.Fatal(err)
		}
		got["plan"] = b.String()
		sound(t, r.Plan)
	}
	flags := part(a, "flags")
	if strings.Contains(flags, "explain-config") {
		got["config"] = origins(r.Job)
	}
	if strings.Contains(flags, "json") && r.Plan != nil {
		var b bytes.Buffer
		if err := plan.ExplainJSON(&b, r.Plan); err != nil {
			t.Fatal(err)
		}
		got["json"] = b.String()
	}
	changed := false
	for _, name := range goldens {
		want := part(a, name)
		if diff := cmp.Diff(want, got[name]); diff != "" {
			changed = true
			if !update {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
	if update && changed {
		write(t, file, a, got)
	}
}

// options reads the flags of an archive: `set name=value`, `set job.path=value`, `env NAME=value`, `p N`, `validate`.
func options(t *testing.T, a *txtar.Archive) compiler.Options {
	o := compiler.Options{
		File: "main.pipe", Text: part(a, "main.pipe"), Params: map[string]string{}, Sets: map[string]string{}, Cores: 2,
		Load: func(path string) (string, error) {
			for _, f := range a.Files {
				if f.Name == path {
					return string(f.Data), nil
				}
			}
			return "", os.ErrNotExist
		},
	}
	env := map[string]string{}
	o.Env = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	for line := range strings.Lines(part(a, "flags")) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, value, _ := strings.Cut(rest, "=")
		switch word {
		case "set":
			if strings.HasPrefix(name, "job.") {
				o.Sets[name] = value
			} else {
				o.Params[name] = value
			}
		case "env":
			env[name] = value
		case "p":
			if _, err := fmt.Sscan(rest, &o.Parallelism); err != nil {
				t.Fatal(err)
			}
		case "validate":
			o.Validate = true
		case "explain-config", "json", "":
		default:
			t.Fatalf("unknown flag %q", word)
		}
	}
	if text := part(a, "site.conf"); text != "" {
		o.Site = &compiler.Site{Name: "site.conf", Text: text}
	}
	return o
}

func part(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func rendered(t *testing.T, r *compiler.Result) string {
	var b bytes.Buffer
	if err := diag.Render(&b, r.List, r.Sources, false); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func origins(j plan.Job) string {
	var b strings.Builder
	for _, o := range j.Origins {
		fmt.Fprintf(&b, "%s = %s (%s)\n", o.Path, o.Value, o.Layer)
	}
	return b.String()
}

func write(t *testing.T, file string, a *txtar.Archive, got map[string]string) {
	var files []txtar.File
	for _, f := range a.Files {
		if _, golden := got[f.Name]; !golden && !slices.Contains(goldens, f.Name) {
			files = append(files, f)
		}
	}
	for _, name := range goldens {
		if got[name] != "" {
			files = append(files, txtar.File{Name: name, Data: []byte(got[name])})
		}
	}
	a.Files = files
	if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sound checks what every plan promises: nodes in order, edges between ports that exist, keys that are columns.
func sound(t *testing.T, p *plan.Plan) {
	t.Helper()
	seen := map[string]*plan.Node{}
	for _, n := range p.Nodes {
		if seen[n.ID] != nil {
			t.Errorf("two nodes are called %s", n.ID)
		}
		for i, e := range p.Inputs(n.ID) {
			from := seen[e.From]
			if from == nil {
				t.Errorf("%s gets rows from %s, which does not stand before it", n.ID, e.From)
				continue
			}
			if e.Port >= len(from.Ports) || e.Input != i {
				t.Errorf("%s: edge %+v", n.ID, e)
				continue
			}
			for _, k := range e.Keys {
				if k < 0 || k >= len(from.Ports[e.Port].Type.Schema.Fields) {
					t.Errorf("%s: key %d of %s", n.ID, k, e.From)
				}
			}
		}
		if n.Kind != "source" && len(p.Inputs(n.ID)) == 0 {
			t.Errorf("%s has no input", n.ID)
		}
		for _, port := range n.Ports {
			if port.Type.Unknown {
				t.Errorf("%s: unknown columns in a plan", n.ID)
			}
		}
		seen[n.ID] = n
	}
}
