package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// These are the rules of spec/fault-semantics.md as a user sees them: from outside, by the events. Times are compared with the edge that must never be crossed;
// the other one has room for a busy machine.

// ruleJob takes every setting from the command line.
const ruleJob = `
param last: int = 100000
param rate: float = 1000.0

job j {
  state fs
  checkpoint every 20ms { storage = "st" }
}

from sequence { to = last, rate = rate }
  |> select value
  |> into out

sink out into file { path = "out", format json }
`

// set makes --set flags: "checkpoint.interval=1s" is of the job block, "rate=5.0" a parameter.
func set(values ...string) []string {
	var args []string
	for _, v := range values {
		name, _, _ := strings.Cut(v, "=")
		if strings.Contains(name, ".") || name == "restart" || name == "parallelism" {
			v = "job." + v
		}
		args = append(args, "--set", v)
	}
	return args
}

func faults(rules ...string) []string {
	var args []string
	for _, r := range rules {
		args = append(args, "--fault", r)
	}
	return args
}

func join(lists ...[]string) []string { return slices.Concat(lists...) }

const slack = 25 * time.Millisecond // between what the engine decides and when it says so

// states are the states that the job went through.
func (p *life) states() []string {
	var list []string
	for _, h := range p.named("job") {
		list = append(list, h.text("state"))
	}
	return list
}

// counted are the failed checkpoints that counted.
func (p *life) counted() []happened {
	return slices.DeleteFunc(p.named("checkpoint_failed"), func(h happened) bool { return h.number("consecutive") == 0 })
}

func TestRuleNothingByItself(t *testing.T) {
	t.Parallel()
	b := newBox(t, strings.Replace(ruleJob, `  checkpoint every 20ms { storage = "st" }`, "", 1))
	p := b.run("1", join(set("last=500"), faults("fail,point=row,row=300"))...)
	if got := p.states(); !slices.Equal(got, []string{"starting", "running", "failed"}) || len(p.named("checkpoint_triggered")) != 0 {
		t.Errorf("without checkpoints: %v, %v", got, p.log())
	}
	if !strings.Contains(p.stderr(), "no checkpoints, restart none") {
		t.Errorf("the resolved strategy: %s", p.stderr())
	}
}

func TestRuleFirstTrigger(t *testing.T) {
	t.Parallel()
	var delays []time.Duration
	for range 6 {
		b := newBox(t, ruleJob)
		p := b.start(set("checkpoint.interval=300ms", "checkpoint.min_pause=100ms")...)
		first := p.until("checkpoint_triggered", 1)[0]
		p.signal(syscall.SIGKILL)
		p.ends("killed")
		for _, h := range p.named("job") {
			if h.text("state") == "running" {
				delays = append(delays, first.at().Sub(h.at()))
			}
		}
	}
	slices.Sort(delays)
	if delays[0] < 100*time.Millisecond-slack || delays[len(delays)-1] > 500*time.Millisecond {
		t.Errorf("first triggers after %v, want between the pause, 100ms, and the interval, 300ms", delays)
	}
	if delays[len(delays)-1]-delays[0] < 10*time.Millisecond { // six draws out of 200 ms that all lie within 10: one in three million
		t.Errorf("first triggers after %v: no jitter", delays)
	}
}

func TestRuleSteadyInterval(t *testing.T) {
	t.Parallel()
	p := newBox(t, ruleJob).start(set("checkpoint.interval=100ms")...)
	list := p.until("checkpoint_triggered", 12)
	for i, h := range list {
		if d := h.at().Sub(list[0].at()); d < time.Duration(i)*100*time.Millisecond-slack*3 || d > time.Duration(i)*100*time.Millisecond+400*time.Millisecond {
			t.Errorf("trigger %d comes %v after the first: the grid is 100ms and does not drift", i, d)
		}
	}
}

func TestRulePauseFromCompletion(t *testing.T) {
	t.Parallel()
	p := newBox(t, ruleJob).start(join(set("checkpoint.interval=50ms", "checkpoint.min_pause=150ms"), faults("slow,point=before-metadata,by=120ms,times=100"))...)
	p.until("checkpoint_triggered", 6)
	var done time.Time
	for _, h := range p.log() {
		switch {
		case h.is("checkpoint_completed"):
			done = h.at()
		case h.is("checkpoint_triggered") && !done.IsZero():
			if d := h.at().Sub(done); d < 150*time.Millisecond-slack {
				t.Errorf("checkpoint %d begins %v after the end of its predecessor, min_pause is 150ms", h.number("id"), d)
			}
		}
	}
}

// TestRulePauseNotFromFailure: a failed checkpoint starts no pause.
func TestRulePauseNotFromFailure(t *testing.T) {
	t.Parallel()
	p := newBox(t, ruleJob).start(join(set("checkpoint.interval=100ms", "checkpoint.min_pause=90ms", "checkpoint.tolerate_failures=100"),
		faults("slow,point=snapshot,by=60ms,times=100", "fail,point=snapshot,times=100"))...)
	list := p.until("checkpoint_triggered", 8)
	for i := 1; i < len(list); i++ {
		if d := list[i].at().Sub(list[0].at()); d > time.Duration(i)*100*time.Millisecond+100*time.Millisecond {
			t.Errorf("trigger %d comes %v after the first: failures hold up the grid of 100ms", i, d)
		}
	}
}

func TestRuleNoPileUp(t *testing.T) {
	t.Parallel()
	p := newBox(t, ruleJob).start(join(set("checkpoint.interval=20ms"), faults("slow,point=before-metadata,checkpoint=2,by=400ms"))...)
	p.until("checkpoint_completed", 8)
	var done time.Time
	burst, open := 0, 0
	for _, h := range p.log() {
		switch {
		case h.is("checkpoint_completed"):
			open--
			if h.number("id") == 2 {
				done = h.at()
			}
		case h.is("checkpoint_triggered"):
			if open++; open > 1 {
				t.Errorf("%d is triggered while another is under way; max_concurrent is 1", h.number("id"))
			}
			if !done.IsZero() && h.at().Sub(done) < 15*time.Millisecond {
				burst++
			}
		}
	}
	if burst < 1 || burst > 2 { // what was held, and perhaps the grid's next tick
		t.Errorf("%d checkpoints right behind a slow one of 20 intervals, want the one that was held", burst)
	}
}

func TestRuleMaxConcurrent(t *testing.T) {
	t.Parallel()
	p := newBox(t, ruleJob).start(join(set("checkpoint.interval=20ms", "checkpoint.max_concurrent=2", "checkpoint.retain=2"), faults("slow,point=write,checkpoint=2,by=1h"))...)
	p.until("checkpoint_completed", 5)
	open, most := map[int]bool{}, 0
	for _, h := range p.log() {
		switch {
		case h.is("checkpoint_triggered"):
			open[h.number("id")] = true
		case h.is("checkpoint_completed"), h.is("checkpoint_failed"):
			delete(open, h.number("id"))
		}
		most = max(most, len(open))
	}
	if most != 2 {
		t.Errorf("%d at once, max_concurrent is 2", most)
	}
	if f := p.named("checkpoint_failed"); len(f) == 0 || f[0].number("id") != 2 || f[0].text("reason") != "superseded" || f[0].number("consecutive") != 0 {
		t.Errorf("the one that a newer one overtook: %v", f)
	}
}

func TestRuleTimeout(t *testing.T) {
	t.Parallel()
	b := newBox(t, ruleJob)
	p := b.start(join(set("checkpoint.timeout=600ms", "checkpoint.tolerate_failures=1"), faults("slow,point=write,checkpoint=3,by=1200ms"))...)
	p.until("checkpoint_completed", 20)
	f := p.counted()
	if len(f) != 1 || f[0].number("id") != 3 || f[0].text("reason") != "expired" || f[0].number("consecutive") != 1 ||
		!strings.Contains(f[0].text("text"), "not complete after 600ms, waiting for [out/source/1[0]]") {
		t.Fatalf("failed: %v", f)
	}
	for _, h := range p.log() {
		if h.is("checkpoint_triggered") && h.number("id") == 3 {
			if d := f[0].at().Sub(h.at()); d < 600*time.Millisecond-slack {
				t.Errorf("it expired after %v", d)
			}
		}
		if h.is("checkpoint_completed") && h.number("id") == 3 || h.is("restart") {
			t.Errorf("a late answer counts for nothing, and one failure is tolerated: %v", h)
		}
	}
	b.until("directory of 3 gone", func() bool {
		return !slices.ContainsFunc(b.checkpoints(), func(s string) bool { return strings.HasSuffix(s, "/chk-3") })
	})
}

func TestRuleTolerance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		tolerate    int
		faults      []string
		consecutive []int
		restarts    int
		cause       string
	}{
		{"none is tolerated", 0, []string{"fail,point=snapshot,checkpoint=2"}, []int{1}, 1, "1 in a row, tolerate_failures is 0"},
		{"as many as are tolerated", 2, []string{"fail,point=snapshot,checkpoint=2", "io,point=write,checkpoint=3"}, []int{1, 2}, 0, ""},
		{"one more, of every kind; then the count begins anew", 3, []string{"fail,point=snapshot,checkpoint=2", "io,point=write,checkpoint=3", "slow,point=write,checkpoint=4,by=1h",
			"fail,point=after-metadata,checkpoint=5", "io,point=before-metadata,checkpoint=7"}, []int{1, 2, 3, 4, 1}, 1, "4 in a row, tolerate_failures is 3"},
		{"a success forgets them", 1, []string{"fail,point=snapshot,checkpoint=2", "fail,point=snapshot,checkpoint=4", "fail,point=snapshot,checkpoint=6"}, []int{1, 1, 1}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, ruleJob)
			p := b.run("0", join(set("last=1500", "checkpoint.timeout=500ms", fmt.Sprintf("checkpoint.tolerate_failures=%d", c.tolerate), "restart=fixed_delay", "restart.attempts=1", "restart.delay=1ms"), faults(c.faults...))...)
			var got []int
			for _, f := range p.counted() {
				got = append(got, f.number("consecutive"))
			}
			restarts := p.named("restart")
			if !slices.Equal(got, c.consecutive) || len(restarts) != c.restarts || c.restarts > 0 && !strings.Contains(restarts[0].text("cause"), c.cause) {
				t.Errorf("counts %v, want %v; restarts %v", got, c.consecutive, restarts)
			}
			b.numbers("out", 1500)
		})
	}
}

// TestRuleFailureBeforeFirst: without a checkpoint a restart begins where the run began: empty, or at the snapshot it was given, however often.
func TestRuleFailureBeforeFirst(t *testing.T) {
	t.Parallel()
	b := newBox(t, ruleJob)
	p := b.run("0", join(set("last=300", "checkpoint.interval=1h", "restart=fixed_delay", "restart.attempts=2", "restart.delay=1ms"), faults("fail,point=row,row=100,times=2"))...)
	if len(p.named("restart")) != 2 || len(p.named("restored")) != 0 {
		t.Errorf("%v", p.log())
	}
	b.numbers("out", 300)

	b = newBox(t, ruleJob)
	p = b.start()
	p.until("checkpoint_completed", 3)
	p.signal(syscall.SIGINT)
	p.ends("0")
	from := b.checkpoints()
	if len(from) != 1 {
		t.Fatalf("a suspended run leaves %v", from)
	}
	path := "st/j/" + from[0]
	before := b.tree(path)
	p = b.run("0", join([]string{"-s", path}, set("last=2000", "checkpoint.interval=1h", "restart=fixed_delay", "restart.attempts=2", "restart.delay=1ms"), faults("fail,point=row,row=50,times=2"))...)
	restored := p.named("restored")
	if len(restored) != 3 || len(p.named("restart")) != 2 {
		t.Fatalf("restored %v", restored)
	}
	for _, r := range restored {
		if !strings.HasSuffix(path, fmt.Sprintf("/chk-%d", r.number("id"))) || !strings.HasSuffix(r.text("from"), path) {
			t.Errorf("restored from %v, want %s", r, path)
		}
	}
	b.numbers("out", 2000)
	if b.tree(path) != before {
		t.Error("the snapshot stays the user's")
	}
	// The new run has an id of its own and counts on from the snapshot (flink-facts 65, 106).
	id := restored[0].number("id")
	if first := p.named("checkpoint_triggered")[0]; first.number("id") != id+1 || first.text("run") == strings.Split(from[0], "/")[0] {
		t.Errorf("the first checkpoint after -s chk-%d is %v", id, first)
	}
}

func TestRuleFailureWhileRestoring(t *testing.T) {
	t.Parallel()
	settings := set("last=600", "restart=fixed_delay", "restart.attempts=3", "restart.delay=1ms")
	b := newBox(t, ruleJob)
	p := b.run("0", join(settings, faults("fail,point=row,row=300", "fail,point=restore,times=2"))...)
	if r := p.named("restart"); len(r) != 3 || !strings.Contains(r[2].text("cause"), "restore") || len(p.named("restored")) != 1 {
		t.Errorf("restarts %v, restored %v", r, p.named("restored"))
	}
	b.numbers("out", 600)

	b = newBox(t, ruleJob)
	p = b.run("1", join(settings, faults("fail,point=row,row=300", "fail,point=restore,times=3"))...)
	if !strings.Contains(p.stderr(), "all 3 attempts were used") {
		t.Errorf("%s", p.stderr())
	}
	p = b.run("0", join(settings, []string{"--resume"}, faults("io,point=restore"))...) // also at the start of a run
	if r := p.named("restart"); len(r) != 1 || !strings.Contains(r[0].text("cause"), "input/output error") {
		t.Errorf("restarts %v", r)
	}
	b.numbers("out", 600)
}

// TestRuleFinalCheckpoint: at the end of bounded input one checkpoint is taken at once, however long the interval; sinks publish, and nothing is left.
func TestRuleFinalCheckpoint(t *testing.T) {
	t.Parallel()
	b := newBox(t, ruleJob)
	p := b.run("0", set("last=50", "rate=1000000.0", "checkpoint.interval=1h")...)
	if list := p.named("checkpoint_triggered"); len(list) != 1 || list[0].text("kind") != "final" || len(p.named("committed")) != 1 {
		t.Errorf("%v", p.log())
	}
	b.numbers("out", 50)
	if left := b.checkpoints(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// TestRuleFinalCheckpointFails: it counts like any other, and is tried three times as far as that allows.
func TestRuleFinalCheckpointFails(t *testing.T) {
	t.Parallel()
	bounded := []string{"last=50", "rate=1000000.0", "checkpoint.interval=1h", "restart=fixed_delay", "restart.attempts=1", "restart.delay=1ms"}
	for _, c := range []struct{ tolerate, times, triggered, restarts int }{
		{0, 1, 2, 1}, {2, 2, 3, 0}, {5, 3, 4, 1},
	} {
		b := newBox(t, ruleJob)
		p := b.run("0", join(set(append(bounded, fmt.Sprintf("checkpoint.tolerate_failures=%d", c.tolerate))...), faults(fmt.Sprintf("fail,point=snapshot,times=%d", c.times)))...)
		list := p.named("checkpoint_triggered")
		if len(list) != c.triggered || len(p.named("restart")) != c.restarts {
			t.Errorf("%+v: triggered %v, restarts %v", c, list, p.named("restart"))
		}
		b.numbers("out", 50)
	}
}

const twoInputs = `
job j {
  state fs
  checkpoint every 20ms { storage = "st" }
  restart fixed_delay { attempts = 3, delay = 1ms }
}

source short from sequence { to = 99 }
source long from sequence { to = 899, rate = 1000 }

from short |> select value |> into a
from long |> select value |> into b

sink a into file { path = "a", format json }
sink b into file { path = "b", format json }
`

// TestRuleEndedInput: checkpoints go on when one of the inputs has ended, and what has ended is not read again, neither after a restart nor by another process.
func TestRuleEndedInput(t *testing.T) {
	t.Parallel()
	b := newBox(t, twoInputs)
	p := b.start("--fault", "fail,point=row,stage=long/source/1,row=400")
	p.until("restart", 1)
	p.until("checkpoint_completed", len(p.named("checkpoint_completed"))+3)
	p.signal(syscall.SIGKILL)
	p.ends("killed")
	p = b.run("0")
	b.numbers("a", 99)
	b.numbers("b", 899)
	for _, s := range p.named("summary")[0]["sources"].([]any) {
		if m := s.(map[string]any); m["name"] == "short" && m["rows"] != 0.0 {
			t.Errorf("the input that had ended was read again: %v", m)
		}
	}
}

// TestRuleRetention looks at the storage all the time: once a checkpoint is complete, one that can be restored is always there, and never many more than `retain`.
func TestRuleRetention(t *testing.T) {
	t.Parallel()
	for _, retain := range []int{1, 3} {
		b := newBox(t, ruleJob)
		p := b.start(set("checkpoint.interval=10ms", fmt.Sprintf("checkpoint.retain=%d", retain))...)
		p.until("checkpoint_completed", 1)
		whole := func() (n int) {
			for _, c := range b.checkpoints() {
				if _, err := os.Stat(b.path("st/j/" + c + "/_metadata")); err == nil {
					n++
				}
			}
			return n
		}
		least, most, looks := 1000, 0, 0
		b.until("40 checkpoints", func() bool {
			n := whole() // the listing and the look at each are not one instant: a count of none is looked at again
			if n == 0 {
				n = whole()
			}
			least, most, looks = min(least, n), max(most, n), looks+1
			return len(p.named("checkpoint_completed")) >= 40
		})
		if least < 1 || most > retain+2 || looks < 20 {
			t.Errorf("retain %d: between %d and %d checkpoints in %d looks", retain, least, most, looks)
		}
		p.signal(syscall.SIGINT)
		p.ends("0")
		if n := len(b.checkpoints()); n != retain {
			t.Errorf("retain %d: a suspended run leaves %v", retain, b.checkpoints())
		}
	}
}

// TestRuleEnds is what stays of the checkpoints at each end of a run (flink-facts 108-110).
func TestRuleEnds(t *testing.T) {
	t.Parallel()
	for _, keep := range []string{"delete", "keep"} {
		for _, c := range []struct {
			end   string
			stays bool
		}{{"finished", false}, {"failed", true}, {"suspended", true}, {"cancelled", keep == "keep"}} {
			t.Run(c.end+" "+keep, func(t *testing.T) {
				t.Parallel()
				b := newBox(t, ruleJob)
				settings := set("checkpoint.retain=2", "checkpoint.on_cancel="+keep, "restart=none")
				var p *life
				switch c.end {
				case "finished":
					p = b.run("0", join(settings, set("last=200"))...)
				case "failed":
					p = b.run("1", join(settings, faults("fail,point=before-commit,checkpoint=4"))...)
				default:
					p = b.start(settings...)
					p.until("committed", 4)
					if c.end == "suspended" {
						p.signal(syscall.SIGINT)
					} else {
						b.command("0", "cancel", "j")
					}
					p.ends("0")
				}
				if s := p.states(); s[len(s)-1] != c.end {
					t.Fatalf("states %v", s)
				}
				left := b.checkpoints()
				if (len(left) >= 2) != c.stays || len(left) > 3 || !c.stays && len(left) > 0 { // at `failed` the newest was not published, so the oldest is still there
					t.Errorf("left: %v", left)
				}
				if c.stays {
					b.command("0", "state", "verify", "st")
				}
			})
		}
	}
}

// TestRuleStrategies holds how often and when a job is restarted.
func TestRuleStrategies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		set    []string
		times  int
		delays []int // of the restarts
		exit   string
		text   string
	}{
		{"none", []string{"restart=none"}, 1, nil, "1", ""},
		{"fixed: three attempts survive three failures", []string{"restart=fixed_delay", "restart.attempts=3", "restart.delay=5ms"}, 3, []int{5, 5, 5}, "0", ""},
		{"fixed: and not the fourth", []string{"restart=fixed_delay", "restart.attempts=3", "restart.delay=5ms"}, 4, []int{5, 5, 5}, "1",
			"no further restart: restart fixed_delay { attempts = 3, delay = 5ms }: all 3 attempts were used"},
		{"fixed: named without attempts it is one", []string{"restart=fixed_delay", "restart.delay=5ms"}, 2, []int{5}, "1", "all 1 attempts were used"},
		{"fixed: no attempts equals none", []string{"restart=fixed_delay", "restart.attempts=0"}, 1, nil, "1", "all 0 attempts were used"},
		{"rate: N failures within the interval are survived", []string{"restart=failure_rate", "restart.max_failures=2", "restart.interval=1h", "restart.delay=1ms"}, 2, []int{1, 1}, "0", ""},
		{"rate: N+1 are not", []string{"restart=failure_rate", "restart.max_failures=2", "restart.interval=1h", "restart.delay=1ms"}, 3, []int{1, 1}, "1", "3 failures within 1h"},
		{"rate: farther apart than the interval they never add up", []string{"restart=failure_rate", "restart.max_failures=1", "restart.interval=10ms", "restart.delay=30ms"}, 4, []int{30, 30, 30, 30}, "0", ""},
		{"exponential: grows up to its maximum and never gives up", []string{"restart=exponential_delay", "restart.initial=4ms", "restart.max=20ms", "restart.multiplier=2.0", "restart.jitter=0.0", "restart.reset_after=1h"},
			5, []int{4, 8, 16, 20, 20}, "0", ""},
		{"exponential: starts over after a quiet time", []string{"restart=exponential_delay", "restart.initial=4ms", "restart.max=1s", "restart.multiplier=10.0", "restart.jitter=0.0", "restart.reset_after=1ms"},
			3, []int{4, 4, 4}, "0", ""},
		{"the default with checkpoints", nil, 1, []int{1000}, "0", "restart fixed_delay { attempts = 2147483647, delay = 1s }"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, ruleJob)
			p := b.run(c.exit, join(set("last=200", "rate=4000.0"), set(c.set...), faults(fmt.Sprintf("slow,point=row,row=100,by=3ms,times=%d", c.times), fmt.Sprintf("fail,point=row,row=100,times=%d", c.times)))...)
			var delays []int
			list := p.named("restart")
			for i, r := range list {
				delays = append(delays, r.number("delay_ms"))
				if r.number("attempt") != i+1 {
					t.Errorf("attempt %v", r)
				}
			}
			if !slices.Equal(delays, c.delays) || !strings.Contains(p.stderr(), c.text) {
				t.Errorf("delays %v, want %v; want %q in\n%s", delays, c.delays, c.text, p.stderr())
			}
			running := 0
			for i, h := range p.log() {
				if h.is("job") && h.text("state") == "running" {
					running++
				}
				if h.is("restart") { // nothing of the job happens before the delay is over
					next := p.log()[i+slices.IndexFunc(p.log()[i:], func(n happened) bool { return n.is("restored") || n.is("job") })]
					if d := next.at().Sub(h.at()); d < time.Duration(h.number("delay_ms"))*time.Millisecond-slack {
						t.Errorf("%v follows %v after %v", next, h, d)
					}
				}
			}
			if running != len(c.delays)+1 {
				t.Errorf("%d executions, want %d", running, len(c.delays)+1)
			}
			if c.exit == "0" {
				b.numbers("out", 200)
			}
		})
	}
}

// TestRulePermanent: what trying again cannot help is not tried again, whatever the strategy.
func TestRulePermanent(t *testing.T) {
	t.Parallel()
	b := newBox(t, strings.Replace(ruleJob, "select value", "select value = div(value, value - 100)", 1))
	p := b.run("1", set("last=300", "restart=fixed_delay", "restart.attempts=5", "restart.delay=1ms")...)
	if len(p.named("restart")) != 0 || !strings.Contains(p.stderr(), "division by zero") {
		t.Errorf("%s", p.stderr())
	}
}

// TestRuleRollback: going back to an older checkpoint by hand does not take back what was published behind it.
func TestRuleRollback(t *testing.T) {
	t.Parallel()
	b := newBox(t, ruleJob)
	p := b.start(set("checkpoint.retain=3")...)
	p.until("committed", 6)
	p.signal(syscall.SIGINT)
	p.ends("0")
	list := b.checkpoints()
	slices.SortFunc(list, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	published := b.lines("out")
	p = b.run("0", join([]string{"-s", "st/j/" + list[0]}, set("last=3000", "rate=1000000.0"))...)
	seen := map[string]int{}
	for _, l := range b.lines("out") {
		seen[l]++
	}
	twice := 0
	for _, l := range published {
		if seen[l] == 0 {
			t.Fatalf("%s was taken back", l)
		}
		if seen[l] > 1 {
			twice++
		}
	}
	if len(seen) != 3001 || twice == 0 || len(list) != 3 {
		t.Errorf("%d different rows, %d twice, after going back to %s of %v", len(seen), twice, list[0], list)
	}
}

// TestRuleMemoryCap finds the size of a job's state and allows exactly that, and one byte less.
func TestRuleMemoryCap(t *testing.T) {
	t.Parallel()
	const program = `
job j {
  state memory
  checkpoint every 1h { storage = "st" }
  restart none
}

from sequence { to = 200 }
  |> key by value
  |> count
  |> into blackhole
`
	b := newBox(t, program)
	b.run("1", faults("fail,point=before-commit")...) // the last checkpoint is complete, and stays since the job fails
	var list []struct {
		States []struct {
			Kind  string `json:"kind"`
			Bytes int64  `json:"bytes"`
		} `json:"states"`
	}
	if err := json.Unmarshal([]byte(b.command("0", "state", "ls", "--json", "st")), &list); err != nil || len(list) != 1 {
		t.Fatalf("%v: %v", list, err)
	}
	var size int64
	for _, s := range list[0].States {
		if s.Kind == "keyed" {
			size += s.Bytes
		}
	}
	if size == 0 {
		t.Fatalf("no keyed state in %v", list)
	}
	b = newBox(t, program)
	b.run("0", set(fmt.Sprintf("state.max_size=%dB", size))...)
	b = newBox(t, program)
	p := b.run("1", set(fmt.Sprintf("state.max_size=%dB", size-1))...)
	if f := p.counted(); len(f) != 1 || f[0].text("reason") != "too_large" || !strings.Contains(f[0].text("text"), fmt.Sprintf("is %d bytes", size)) {
		t.Errorf("one byte less than %d: %v", size, f)
	}
}

// TestRuleIDs: a recovered run counts on above everything that has a directory, complete or not (flink-facts 64; Flink would use 65 here).
func TestRuleIDs(t *testing.T) {
	t.Parallel()
	b := newBox(t, ruleJob)
	p := b.start("--fault", "crash,point=after-metadata,checkpoint=5")
	p.ends("killed")
	highest := 0
	for _, c := range b.checkpoints() {
		var id int
		_, _ = fmt.Sscanf(filepath.Base(c), "chk-%d", &id)
		highest = max(highest, id)
	}
	p = b.run("0", set("last=300")...)
	first := p.named("checkpoint_triggered")[0].number("id")
	if highest != 5 || first != 6 || p.named("restored")[0].number("id") != 4 {
		t.Errorf("the highest directory is %d, restored %v, the first checkpoint is %d", highest, p.named("restored"), first)
	}
	b.numbers("out", 300)
}
