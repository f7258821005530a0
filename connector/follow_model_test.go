package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"pipec/compiler/plan"
	"pipec/state/vfs"
	"pipec/vm/clock"
)

// logs is a writer of numbered lines, a rotation, and a reader that follows, with what each line's fate must be. Lines are numbered in the order in which they are
// written, over all files.
type logs struct {
	t     *rapid.T
	fs    vfs.FS
	clock *clock.Fake
	path  string // that is followed
	every bool   // it stands for rotated files too

	next    int      // number of the next line
	writer  vfs.File // nil: closed
	half    string   // rest of the line that the writer is in
	rotated int

	src  Source
	read *session
	at   []Split // as of the last batch
	rows []string

	kept     []Split // the record: what a checkpoint would hold
	keptRows int
	removed  bool // since the record a file has gone
	cut      bool // since the record the log was truncated
	lost     map[int]bool
}

func (l *logs) must(err error) {
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *logs) config() plan.SourceConfig {
	return plan.SourceConfig{Schema: lineSchema, Settings: settings("path", l.path, "follow", true, "format", choice("text"))}
}

// open makes a reader that goes on from the record.
func (l *logs) open() error {
	spec, _ := Lookup("file")
	src, err := spec.Source(SourceOptions{Config: l.config(), Job: plan.Job{BatchSize: 3}, Env: Env{FS: l.fs, Clock: l.clock, Inline: true, Note: func(string) {}}})
	l.must(err)
	l.src = src
	splits, err := src.Splits(context.Background(), 1, l.kept)
	if err != nil {
		return err
	}
	l.at = slices.Clone(splits)
	s := &session{t: nil, quiet: true}
	s.r, err = src.Reader(splits, func() {})
	l.read = s
	return err
}

func (l *logs) close() {
	if l.read != nil {
		l.must(l.read.r.Close())
	}
	l.read = nil
	l.must(l.src.Close())
}

// look lets time pass and reads what there is.
func (l *logs) look(d time.Duration) {
	l.clock.Advance(d)
	for l.step() {
	}
}

// step takes one batch.
func (l *logs) step() bool {
	got, ok, err := l.read.next(3)
	l.must(err)
	if !ok {
		return false
	}
	for got.index >= len(l.at) {
		l.at = append(l.at, Split{})
	}
	l.at[got.index] = got.after
	l.rows = append(l.rows, got.rows...)
	return true
}

func (l *logs) record() {
	l.kept, l.keptRows, l.removed, l.cut = slices.Clone(l.at), len(l.rows), false, false
}

func (l *logs) write(text string) {
	_, err := l.writer.Write([]byte(text))
	l.must(err)
}

// lines appends some lines; the last one may stay unfinished.
func (l *logs) lines(n int, cut bool) {
	if l.writer == nil {
		l.create()
	}
	l.finishLine()
	for i := range n {
		text := fmt.Sprintf("line %d of the log", l.next)
		l.next++
		if cut && i == n-1 {
			l.write(text[:6])
			l.half = text[6:] + "\n"
			return
		}
		l.write(text + "\n")
	}
}

func (l *logs) finishLine() {
	if l.half != "" {
		l.write(l.half)
		l.half = ""
	}
}

// create opens the log, which may be new.
func (l *logs) create() {
	f, err := l.fs.OpenAppend("d/log")
	l.must(err)
	l.writer = f
}

// reopen makes the writer go on in the file that now has the log's name.
func (l *logs) reopen() {
	if l.writer != nil {
		l.finishLine()
		l.must(l.writer.Close())
	}
	l.create()
}

// rename gives the log another name; the writer goes on in it.
func (l *logs) rename() {
	l.rotated++
	l.must(l.fs.Rename("d/log", fmt.Sprintf("d/log.%d", l.rotated)))
}

// copyTruncate copies the log away and empties it. What was not read then is lost, unless a restart goes back to before.
func (l *logs) copyTruncate() {
	l.finishLine()
	data, err := vfs.ReadFile(l.fs, "d/log")
	l.must(err)
	l.rotated++
	l.must(vfs.WriteFile(l.fs, fmt.Sprintf("d/copy.%d", l.rotated), data))
	l.lose(data)
	f, err := l.fs.OpenAppend("d/log")
	l.must(err)
	l.must(f.Truncate(0))
	l.cut = true
	l.must(f.Close())
}

// lose notes lines that nobody can read again: those that the record does not cover need not come, if they have not.
func (l *logs) lose(data []byte) {
	covered := map[int]bool{}
	for _, row := range l.rows[:l.keptRows] {
		covered[lineNumber(row)] = true
	}
	for line := range strings.Lines(string(data)) {
		if n := lineNumber(line); !covered[n] {
			l.lost[n] = true
		}
	}
}

func lineNumber(line string) int {
	f := strings.Fields(line)
	if len(f) < 2 {
		return -1
	}
	n, err := strconv.Atoi(f[1])
	if err != nil {
		return -1
	}
	return n
}

// known says whether the record knows the file that is the log now. One that comes and is renamed between two looks is found only if the path stands for its new name too.
func (l *logs) known() bool {
	var p struct {
		Inode uint64
		Next  []struct{ Inode uint64 }
	}
	l.must(json.Unmarshal(l.kept[0].Position, &p))
	info, err := l.fs.Stat("d/log")
	l.must(err)
	known := p.Inode == info.Inode
	for _, n := range p.Next {
		known = known || n.Inode == info.Inode
	}
	return known
}

func (l *logs) exists(name string) bool {
	_, err := l.fs.Stat(name)
	return err == nil
}

// end brings everything to rest and compares.
func (l *logs) end() {
	if l.writer != nil {
		l.finishLine()
	}
	if !l.exists("d/log") {
		l.reopen()
	}
	l.look(time.Second)
	l.look(10 * time.Second)
	l.look(10 * time.Second)
	var got []int
	for _, row := range l.rows {
		if want := fmt.Sprintf("line %d of the log", lineNumber(row)); row != want {
			l.t.Fatalf("row %q is no line", row)
		}
		got = append(got, lineNumber(row))
	}
	if !l.every && !sort.IntsAreSorted(got) {
		l.t.Fatalf("out of order: %v", got)
	}
	sort.Ints(got)
	var want []int
	for i := range l.next {
		_, found := slices.BinarySearch(got, i)
		if !l.lost[i] || found {
			want = append(want, i)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		l.t.Fatalf("lines (-written +read): %s", d)
	}
}

func (l *logs) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"append": func(t *rapid.T) {
			l.lines(rapid.IntRange(1, 9).Draw(t, "lines"), rapid.Bool().Draw(t, "cut"))
		},
		"rename": func(t *rapid.T) {
			if !l.exists("d/log") || !l.every && (l.cut || !l.known()) {
				return // it does not apply now
			}
			l.rename()
		},
		"reopen": func(t *rapid.T) { l.reopen() },
		"copy and truncate": func(t *rapid.T) {
			if !l.exists("d/log") || l.every { // a copy of a copy is another matter
				return // it does not apply now
			}
			l.look(time.Second)
			l.record()
			l.copyTruncate()
		},
		"truncate while it is read": func(t *rapid.T) {
			if !l.exists("d/log") {
				return // it does not apply now
			}
			l.copyTruncate()
			l.removed = true
		},
		"remove": func(t *rapid.T) {
			// A file that was read to its end, as everybody knows.
			if !l.every || l.rotated == 0 || l.writer == nil {
				return // it does not apply now
			}
			name := fmt.Sprintf("d/log.%d", rapid.IntRange(1, l.rotated).Draw(t, "which"))
			if !l.exists(name) {
				return // it does not apply now
			}
			l.reopen()
			l.look(time.Second)
			data, err := vfs.ReadFile(l.fs, name)
			l.must(err)
			l.lose(data)
			l.must(l.fs.Remove(name))
			l.removed = true
		},
		"look": func(t *rapid.T) {
			l.look(time.Duration(rapid.IntRange(0, 6000).Draw(t, "ms")) * time.Millisecond)
		},
		"step": func(t *rapid.T) { l.step() },
		"record": func(t *rapid.T) {
			l.look(time.Second)
			l.step()
			l.record()
		},
		"restart": func(t *rapid.T) {
			l.close()
			l.rows = l.rows[:l.keptRows]
			err := l.open()
			if err == nil {
				return
			}
			if !errors.Is(err, ErrPosition) || !l.removed {
				t.Fatal(err)
			}
			l.must(l.src.Close())
			l.kept, l.rows, l.next = nil, nil, 0 // what it had to read is gone, and it says so: begin again
			l.begin()
		},
	}
}

// begin makes a world of one empty log.
func (l *logs) begin() {
	l.fs = vfs.NewMem()
	l.must(l.fs.MkdirAll("d"))
	l.writer, l.half, l.rotated, l.lost, l.removed, l.keptRows = nil, "", 0, map[int]bool{}, false, 0
	l.create()
	l.must(l.open())
	l.record()
}

func TestEveryLineExactlyOnceWhateverTheRotationDoes(t *testing.T) {
	for _, c := range []struct {
		path  string
		every bool
	}{{"d/log", false}, {"d/log*", true}} {
		t.Run(c.path, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				l := &logs{t: t, clock: clock.NewFake(day), path: c.path, every: c.every}
				l.begin()
				t.Repeat(l.actions())
				l.end()
				l.close()
			})
		})
	}
}
