// Package sim runs a whole job in one goroutine, in an order that a seed decides, on a clock that moves as the seed says: production code under a
// scheduler that finds interleavings no machine would show for years.
//
//	sim.go   Scheduler: who runs next, and when time moves
//
// The state of the world is in the clock, the scheduler's random numbers and the file system that is passed in; a seed that failed can be run again.
package sim

import (
	"math/rand/v2"
	"sync"
	"time"

	"pipec/vm"
	"pipec/vm/clock"
)

// Scheduler is a vm.Scheduler of one goroutine: whoever calls Run.
type Scheduler struct {
	clock *clock.Fake
	rng   *rand.Rand

	mu     sync.Mutex
	wakes  *sync.Cond // something became runnable
	actors []*actor
}

type actor struct {
	name  string
	m     vm.Machine
	ready bool
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

// New makes a scheduler on a clock of its own.
func New(seed uint64, c *clock.Fake) *Scheduler {
	s := &Scheduler{clock: c, rng: rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15))}
	s.wakes = sync.NewCond(&s.mu)
	return s
}

// Random gives the scheduler's random numbers to the job, so that one seed decides everything.
func (s *Scheduler) Random() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.Uint64()
}

// Start implements vm.Scheduler.
func (s *Scheduler) Start(name string, m vm.Machine) func() {
	a := &actor{name: name, m: m, ready: true}
	s.mu.Lock()
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

// Do implements vm.Scheduler. The work is done in one step, some time later.
func (s *Scheduler) Do(name string, f func()) { s.Start(name, once(f)) }

// Run steps machines until all have finished, or until stop says so, which it is asked after every step.
func (s *Scheduler) Run(stop func() bool) {
	for {
		a := s.next()
		if a == nil {
			return
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
		if stop() {
			return
		}
	}
}

// maxStep is how long a step may take in virtual time.
const maxStep = 400 * time.Microsecond

// next takes one of the machines that can run; nil when all have finished. If none can, time moves to the next moment somebody waits for; if nobody waits
// for time, a goroutine outside (a reader of files) will wake somebody.
func (s *Scheduler) next() *actor {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		s.sweep()
		if len(s.actors) == 0 {
			return nil
		}
		now := s.clock.Now()
		var ready []*actor
		var soonest time.Time
		for _, a := range s.actors {
			if a.ready || !a.until.IsZero() && !now.Before(a.until) {
				ready = append(ready, a)
			} else if !a.until.IsZero() && (soonest.IsZero() || a.until.Before(soonest)) {
				soonest = a.until
			}
		}
		if len(ready) > 0 {
			a := ready[s.rng.IntN(len(ready))]
			a.ready, a.until = false, time.Time{}
			return a
		}
		if soonest.IsZero() {
			s.wakes.Wait()
			continue
		}
		s.mu.Unlock()
		s.clock.Advance(soonest.Sub(now))
		s.mu.Lock()
	}
}

func (s *Scheduler) sweep() {
	live := s.actors[:0]
	for _, a := range s.actors {
		if !a.gone {
			live = append(live, a)
		}
	}
	clear(s.actors[len(live):])
	s.actors = live
}
