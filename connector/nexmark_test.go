package connector

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pipec/compiler/plan"
	"pipec/vm/clock"
	"pipec/vm/value"
)

func nexmarkConfig(pairs ...any) plan.SourceConfig {
	spec, _ := Lookup("nexmark")
	set := settings(pairs...)
	return plan.SourceConfig{Schema: value.Schema{Fields: spec.ColumnsOf(set)}, Settings: set}
}

func TestNexmarkSettings(t *testing.T) {
	spec, _ := Lookup("nexmark")
	for want, set := range map[string]plan.Settings{
		"":                         settings("events", "bids", "count", int64(0), "rate", 0.5),
		"count must not be":        settings("events", "bids", "count", int64(-1)),
		"rate must be more than 0": settings("events", "bids", "rate", int64(0)),
		"step must be more than 0": settings("events", "bids", "step", time.Duration(0)),
		"event time goes out of":   settings("events", "bids", "count", int64(math.MaxInt64)),
	} {
		if got := spec.CheckSource(set); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if !spec.Endless(settings()) || spec.Endless(settings("count", int64(1))) {
		t.Error("a run ends if it has `count`")
	}
	c := nexmarkConfig("events", "people")
	c.Physical = slices.Repeat([]string{"auction"}, 8)
	src := openSource(t, "nexmark", c, newEnv())
	if _, err := src.Reader(splitsOf(t, src, 1, nil), func() {}); err == nil || !Permanent(err) {
		t.Errorf("people have no auction: %v", err)
	}
}

// Sources of one run keep step: each gives its share of the rate, and event time goes as fast as the clock.
func TestNexmarkKeepsItsRateOverAllKinds(t *testing.T) {
	for events, want := range map[string]int{"bids": 9200, "auctions": 600, "people": 200} {
		env := newEnv()
		fake := env.Clock.(*clock.Fake)
		src := openSource(t, "nexmark", nexmarkConfig("events", events, "rate", int64(5000), "start", day.UnixMicro()), env)
		s := read(t, src, splitsOf(t, src, 1, nil))
		at := slices.Index(s.r.(*numberedReader).o.Config.Schema.Names(), "at")
		rows, last := 0, int64(0)
		for range 20 {
			for {
				status, err := s.r.Next(&s.read, 100)
				must(t, err)
				if status != More {
					break
				}
				b := s.read.Batch
				rows, last = rows+b.Len, b.Cols[at].I64[b.Len-1]
			}
			fake.BlockUntil(1)
			fake.Advance(100 * time.Millisecond)
			<-s.woken
		}
		if rows < want*95/100-1 || rows > want*95/100+150 {
			t.Errorf("%d %s in 1.9 seconds, want %d", rows, events, want*95/100)
		}
		if got := time.UnixMicro(last).Sub(day); got < 1800*time.Millisecond || got > 2*time.Second {
			t.Errorf("%s: event time has moved by %s in two seconds", events, got)
		}
		must(t, s.r.Close())
	}
}
