package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var at = time.Date(2024, 3, 1, 12, 0, 0, 1500, time.FixedZone("", 3600))

func samples() []Body {
	return []Body{
		&Job{State: Starting, Epoch: 4},
		&Job{State: Failed, Cause: "task a/0: boom"},
		&Restored{From: "x/chk-3", Kind: "checkpoint", ID: 3, Bytes: 10, DurationMS: 2},
		&CheckpointTriggered{ID: 4, Kind: "periodic"},
		&CheckpointCompleted{ID: 4, Path: "x/chk-4", DurationMS: 12, AlignMS: 1, SyncMS: 2, AsyncMS: 3, Bytes: 100, FullBytes: 200, Incremental: true},
		&CheckpointFailed{ID: 5, Reason: "too_large", Text: "6 > 5", Consecutive: 1},
		&Restart{Attempt: 1, DelayMS: 1000, Strategy: "fixed_delay", Cause: "boom"},
		&Committed{ID: 4, Sink: "out/into/1", Recovered: true},
		&Summary{State: Finished, DurationMS: 99, Sources: []EndpointCounts{{"in", 1, 2}}, Stages: []StageCounts{{"s", 1, 2, 3, 4, 5}},
			Sinks: []EndpointCounts{{"out", 3, 4}}, Checkpoints: CheckpointCounts{1, 2}, Restarts: 1},
	}
}

// TestGolden holds the bytes that scripts parse; field names are a contract.
func TestGolden(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	e := Emitter{Job: "flights", Run: "20240301T120000Z", Now: func() time.Time { return at }, To: FanOut(nil, w)}
	for _, b := range samples() {
		e.Emit(b)
	}
	if w.Err() != nil {
		t.Fatal(w.Err())
	}
	const name = "testdata/events.jsonl"
	if os.Getenv("PIPEC_UPDATE") != "" {
		if err := os.WriteFile(name, out.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), out.String()); d != "" {
		t.Fatal(d)
	}
}

func TestRoundTrip(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range samples() {
		in := Event{Time: at.Truncate(time.Microsecond).UTC(), Job: "j", Run: "r", Body: b}
		data, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var out Event
		if err := json.Unmarshal(data, &out); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if d := cmp.Diff(in, out); d != "" {
			t.Error(d)
		}
		seen[b.Name()] = true
	}
	for _, b := range bodies() {
		if !seen[b.Name()] {
			t.Errorf("no sample of %s", b.Name())
		}
	}
	var out Event
	err := json.Unmarshal([]byte(`{"time":"2024-03-01T11:00:00Z","event":"nope"}`), &out)
	if err == nil || !strings.Contains(err.Error(), `"nope"`) {
		t.Fatal(err)
	}
}

type failing struct{ writes int }

func (f *failing) Write(p []byte) (int, error) { f.writes++; return 0, errors.New("disk full") }

func TestWriterStopsAtTheFirstError(t *testing.T) {
	f := &failing{}
	w := NewWriter(f)
	w.Emit(Event{Body: &Job{}})
	w.Emit(Event{Body: &Job{}})
	if w.Err() == nil || f.writes != 1 {
		t.Fatal(w.Err(), f.writes)
	}
	var none *Emitter
	none.Emit(&Job{})
}
