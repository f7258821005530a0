package spec

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"pipec/compiler/plan"
)

// The chapters are executed block by block. The first word of a fence says what its block is:
//
//	pipe                   a program; what validate says about it (nothing, or warnings) is the text block behind it
//	pipe fail              a program with mistakes; the diagnostics are the text block behind it
//	pipe plan              a program; its plan is the text block behind it
//	pipe run               a program; `input NAME` blocks are its files (stdin is one), `output SINK` blocks what it must give, `output error` why it fails
//	pipe import NAME       a file that later programs of the chapter may import
//	... part NAME          behind any of these: the block is put where the prelude of that name has a line `...`, or in front of it
//	sh console json ebnf   illustrations, as blocks without a word are (the command line's tests run what stands in console blocks)
//
// A prelude is a comment: <!-- prelude NAME, the text, --> . A table that is written from the catalogues stands between <!-- table NAME --> and <!-- end -->.

// chapter is one markdown file.
type chapter struct {
	file     string
	lines    []string
	blocks   []*block
	preludes map[string]string
	tables   []*block // their bodies
	imports  []txtar.File
	edits    []edit // from PIPEC_UPDATE
}

// block is one fenced block: its body is lines[from:to] of the chapter.
type block struct {
	words    []string
	from, to int
	text     string
}

// edit replaces lines[from:to].
type edit struct {
	from, to int
	lines    []string
}

func TestProse(t *testing.T) {
	files, err := filepath.Glob("*.md")
	if err != nil || len(files) < 2 {
		t.Fatalf("no chapters: %v", err)
	}
	for _, file := range append(files, "../README.md", "../ARCHITECTURE.md") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".md"), func(t *testing.T) {
			ch := readChapter(t, file)
			for _, b := range ch.tables {
				ch.table(t, b)
			}
			for i := 0; i < len(ch.blocks); {
				i = ch.execute(t, i)
			}
			ch.rewrite(t)
		})
	}
}

func readChapter(t *testing.T, file string) *chapter {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ch := &chapter{file: file, lines: strings.Split(string(data), "\n"), preludes: map[string]string{}}
	for i := 0; i < len(ch.lines); i++ {
		line := ch.lines[i]
		switch {
		case strings.HasPrefix(line, "```"):
			b := ch.until(t, i, "```")
			b.words = strings.Fields(strings.TrimPrefix(line, "```"))
			ch.blocks = append(ch.blocks, b)
			i = b.to
		case strings.HasPrefix(line, "<!-- prelude "):
			b := ch.until(t, i, "-->")
			ch.preludes[strings.TrimPrefix(line, "<!-- prelude ")] = b.text
			i = b.to
		case strings.HasPrefix(line, "<!-- table "):
			b := ch.until(t, i, "<!-- end -->")
			b.words = strings.Fields(line)
			ch.tables = append(ch.tables, b)
			i = b.to
		}
	}
	return ch
}

// until is the body that begins behind line i and ends in front of a line that is end.
func (ch *chapter) until(t *testing.T, i int, end string) *block {
	t.Helper()
	for to := i + 1; to < len(ch.lines); to++ {
		if ch.lines[to] == end {
			return &block{from: i + 1, to: to, text: strings.Join(ch.lines[i+1:to], "\n") + "\n"}
		}
	}
	t.Fatalf("%s:%d: nothing closes this: %s", ch.file, i+1, end)
	return nil
}

// is says whether block i exists and has this first word.
func (ch *chapter) is(i int, word string) bool {
	return i < len(ch.blocks) && len(ch.blocks[i].words) > 0 && ch.blocks[i].words[0] == word
}

// execute does what block i says and gives the next one that has not been looked at.
func (ch *chapter) execute(t *testing.T, i int) int {
	t.Helper()
	b := ch.blocks[i]
	word := ""
	if len(b.words) > 0 {
		word = b.words[0]
	}
	switch word {
	case "", "sh", "console", "json", "ebnf":
	case "pipe":
		return ch.program(t, i)
	case "text", "input", "output":
		t.Errorf("%s:%d: this %s block belongs to no program", ch.file, b.from, word)
	default:
		t.Errorf("%s:%d: unknown kind of block %q", ch.file, b.from, word)
	}
	return i + 1
}

// program executes a pipe block with the blocks behind it that belong to it.
func (ch *chapter) program(t *testing.T, i int) int {
	t.Helper()
	b := ch.blocks[i]
	words := b.words[1:]
	text, before := b.text, 0
	if at := slices.Index(words, "part"); at >= 0 && at+2 == len(words) {
		text, before = ch.part(t, b, words[at+1])
		words = words[:at]
	}
	next := i + 1
	for ch.is(next, "text") || ch.is(next, "input") || ch.is(next, "output") { // also if it fails before it has looked at them
		next++
	}
	t.Run("line "+strconv.Itoa(b.from), func(t *testing.T) {
		switch strings.Join(words, " ") {
		case "":
			next = ch.said(t, i, text, before, false)
		case "fail":
			next = ch.said(t, i, text, before, true)
		case "plan":
			next = ch.plan(t, i, text)
		case "run":
			next = ch.run(t, i, text)
		default:
			if len(words) == 2 && words[0] == "import" {
				ch.imports = append(ch.imports, txtar.File{Name: words[1], Data: []byte(text)})
			} else {
				t.Errorf("unknown kind of program: %s", strings.Join(b.words, " "))
			}
			next = i + 1
		}
	})
	return next
}

// part is a fragment within its prelude, and how long what stands before it is.
func (ch *chapter) part(t *testing.T, b *block, name string) (text string, before int) {
	t.Helper()
	prelude, ok := ch.preludes[name]
	if !ok {
		t.Fatalf("%s:%d: there is no prelude %q in this chapter", ch.file, b.from, name)
	}
	head, tail, marked := strings.Cut("\n"+prelude, "\n...\n")
	if !marked {
		return b.text + "\n" + prelude, 0
	}
	head = strings.TrimPrefix(head, "\n") + "\n"
	return head + b.text + tail, len(head)
}

func (ch *chapter) archive(text string) *txtar.Archive {
	return &txtar.Archive{Files: append([]txtar.File{{Name: program, Data: []byte(text)}}, ch.imports...)}
}

// said checks what validate says about a program.
func (ch *chapter) said(t *testing.T, i int, text string, before int, fails bool) int {
	t.Helper()
	r := diagnose(ch.archive(text))
	if fails != r.List.HasErrors() {
		t.Fatalf("it fails: %v, want %v\n%s", !fails, fails, rendered(r, 0))
	}
	if len(r.List) == 0 {
		return i + 1
	}
	return ch.golden(t, i, "text", rendered(r, before))
}

func (ch *chapter) plan(t *testing.T, i int, text string) int {
	t.Helper()
	r := diagnose(ch.archive(text))
	if r.Plan == nil {
		t.Fatalf("it is not valid:\n%s", rendered(r, 0))
	}
	var b strings.Builder
	if err := plan.Explain(&b, r.Plan); err != nil {
		t.Fatal(err)
	}
	return ch.golden(t, i, "text", b.String())
}

// run runs a program on its inputs: straight, and with the power cut after checkpoints.
func (ch *chapter) run(t *testing.T, i int, text string) int {
	t.Helper()
	if !strings.Contains("\n"+text, "\njob ") {
		text += "\njob prose {}\n"
	}
	c := &testCase{name: t.Name(), arch: ch.archive(text)}
	first, next := i+1, i+1
	for ; ch.is(next, "input"); next++ {
		b := ch.blocks[next]
		c.arch.Files = append(c.arch.Files, txtar.File{Name: b.words[1], Data: []byte(b.text)})
	}
	outputs := next
	for ; ch.is(next, "output"); next++ {
		b := ch.blocks[next]
		c.arch.Files = append(c.arch.Files, txtar.File{Name: "want/" + b.words[1], Data: []byte(b.text)})
	}
	c.fails = strings.TrimSpace(c.text("want/error"))
	if next == outputs && !updating() {
		t.Errorf("nothing says what comes out: an output block must follow")
		return next
	}
	ways := modes(true)
	if testing.Short() {
		ways = ways[:1]
	}
	for n, m := range ways {
		got := c.run(t, m)
		if n == 0 && updating() && c.fails == "" {
			ch.outputs(ch.blocks[outputs:next], ch.blocks[max(first, outputs)-1], got)
			return next
		}
		c.compare(t, got)
	}
	return next
}

// outputs rewrites the output blocks, or makes them behind the last input.
func (ch *chapter) outputs(blocks []*block, last *block, got map[string][]string) {
	missing := map[string]bool{}
	for sink := range got {
		missing[sink] = true
	}
	for _, b := range blocks {
		ch.edits = append(ch.edits, edit{b.from, b.to, got[b.words[1]]})
		delete(missing, b.words[1])
		last = b
	}
	for sink := range missing {
		fence := append([]string{"", "```output " + sink}, append(got[sink], "```")...)
		ch.edits = append(ch.edits, edit{last.to + 1, last.to + 1, fence})
	}
}

// golden compares the block behind block i, which has the given word.
func (ch *chapter) golden(t *testing.T, i int, word, got string) int {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	if !ch.is(i+1, word) {
		if !updating() {
			t.Errorf("a %s block must follow:\n%s", word, got)
			return i + 1
		}
		b := ch.blocks[i]
		ch.edits = append(ch.edits, edit{b.to + 1, b.to + 1, append([]string{"", "```" + word}, append(lines, "```")...)})
		return i + 1
	}
	ch.compare(t, ch.blocks[i+1], lines)
	return i + 2
}

// table compares a table that is made from a catalogue.
func (ch *chapter) table(t *testing.T, b *block) {
	t.Helper()
	name := strings.Join(b.words[2:len(b.words)-1], " ")
	make, ok := tables[name]
	if !ok {
		t.Fatalf("%s:%d: there is no table %q", ch.file, b.from, name)
	}
	ch.compare(t, b, append([]string{""}, append(make(), "")...))
}

func (ch *chapter) compare(t *testing.T, b *block, got []string) {
	t.Helper()
	if updating() {
		ch.edits = append(ch.edits, edit{b.from, b.to, got})
	} else if diff := cmp.Diff(ch.lines[b.from:b.to], got); diff != "" {
		t.Errorf("%s:%d (-want +got):\n%s", ch.file, b.from, diff)
	}
}

// rewrite applies the edits, the last first.
func (ch *chapter) rewrite(t *testing.T) {
	t.Helper()
	slices.SortStableFunc(ch.edits, func(a, b edit) int { return b.from - a.from })
	lines := ch.lines
	for _, e := range ch.edits {
		lines = slices.Concat(lines[:e.from], e.lines, lines[e.to:])
	}
	if len(ch.edits) == 0 || slices.Equal(lines, ch.lines) {
		return
	}
	if err := os.WriteFile(ch.file, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}
