package checkpoint

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestCounts holds which failures count for tolerate_failures (flink-facts 72, 73): what a task or the storage could not do, and what took too long; not what
// something else ended.
func TestCounts(t *testing.T) {
	for reason, counts := range map[Reason]bool{
		Declined: true, Expired: true, IO: true, TooLarge: true,
		Superseded: false, Suspended: false, TaskFailed: false,
	} {
		if reason.Counts() != counts {
			t.Errorf("%s counts: %v", reason, reason.Counts())
		}
	}
}

// TestFirstTrigger: the first one comes between the pause and the interval after the start, as the jitter says, and later ones stay on its grid (52).
func TestFirstTrigger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := settings()
		set.Interval = time.Duration(rapid.IntRange(10, 100_000).Draw(t, "interval")) * time.Millisecond
		set.MinPause = time.Duration(rapid.IntRange(0, 200_000).Draw(t, "pause")) * time.Millisecond
		jitter := rapid.Float64Range(0, 0.999999).Draw(t, "jitter")
		c := NewCoordinator(set)
		c.Step(zero, Started{Tasks: []string{"a"}, Jitter: jitter})
		first, ok := c.NextWake()
		steady := max(set.Interval, set.MinPause)
		if d := first.Sub(zero); !ok || d < set.MinPause || d > steady {
			t.Fatalf("first after %v, want between %v and %v", d, set.MinPause, steady)
		}
		triggered := 0
		for _, a := range c.Step(first, Tick{}) {
			if _, ok := a.(Inject); ok {
				triggered++
			}
		}
		if next, _ := c.NextWake(); triggered != 1 || next.Sub(first) != min(steady, set.Timeout) {
			t.Fatalf("%d triggered, next after %v, want %v", triggered, next.Sub(first), steady)
		}
	})
}

// TestTimeoutBoundary: at the very end of its timeout a checkpoint has failed, just before it has not, and once its record is being written it cannot expire (66).
func TestTimeoutBoundary(t *testing.T) {
	set := settings()
	set.Timeout, set.Tolerate = 3*time.Second, 1
	begin := func() *Coordinator {
		c := NewCoordinator(set)
		c.Step(zero, Started{Tasks: []string{"a"}})
		c.Step(zero, Tick{})
		return c
	}
	aborts := func(list []Action) bool {
		for _, a := range list {
			if b, ok := a.(Abort); ok && b.Reason == Expired {
				return true
			}
		}
		return false
	}
	c := begin()
	if aborts(c.Step(zero.Add(3*time.Second-1), Tick{})) {
		t.Error("it expired a nanosecond early")
	}
	if !aborts(c.Step(zero.Add(3*time.Second), Tick{})) {
		t.Error("it did not expire at its timeout")
	}
	if len(c.Step(zero.Add(4*time.Second-1), Ack{ID: 1, Task: "a"})) != 0 {
		t.Error("a late answer did something")
	}
	c = begin()
	c.Step(zero, Ack{ID: 1, Task: "a"})
	c.Step(zero, Written{ID: 1})
	if !c.Busy() || aborts(c.Step(zero.Add(10*time.Second), Tick{})) {
		t.Error("it expired while its record was being written: nobody knows whether it is complete")
	}
}
