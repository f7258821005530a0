package follow

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"pipec/connector/intake"
)

// Split is a trail from outside.
type Split struct {
	ID       string
	Position []byte
	Ended    bool
}

// Tracker knows the files of one source, and divides what comes new among its feeds.
type Tracker struct {
	o     Options
	stale atomic.Bool // names may have changed since the last look

	mu     sync.Mutex
	trails []*trail
	paths  map[string]*trail
	held   []*handle // in the order in which they were opened
	open   map[identity]*handle
	feeds  []*Feed
	due    time.Time // of the next look
	watch  Watch     // nil: none
	deaf   bool      // not everything can be watched
	told   map[string]bool
}

// NewTracker makes a Tracker. Close ends it.
func NewTracker(o Options) *Tracker {
	return &Tracker{o: o, told: map[string]bool{}, paths: map[string]*trail{}, open: map[identity]*handle{}}
}

// looks is how often Splits lists the directory: a file that is renamed between the listing and the look at it is missing from one, and not from the next.
const looks = 3

// Splits restores the trails of a snapshot and finds those that are new.
func (t *Tracker) Splits(known []Split) (splits []Split, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for range looks {
		if splits, err = t.find(known); err == nil {
			break
		}
	}
	return splits, err
}

// find is one look of Splits; it begins anew.
func (t *Tracker) find(known []Split) ([]Split, error) {
	t.trails = nil
	clear(t.paths)
	for _, h := range t.held {
		h.owner, h.done = nil, nil
	}
	files, err := t.list()
	if err != nil {
		return nil, err
	}
	for _, s := range known {
		t.add(&trail{t: t, path: s.ID, given: s.Position})
	}
	if err := t.restore(t.trails, files); err != nil {
		return nil, err
	}
	if err := t.classify(files, true); err != nil {
		return nil, err
	}
	var splits []Split
	var kept []*trail
	for _, tr := range t.trails {
		if tr.given != nil && len(tr.line) == 0 && len(tr.done) == 0 {
			delete(t.paths, tr.path) // its files are gone, and were read
			continue
		}
		kept = append(kept, tr)
		if tr.given == nil {
			first := tr.line[0]
			p := &Position{place: first.place(0, nil)}
			tr.behind(first, p)
			tr.given, first.mark = p.encode(), false
		}
		splits = append(splits, Split{ID: tr.path, Position: tr.given, Ended: len(tr.line) == 0})
	}
	t.trails = kept
	return splits, nil
}

// Feed makes a feed of splits. pool must stop waiting when stop is closed.
func (t *Tracker) Feed(splits []Split, pool *intake.Pool, stop <-chan struct{}) (*Feed, error) {
	f := &Feed{t: t, pool: pool, stop: stop, wake: make(chan struct{}, 1)}
	t.mu.Lock()
	defer t.mu.Unlock()
	var stray []*trail // not as Splits left them
	for i, s := range splits {
		tr := t.paths[s.ID]
		if tr == nil || tr.used || !bytes.Equal(tr.given, s.Position) {
			if tr != nil {
				t.forget(tr)
			}
			tr = &trail{t: t, path: s.ID, given: s.Position}
			t.add(tr)
			stray = append(stray, tr)
		}
		tr.feed, tr.index, tr.used = f, i, true
		f.trails = append(f.trails, tr)
	}
	if len(stray) > 0 {
		files, err := t.list()
		if err == nil {
			err = t.restore(stray, files)
		}
		if err != nil {
			return nil, err
		}
		t.stale.Store(true)
	}
	t.feeds = append(t.feeds, f)
	t.begin()
	return f, nil
}

// begin watches, if that is still to be done.
func (t *Tracker) begin() {
	if t.watch != nil || t.o.Watcher == nil || t.o.Inline || t.deaf {
		return
	}
	w, err := t.o.Watcher.Watch(t.changed)
	if err != nil {
		t.alone(err)
		return
	}
	t.watch = w
	t.stale.Store(true) // directories are added by the look
}

// alone goes on although not everything can be watched.
func (t *Tracker) alone(err error) {
	t.deaf = true
	t.say("watch", fmt.Sprintf("files cannot be watched (%v): they are looked at every %s instead", err, lookAlone))
}

// changed is called by the watch.
func (t *Tracker) changed(names bool) {
	if names {
		t.stale.Store(true)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.feeds {
		f.rouse()
	}
}

func (t *Tracker) add(tr *trail) {
	t.trails = append(t.trails, tr)
	t.paths[tr.path] = tr
}

// forget lets go of a trail: its files are looked at anew.
func (t *Tracker) forget(tr *trail) {
	for _, h := range t.held {
		if h.owner == tr {
			h.owner, h.done = nil, nil
		}
	}
	t.trails = slices.DeleteFunc(t.trails, func(x *trail) bool { return x == tr })
}

// detach lets go of a feed.
func (t *Tracker) detach(f *Feed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.feeds = slices.DeleteFunc(t.feeds, func(x *Feed) bool { return x == f })
	for _, tr := range f.trails {
		if tr.feed == f {
			tr.feed = nil
		}
	}
}

// Close lets go of everything. Feeds must be closed.
func (t *Tracker) Close() error {
	t.mu.Lock()
	w := t.watch
	t.watch = nil
	for _, h := range t.held {
		_ = h.f.Close() // it was only read
	}
	t.held, t.trails = nil, nil
	clear(t.open)
	clear(t.paths)
	t.mu.Unlock()
	if w != nil { // it may be calling changed
		return w.Close()
	}
	return nil
}

// say gives a note once.
func (t *Tracker) say(about, text string) {
	if !t.told[about] {
		t.told[about] = true
		t.o.Note(text)
	}
}
