// Package sim runs whole jobs in one goroutine, in an order that a seed decides, on a clock that moves as the seed says, over a disk that loses power,
// tears writes and answers with errors: production code under a scheduler that finds interleavings no machine would show for years.
//
//	sim.go       Scheduler and Process: who runs next, and when time moves
//	scenario.go  Scenario: a job, its lives and its faults, as data that prints and shrinks
//	generate.go  Generate: from a seed to a scenario; draw.go: the lives and faults in it
//	job.go       jobs by seed: programs, their inputs and what their sinks promise; pipe.go: the kinds of pipelines
//	world.go     world: plays a scenario: one machine, its disk, its processes one after the other
//	process.go   one process and what becomes of it
//	disk.go      the disk as one process sees it: faults, locks, and who made what
//	check.go     what must hold at every instant
//	output.go    what was published, against the straight run
//	shrink.go    Shrink: from a failing scenario to a smaller one
//
// The state of the world is in the clock, the scheduler's random numbers and the file system that is passed in; a seed that failed can be run again, and
// gives the same trace, event by event. The method is that of FoundationDB's simulation (Zhou et al., "FoundationDB: A Distributed Unbundled Transactional
// Key Value Store", SIGMOD 2021, section 4).
package sim

import (
	"iter"
	"math/rand/v2"
	"sync"
	"time"

	"pipec/vm"
	"pipec/vm/clock"
)

// Scheduler is a vm.Scheduler of one goroutine: whoever calls Run or Step. Several processes may share it.
type Scheduler struct {
	// Alone: no goroutine outside wakes anybody, so when nobody can run and nobody waits for time, Run ends.
	Alone bool
	// Trace sees the name of every machine before its step; nil: nobody looks.
	Trace func(name string)

	clock *clock.Fake
	rng   *rand.Rand

	mu     sync.Mutex
	wakes  *sync.Cond // something became runnable
	actors []*actor
	ready  []*actor // scratch
	gone   []*work  // begun, and their process has ended: to be brought to their end
	first  *Process
	now    *work // whose step this is; nil: that of a machine that is not to be interrupted
}

// Process is what shares a fate: a vm.Scheduler whose machines can be paused, and be gone, all at once.
type Process struct {
	// Delay is how long a machine waits before its first step; nil: not at all.
	Delay func(name string) time.Duration
	// Lazy makes one machine in so many slow: it is passed over nine times of ten. 0: none.
	Lazy int

	s            *Scheduler
	paused, gone bool
}

type actor struct {
	name  string
	m     vm.Machine
	of    *Process
	ready bool
	lazy  bool
	until time.Time // also ready then; zero: never
	gone  bool
}

// once is a machine of one step.
type once func()

// Step implements vm.Machine.
func (f once) Step() (vm.Progress, time.Time) {
	f()
	return vm.Finished, time.Time{}
}

// work is a piece of work off the loop, such as writing a file or deleting a checkpoint. In production it runs beside everything else; here it stops where it
// calls Yield, and goes on when its turn comes again.
type work struct {
	s     *Scheduler
	f     func()
	next  func() (struct{}, bool) // nil: it has not begun
	end   func()
	yield func(struct{}) bool
}

// Step implements vm.Machine.
func (w *work) Step() (vm.Progress, time.Time) {
	if w.next == nil {
		w.next, w.end = iter.Pull(func(yield func(struct{}) bool) {
			w.yield = yield
			w.f()
		})
	}
	w.s.now = w
	_, more := w.next()
	w.s.now = nil
	if more {
		return vm.Again, time.Time{}
	}
	return vm.Finished, time.Time{}
}

// bury brings the works of processes that are gone to their end; nothing they still do has an effect.
func (s *Scheduler) bury() {
	for _, w := range s.gone {
		if w.end != nil {
			w.end()
		}
	}
	s.gone = s.gone[:0]
}

// End brings everything to its end that was interrupted, when all processes are gone.
func (s *Scheduler) End() {
	s.mu.Lock()
	s.sweep()
	s.mu.Unlock()
	s.bury()
}

// whole are the works that hold a lock over operations of the disk, that of the history: who waits for it would wait for ever in one goroutine.
var whole = map[string]bool{"prepare": true, "restart": true, "record": true}

// Yield lets others run before the work goes on that calls it. In the step of a machine it does nothing: those are not interrupted.
func (s *Scheduler) Yield() {
	if w := s.now; w != nil {
		s.now = nil
		if w.yield(struct{}{}) {
			s.now = w
		}
	}
}

// New makes a scheduler on a clock of its own.
func New(seed uint64, c *clock.Fake) *Scheduler {
	s := &Scheduler{clock: c, rng: rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15))}
	s.wakes = sync.NewCond(&s.mu)
	s.first = s.Process()
	return s
}

// Process makes one more process.
func (s *Scheduler) Process() *Process { return &Process{s: s} }

// Random gives the scheduler's random numbers to the job, so that one seed decides everything.
func (s *Scheduler) Random() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.Uint64()
}

// Start implements vm.Scheduler for the only process.
func (s *Scheduler) Start(name string, m vm.Machine) func() { return s.first.Start(name, m) }

// Do implements vm.Scheduler for the only process. The work is done some time later, in one step or, where it yields, in several.
func (s *Scheduler) Do(name string, f func()) { s.first.Do(name, f) }

// Start implements vm.Scheduler.
func (p *Process) Start(name string, m vm.Machine) func() {
	s := p.s
	a := &actor{name: name, m: m, of: p, ready: true}
	s.mu.Lock()
	if p.Lazy > 0 {
		a.lazy = s.rng.IntN(p.Lazy) == 0
	}
	if p.Delay != nil {
		if d := p.Delay(name); d > 0 {
			a.ready, a.until = false, s.clock.Now().Add(d)
		}
	}
	s.actors = append(s.actors, a)
	s.mu.Unlock()
	s.wakes.Signal()
	return func() {
		s.mu.Lock()
		a.ready = true
		s.mu.Unlock()
		s.wakes.Signal()
	}
}

// Do implements vm.Scheduler.
func (p *Process) Do(name string, f func()) {
	if whole[name] {
		p.Start(name, once(f))
		return
	}
	p.Start(name, &work{s: p.s, f: f})
}

// Pause keeps the process from running (SIGSTOP) until it is resumed.
func (p *Process) Pause() { p.paused = true }

// Resume lets it run on.
func (p *Process) Resume() { p.paused = false }

// Drop ends the process: none of its machines runs again.
func (p *Process) Drop() { p.gone = true }

// Run steps machines until all have finished, or until stop says so, which it is asked after every step.
func (s *Scheduler) Run(stop func() bool) {
	for s.Step() && !stop() {
	}
}

// Step runs one machine for one step; false if there is none to run.
func (s *Scheduler) Step() bool {
	a := s.next()
	s.bury()
	if a == nil {
		return false
	}
	if s.Trace != nil {
		s.Trace(a.name)
	}
	p, until := a.m.Step()
	s.mu.Lock()
	switch p {
	case vm.Again:
		a.ready = true
	case vm.Waiting:
		a.until = until
	case vm.Finished:
		a.gone = true
	}
	s.mu.Unlock()
	s.clock.Advance(time.Duration(s.rng.IntN(int(maxStep))))
	return true
}

// maxStep is how long a step may take in virtual time.
const maxStep = 400 * time.Microsecond

// next takes one of the machines that can run; nil when all have finished. If none can, time moves to the next moment somebody waits for; if nobody waits
// for time, a goroutine outside (a reader of files) will wake somebody, unless the scheduler is alone.
func (s *Scheduler) next() *actor {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		s.sweep()
		if len(s.actors) == 0 {
			return nil
		}
		now := s.clock.Now()
		var soonest time.Time
		s.ready = s.ready[:0]
		for _, a := range s.actors {
			if a.of.paused {
				continue
			}
			if a.ready || !a.until.IsZero() && !now.Before(a.until) {
				s.ready = append(s.ready, a)
			} else if !a.until.IsZero() && (soonest.IsZero() || a.until.Before(soonest)) {
				soonest = a.until
			}
		}
		if len(s.ready) > 0 {
			a := s.pick()
			a.ready, a.until = false, time.Time{}
			return a
		}
		if soonest.IsZero() {
			if s.Alone {
				return nil
			}
			s.wakes.Wait()
			continue
		}
		s.mu.Unlock()
		s.clock.Advance(soonest.Sub(now))
		s.mu.Lock()
	}
}

// pick chooses among the ready ones; a lazy one has to be chosen ten times as often.
func (s *Scheduler) pick() *actor {
	for {
		a := s.ready[s.rng.IntN(len(s.ready))]
		if !a.lazy || s.rng.IntN(10) == 0 {
			return a
		}
	}
}

func (s *Scheduler) sweep() {
	live := s.actors[:0]
	for _, a := range s.actors {
		if !a.gone && !a.of.gone {
			live = append(live, a)
		} else if w, ok := a.m.(*work); ok && !a.gone {
			s.gone = append(s.gone, w)
		}
	}
	clear(s.actors[len(live):])
	s.actors = live
}
