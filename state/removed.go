package state

import (
	"encoding/binary"
	"maps"
	"slices"

	"pipec/vm/value"
)

// removed is what a delta needs beside the rows that changed: which rows and namespaces went away, and when. It is kept only by stores that make
// deltas, and only back to the last completed checkpoint.
//
// A record is the namespace (varint) and the length of the key plus one (uvarint) with the key; 0 stands for the whole namespace. Records are in the
// order of what happened, so a delta's are one stretch of it.
type removed struct {
	on   bool
	log  []byte
	gone int64 // bytes that stood before log and were forgotten: positions count from the beginning
}

func (r *removed) row(ns int64, key []byte) {
	if r.on {
		r.log = binary.AppendUvarint(binary.AppendVarint(r.log, ns), uint64(len(key))+1)
		r.log = append(r.log, key...)
	}
}

func (r *removed) namespace(ns int64) {
	if r.on {
		r.log = append(binary.AppendVarint(r.log, ns), 0)
	}
}

// end is the position behind the last record.
func (r *removed) end() int64 { return r.gone + int64(len(r.log)) }

// since gives the records from a position on. They stay as they are, whatever is added or forgotten.
func (r *removed) since(at int64) []byte { return r.log[at-r.gone : len(r.log) : len(r.log)] }

// forget drops the records before a position.
func (r *removed) forget(at int64) {
	r.log = append([]byte(nil), r.since(at)...)
	r.gone = at
}

// maxMarks is how many checkpoints are remembered to build on.
const maxMarks = 8

// mark is a checkpoint that a delta can build on.
type mark struct {
	epoch   uint32  // rows of later epochs have changed since
	removed []int64 // where the logs of the tables ended
}

// setMark remembers the state as of now, the end of an epoch, under the number of a checkpoint.
func (s *Store) setMark(checkpoint uint64) {
	if !s.incremental {
		return
	}
	m := mark{epoch: s.epoch}
	for _, t := range s.tables {
		t.removed.on = true
		m.removed = append(m.removed, t.removed.end())
	}
	s.marks[checkpoint] = m
	if len(s.marks) > maxMarks { // nothing completes: what is too old is given up, and the next snapshot will be a whole one
		ids := slices.Sorted(maps.Keys(s.marks))
		s.Completed(ids[len(ids)-maxMarks])
	}
}

// CutSince is Cut of what has changed since an earlier checkpoint: loaded behind the files of that one it gives the same state. It returns
// nil if the store cannot build on that checkpoint: the backend is not incremental, or the checkpoint is not one that was Completed or Restored
// last, or a later one.
func (s *Store) CutSince(base, checkpoint uint64, extra []Row) *Snapshot {
	m, ok := s.marks[base]
	if !ok || base == checkpoint {
		return nil
	}
	return s.begin(checkpoint, base, m, extra)
}

// Completed says that a checkpoint is durable: deltas build on it or on later ones, what was remembered for earlier ones is forgotten.
func (s *Store) Completed(checkpoint uint64) {
	m, ok := s.marks[checkpoint]
	if !ok {
		return
	}
	for id := range s.marks {
		if id < checkpoint {
			delete(s.marks, id)
		}
	}
	for i, at := range m.removed {
		s.tables[i].removed.forget(at)
	}
}

// Restored says, after Load, that the store holds the state of that checkpoint, so that deltas can build on it.
func (s *Store) Restored(checkpoint uint64) {
	s.setMark(checkpoint)
	s.nextEpoch()
}

// takeRemoved writes the section of what went away, as of the cut.
func (c *tableCut) takeRemoved() {
	rows := int64(0)
	for p := c.removed; len(p) > 0; rows++ {
		_, _, _, p = nextRemoved(p)
	}
	if rows > 0 {
		c.snap.section(section{State: c.state, Removed: true, Rows: rows}, c.removed)
	}
	c.removed = nil
}

// nextRemoved splits a record off. A nil rest says that p is none.
func nextRemoved(p []byte) (ns int64, key []byte, whole bool, rest []byte) {
	ns, n := binary.Varint(p)
	if n <= 0 {
		return 0, nil, false, nil
	}
	p = p[n:]
	length, n := binary.Uvarint(p)
	if n <= 0 || length > uint64(len(p)-n)+1 {
		return 0, nil, false, nil
	}
	if length == 0 {
		return ns, nil, true, p[n:]
	}
	end := n + int(length) - 1
	return ns, p[n:end:end], false, p[end:]
}

// remove applies a section of what went away to the table. A dropped namespace lost only the key groups of the task that wrote the file.
func (l *loader) remove(sec *section) error {
	t := l.t
	rows := int64(0)
	for p := l.buf; len(p) > 0; rows++ {
		ns, key, whole, rest := nextRemoved(p)
		if rest == nil {
			return damagef("removed rows of state %s", t.name())
		}
		p = rest
		l.reset()
		if whole {
			if err := l.drop(ns); err != nil {
				return err
			}
			continue
		}
		if g := value.GroupOf(key, t.store.groups); g >= t.store.from && g < t.store.to {
			l.keys.Add(key, t.store.groups)
			if err := t.Delete(ns, &l.keys); err != nil {
				return err
			}
		}
	}
	if rows != sec.Rows {
		return damagef("removed rows of state %s: %d instead of %d", t.name(), rows, sec.Rows)
	}
	return nil
}

func (l *loader) drop(ns int64) error {
	f, s := &l.file.footer, l.t.store
	if f.From <= s.from && f.To >= s.to {
		l.t.Drop(ns)
		return nil
	}
	var c Cursor
	var mine value.Keys
	for {
		n, err := l.t.Scan(ns, &c, &l.keys, l.slots)
		if err != nil || n == 0 {
			return err
		}
		mine.Reset()
		for i := range n {
			if g := int(l.keys.Group[i]); g >= f.From && g < f.To {
				mine.Add(l.keys.At(i), s.groups)
			}
		}
		if err := l.t.Delete(ns, &mine); err != nil {
			return err
		}
	}
}
