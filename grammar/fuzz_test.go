package grammar

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
	"pipec/grammar/mistake"
	"pipec/grammar/token"
)

// checkPlaces holds every span of a parse to its file: inside, in order, with the line and column of its offset.
func checkPlaces(t testing.TB, f *File, list diag.List) {
	t.Helper()
	check := func(what string, s diag.Span) {
		t.Helper()
		if err := checkSpan(f.Text, s); err != nil {
			t.Fatalf("%s: %v at %v in\n%s", what, err, s, f.Text)
		}
	}
	for _, d := range list {
		check(d.Code+" "+d.Message, d.Span)
		if d.Fix != nil {
			check(d.Code+" fix", d.Fix.Span)
		}
		for _, r := range d.Related {
			check(d.Code+" related", r.Span)
		}
	}
	for _, d := range f.Decls {
		walkPlaces(reflect.ValueOf(d), func(p *Place) { check(fmt.Sprintf("%T", d), p.Span()) })
	}
}

func checkSpan(text string, s diag.Span) error {
	from, to := int(s.Start.Offset), int(s.End.Offset)
	if from < 0 || to < from || to > len(text) {
		return fmt.Errorf("offsets %d..%d are not in 0..%d", from, to, len(text))
	}
	for _, p := range []diag.Pos{s.Start, s.End} {
		before := text[:p.Offset]
		line := strings.Count(before, "\n") + 1
		column := utf8.RuneCountInString(strings.TrimPrefix(before[strings.LastIndexByte(before, '\n')+1:], "\uFEFF")) + 1
		if int(p.Line) != line || int(p.Column) != column {
			return fmt.Errorf("offset %d is %d:%d, not %d:%d", p.Offset, line, column, p.Line, p.Column)
		}
	}
	return nil
}

// walkPlaces visits the places of all nodes below v that have tokens.
func walkPlaces(v reflect.Value, visit func(*Place)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return
		}
		if e, ok := v.Interface().(*Expr); ok {
			visit(&e.Place)
			return
		}
		walkPlaces(v.Elem(), visit)
	case reflect.Slice:
		for i := range v.Len() {
			walkPlaces(v.Index(i), visit)
		}
	case reflect.Struct:
		if p, ok := v.Addr().Interface().(*Place); ok {
			if len(p.Tokens) > 0 {
				visit(p)
			}
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				walkPlaces(v.Field(i), visit)
			}
		}
	}
}

// sameMeaning says how a formatted text differs from the one before: its tokens but for commas and spellings, its comments, or because
// formatting again changes it.
func sameMeaning(file string, text, out []byte) error {
	again, list := Format(file, out)
	if list.HasErrors() {
		return fmt.Errorf("the formatted text has a mistake: %v", list[0])
	}
	if string(again) != string(out) {
		return fmt.Errorf("formatting again gives\n%s", again)
	}
	before, after := meaning(file, text), meaning(file, out)
	if !slices.Equal(before, after) {
		return fmt.Errorf("the tokens have changed: %q", difference(before, after))
	}
	return nil
}

// meaning is the text of all tokens that count, in their canonical spelling.
func meaning(file string, text []byte) []string {
	tokens, _ := token.Scan(file, strings.ReplaceAll(string(text), "\r\n", "\n"))
	var out []string
	for _, t := range tokens {
		switch {
		case token.IsComment(t):
			out = append(out, strings.TrimRight(t.Value, " \t\r"))
		case t.Value != ",":
			out = append(out, canonical(t))
		}
	}
	return out
}

func difference(a, b []string) []string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return []string{a[i], b[i]}
		}
	}
	return []string{fmt.Sprint(len(a)), fmt.Sprint(len(b))}
}

// checkText is what holds for every text whatever.
func checkText(t testing.TB, text []byte) diag.List {
	t.Helper()
	f, list := Parse("fuzz.pipe", text)
	checkPlaces(t, f, list)
	if _, again := Parse("fuzz.pipe", text); len(again) != len(list) {
		t.Fatalf("parsing again finds %d mistakes, not %d", len(again), len(list))
	}
	render(t, "fuzz.pipe", f.Text, list)
	if !list.HasErrors() {
		formatClean(t, "fuzz.pipe", text)
	}
	return list
}

// corpus is all texts that the tests know, good and bad.
func corpus(t testing.TB) [][]byte {
	var all [][]byte
	for _, path := range files(t, "testdata/examples/*.pipe") {
		all = append(all, read(t, path))
	}
	for _, pattern := range []string{"testdata/mistakes/*.txtar", "testdata/format/*.txtar"} {
		for _, path := range files(t, pattern) {
			all = append(all, []byte(readArchive(t, path)[0].text))
		}
	}
	return all
}

func FuzzParse(f *testing.F) {
	for _, text := range corpus(f) {
		f.Add(text, uint64(0))
		f.Add(text, uint64(7))
	}
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		if len(text) > 64<<10 {
			return
		}
		if seed > 0 { // mutate tokens, which bytes alone do not reach
			text = mutate(rand.New(rand.NewPCG(seed, 1)), text, corpusTokens(t))
		}
		checkText(t, text)
	})
}

// corpusTokens are the tokens of the examples, to be put where they do not belong.
func corpusTokens(t testing.TB) []lexer.Token {
	var all []lexer.Token
	for _, path := range files(t, "testdata/examples/*.pipe") {
		tokens, _ := token.Scan(path, string(read(t, path)))
		all = append(all, tokens...)
	}
	return all
}

// mutate breaks a text in one place: a token is deleted, doubled, replaced or swapped, or the file is cut.
func mutate(random *rand.Rand, text []byte, others []lexer.Token) []byte {
	tokens, _ := token.Scan("mutant.pipe", string(text))
	if len(tokens) == 0 {
		return text
	}
	t := tokens[random.IntN(len(tokens))]
	from, to := t.Pos.Offset, t.Pos.Offset+len(t.Value)
	other := others[random.IntN(len(others))].Value
	switch random.IntN(6) {
	case 0:
		return slices.Concat(text[:from], text[to:])
	case 1:
		return slices.Concat(text[:to], []byte(" "), text[from:])
	case 2:
		return slices.Concat(text[:from], []byte(other), text[to:])
	case 3:
		return slices.Concat(text[:from], []byte(other+" "), text[from:])
	case 4:
		return slices.Clone(text[:to])
	}
	at := random.IntN(len(text))
	const marks = "{}()[]\"'`$|,=<>.?\n\\/*#\xff"
	return slices.Concat(text[:at], []byte{marks[random.IntN(len(marks))]}, text[at:])
}

// One change to a good file gives few diagnostics: recovery must not make consequences of its own.
func TestMutants(t *testing.T) {
	random := rand.New(rand.NewPCG(20260101, 42))
	others := corpusTokens(t)
	var examples [][]byte
	for _, path := range files(t, "testdata/examples/*.pipe") {
		examples = append(examples, read(t, path))
	}
	const mutants = 2000
	many, broken := 0, 0
	for range mutants {
		list := checkText(t, mutate(random, examples[random.IntN(len(examples))], others))
		if len(list) > 0 {
			broken++
		}
		if len(list) > 2 {
			many++
		}
	}
	if broken < mutants/2 {
		t.Errorf("only %d of %d mutants are broken: the mutations are too tame", broken, mutants)
	}
	if percent := 100 * many / broken; percent > 1 {
		t.Errorf("%d of %d broken mutants (%d %%) give more than two diagnostics", many, broken, percent)
	}
	t.Logf("%d of %d broken; %d give more than two diagnostics", broken, mutants, many)
}

// Nesting without end is a mistake like any other, not the end of the process.
func TestNesting(t *testing.T) {
	const deep = 50_000
	for _, text := range []string{
		"function f(a) = " + strings.Repeat("(", deep) + "a" + strings.Repeat(")", deep),
		"function f(a) = " + strings.Repeat("- ", deep) + "a",
		"function f(a) = " + strings.Repeat("not ", deep) + "a",
		"function f(a) = a" + strings.Repeat(" ** a", deep),
		"function f(a) = a" + strings.Repeat(" ? a : a", deep),
		"function f(a) = " + strings.Repeat("if a { a } else ", deep) + "{ a }",
		"function f(a) = " + strings.Repeat("let a = 1; ", deep) + "a",
		"function f(a) = " + strings.Repeat("f(", deep),
		"function f(a) = a" + strings.Repeat(".a", deep),
		"type T = " + strings.Repeat("list<", deep) + "int" + strings.Repeat(">", deep),
		"type T " + strings.Repeat("{ a: ", deep) + "int" + strings.Repeat("}", deep),
		"job " + strings.Repeat("{ a ", deep) + strings.Repeat("}", deep),
		"process p(x) { on event " + strings.Repeat("{ if a ", deep) + strings.Repeat("}", deep) + "}",
		"job { " + strings.Repeat("a = 1, ", deep) + "}",
	} {
		f, list := Parse("deep.pipe", []byte(text))
		checkSpans(t, f, list)
		if !list.HasErrors() && !strings.HasPrefix(text, "job { a =") {
			t.Errorf("%.40s...: no error", text)
		}
		if len(list) > 3 {
			t.Errorf("%.40s...: %d diagnostics", text, len(list))
		}
	}
}

// checkSpans is checkPlaces for the diagnostics alone.
func checkSpans(t *testing.T, f *File, list diag.List) {
	t.Helper()
	for _, d := range list {
		if err := checkSpan(f.Text, d.Span); err != nil {
			t.Fatal(err)
		}
	}
}

// A mistake in one place must not silence another: the outline finds the smallest part around each.
func TestOutline(t *testing.T) {
	text := "from a\n  |> split {\n       x when f(1, 2)\n       y otherwise\n     }\n  |> into b"
	tokens, _ := token.Scan("x.pipe", text)
	o := mistake.NewOutline(tokens)
	at := slices.IndexFunc(tokens, func(t lexer.Token) bool { return t.Value == "2" })
	from, to := o.Item(at, o.Brace(at, 0))
	if got := join(tokens[from:to]); got != "x when f ( 1 , 2 )" {
		t.Errorf("item: %s", got)
	}
	from, to, ok := o.Stage(at)
	if got := join(tokens[from:to]); !ok || !strings.HasPrefix(got, "split {") || !strings.HasSuffix(got, "otherwise }") {
		t.Errorf("stage: %s", got)
	}
}

func join(tokens []lexer.Token) string {
	var words []string
	for _, t := range tokens {
		words = append(words, t.Value)
	}
	return strings.Join(words, " ")
}

// However a good file is broken into lines and commented, formatting keeps its meaning, every comment, and is done after one pass.
func TestLayouts(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	between := []string{" ", "\n      ", "\n               ", " /* c */ ", " // c\n        ", "\n\n\n    // c\n    ", "  "}
	clean, all := 0, 0
	for _, path := range files(t, "testdata/examples/*.pipe") {
		text := read(t, path)
		tokens, _ := token.Scan(path, string(text))
		for range 25 {
			var b strings.Builder
			end := 0
			for _, tok := range tokens {
				b.Write(text[end:tok.Pos.Offset])
				if random.IntN(25) == 0 && tok.Pos.Column > 1 && !token.IsComment(tok) {
					b.WriteString(between[random.IntN(len(between))])
				}
				end = tok.Pos.Offset + len(tok.Value)
				b.WriteString(tok.Value)
			}
			b.Write(text[end:])
			all++
			if _, list := Parse(path, []byte(b.String())); len(list) == 0 {
				clean++
				formatClean(t, path, []byte(b.String()))
			}
		}
	}
	if clean < all*9/10 {
		t.Errorf("only %d of %d layouts are read: line breaks mean too much", clean, all)
	}
	t.Logf("%d of %d layouts are read", clean, all)
}
