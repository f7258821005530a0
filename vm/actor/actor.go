// Package actor is how machines are run: who steps them, and how they are woken. The engine knows no goroutine but through it, so that the simulator can
// take the place of the scheduler and run everything in an order that a seed decides.
package actor

import (
	"sync"
	"time"

	"pipec/vm/clock"
)

// Progress is what a machine says after a step.
type Progress uint8

// The answers. Waiting lasts until the machine is woken, or until the time it gave.
const (
	Again Progress = iota
	Waiting
	Finished
)

// Machine is anything that runs by steps which never wait: a task, an upload, the job itself.
type Machine interface {
	// Step does a bounded piece of work. until is when to step again although nobody woke the machine; zero: never.
	Step() (p Progress, until time.Time)
}

// Scheduler runs machines. Goroutines runs each in a goroutine of its own; the simulator runs all in one, in an order that a seed decides.
type Scheduler interface {
	// Start begins to step the machine and gives the function that wakes it, which may be called from anywhere.
	Start(name string, m Machine) (wake func())
	// Do runs f once, as a machine of one step: work that may take long, such as writing a file.
	Do(name string, f func())
}

// Goroutines is the Scheduler of production.
type Goroutines struct {
	Clock clock.Clock
	all   sync.WaitGroup
}

// Start implements Scheduler.
func (g *Goroutines) Start(_ string, m Machine) func() {
	signal := make(chan struct{}, 1)
	g.all.Go(func() { loop(m, signal, g.Clock) })
	return func() {
		select {
		case signal <- struct{}{}:
		default:
		}
	}
}

// Do implements Scheduler.
func (g *Goroutines) Do(_ string, f func()) { g.all.Go(f) }

// Wait waits until every machine has finished.
func (g *Goroutines) Wait() { g.all.Wait() }

func loop(m Machine, signal chan struct{}, c clock.Clock) {
	var timer clock.Timer
	for {
		p, until := m.Step()
		switch {
		case p == Finished:
			return
		case p == Again:
			continue
		case until.IsZero():
			<-signal
			continue
		}
		d := until.Sub(c.Now())
		if timer == nil {
			timer = c.NewTimer(d)
		} else {
			timer.Reset(d)
		}
		select {
		case <-signal:
			timer.Stop()
		case <-timer.C():
		}
	}
}

// Waker wakes a machine that may not have been started yet: what comes too early is not lost.
type Waker struct {
	mu     sync.Mutex
	wake   func()
	missed bool
}

// Call wakes the machine, now or as soon as it can be woken.
func (w *Waker) Call() {
	w.mu.Lock()
	f := w.wake
	w.missed = f == nil
	w.mu.Unlock()
	if f != nil {
		f()
	}
}

// Set says how the machine is woken.
func (w *Waker) Set(f func()) {
	w.mu.Lock()
	w.wake = f
	missed := w.missed
	w.mu.Unlock()
	if missed {
		f()
	}
}
