package follow

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"pipec/connector/listing"
)

// look finds out what has come, moved and gone, if it is time or something is known to have.
func (t *Tracker) look() error {
	stale := t.stale.Swap(false)
	t.mu.Lock()
	defer t.mu.Unlock()
	if !stale && t.o.Clock.Now().Before(t.due) {
		return nil
	}
	files, err := t.list()
	if errors.Is(err, fs.ErrPermission) {
		t.say("list", err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	return t.classify(files, false)
}

// untilLook is how long until the next look that nobody asks for.
func (t *Tracker) untilLook() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.due.Sub(t.o.Clock.Now())
}

// list gives the files there are and watches their directories.
func (t *Tracker) list() ([]listing.File, error) {
	every := lookAlone
	if t.watch != nil && !t.deaf {
		every = lookWatched
	}
	t.due = t.o.Clock.Now().Add(every)
	files, dirs, err := t.o.List()
	if err != nil {
		return nil, err
	}
	for _, d := range dirs {
		if t.watch == nil {
			break
		}
		if err := t.watch.Add(d); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.alone(fmt.Errorf("%s: %w", d, err))
		}
	}
	return files, nil
}

// classify takes each file for what it is: known, the next one of a trail, or a trail of its own. first: what cannot be opened is an error.
func (t *Tracker) classify(files []listing.File, first bool) error {
	seen := map[identity]bool{}
	left := 0
	for _, f := range files {
		if packed(f.Path) {
			left++
			continue
		}
		h := t.open[identify(f.Info)]
		if h == nil {
			var err error
			h, err = t.hold(f.Path)
			switch {
			case err != nil && (first || !errors.Is(err, fs.ErrPermission)):
				return err
			case err != nil:
				t.say(f.Path, fmt.Sprintf("%s cannot be followed: %v", f.Path, err))
				continue
			case h == nil:
				continue
			}
		}
		seen[h.id] = true
		h.path, h.unlisted, h.missing = f.Path, time.Time{}, time.Time{}
		if h.owner != nil {
			t.late(h, f)
			continue
		}
		if err := t.adopt(h); err != nil {
			return err
		}
	}
	if left > 0 {
		t.say("packed", fmt.Sprintf("compressed files are not followed: %d of them are left out", left))
	}
	return t.unseen(seen)
}

// hold opens a file and keeps it open; nil if it has just gone, or is none.
func (t *Tracker) hold(name string) (*handle, error) {
	f, err := t.o.FS.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil || !info.Mode.IsRegular() {
		_ = f.Close() // it was only read
		return nil, err
	}
	if h := t.open[identify(info)]; h != nil {
		return h, f.Close()
	}
	h := &handle{id: identify(info), f: f, path: name}
	t.held = append(t.held, h)
	t.open[h.id] = h
	return h, nil
}

// adopt gives a file that nobody reads to the trail of its path, which may be new.
func (t *Tracker) adopt(h *handle) error {
	tr := t.paths[h.path]
	if tr == nil {
		tr = &trail{t: t, path: h.path, isNew: true}
		t.add(tr)
		t.assign(tr)
	}
	var off int64
	var tail []byte
	if p := tr.past; p != nil && p.Inode == h.id.inode && len(tr.line) == 0 {
		// It was gone and has come back.
		holds, err := p.holds(h.f)
		if err != nil {
			return err
		}
		if holds {
			off = p.Offset
			if tail, err = piece(h.f, off-int64(p.TailLen), int64(p.TailLen)); err != nil {
				return err
			}
		}
	}
	c, err := newIncarnation(tr, h, off, tail)
	if err != nil {
		return err
	}
	c.mark = tr.isNew
	tr.news = !tr.isNew
	tr.isNew = false
	h.owner = tr
	tr.line = append(tr.line, c)
	if tr.feed != nil {
		tr.feed.rouse()
	}
	return nil
}

// assign gives a new trail to the feed that has the fewest.
func (t *Tracker) assign(tr *trail) {
	var least *Feed
	for _, f := range t.feeds {
		if least == nil || len(f.trails) < len(least.trails) {
			least = f
		}
	}
	if least == nil {
		return
	}
	tr.feed, tr.index, tr.used = least, len(least.trails), true
	least.trails = append(least.trails, tr)
}

// late tells of bytes that came when the file was thought to be complete.
func (t *Tracker) late(h *handle, f listing.File) {
	if h.done != nil && f.Info.Size > h.done.Offset && !h.told {
		h.told = true
		t.o.Note(fmt.Sprintf("%s has grown by %d bytes although another file had taken its place and was written to: these are not read", h.path, f.Info.Size-h.done.Offset))
	}
}

// unseen looks for the files that the path no longer stands for. A listing is no instant: a file that is renamed meanwhile may be in neither place, so only what stays away
// for a while is believed to be gone.
func (t *Tracker) unseen(seen map[identity]bool) error {
	now := t.o.Clock.Now()
	around := map[string][]listing.File{}
	for _, h := range t.held {
		dir := path.Dir(h.path)
		if _, ok := around[dir]; !ok && !seen[h.id] {
			files, err := t.neighbours(dir)
			if err != nil {
				return err
			}
			around[dir] = files
		}
	}
	kept := t.held[:0]
	for _, h := range t.held {
		if seen[h.id] {
			kept = append(kept, h)
			continue
		}
		here := false
		for _, f := range around[path.Dir(h.path)] {
			if identify(f.Info) == h.id {
				here, h.path = true, f.Path
				t.late(h, f)
			}
		}
		since(&h.unlisted, now, false)
		if h.owner != nil && !here && h.missing.IsZero() {
			h.owner.news = true
		}
		since(&h.missing, now, here)
		if h.owner == nil || h.done != nil && now.Sub(h.unlisted) >= grace {
			t.drop(h)
			continue
		}
		kept = append(kept, h)
	}
	clear(t.held[len(kept):])
	t.held = kept
	return nil
}

// since notes when something began; over: it has not, or no longer lasts.
func since(at *time.Time, now time.Time, over bool) {
	switch {
	case over:
		*at = time.Time{}
	case at.IsZero():
		*at = now
	}
}

// drop closes a file that is of no interest any more.
func (t *Tracker) drop(h *handle) {
	_ = h.f.Close() // it was only read
	delete(t.open, h.id)
	if tr := h.owner; tr != nil {
		for i, d := range tr.done {
			if d == h {
				tr.done = append(tr.done[:i:i], tr.done[i+1:]...)
				break
			}
		}
	}
}
