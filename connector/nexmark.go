package connector

import (
	"fmt"
	"strings"
	"time"

	"pipec/compiler/plan"
	"pipec/connector/nexmark"
	"pipec/vm/value"
)

func nexmarkSpec() Spec {
	return Spec{
		Name: "nexmark",
		Doc: "Gives the bids, auctions or people of the Nexmark benchmark: of 50 events 46 are bids, three are auctions and one is a person. Sources with the same seed, rate, start and step " +
			"belong to the same run of it. The columns of auctions are `" + columnsOf(nexmark.Auctions) + "`, those of people `" + columnsOf(nexmark.People) + "`.",
		SourceParams: []plan.Param{
			{Name: "events", Doc: "Which events this source gives.", Kind: plan.WordParam, Words: []string{"bids", "auctions", "people"}, Required: true, Example: "events = bids"},
			{Name: "count", Doc: "How many events of all three kinds the run has; without it they never end.", Kind: plan.IntParam, Example: "count = 1_000_000"},
			{Name: "rate", Doc: "Events of all three kinds per second, all tasks together; without it as many as possible.", Kind: plan.FloatParam, Example: "rate = 10_000"},
			{Name: "seed", Doc: "Another seed, other events.", Kind: plan.IntParam, Default: int64(1), Example: "seed = 7"},
			{Name: "start", Doc: "The time `at` of the first event.", Kind: plan.TimestampParam, Default: nexmarkStart, Example: `start = "2026-01-01T00:00:00Z"`},
			{Name: "step", Doc: "How much later each event is; without it 100us, or as `rate` says.", Kind: plan.DurationParam, Example: "step = 1ms"},
		},
		Columns: nexmark.Bids.Columns(),
		ColumnsBy: func(s plan.Settings) []value.Field {
			kind, _ := nexmark.Parse(s.Text("events"))
			return kind.Columns()
		},
		TimeColumn:  "at",
		Replayable:  true,
		Endless:     func(s plan.Settings) bool { return !s.Has("count") },
		CheckSource: checkNexmark,
		Source:      newNexmark,
		Examples:    []string{"from nexmark { events = bids, count = 1_000_000 }", "from nexmark { events = people, rate = 10_000, seed = 7 }"},
	}
}

func columnsOf(k nexmark.Kind) string {
	return strings.Join(value.Schema{Fields: k.Columns()}.Names(), ", ")
}

// nexmarkStart is the base time of Apache Beam's generator.
const nexmarkStart = "2015-07-15T00:00:00Z"

func checkNexmark(s plan.Settings) string {
	rate, given := number(s, "rate")
	switch {
	case s.Has("count") && s.Int("count") < 0:
		return "count must not be negative"
	case given && !(rate > 0):
		return "rate must be more than 0 events a second; leave it out to go as fast as possible"
	case s.Has("step") && s.Duration("step") <= 0:
		return "step must be more than 0: windows would never end"
	}
	if most := (nexmark.Run{Step: nexmarkStep(s)}).MaxEvents(); uint64(s.Int("count")) > most {
		return fmt.Sprintf("event time goes out of range after %d events: make `count` or `step` smaller", most)
	}
	return ""
}

// nexmarkStep is the event time between two events in nanoseconds: with a rate, event time goes as fast as the clock; without one, as at the benchmark's 10,000 events a second.
func nexmarkStep(s plan.Settings) int64 {
	if s.Has("step") {
		return max(s.Duration("step").Nanoseconds(), 1)
	}
	if rate, given := number(s, "rate"); given && rate > 0 {
		return int64(min(max(1e9/rate, 1), 1e18))
	}
	return (100 * time.Microsecond).Nanoseconds()
}

func newNexmark(o SourceOptions) (Source, error) {
	set := o.Config.Settings
	kind, ok := nexmark.Parse(set.Text("events"))
	if !ok {
		return nil, &Error{Kind: ErrOpen, What: "nexmark", Text: fmt.Sprintf("there are no events %q", set.Text("events"))}
	}
	run := nexmark.Run{Seed: set.Int("seed"), Step: nexmarkStep(set)}
	var err error
	if run.Start, err = timestamp(set, "start", nexmarkStart); err != nil {
		return nil, openError("nexmark", err)
	}
	events := run.MaxEvents()
	if set.Has("count") {
		events = min(events, uint64(set.Int("count")))
	}
	rows := kind.Rows(events)
	q := &numbered{o: o, what: "nexmark", none: rows == 0, last: rows - 1}
	q.maker = func() (maker, error) {
		g, err := nexmark.New(run, kind, physical(o.Config))
		if err != nil {
			return nil, &Error{Kind: ErrOpen, What: "nexmark", Text: err.Error(), Err: err}
		}
		return g.Fill, nil
	}
	rate, _ := number(set, "rate")
	q.rate = rate * kind.Share()
	return q, nil
}
