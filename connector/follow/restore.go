package follow

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"pipec/connector/listing"
)

// want is a file that a snapshot speaks of.
type want struct {
	tr   *trail
	at   *place
	done bool // it was read: it is wanted so that nobody reads it again
	h    *handle
}

// restore puts trails where a snapshot left them. What is still to be read must be there: under its name, under another one in the same directory, or as a copy; else
// the input no longer holds its position.
func (t *Tracker) restore(trails []*trail, files []listing.File) error {
	var all []*want
	for _, tr := range trails {
		p, err := parse(tr.given)
		if err != nil {
			return t.o.Lost(tr.path, fmt.Sprintf("the snapshot's position %q is none of a file that is followed: was it taken with `follow = false`?", tr.given))
		}
		if p.End {
			tr.past = &p.place
		}
		for i := range p.Done {
			all = append(all, &want{tr: tr, at: &p.Done[i], done: true})
		}
		all = append(all, &want{tr: tr, at: &p.place, done: p.End})
		for i := range p.Next {
			all = append(all, &want{tr: tr, at: &p.Next[i]})
		}
	}
	if err := t.search(all, files); err != nil {
		return err
	}
	for _, w := range all {
		if err := t.resume(w); err != nil {
			return err
		}
	}
	return nil
}

// resume gives a file to its trail.
func (t *Tracker) resume(w *want) error {
	tr, p, h := w.tr, w.at, w.h
	switch {
	case h == nil && (w.done || p.Gone):
		tr.past = p
		return nil
	case h == nil:
		return t.o.Lost(p.File, fmt.Sprintf("it is gone, or was cut or replaced, and the snapshot goes on at byte %d of it; put it back, under any name in its directory", p.Offset))
	case w.done && h.path != tr.path: // in its place, it goes on
		h.done = p
		tr.done = append(tr.done, h)
		return nil
	}
	tail, err := piece(h.f, p.Offset-int64(p.TailLen), int64(p.TailLen))
	if err != nil {
		return err
	}
	tr.news = tr.news || h.id.inode != p.Inode || h.path != p.File // it was found elsewhere, or is a copy
	c, err := newIncarnation(tr, h, p.Offset, tail)
	tr.line = append(tr.line, c)
	return err
}

// search finds files by their inodes; those that are not found so by what is in them, under their own names and then under any.
func (t *Tracker) search(all []*want, files []listing.File) error {
	near := map[string]bool{} // directories
	var everything []listing.File
	inodes := map[uint64][]listing.File{}
	listed, added := map[string]bool{}, map[string]bool{}
	add := func(f listing.File) {
		if !added[f.Path] {
			added[f.Path] = true
			everything = append(everything, f)
			inodes[f.Info.Inode] = append(inodes[f.Info.Inode], f)
		}
	}
	for _, f := range files {
		listed[f.Path] = true
		add(f)
	}
	for _, w := range all {
		if dir := path.Dir(w.at.File); !w.done && !near[dir] {
			near[dir] = true
			files, err := t.neighbours(dir)
			if err != nil {
				return err
			}
			for _, f := range files {
				add(f)
			}
		}
	}
	// Of several files with the same bytes the newest is the copy that the last rotation made.
	slices.SortStableFunc(everything, func(a, b listing.File) int { return b.Info.ModTime.Compare(a.Info.ModTime) })
	// What is still to be read comes first, by each rule: a file that was cut is what was read of it, and what is to be read, at once.
	rules := []func(w *want, f listing.File) bool{
		func(w *want, f listing.File) bool { return f.Info.Inode == w.at.Inode },
		func(w *want, f listing.File) bool { return f.Path == w.at.File && w.like(f) },
		func(w *want, f listing.File) bool { return !w.at.bare() && !packed(f.Path) && w.like(f) },
	}
	for i, rule := range rules {
		for _, done := range []bool{false, true} {
			for _, w := range all {
				if w.h != nil || w.done != done {
					continue
				}
				candidates := inodes[w.at.Inode]
				if i > 0 {
					candidates = everything
				}
				for _, f := range candidates {
					if w.h != nil || done && !listed[f.Path] || !rule(w, f) {
						continue
					}
					if err := t.try(w, f); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// like says whether a file may be a copy of the wanted one. Of one that was read all is wanted, for what is behind it would be lost.
func (w *want) like(f listing.File) bool {
	return f.Info.Size >= w.at.Offset && (!w.done || f.Info.Size == w.at.Offset)
}

// try takes a file if it holds what was read of the wanted one and nobody has it.
func (t *Tracker) try(w *want, f listing.File) error {
	h, err := t.hold(f.Path)
	switch {
	case errors.Is(err, fs.ErrPermission): // somebody else's
		return nil
	case err != nil || h == nil || h.owner != nil:
		return err
	}
	holds, err := w.at.holds(h.f)
	if holds {
		w.h, h.owner = h, w.tr
	}
	return err
}

// neighbours are the files of a directory, whatever their names.
func (t *Tracker) neighbours(dir string) (files []listing.File, err error) {
	entries, err := t.o.FS.ReadDir(dir)
	switch {
	case listing.Absent(err):
		return nil, nil
	case errors.Is(err, fs.ErrPermission):
		t.say(dir, dir+" cannot be listed: a file that is renamed in it is not found again")
		return nil, nil
	}
	for _, e := range entries {
		if e.Dir {
			continue
		}
		name := path.Join(dir, e.Name)
		info, err := t.o.FS.Stat(name)
		switch {
		case err == nil && info.Mode.IsRegular():
			files = append(files, listing.File{Path: name, Info: info})
		case err != nil && !listing.Absent(err) && !errors.Is(err, fs.ErrPermission):
			return nil, err
		}
	}
	return files, err
}

// packed says whether a file is compressed: such a file is not followed.
func packed(name string) bool {
	e := path.Ext(name)
	return e == ".gz" || e == ".zst"
}
