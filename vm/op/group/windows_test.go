package group

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"pipec/vm/value"
)

// world is random input: rows by split with the watermarks that their splits had before them.
type world struct {
	splits [][]row
	delay  int64
	exact  bool // the operator's aggregates are those of exact
}

func drawWorld(t *rapid.T, withMarks bool) *world {
	w := &world{delay: rapid.Int64Range(0, 12).Draw(t, "delay")}
	for range rapid.IntRange(1, 3).Draw(t, "splits") {
		var rows []row
		high := value.NoTime
		at := rapid.Int64Range(-40, 10).Draw(t, "begin")
		for range rapid.IntRange(0, 40).Draw(t, "rows") {
			at += rapid.Int64Range(-9, 12).Draw(t, "step")
			r := row{key: rapid.Int64Range(0, 3).Draw(t, "key"), name: rapid.SampledFrom([]string{"", "a", "a name of more than twelve bytes"}).Draw(t, "name"),
				x: rapid.Int64Range(-2, 9).Draw(t, "x"), null: rapid.IntRange(0, 5).Draw(t, "null") == 0, time: at, mark: w.before(high)}
			high = max(high, at)
			rows = append(rows, r)
		}
		w.splits = append(w.splits, rows)
	}
	return w
}

// before is the watermark that a largest event time gives.
func (w *world) before(high int64) int64 {
	if high == value.NoTime {
		return value.NoTime
	}
	return high - w.delay
}

// expected computes what the windows must give: lateness is a property of the data, so nothing of the run is asked.
func (w *world) expected(win *Window) (table map[string]string, late []string, partly int64) {
	models := map[string]*model{}
	for _, rows := range w.splits {
		for _, r := range rows {
			counts, misses := 0, 0
			for start := int64(-400); start < 1000; start++ {
				if floorMod(start-win.Offset, win.Step) != 0 || r.time < start || r.time >= start+win.Size {
					continue
				}
				if r.mark >= start+win.Size+win.Allow {
					misses++
					continue
				}
				counts++
				id := identity(r, start, start+win.Size)
				if models[id] == nil {
					models[id] = &model{}
				}
				models[id].add(r)
			}
			switch {
			case counts == 0 && misses > 0:
				late = append(late, inputText(r))
			case misses > 0:
				partly++
			}
		}
	}
	table = map[string]string{}
	for id, m := range models {
		if table[id] = m.text(id); w.exact {
			table[id] = m.exact(id)
		}
	}
	return table, late, partly
}

func floorMod(a, b int64) int64 { return ((a % b) + b) % b }

func identity(r row, from, to int64) string {
	name := r.name
	if name == "" {
		name = "null"
	}
	return fmt.Sprintf("%d %s %d %d", r.key, name, from, to)
}

func inputText(r row) string {
	b := batchOf([]row{r}, all)
	text := ""
	for c, f := range inSchema.Fields {
		if c > 0 {
			text += " "
		}
		text += cell(b.Cols[c], f.Type, 0)
	}
	return text
}

// running is one execution of a world: its tasks now, and what the ones before have emitted.
type execution struct {
	s     *spec
	w     *world
	tasks []*task
	gone  []*task
	at    []int // next row of each split
	high  []int64
}

func (e *execution) start(t *rapid.T, n int, files [][]byte) {
	e.gone = append(e.gone, e.tasks...)
	low := value.NoTime
	for i, k := range e.tasks {
		if i == 0 || k.w < low {
			low = k.w
		}
	}
	e.tasks = nil
	for i := range n {
		k := e.s.start(t, i, n, files)
		k.advance(low) // the watermark of a restore comes before its first row (language A10)
		e.tasks = append(e.tasks, k)
	}
}

// step sends the next rows of a random split to the tasks that own their keys, and lets some tasks see the watermark.
func (e *execution) step(t *rapid.T) {
	split := rapid.IntRange(0, len(e.w.splits)-1).Draw(t, "split")
	from := e.at[split]
	to := min(from+e.s.size, len(e.w.splits[split]))
	e.at[split] = to
	rows := e.w.splits[split][from:to]
	for _, r := range rows {
		e.high[split] = max(e.high[split], r.time)
	}
	for i, k := range e.tasks {
		k.process(batchOf(rows, func(r row) bool { return value.TaskOf(groupOf(r), len(e.tasks), groups) == i }))
	}
	mark := value.EndTime
	for i, high := range e.high {
		if e.at[i] < len(e.w.splits[i]) || i == split {
			mark = min(mark, e.w.before(high))
		}
	}
	for _, k := range e.tasks {
		if rapid.Bool().Draw(t, "sees the watermark") && mark != value.EndTime {
			k.advance(mark)
		}
	}
}

func groupOf(r row) int {
	b := batchOf([]row{r}, all)
	var k value.Keys
	k.Encode(b.Cols[:2], inSchema.Types()[:2], value.Identity(1), groups)
	return int(k.Group[0])
}

func (e *execution) left() bool {
	for i, at := range e.at {
		if at < len(e.w.splits[i]) {
			return true
		}
	}
	return false
}

// restore cuts all tasks, lets them go on for a while that will be forgotten, and starts others from the cut.
func (e *execution) restore(t *rapid.T) {
	type half struct {
		k    *task
		outs int
		late int
		stat int64
		w    int64
	}
	var halves []half
	var files [][]byte
	for i, k := range e.tasks {
		halves = append(halves, half{k, len(k.outs), len(k.late), k.stats.Late, k.w})
		c := k.store.Cut(1, nil)
		var file []byte
		chunk, done, err := c.Next(rapid.IntRange(1, 8).Draw(t, "budget"))
		if err != nil {
			t.Fatal(err)
		}
		file = append(file, chunk...)
		if !done {
			k.process(batchOf([]row{{key: 1, time: max(k.w, 0) + 1000, mark: value.NoTime}, {key: 2, name: "a", time: max(k.w, 0), mark: value.NoTime}},
				func(r row) bool { return value.TaskOf(groupOf(r), len(e.tasks), groups) == i })) // must not get into the cut
			k.advance(max(k.w, 0) + 5)
			file = finish(t, c, file, 3)
		}
		files = append(files, file)
	}
	for _, h := range halves { // what came after the cut never was
		h.k.outs, h.k.late, h.k.stats.Late, h.k.w = h.k.outs[:h.outs], h.k.late[:h.late], h.stat, h.w
	}
	e.start(t, rapid.IntRange(1, 3).Draw(t, "tasks"), files)
}

// end lets event time go to its end and gives all that was emitted.
func (e *execution) end() (outs, late []out, counted int64, largest int) {
	for _, k := range e.tasks {
		k.advance(value.EndTime)
	}
	for _, k := range append(e.gone, e.tasks...) {
		outs, late = append(outs, k.outs...), append(late, k.late...)
		counted += k.stats.Late
		largest = max(largest, k.largest)
	}
	return outs, late, counted, largest
}

func drawWindow(t *rapid.T) *Window {
	w := &Window{Kind: "tumbling", Size: rapid.Int64Range(1, 20).Draw(t, "size"), Offset: rapid.Int64Range(-25, 25).Draw(t, "offset")}
	w.Step = w.Size
	if rapid.Bool().Draw(t, "sliding") {
		w.Kind, w.Step = "sliding", rapid.Int64Range(1, 25).Draw(t, "every")
	}
	if rapid.Bool().Draw(t, "allow late") {
		w.Allow = rapid.Int64Range(1, 15).Draw(t, "allow")
	}
	return w
}

// Windows give what their definition says, whatever the batches, the interleaving of splits, what tasks see of the watermark, cuts and restores, and the parallelism.
func TestWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := standard(spec{window: drawWindow(t), size: rapid.SampledFrom([]int{1, 2, 7, 1024}).Draw(t, "batch"), late: rapid.Bool().Draw(t, "late as"), before: rapid.Bool().Draw(t, "before")})
		w := drawWorld(t, true)
		if w.exact = rapid.Bool().Draw(t, "exact"); w.exact {
			s.items = nil
			s = exact(*s)
		}
		e := &execution{s: s, w: w}
		e.at, e.high = make([]int, len(e.w.splits)), make([]int64, len(e.w.splits))
		for i := range e.high {
			e.high[i] = value.NoTime
		}
		e.start(t, rapid.IntRange(1, 3).Draw(t, "tasks"), nil)
		for e.left() {
			e.step(t)
			if rapid.IntRange(0, 9).Draw(t, "restore") == 0 {
				e.restore(t)
			}
		}
		outs, late, counted, largest := e.end()
		table, wantLate, partly := e.w.expected(s.window)
		got := map[string]string{}
		if err := fold(got, outs, s.before); err != nil {
			t.Fatal(err)
		}
		compare(t, got, table)
		if largest > max(2, s.size) {
			t.Fatalf("a batch of %d rows, although %d are a batch", largest, s.size)
		}
		for _, o := range outs {
			var key, from, to int64
			var name string
			if n, _ := fmt.Sscan(lastWords(o.id), &from, &to); n != 2 || o.time != to-1 {
				t.Fatalf("%d %s: row %s has event time %d", key, name, o.text, o.time)
			}
		}
		if !s.late {
			partly += int64(len(wantLate))
			wantLate = nil
		}
		var gotLate []string
		for _, o := range late {
			gotLate = append(gotLate, o.text)
		}
		slices.Sort(gotLate)
		slices.Sort(wantLate)
		if !slices.Equal(gotLate, wantLate) || counted != partly {
			t.Fatalf("late: %v and %d counted, want %v and %d", gotLate, counted, wantLate, partly)
		}
	})
}

// lastWords is the last two words of an id: its window.
func lastWords(id string) string {
	spaces := 0
	for i := len(id) - 1; i >= 0; i-- {
		if id[i] == ' ' {
			if spaces++; spaces == 2 {
				return id[i+1:]
			}
		}
	}
	return id
}

func compare(t *rapid.T, got, want map[string]string) {
	for id, text := range want {
		if got[id] != text {
			t.Fatalf("%s: %q, want %q", id, got[id], text)
		}
	}
	for id, text := range got {
		if want[id] == "" {
			t.Fatalf("%s: %q, which should not be", id, text)
		}
	}
}
