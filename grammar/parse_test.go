package grammar

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/expr-lang/expr/ast"

	"pipec/grammar/diag"
	"pipec/grammar/mistake"
)

// parseClean parses a text that has no mistakes.
func parseClean(t *testing.T, text string) *File {
	t.Helper()
	f, list := Parse("a.pipe", []byte(text))
	if len(list) > 0 {
		t.Fatal(render(t, "a.pipe", text, list))
	}
	return f
}

// textOf is what a span covers.
func textOf(f *File, s diag.Span) string { return f.Text[s.Start.Offset:s.End.Offset] }

// body is the expression of `function f(a) = ...`.
func body(t *testing.T, text string) (*File, *Expr) {
	t.Helper()
	f := parseClean(t, "function f(a) = "+text)
	return f, f.Decls[0].(*Function).Body
}

// Every node of an expression knows its text, though expr places it at one token or nowhere.
func TestExprSpans(t *testing.T) {
	for text, want := range map[string][]string{
		"a + b * c":                         {"a + b * c | +", "a | a", "b * c | *", "b | b", "c | c"},
		"(a + b) * c":                       {"(a + b) * c | *", "a + b | +", "a | a", "b | b", "c | c"},
		"sum(x)":                            {"sum(x) | sum", "sum | sum", "x | x"},
		"count()":                           {"count() | count", "count | count"},
		"f(g(x), 'y')[0]":                   {"f(g(x), 'y')[0] | [", "f(g(x), 'y') | f", "f | f", "g(x) | g", "g | g", "x | x", "'y' | 'y'", "0 | 0"},
		"not (ü in [\"ä\", 5m])":            {"not (ü in [\"ä\", 5m]) | not", "ü in [\"ä\", 5m] | in", "ü | ü", "[\"ä\", 5m] | [", "\"ä\" | \"ä\"", "5m | 5m"},
		"r?.x ?? 1.50":                      {"r?.x ?? 1.50 | ??", "r?.x | x", "r?.x | x", "r | r", "x | x", "1.50 | 1.50"},
		"a ? b : (c)":                       {"a ? b : (c) | a ? b : (c)", "a | a", "b | b", "c | c"},
		"if (a) { b } else { c }":           {"if (a) { b } else { c } | if (a) { b } else { c }", "a | a", "b | b", "c | c"},
		"let x = a; x":                      {"let x = a; x | x", "a | a", "x | x"},
		"any(xs, # == 1)":                   {"any(xs, # == 1) | any", "xs | xs", "# == 1 | #", "# == 1 | ==", "# | #", "1 | 1"},
		"{a: 1}":                            {"{a: 1} | {", "a: 1 | {", "a | a", "1 | 1"},
		"x not in 1..5":                     {"x not in 1..5 | in", "x not in 1..5 | in", "x | x", "1..5 | ..", "1 | 1", "5 | 5"},
		"xs[1:2]":                           {"xs[1:2] | [", "xs | xs", "1 | 1", "2 | 2"},
		"a /* comment */ +\n  // more\n  b": {"a /* comment */ +\n  // more\n  b | +", "a | a", "b | b"},
	} {
		f, e := body(t, text)
		var got []string
		visit(e.Node, func(n ast.Node) {
			got = append(got, textOf(f, e.SpanOf(n))+" | "+textOf(f, e.PointOf(n)))
		})
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", text, got, want)
		}
	}
}

// visit calls f for n and all nodes below it, in the order of the text.
func visit(n ast.Node, f func(ast.Node)) {
	f(n)
	if p, ok := n.(*ast.PairNode); ok {
		visit(p.Key, f)
		visit(p.Value, f)
	}
	for _, child := range children(n) {
		visit(child, f)
	}
}

func TestExprLiterals(t *testing.T) {
	_, e := body(t, `[1h30m, 2d, 250ms, 7us, 3000ns, 1w, 64MB, 64MiB, 512B]`)
	want := []int64{5400e6, 2 * 86400e6, 250e3, 7, 3, 7 * 86400e6, 64e6, 64 << 20, 512}
	for i, n := range e.Node.(*ast.ArrayNode).Nodes {
		l, ok := e.Literal(n)
		if !ok || l.Value != want[i] || (l.Kind == Size) != strings.HasSuffix(l.Text, "B") {
			t.Errorf("%d: %+v, want %d", i, l, want[i])
		}
	}
	_, e = body(t, "a * 12345678901234567890.123456789")
	if got := e.NumberText(e.Node.(*ast.BinaryNode).Right); got != "12345678901234567890.123456789" {
		t.Errorf("the digits of a decimal are %s", got)
	}
	_, e = body(t, "1_000.5")
	if got := e.NumberText(e.Node); got != "1000.5" {
		t.Errorf("a number with underscores is %s", got)
	}
	for text, want := range map[string]string{
		`"a\n\t\\\"\'A"`: "a\n\t\\\"'A", `'it\'s'`: "it's", "`raw\\n`": `raw\n`, `"\"q\"\u00e4"`: `"q"ä`, `"plain"`: "plain",
	} {
		_, e := body(t, text)
		node := e.Node.(*ast.StringNode)
		if node.Value != want || e.StringAt(node).Value() != want {
			t.Errorf("%s is %q and %q, want %q", text, node.Value, e.StringAt(node).Value(), want)
		}
	}
}

// Calls are calls, whatever expr has built in; only closures are not.
func TestExprCalls(t *testing.T) {
	for _, name := range []string{"count", "sum", "len", "now", "first", "max", "int", "upper", "anything"} {
		_, e := body(t, name+"(x)")
		call, ok := e.Node.(*ast.CallNode)
		if !ok || call.Callee.(*ast.IdentifierNode).Value != name {
			t.Errorf("%s(x) is a %T", name, e.Node)
		}
	}
	_, e := body(t, "map(xs, .a + #.b)")
	if b, ok := e.Node.(*ast.BuiltinNode); !ok || b.Name != "map" {
		t.Errorf("map is a %T", e.Node)
	}
	if _, e := body(t, "null"); e.Node.(*ast.IdentifierNode).Value != "null" || e.Word() != "" {
		t.Error("null is no identifier, or a word")
	}
	if _, e := body(t, "word"); e.Word() != "word" || e.Text != "word" {
		t.Errorf("%q, %q", e.Word(), e.Text)
	}
	if _, e := body(t, "a+b   *\n c // x"); e.Text != "a+b * c" {
		t.Errorf("the text of an expression is %q", e.Text)
	}
}

func TestParts(t *testing.T) {
	f := parseClean(t, `param x: string = "é${region}-$$5-${ env.HOME }${here}\n"`)
	e := f.Decls[0].(*Param).Default
	var got []string
	for _, p := range e.StringAt(e.Node).Parts(nil) {
		if p.Ref == nil {
			got = append(got, fmt.Sprintf("%q", p.Text))
			continue
		}
		got = append(got, strings.Join(p.Ref, ".")+"@"+textOf(f, p.Span))
	}
	want := []string{`"é"`, "region@region", `"-$5-"`, "env.HOME@env.HOME", "here@here", `"\n"`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if parts := (&String{Source: "`${x}`"}).Parts(nil); len(parts) != 1 || parts[0].Text != "${x}" {
		t.Errorf("a raw string has the parts %v", parts)
	}
}

func TestDocs(t *testing.T) {
	f := parseClean(t, `/// The file.
/// Two lines.

/// A type.
type T {
  /// A column.
  a: int
  b: int
}

/// Not a type.

process p(x) {
  /// A state.
  state n: int = 0
}
`)
	if f.Doc != "The file.\nTwo lines." {
		t.Errorf("file: %q", f.Doc)
	}
	typ := f.Decls[0].(*TypeDecl)
	if typ.Doc != "A type." || typ.Record.Fields[0].Doc != "A column." || typ.Record.Fields[1].Doc != "" {
		t.Errorf("type: %q, %q, %q", typ.Doc, typ.Record.Fields[0].Doc, typ.Record.Fields[1].Doc)
	}
	p := f.Decls[1].(*Process)
	if p.Doc != "" || p.Members[0].(*StateDecl).Doc != "A state." {
		t.Errorf("process: %q, %q", p.Doc, p.Members[0].(*StateDecl).Doc)
	}
	if f := parseClean(t, "/// A param.\nparam x: int"); f.Doc != "" || f.Decls[0].DeclHead().Doc != "A param." {
		t.Errorf("a first group above a declaration: %q, %q", f.Doc, f.Decls[0].DeclHead().Doc)
	}
}

func TestBody(t *testing.T) {
	f := parseClean(t, `source a from kafka {
  topic = "x"
  format json { unknown = error }
  poll every 1h
  cache { rows = 5 }
  schema { id: int from "ID" = 1 }
  watermark at - 1m idle 5m ahead 1h as future
  key id, other
  errors as bad
  topic = "y"
}
from a |> where x errors as e with { id = "w" }`)
	b := f.Decls[0].(*Source).Body
	if b.Setting("topic").Value.Text != `"x"` || len(b.Named("topic")) != 2 || b.Choice("format").Word.Text != "json" ||
		b.Rhythm("poll").Every.Text != "1h" || b.Group("cache").Body.Setting("rows") == nil || b.Schema().Record.Fields[0].From.Value() != "ID" ||
		b.Watermark().AheadAs.Text != "future" || len(b.Key().Columns) != 2 || b.ErrorsAs().Name.Text != "bad" || b.Broken() {
		t.Errorf("facts are not found: %+v", b)
	}
	if b.Setting("format") != nil || (*Body)(nil).Setting("x") != nil || (*Body)(nil).Broken() || (*Body)(nil).Named("x") != nil {
		t.Error("facts are found that are not there")
	}
	s := f.Decls[1].(*Pipeline).Stages[0]
	if s.Op.Verb() != "where" || s.Errors.Text != "e" || s.With.Setting("id") == nil || textOf(f, s.Op.Keyword()) != "where" {
		t.Errorf("stage: %+v", s)
	}
}

// What could not be read stays in the tree as a ghost, so that nothing is said about what refers to it.
func TestGhosts(t *testing.T) {
	f, _ := Parse("a.pipe", []byte(`source a from kafka {
  schema {
    id: int

table b kafka from { }
sorce c from kafka { key id }
stream d = from x
  |> where y > > 1
  |> frobnicate 1 2
  |> into z
param e
sink g into kafka {
  ??
  topic = "x"
}
`))
	var got []string
	for _, d := range f.Decls {
		got = append(got, fmt.Sprintf("%T %s %v", d, d.DeclName(), d.DeclHead().Broken))
	}
	want := []string{"*grammar.Source a true", "*grammar.Source b true", "*grammar.Source c false", "*grammar.Stream d false", "*grammar.Param e true",
		"*grammar.Sink g false"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	stages := f.Decls[3].(*Stream).Pipeline.Stages
	if where := stages[0].Op.(*Where); !where.Cond.Broken || where.Cond.Node != nil {
		t.Error("the broken condition is not marked")
	}
	if _, ok := stages[1].Op.(*BrokenStage); !ok || len(stages) != 3 {
		t.Errorf("the broken stage is a %T", stages[1].Op)
	}
	if sink := f.Decls[5].(*Sink).Body; !sink.Broken() || sink.Setting("topic") == nil {
		t.Errorf("the body with a broken fact: %+v", sink)
	}
}

func TestEncodings(t *testing.T) {
	text := "from stdin\r\n  |> where line == \"é\"\r\n  |> into out\r\n"
	f := parseClean(t, "\uFEFF"+text)
	if span := f.Decls[0].Keyword(); span.Start != (diag.Pos{Offset: 3, Line: 1, Column: 1}) {
		t.Errorf("behind a byte order mark the file starts at %v", span.Start)
	}
	for _, input := range []string{text, "\uFEFF" + text} {
		if out := formatClean(t, "a.pipe", []byte(input)); string(out) != strings.ReplaceAll(text, "\r", "") {
			t.Errorf("formatted as %q", out)
		}
	}
	for _, empty := range []string{"", "\n\n", "// only this\n", "\uFEFF"} {
		if f := parseClean(t, empty); len(f.Decls) != 0 {
			t.Errorf("%q has declarations", empty)
		}
	}
}

// One participle parser serves all goroutines.
func TestParallel(t *testing.T) {
	text := read(t, "testdata/examples/10_everything.pipe")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if f, list := Parse("x.pipe", text); len(list) > 0 || len(f.Decls) < 10 {
				t.Errorf("%d declarations, %d diagnostics", len(f.Decls), len(list))
			}
		})
	}
	group.Wait()
}

func TestSuggestStage(t *testing.T) {
	for word, want := range map[string]string{"filter": "where", "FILTER": "where", "group": "key by", "derve": "derive", "my_pip": "my_pipe", "zzz": ""} {
		if got, help := SuggestStage(word, "my_pipe"); got != want || (got == "") != (help != "") {
			t.Errorf("%s: %q, %q", word, got, help)
		}
	}
}

// TestVerbs holds that the mistakes of a stage are recognised by its verb: a stage whose verb package mistake does not know would never be suggested.
func TestVerbs(t *testing.T) {
	for _, s := range stages {
		switch s.(type) {
		case *BrokenStage, *Call:
			continue
		}
		if word, _, _ := strings.Cut(s.Verb(), " "); !mistake.IsVerb(word) {
			t.Errorf("%T begins with %q, which is missing in the verbs of package mistake", s, word)
		}
	}
}
