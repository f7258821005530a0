package group

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"pipec/compiler/plan"
	"pipec/vm/op/run"
	"pipec/vm/value"
)

// Without a window the table of changes is always that of all rows so far, changes are one per key and batch in the order of first touch, and a restore goes on as if nothing had been.
func TestRunning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := standard(spec{size: rapid.SampledFrom([]int{1, 2, 7, 1024}).Draw(t, "batch"), before: rapid.Bool().Draw(t, "before")})
		w := drawWorld(t, false)
		tasks := []*task{s.start(t, 0, 1, nil)}
		table, want := map[string]string{}, map[string]string{}
		models := map[string]*model{}
		for _, rows := range w.splits {
			for rows := range slices.Chunk(rows, s.size) {
				var order []string
				for _, r := range rows {
					id := strings.Join(strings.Split(identity(r, 0, 0), " ")[:strings.Count(identity(r, 0, 0), " ")-1], " ")
					if models[id] == nil {
						models[id] = &model{}
					}
					models[id].add(r)
					want[id] = models[id].text(id)
					if !slices.Contains(order, id) {
						order = append(order, id)
					}
				}
				var outs []out
				for i, k := range tasks {
					k.outs = nil
					k.process(batchOf(rows, func(r row) bool { return value.TaskOf(groupOf(r), len(tasks), groups) == i }))
					k.advance(k.w + 1)
					outs = append(outs, k.outs...)
				}
				if err := fold(table, outs, s.before); err != nil {
					t.Fatal(err)
				}
				compare(t, table, want)
				changes := slices.DeleteFunc(outs, func(o out) bool { return o.kind == value.UpdateBefore })
				if len(changes) != len(order) || len(tasks) == 1 && !slices.EqualFunc(changes, order, func(o out, id string) bool { return o.id == id }) {
					t.Fatalf("changes %v, want one for each of %v", changes, order)
				}
			}
			if rapid.Bool().Draw(t, "restore") {
				var files [][]byte
				for _, k := range tasks {
					files = append(files, finish(t, k.store.Cut(1, nil), nil, 5))
				}
				n := rapid.IntRange(1, 3).Draw(t, "tasks")
				tasks = nil
				for i := range n {
					tasks = append(tasks, s.start(t, i, n, files))
				}
			}
		}
	})
}

// sums is sum(x) by key, with what the spec says of errors.
func sums(s spec) *spec {
	s.keys = []int{0}
	s.aggs = []plan.Aggregate{aggregate("count", nil, nil, value.Of(value.Int)), aggregate("sum", col(2), nil, value.Of(value.Int))}
	s.size = 1024
	return &s
}

// rowsOf are rows of key 1 with these values.
func rowsOf(xs ...int64) []row {
	var rows []row
	for _, x := range xs {
		rows = append(rows, row{key: 1, x: x, mark: value.NoTime, time: 5})
	}
	return rows
}

func texts(outs []out) []string {
	var all []string
	for _, o := range outs {
		all = append(all, o.kind.String()+" "+o.text)
	}
	return all
}

func wantLines(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A result that is out of range is a row error of the emission, with the result row; the table downstream keeps what it had (2.18, 25 and 37).
func TestEmissionError(t *testing.T) {
	k := sums(spec{before: true, errors: true}).start(t, 0, 1, nil)
	for _, x := range []int64{math.MaxInt64, 1, -1, -5} {
		k.process(batchOf(rowsOf(x), all))
	}
	wantLines(t, "changes", texts(k.outs),
		"insert 1 1 9223372036854775807",
		"insert 1 3 9223372036854775807", // the row before was never given, so this replaces none that is known
		"update_before 1 3 9223372036854775807", "update_after 1 4 9223372036854775802")
	wantLines(t, "errors", k.bad, `{"key":1,"a0":2,"a1":null} s/aggregate/1 E804 the sum is out of the range of int null`)
}

// Without `errors as` the job fails for good, or the row is skipped and counted.
func TestEmissionPolicy(t *testing.T) {
	k := sums(spec{skip: true}).start(t, 0, 1, nil)
	k.process(batchOf(rowsOf(math.MaxInt64, 1), all))
	if len(k.outs) != 0 || k.stats.Skipped != 1 {
		t.Errorf("%v, %d skipped", k.outs, k.stats.Skipped)
	}
	k = sums(spec{}).start(t, 0, 1, nil)
	_, err := k.op.Process(batchOf(rowsOf(math.MaxInt64, 1), all))
	failed, ok := err.(*run.RowError)
	if !ok || failed.Code != "E804" || failed.Node != "s/aggregate/1" || failed.Row != `{"key":1,"a0":2,"a1":null}` {
		t.Errorf("%#v", err)
	}
}

// A row whose argument fails leaves the whole stage: no aggregate counts it and a group of such rows alone is none. The `where` comes first, so it can keep the argument from failing.
func TestArgumentError(t *testing.T) {
	integer, boolean := value.Of(value.Int), value.Of(value.Bool)
	ten := &plan.Expr{Op: plan.OpLiteral, Type: integer, Lit: &plan.Literal{Kind: value.Int, Int: math.MaxInt64}}
	x := &plan.Expr{Op: plan.OpCoalesce, Type: integer, Args: []*plan.Expr{col(2), ten}}
	sum := &plan.Expr{Op: plan.OpAdd, Type: integer, Args: []*plan.Expr{x, ten}} // fails unless x <= 0
	s := spec{keys: []int{0}, size: 1024, errors: true}
	s.aggs = []plan.Aggregate{aggregate("count", nil, nil, integer), aggregate("max", sum, nil, integer)}
	k := s.start(t, 0, 1, nil)
	rows := append(rowsOf(-7, 3, 0), row{key: 2, x: 9, time: 8, mark: value.NoTime})
	k.process(batchOf(rows, all))
	wantLines(t, "changes", texts(k.outs), fmt.Sprintf("insert 1 2 %d", int64(math.MaxInt64)))
	wantLines(t, "errors", k.bad,
		`{"key":1,"name":null,"x":3} s/aggregate/1 E804 `+overflow(k.bad, 0)+` 5`, `{"key":2,"name":null,"x":9} s/aggregate/1 E804 `+overflow(k.bad, 1)+` 8`)

	zero := &plan.Expr{Op: plan.OpLiteral, Type: integer, Lit: &plan.Literal{Kind: value.Int}}
	small := &plan.Expr{Op: plan.OpLe, Type: boolean, Args: []*plan.Expr{x, zero}}
	s.aggs[1] = aggregate("max", sum, small, integer.Null())
	k = s.start(t, 0, 1, nil)
	k.process(batchOf(rows, all))
	wantLines(t, "changes", texts(k.outs), fmt.Sprintf("insert 1 3 %d", int64(math.MaxInt64)), "insert 2 1 null")
	wantLines(t, "errors", k.bad)
}

// overflow is the evaluator's text of an error: what it says is its own affair.
func overflow(bad []string, i int) string {
	if i >= len(bad) {
		return ""
	}
	_, text, _ := strings.Cut(bad[i], "E804 ")
	return text[:strings.LastIndexByte(text, ' ')]
}

// Event times at the edges of what is representable are row errors, not windows in the wrong place.
func TestEventTimeRange(t *testing.T) {
	for _, win := range []*Window{{Kind: "tumbling", Size: Longest, Step: Longest, Allow: Longest}, {Kind: "sliding", Size: Longest, Step: Longest / 2, Allow: Longest, Offset: -Longest}} {
		s := sums(spec{window: win, errors: true})
		k := s.start(t, 0, 1, nil)
		var rows []row
		for _, at := range []int64{math.MinInt64, earliest - 1, earliest, 0, latest, latest + 1, math.MaxInt64} {
			rows = append(rows, row{key: 1, x: 1, time: at, mark: value.NoTime})
		}
		k.process(batchOf(rows, all))
		k.advance(value.EndTime)
		if len(k.bad) != 4 || len(k.outs) < 3 {
			t.Errorf("%s: %d errors, %d windows", win, len(k.bad), len(k.outs))
		}
		for _, o := range k.outs {
			var from, to int64
			if fmt.Sscan(lastWords(o.id), &from, &to); to-from != win.Size {
				t.Errorf("%s: window %d to %d", win, from, to)
			}
		}
	}
}

// Flink's examples of where windows begin (facts 202 and 203): they round down, also before 1970.
func TestWindowStarts(t *testing.T) {
	for _, c := range []struct {
		win  Window
		t    int64
		want []int64
	}{
		{Window{Size: 1000, Step: 1000}, 999, []int64{0}},
		{Window{Size: 1000, Step: 1000}, 1000, []int64{1000}},
		{Window{Size: 1000, Step: 1000}, -1, []int64{-1000}},
		{Window{Size: 1000, Step: 1000}, -1000, []int64{-1000}},
		{Window{Size: 1000, Step: 1000}, -1001, []int64{-2000}},
		{Window{Size: 1000, Step: 1000, Offset: 250}, 0, []int64{-750}},
		{Window{Size: 10_000, Step: 5000}, 12_300, []int64{10_000, 5000}},
		{Window{Size: 1000, Step: 3000}, 1500, nil},
		{Window{Size: 1000, Step: 3000}, 3999, []int64{3000}},
	} {
		a := assignment{win: &c.win}
		if err := a.assign(batchOf([]row{{time: c.t, mark: value.NoTime}}, all), value.NoTime, nil); err != nil {
			t.Fatal(err)
		}
		if _, got := a.next(10); !slices.Equal(got, c.want) {
			t.Errorf("%+v at %d: %v, want %v", c.win, c.t, got, c.want)
		}
	}
}

// A window of a day every second has 86400 panes per row: they are filled a few thousand at a time.
func TestManyWindows(t *testing.T) {
	win := &Window{Kind: "sliding", Size: 86_400, Step: 1}
	k := sums(spec{window: win}).start(t, 0, 1, nil)
	k.process(batchOf([]row{{key: 1, x: 2, time: 0, mark: value.NoTime}, {key: 1, x: 3, time: 1, mark: value.NoTime}}, all))
	k.advance(value.EndTime)
	sums := map[string]int{}
	for _, o := range k.outs {
		sums[o.text[strings.LastIndexByte(o.text, ' ')+1:]]++
	}
	if len(sums) != 3 || sums["2"] != 1 || sums["3"] != 1 || sums["5"] != 86_399 {
		t.Errorf("%v", sums)
	}
}

// The examples of Flink's documentation of window functions (fact 220): ten minutes of bids, tumbling, and sliding by five.
func TestFlinkBids(t *testing.T) {
	const minute = 60_000_000
	bids := []row{}
	for _, b := range [][2]int64{{5, 400}, {7, 200}, {9, 500}, {11, 300}, {13, 100}, {17, 600}} {
		bids = append(bids, row{key: 1, x: b[1], time: b[0] * minute, mark: value.NoTime})
	}
	for _, c := range []struct {
		step int64
		want []string
	}{{10, []string{"1100", "1000"}}, {5, []string{"1100", "1500", "1000", "600"}}} {
		s := sums(spec{window: &Window{Kind: "sliding", Size: 10 * minute, Step: c.step * minute}})
		k := s.start(t, 0, 1, nil)
		k.process(batchOf(bids, all))
		k.advance(value.EndTime)
		var got []string
		for _, o := range k.outs {
			got = append(got, o.text[strings.LastIndexByte(o.text, ' ')+1:])
		}
		wantLines(t, fmt.Sprintf("every %d minutes", c.step), got, c.want...)
	}
}
