package main

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"syscall"
	"testing"
)

// eventFields is the table of the contract: the fields of each event behind time, job, run and event, with their types; ? for those that may be left out.
var eventFields = map[string]string{
	"job":                  "state:string cause:string? epoch:number?",
	"restored":             "from:string kind:string id:number bytes:number duration_ms:number",
	"checkpoint_triggered": "id:number kind:string",
	"checkpoint_completed": "id:number path:string duration_ms:number align_ms:number sync_ms:number async_ms:number bytes:number full_bytes:number incremental:bool",
	"checkpoint_failed":    "id:number reason:string text:string? consecutive:number",
	"restart":              "attempt:number delay_ms:number strategy:string cause:string",
	"committed":            "id:number sink:string recovered:bool",
	"summary":              "state:string duration_ms:number sources:list stages:list sinks:list checkpoints:object restarts:number",
}

var words = map[string][]string{
	"job.state":                 {"starting", "running", "restarting", "suspended", "stopped", "finished", "failed", "cancelled"},
	"restored.kind":             {"checkpoint", "savepoint"},
	"checkpoint_triggered.kind": {"periodic", "manual", "savepoint", "final"},
	"checkpoint_failed.reason":  {"expired", "declined", "io", "too_large", "superseded", "suspended", "task_failed"},
	"summary.state":             {"suspended", "stopped", "finished", "failed", "cancelled"},
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case float64:
		return "number"
	case bool:
		return "bool"
	case []any:
		return "list"
	case map[string]any:
		return "object"
	}
	return fmt.Sprintf("%T", v)
}

// checkFields compares one event with the table.
func checkFields(t *testing.T, h happened) {
	t.Helper()
	name := h.text("event")
	fields, ok := eventFields[name]
	if !ok {
		t.Errorf("no event of the contract: %v", h)
		return
	}
	want := map[string]string{"time": "string", "job": "string", "run": "string", "event": "string"}
	for _, f := range strings.Fields(fields) {
		key, kind, _ := strings.Cut(f, ":")
		bare, optional := strings.CutSuffix(kind, "?")
		if _, there := h[key]; !there && optional {
			continue
		}
		want[key] = bare
	}
	var got []string
	for key, v := range h {
		got = append(got, key)
		if want[key] != kindOf(v) {
			t.Errorf("%s.%s is of type %s, want %q: %v", name, key, kindOf(v), want[key], h)
		}
		if list := words[name+"."+key]; list != nil && !slices.Contains(list, v.(string)) {
			t.Errorf("%s.%s = %v, want one of %v", name, key, v, list)
		}
	}
	if len(got) != len(want) {
		sort.Strings(got)
		t.Errorf("%s has the fields %v, want %v", name, got, want)
	}
	if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`).MatchString(h.text("time")) {
		t.Errorf("time %q", h.text("time"))
	}
}

// checkOrder holds what may follow what, in the events of one process.
func checkOrder(t *testing.T, log []happened) {
	t.Helper()
	state, last := "", ""
	open := map[int]bool{} // triggered, neither completed nor failed
	complete := map[int]bool{}
	next := map[string][]string{"": {"starting", "failed"}, "starting": {"running", "restarting", "failed", "suspended"}, "running": {"restarting", "suspended", "finished", "failed"},
		"restarting": {"running", "restarting", "failed", "suspended"}}
	for i, h := range log {
		if at := h.text("time"); at < last {
			t.Errorf("%v comes after %s", h, last)
		} else {
			last = at
		}
		id := h.number("id")
		switch h.text("event") {
		case "job":
			if !slices.Contains(next[state], h.text("state")) {
				t.Errorf("%s after %s", h.text("state"), state)
			}
			state = h.text("state")
		case "restored":
			if state != "starting" && state != "restarting" {
				t.Errorf("restored while the job is %s", state)
			}
			complete[id] = true
		case "restart":
			if !log[i-1].is("job") || state != "restarting" || h.text("cause") != log[i-1].text("cause") {
				t.Errorf("a restart does not follow the state: %v", h)
			}
		case "checkpoint_triggered":
			if open[id] || complete[id] {
				t.Errorf("%d is triggered again", id)
			}
			open[id] = true
		case "checkpoint_completed", "checkpoint_failed":
			if !open[id] {
				t.Errorf("%v was not triggered", h)
			}
			delete(open, id)
			complete[id] = h.is("checkpoint_completed")
		case "committed":
			if !complete[id] {
				t.Errorf("%d is committed and not complete", id)
			}
		case "summary":
			if i != len(log)-1 || !log[i-1].is("job") || h.text("state") != state {
				t.Errorf("the summary does not close the run: %v", h)
			}
		}
	}
	if len(log) == 0 || !log[len(log)-1].is("summary") {
		t.Error("there is no summary")
	}
}

const eventful = `
job j {
  parallelism = 2
  state fs
  checkpoint every 20ms { storage = "st", tolerate_failures = 2 }
  restart fixed_delay { attempts = 3, delay = 10ms }
}

source numbers from sequence { to = 5999, rate = 3000, step = 10ms }

from numbers
  |> key by bucket = value % 7
  |> window tumbling 1s
  |> aggregate n = count()
  |> into counts

from numbers
  |> where value % 2 == 0
  |> select value
  |> into even

sink counts into file { path = "counts", format json }
sink even into file { path = "even", format json }
`

// TestEvents lets a job live through everything that has an event and compares each line with the contract: names, types, order, and the figures that
// can be known.
func TestEvents(t *testing.T) {
	t.Parallel()
	b := newBox(t, eventful)
	p := b.start("--fault", "io,point=write,checkpoint=2", "--fault", "fail,point=snapshot,checkpoint=3", "--fault", "fail,point=before-commit,checkpoint=5",
		"--fault", "slow,point=snapshot,stage=counts/aggregate/1,checkpoint=4,by=30ms")
	p.until("committed", 9)
	p.signal(syscall.SIGINT)
	p.ends("0")
	first := p.log()
	p = b.run("0")
	second := p.log()
	for _, log := range [][]happened{first, second} {
		for _, h := range log {
			checkFields(t, h)
			if h.text("job") != "j" || h.text("run") == "" || h.text("run") != first[0].text("run") {
				t.Errorf("job and run of %v: the run goes on under its id", h)
			}
		}
		checkOrder(t, log)
	}

	find := func(log []happened, name string, match func(happened) bool) happened {
		t.Helper()
		for _, h := range log {
			if h.is(name) && match(h) {
				return h
			}
		}
		t.Fatalf("no such event %s in %v", name, log)
		return nil
	}
	id := func(n int) func(happened) bool { return func(h happened) bool { return h.number("id") == n } }
	every := func(happened) bool { return true }
	if f := find(first, "checkpoint_failed", id(2)); f.text("reason") != "io" || f.number("consecutive") != 1 || !strings.Contains(f.text("text"), "input/output error") {
		t.Error(f)
	}
	if f := find(first, "checkpoint_failed", id(3)); f.text("reason") != "declined" || f.number("consecutive") != 2 {
		t.Error(f)
	}
	c := find(first, "checkpoint_completed", id(4))
	if c.number("sync_ms") < 30 || c.number("duration_ms") < c.number("sync_ms") || c.number("bytes") <= 0 || c.number("bytes") != c.number("full_bytes") || c["incremental"] != false {
		t.Error(c)
	}
	if want := b.path("st/j/" + first[0].text("run") + "/chk-4"); !strings.HasSuffix(want, strings.TrimPrefix(c.text("path"), "st/")) {
		t.Errorf("path %s, want %s", c.text("path"), want)
	}
	if r := find(first, "restart", every); r.number("attempt") != 1 || r.number("delay_ms") != 10 || r.text("strategy") != "fixed_delay { attempts = 3, delay = 10ms }" ||
		!strings.Contains(r.text("cause"), "before-commit") {
		t.Error(r)
	}
	if r := find(first, "restored", every); r.number("id") != 5 || r.text("kind") != "checkpoint" || !strings.HasSuffix(r.text("from"), "/chk-5") || r.number("bytes") <= 0 {
		t.Error(r)
	}
	if r := find(first, "committed", id(5)); r["recovered"] != true {
		t.Error(r)
	}
	if r := find(first, "checkpoint_triggered", func(h happened) bool { return h.text("kind") == "final" }); r == nil {
		t.Error("no final checkpoint at the suspend")
	}
	if j := find(first, "job", func(h happened) bool { return h.text("state") == "starting" }); j.number("epoch") != 1 {
		t.Error(j)
	}
	s := first[len(first)-1]
	if counts := s["checkpoints"].(map[string]any); s.text("state") != "suspended" || s.number("restarts") != 1 ||
		counts["completed"] != float64(len(p.b.named(first, "checkpoint_completed"))) || counts["failed"] != float64(len(p.b.named(first, "checkpoint_failed"))) {
		t.Error(s)
	}
	checkSummary(t, b, second[len(second)-1])
}

func (b *box) named(log []happened, name string) []happened {
	var list []happened
	for _, h := range log {
		if h.is(name) {
			list = append(list, h)
		}
	}
	return list
}

// checkSummary compares the counts of a run's end with each other; nothing was replayed in it but what its predecessor had not covered.
func checkSummary(t *testing.T, b *box, s happened) {
	t.Helper()
	if s.text("state") != "finished" || s.number("restarts") != 0 {
		t.Error(s)
	}
	endpoint := func(list any, name string) map[string]any {
		for _, e := range list.([]any) {
			if m := e.(map[string]any); m["name"] == name || m["id"] == name {
				return m
			}
		}
		t.Fatalf("no %s in %v", name, list)
		return nil
	}
	in := endpoint(s["sources"], "numbers")["rows"].(float64)
	where := endpoint(s["stages"], "even/where/1")
	even := endpoint(s["sinks"], "even")
	if in <= 0 || in > 6000 || where["rows_in"] != in || where["rows_out"] != even["rows"] || even["rows"].(float64) <= 0 || even["bytes"].(float64) < 12*even["rows"].(float64) {
		t.Errorf("numbers %v, where %v, even %v", in, where, even)
	}
	agg := endpoint(s["stages"], "counts/aggregate/1")
	if agg["rows_in"] != in || agg["late"] != 0.0 || agg["skipped"] != 0.0 || agg["rows_out"] != endpoint(s["sinks"], "counts")["rows"] {
		t.Errorf("aggregate %v", agg)
	}
	if n := len(b.lines("even")); n != 3000 {
		t.Errorf("%d rows published, want 3000", n)
	}
}
