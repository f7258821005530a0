// Package group is the operators that keep aggregates by key: without a window, and in tumbling and sliding windows.
//
//	group.go      Config, Window, New: the door
//	grouping.go   keys, arguments, slots: the way from a row to its accumulators
//	repeats.go    rows of a batch that share a look-up
//	emission.go   results as rows: inserts, or changes with what was there before
//	running.go    without a window: every change of a group is given
//	lateness.go   which windows a row still counts for
//	windowed.go   what all windows have in common
//	panes.go      a pane of state per window
//	slices.go     slices of time that overlapping windows share
//	total.go      their sum, from window to window
package group

import (
	"fmt"

	"pipec/compiler/plan"
	"pipec/vm/op/run"
	"pipec/vm/value"
)

// Config is the Config of aggregate and count.
type Config struct {
	Keys       []int            `json:"keys,omitempty"` // columns of the input
	Window     *Window          `json:"window,omitempty"`
	Late       int              `json:"late,omitempty"` // port of rows that are late for all their windows; 0: they are counted
	Aggregates []plan.Aggregate `json:"aggregates"`
	Names      []string         `json:"names"` // of the aggregates in snapshots: stable as long as the text of the stage is
	Items      []*plan.Expr     `json:"items"` // the columns behind key and window: over key, window and aggregates
}

// Wants implements run.Config.
func (a *Config) Wants(ports [][]bool, in []bool) {
	for _, k := range a.Keys {
		in[k] = true
	}
	for _, x := range a.Aggregates {
		for _, e := range x.Args {
			e.Columns(in)
		}
		x.Where.Columns(in)
	}
	if a.Late > 0 && a.Late < len(ports) {
		for i, wanted := range ports[a.Late] {
			in[i] = in[i] || wanted
		}
	}
}

// Window is how rows are divided by event time. All times are microseconds.
type Window struct {
	Kind   string `json:"kind"` // tumbling, sliding
	Size   int64  `json:"size"`
	Step   int64  `json:"step"` // sliding: every; tumbling: the size
	Offset int64  `json:"offset,omitempty"`
	Allow  int64  `json:"allow,omitempty"` // allow late
}

// Longest bounds sizes, steps, offsets and lateness (some 36,000 years), and earliest and latest bound the event times that windows take: so no sum of them leaves int64.
const (
	Longest  = 1 << 60
	latest   = 1 << 61
	earliest = -latest
)

// String is the window in canonical form, for the signature of its state.
func (w *Window) String() string {
	short := func(d int64) string { return string(value.AppendDuration(nil, d)) }
	s := w.Kind + " " + short(w.Size)
	if w.Kind == "sliding" {
		s += " every " + short(w.Step)
	}
	if w.Offset != 0 {
		s += " offset " + short(w.Offset)
	}
	if w.Allow != 0 {
		s += " allow late " + short(w.Allow)
	}
	return s
}

// last is the start of the last window that t belongs to (tumbling: the only one), rounding down also before 1970 (Flink: TimeWindow.getWindowStartWithOffset).
// With a step larger than the size, t may lie behind its end.
func (w *Window) last(t int64) int64 {
	p := (t - w.Offset) % w.Step
	if p < 0 {
		p += w.Step
	}
	return t - p
}

// New makes the operator of aggregate and of count.
func New(c *run.Context) (run.Operator, error) {
	config, ok := c.Node.Config.(*Config)
	if !ok {
		return nil, fmt.Errorf("%s: a config of type %T", c.Node.ID, c.Node.Config)
	}
	if config.Window == nil {
		return newRunning(c, config)
	}
	return newWindowed(c, config)
}
