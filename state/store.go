package state

import (
	"fmt"
	"slices"

	"pipec/state/budget"
)

// Store is the state of one task: its tables, for the key groups [from, to). It belongs to the task's goroutine.
type Store struct {
	task             string
	from, to, groups int
	epoch            uint32 // of writes; a cut takes what is of this epoch or earlier and begins the next
	tables           []*Table
	cut              *Snapshot
	incremental      bool
	marks            map[uint64]mark // checkpoints that deltas can build on
	lib              *library        // where rows go that are not in memory; nil: nowhere
	budget           *budget.Budget  // that all stores of the job share; nil: no limit
}

func newStore(task string, from, to, groups int) *Store {
	return &Store{task: task, from: from, to: to, groups: groups, epoch: 1, marks: map[uint64]mark{}}
}

// Scratch makes a table of its own, in no snapshot and without a backend, for all key groups: to merge panes in.
func Scratch(schema Schema, groups int) *Table {
	return newStore("", 0, groups, groups).Table(schema)
}

// Table gives the state of that node and name, made at the first call: all are asked for before Load. Asking again with another schema
// is a bug of the caller and panics.
func (s *Store) Table(schema Schema) *Table {
	if t := s.find(schema.Node, schema.Name); t != nil {
		if why := t.schema.differs(schema); why != "" {
			panic(fmt.Sprintf("state %s is asked for with two schemas: %s", t.name(), why))
		}
		return t
	}
	t := newTable(s, schema)
	if s.lib != nil {
		t.cold = &cold{lib: s.lib, op: s.lib.Shared.Table(schema.Node + "\x00" + schema.Name)}
	}
	t.share = s.budget.Share(schema.Node)
	s.tables = append(s.tables, t)
	return t
}

func (s *Store) find(node, name string) *Table {
	for _, t := range s.tables {
		if t.schema.Node == node && t.schema.Name == name {
			return t
		}
	}
	return nil
}

// Tables lists the tables in the order they were made.
func (s *Store) Tables() []*Table { return slices.Clone(s.tables) }

// Groups is the range of key groups [from, to) and how many there are in all.
func (s *Store) Groups() (from, to, of int) { return s.from, s.to, s.groups }

// Bytes is the memory of all tables.
func (s *Store) Bytes() int64 {
	n := int64(0)
	for _, t := range s.tables {
		n += t.Bytes()
	}
	return n
}

// Cut takes a consistent image of the whole store as of now, together with extra rows of split and task state, which are copied. It costs
// nothing per row: the image is read by Snapshot.Next, while writes go on and save what they overwrite. A cut that is still
// running is finished first.
func (s *Store) Cut(checkpoint uint64, extra []Row) *Snapshot {
	return s.begin(checkpoint, 0, mark{}, extra)
}

// begin begins a cut of what is later than a mark.
func (s *Store) begin(checkpoint, base uint64, since mark, extra []Row) *Snapshot {
	if s.cut != nil {
		s.cut.finish()
	}
	c := newSnapshot(s, checkpoint, base, extra)
	for i, t := range s.tables {
		t.beginCut(c, since, i)
	}
	s.setMark(checkpoint)
	s.nextEpoch()
	s.cut = c
	return c
}

func (s *Store) nextEpoch() {
	s.epoch++
	for _, t := range s.tables {
		t.setEpoch(s.epoch)
	}
}

// Close gives back what the store has of its backend: its share of the cache. The tables are unusable after it.
func (s *Store) Close() {
	if s.cut != nil {
		s.cut.Abort()
	}
	for _, t := range s.tables {
		if t.cold != nil {
			t.cold.lib.used.Add(-t.cold.counted)
		}
		t.share.Release()
	}
	s.tables = nil
}
