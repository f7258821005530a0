// Package restart decides whether a job that failed is started again, and when. Strategies are pure: a failure and its time go in, a
// decision comes out; whoever holds one keeps the clock. They follow Flink's RestartBackoffTimeStrategy implementations, boundaries
// included.
//
//   - restart.go      Strategy, Decision, Spec and the table
//   - fixed.go        none, fixed_delay
//   - rate.go         failure_rate
//   - exponential.go  exponential_delay
//
// A failure that is permanent (a row error under on_row_error = fail, a snapshot that can't be restored) never reaches a strategy.
package restart

import (
	"fmt"
	"strings"
	"time"

	"pipec/compiler/plan"
)

// Strategy remembers the failures of one job. It belongs to one goroutine.
type Strategy interface {
	// Failure takes note of a failure and decides. Times must not go back.
	Failure(now time.Time) Decision
	// String is the strategy with its resolved parameters, as one writes it in a job block.
	String() string
}

// Decision is what to do about a failure.
type Decision struct {
	Restart bool
	Delay   time.Duration // from the failure to the restart
	// Merged: a restart was already due and this failure belongs to it; it is not counted as another attempt.
	Merged bool
	Reason string // why not, for the message that ends the job; empty for a restart
}

// Rand is a source of randomness, seeded by whoever starts the job: *rand.Rand of math/rand/v2 is one.
type Rand interface {
	// Float64 returns a number in [0, 1).
	Float64() float64
}

// Spec is one strategy: an entry of the table that `restart WORD { ... }` is looked up in.
type Spec struct {
	Name   string
	Doc    string
	Params []plan.Param
	// Check says what contradicts between the parameters, "" if nothing.
	Check func(r plan.Restart) string
	// New makes a strategy from resolved parameters; rng may be nil where Jitter is 0.
	New func(r plan.Restart, rng Rand) Strategy
}

// Table returns all strategies, in the order of the reference.
func Table() []Spec {
	return []Spec{none(), fixedDelay(), failureRate(), exponentialDelay()}
}

// Lookup finds a strategy by name.
func Lookup(name string) (Spec, bool) {
	for _, s := range Table() {
		if s.Name == name {
			return s, true
		}
	}
	return Spec{}, false
}

// New makes the strategy that the job block names.
func New(r plan.Restart, rng Rand) (Strategy, error) {
	s, ok := Lookup(r.Strategy)
	if !ok {
		return nil, fmt.Errorf("no restart strategy is called %q", r.Strategy)
	}
	if s.Check != nil {
		if msg := s.Check(r); msg != "" {
			return nil, fmt.Errorf("restart %s: %s", r.Strategy, msg)
		}
	}
	return s.New(r, rng), nil
}

// short writes a duration as the language does: 10m, 1m30s, 1h.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Checks of single values, for plan.Param.Check; they say what is wrong, "" if nothing.

func atLeast(low int64) func(any) string {
	return func(v any) string {
		if n, ok := v.(int64); ok && n < low {
			return fmt.Sprintf("must be at least %d", low)
		}
		return ""
	}
}

func durationFrom(low time.Duration) func(any) string {
	return func(v any) string {
		if d, ok := v.(time.Duration); ok && d < low {
			return "must be at least " + short(low)
		}
		return ""
	}
}
