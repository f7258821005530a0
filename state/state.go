// Package state keeps what a job remembers: tables of slots by key group, cut into portable snapshots.
//
// The hot path is one concrete Table for all backends; a backend decides where rows lie that are not in its memory, and what a snapshot may cost.
//
//	state.go   Spec and its table of backends, Backend, Schema, Row: the contract
//	memory.go fs.go badger.go   the backends
//	store.go   Store: the tables of one task
//	table.go   Table: find or make rows by batch, scan and drop namespaces
//	pane.go    the rows of one namespace: growing, splitting by key group, recycling
//	group.go   the slots of one key group: open addressing without pointers
//	cut.go     Snapshot: a consistent cut by slot epochs, read step by step as the bytes of one file
//	removed.go deltas: what went away since the checkpoint they build on
//	row.go     the row encoding
//	cold.go    rows that are not in memory: eviction and bringing back; coldscan.go: reading them; filter.go: knowing that there are none
//	file.go    File: a snapshot file, checked; load.go: into a store
package state

import (
	"fmt"
	"slices"

	"pipec/compiler/plan"
	"pipec/state/vfs"
	"pipec/vm/value"
)

// Spec is one backend: an entry of the table that `state WORD { ... }` is looked up in.
type Spec struct {
	Name   string
	Doc    string
	Params []plan.Param
	Open   func(c Config) (Backend, error)
}

// Backends lists the backends in the order of the documentation.
func Backends() []*Spec { return []*Spec{memorySpec(), fsSpec(), badgerSpec()} }

// Lookup finds a backend by name.
func Lookup(name string) (*Spec, bool) {
	for _, s := range Backends() {
		if s.Name == name {
			return s, true
		}
	}
	return nil, false
}

// Config is what a backend gets: the resolved settings, a file system and a directory of its own for working files.
type Config struct {
	Settings plan.State
	Memory   int64 // that the process may use; 0: no limit
	FS       vfs.FS
	Local    string // working directory of this job; wiped by Open
	Inline   bool   // for simulations: no goroutines, no files that FS does not see. Badger, which has both, is an ordered map then
}

// Backend makes the stores of a job's tasks.
type Backend interface {
	// Store makes the state of one task, which owns the key groups [from, to) of groups.
	Store(task string, from, to, groups int) (*Store, error)
	// Limit is the number of bytes of encoded keyed rows a task's snapshot may have; 0: no limit.
	Limit() int64
	Close() error
}

// Schema describes one keyed state of one node. Names and types are stored in snapshots; the layout of slots is not.
type Schema struct {
	Node       string             `json:"node"` // id of the plan node
	Name       string             `json:"name"` // "aggregate"
	Key        []value.Type       `json:"key,omitempty"`
	Namespaced bool               `json:"namespaced,omitempty"` // rows have an int64 namespace: the start of their window
	Fields     []value.StateField `json:"fields,omitempty"`
}

// field is the index of the field of that name, or -1.
func (s *Schema) field(name string) int {
	return slices.IndexFunc(s.Fields, func(f value.StateField) bool { return f.Name == name })
}

// differs says why rows of schema o cannot be rows of s, or "". The order of fields does not matter, nor does nullability of the key.
func (s *Schema) differs(o Schema) string {
	if s.Namespaced != o.Namespaced {
		return "one has windows, the other has not"
	}
	if len(s.Key) != len(o.Key) {
		return fmt.Sprintf("%d key columns were %d", len(s.Key), len(o.Key))
	}
	for i := range s.Key {
		if !s.Key[i].Same(o.Key[i]) {
			return fmt.Sprintf("key column %d is %s and was %s", i+1, s.Key[i], o.Key[i])
		}
	}
	for _, f := range o.Fields {
		if i := s.field(f.Name); i < 0 || s.Fields[i].Cell != f.Cell {
			return fmt.Sprintf("there is no field %s of that kind any more", f.Name)
		}
	}
	for _, f := range s.Fields {
		if o.field(f.Name) < 0 {
			return fmt.Sprintf("the field %s is new", f.Name)
		}
	}
	return ""
}

// Kind is where a row of a snapshot belongs.
type Kind string

// The kinds of state: by key group; by split, divided anew at restore; of one task.
const (
	Keyed Kind = "keyed"
	Split Kind = "split"
	Task  Kind = "task"
)

// Row is one row of split or task state: small, given to Cut and read back by File.Rows.
type Row struct {
	Kind  Kind
	Node  string
	Name  string
	Key   []byte // of a split: its id
	Value []byte
}
