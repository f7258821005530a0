package connector

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// sourceCase is one configured source; a new entry of the table needs at least one.
type sourceCase struct {
	connector, label string
	config           plan.SourceConfig
	world            func(t *testing.T) Env // the same contents at each call
	rows             int                    // bad records too
}

func pairsCSV(from, to int, eol string) string {
	var b strings.Builder
	b.WriteString("n,name,other" + eol)
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "%d,\"name, of %d\",%d%s", i, i, i*i, eol)
	}
	return b.String()
}

func pairsJSON(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		if i%17 == 0 {
			b.WriteString("no json\n\n")
		} else {
			fmt.Fprintf(&b, `{"name":"a name that is not short %d","n":%d}`+"\n", i, i)
		}
	}
	return b.String()
}

func fileCase(label string, config plan.Settings, rows int, files map[string]string) sourceCase {
	return sourceCase{
		connector: "file", label: label, rows: rows,
		config: plan.SourceConfig{Schema: pairSchema, Settings: config},
		world: func(t *testing.T) Env {
			env := newEnv()
			for _, name := range sortedKeys(files) {
				put(t, env.FS, name, files[name])
			}
			return env
		},
	}
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func sourceCases() []sourceCase {
	slices3 := map[string]string{
		"in/1.csv": pairsCSV(0, 50, "\n"), "in/2.csv.gz": pairsCSV(50, 51, "\r\n"), "in/3.csv": "", "in/4.csv": "n,name\n", "in/5.csv.zst": strings.TrimSuffix(pairsCSV(51, 200, "\n"), "\n"), "in/.hidden": "x",
	}
	stdinCase := func(label, text string, rows int, config plan.SourceConfig) sourceCase {
		return sourceCase{"stdin", label, config, func(*testing.T) Env {
			env := newEnv()
			env.Stdin = strings.NewReader(text)
			return env
		}, rows}
	}
	sequence := func(label string, rows int, set plan.Settings) sourceCase {
		columns, _ := Lookup("sequence")
		return sourceCase{"sequence", label, plan.SourceConfig{Settings: set, Schema: value.Schema{Fields: columns.Columns}}, func(*testing.T) Env { return newEnv() }, rows}
	}
	socket := func(label, text string, rows int, config plan.SourceConfig) sourceCase {
		config.Settings.Values = append(config.Settings.Values, settings("address", "peer:1", "reconnect", false).Values...)
		return sourceCase{"socket", label, config, func(*testing.T) Env {
			env := newEnv()
			env.Dialer = serving{text}
			return env
		}, rows}
	}
	nexmark := func(label string, rows int, set plan.Settings) sourceCase {
		spec, _ := Lookup("nexmark")
		return sourceCase{"nexmark", label, plan.SourceConfig{Settings: set, Schema: value.Schema{Fields: spec.ColumnsOf(set)}}, func(*testing.T) Env { return newEnv() }, rows}
	}
	return []sourceCase{
		fileCase("json", settings("path", "a.json", "format", jsonLines), 300, map[string]string{"a.json": pairsJSON(0, 300)}),
		fileCase("csv with crlf", settings("path", "a.csv", "format", csvWithHeader), 150, map[string]string{"a.csv": pairsCSV(0, 150, "\r\n")}),
		fileCase("gzip", settings("path", "a.csv.gz", "format", csvWithHeader), 150, map[string]string{"a.csv.gz": pairsCSV(0, 150, "\n")}),
		fileCase("zstd", settings("path", "a.json.zst", "format", jsonLines), 150, map[string]string{"a.json.zst": pairsJSON(0, 150)}),
		fileCase("directory by name", settings("path", "in", "format", csvWithHeader), 200, slices3),
		fileCase("glob by time", settings("path", "in/*", "format", csvWithHeader, "order", "time"), 200, slices3),
		fileCase("any order", settings("path", "in", "format", csvWithHeader, "order", "any"), 200, slices3),
		fileCase("longer than blocks", settings("path", "a.json", "format", jsonLines), 30000, map[string]string{"a.json": pairsJSON(0, 30000)}),
		fileCase("followed", settings("path", "in", "follow", true, "format", jsonLines), 300, map[string]string{"in/a.json": pairsJSON(0, 100), "in/b.json": pairsJSON(100, 290), "in/c.json": pairsJSON(290, 300)}),
		fileCase("followed csv, longer than blocks", settings("path", "a.csv", "follow", true, "format", csvWithHeader), 30000, map[string]string{"a.csv": pairsCSV(0, 30000, "\n")}),
		socket("text", "one\ntwo words\r\n\nlast", 4, plan.SourceConfig{Schema: lineSchema}),
		socket("csv", pairsCSV(0, 100, "\n"), 100, plan.SourceConfig{Schema: pairSchema, Settings: settings("format", csvWithHeader)}),
		stdinCase("text", "one\ntwo words\r\n\nlast", 4, plan.SourceConfig{Schema: lineSchema}),
		stdinCase("csv", pairsCSV(0, 100, "\n"), 100, plan.SourceConfig{Schema: pairSchema, Settings: settings("format", csvWithHeader)}),
		stdinCase("empty", "", 0, plan.SourceConfig{Schema: lineSchema}),
		sequence("numbers", 1001, settings("from", int64(-1), "to", int64(999))),
		sequence("fewer than splits", 1, settings("from", int64(7), "to", int64(7))),
		nexmark("bids", 920, settings("events", "bids", "count", int64(1003), "seed", int64(5))),
		nexmark("auctions", 62, settings("events", "auctions", "count", int64(1003))),
		nexmark("people", 21, settings("events", "people", "count", int64(1003))),
		nexmark("no auction", 0, settings("events", "auctions", "count", int64(1))),
	}
}

func eachSource(t *testing.T, f func(t *testing.T, c sourceCase, open func(t *testing.T) Source)) {
	for _, c := range sourceCases() {
		spec, _ := Lookup(c.connector)
		for _, inline := range []bool{false, true} {
			if endless(spec, c.config.Settings) && !inline {
				continue // nobody knows when it is quiet for good
			}
			t.Run(fmt.Sprintf("%s/%s/inline=%v", c.connector, c.label, inline), func(t *testing.T) {
				f(t, c, func(t *testing.T) Source {
					env := c.world(t)
					env.Inline = inline
					return openSource(t, c.connector, c.config, env)
				})
			})
		}
	}
}

func endless(s *Spec, set plan.Settings) bool { return s.Endless != nil && s.Endless(set) }

func TestEveryConnectorIsDescribedAndTested(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range sourceCases() {
		tested["source "+c.connector] = true
	}
	for _, c := range sinkCases() {
		tested["sink "+c.connector] = true
	}
	for _, s := range All() {
		if s.Name == "" || s.Doc == "" || len(s.Examples) == 0 {
			t.Errorf("%q lacks a name, a text or an example", s.Name)
		}
		if s.Source == nil && s.Sink == nil {
			t.Errorf("%s is neither a source nor a sink", s.Name)
		}
		if s.Source != nil && !tested["source "+s.Name] {
			t.Errorf("source %s has no conformance case", s.Name)
		}
		if s.Sink != nil && !tested["sink "+s.Name] {
			t.Errorf("sink %s has no conformance case", s.Name)
		}
		checkParams(t, s.Name, append(slices.Clone(s.SourceParams), s.SinkParams...))
	}
}

func checkParams(t *testing.T, name string, params []plan.Param) {
	for _, p := range params {
		if p.Doc == "" || !strings.Contains(p.Example, p.Name) {
			t.Errorf("setting %s of %s lacks a text or an example", p.Name, name)
		}
		checkParams(t, name, p.Params)
	}
}

func TestSourcesOpenAndClose(t *testing.T) {
	eachSource(t, func(t *testing.T, c sourceCase, open func(*testing.T) Source) {
		src := open(t)
		splits := splitsOf(t, src, 2, nil)
		must(t, read(t, src, Divide(splits, 0, 2)).r.Close())
		must(t, read(t, src, nil).r.Close())
		must(t, src.Close())
	})
}

func TestSourcesGiveAllRowsInOrderAndEnd(t *testing.T) {
	eachSource(t, func(t *testing.T, c sourceCase, open func(*testing.T) Source) {
		var straight map[string][]string
		for _, most := range []int{1024, 64, 7, 1} {
			src := open(t)
			splits := splitsOf(t, src, 2, nil)
			s := read(t, src, splits)
			batches := s.all(most, nil)
			if n := len(rowsOf(batches)); n != c.rows {
				t.Fatalf("batches of %d: %d rows, want %d", most, n, c.rows)
			}
			if straight == nil {
				straight = bySplit(batches)
			}
			if d := cmp.Diff(straight, bySplit(batches)); d != "" {
				t.Fatalf("batches of %d give other rows in a split: %s", most, d)
			}
			ended := map[string]bool{}
			for _, b := range batches {
				if ended[b.after.ID] {
					t.Fatalf("rows behind the end of split %s", b.after.ID)
				}
				ended[b.after.ID] = b.after.Ended
			}
			spec, _ := Lookup(c.connector)
			for _, split := range splits {
				if ended[split.ID] == endless(spec, c.config.Settings) {
					t.Errorf("split %s: it ended: %v", split.ID, ended[split.ID])
				}
			}
			must(t, src.Close())
		}
	})
}

func TestSourcesReplayFromEveryPosition(t *testing.T) {
	eachSource(t, func(t *testing.T, c sourceCase, open func(*testing.T) Source) {
		if spec, _ := Lookup(c.connector); !spec.Replayable {
			return
		}
		rng := rand.New(rand.NewPCG(1, uint64(c.rows)))
		src := open(t)
		defer src.Close()
		splits := splitsOf(t, src, 2, nil)
		straight := bySplit(read(t, src, splits).all(1024, nil))
		most := max(20, c.rows/20)
		at := slices.Clone(splits)
		seen := map[string][]string{}
		for _, b := range read(t, src, splits).all(most, rng) {
			at[b.index] = b.after
			seen[b.after.ID] = append(seen[b.after.ID], b.rows...)
			seen[b.after.ID+" bad"] = append(seen[b.after.ID+" bad"], b.bad...)
			again := open(t)
			rest := bySplit(read(t, again, splitsOf(t, again, 1+rng.IntN(3), slices.Clone(at))).all(most, rng))
			must(t, again.Close())
			for id, rows := range straight {
				if got := append(slices.Clone(seen[id]), rest[id]...); !slices.Equal(got, rows) {
					t.Fatalf("after %s %s: %d rows and %d more, not %d; first difference: %s", id, b.after.Position, len(seen[id]), len(rest[id]), len(rows), firstDifference(got, rows))
				}
			}
		}
		again := open(t)
		defer again.Close()
		if rows := rowsOf(read(t, again, splitsOf(t, again, 2, at)).all(10, nil)); len(rows) > 0 {
			t.Fatalf("%d rows behind the end", len(rows))
		}
	})
}

func firstDifference(a, b []string) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("row %d: %q, want %q", i, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d rows, want %d", len(a), len(b))
}

func TestSourcesDivideTheirSplits(t *testing.T) {
	eachSource(t, func(t *testing.T, c sourceCase, open func(*testing.T) Source) {
		src := open(t)
		straight := bySplit(read(t, src, splitsOf(t, src, 4, nil)).all(1024, nil))
		must(t, src.Close())
		for readers := 1; readers <= 3; readers++ {
			src := open(t)
			splits := splitsOf(t, src, 4, nil)
			var all []taken
			for task := range readers {
				all = append(all, read(t, src, Divide(splits, task, readers)).all(100, nil)...)
			}
			if d := cmp.Diff(straight, bySplit(all)); d != "" {
				t.Fatalf("%d readers: %s", readers, d)
			}
			must(t, src.Close())
		}
	})
}

// A closed reader may have read ahead; whoever reads on from what was taken must not miss that.
func TestSourcesGoOnInTheSameProcess(t *testing.T) {
	eachSource(t, func(t *testing.T, c sourceCase, open func(*testing.T) Source) {
		src := open(t)
		defer src.Close()
		at := splitsOf(t, src, 2, nil)
		total := 0
		for attempt := 0; ; attempt++ {
			s := read(t, src, at)
			got, ok, err := s.next(1 + attempt%50)
			for s.quiet && ok && len(got.rows)+len(got.bad) == 0 { // news of a position; it would be the same each time
				got, ok, err = s.next(1 + attempt%50)
			}
			must(t, err)
			must(t, s.r.Close())
			if !ok {
				break
			}
			total += len(got.rows) + len(got.bad)
			at = slices.Clone(at)
			at[got.index] = got.after
			if total > 400 { // enough attempts for long inputs: read the rest at once
				total += len(rowsOf(read(t, src, splitsOf(t, src, 2, at)).all(1024, nil)))
				break
			}
			at = splitsOf(t, src, 2, at)
		}
		if total != c.rows {
			t.Fatalf("%d rows, want %d", total, c.rows)
		}
	})
}

func TestUnwantedColumnsAreNotBuilt(t *testing.T) {
	eachSource(t, func(t *testing.T, c sourceCase, _ func(*testing.T) Source) {
		if len(c.config.Schema.Fields) < 2 {
			return
		}
		c.config.Wanted = make([]bool, len(c.config.Schema.Fields))
		c.config.Wanted[1] = true
		env := c.world(t)
		spec, _ := Lookup(c.connector)
		env.Inline = endless(spec, c.config.Settings)
		src := openSource(t, c.connector, c.config, env)
		defer src.Close()
		for _, row := range rowsOf(read(t, src, splitsOf(t, src, 1, nil)).all(5, nil)) {
			if !strings.HasPrefix(row, "-|") && !strings.HasPrefix(row, "E801") {
				t.Fatalf("row %q has a column that nobody wants", row)
			}
		}
	})
}
