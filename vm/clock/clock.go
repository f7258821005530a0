// Package clock is time as a parameter: what the engine asks instead of package time, so that a test or the simulator decides what
// time it is.
//
//   - clock.go  Clock and Timer, and Real, the system's
//   - fake.go   Fake, which moves only when told
//   - watch.go  Watch: whose time it is
package clock

import "time"

// Clock tells the time and wakes up. Times carry Go's monotonic reading where the clock has one, so differences survive a step of
// the wall clock.
type Clock interface {
	Now() time.Time
	// NewTimer returns a timer that fires once, d from now; at once if d <= 0.
	NewTimer(d time.Duration) Timer
}

// Timer fires once on its channel. The rules are those of time.Timer since Go 1.23: after Stop or Reset no stale value is received.
type Timer interface {
	C() <-chan time.Time
	// Stop keeps the timer from firing; false if it had fired or was stopped.
	Stop() bool
	// Reset sets it to fire d from now; the result is that of Stop.
	Reset(d time.Duration) bool
}

// Real returns the system's clock.
func Real() Clock { return realClock{} }

type realClock struct{}

func (realClock) Now() time.Time                 { return time.Now() }
func (realClock) NewTimer(d time.Duration) Timer { return realTimer{time.NewTimer(d)} }

type realTimer struct{ t *time.Timer }

func (r realTimer) C() <-chan time.Time        { return r.t.C }
func (r realTimer) Stop() bool                 { return r.t.Stop() }
func (r realTimer) Reset(d time.Duration) bool { return r.t.Reset(d) }
