package main

import (
	"testing"

	"pipec/checkpoint/event"
	"pipec/cmd/pipec/screen"
	"pipec/compiler/plan"
	"pipec/vm/value"
)

// TestTablesOverRestarts holds what a live table shows, and says to be missing, when its job begins, restarts inside the process, or goes on from a snapshot.
func TestTablesOverRestarts(t *testing.T) {
	restored := &event.Restored{Kind: "checkpoint", ID: 7}
	running := &event.Job{State: event.Running}
	restarting := &event.Job{State: event.Restarting}
	note := "… only rows changed since checkpoint 7"
	for _, c := range []struct {
		name, source string
		before       []event.Body // then a row comes
		after        []event.Body
		want         []string // below the heading
	}{
		{"from nothing", "sequence", []event.Body{running}, nil, []string{"w"}},
		{"from a snapshot", "sequence", []event.Body{restored, running}, nil, []string{"w", note}},
		{"a restart from a checkpoint", "sequence", []event.Body{running}, []event.Body{restarting, restored, running}, []string{"w"}},
		{"a restart of a job that began from a snapshot", "sequence", []event.Body{restored, running}, []event.Body{restarting, &event.Restored{Kind: "checkpoint", ID: 9}, running}, []string{"w", note}},
		{"a restart from a checkpoint, and rows that do not come again", "socket", []event.Body{running}, []event.Body{restarting, restored, running}, []string{"… no row has changed since checkpoint 7"}},
		{"a restart from nothing, and rows that do not come again", "socket", []event.Body{running}, []event.Body{restarting, running}, nil},
	} {
		p := &plan.Plan{Nodes: []*plan.Node{{ID: "in", Kind: "source", Config: &plan.SourceConfig{Connector: c.source}}}}
		schema := value.Schema{Fields: []value.Field{{Name: "word", Type: value.Of(value.String)}}}
		table, err := screen.NewTable("out", schema, []string{"word"}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		d := &display{plan: p, tables: map[string]*screen.Table{"out": table}}
		emit := func(bodies []event.Body) {
			for _, b := range bodies {
				d.Emit(event.Event{Body: b})
			}
		}
		emit(c.before)
		b := value.NewBatch(schema)
		b.Reset(1)
		b.Cols[0].SetString(0, "w")
		if err := table.Apply(b, b.Rows()); err != nil {
			t.Fatal(err)
		}
		emit(c.after)
		lines := table.Lines(79, 10)
		if len(lines) > 1 {
			lines = lines[1:]
		}
		ok := len(lines) == len(c.want)
		for i := 0; ok && i < len(lines); i++ {
			ok = lines[i].Text == c.want[i]
		}
		if !ok {
			t.Errorf("%s: %q, want %q", c.name, lines, c.want)
		}
	}
}

// TestTableTitles: two pipelines without a name into stdout are told apart.
func TestTableTitles(t *testing.T) {
	p := compiledText(t, `source n from sequence { to = 9 }
stream counts = from n |> key by value |> count
from counts |> into stdout
from counts |> where count > 1 |> into stdout`)
	d := &display{plan: p}
	if a, b := d.stream("stdout/sink/1"), d.stream("stdout/sink/2"); a != "counts" || b != "stdout/where/1" {
		t.Errorf("%q and %q", a, b)
	}
}
