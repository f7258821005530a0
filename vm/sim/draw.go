package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"syscall"
	"time"

	"pipec/compiler/plan"
)

// draw makes the lives and faults of a scenario.
type draw struct {
	rng    *rand.Rand
	s      *Scenario
	stages []string // ids of the plan's nodes
}

// one chooses.
func one[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }

// about is a number of at least 1 whose mean is about mean: small ones are likely, large ones happen.
func (d *draw) about(mean float64) int { return 1 + int(-math.Log(1-d.rng.Float64())*(mean-0.5)) }

func (d *draw) scenario() {
	if d.s.AtMost {
		d.inProcess()
		return
	}
	for i := range 1 + d.rng.IntN(4) {
		d.s.Lives = append(d.s.Lives, d.life(i))
		if d.rng.IntN(8) > 0 {
			d.end(i)
		}
		for range d.rng.IntN(3) {
			d.trouble(i)
		}
	}
}

// inProcess is one life whose checkpoints are lost with it: tasks fail, and the restart strategy helps.
func (d *draw) inProcess() {
	l := d.life(0)
	l.State, l.Checkpoint.Storage, l.Named, l.Step = plan.State{Backend: "memory", MaxSize: 5 << 20}, "", false, 0
	l.Cancel = 0
	l.Checkpoint.Timeout = time.Hour // else no patience would be long enough, and there is no second life
	l.Restart = plan.Restart{Strategy: "fixed_delay", Attempts: 1000, Delay: time.Millisecond}
	for range 1 + d.rng.IntN(4) {
		l.Rules = append(l.Rules, d.rule(one(d.rng, "fail", "fail", "slow")))
	}
	d.s.Lives = []Life{l}
}

// life draws how a process is started.
func (d *draw) life(n int) Life {
	rng := d.rng
	l := Life{Tasks: 1 + rng.IntN(4), Batch: one(rng, 1, 2, 3, 5, 8, 16, 64), State: d.state()}
	l.Checkpoint = plan.Checkpoint{Interval: time.Duration(1+rng.IntN(20)) * time.Millisecond, AtLeastOnce: d.s.Loose, Storage: storage, Timeout: time.Hour,
		MaxConcurrent: 1, Retain: d.s.Retain, Tolerate: one(rng, 0, 0, 1, 3, 100)}
	switch rng.IntN(4) {
	case 0:
		l.Checkpoint.MinPause = time.Duration(1+rng.IntN(10)) * time.Millisecond
	case 1:
		l.Checkpoint.MaxConcurrent = 2 + rng.IntN(2)
	}
	if rng.IntN(5) == 0 {
		l.Checkpoint.Timeout = time.Duration(5+rng.IntN(60)) * time.Millisecond
	}
	if rng.IntN(3) == 0 {
		l.Slow = time.Duration(1+rng.IntN(20)) * time.Millisecond
	}
	if rng.IntN(3) == 0 {
		l.Lazy = 2 + rng.IntN(6)
	}
	l.Restart = d.restart()
	l.Named = n > 0 && rng.IntN(8) == 0
	switch rng.IntN(12) {
	case 0:
		l.Step = d.about(600)
	case 1:
		l.Cancel, l.Checkpoint.KeepOnCancel = d.about(600), true
	case 2:
		l.Manual = d.about(200)
	}
	return l
}

// storage is where checkpoints go.
const storage = "chk"

func (d *draw) state() plan.State {
	incremental := d.rng.IntN(2) == 0
	switch d.rng.IntN(3) {
	case 0:
		return plan.State{Backend: "memory", MaxSize: 5 << 20}
	case 1:
		return plan.State{Backend: "fs", Incremental: incremental}
	}
	return plan.State{Backend: "badger", Incremental: incremental, Cache: one(d.rng, int64(1<<10), 16<<10, 1<<20)}
}

func (d *draw) restart() plan.Restart {
	switch d.rng.IntN(4) {
	case 0:
		return plan.Restart{Strategy: "none"}
	case 1:
		return plan.Restart{Strategy: "failure_rate", MaxFailures: 1 + d.rng.IntN(3), Interval: time.Second, Delay: time.Millisecond}
	case 2:
		return plan.Restart{Strategy: "exponential_delay", Initial: time.Millisecond, Max: 50 * time.Millisecond, Multiplier: 2, Jitter: 0.1, ResetAfter: time.Second}
	}
	return plan.Restart{Strategy: "fixed_delay", Attempts: 1 + d.rng.IntN(10), Delay: time.Duration(1+d.rng.IntN(5)) * time.Millisecond}
}

// moments are the operations around which a crash is most likely to find something, besides any operation.
var moments = []Trigger{
	{Op: "link", Path: "history"}, {Op: "syncdir", Path: "history"}, {Op: "link", Path: "_metadata"}, {Op: "syncdir", Path: "chk-"}, {Op: "sync", Path: "_metadata"},
	{Op: "rename", Path: ".pending"}, {Op: "syncdir", Path: "out"}, {Op: "create", Path: ".pending"}, {Op: "sync", Path: ".pending"}, {Op: "write", Path: ".pending"},
	{Op: "rename", Path: "-state"}, {Op: "write", Path: "-state"}, {Op: "sync", Path: "-state"}, {Op: "remove"}, {Op: "removeall"}, {Op: "remove", Path: "_metadata"},
	{Op: "mkdir"}, {Op: "readdir"}, {Op: "stat"}, {Op: "open", Path: storage}, {Op: "lock"}, {Op: "read", Path: storage}, {Op: "read", Path: "in"}, {Op: "close"},
}

func (d *draw) when() Trigger {
	if d.rng.IntN(2) == 0 {
		return Trigger{Nth: d.about(one(d.rng, 30.0, 150, 600))}
	}
	t := one(d.rng, moments...)
	t.Nth = d.about(4)
	return t
}

// end draws how a process dies, if it comes to that.
func (d *draw) end(life int) {
	f := Fault{Life: life, Kind: one(d.rng, Power, Power, Power, Death, Death, Zombie), On: d.when(), After: d.rng.IntN(2) == 0, Gone: d.rng.IntN(3) == 0}
	if f.Kind == Zombie {
		f.Wake = one(d.rng, 0, d.about(30), d.about(300), d.about(2000))
	}
	d.s.Faults = append(d.s.Faults, f)
}

// trouble draws what a process may survive.
func (d *draw) trouble(life int) {
	rng := d.rng
	switch rng.IntN(5) {
	case 0:
		f := Fault{Life: life, Kind: Flip, On: Trigger{Op: "read", Path: storage, Nth: d.about(10)}}
		d.s.Faults = append(d.s.Faults, f)
	case 1, 2:
		f := Fault{Life: life, Kind: Broken, On: d.when(), Errno: one(rng, syscall.EIO, syscall.ENOSPC), Times: one(rng, 1, 1, 2, 5, 40)}
		if rng.IntN(2) == 0 {
			f.On.Op, f.Torn = "write", rng.IntN(200)
		}
		d.s.Faults = append(d.s.Faults, f)
	default:
		l := &d.s.Lives[life]
		l.Rules = append(l.Rules, d.rule(one(rng, "fail", "fail", "fail", "io", "slow", "crash")))
	}
}

// rule draws one --fault.
func (d *draw) rule(action string) string {
	rng := d.rng
	point := one(rng, "row", "row", "row", "snapshot", "write", "before-metadata", "after-metadata", "before-commit", "mid-commit", "after-commit", "restore")
	text := action + ",point=" + point
	switch point {
	case "row":
		text += fmt.Sprintf(",stage=%s,row=%d", one(rng, d.stages...), d.about(40))
	case "snapshot", "write":
		if rng.IntN(2) == 0 {
			text += ",stage=" + one(rng, d.stages...)
		}
		text += fmt.Sprintf(",nth=%d", d.about(4))
	default:
		text += fmt.Sprintf(",nth=%d", d.about(3))
	}
	if action == "slow" {
		text += fmt.Sprintf(",by=%dms", d.about(30))
	}
	if rng.IntN(3) == 0 {
		text += fmt.Sprintf(",times=%d", 1+rng.IntN(3))
	}
	return text
}
