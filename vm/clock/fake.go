package clock

import (
	"sync"
	"time"
)

// Fake is a clock that stands still until Advance. Timers that come due fire in the order of their times, each with the clock at
// its time. It may be used from several goroutines.
type Fake struct {
	mu      sync.Mutex
	changed *sync.Cond
	now     time.Time
	seq     int64
	timers  map[*fakeTimer]bool // those that are set
}

// NewFake returns a clock that shows start.
func NewFake(start time.Time) *Fake {
	f := &Fake{now: start, timers: map[*fakeTimer]bool{}}
	f.changed = sync.NewCond(&f.mu)
	return f
}

// Now implements Clock.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// NewTimer implements Clock.
func (f *Fake) NewTimer(d time.Duration) Timer {
	t := &fakeTimer{clock: f, c: make(chan time.Time, 1)}
	t.Reset(d)
	return t
}

// Advance moves the clock and fires what comes due on the way. A receiver may set new timers meanwhile; those set before Advance
// returns and due within d fire too, later ones at the next call.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	end := f.now.Add(d)
	for t := f.first(); t != nil && !t.at.After(end); t = f.first() {
		if t.at.After(f.now) {
			f.now = t.at
		}
		t.fire()
	}
	f.now = end
	f.changed.Broadcast()
}

// Next returns the time at which the earliest timer fires; false if none is set.
func (f *Fake) Next() (time.Time, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.first(); t != nil {
		return t.at, true
	}
	return time.Time{}, false
}

// BlockUntil waits until n timers are set, so that a test advances the clock only when somebody waits for it.
func (f *Fake) BlockUntil(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.timers) < n {
		f.changed.Wait()
	}
}

// first is called with mu held. Timers of one instant fire in the order in which they were set.
func (f *Fake) first() *fakeTimer {
	var best *fakeTimer
	for t := range f.timers {
		if best == nil || t.at.Before(best.at) || t.at.Equal(best.at) && t.seq < best.seq {
			best = t
		}
	}
	return best
}

type fakeTimer struct {
	clock *Fake
	c     chan time.Time
	at    time.Time
	seq   int64
}

func (t *fakeTimer) C() <-chan time.Time { return t.c }

func (t *fakeTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	return t.stop()
}

func (t *fakeTimer) stop() bool {
	was := t.clock.timers[t]
	delete(t.clock.timers, t)
	select { // a value that nobody took yet is stale now
	case <-t.c:
	default:
	}
	t.clock.changed.Broadcast()
	return was
}

func (t *fakeTimer) Reset(d time.Duration) bool {
	f := t.clock
	f.mu.Lock()
	defer f.mu.Unlock()
	was := t.stop()
	f.seq++
	t.at, t.seq = f.now.Add(d), f.seq
	f.timers[t] = true
	if d <= 0 {
		t.fire()
	}
	f.changed.Broadcast()
	return was
}

// fire is called with mu held. The channel has room: stop emptied it when the timer was set.
func (t *fakeTimer) fire() {
	delete(t.clock.timers, t)
	t.c <- t.clock.now
}
