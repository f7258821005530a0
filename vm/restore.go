package vm

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"pipec/checkpoint"
	"pipec/connector"
	"pipec/state"
	"pipec/vm/lineage"
	"pipec/vm/value"
)

// restored is a snapshot on its way into new tasks: files that are open, and what is not keyed, already read.
type restored struct {
	snap   *checkpoint.Snapshot
	files  []*lineage.File
	splits map[string][]splitState // by source node
	marks  map[string]int64        // by head of a chain: the least watermark of its old tasks
	tokens map[string][][]byte     // by sink node
	began  time.Time
}

// number and index are how task state is written: 8 bytes, and the task's index as text.
func number(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
func index(i int) []byte    { return strconv.AppendInt(nil, int64(i), 10) }

// openSnapshot opens every file of a snapshot and reads what is not keyed. Damage is found here, before any task exists.
func openSnapshot(snap *checkpoint.Snapshot) (*restored, error) {
	r := &restored{snap: snap, splits: map[string][]splitState{}, marks: map[string]int64{}, tokens: map[string][][]byte{}}
	for _, h := range snap.Manifest.Handles {
		if h.Kind == checkpoint.Token {
			r.tokens[h.Node] = append(r.tokens[h.Node], h.Inline)
		}
	}
	var err error
	if r.files, err = lineage.Open(snap); err != nil {
		return nil, err
	}
	for _, f := range r.files {
		if !f.Newest {
			continue
		}
		if err := r.unkeyed(f.File); err != nil {
			r.close()
			return nil, err
		}
	}
	return r, nil
}

// unkeyed reads the splits and watermarks of one file.
func (r *restored) unkeyed(f *state.File) error {
	for _, s := range f.Sections() {
		if s.Kind == state.Keyed {
			continue
		}
		rows, err := f.Rows(s.Kind, s.Schema.Node, s.Schema.Name)
		if err != nil {
			return err
		}
		for _, row := range rows {
			switch row.Kind {
			case state.Split:
				var split splitState
				if err := json.Unmarshal(row.Value, &split); err != nil {
					return fmt.Errorf("split %s of %s: %w", row.Key, row.Node, err)
				}
				r.splits[row.Node] = append(r.splits[row.Node], split)
			case state.Task:
				w := int64(binary.BigEndian.Uint64(row.Value))
				if old, ok := r.marks[row.Node]; ok {
					w = min(w, old)
				}
				r.marks[row.Node] = w
			}
		}
	}
	return nil
}

// into loads the keyed state that a task owns. Its tables exist already.
func (r *restored) into(t *task) error {
	for _, f := range r.files {
		if err := t.store.Load(f.File); err != nil {
			return lineage.Unreadable(f.URI, err)
		}
	}
	return nil
}

// mark is the watermark that a chain's tasks begin with.
func (r *restored) mark(head string) int64 {
	if r != nil {
		if w, ok := r.marks[head]; ok {
			return w
		}
	}
	return value.NoTime
}

// known lists the splits of a source as its connector wants them.
func (r *restored) known(source string) []connector.Split {
	if r == nil {
		return nil
	}
	var splits []connector.Split
	for _, s := range r.splits[source] {
		splits = append(splits, s.Split)
	}
	return splits
}

// time is the event time that a split had reached.
func (r *restored) time(source, split string) splitTime {
	if r != nil {
		for _, s := range r.splits[source] {
			if s.ID == split {
				return s.Time
			}
		}
	}
	return splitTime{Max: value.NoTime}
}

func (r *restored) close() {
	if r == nil {
		return
	}
	for _, f := range r.files {
		_ = f.Close() // it was only read
	}
	r.files = nil
}
