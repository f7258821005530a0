package connector

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pipec/compiler/plan"
	"pipec/vm/clock"
	"pipec/vm/value"
)

func sequenceConfig(pairs ...any) plan.SourceConfig {
	spec, _ := Lookup("sequence")
	return plan.SourceConfig{Schema: value.Schema{Fields: spec.Columns}, Settings: settings(pairs...)}
}

func TestSequenceGivesValuesWithTimes(t *testing.T) {
	start := day.Add(time.Hour)
	for _, begin := range []any{start.Format(time.RFC3339), start.UnixMicro()} {
		src := openSource(t, "sequence", sequenceConfig("from", int64(5), "to", int64(7), "start", begin, "step", 2*time.Second), newEnv())
		var values, times []int64
		s := read(t, src, splitsOf(t, src, 1, nil))
		for {
			_, ok, err := s.next(2)
			must(t, err)
			if !ok {
				break
			}
			values, times = append(values, s.read.Batch.Cols[0].I64...), append(times, s.read.Batch.Cols[1].I64...)
		}
		us := start.UnixMicro()
		if !slices.Equal(values, []int64{5, 6, 7}) || !slices.Equal(times, []int64{us, us + 2e6, us + 4e6}) {
			t.Errorf("%v %v", values, times)
		}
		must(t, s.r.Close())
	}
}

func TestSequenceKeepsItsSplitsAtAnotherParallelism(t *testing.T) {
	src := openSource(t, "sequence", sequenceConfig("to", int64(99)), newEnv())
	splits := splitsOf(t, src, 3, nil)
	if len(splits) != 3 {
		t.Fatal(splits)
	}
	if again := splitsOf(t, src, 8, splits); len(again) != 3 {
		t.Fatal(again)
	}
	for _, s := range []Split{{ID: "3 of 3"}, {ID: "x"}, {ID: "0 of 3", Position: []byte("4")}, {ID: "0 of 3", Position: []byte("-3")}, {ID: "0 of 3", Position: []byte("?")}} {
		if _, err := src.Splits(context.Background(), 1, []Split{s}); !errors.Is(err, ErrPosition) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

func TestSequenceAtTheEndOfTheNumbers(t *testing.T) {
	for _, tasks := range []int{1, 2, 3} {
		src := openSource(t, "sequence", sequenceConfig("from", int64(math.MaxInt64-4), "step", time.Duration(0)), newEnv())
		rows := rowsOf(read(t, src, splitsOf(t, src, tasks, nil)).all(3, nil))
		if len(rows) != 5 {
			t.Errorf("%d splits: %v", tasks, rows)
		}
	}
	src := openSource(t, "sequence", sequenceConfig("from", int64(math.MinInt64), "to", int64(math.MaxInt64)), newEnv())
	s := read(t, src, splitsOf(t, src, 3, nil))
	for range 6 {
		if got, _, err := s.next(10); err != nil || len(got.rows) != 10 {
			t.Fatalf("%v %v", got, err)
		}
	}
	must(t, s.r.Close())
}

func TestSequenceSettings(t *testing.T) {
	spec, _ := Lookup("sequence")
	for want, set := range map[string]plan.Settings{
		"":                   settings("from", int64(0), "to", int64(0), "rate", 0.5),
		"to = 1 lies below":  settings("from", int64(2), "to", int64(1)),
		"rate must be more":  settings("rate", 0.0),
		"step must not be n": settings("step", -time.Second),
	} {
		if got := spec.CheckSource(set); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if !spec.Endless(settings()) || spec.Endless(settings("to", int64(1))) {
		t.Error("a sequence ends if it has `to`")
	}
}

// take reads what is due now.
func (s *session) due(most int) (n int) {
	for {
		status, err := s.r.Next(&s.read, most)
		must(s.t, err)
		if status != More {
			return n
		}
		n += s.read.Batch.Live()
	}
}

func TestSequenceKeepsItsRateOverAllTasks(t *testing.T) {
	for _, tasks := range []int{1, 2, 3} {
		env := newEnv()
		fake := env.Clock.(*clock.Fake)
		src := openSource(t, "sequence", sequenceConfig("rate", 100.0), env)
		splits := splitsOf(t, src, 3, nil)
		var readers []*session
		for task := range tasks {
			readers = append(readers, read(t, src, Divide(splits, task, tasks)))
		}
		total := func() (n int) {
			for _, s := range readers {
				n += s.due(8)
			}
			return n
		}
		n := total()
		for range 10 {
			fake.BlockUntil(tasks)
			fake.Advance(100 * time.Millisecond)
			for _, s := range readers {
				<-s.woken
			}
			n += total()
		}
		if n < 98 || n > 104 {
			t.Errorf("%d tasks: %d rows in a second, want 100", tasks, n)
		}
		fake.Advance(time.Hour)
		if n := total(); n < 98 || n > 104 {
			t.Errorf("%d tasks: after a stall %d rows come at once, want those of a second", tasks, n)
		}
		for _, s := range readers {
			must(t, s.r.Close())
		}
	}
}

func TestASlowSequenceWakesUpWhenTheNextRowIsDue(t *testing.T) {
	env := newEnv()
	fake := env.Clock.(*clock.Fake)
	src := openSource(t, "sequence", sequenceConfig("rate", 0.5), env)
	s := read(t, src, splitsOf(t, src, 1, nil))
	if n := s.due(10); n != 1 {
		t.Fatalf("%d rows at the start", n)
	}
	fake.BlockUntil(1)
	if at, _ := fake.Next(); !at.Equal(day.Add(2 * time.Second)) {
		t.Fatalf("it wakes up at %v", at)
	}
	fake.Advance(2 * time.Second)
	<-s.woken
	if n := s.due(10); n != 1 {
		t.Fatalf("%d rows", n)
	}
	must(t, s.r.Close())
}
