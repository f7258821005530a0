package follow

import (
	"slices"
	"time"

	"pipec/connector/intake"
	"pipec/vm/clock"
)

// Feed gives the blocks of some trails, as they grow. It has no end.
type Feed struct {
	t      *Tracker
	pool   *intake.Pool
	stop   <-chan struct{}
	wake   chan struct{}
	timer  clock.Timer
	trails []*trail // by split; the tracker's mutex
	turn   int      // in trails
	count  int      // blocks of this turn
}

// Next implements intake.Feed. One file is read to its end, or for some blocks, then the next one.
func (f *Feed) Next() (*intake.Block, error) {
	for {
		if err := f.t.look(); err != nil {
			return nil, err
		}
		trails := f.list()
		for range trails {
			b, err := f.step(trails[f.turn%len(trails)])
			if b != nil || err != nil {
				if f.count++; f.count >= turns {
					f.next()
				}
				return b, err
			}
			f.next()
		}
		if f.t.o.Inline {
			return nil, intake.ErrWait
		}
		if err := f.wait(); err != nil {
			return nil, err
		}
	}
}

func (f *Feed) next() { f.turn, f.count = f.turn+1, 0 }

func (f *Feed) list() []*trail {
	f.t.mu.Lock()
	defer f.t.mu.Unlock()
	return f.trails
}

// wait sleeps until something has changed, or it is time to look.
func (f *Feed) wait() error {
	d := f.t.untilLook()
	if f.timer == nil {
		f.timer = f.t.o.Clock.NewTimer(d)
	} else {
		f.timer.Reset(d)
	}
	defer f.timer.Stop()
	select {
	case <-f.stop:
		return intake.ErrStopped
	case <-f.wake:
	case <-f.timer.C():
	}
	return nil
}

// rouse wakes the feed.
func (f *Feed) rouse() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// step gives the next block of a trail; nil: there is nothing now.
func (f *Feed) step(tr *trail) (*intake.Block, error) {
	for {
		c, later, missing, news := tr.current()
		if c == nil {
			tr.caught.Store(true)
			return nil, nil
		}
		if c.in == nil {
			if b, err := c.begin(); b != nil || err != nil {
				return b, err
			}
		}
		if c.mark {
			c.mark = false
			return c.news(), nil
		}
		// Whoever writes to the file that took the place has written his last byte here: so what there is now is all.
		left, err := hasBytes(later)
		if err != nil {
			return nil, err
		}
		now := f.t.o.Clock.Now()
		b, err := c.read(f.pool, now)
		switch {
		case b != nil || err != nil:
			return b, err
		case c.cut:
			return f.again(tr, c)
		case left:
			return f.finish(tr, c, false), nil
		case news, c.cutEarly.Load(), !missing.IsZero() && c.end.Load() != c.off+1:
			if !missing.IsZero() {
				c.end.Store(c.off + 1)
			}
			return c.news(), nil
		case !missing.IsZero() && now.Sub(latest(missing, c.grown)) >= grace:
			return f.finish(tr, c, len(later) == 0), nil
		}
		if !tr.caught.Swap(true) { // who waits for rows learns that there are none
			return c.news(), nil
		}
		return nil, nil
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// current is the incarnation that is being read, those behind it, since when its file has no name, and whether more is to be told of the position.
func (tr *trail) current() (c *incarnation, later []*incarnation, missing time.Time, news bool) {
	tr.t.mu.Lock()
	defer tr.t.mu.Unlock()
	if tr.at == len(tr.line) {
		return nil, nil, missing, false
	}
	c = tr.line[tr.at]
	return c, slices.Clone(tr.line[tr.at+1:]), c.h.missing, tr.news
}

// news is a block of nothing, for the position's sake.
func (c *incarnation) news() *intake.Block {
	c.cutEarly.Store(false)
	c.tr.t.mu.Lock()
	c.tr.news = false
	c.tr.t.mu.Unlock()
	b := intake.NewBlock(c.in, nil)
	b.Mark = true
	return b
}

// finish ends an incarnation. The bytes behind its last line end are a line.
func (f *Feed) finish(tr *trail, c *incarnation, final bool) *intake.Block {
	f.t.mu.Lock()
	defer f.t.mu.Unlock()
	tr.at++
	c.in.Final = final && tr.at == len(tr.line)
	b := intake.NewBlock(c.in, nil)
	b.Last = true
	return b
}

// again ends an incarnation whose file was cut, and begins the file anew.
func (f *Feed) again(tr *trail, c *incarnation) (*intake.Block, error) {
	fresh, err := newIncarnation(tr, c.h, 0, nil)
	if err != nil {
		return nil, err
	}
	if n := len(c.tail); n > 0 && c.tail[n-1] != '\n' {
		f.t.o.Note(c.tr.path + " was cut in the middle of a line that was not read to its end: that line is lost")
	}
	f.t.mu.Lock()
	defer f.t.mu.Unlock()
	tr.at++
	tr.line = slices.Insert(slices.Clone(tr.line), tr.at, fresh)
	b := intake.NewBlock(c.in, nil)
	b.Cut = true
	return b, nil
}

// Splits gives the names of the splits from an index on: those that were found since.
func (f *Feed) Splits(from int) (names []string) {
	for _, tr := range f.list()[from:] {
		names = append(names, tr.path)
	}
	return names
}

// Ready says of each of some splits whether it is being read: whether what was there when it was found has been.
func (f *Feed) Ready(ready []bool) {
	for i, tr := range f.list()[:len(ready)] {
		ready[i] = tr.caught.Load()
	}
}

// Close implements intake.Feed. Who reads in the feed's goroutine must have ended.
func (f *Feed) Close() { f.t.detach(f) }
