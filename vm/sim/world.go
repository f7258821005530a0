package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"pipec/checkpoint"
	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/state/vfs"
	"pipec/vm/clock"
)

// Outcome is what a scenario came to.
type Outcome struct {
	Wrong []string // what must not be; nil: all is well
	Trace uint64   // of everything that happened, in order: the same for the same scenario
	Stats Stats
	Log   []string // what happened, if it was asked for
}

// Stats count what a scenario went through.
type Stats struct {
	Steps, Operations, Lives, Completed, Restores, Checks int
	Powers, Deaths, Zombies, Errors, Flips, Failures      int
}

// Add sums up.
func (s *Stats) Add(o Stats) {
	s.Steps += o.Steps
	s.Operations += o.Operations
	s.Lives += o.Lives
	s.Completed += o.Completed
	s.Restores += o.Restores
	s.Checks += o.Checks
	s.Powers += o.Powers
	s.Deaths += o.Deaths
	s.Zombies += o.Zombies
	s.Errors += o.Errors
	s.Flips += o.Flips
	s.Failures += o.Failures
}

// world is one machine: its disk, its clock, and the processes on it.
type world struct {
	s       *Scenario
	disk    *vfs.Mem
	clock   *clock.Fake
	sched   *Scheduler
	rng     *rand.Rand // of what is outside of processes
	out     Outcome
	hash    *xxhash.Digest
	log     bool
	zombies []*process
	owner   map[string]int    // who made the files that are there, by path
	claimed int               // number of the process that owns the job
	run     string            // of the job, as the newest process said
	highest map[string]uint64 // completed checkpoint, by run
	every   int               // operations between two looks at the disk
	turns   int               // of so many operations off the loop one lets others go first
	all     []*process
}

// limits of one process and of one zombie, in steps: what takes longer does not end.
const maxSteps = 50_000

// Play plays a scenario to its end. With log everything that happens is in the outcome.
func Play(s *Scenario, log bool) *Outcome {
	want, err := straight(s)
	if err != nil {
		return &Outcome{Wrong: []string{"the straight run: " + err.Error()}}
	}
	w := newWorld(s, vfs.NewMem(), s.Seed+s.Sched*1_000_003)
	w.log = log
	if err := place(w.disk, s.Job.Inputs); err != nil {
		return &Outcome{Wrong: []string{err.Error()}}
	}
	w.every = one(w.rng, 40, 150, 150, 600)
	if s.Seed%64 == 0 {
		w.every = 1
	}
	w.turns = one(w.rng, 1, 2, 6, 40, 1000)
	w.play()
	for _, p := range w.all {
		p.exit()
	}
	w.sched.End()
	if len(w.out.Wrong) == 0 {
		got, err := s.Job.Published(w.disk, ".")
		if err != nil {
			w.violation("%v", err)
		}
		w.out.Wrong = append(w.out.Wrong, s.Job.Differ(want, got, s.Loose)...)
	}
	w.out.Trace = w.hash.Sum64()
	return &w.out
}

func newWorld(s *Scenario, disk *vfs.Mem, seed uint64) *world {
	c := clock.NewFake(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	w := &world{s: s, disk: disk, clock: c, sched: New(seed, c), rng: rand.New(rand.NewPCG(seed, 0xd15c)), hash: xxhash.New(), owner: map[string]int{}, highest: map[string]uint64{}, every: 1 << 30}
	w.sched.Alone = true
	w.sched.Trace = w.note
	return w
}

// note adds to the trace.
func (w *world) note(what string) {
	_, _ = w.hash.WriteString(what) // a hash never fails
	_, _ = w.hash.Write([]byte{0})
	if w.log {
		w.out.Log = append(w.out.Log, fmt.Sprintf("%s %s", w.clock.Now().Format("05.000000"), what))
	}
}

func (w *world) violation(format string, args ...any) {
	w.out.Wrong = append(w.out.Wrong, fmt.Sprintf(format, args...))
}

// play runs one process after the other until the job has finished.
func (w *world) play() {
	const calmLives = 3 // the first may find that the machine died right before it
	for n := 1; len(w.out.Wrong) == 0; n++ {
		life, calm := w.life(n)
		if n > len(w.s.Lives)+calmLives {
			w.violation("%d lives without faults, and the job has not finished", calmLives)
			return
		}
		request, over := w.request(life)
		if over {
			break
		}
		w.clock.Advance(time.Second)
		p, err := w.boot(n, life, calm, request)
		if err != nil {
			w.violation("process %d: %v", n, err)
			return
		}
		w.out.Stats.Lives++
		w.drive(p)
		w.awake(p)
		if p.ended && p.result.State == event.Finished {
			w.clean(p)
			break
		}
	}
	w.settle()
}

// life is how process n is started; calm when its turn has come without faults.
func (w *world) life(n int) (Life, bool) {
	if n <= len(w.s.Lives) {
		return w.s.Lives[n-1], false
	}
	l := Life{Tasks: 1 + n%3, Batch: 4, State: plan.State{Backend: "fs"}, Restart: plan.Restart{Strategy: "none"},
		Checkpoint: plan.Checkpoint{Interval: 20 * time.Millisecond, AtLeastOnce: w.s.Loose, Storage: storage, Timeout: time.Hour, MaxConcurrent: 1, Retain: w.s.Retain}}
	if w.s.AtMost {
		l.Checkpoint.Storage, l.State = "", plan.State{Backend: "memory", MaxSize: 5 << 20}
	}
	return l, true
}

// drive lets everybody run until the process has ended or died.
func (w *world) drive(p *process) {
	before := w.digest(p)
	for !p.dead && len(w.out.Wrong) == 0 {
		if !w.sched.Step() {
			w.violation("process %d: nothing can run and nobody waits for time", p.n)
			return
		}
		w.out.Stats.Steps++
		p.steps++
		if p.claims > 0 {
			p.since++
		}
		p.poll()
		for _, z := range w.zombies {
			z.poll()
			if !z.dead && z.wake > 0 && p.since == z.wake {
				z.group.Resume()
			}
		}
		p.ask()
		switch {
		case p.life.Checkpoint.Timeout < time.Minute && p.steps > maxSteps/5:
			w.die(p, Fault{Kind: Death}) // it may be that no checkpoint can be in time: somebody loses his patience
		case p.steps > maxSteps:
			w.violation("process %d does not end", p.n)
			return
		}
		if p.stunned && p.group.paused {
			return // thought dead
		}
	}
	w.buried(p, before)
}

// buried looks at what a process left.
func (w *world) buried(p *process, before uint64) {
	if !p.ended {
		return
	}
	if p.result.State == event.Failed {
		w.out.Stats.Failures++
	}
	if p.result.Exit == 4 && p.claims == 0 && len(w.zombies) == 0 && before != w.digest(p) {
		w.violation("process %d could not restore, and changed what lies on the disk", p.n)
	}
}

// awake lets zombies go on that were to wait for the end of their successor. One without a successor stays stopped: it still owns the job, and could finish it
// while somebody starts it anew.
func (w *world) awake(p *process) {
	if !p.dead {
		return
	}
	for _, z := range w.zombies {
		if !z.dead && z.wake == 0 && w.claimed > z.n {
			z.group.Resume()
		}
	}
}

// settle lets the zombies end.
func (w *world) settle() {
	for _, z := range w.zombies {
		z.group.Resume()
		for z.steps = 0; !z.dead && len(w.out.Wrong) == 0; z.steps++ {
			if !w.sched.Step() || z.steps > maxSteps {
				w.violation("process %d, stopped and woken, does not end", z.n)
			}
			for _, z := range w.zombies {
				z.poll()
			}
		}
	}
}

// stun stops a process in the middle of an operation and takes its lock away: to everybody else it is dead.
func (w *world) stun(p *process, wake int) {
	w.note("zombie")
	w.out.Stats.Zombies++
	p.stunned, p.wake = true, wake
	p.group.Pause()
	w.zombies = append(w.zombies, p)
	for _, l := range p.locks {
		_ = l.Close()
	}
	p.locks = nil
	_ = w.disk.Remove(storage + "/sim/lock") // it may not have one yet
}

// die ends a process, and with the power everything that runs on the machine.
func (w *world) die(p *process, f Fault) {
	if p.dead {
		return
	}
	w.note("death " + string(f.Kind))
	if f.Kind != Power {
		w.out.Stats.Deaths++
		p.exit()
		w.inspect(w.disk)
		return
	}
	w.out.Stats.Powers++
	var chance interface{ Uint64() uint64 }
	if !f.Gone {
		chance = w.rng
	}
	w.disk = w.disk.CrashClone(chance)
	p.exit()
	for _, z := range w.zombies {
		z.exit()
	}
	w.inspect(w.disk)
}

// seen counts an operation, and looks at the disk from time to time as if the power went now.
func (w *world) seen(p *process, op vfs.Op) {
	w.note(op.Kind)
	w.note(op.Path)
	w.out.Stats.Operations++
	if w.out.Stats.Operations%w.every == 0 {
		if w.out.Stats.Checks%1000 == 999 {
			w.every *= 8 // what lasts long is looked at less often
		}
		var chance interface{ Uint64() uint64 }
		if w.rng.IntN(3) > 0 {
			chance = w.rng
		}
		w.inspect(w.disk.CrashClone(chance))
	}
}

// request is what the person at the machine does next: goes on, with --resume where that is needed, or knows that the job has finished.
func (w *world) request(l Life) (r checkpoint.Request, over bool) {
	if w.s.AtMost {
		return r, false
	}
	holding, err := hold(w.disk)
	if err != nil {
		w.violation("the storage cannot be read: %v", err)
		return r, true
	}
	run := holding.Run
	if run == nil {
		return r, false
	}
	switch run.End {
	case event.Finished:
		return r, true
	case event.Failed, event.Cancelled:
		if r.Resume = run.Newest() != nil; !r.Resume {
			r.Restore = run.From // it began with it, and began nothing of its own
		}
	}
	if newest := run.Newest(); newest != nil && l.Named {
		r = checkpoint.Request{Restore: fmt.Sprintf("%s/sim/%s/chk-%d", storage, run.ID, newest.ID)}
	}
	return r, false
}

// digest is a checksum of all names and contents but the inputs and the lock.
func (w *world) digest(p *process) uint64 {
	for _, a := range p.armed {
		if a.Kind == Flip {
			h := xxhash.New()
			w.walk(h, storage)
			w.walk(h, "out")
			return h.Sum64()
		}
	}
	return 0
}

func (w *world) walk(h *xxhash.Digest, dir string) {
	entries, err := w.disk.ReadDir(dir)
	if err != nil {
		return // nothing was made yet
	}
	for _, e := range entries {
		name := dir + "/" + e.Name
		if e.Dir {
			w.walk(h, name)
			continue
		}
		if strings.HasSuffix(name, "/lock") {
			continue
		}
		data, _ := vfs.ReadFile(w.disk, name)
		_, _ = h.WriteString(name)
		_, _ = h.Write(data)
	}
}
