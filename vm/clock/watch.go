package clock

import "time"

// Watch divides the time of one goroutine between accounts: at any moment it runs for one of them or for none. Entering and leaving cost a look at the clock each, so it is made for work
// in batches, and may always be on.
type Watch struct {
	clock   Clock
	account *time.Duration // nil: none
	since   time.Time
}

// NewWatch makes a watch that runs for nobody.
func NewWatch(c Clock) Watch { return Watch{clock: c} }

// Enter lets the time from now on count for an account, and gives the one it counted for until now, for Leave.
func (w *Watch) Enter(account *time.Duration) (outer *time.Duration) {
	outer = w.account
	w.turn(account)
	return outer
}

// Leave lets it count for the outer account again.
func (w *Watch) Leave(outer *time.Duration) { w.turn(outer) }

func (w *Watch) turn(account *time.Duration) {
	now := w.clock.Now()
	if w.account != nil {
		*w.account += now.Sub(w.since)
	}
	w.account, w.since = account, now
}
