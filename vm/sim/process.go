package sim

import (
	"errors"
	"fmt"
	"io"
	"time"

	"pipec/checkpoint"
	"pipec/checkpoint/event"
	"pipec/compiler"
	"pipec/compiler/plan"
	"pipec/state/vfs"
	"pipec/vm"
	"pipec/vm/fault"
)

// process is one execution of pipec.
type process struct {
	w     *world
	n     int // 1, 2, ...
	calm  bool
	life  Life
	group *Process
	disk  vfs.FS
	job   *vm.Job
	done  <-chan vm.Result

	result  vm.Result
	ended   bool // there is a result
	dead    bool // it runs no more, result or not
	dying   *Fault
	armed   []*armed
	locks   []io.Closer
	fired   int // faults of the disk that happened
	flipped bool
	claims  int
	wake    int    // zombie: the world's step at which it goes on; 0: when its successor has ended
	stunned bool   // it was a zombie at some time
	newest  uint64 // checkpoint triggered
	steps   int
	since   int // steps since its claim
}

// compile makes a plan of a program. The number of tasks is part of it.
func compile(text string, groups, tasks int) (*plan.Plan, error) {
	r := compiler.Check(compiler.Options{File: "job.pipe", Text: text, Sets: map[string]string{
		"job.parallelism": fmt.Sprint(tasks), "job.max_parallelism": fmt.Sprint(groups), "job.checkpoint.interval": "1s", "job.checkpoint.storage": storage}})
	if r.Plan == nil {
		return nil, fmt.Errorf("the generated job does not compile: %v\n%s", r.List, text)
	}
	return r.Plan, nil
}

// boot starts a process. n counts from 1.
func (w *world) boot(n int, l Life, calm bool, request checkpoint.Request) (*process, error) {
	pl, err := compile(w.s.Job.Text, w.s.Groups, l.Tasks)
	if err != nil {
		return nil, err
	}
	pl.Job.BatchSize, pl.Job.State, pl.Job.Checkpoint, pl.Job.Restart = l.Batch, l.State, l.Checkpoint, l.Restart
	p := &process{w: w, n: n, calm: calm, life: l, group: w.sched.Process()}
	p.group.Lazy = l.Lazy
	w.all = append(w.all, p)
	if l.Slow > 0 {
		p.group.Delay = p.delay
	}
	for _, f := range w.s.Faults {
		if f.Life == n-1 {
			p.armed = append(p.armed, &armed{Fault: f})
		}
	}
	p.disk = vfs.Observe(&guard{FS: w.disk, p: p}, vfs.Hooks{Before: p.before, Read: p.read})
	faults, err := fault.Parse(l.Rules)
	if err != nil {
		return nil, err
	}
	if faults != nil {
		faults.Kill = func() { w.die(p, Fault{Kind: Death}) }
		faults.Wait = func(d time.Duration) { w.clock.Advance(d) }
	}
	env := &vm.Env{FS: p.disk, Clock: w.clock, Sched: p.group, Random: w.sched.Random, Stdout: io.Discard, Faults: faults, Events: event.Func(p.hear),
		Process: vm.Process{Host: "sim", ID: n, Engine: "sim"}, Local: "local", Inline: true}
	p.job, err = vm.New(pl, env, vm.Request{Request: request})
	if err != nil {
		return nil, err
	}
	p.done = p.job.Start()
	return p, nil
}

// delay holds work off the loop up, for about as long as a slow disk would.
func (p *process) delay(name string) time.Duration {
	if p.w.rng.IntN(3) > 0 {
		return 0
	}
	return time.Duration(p.w.rng.Int64N(int64(p.life.Slow)))
}

// hear takes an event of this process.
func (p *process) hear(e event.Event) {
	if p.dead {
		return
	}
	p.w.note(e.Body.Name())
	switch b := e.Body.(type) {
	case *event.CheckpointTriggered:
		if b.ID <= p.newest {
			p.w.violation("process %d triggered checkpoint %d after %d", p.n, b.ID, p.newest)
		}
		p.newest = b.ID
	case *event.CheckpointCompleted:
		p.w.completed(p, e.Run, b.ID)
	case *event.Restored:
		p.w.out.Stats.Restores++
	case *event.Job:
		if b.State == event.Running && p.n == p.w.claimed {
			p.w.run = e.Run
		}
	}
}

// poll looks for the result. The process ends with it, whatever work is still under way.
func (p *process) poll() {
	if p.dead { // whatever the dead say
		return
	}
	select {
	case p.result = <-p.done:
		p.ended = true
		p.exit()
		p.w.note("exit " + string(p.result.State))
		if why := p.judge(); why != "" {
			p.w.violation("%s", why)
		}
	default:
	}
}

// ask does what somebody at the keyboard does.
func (p *process) ask() {
	switch l := &p.life; {
	case p.dead:
	case l.Step > 0 && p.steps == l.Step:
		p.job.Suspend()
	case l.Cancel > 0 && p.steps == l.Cancel:
		p.job.Cancel()
	case l.Manual > 0 && p.steps%l.Manual == 0:
		p.job.Checkpoint()
	}
}

// exit is the end of the process, whether it wanted or not.
func (p *process) exit() {
	p.dead = true
	p.group.Drop()
	for _, l := range p.locks {
		_ = l.Close() // a lock in memory; it cannot fail
	}
}

// judge says what is wrong with how the process ended, "" if nothing: it must not fail without a reason, nor find a snapshot damaged that nobody damaged.
func (p *process) judge() string {
	r := p.result
	excused := p.fired > 0 || len(p.w.zombies) > 0 || // a zombie may take an id away from its successor, once
		len(p.life.Rules) > 0 || p.life.Checkpoint.Timeout < time.Minute
	var internal *vm.InternalError
	switch {
	case errors.As(r.Err, &internal):
		return fmt.Sprintf("process %d: %v", p.n, r.Err)
	case p.stunned:
		return ""
	case p.w.s.AtMost && r.State != event.Finished:
		return fmt.Sprintf("process %d %s, and its checkpoints with it: %v", p.n, r.State, r.Err)
	case r.State == event.Finished, r.State == event.Suspended, r.State == event.Cancelled && p.life.Cancel > 0:
		return ""
	case r.Exit == 4 && !p.flipped, r.Exit == 5, r.Exit == 2, !excused:
		return fmt.Sprintf("process %d failed with exit %d: %v", p.n, r.Exit, r.Err)
	}
	return ""
}
