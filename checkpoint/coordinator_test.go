package checkpoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"pipec/checkpoint/event"
	"pipec/compiler/plan"
)

var zero = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

func settings() plan.Checkpoint {
	return plan.Checkpoint{Interval: time.Second, Timeout: 10 * time.Minute, MaxConcurrent: 1, Retain: 1}
}

// TestScripts plays testdata/coordinator: each line that is not indented is a command "@MS EVENT args" or "config key=value...", the
// indented ones below it are what the coordinator answered and when it wants to be woken. Lines with # are comments.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/coordinator/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := playScript(string(want))
			if err != nil {
				t.Fatal(err)
			}
			if os.Getenv("PIPEC_UPDATE") != "" {
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Fatal(d)
			}
		})
	}
}

func playScript(script string) (string, error) {
	var out strings.Builder
	set := settings()
	c := NewCoordinator(set)
	for n, line := range strings.Split(strings.TrimRight(script, "\n"), "\n") {
		if strings.HasPrefix(line, "\t") {
			continue // what was answered before
		}
		fmt.Fprintln(&out, line)
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if words[0] == "config" {
			if err := configure(&set, words[1:]); err != nil {
				return "", fmt.Errorf("line %d: %w", n+1, err)
			}
			c = NewCoordinator(set)
			continue
		}
		ms, err := strconv.Atoi(strings.TrimPrefix(words[0], "@"))
		if err != nil {
			return "", fmt.Errorf("line %d: %w", n+1, err)
		}
		e, err := parseEvent(words[1], words[2:])
		if err != nil {
			return "", fmt.Errorf("line %d: %w", n+1, err)
		}
		for _, a := range c.Step(zero.Add(time.Duration(ms)*time.Millisecond), e) {
			fmt.Fprintf(&out, "\t%s\n", a)
		}
		if at, ok := c.NextWake(); ok {
			fmt.Fprintf(&out, "\twake @%d\n", at.Sub(zero).Milliseconds())
		}
		if c.Busy() {
			fmt.Fprintln(&out, "\tbusy")
		}
	}
	return out.String(), nil
}

func configure(set *plan.Checkpoint, args []string) error {
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		d, derr := time.ParseDuration(value)
		n, nerr := strconv.Atoi(value)
		switch key {
		case "interval":
			set.Interval = d
		case "pause":
			set.MinPause = d
		case "timeout":
			set.Timeout = d
		case "concurrent":
			set.MaxConcurrent = n
		case "retain":
			set.Retain = n
		case "tolerate":
			set.Tolerate = n
		default:
			return fmt.Errorf("unknown setting %q", key)
		}
		if derr != nil && nerr != nil {
			return errors.Join(derr, nerr)
		}
	}
	return nil
}

func parseEvent(word string, args []string) (Event, error) {
	named := map[string]string{}
	var plain []string
	for _, a := range args {
		if k, v, ok := strings.Cut(a, "="); ok {
			named[k] = v
		} else {
			plain = append(plain, a)
		}
	}
	id := func() uint64 {
		n, _ := strconv.ParseUint(plain[0], 10, 64)
		return n
	}
	failure := func() error {
		if len(plain) > 1 {
			return errors.New(strings.Join(plain[1:], " "))
		}
		return nil
	}
	handle := func(task string) []Handle { return []Handle{{Task: task, Kind: Task, Inline: []byte("s")}} }
	switch word {
	case "start":
		e := Started{Tasks: plain}
		e.Jitter, _ = strconv.ParseFloat(named["jitter"], 64)
		e.NextID, _ = strconv.ParseUint(named["next"], 10, 64)
		for _, s := range strings.FieldsFunc(named["completed"], func(r rune) bool { return r == ',' }) {
			n, _ := strconv.ParseUint(s, 10, 64)
			e.Completed = append(e.Completed, n)
		}
		if t := named["ended"]; t != "" {
			e.Ended = handle(t)
		}
		return e, nil
	case "tick":
		return Tick{}, nil
	case "trigger":
		return Trigger{Kind: Kind(plain[0]), Request: named["request"]}, nil
	case "ack":
		return Ack{ID: id(), Task: plain[1], Handles: handle(plain[1]), Stats: Stats{Written: 1}}, nil
	case "decline":
		return Decline{ID: id(), Task: plain[1], Reason: Reason(plain[2]), Text: strings.Join(plain[3:], " ")}, nil
	case "ended":
		return TaskEnded{Task: plain[0], Handles: handle(plain[0])}, nil
	case "failed":
		return Failed{}, nil
	case "written":
		return Written{ID: id(), Path: "p", Err: failure()}, nil
	case "stored":
		return Stored{ID: id(), Err: failure()}, nil
	case "committed":
		return Committed{ID: id(), Err: failure()}, nil
	case "allended":
		return AllEnded{}, nil
	case "suspend":
		return Suspend{}, nil
	}
	return nil, fmt.Errorf("unknown event %q", word)
}

// driver plays the executor with one task: each checkpoint takes a given time from trigger to record, commits take none.
type driver struct {
	c         *Coordinator
	now       time.Time
	durations []time.Duration // of the n-th checkpoint; the last one repeats
	ends      map[uint64]time.Time
	starts    []int
	started   int
}

func (d *driver) step(e Event) {
	for _, a := range d.c.Step(d.now, e) {
		switch a := a.(type) {
		case Inject:
			dur := d.durations[min(d.started, len(d.durations)-1)]
			d.started++
			d.starts = append(d.starts, int(d.now.Sub(zero).Milliseconds()))
			d.ends[a.ID] = d.now.Add(dur)
		case Write:
			d.step(Written{ID: a.ID})
		case PutRecord:
			d.step(Stored{ID: a.ID})
		case Publish:
			d.step(Committed{ID: a.ID})
		}
	}
}

// run plays until the given time: whatever is due first happens first; acknowledgements before ticks.
func (d *driver) run(until time.Time) {
	for {
		next, ok := d.c.NextWake()
		var done uint64
		for id, at := range d.ends {
			if !ok || at.Before(next) || at.Equal(next) && done == 0 {
				next, ok, done = at, true, id
			}
		}
		if !ok || next.After(until) {
			return
		}
		d.now = next
		if done != 0 {
			delete(d.ends, done)
			d.step(Ack{ID: done, Task: "t"})
		} else {
			d.step(Tick{})
		}
	}
}

// TestTimelines holds when checkpoints begin (flink-facts 52-58): the steady grid, the pause from completion, no pile-up.
func TestTimelines(t *testing.T) {
	ms := func(list ...int) []time.Duration {
		var out []time.Duration
		for _, n := range list {
			out = append(out, time.Duration(n)*time.Millisecond)
		}
		return out
	}
	for _, c := range []struct {
		name            string
		interval, pause int
		jitter          float64
		durations       []time.Duration
		want            []int
	}{
		{"shorter than the interval", 1000, 0, 0, ms(300), []int{0, 1000, 2000, 3000, 4000}},
		{"a pause that is over in time", 1000, 500, 0, ms(300), []int{500, 1500, 2500, 3500, 4500}},
		{"a pause that shifts the grid", 1000, 500, 0, ms(800), []int{500, 1800, 3100, 4400}},
		{"a pause longer than the interval", 1000, 2000, 0, ms(300), []int{2000, 4300, 6600}},
		{"one slow checkpoint and a pause", 1000, 500, 0, ms(200, 1200, 200), []int{500, 1500, 3200, 4200}},
		{"slower than the interval: no burst", 1000, 0, 0, ms(2500), []int{0, 2500, 5000}},
		{"one slow checkpoint keeps the grid", 1000, 0, 0, ms(2500, 100), []int{0, 2500, 3000, 4000, 5000}},
		{"jitter moves the grid", 1000, 0, 0.5, ms(300), []int{500, 1500, 2500, 3500, 4500}},
		{"jitter between pause and interval", 1000, 500, 0.5, ms(100), []int{750, 1750, 2750, 3750, 4750}},
		{"jitter with a pause above the interval", 1000, 2000, 0.9, ms(100), []int{2000, 4100, 6200}},
	} {
		set := settings()
		set.Interval, set.MinPause = time.Duration(c.interval)*time.Millisecond, time.Duration(c.pause)*time.Millisecond
		d := &driver{c: NewCoordinator(set), now: zero, durations: c.durations, ends: map[uint64]time.Time{}}
		d.step(Started{Tasks: []string{"t"}, Jitter: c.jitter})
		d.run(zero.Add(time.Duration(c.want[len(c.want)-1]) * time.Millisecond))
		if diff := cmp.Diff(c.want, d.starts); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// TestMissedTicks: after the process was stopped for a while, one checkpoint follows, not one for each tick that was missed.
func TestMissedTicks(t *testing.T) {
	c := NewCoordinator(settings())
	c.Step(zero, Started{Tasks: []string{"t"}})
	n := 0
	for _, a := range c.Step(zero.Add(10500*time.Millisecond), Tick{}) {
		if _, ok := a.(Inject); ok {
			n++
		}
	}
	if at, _ := c.NextWake(); n != 1 || at.Sub(zero) != 11*time.Second {
		t.Fatalf("%d triggers, next at %v", n, at.Sub(zero))
	}
}

// TestInvariants plays random events against the rules that must hold in every history.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := settings()
		set.MaxConcurrent = rapid.IntRange(1, 3).Draw(t, "concurrent")
		set.Retain = rapid.IntRange(1, 3).Draw(t, "retain")
		set.Tolerate = rapid.IntRange(0, 2).Draw(t, "tolerate")
		set.Timeout = 3 * time.Second
		m := &model{t: t, set: set, c: NewCoordinator(set), now: zero, open: map[uint64]Kind{}, base: map[uint64]int{}, gone: map[uint64]bool{}}
		m.step(Started{Tasks: []string{"a", "b"}})
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			m.now = m.now.Add(time.Duration(rapid.IntRange(0, 1200).Draw(t, "ms")) * time.Millisecond)
			m.random()
		}
	})
}

// model knows what the executor would know, and checks each action against it.
type model struct {
	t          *rapid.T
	set        plan.Checkpoint
	c          *Coordinator
	now        time.Time
	last       uint64          // newest id
	open       map[uint64]Kind // injected and not over
	base       map[uint64]int  // how many had ever completed at the trigger: deltas may build on the last of these
	released   int
	settled    bool // one was published since the start, so that what is too many was let go
	gone       map[uint64]bool
	writing    uint64
	recording  uint64
	publishing uint64
	completed  []uint64
	down, over bool
}

func (m *model) random() {
	t := m.t
	if m.down {
		if m.recording == 0 { // Busy must be over before a restart
			m.step(Started{Tasks: []string{"a", "b"}, Completed: m.completed})
			return
		}
	}
	id := rapid.Uint64Range(max(m.last, 4)-3, m.last+1).Draw(t, "id")
	fail := rapid.IntRange(0, 4).Draw(t, "fail") == 0
	var err error
	if fail {
		err = errors.New("x")
	}
	switch rapid.IntRange(0, 9).Draw(t, "event") {
	case 0, 1:
		m.step(Tick{})
	case 2, 3:
		m.step(Ack{ID: id, Task: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "task")})
	case 4:
		m.step(Ack{ID: id, Task: "a"})
		m.step(Ack{ID: id, Task: "b"})
	case 5:
		if m.writing != 0 {
			m.step(Written{ID: m.writing, Err: err})
		}
	case 6:
		if m.recording != 0 {
			m.step(Stored{ID: m.recording, Err: err})
		}
	case 7:
		if m.publishing != 0 {
			m.step(Committed{ID: m.publishing, Err: err})
		}
	case 8:
		if fail {
			m.step(Decline{ID: id, Task: "a", Reason: Declined})
		} else {
			m.step(Trigger{Kind: Manual})
		}
	case 9:
		if fail {
			m.step(Failed{})
		}
	}
}

func (m *model) step(e Event) {
	if m.over {
		return
	}
	switch e := e.(type) {
	case Started:
		m.down, m.publishing, m.settled = false, 0, false
	case Failed:
		m.down = true
	case Written:
		m.writing = 0
	case Stored:
		m.recording = 0
		if e.Err == nil {
			m.completed = append(m.completed, e.ID)
			delete(m.open, e.ID)
			m.gone[e.ID] = true
		}
	case Committed:
		m.publishing = 0
		m.settled = e.Err == nil
	}
	for _, a := range m.c.Step(m.now, e) {
		m.check(a)
	}
	if m.settled && !m.down && m.publishing == 0 && len(m.open) == 0 && len(m.completed) > m.set.Retain {
		m.t.Fatalf("%v are complete, nothing is on its way, and only %d are to be kept", m.completed, m.set.Retain)
	}
}

func (m *model) check(a Action) {
	t := m.t
	switch a := a.(type) {
	case Inject:
		if a.ID <= m.last {
			t.Fatalf("id %d after %d", a.ID, m.last)
		}
		m.last = a.ID
		m.open[a.ID] = a.Kind
		m.base[a.ID] = m.released + len(m.completed)
		if len(m.open) > m.set.MaxConcurrent || m.down {
			t.Fatalf("%v at once, limit %d; down: %v", m.open, m.set.MaxConcurrent, m.down)
		}
	case Write:
		if m.recording != 0 || m.publishing != 0 {
			t.Fatalf("write %d while %d is recorded and %d is published", a.ID, m.recording, m.publishing)
		}
		m.writing = a.ID
	case PutRecord:
		if m.gone[a.ID] || m.publishing != 0 {
			t.Fatalf("record %d: over %v, publishing %d", a.ID, m.gone[a.ID], m.publishing)
		}
		m.recording = a.ID
	case Publish:
		if len(m.completed) == 0 || m.completed[len(m.completed)-1] != a.ID || m.down {
			t.Fatalf("publish %d, complete %v", a.ID, m.completed)
		}
		m.publishing = a.ID
	case Release:
		for _, id := range a.IDs {
			if len(m.completed) <= m.set.Retain || m.completed[0] != id {
				t.Fatalf("release %d of %v, retain %d", id, m.completed, m.set.Retain)
			}
			m.completed = m.completed[1:]
			m.released++
		}
		for id := range m.open {
			if m.base[id] > 0 && m.released >= m.base[id] {
				t.Fatalf("release %d: checkpoint %d, still on its way, may build on it", a.IDs, id)
			}
		}
	case Abort:
		if _, ok := m.open[a.ID]; !ok {
			t.Fatalf("abort %d, open %v", a.ID, m.open)
		}
		delete(m.open, a.ID)
		m.gone[a.ID] = true
		if m.writing == a.ID {
			m.writing = 0
		}
	case FailJob:
		m.down = true
		m.step(Failed{})
	case Emit:
		if f, ok := a.Body.(*event.CheckpointFailed); ok && f.Consecutive > m.set.Tolerate+1 {
			t.Fatalf("%d failures in a row, %d tolerated", f.Consecutive, m.set.Tolerate)
		}
	}
}
