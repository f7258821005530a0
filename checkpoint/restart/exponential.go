package restart

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"pipec/compiler/plan"
)

func exponentialDelay() Spec {
	return Spec{
		Name: "exponential_delay",
		Doc:  "Restarts for ever, after a delay that grows with each failure and starts over when the job ran long enough without one.",
		Params: []plan.Param{
			{Name: "initial", Kind: plan.DurationParam, Default: time.Second, Check: durationFrom(time.Millisecond), Example: "initial = 1s",
				Doc: "The first delay, and the shortest."},
			{Name: "max", Kind: plan.DurationParam, Default: 5 * time.Minute, Check: durationFrom(time.Millisecond), Example: "max = 2m",
				Doc: "The longest delay."},
			{Name: "multiplier", Kind: plan.FloatParam, Default: 2.0, Check: aboveOne, Example: "multiplier = 2.0",
				Doc: "By how much the delay grows from one restart to the next."},
			{Name: "jitter", Kind: plan.FloatParam, Default: 0.1, Check: fraction, Example: "jitter = 0.1",
				Doc: "Each delay is changed at random by up to this part of it, so that jobs that failed together do not restart together."},
			{Name: "reset_after", Kind: plan.DurationParam, Default: time.Hour, Check: durationFrom(time.Millisecond), Example: "reset_after = 10m",
				Doc: "After this long without a failure since the last restart the delay starts over."},
		},
		Check: func(r plan.Restart) string {
			if r.Initial > r.Max {
				return fmt.Sprintf("initial (%s) is more than max (%s)", short(r.Initial), short(r.Max))
			}
			return ""
		},
		New: func(r plan.Restart, rng Rand) Strategy { return &exponential{set: r, rng: rng} },
	}
}

func aboveOne(v any) string {
	if f, ok := v.(float64); ok && !(f > 1) {
		return "must be more than 1"
	}
	return ""
}

func fraction(v any) string {
	if f, ok := v.(float64); ok && !(f >= 0 && f <= 1) {
		return "must be between 0 and 1"
	}
	return ""
}

// exponential is Flink's ExponentialDelayRestartBackoffTimeStrategy since 1.19: delay k = initial * multiplier^k with jitter of
// plus or minus a part of itself, then held between initial and max.
type exponential struct {
	set     plan.Restart
	rng     Rand
	granted int       // restarts since the last reset
	due     time.Time // when the last granted restart was to happen; zero before the first failure
}

func (e *exponential) Failure(now time.Time) Decision {
	if !e.due.IsZero() {
		if !now.After(e.due) { // the restart is already on its way
			return Decision{Restart: true, Delay: e.due.Sub(now), Merged: true}
		}
		if now.Sub(e.due) >= e.set.ResetAfter {
			e.granted = 0
		}
	}
	delay := e.delay()
	e.granted++
	e.due = now.Add(delay)
	return Decision{Restart: true, Delay: delay}
}

// delay computes in milliseconds, Flink's unit; in floating point, since the power outgrows an integer soon.
func (e *exponential) delay() time.Duration {
	low, high := float64(e.set.Initial), float64(e.set.Max)
	d := min(low*math.Pow(e.set.Multiplier, float64(e.granted)), high)
	if e.set.Jitter > 0 && e.rng != nil {
		d += d * e.set.Jitter * (2*e.rng.Float64() - 1)
	}
	const ms = float64(time.Millisecond)
	return time.Duration(max(low, min(math.RoundToEven(d/ms)*ms, high)))
}

func (e *exponential) String() string {
	s := e.set
	number := func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
	return fmt.Sprintf("exponential_delay { initial = %s, max = %s, multiplier = %s, jitter = %s, reset_after = %s }",
		short(s.Initial), short(s.Max), number(s.Multiplier), number(s.Jitter), short(s.ResetAfter))
}
