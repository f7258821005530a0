package status

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/vm/value"
)

var zero = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return zero.Add(d) }
func mark(d time.Duration) Mark    { return Mark(at(d).UnixMicro()) }

func TestMark(t *testing.T) {
	for m, want := range map[Mark]string{Mark(value.NoTime): "null", Mark(value.EndTime): `"end"`, mark(1500 * time.Millisecond): `"2026-01-01T00:00:01.5Z"`} {
		data, err := json.Marshal(m)
		if err != nil || string(data) != want {
			t.Errorf("%s, %v; want %s", data, err, want)
		}
		var back Mark
		if err := json.Unmarshal(data, &back); err != nil || back != m {
			t.Errorf("%s comes back as %v, %v", data, back, err)
		}
	}
	var m Mark
	if json.Unmarshal([]byte(`"soon"`), &m) == nil {
		t.Error("no watermark was taken")
	}
	if Mark(value.NoTime).String() != "-" || Mark(value.NoTime).Known() || !mark(0).Known() {
		t.Error("an unknown watermark")
	}
}

// source joins two sources: a, timed, with two tasks; b, timed; the sink behind them.
func joined() *plan.Plan {
	stream := []plan.Port{{Type: plan.StreamType{Timed: true}}}
	p := &plan.Plan{Nodes: []*plan.Node{{ID: "a", Kind: "source", Stream: "a", Ports: stream}, {ID: "b", Kind: "source", Stream: "b", Ports: stream, Single: true},
		{ID: "u", Kind: "union", Stream: "u", Ports: stream}, {ID: "out", Kind: "sink", Stream: "out"}, {ID: "plain", Kind: "where", Ports: []plan.Port{{}}}}}
	for _, e := range [][2]string{{"a", "u"}, {"b", "u"}, {"u", "out"}} {
		p.Edges = append(p.Edges, &plan.Edge{From: e[0], To: e[1]})
	}
	p.Job.Parallelism = 2
	return p
}

func counts(id string, in, out int64) event.StageCounts {
	return event.StageCounts{ID: id, RowsIn: in, RowsOut: out, Late: 1, Skipped: 2}
}

func TestBuild(t *testing.T) {
	earlier := NewTotals()
	earlier.Add(&Part{Stages: []event.StageCounts{counts("a", 0, 100), counts("out", 7, 7)}, Bytes: []int64{1000, 70}})
	parts := []*Part{
		{Stages: []event.StageCounts{counts("a", 0, 10)}, Bytes: []int64{50}, Watermark: mark(9 * time.Second), Held: true,
			Splits: &Splits{Total: 2, Reading: 1, Ended: 1, Behind: "a1", BehindMark: mark(9 * time.Second)}},
		{Stages: []event.StageCounts{counts("a", 0, 5)}, Bytes: []int64{25}, Watermark: mark(4 * time.Second),
			Splits: &Splits{Total: 2, Waiting: 1, Idle: 1, Behind: "a2", BehindMark: Mark(value.NoTime), BehindWaits: true}},
		{Stages: []event.StageCounts{counts("b", 0, 1)}, Bytes: []int64{1}, Watermark: mark(time.Second), Splits: &Splits{Total: 1, Reading: 1, Behind: "b1", BehindMark: mark(time.Second)}},
		nil, // has not answered yet
		{Stages: []event.StageCounts{counts("u", 3, 3), counts("out", 3, 3)}, Bytes: []int64{0, 30}, Watermark: mark(2 * time.Second)},
	}
	var tr Tracker
	j := Build(Job{Time: at(0)}, joined(), earlier, parts, &tr)
	want := []Stage{
		{ID: "a", Kind: "source", Tasks: 2, RowsIn: 115, RowsOut: 115, Late: 3, Skipped: 6, Bytes: 1075, Held: 1, Timed: true, Watermark: mark(4 * time.Second),
			Splits: &Splits{Total: 4, Reading: 1, Waiting: 1, Idle: 1, Ended: 1, Behind: "a2", BehindMark: Mark(value.NoTime), BehindWaits: true}},
		{ID: "b", Kind: "source", Tasks: 1, RowsIn: 1, RowsOut: 1, Late: 1, Skipped: 2, Bytes: 1, Timed: true, Watermark: mark(time.Second), Splits: parts[2].Splits},
		{ID: "u", Kind: "union", Tasks: 2, RowsIn: 3, RowsOut: 3, Late: 1, Skipped: 2, Timed: true, Watermark: mark(2 * time.Second)},
		{ID: "out", Kind: "sink", Tasks: 2, RowsIn: 10, RowsOut: 10, Late: 2, Skipped: 4, Bytes: 100, Timed: true, Watermark: mark(2 * time.Second)},
		{ID: "plain", Kind: "where", Tasks: 2, Watermark: Mark(value.NoTime)},
	}
	if d := cmp.Diff(want, j.Stages); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(&Holder{Source: "a", Split: "a2", Why: "waiting", Watermark: Mark(value.NoTime)}, j.HeldBack); d != "" || j.Watermark != mark(time.Second) {
		t.Errorf("%v %s", j.Watermark, d)
	}
	if again := Build(Job{Time: at(0)}, joined(), earlier, parts, &tr); !cmp.Equal(again.Stages, j.Stages) {
		t.Error("to look changes what is seen")
	}
	sum := earlier.Summary(joined())
	if len(sum.Sources) != 1 || sum.Sources[0] != (event.EndpointCounts{Name: "a", Rows: 100, Bytes: 1000}) || len(sum.Sinks) != 1 || sum.Sinks[0].Bytes != 70 || len(sum.Stages) != 2 {
		t.Errorf("%+v", sum)
	}
}

// TestTracker follows a job through all it can live through.
func TestTracker(t *testing.T) {
	var tr Tracker
	look := func(now time.Duration) Job {
		return Build(Job{Time: at(now), Started: at(0)}, joined(), NewTotals(), make([]*Part, 4), &tr)
	}
	if j := look(time.Second); j.State != event.Starting || !j.Since.Equal(at(0)) {
		t.Errorf("before the claim: %+v", j)
	}
	tr.Take(at(time.Second), &event.Job{State: event.Starting})
	tr.Take(at(2*time.Second), &event.Restored{From: "p", Kind: "checkpoint", ID: 6, Bytes: 9, DurationMS: 8})
	tr.Take(at(2*time.Second), &event.Job{State: event.Running})
	tr.Take(at(3*time.Second), &event.CheckpointTriggered{ID: 7, Kind: "periodic"})
	tr.Take(at(3*time.Second), &event.CheckpointTriggered{ID: 8, Kind: "manual"})
	tr.Acked(8)
	j := look(4 * time.Second)
	if d := cmp.Diff(&Pending{ID: 8, Kind: "manual", ForMS: 1000, Tasks: 4, Acked: 1}, j.Checkpoints.Pending); d != "" || j.Restored.ID != 6 || !j.Since.Equal(at(2*time.Second)) {
		t.Errorf("%s %+v", d, j)
	}
	tr.Take(at(4*time.Second), &event.CheckpointCompleted{ID: 8, Path: "q", DurationMS: 1000, Bytes: 5, FullBytes: 50})
	tr.Take(at(5*time.Second), &event.CheckpointFailed{ID: 7, Reason: "expired", Text: "late", Consecutive: 1})
	j = look(6 * time.Second)
	c := j.Checkpoints
	if c.Completed != 1 || c.Failed != 1 || c.Consecutive != 1 || c.Last.AgeMS != 2000 || c.Last.Path != "q" || c.LastFailure.Reason != "expired" || c.Pending != nil {
		t.Errorf("%+v", c)
	}
	tr.Take(at(7*time.Second), &event.CheckpointTriggered{ID: 9})
	tr.Take(at(8*time.Second), &event.Job{State: event.Restarting})
	tr.Take(at(8*time.Second), &event.Restart{Attempt: 1, DelayMS: 3000, Cause: "bad"})
	j = look(9 * time.Second)
	if j.State != event.Restarting || j.Restarts != 1 || j.Cause != "bad" || j.RestartAt == nil || !j.RestartAt.Equal(at(11*time.Second)) || j.Checkpoints.Pending != nil || j.Restored != nil {
		t.Errorf("%+v", j)
	}
	if j = look(12 * time.Second); j.RestartAt != nil {
		t.Error("a restart that has begun is not to come")
	}
	tr.Take(at(12*time.Second), &event.Job{State: event.Running})
	tr.Take(at(13*time.Second), &event.CheckpointCompleted{ID: 10})
	if n, again := tr.Counts(); n != (event.CheckpointCounts{Completed: 2, Failed: 1}) || again != 1 || look(14*time.Second).Checkpoints.Consecutive != 0 {
		t.Errorf("%+v, %d", n, again)
	}
}
