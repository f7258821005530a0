package restart

import (
	"fmt"
	"time"

	"pipec/compiler/plan"
)

func failureRate() Spec {
	return Spec{
		Name: "failure_rate",
		Doc:  "Restarts as long as no more than a number of failures fall into any stretch of time of a given length.",
		Params: []plan.Param{
			{Name: "max_failures", Kind: plan.IntParam, Default: int64(1), Check: atLeast(1), Example: "max_failures = 5",
				Doc: "How many failures within the interval are survived."},
			{Name: "interval", Kind: plan.DurationParam, Default: time.Minute, Check: positive, Example: "interval = 10m",
				Doc: "The stretch of time in which failures are counted. It slides; failures exactly this far apart are both inside."},
			{Name: "delay", Kind: plan.DurationParam, Default: time.Second, Check: durationFrom(0), Example: "delay = 10s",
				Doc: "Time between a failure and the restart."},
		},
		New: func(r plan.Restart, _ Rand) Strategy {
			return &rate{max: r.MaxFailures, interval: r.Interval, delay: r.Delay}
		},
	}
}

func positive(v any) string {
	if d, ok := v.(time.Duration); ok && d <= 0 {
		return "must be more than 0s"
	}
	return ""
}

// rate is Flink's FailureRateRestartBackoffTimeStrategy since 1.12.1 (FLINK-20752): N failures restart, failure N+1 within the
// interval ends the job, and exactly one interval apart is still within.
type rate struct {
	max             int
	interval, delay time.Duration
	recent          []time.Time // failures that are not yet older than the interval, oldest first; at most max+1
}

func (r *rate) Failure(now time.Time) Decision {
	for len(r.recent) > 0 && now.Sub(r.recent[0]) > r.interval {
		r.recent = r.recent[1:]
	}
	r.recent = append(r.recent, now)
	if len(r.recent) > r.max {
		return Decision{Reason: fmt.Sprintf("restart %s: %d failures within %s", r, len(r.recent), short(r.interval))}
	}
	return Decision{Restart: true, Delay: r.delay}
}

func (r *rate) String() string {
	return fmt.Sprintf("failure_rate { max_failures = %d, interval = %s, delay = %s }", r.max, short(r.interval), short(r.delay))
}
