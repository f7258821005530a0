package connector

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"pipec/compiler/plan"
	"pipec/vm/clock"
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

// sequence numbers rows k = value - from. Split r of n holds the rows with k mod n = r, in ascending order; the snapshot keeps n by the names of its splits.
type sequence struct {
	o        SourceOptions
	from, to int64
	rate     float64 // rows per second; 0: no limit
	start    int64   // microseconds
	step     int64
	columns  []int // by column of the schema: 0 value, 1 at
}

func newSequence(o SourceOptions) (Source, error) {
	set := o.Config.Settings
	q := &sequence{o: o, from: set.Int("from"), to: math.MaxInt64, step: int64(time.Millisecond / time.Microsecond)}
	if set.Has("to") {
		q.to = set.Int("to")
	}
	q.rate, _ = number(set, "rate")
	if set.Has("step") {
		q.step = set.Duration("step").Microseconds()
	}
	begin := sequenceStart
	if s := set.Get("start"); s != nil && s.Value != nil {
		if v, ok := s.Value.(int64); ok {
			q.start, begin = v, ""
		} else {
			begin = set.Text("start")
		}
	}
	if begin != "" {
		t, err := time.Parse(time.RFC3339Nano, begin)
		if err != nil {
			return nil, openError("sequence", err)
		}
		q.start = t.UnixMicro()
	}
	for i, f := range o.Config.Schema.Fields {
		name := f.Name
		if o.Config.Physical != nil {
			name = o.Config.Physical[i]
		}
		switch name {
		case "value":
			q.columns = append(q.columns, 0)
		case "at":
			q.columns = append(q.columns, 1)
		default:
			return nil, &Error{Kind: ErrOpen, What: "sequence", Text: fmt.Sprintf("it has no column %q, only value and at", name)}
		}
	}
	return q, nil
}

// Splits implements Source.
func (q *sequence) Splits(_ context.Context, tasks int, known []Split) ([]Split, error) {
	if len(known) > 0 {
		for _, s := range known {
			if _, err := q.restore(s); err != nil {
				return nil, err
			}
		}
		return known, nil
	}
	var splits []Split
	for r := range tasks {
		splits = append(splits, Split{ID: fmt.Sprintf("%d of %d", r, tasks)})
	}
	return splits, nil
}

// residue is one split while it is read.
type residue struct {
	split Split
	n     uint64 // splits in all
	next  int64  // value
	done  bool
}

// restore reads a split of a snapshot, or a fresh one, and refuses positions that this sequence would not have reached.
func (q *sequence) restore(s Split) (*residue, error) {
	var r, n uint64
	if _, err := fmt.Sscanf(s.ID, "%d of %d", &r, &n); err != nil || n == 0 || r >= n {
		return nil, &Error{Kind: ErrPosition, What: "sequence", Text: fmt.Sprintf("the snapshot's split %q is none of a sequence", s.ID)}
	}
	v := &residue{split: s, n: n, done: s.Ended}
	if s.Position == nil {
		v.next = q.from + int64(r)
		v.done = v.done || q.to < q.from || uint64(q.to)-uint64(q.from) < r
		return v, nil
	}
	next, err := strconv.ParseInt(string(s.Position), 10, 64)
	if err != nil || next < q.from || !s.Ended && (uint64(next)-uint64(q.from))%n != r {
		return nil, &Error{Kind: ErrPosition, What: "sequence", Text: fmt.Sprintf("the snapshot stands at %s in split %s, which a sequence from %d does not hold", s.Position, s.ID, q.from)}
	}
	v.next = next
	v.done = v.done || next > q.to
	return v, nil
}

// Reader implements Source.
func (q *sequence) Reader(splits []Split, wake func()) (Reader, error) {
	r := &sequenceReader{sequence: q, batch: value.NewBatch(q.o.Config.Schema)}
	for i := range r.batch.Cols {
		if w := q.o.Config.Wanted; w != nil && !w[i] {
			r.batch.Cols[i] = nil
		}
	}
	first := uint64(math.MaxUint64)
	for _, s := range splits {
		v, err := q.restore(s)
		if err != nil {
			return nil, err
		}
		if !v.done {
			first = min(first, q.row(v.next))
		}
		r.splits = append(r.splits, v)
	}
	if q.rate > 0 {
		r.pace = newPace(q.o.Env.Clock, q.rate, first, wake, q.o.Env.Inline)
	}
	return r, nil
}

// row is the number of a value.
func (q *sequence) row(v int64) uint64 { return uint64(v) - uint64(q.from) }

// Close implements Source.
func (q *sequence) Close() error { return nil }

// sequenceReader takes one batch of each split in turn.
type sequenceReader struct {
	*sequence
	splits []*residue
	turn   int
	batch  *value.Batch
	pace   *pace // nil: flat out
}

// Next implements Reader.
func (r *sequenceReader) Next(out *Read, most int) (Status, error) {
	most = clampRows(most)
	*out = Read{}
	// Splits take turns, so that none runs ahead of the others by more than a batch: their watermarks would hold each other back.
	earliest, live := uint64(math.MaxUint64), false
	for range r.splits {
		i := r.turn
		r.turn = (r.turn + 1) % len(r.splits)
		v := r.splits[i]
		if v.done && !v.split.Ended { // nothing was left of it from the start
			v.split.Ended = true
			r.batch.Reset(0)
			r.give(out, i)
			return More, nil
		}
		if v.done {
			continue
		}
		live = true
		n := uint64(most)
		if r.pace != nil {
			due := r.pace.due(r.row(v.next), v.n, uint64(most))
			if due == 0 {
				earliest = min(earliest, r.row(v.next))
				continue
			}
			n = due
		}
		left := (uint64(r.to)-uint64(v.next))/v.n + 1
		r.fill(v, int(min(n, left)), left)
		r.give(out, i)
		return More, nil
	}
	if !live {
		return Done, nil
	}
	r.pace.wait(earliest)
	return Wait, nil
}

// fill makes n rows of a split that has left more.
func (r *sequenceReader) fill(v *residue, n int, left uint64) {
	r.batch.Reset(n)
	step := int64(v.n)
	for i, c := range r.batch.Cols {
		if c == nil { // nobody wants it
			continue
		}
		// Both columns are arithmetic: one loop with another start and step.
		from, by := v.next, step
		if r.columns[i] == 1 {
			from, by = r.start+int64(r.row(v.next))*r.step, step*r.step
		}
		lane := c.I64[:n]
		for k := range lane {
			lane[k] = from + int64(k)*by
		}
	}
	if uint64(n) == left { // the position stays on the last value: one more might not be an int
		v.done, v.split.Ended = true, true
		v.next += int64(n-1) * step
	} else {
		v.next += int64(n) * step
	}
	v.split.Position = strconv.AppendInt(nil, v.next, 10)
}

// give describes the batch; After has a position of its own that is never written again.
func (r *sequenceReader) give(out *Read, i int) {
	out.Batch, out.Split, out.After = r.batch, i, r.splits[i].split
}

// Close implements Reader.
func (r *sequenceReader) Close() error {
	if r.pace != nil {
		r.pace.close()
	}
	return nil
}

// pace spreads rows over time: row first + k of the sequence is due k / rate seconds after the reader began. The rate is that of all tasks together because
// each reader counts the rows of the others too.
type pace struct {
	clock clock.Clock
	rate  float64
	first uint64
	begun time.Time
	timer clock.Timer // nil: inline
	stop  chan struct{}
	done  chan struct{}
}

// burstMax bounds what is made up for after a stall, tick how often somebody is woken.
const (
	burstMax = time.Second
	tick     = time.Millisecond
)

func newPace(c clock.Clock, rate float64, first uint64, wake func(), inline bool) *pace {
	p := &pace{clock: c, rate: rate, first: first, begun: c.Now(), stop: make(chan struct{}), done: make(chan struct{})}
	if inline {
		close(p.done)
		return p
	}
	p.timer = c.NewTimer(time.Hour)
	p.timer.Stop()
	go func() {
		defer close(p.done)
		for {
			select {
			case <-p.timer.C():
				wake()
			case <-p.stop:
				return
			}
		}
	}()
	return p
}

// due is how many of the rows row, row + n, ... are due now, at most most.
func (p *pace) due(row, n, most uint64) uint64 {
	passed := p.clock.Now().Sub(p.begun)
	if late := passed - p.at(row); late > burstMax {
		p.begun = p.begun.Add(late - burstMax)
		passed -= late - burstMax
	}
	if p.at(row) > passed {
		return 0
	}
	// The row that is due last is found by halves: solving for it would round otherwise than at does.
	lo, hi := uint64(1), most // lo are due
	for lo < hi {
		mid := (lo + hi + 1) / 2
		if p.at(row+(mid-1)*n) <= passed {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo
}

// at is when a row is due, since begun. Rows below first, of a split that hangs behind, are due at once.
func (p *pace) at(row uint64) time.Duration {
	if row <= p.first {
		return 0
	}
	s := float64(row-p.first) / p.rate
	if s > math.MaxInt64/1e9/2 { // beyond what a duration holds, so never
		return math.MaxInt64 / 2
	}
	return time.Duration(s * 1e9)
}

// wait sets the timer for that row.
func (p *pace) wait(row uint64) {
	if p.timer != nil {
		p.timer.Reset(max(p.at(row)-p.clock.Now().Sub(p.begun), tick))
	}
}

func (p *pace) close() {
	if p.timer != nil {
		p.timer.Stop()
		close(p.stop)
	}
	<-p.done
}
