package diag

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// at is the span of the first occurrence of word in text.
func at(text, word string) Span {
	from := strings.Index(text, word)
	start := place(text, from)
	return Span{File: "a.pipe", Start: start, End: place(text, from+len(word))}
}

func place(text string, offset int) Pos {
	before := text[:offset]
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return Pos{Offset: int32(offset), Line: int32(strings.Count(before, "\n") + 1), Column: int32(len([]rune(line)) + 1)}
}

func TestRender(t *testing.T) {
	text := "first\n\tsecond = 日本 + é́x\nthird " + strings.Repeat("x", 300) + " end\nlast\x1b[31m\r\n" + strings.Repeat("\n", 6) + "eleven"
	var list List
	list.Errorf("P110", at(text, "="), "`%s` names", "=").With("did you mean `==`?").WithHelp("first help, 100%").WithHelp("second help")
	list.Warnf("S424", at(text, "+"), "a wide line")
	list.Hintf("S432", at(text, "x\nthird"), "to the end of its line").WithRelated(at(text, "first"), "the first is here")
	list.Errorf("P101", at(text, "end"), "a long line")
	list.Errorf("P102", at(text, "\x1b"), "quotes \x1b[31m")
	list.Errorf("P103", at(text, "eleven").After(), "behind the end").With("here").WithFix(at(text, "eleven"), "x")
	list.Errorf("P105", Span{}, "nowhere")
	list.Errorf("P106", Span{File: "b.pipe", Start: Pos{0, 1, 1}, End: Pos{1, 1, 2}}, "a file without text").With("not shown")
	var b bytes.Buffer
	if err := Render(&b, list, Sources{"a.pipe": text}, false); err != nil {
		t.Fatal(err)
	}
	compare(t, "testdata/render.txt", b.String())
	b.Reset()
	if err := Render(&b, list[:3], Sources{"a.pipe": text}, true); err != nil {
		t.Fatal(err)
	}
	compare(t, "testdata/render_color.txt", strings.ReplaceAll(b.String(), "\x1b", "ESC"))
}

func compare(t *testing.T, path, got string) {
	t.Helper()
	if os.Getenv("PIPEC_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"derive", "where", "from", "fixed_delay", "exactly_once", "at_least_once", "paid", "id", "at", "größe"}
	for name, want := range map[string]string{
		"derve": "derive", "form": "from", "WHERE": "where", "exactly_one": "exactly_once", "payed": "paid", "fixed": "", "xyz": "", "": "",
		"fixed_dely": "fixed_delay", "gröse": "größe", "where": "", "wehre": "where", "ta": "at",
		"fro": "from", "fort": "", "ids": "id", "pait": "", "ID": "id",
	} {
		if got := Nearest(name, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
	if got := Nearest("abcde", []string{"abcdg", "abcdf"}); got != "abcdf" {
		t.Errorf("of equally near words %q, want the first of the alphabet", got)
	}
}

func TestListed(t *testing.T) {
	words := []string{"c", "a", "b"}
	if got := Listed(words); got != "a, b, c" || words[0] != "c" {
		t.Errorf("%q, and the words are now %q", got, words)
	}
}

func TestSort(t *testing.T) {
	var list List
	span := func(file string, offset int32) Span { return Span{File: file, Start: Pos{Offset: offset, Line: 1}} }
	list.Errorf("B", span("b", 1), "last")
	list.Warnf("A", span("a", 5), "a warning behind an error of the same place")
	list.Errorf("C", span("a", 5), "twice")
	list.Errorf("C", span("a", 5), "twice")
	list.Errorf("C", span("a", 5), "once")
	list.Errorf("D", span("a", 2), "first")
	list.Sort()
	var got []string
	for _, d := range list {
		got = append(got, d.Code+" "+d.Message)
	}
	want := []string{"D first", "C once", "C twice", "A a warning behind an error of the same place", "B last"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q", got)
	}
	if !list.HasErrors() || (List{list[3]}).HasErrors() {
		t.Error("a warning is no error, and the others are")
	}
}

func TestJSON(t *testing.T) {
	d := New(Hint, "S1", Span{"a", Pos{3, 1, 4}, Pos{5, 1, 6}}, "100%% of %s", "x").With("l").WithHelp("h").WithFix(Span{File: "a"}, "y")
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"code":"S1","severity":"hint","message":"100% of x","span":{"file":"a","start":{"offset":3,"line":1,"column":4},` +
		`"end":{"offset":5,"line":1,"column":6}},"label":"l","help":["h"],"fix":{"span":{"file":"a","start":{"offset":0,"line":0,"column":0},` +
		`"end":{"offset":0,"line":0,"column":0}},"text":"y"}}`
	if string(text) != want {
		t.Errorf("got %s", text)
	}
	var back Diagnostic
	if err := json.Unmarshal(text, &back); err != nil || back.Severity != Hint || back.Error() != d.Error() {
		t.Errorf("read back as %v, %v", &back, err)
	}
	if err := new(Severity).UnmarshalText([]byte("fatal")); err == nil {
		t.Error("an unknown severity was read")
	}
}
