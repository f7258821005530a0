// Package pipec is the root of the module: it holds no code but this test, which is the style of the project as a test (layering, sizes, names,
// docs). A limit that a place must exceed stands in a list below, with the reason; the lists only ever shrink.
package pipec

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
)

const (
	maxFunction  = 70   // lines
	maxFile      = 500  // lines
	maxPackage   = 3000 // lines without tests
	maxInterface = 5    // methods
	maxOptions   = 12   // fields of a struct named Options or ...Options
	maxDepth     = 3    // folders, the top-level one counted
)

// rows is who may import whom: a package imports only from rows above its own.
var rows = [][]string{
	{"grammar/diag", "vm/value", "vm/clock", "vm/fault", "state/vfs", "checkpoint/event"},
	{"grammar", "compiler/plan", "state/blob"},
	{"vm/flow", "vm/fn", "vm/agg", "state", "connector/format", "checkpoint/restart"},
	{"vm/eval", "vm/exchange", "connector", "checkpoint"},
	{"vm/op"},
	{"compiler", "vm"},
	{"compiler/flink", "compiler/reference", "vm/sim"},
	{"spec", "cmd/pipec"},
}

// inRowOf lists packages that are parts of another one: they stand in its row, below it.
var inRowOf = map[string]string{
	"compiler/check":    "compiler",
	"compiler/config":   "compiler",
	"compiler/picture":  "compiler",
	"compiler/graph":    "compiler",
	"grammar/token":     "grammar",
	"grammar/extent":    "grammar",
	"grammar/mistake":   "grammar",
	"connector/intake":  "connector",
	"connector/follow":  "connector",
	"connector/listing": "connector",
	"connector/part":    "connector",
	"connector/redial":  "connector",
	"connector/nexmark": "connector",
	"state/budget":      "state",
	"state/heap":        "state",
	"state/ordered":     "state",
	"vm/actor":          "vm",
	"vm/failure":        "vm",
	"vm/fit":            "vm",
	"vm/lineage":        "vm",
	"vm/status":         "vm",
	"vm/upload":         "vm",
	"cmd/pipec/control": "cmd/pipec",
	"cmd/pipec/roff":    "cmd/pipec",
	"cmd/pipec/screen":  "cmd/pipec",
	"vm/chain":          "vm",
	"spec/bench":        "spec",
	"vm/op/run":         "vm/op",
	"vm/op/group":       "vm/op",
	"vm/eval/lane":      "vm/eval",

	"connector/format/swar": "connector/format",
}

// exceptions are places that exceed a limit, and why.
var exceptions = map[string]string{
	"interface state/vfs.FS":     "a file system",
	"interface state/vfs.File":   "a file",
	"interface state/blob.Store": "object storage",
}

// bannedNames are words that name nothing.
var bannedNames = []string{"util", "utils", "common", "helpers", "helper", "misc", "internal", "pkg"}

type source struct {
	dir, name string
	file      *ast.File
	lines     int
}

func sources(t *testing.T) (all []source, fset *token.FileSet) {
	t.Helper()
	fset = token.NewFileSet()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || p != "." && strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		f, err := parser.ParseFile(fset, p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		all = append(all, source{filepath.ToSlash(filepath.Dir(p)), d.Name(), f, fset.File(f.Pos()).LineCount()})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, fset
}

func isTest(s source) bool { return strings.HasSuffix(s.name, "_test.go") }

func row(dir string) int {
	if of, ok := inRowOf[dir]; ok {
		dir = of
	}
	for i, r := range rows {
		for _, p := range r {
			if p == dir {
				return i
			}
		}
	}
	return -1
}

func TestLayers(t *testing.T) {
	all, _ := sources(t)
	for _, s := range all {
		if s.dir == "." || isTest(s) {
			continue
		}
		from := row(s.dir)
		if from < 0 {
			t.Errorf("%s: no row for this package in tidy_test.go", s.dir)
			continue
		}
		for _, imp := range s.file.Imports {
			to, _ := strconv.Unquote(imp.Path.Value)
			to, ours := strings.CutPrefix(to, "pipec/")
			if !ours {
				continue
			}
			part := inRowOf[to] == s.dir || inRowOf[s.dir] != "" && inRowOf[to] == inRowOf[s.dir]
			if r := row(to); !part && (r < 0 || r >= from) {
				t.Errorf("%s/%s imports %s: packages import only from rows above their own", s.dir, s.name, to)
			}
		}
	}
}

func TestSizes(t *testing.T) {
	all, fset := sources(t)
	packages := map[string]int{}
	for _, s := range all {
		if isTest(s) {
			continue
		}
		packages[s.dir] += s.lines
		limit(t, "file "+s.dir+"/"+s.name, s.lines, maxFile)
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				lines := fset.Position(d.End()).Line - fset.Position(d.Pos()).Line + 1
				limit(t, "function "+s.dir+"."+d.Name.Name, lines, maxFunction)
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if ts, ok := spec.(*ast.TypeSpec); ok {
						checkType(t, s, ts)
					}
				}
			}
		}
	}
	for dir, n := range packages {
		limit(t, "package "+dir, n, maxPackage)
	}
}

func checkType(t *testing.T, s source, ts *ast.TypeSpec) {
	switch x := ts.Type.(type) {
	case *ast.InterfaceType:
		limit(t, "interface "+s.dir+"."+ts.Name.Name, x.Methods.NumFields(), maxInterface)
	case *ast.StructType:
		if strings.HasSuffix(ts.Name.Name, "Options") {
			limit(t, "options "+s.dir+"."+ts.Name.Name, x.Fields.NumFields(), maxOptions)
		}
	}
}

func limit(t *testing.T, what string, n, most int) {
	t.Helper()
	if _, excused := exceptions[what]; n > most && !excused {
		t.Errorf("%s: %d, at most %d", what, n, most)
	}
}

func TestNames(t *testing.T) {
	all, _ := sources(t)
	for _, s := range all {
		if strings.Count(s.dir, "/")+1 > maxDepth {
			t.Errorf("%s: folders are at most %d deep", s.dir, maxDepth)
		}
		for _, bad := range bannedNames {
			if path.Base(s.dir) == bad || strings.TrimSuffix(s.name, ".go") == bad {
				t.Errorf("%s/%s: %q says nothing; name it by what it provides", s.dir, s.name, bad)
			}
		}
		for _, imp := range s.file.Imports {
			if imp.Name != nil && imp.Name.Name == "." {
				t.Errorf("%s/%s: dot imports hide where a name comes from", s.dir, s.name)
			}
		}
	}
}

func TestDocs(t *testing.T) {
	all, _ := sources(t)
	documented := map[string]bool{}
	for _, s := range all {
		if isTest(s) && s.dir != "." {
			continue
		}
		documented[s.dir] = documented[s.dir] || s.file.Doc != nil
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.IsExported() && f.Doc == nil && exportedReceiver(f) && !isTest(s) {
				t.Errorf("%s/%s: %s has no comment", s.dir, s.name, f.Name.Name)
			}
		}
	}
	var dirs []string
	for dir, ok := range documented {
		if !ok {
			dirs = append(dirs, dir)
		}
	}
	sort.Strings(dirs)
	for _, dir := range dirs {
		t.Errorf("%s: the package has no comment that says what it is", dir)
	}
}

// exportedReceiver says whether the function is visible: it has no receiver, or one of an exported type.
func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	typ := f.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

// engine is where time, disk and chance come in through the door: these calls are banned there.
var engine = []string{"vm", "checkpoint", "state"}

// doors are the packages behind the door.
var doors = map[string]bool{"vm/clock": true, "vm/fault": true, "state/vfs": true}

func TestDoors(t *testing.T) {
	all, _ := sources(t)
	for _, s := range all {
		top, _, _ := strings.Cut(s.dir, "/")
		if isTest(s) || doors[s.dir] || !strings.Contains(strings.Join(engine, " "), top) {
			continue
		}
		names := map[string]string{}
		for _, imp := range s.file.Imports {
			p, _ := strconv.Unquote(imp.Path.Value)
			names[path.Base(p)] = p
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok || x.Obj != nil {
				return true
			}
			call := names[x.Name] + "." + sel.Sel.Name
			switch call {
			case "time.Now", "time.Sleep", "time.After", "time.NewTimer", "time.Since", "os.Open", "os.Create", "os.ReadFile", "os.WriteFile", "os.Remove", "os.Rename",
				"math/rand.Int", "math/rand/v2.Int64":
				t.Errorf("%s/%s: %s: time, disk and chance come in as parameters", s.dir, s.name, call)
			}
			return true
		})
	}
}
