package connector

import (
	"fmt"
	"math"
	"time"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

func sequenceSpec() Spec {
	return Spec{
		Name: "sequence",
		Doc:  "Gives the numbers from one value to another, each with a time: for tests, measurements and first steps.",
		SourceParams: []plan.Param{
			{Name: "from", Doc: "The first value.", Kind: plan.IntParam, Default: int64(0), Example: "from = 1"},
			{Name: "to", Doc: "The last value; without it the numbers never end.", Kind: plan.IntParam, Example: "to = 1_000_000"},
			{Name: "rate", Doc: "Rows per second, all tasks together; without it as many as possible.", Kind: plan.FloatParam, Example: "rate = 1000"},
			{Name: "start", Doc: "The time `at` of the first value.", Kind: plan.TimestampParam, Default: sequenceStart, Example: `start = "2026-01-01T00:00:00Z"`},
			{Name: "step", Doc: "How much later `at` is with each value.", Kind: plan.DurationParam, Default: time.Millisecond, Example: "step = 1s"},
		},
		Columns:     []value.Field{{Name: "value", Type: value.Of(value.Int)}, {Name: "at", Type: value.Of(value.Timestamp)}},
		TimeColumn:  "at",
		Replayable:  true,
		Endless:     func(s plan.Settings) bool { return !s.Has("to") },
		CheckSource: checkSequence,
		Source:      newSequence,
		Examples:    []string{"from sequence { to = 1_000_000 }", "from sequence { from = 1, rate = 1000, step = 1s }"},
	}
}

const sequenceStart = "2026-01-01T00:00:00Z"

func checkSequence(s plan.Settings) string {
	rate, given := number(s, "rate")
	switch {
	case s.Has("to") && s.Int("to") < s.Int("from"):
		return fmt.Sprintf("to = %d lies below from = %d: no number is left", s.Int("to"), s.Int("from"))
	case given && !(rate > 0):
		return "rate must be more than 0 rows a second; leave it out to go as fast as possible"
	case s.Duration("step") < 0:
		return "step must not be negative: times would run backwards"
	}
	return ""
}

// number reads a setting that may have been written as an int.
func number(s plan.Settings, name string) (v float64, given bool) {
	if !s.Has(name) {
		return 0, false
	}
	switch x := s.Get(name).Value.(type) {
	case float64:
		return x, true
	case int64:
		return float64(x), true
	}
	return 0, false
}

// newSequence numbers the rows k = value - from.
func newSequence(o SourceOptions) (Source, error) {
	set := o.Config.Settings
	from, to, step := set.Int("from"), int64(math.MaxInt64), int64(time.Millisecond/time.Microsecond)
	if set.Has("to") {
		to = set.Int("to")
	}
	if set.Has("step") {
		step = set.Duration("step").Microseconds()
	}
	start, err := timestamp(set, "start", sequenceStart)
	if err != nil {
		return nil, openError("sequence", err)
	}
	var times []bool // by column: it is `at`
	for _, name := range physical(o.Config) {
		if name != "value" && name != "at" {
			return nil, &Error{Kind: ErrOpen, What: "sequence", Text: fmt.Sprintf("it has no column %q, only value and at", name)}
		}
		times = append(times, name == "at")
	}
	// Both columns are arithmetic: one loop with another start and step.
	fill := func(b *value.Batch, row, by uint64, n int) {
		b.Reset(n)
		for i, c := range b.Cols {
			if c == nil { // nobody wants it
				continue
			}
			next, add := from+int64(row), int64(by)
			if times[i] {
				next, add = start+int64(row)*step, int64(by)*step
			}
			lane := c.I64[:n]
			for k := range lane {
				lane[k] = next
				next += add
			}
		}
	}
	q := &numbered{o: o, what: "sequence", first: from, none: to < from, last: uint64(to) - uint64(from), maker: func() (maker, error) { return fill, nil }}
	q.rate, _ = number(set, "rate")
	return q, nil
}

// timestamp reads a setting in microseconds; unset, it is the default.
func timestamp(set plan.Settings, name, fallback string) (int64, error) {
	if s := set.Get(name); s != nil && s.Value != nil {
		if v, ok := s.Value.(int64); ok {
			return v, nil
		}
		fallback = set.Text(name)
	}
	t, err := time.Parse(time.RFC3339Nano, fallback)
	return t.UnixMicro(), err
}
