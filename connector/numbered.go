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

// maker makes n rows in a batch: the first is row number row, and each is by rows behind the one before. It makes the columns that the batch has.
type maker func(b *value.Batch, row, by uint64, n int)

// numbered is a source that makes its rows from their numbers 0, 1, ... Split r of n holds the rows k with k mod n = r, in ascending order; the snapshot keeps n by the
// names of its splits.
type numbered struct {
	o     SourceOptions
	what  string // the connector
	first int64  // the position of row 0: that of row k is first + k
	last  uint64 // number of the last row
	none  bool   // there is no row
	rate  float64
	maker func() (maker, error) // for one reader
}

// physical are the connector's own names of a source's columns.
func physical(c plan.SourceConfig) []string {
	if c.Physical != nil {
		return c.Physical
	}
	return c.Schema.Names()
}

// Splits implements Source.
func (q *numbered) Splits(_ context.Context, tasks int, known []Split) ([]Split, error) {
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
	next  uint64 // row
	done  bool
}

// restore reads a split of a snapshot, or a fresh one, and refuses positions that this source would not have reached.
func (q *numbered) restore(s Split) (*residue, error) {
	var r, n uint64
	if _, err := fmt.Sscanf(s.ID, "%d of %d", &r, &n); err != nil || n == 0 || r >= n {
		return nil, &Error{Kind: ErrPosition, What: q.what, Text: fmt.Sprintf("the snapshot's split %q is none of a %s", s.ID, q.what)}
	}
	v := &residue{split: s, n: n, next: r, done: s.Ended || q.none}
	if s.Position != nil {
		next, err := strconv.ParseInt(string(s.Position), 10, 64)
		if v.next = uint64(next) - uint64(q.first); err != nil || next < q.first || !s.Ended && v.next%n != r {
			return nil, &Error{Kind: ErrPosition, What: q.what, Text: fmt.Sprintf("the snapshot stands at %s in split %s, which a %s from %d does not hold", s.Position, s.ID, q.what, q.first)}
		}
	}
	v.done = v.done || v.next > q.last
	return v, nil
}

// Reader implements Source.
func (q *numbered) Reader(splits []Split, wake func()) (Reader, error) {
	fill, err := q.maker()
	if err != nil {
		return nil, err
	}
	r := &numberedReader{numbered: q, batch: value.NewBatch(q.o.Config.Schema), fill: fill}
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
			first = min(first, v.next)
		}
		r.splits = append(r.splits, v)
	}
	if q.rate > 0 {
		r.pace = newPace(q.o.Env.Clock, q.rate, first, wake, q.o.Env.Inline)
	}
	return r, nil
}

// Close implements Source.
func (q *numbered) Close() error { return nil }

// numberedReader takes one batch of each split in turn.
type numberedReader struct {
	*numbered
	splits []*residue
	turn   int
	batch  *value.Batch
	fill   maker
	pace   *pace // nil: flat out
}

// Next implements Reader.
func (r *numberedReader) Next(out *Read, most int) (Status, error) {
	most = clampRows(most)
	*out = Read{}
	// Splits take turns, so that none runs ahead of the others by more than a batch: their watermarks would hold each other back.
	earliest, live := uint64(math.MaxUint64), false
	for range r.splits {
		i := r.turn
		if r.turn++; r.turn == len(r.splits) {
			r.turn = 0
		}
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
			due := r.pace.due(v.next, v.n, uint64(most))
			if due == 0 {
				earliest = min(earliest, v.next)
				continue
			}
			n = due
		}
		r.take(v, n)
		r.give(out, i)
		return More, nil
	}
	if !live {
		return Done, nil
	}
	r.pace.wait(earliest)
	return Wait, nil
}

// take makes the next n rows of a split, or what is left of it.
func (r *numberedReader) take(v *residue, n uint64) {
	left := (r.last-v.next)/v.n + 1
	n = min(n, left)
	r.fill(r.batch, v.next, v.n, int(n))
	if n == left { // the position stays on the last row: one more might not be an int
		v.done, v.split.Ended = true, true
		n--
	}
	v.next += n * v.n
	v.split.Position = strconv.AppendInt(nil, r.first+int64(v.next), 10)
}

// give describes the batch; After has a position of its own that is never written again.
func (r *numberedReader) give(out *Read, i int) {
	out.Batch, out.Split, out.After = r.batch, i, r.splits[i].split
}

// Close implements Reader.
func (r *numberedReader) Close() error {
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
