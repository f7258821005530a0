package restart

import (
	"fmt"
	"time"

	"pipec/compiler/plan"
)

func none() Spec {
	return Spec{
		Name: "none",
		Doc:  "The first failure ends the job.",
		New:  func(plan.Restart, Rand) Strategy { return noRestart{} },
	}
}

// noRestart is Flink's NoRestartBackoffTimeStrategy.
type noRestart struct{}

func (noRestart) Failure(time.Time) Decision {
	return Decision{Reason: "restart none: no failure is survived"}
}
func (noRestart) String() string { return "none" }

func fixedDelay() Spec {
	return Spec{
		Name: "fixed_delay",
		Doc:  "Restarts a number of times, always after the same delay. Failures are never forgotten.",
		Params: []plan.Param{
			{Name: "attempts", Kind: plan.IntParam, Default: int64(1), Check: atLeast(0), Example: "attempts = 3",
				Doc: "How often the job is restarted in its life; the failure after that ends it."},
			{Name: "delay", Kind: plan.DurationParam, Default: time.Second, Check: durationFrom(0), Example: "delay = 10s",
				Doc: "Time between a failure and the restart."},
		},
		New: func(r plan.Restart, _ Rand) Strategy { return &fixed{attempts: r.Attempts, delay: r.Delay} },
	}
}

// fixed is Flink's FixedDelayRestartBackoffTimeStrategy: every failure counts, for ever; restart while the count is at most attempts.
type fixed struct {
	attempts int
	delay    time.Duration
	failures int
}

func (f *fixed) Failure(time.Time) Decision {
	if f.failures >= f.attempts { // compared before counting: attempts may be the largest int
		return Decision{Reason: fmt.Sprintf("restart %s: all %d attempts were used", f, f.attempts)}
	}
	f.failures++
	return Decision{Restart: true, Delay: f.delay}
}

func (f *fixed) String() string {
	return fmt.Sprintf("fixed_delay { attempts = %d, delay = %s }", f.attempts, short(f.delay))
}
