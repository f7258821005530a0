package restart

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pipec/compiler/plan"
)

var start = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// history plays failures at the given milliseconds and writes the answer to each: a delay, "merged D" or "end".
func history(s Strategy, at ...int) string {
	var out []string
	for _, ms := range at {
		d := s.Failure(start.Add(time.Duration(ms) * time.Millisecond))
		switch {
		case !d.Restart:
			out = append(out, "end")
		case d.Merged:
			out = append(out, "merged "+d.Delay.String())
		default:
			out = append(out, d.Delay.String())
		}
	}
	return strings.Join(out, " ")
}

func TestHistories(t *testing.T) {
	fixed := func(n int, d time.Duration) plan.Restart {
		return plan.Restart{Strategy: "fixed_delay", Attempts: n, Delay: d}
	}
	rate3 := plan.Restart{Strategy: "failure_rate", MaxFailures: 3, Interval: 10 * time.Second, Delay: time.Second}
	exp := func(initial, max time.Duration, mult float64) plan.Restart {
		return plan.Restart{Strategy: "exponential_delay", Initial: initial, Max: max, Multiplier: mult, ResetAfter: time.Hour}
	}
	short := exp(time.Second, time.Minute, 2)
	short.ResetAfter = 10 * time.Second
	for _, c := range []struct {
		name string
		set  plan.Restart
		at   []int
		want string
	}{
		{"none", plan.Restart{Strategy: "none"}, []int{0}, "end"},
		{"three attempts are four executions", fixed(3, time.Second), []int{0, 5, 10, 15}, "1s 1s 1s end"},
		{"no attempts equals none", fixed(0, time.Second), []int{0}, "end"},
		{"one attempt", fixed(1, 0), []int{0, 1}, "0s end"},
		{"fixed never forgets", fixed(3, time.Second), []int{0, 2_600_000_000, 5_200_000_000, 7_800_000_000}, "1s 1s 1s end"},
		{"default attempts do not overflow", fixed(math.MaxInt32, 0), []int{0, 1, 2}, "0s 0s 0s"},
		{"rate: the fourth at 3 s ends", rate3, []int{0, 1000, 2000, 3000}, "1s 1s 1s end"},
		{"rate: exactly one interval apart is inside", rate3, []int{0, 1000, 2000, 10_000}, "1s 1s 1s end"},
		{"rate: one millisecond more is outside", rate3, []int{0, 1000, 2000, 10_001}, "1s 1s 1s 1s"},
		{"rate slides", rate3, []int{0, 1000, 2000, 10_001, 11_001, 11_500}, "1s 1s 1s 1s 1s end"},
		{"exponential 1.5, one minute", exp(time.Second, time.Minute, 1.5),
			spaced(12), "1s 1.5s 2.25s 3.375s 5.062s 7.594s 11.391s 17.086s 25.629s 38.443s 57.665s 1m0s"},
		{"exponential 2, five minutes", exp(time.Second, 5*time.Minute, 2),
			spaced(11), "1s 2s 4s 8s 16s 32s 1m4s 2m8s 4m16s 5m0s 5m0s"},
		{"reset: just before and exactly at the threshold", short, []int{0, 10_999, 22_999}, "1s 2s 1s"},
		{"merged: up to the scheduled restart", short, []int{0, 500, 1000, 1001}, "1s merged 500ms merged 0s 2s"},
	} {
		s, err := New(c.set, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := history(s, c.at...); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// spaced gives failures far enough apart not to be merged and near enough not to reset.
func spaced(n int) []int {
	at := make([]int, n)
	for i := range at {
		at[i] = i * 600_000
	}
	return at
}

// TestRateAgainstDefinition compares with the definition, computed from the whole history.
func TestRateAgainstDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, interval := rapid.IntRange(1, 4).Draw(t, "max"), rapid.IntRange(1, 20).Draw(t, "interval")
		gaps := rapid.SliceOfN(rapid.IntRange(0, 12), 1, 30).Draw(t, "gaps")
		s, err := New(plan.Restart{Strategy: "failure_rate", MaxFailures: n, Interval: time.Duration(interval) * time.Millisecond}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var all []int
		now := 0
		for _, g := range gaps {
			now += g
			all = append(all, now)
			want := len(all) < n+1 || now-all[len(all)-(n+1)] > interval
			if got := s.Failure(start.Add(time.Duration(now) * time.Millisecond)).Restart; got != want {
				t.Fatalf("failures %v: restart %v, want %v", all, got, want)
			}
			if !want {
				return
			}
		}
	})
}

func TestJitter(t *testing.T) {
	set := plan.Restart{Strategy: "exponential_delay", Initial: time.Second, Max: time.Minute, Multiplier: 2, Jitter: 0.25, ResetAfter: time.Hour}
	low, high := time.Hour, time.Duration(0)
	for seed := range uint64(400) {
		s, err := New(set, rand.New(rand.NewPCG(seed, 0)))
		if err != nil {
			t.Fatal(err)
		}
		first := s.Failure(start).Delay
		if first < time.Second || first > 1250*time.Millisecond {
			t.Fatalf("first delay %v: never below initial", first)
		}
		second := s.Failure(start.Add(time.Minute)).Delay
		low, high = min(low, second), max(high, second)
		for range 9 {
			if d := s.Failure(start.Add(time.Minute)).Delay; d > time.Minute {
				t.Fatalf("delay %v is above max", d)
			}
		}
	}
	if low < 1500*time.Millisecond || low > 1550*time.Millisecond || high > 2500*time.Millisecond || high < 2450*time.Millisecond {
		t.Fatalf("second delay between %v and %v, want about 1.5s to 2.5s", low, high)
	}
}

func TestStrings(t *testing.T) {
	for _, c := range []struct {
		set  plan.Restart
		want string
	}{
		{plan.Restart{Strategy: "none"}, "none"},
		{plan.Restart{Strategy: "fixed_delay", Attempts: math.MaxInt32, Delay: time.Second}, "fixed_delay { attempts = 2147483647, delay = 1s }"},
		{plan.Restart{Strategy: "failure_rate", MaxFailures: 5, Interval: 10 * time.Minute, Delay: 90 * time.Second},
			"failure_rate { max_failures = 5, interval = 10m, delay = 1m30s }"},
		{plan.Restart{Strategy: "exponential_delay", Initial: time.Second, Max: 2 * time.Minute, Multiplier: 2, Jitter: 0.1, ResetAfter: time.Hour},
			"exponential_delay { initial = 1s, max = 2m, multiplier = 2, jitter = 0.1, reset_after = 1h }"},
	} {
		s, err := New(c.set, nil)
		if err != nil {
			t.Fatal(err)
		}
		if s.String() != c.want {
			t.Errorf("%s, want %s", s, c.want)
		}
	}
}

// TestLimits holds the boundaries of single parameters and of their combination.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		strategy, param string
		ok, bad         any
	}{
		{"fixed_delay", "attempts", int64(0), int64(-1)},
		{"fixed_delay", "delay", time.Duration(0), -time.Second},
		{"failure_rate", "max_failures", int64(1), int64(0)},
		{"failure_rate", "interval", time.Duration(1), time.Duration(0)},
		{"exponential_delay", "multiplier", 1.01, 1.0},
		{"exponential_delay", "multiplier", 2.0, math.NaN()},
		{"exponential_delay", "jitter", 1.0, 1.01},
		{"exponential_delay", "jitter", 0.0, -0.01},
		{"exponential_delay", "initial", time.Millisecond, time.Microsecond},
	} {
		spec, _ := Lookup(c.strategy)
		found := false
		for _, p := range spec.Params {
			if p.Name != c.param {
				continue
			}
			found = true
			if msg := p.Check(c.ok); msg != "" {
				t.Errorf("%s.%s = %v: %s", c.strategy, c.param, c.ok, msg)
			}
			if p.Check(c.bad) == "" {
				t.Errorf("%s.%s = %v was accepted", c.strategy, c.param, c.bad)
			}
		}
		if !found {
			t.Errorf("%s has no %s", c.strategy, c.param)
		}
	}
	_, err := New(plan.Restart{Strategy: "exponential_delay", Initial: 2 * time.Second, Max: time.Second, Multiplier: 2}, nil)
	if err == nil || !strings.Contains(err.Error(), "initial (2s) is more than max (1s)") {
		t.Error(err)
	}
	if _, err := New(plan.Restart{Strategy: "nope"}, nil); err == nil {
		t.Error("an unknown strategy was made")
	}
}

func TestGivingUpNamesTheStrategy(t *testing.T) {
	for _, spec := range Table() {
		s := spec.New(plan.Restart{Strategy: spec.Name, MaxFailures: 1, Interval: time.Hour, Multiplier: 2, ResetAfter: time.Hour, Initial: time.Second, Max: time.Second}, nil)
		for i := range 3 {
			d := s.Failure(start.Add(time.Duration(i) * time.Minute))
			if d.Restart == (d.Reason != "") || !d.Restart && !strings.Contains(d.Reason, fmt.Sprint(s)) {
				t.Errorf("%s: %+v", spec.Name, d)
			}
		}
	}
}
