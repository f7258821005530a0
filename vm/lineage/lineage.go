// Package lineage knows which state files make up a snapshot. With `incremental` a task's file holds what changed since the newest completed
// checkpoint of the run, and its handle in the manifest lists the whole chain, from the last whole snapshot on. What a given-up checkpoint held is
// part of the next one, because nothing builds on it (architecture, rule 10; Flink's RocksDB snapshots, too, build on confirmed checkpoints only).
//
//   - lineage.go  Chain: the files behind one task's state; Book: those of checkpoints that are not completed yet
//   - open.go     Open: the files of a snapshot, checked; Inherit: going on with the chain of a predecessor
package lineage

import (
	"slices"

	"pipec/checkpoint"
	"pipec/state"
	"pipec/state/blob"
)

// most is how many files a restore must open for one task, however small they are.
const most = 64

// Chain is the files that hold a task's state as of a completed checkpoint, oldest first: a whole snapshot and deltas. The zero Chain holds nothing.
// Files are never changed in place, so a Chain may be given to other goroutines.
type Chain struct {
	Checkpoint uint64
	Files      []blob.Ref
}

// Cut begins the image of a task's state: a delta on the chain, which it gives back, or a whole snapshot, which builds on nothing.
func (c *Chain) Cut(s *state.Store, checkpoint uint64, extra []state.Row) (*state.Snapshot, Chain) {
	if c.worth() {
		if snap := s.CutSince(c.Checkpoint, checkpoint, extra); snap != nil {
			return snap, *c
		}
	}
	return s.Cut(checkpoint, extra), Chain{}
}

// worth says whether one more delta is worth it. It is not once the deltas are larger than half of what they build on: then a whole snapshot begins a
// new chain.
func (c *Chain) worth() bool {
	if len(c.Files) == 0 || len(c.Files) >= most {
		return false
	}
	deltas := int64(0)
	for _, f := range c.Files[1:] {
		deltas += f.Size
	}
	return 2*deltas <= c.Files[0].Size
}

// With gives the files of the chain and one more.
func (c *Chain) With(ref blob.Ref) []blob.Ref { return append(slices.Clone(c.Files), ref) }

// Book keeps what tasks wrote for checkpoints on their way, by checkpoint and task. It belongs to one goroutine.
type Book map[uint64]map[string][]blob.Ref

// Note remembers the files of a task's handles on which a later checkpoint may build.
func (b Book) Note(id uint64, handles []checkpoint.Handle) {
	for _, h := range handles {
		if len(h.Files) == 0 || !checkpoint.Shared(h.Files[0].Name) {
			continue
		}
		if b[id] == nil {
			b[id] = map[string][]blob.Ref{}
		}
		b[id][h.Task] = h.Files
	}
}

// Completed gives the files of a completed checkpoint by task and forgets them and those of older ones.
func (b Book) Completed(id uint64) map[string][]blob.Ref {
	files := b[id]
	for old := range b {
		if old <= id {
			delete(b, old)
		}
	}
	return files
}
