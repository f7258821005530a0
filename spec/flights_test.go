package spec

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"sort"
	"strings"
	"sync"
	"testing"

	"pipec/compiler"
	"pipec/state/vfs"
	"pipec/vm"
	"pipec/vm/clock"
)

// expected are the figures of examples/expected/flights.py, which computes them without pipec.
type expected struct {
	Days []struct {
		Carrier     string   `json:"carrier"`
		WindowStart string   `json:"window_start"`
		WindowEnd   string   `json:"window_end"`
		Flights     int64    `json:"flights"`
		Cancelled   int64    `json:"cancelled"`
		Average     *float64 `json:"average_delay"`
		Worst       *int64   `json:"worst_delay"`
	} `json:"days"`
	Totals []struct {
		Carrier     string `json:"carrier"`
		Flights     int64  `json:"flights"`
		Cancelled   int64  `json:"cancelled"`
		MinutesLate int64  `json:"minutes_late"`
	} `json:"totals"`
	Late []struct {
		Carrier string `json:"carrier"`
		Flight  int64  `json:"flight"`
		At      string `json:"at"`
	} `json:"late"`
}

// flightsInput is the month of flights as the files of one directory.
type flightsInput map[string][]byte

// flightInputs are the same rows in the forms that input comes in.
func flightInputs(t *testing.T) map[string]flightsInput {
	t.Helper()
	packed, err := os.ReadFile("../examples/data/flights-2013-01.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	header, rows, _ := bytes.Cut(plain, []byte("\n"))
	slices := flightsInput{}
	lines := bytes.SplitAfter(rows, []byte("\n"))
	for i := 0; i < len(lines); i += 4000 {
		part := append([]byte(string(header)+"\n"), bytes.Join(lines[i:min(i+4000, len(lines))], nil)...)
		slices[fmt.Sprintf("in/%03d.csv", i/4000)] = part
	}
	return map[string]flightsInput{
		"gzip":   {"in/flights.csv.gz": packed},
		"plain":  {"in/flights.csv": plain},
		"crlf":   {"in/flights.csv": bytes.ReplaceAll(plain, []byte("\n"), []byte("\r\n"))},
		"slices": slices,
	}
}

// TestFlights runs the main job in all its forms: whatever the backend, the parallelism, the size of batches and the form of the input, it gives what the independent
// computation gives, late rows included.
func TestFlights(t *testing.T) {
	data, err := os.ReadFile("../examples/expected/flights.json")
	if err != nil {
		t.Fatal(err)
	}
	var want expected
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	inputs := flightInputs(t)
	type form struct {
		input, backend string
		tasks, batch   int
	}
	forms := []form{{"gzip", "badger", 1, 1024}}
	for i, input := range []string{"gzip", "plain", "crlf", "slices"} {
		backend := []string{"memory", "fs", "badger"}[i%3]
		forms = append(forms, form{input, backend, 1 + i%3, 1024}, form{input, "badger", 3 - i%3, 7})
	}
	forms = append(forms, form{"plain", "fs", 2, 1}, form{"gzip", "memory", 3, 1}, form{"slices", "badger", 3, 1})
	if testing.Short() {
		forms = forms[:3]
	}
	for _, f := range forms {
		t.Run(fmt.Sprintf("%s/%s/p%d/batch%d", f.input, f.backend, f.tasks, f.batch), func(t *testing.T) {
			fs := vfs.NewMem()
			for name, data := range inputs[f.input] {
				place(t, fs, name, data)
			}
			sets := map[string]string{"job.state": f.backend, "job.parallelism": fmt.Sprint(f.tasks), "job.batch_size": fmt.Sprint(f.batch), "job.checkpoint.interval": "50ms", "job.checkpoint.storage": "chk"}
			runFlights(t, fs, sets)
			want.check(t, fs)
		})
	}
}

// runFlights runs the example to its end on real goroutines.
func runFlights(t *testing.T, fs vfs.FS, sets map[string]string) {
	t.Helper()
	text, err := os.ReadFile("../examples/flights.pipe")
	if err != nil {
		t.Fatal(err)
	}
	r := compiler.Check(compiler.Options{File: "../examples/flights.pipe", Text: string(text), Sets: sets, Params: map[string]string{"input": "in", "output": "out"}})
	if r.Plan == nil {
		t.Fatalf("%v", r.List)
	}
	sched := &vm.Goroutines{Clock: clock.Real()}
	rng := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	random := func() uint64 {
		mu.Lock()
		defer mu.Unlock()
		return rng.Uint64()
	}
	env := &vm.Env{FS: fs, Clock: clock.Real(), Sched: sched, Random: random, Stdout: io.Discard, Process: vm.Process{Host: "test", ID: 1}, Local: t.TempDir()}
	job, err := vm.New(r.Plan, env, vm.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if res := <-job.Start(); res.Err != nil {
		t.Fatal(res.Err)
	}
	sched.Wait()
}

func (want *expected) check(t *testing.T, fs vfs.FS) {
	t.Helper()
	var got expected
	decode(t, published(t, fs, "out/days"), &got.Days)
	decode(t, published(t, fs, "out/late"), &got.Late)
	decode(t, fold(t, published(t, fs, "out/totals"), []string{"carrier"}), &got.Totals)
	sort.Slice(got.Days, func(i, j int) bool {
		a, b := got.Days[i], got.Days[j]
		return a.Carrier+a.WindowStart < b.Carrier+b.WindowStart
	})
	sort.Slice(got.Totals, func(i, j int) bool { return got.Totals[i].Carrier < got.Totals[j].Carrier })
	sort.Slice(got.Late, func(i, j int) bool {
		a, b := got.Late[i], got.Late[j]
		return fmt.Sprintf("%s %s %9d", a.At, a.Carrier, a.Flight) < fmt.Sprintf("%s %s %9d", b.At, b.Carrier, b.Flight)
	})
	if len(got.Days) != len(want.Days) || len(got.Late) != len(want.Late) || len(got.Totals) != len(want.Totals) {
		t.Fatalf("%d days, %d late, %d totals; want %d, %d, %d", len(got.Days), len(got.Late), len(got.Totals), len(want.Days), len(want.Late), len(want.Totals))
	}
	for i, g := range got.Days {
		w := want.Days[i]
		if (g.Average == nil) != (w.Average == nil) || g.Average != nil && math.Abs(*g.Average-*w.Average) > 1e-9 {
			t.Errorf("%s %s: average %v, want %v", g.Carrier, g.WindowStart, g.Average, w.Average)
		}
		g.Average, w.Average = nil, nil
		if a, b := line(t, g), line(t, w); a != b {
			t.Errorf("day %s, want %s", a, b)
		}
	}
	if a, b := line(t, got.Totals), line(t, want.Totals); a != b {
		t.Errorf("totals %s, want %s", a, b)
	}
	if a, b := line(t, got.Late), line(t, want.Late); a != b {
		t.Error("the late rows are others")
	}
}

func decode(t *testing.T, lines []string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte("["+strings.Join(lines, ",")+"]"), into); err != nil {
		t.Fatal(err)
	}
}

func line(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
