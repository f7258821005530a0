package screen

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"pipec/checkpoint/event"
	"pipec/vm/status"
	"pipec/vm/value"
)

// golden compares lines with a file of testdata; no line may be wider than the window.
func golden(t *testing.T, name string, lines []Line, width, height int) {
	t.Helper()
	var b strings.Builder
	for _, l := range lines {
		if wide(l.Text) > width {
			t.Errorf("%s: %d columns of %d: %q", name, wide(l.Text), width, l.Text)
		}
		b.WriteString([]string{"  ", "b ", "d "}[l.Style] + l.Text + "\n")
	}
	if len(lines) > height {
		t.Errorf("%s: %d lines of %d", name, len(lines), height)
	}
	file := filepath.Join("testdata", name+".txt")
	if os.Getenv("PIPEC_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("%s: %s", name, d)
	}
	seen[filepath.Base(file)] = true
}

var seen = map[string]bool{}

func TestMain(m *testing.M) {
	code := m.Run()
	files, _ := filepath.Glob("testdata/*.txt")
	for _, f := range files {
		if len(seen) > 0 && !seen[filepath.Base(f)] && flagless() {
			fmt.Println("orphaned golden", f)
			code = 1
		}
	}
	os.Exit(code)
}

// flagless says whether all tests ran.
func flagless() bool {
	for _, a := range os.Args[1:] {
		if strings.HasPrefix(a, "-test.run") || strings.HasPrefix(a, "-test.bench") {
			return false
		}
	}
	return true
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(micros time.Duration) status.Mark { return status.Mark(start.Add(micros).UnixMicro()) }

// flights is a report in the middle of a run.
func flights() status.Job {
	s := status.Job{Job: "flights", Run: "20260101T000000.000Zabcd", Epoch: 3, Program: "0123456789abcdef", Host: "box", Process: 4711, Engine: "1.0", Time: start.Add(83 * time.Second),
		Started: start, State: event.Running, Since: start.Add(time.Second), Parallelism: 2, Backend: "badger", Restart: "fixed_delay { attempts = 3, delay = 1s }", Restarts: 1,
		Cause: "days/aggregate/1: row of days/aggregate/1\nmore", Watermark: at(-4 * time.Hour), HeldBack: &status.Holder{Source: "flights/source/1", Split: "data/02.csv", Why: "waiting", Watermark: status.Mark(value.NoTime)}}
	s.Checkpoints = status.Checkpoints{IntervalMS: 1000, Storage: "/var/pipec", Completed: 71, Failed: 2, Consecutive: 1,
		Last:        &status.Checkpoint{ID: 72, Path: "/var/pipec/flights/20260101T000000.000Zabcd/chk-72", Time: start.Add(81 * time.Second), AgeMS: 2100, DurationMS: 18, Bytes: 34_000, FullBytes: 1_250_000},
		LastFailure: &status.Failure{ID: 73, Time: start.Add(82 * time.Second), Reason: "expired", Text: "not complete after 10ms"},
		Pending:     &status.Pending{ID: 74, Kind: "periodic", ForMS: 812, Tasks: 6, Acked: 4}}
	s.Restored = &status.Restored{From: "/var/pipec/flights/20260101T000000.000Zabcd/chk-40", Kind: "checkpoint", ID: 40, Bytes: 999_000, DurationMS: 41}
	for i, id := range []string{"flights/source/1", "days/key_by/1", "days/aggregate/1", "totals/key_by/1", "totals/aggregate/1", "days_file/sink/1", "late_file/sink/1", "totals_file/sink/1", "stdout/sink/1"} {
		st := status.Stage{ID: id, Kind: strings.Split(id, "/")[1], Tasks: 2, RowsIn: int64(12_345_678 / (i + 1)), RowsOut: int64(12_345_678 / (i + 2)), Timed: !strings.HasPrefix(id, "totals"), Watermark: at(-4 * time.Hour)}
		s.Stages = append(s.Stages, st)
	}
	s.Stages[0].Splits = &status.Splits{Total: 4, Reading: 1, Waiting: 1, Idle: 1, Ended: 1, Behind: "data/02.csv", BehindWaits: true}
	s.Stages[0].Bytes, s.Stages[0].Held, s.Stages[2].Late = 123_456_789, 1, 10_666
	return s
}

func rates(s status.Job) map[string]float64 {
	all := map[string]float64{}
	for i, st := range s.Stages {
		all[st.ID] = 154_321 / float64(1+i)
	}
	return all
}

var sizes = [][2]int{{39, 11}, {79, 23}, {199, 49}, {20, 3}, {79, 4}}

func TestBlock(t *testing.T) {
	restarting := flights()
	restarting.State, restarting.RestartAt = event.Restarting, new(start.Add(85*time.Second))
	restoring := flights()
	restoring.State, restoring.Work = event.Starting, &status.Work{What: "restoring checkpoint 40", Done: 700 << 20, Total: 2 << 30}
	plain := status.Job{State: event.Running, Time: start.Add(time.Second), Since: start, Watermark: status.Mark(value.NoTime), Stages: []status.Stage{{ID: "a/source/1", Kind: "source", RowsIn: 5}}}
	for _, size := range sizes {
		for name, s := range map[string]status.Job{"running": flights(), "restarting": restarting, "restoring": restoring, "plain": plain} {
			golden(t, fmt.Sprintf("%s-%dx%d", name, size[0], size[1]), Job(s, rates(s), size[0], size[1]), size[0], size[1])
		}
	}
}

func TestStatus(t *testing.T) {
	golden(t, "status-100", Status(flights(), 100), 200, 100)
	quiet := flights()
	quiet.Job, quiet.Checkpoints, quiet.Restored, quiet.Watermark = "", status.Checkpoints{}, nil, status.Mark(value.EndTime)
	golden(t, "status-quiet", Status(quiet, 100), 200, 100)
	golden(t, "status-40", Status(flights(), 40), 200, 100)
}

// batch makes rows of (word, n, list); a negative n deletes.
func batch(schema value.Schema, words []string, n []int64) *value.Batch {
	b := value.NewBatch(schema)
	b.Reset(len(words))
	for i, w := range words {
		b.Cols[0].SetString(i, w)
		b.Cols[1].I64[i] = n[i]
		b.Cols[2].SetString(i, "value of "+w)
		kind := value.UpdateAfter
		if n[i] < 0 {
			kind = value.Delete
		}
		b.Kinds = append(b.Kinds, kind)
	}
	return b
}

func words(t *testing.T) *Table {
	schema := value.Schema{Fields: []value.Field{{Name: "word", Type: value.Of(value.String)}, {Name: "n", Type: value.Of(value.Int)}, {Name: "a longer text", Type: value.Of(value.String)}}}
	table, err := NewTable("totals", schema, []string{"word"}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	apply := func(words []string, n []int64) {
		b := batch(schema, words, n)
		if err := table.Apply(b, b.Rows()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1300 {
		apply([]string{fmt.Sprintf("w%04d", (i*7919)%1300)}, []int64{int64(i)})
	}
	apply([]string{"w0002", "w0001", "日本語\x1b[2J\n"}, []int64{-1, 1_000_000, 7})
	return table
}

func TestTable(t *testing.T) {
	table := words(t)
	for _, size := range sizes {
		golden(t, fmt.Sprintf("table-%dx%d", size[0], size[1]), table.Lines(size[0], size[1]), size[0], size[1])
	}
	if _, err := NewTable("x", value.Schema{}, []string{"k"}, nil); err == nil {
		t.Error("a key that is no column")
	}
}

// TestTableIsHonest holds that what is shown and what is said to be missing add up at every size, and that the order is that of the keys.
func TestTableIsHonest(t *testing.T) {
	for height := 2; height < 40; height++ {
		table := words(t)
		lines := table.Lines(79, height)
		var more int
		last := lines[len(lines)-1].Text
		if _, err := fmt.Sscanf(strings.ReplaceAll(last, ",", ""), "… %d more row", &more); err != nil {
			t.Fatalf("height %d: %q", height, last)
		}
		if shown := len(lines) - 2; shown+more != 1300 {
			t.Errorf("height %d: %d shown, %d missing", height, shown, more)
		}
		for i := 2; i < len(lines)-1; i++ {
			if lines[i-1].Text >= lines[i].Text {
				t.Errorf("height %d: %q before %q", height, lines[i-1].Text, lines[i].Text)
			}
		}
	}
}

// TestTableIsBounded gives a table far more keys than it keeps: what it shows is still the smallest, and what it says of the rest is no more than it knows.
func TestTableIsBounded(t *testing.T) {
	schema := value.Schema{Fields: []value.Field{{Name: "word", Type: value.Of(value.String)}, {Name: "n", Type: value.Of(value.Int)}, {Name: "text", Type: value.Of(value.String)}}}
	table, err := NewTable("totals", schema, []string{"word"}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	alive := map[string]bool{}
	apply := func(i int, n int64) {
		word := fmt.Sprintf("w%05d", i)
		alive[word] = n >= 0
		b := batch(schema, []string{word}, []int64{n})
		if err := table.Apply(b, b.Rows()); err != nil {
			t.Fatal(err)
		}
		if got := len(table.rows.byKey); got > 2*keptRows {
			t.Fatalf("%d rows are kept", got)
		}
	}
	check := func(what string) {
		t.Helper()
		var want []string
		for w, is := range alive {
			if is {
				want = append(want, w)
			}
		}
		slices.Sort(want)
		lines := table.Lines(79, 42)
		for i, l := range lines[1:41] {
			if !strings.HasPrefix(l.Text, want[i]) {
				t.Fatalf("%s: row %d is %q, not %s", what, i, l.Text, want[i])
			}
		}
		var least int
		last := lines[len(lines)-1].Text
		if _, err := fmt.Sscanf(strings.ReplaceAll(last, ",", ""), "… at least %d more rows", &least); err != nil || least > len(want)-40 || least < 400 {
			t.Fatalf("%s: %q of %d rows", what, last, len(want))
		}
	}
	const keys = 20_011
	for i := range keys {
		apply(i*7919%keys, int64(i))
	}
	check("many")
	for i := range 3 * keptRows {
		apply(i, -1)
	}
	for i := range keys {
		if i = i * 6007 % keys; i >= 3*keptRows {
			apply(i, 1)
		}
	}
	check("after the smallest were deleted and the rest changed")
	table.Restarted(true, "")
	if lines := table.Lines(79, 42); lines != nil {
		t.Fatalf("forgotten rows are shown: %q", lines)
	}
}

// TestTableRestored holds what a table says whose job goes on from a snapshot.
func TestTableRestored(t *testing.T) {
	table := words(t)
	table.Restarted(false, "checkpoint 12")
	for _, height := range []int{3, 4, 20} {
		lines := table.Lines(39, height)
		if last := lines[len(lines)-1].Text; len(lines) > height || last != "… only rows changed since checkpoint 12" {
			t.Errorf("height %d, %d lines: %q", height, len(lines), last)
		}
	}
	table.Restarted(true, "checkpoint 13")
	if lines := table.Lines(79, 20); len(lines) != 1 || lines[0].Text != "… no row has changed since checkpoint 13" {
		t.Errorf("%q", lines)
	}
}

// TestLongCell holds that a cell of any length costs a bounded part of memory, and stays text.
func TestLongCell(t *testing.T) {
	table := words(t)
	b := batch(table.schema, []string{"a" + strings.Repeat("é", 100_000)}, []int64{1})
	if err := table.Apply(b, b.Rows()); err != nil {
		t.Fatal(err)
	}
	cells := table.rows.smallest(1)[0].cells
	if len(cells) > 3*cellMost || !utf8.Valid(cells) {
		t.Fatalf("%d bytes", len(cells))
	}
}

// area is an Area of a fixed text.
type area struct {
	text    string
	changes atomic.Int64
}

func (a *area) Lines(width, height int) []Line {
	var lines []Line
	for l := range strings.Lines(a.text) {
		lines = append(lines, Line{Text: cut(strings.TrimSpace(l), width)})
	}
	return lines[:min(height, len(lines))]
}

func (a *area) Changed() bool { return a.changes.Swap(0) > 0 }

// TestScreen draws through a Screen: text above, tables, block; at the end the tables stay, the block goes, and text goes on.
func TestScreen(t *testing.T) {
	term := newTerminal(20, 8)
	s := New(term, func() (int, int) { return 20, 8 }, false)
	table, block := &area{text: "a\nb\nc\n"}, &area{text: "block\nmore\n"}
	table.changes.Add(1)
	block.changes.Add(1)
	s.AddTable(table)
	s.SetBlock(block)
	fmt.Fprintln(s, "one")
	fmt.Fprintln(s, "two")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(s, "report")
	if got := strings.Join(term.all(), "|"); got != "one|two|a|b|c|report" {
		t.Errorf("%q", got)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestGone holds that a terminal that goes away is an error of who writes to it.
func TestGone(t *testing.T) {
	s := New(broken{}, func() (int, int) { return 20, 8 }, false)
	_, err := s.Write([]byte("x\n"))
	if !errors.Is(err, errGone) {
		t.Error(err)
	}
	if err := s.Close(); !errors.Is(err, errGone) {
		t.Error(err)
	}
}

var errGone = errors.New("gone")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errGone }

func TestMeter(t *testing.T) {
	var m Meter
	s := status.Job{Run: "r", Started: start, Time: start.Add(time.Second), Stages: []status.Stage{{ID: "a", RowsIn: 100}}}
	if r := m.Take(s)["a"]; r != 100 {
		t.Errorf("the first rate is the mean so far: %v", r)
	}
	for range 200 { // at 1000 a second it settles there
		s.Time = s.Time.Add(250 * time.Millisecond)
		s.Stages = []status.Stage{{ID: "a", RowsIn: s.Stages[0].RowsIn + 250}}
		m.Take(s)
	}
	if r := m.Take(s)["a"]; r < 999 || r > 1001 {
		t.Errorf("%v", r)
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{-1: "0 s", 12 * time.Millisecond: "12 ms", 3456 * time.Millisecond: "3.4 s", 9999 * time.Millisecond: "9.9 s", 59 * time.Second: "59 s",
		125 * time.Second: "2 min 5 s", 3*time.Hour + 12*time.Minute: "3 h 12 min", 98 * time.Hour: "4 d 2 h"} {
		if got := Short(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	if got := string(clean(nil, []byte("a\x1b[2Jb\tc\nd\u202e\x00\xff"))); !bytes.Equal([]byte(got), []byte("a\uFFFD[2Jb\\tc\\nd\uFFFD\uFFFD\uFFFD")) {
		t.Errorf("%q", got)
	}
}

// TestFit holds for any columns and any window that what is shown fits, that numbers are whole or not there, and that nothing stays unused that a cut text wants.
func TestFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var columns []column
		for range rapid.IntRange(1, 12).Draw(t, "columns") {
			columns = append(columns, column{least: rapid.SampledFrom([]int{0, textCut, keyCut}).Draw(t, "least"), width: rapid.IntRange(1, 60).Draw(t, "width")})
		}
		width := rapid.IntRange(1, 200).Draw(t, "window")
		widths, left := fit(columns, width)
		if len(widths)+left != len(columns) || len(widths) == 0 {
			t.Fatalf("%d shown, %d left out of %d", len(widths), left, len(columns))
		}
		total, cut := gap*(len(widths)-1), false
		for i, w := range widths {
			total += w
			cut = cut || w < columns[i].width
			if w > columns[i].width || len(widths) > 1 && w < columns[i].floor() {
				t.Fatalf("column %d is %d wide: %+v", i, w, columns[i])
			}
		}
		if total > width && len(widths) > 1 || cut && total < width && len(widths) > 1 {
			t.Fatalf("%v of %d", widths, width)
		}
	})
}

// TestCities draws a table with long keys, times and numbers in windows that are too narrow for it.
func TestCities(t *testing.T) {
	schema := value.Schema{Fields: []value.Field{{Name: "visitors", Type: value.Of(value.Int)}, {Name: "city", Type: value.Of(value.String)}, {Name: "since", Type: value.Of(value.Timestamp)},
		{Name: "remark", Type: value.Of(value.String)}, {Name: "open", Type: value.Of(value.Bool)}}}
	table, err := NewTable("cities", schema, []string{"city"}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	b := value.NewBatch(schema)
	b.Reset(3)
	for i := range 3 {
		b.Cols[0].I64[i] = int64(i) * 123_456
		b.Cols[1].SetString(i, fmt.Sprintf("a town with a rather long name, number %d", i))
		b.Cols[2].I64[i] = start.UnixMicro() + int64(i)*1_500_000
		b.Cols[3].SetString(i, "nothing that one would have to know")
		b.Cols[4].Bool[i] = i == 1
	}
	b.Cols[3].SetNull(2, 3)
	if err := table.Apply(b, b.Rows()); err != nil {
		t.Fatal(err)
	}
	table.Title()
	for _, width := range []int{10, 40, 79, 110, 199} {
		golden(t, fmt.Sprintf("cities-%d", width), table.Lines(width, 20), width, 20)
	}
}
