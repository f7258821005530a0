package fn

import (
	"fmt"
	"math"
	"time"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

func times() []*Spec {
	part := func(name, doc, flink, result string, of func(local int64) int64) *Spec {
		return &Spec{Name: name, Doc: doc + ", in the job's time zone.", Params: []string{"at: timestamp"}, Flink: flink, Check: takes(gives(value.Int), aTime),
			Eval: func(c *Call) {
				z := zoneOf(c)
				for _, r := range c.Rows {
					c.Out.I64[r] = of(z.local(c.Args[0].I64[r]))
				}
			}, Examples: []Example{{name + `(timestamp("2024-05-03T14:15:16.5Z"))`, result}}}
	}
	civil := func(of func(year int64, month, day int) int64) func(int64) int64 {
		return func(local int64) int64 { return of(value.CivilOf(value.FloorDiv(local, value.Day))) }
	}
	clock := func(unit, count int64) func(int64) int64 {
		return func(local int64) int64 {
			q := value.FloorDiv(local, unit)
			return q - value.FloorDiv(q, count)*count
		}
	}
	epoch := func(name, doc string, unit int64, flink, result string) *Spec {
		return &Spec{Name: name, Doc: doc, Params: []string{"at: timestamp"}, Flink: flink, Check: takes(gives(value.Int), aTime), Eval: func(c *Call) {
			for _, r := range c.Rows {
				c.Out.I64[r] = value.FloorDiv(c.Args[0].I64[r], unit)
			}
		}, Examples: []Example{{name + `(timestamp("1970-01-01T00:00:01.5Z"))`, result}}}
	}
	return inFamily("time", []*Spec{
		part("year", "The year", "YEAR($1)", "2024", civil(func(year int64, _, _ int) int64 { return year })),
		part("month", "The month, 1 to 12", "MONTH($1)", "5", civil(func(_ int64, month, _ int) int64 { return int64(month) })),
		part("day", "The day of the month, 1 to 31", "DAYOFMONTH($1)", "3", civil(func(_ int64, _, day int) int64 { return int64(day) })),
		part("hour", "The hour, 0 to 23", "HOUR($1)", "14", clock(value.Hour, 24)),
		part("minute", "The minute, 0 to 59", "MINUTE($1)", "15", clock(value.Minute, 60)),
		part("second", "The second, 0 to 59", "SECOND($1)", "16", clock(value.Second, 60)),
		part("weekday", "The day of the week, 1 for Monday to 7 for Sunday (ISO 8601)", "MOD(DAYOFWEEK($1) + 5, 7) + 1", "5", func(local int64) int64 {
			day := value.FloorDiv(local, value.Day) + 3 // 1970-01-01 was a Thursday
			return day - value.FloorDiv(day, 7)*7 + 1
		}),
		{Name: "truncate", Doc: "The last multiple of the step at or before the instant, counted from 1970-01-01 in the job's time zone: truncate(at, 1h) is the begin of the hour.",
			Params: []string{"at: timestamp", "step: constant duration"}, Flink: "FLOOR($1 TO $2)", Check: stepType, Eval: truncate,
			Examples: []Example{{`string(truncate(timestamp("2024-05-03T14:15:16Z"), 1h))`, `"2024-05-03T14:00:00Z"`}}},
		epoch("unix_ms", "Milliseconds since 1970-01-01T00:00:00Z, rounded down.", value.Millisecond, "", "1500"),
		epoch("unix_s", "Seconds since 1970-01-01T00:00:00Z, rounded down.", value.Second, "UNIX_TIMESTAMP($1)", "1"),
		fromEpoch("from_unix_ms", "milliseconds", value.Millisecond, "TO_TIMESTAMP_LTZ($1, 3)", "1500"),
		fromEpoch("from_unix_s", "seconds", value.Second, "TO_TIMESTAMP_LTZ($1, 0)", "1"),
	})
}

func fromEpoch(name, units string, unit int64, flink, n string) *Spec {
	return &Spec{Name: name, Doc: "The instant that many " + units + " after 1970-01-01T00:00:00Z.", Params: []string{"n: int"}, CanFail: true, Flink: flink,
		Check: takes(gives(value.Timestamp), anInt), Eval: func(c *Call) {
			for _, r := range c.Rows {
				n := c.Args[0].I64[r]
				c.Out.I64[r] = n * unit
				if n > math.MaxInt64/unit || n < math.MinInt64/unit {
					c.Fail(r, codeRange, fmt.Sprintf("%d %s are out of the range of timestamp", n, units))
				}
			}
		}, Examples: []Example{{"un" + name[len("from_un"):] + "(" + name + "(" + n + "))", n}}}
}

func stepType(args []value.Type, lits []*plan.Literal) (value.Type, error) {
	t, err := takes(gives(value.Timestamp), aTime, aDuration)(args, lits)
	if err == nil && (lits[1] == nil || lits[1].Int <= 0) {
		err = &ArgumentError{Arg: 1, Constant: lits[1] == nil, Text: "the step must be a constant duration above 0"}
	}
	return t, err
}

func truncate(c *Call) {
	z, step := zoneOf(c), c.Lits[1].Int
	for _, r := range c.Rows {
		at := c.Args[0].I64[r]
		local := z.local(at)
		c.Out.I64[r] = z.instant(value.FloorDiv(local, step)*step, at-local)
	}
}

// zone is a time zone with the stretch of constant offset that the last instant lay in.
type zone struct {
	loc      *time.Location
	from, to int64
	offset   int64
}

func zoneOf(c *Call) *zone {
	return cached(c, func() *zone {
		if c.Env == nil || c.Env.Zone == nil {
			return &zone{loc: time.UTC}
		}
		return &zone{loc: c.Env.Zone}
	})
}

// local is what clocks of the zone show, as if it were UTC.
func (z *zone) local(at int64) int64 {
	if at < z.from || at >= z.to {
		z.find(at)
	}
	return at + z.offset
}

func (z *zone) find(at int64) {
	t := time.UnixMicro(at).In(z.loc)
	_, seconds := t.Zone()
	start, end := t.ZoneBounds()
	z.offset, z.from, z.to = int64(seconds)*value.Second, math.MinInt64, math.MaxInt64
	if !start.IsZero() {
		z.from = start.UnixMicro()
	}
	if !end.IsZero() {
		z.to = end.UnixMicro()
	}
}

// instant is the inverse of local. guess is a plausible difference to UTC; of the two instants of a repeated hour it decides which is meant.
func (z *zone) instant(local, guess int64) int64 {
	at := local + guess
	if z.local(at) == local {
		return at
	}
	at = local - z.offset
	z.local(at)
	return local - z.offset
}
