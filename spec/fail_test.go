package spec

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"pipec/compiler"
	"pipec/compiler/plan"
	"pipec/grammar/diag"
)

// program is the name of the program in an archive, want that of what must come of it.
const (
	program = "job.pipe"
	want    = "want"
)

// updating says that goldens are rewritten.
func updating() bool { return os.Getenv("PIPEC_UPDATE") != "" }

// diagnose compiles the program of an archive as `pipec validate` does; the other files may be imported.
func diagnose(arch *txtar.Archive) *compiler.Result {
	files := map[string]string{}
	for _, f := range arch.Files {
		files[f.Name] = string(f.Data)
	}
	return compiler.Check(compiler.Options{File: program, Text: files[program], Validate: true, Cores: 2, Load: func(name string) (string, error) {
		text, ok := files[path.Clean(name)]
		if !ok {
			return "", os.ErrNotExist
		}
		return text, nil
	}})
}

// rendered is what validate prints. The first bytes of the program are not shown: lines are counted behind them.
func rendered(r *compiler.Result, before int) string {
	head := r.Sources[program][:before]
	lines := int32(strings.Count(head, "\n"))
	shift := func(s diag.Span) diag.Span {
		if s.File == program && !s.IsZero() {
			if int(s.Start.Offset) < before {
				s.File = "the prelude"
				return s
			}
			s.Start.Line, s.End.Line = s.Start.Line-lines, s.End.Line-lines
			s.Start.Offset, s.End.Offset = s.Start.Offset-int32(before), s.End.Offset-int32(before)
		}
		return s
	}
	sources := diag.Sources{}
	for name, text := range r.Sources {
		sources[name] = text
	}
	sources[program] = sources[program][before:]
	var list diag.List
	for _, d := range r.List {
		moved := *d
		moved.Span = shift(d.Span)
		moved.Related = nil
		for _, rel := range d.Related {
			moved.Related = append(moved.Related, diag.Related{Span: shift(rel.Span), Message: rel.Message})
		}
		list.Add(&moved)
	}
	var b strings.Builder
	_ = diag.Render(&b, list, sources, false) // a builder never fails
	return b.String()
}

// TestFail: programs with mistakes, and all that is said about them.
func TestFail(t *testing.T) {
	archives(t, "fail/*.txtar", func(t *testing.T, arch *txtar.Archive) string {
		r := diagnose(arch)
		if len(r.List) == 0 {
			t.Error("there is nothing wrong with it")
		}
		return rendered(r, 0)
	})
}

// TestPlan: programs and their plans.
func TestPlan(t *testing.T) {
	archives(t, "plan/*.txtar", func(t *testing.T, arch *txtar.Archive) string {
		r := diagnose(arch)
		if r.Plan == nil {
			t.Fatalf("it is not valid:\n%s", rendered(r, 0))
		}
		var b strings.Builder
		if err := plan.Explain(&b, r.Plan); err != nil {
			t.Fatal(err)
		}
		return b.String()
	})
}

// archives compares what each archive must give with what it gives.
func archives(t *testing.T, glob string, give func(*testing.T, *txtar.Archive) string) {
	t.Helper()
	files, err := filepath.Glob(glob)
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			arch, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden := -1
			for i, f := range arch.Files {
				switch {
				case f.Name == want:
					golden = i
				case !strings.HasSuffix(f.Name, ".pipe"):
					t.Errorf("%s: nothing looks at this file", f.Name)
				}
			}
			if golden < 0 {
				golden, arch.Files = len(arch.Files), append(arch.Files, txtar.File{Name: want})
			}
			got := give(t, arch)
			if updating() {
				arch.Files[golden].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(arch), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(arch.Files[golden].Data), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
