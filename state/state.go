// Package state keeps what a job remembers: tables of slots by key group, cut into portable snapshots.
//
// The hot path is one concrete Table for all backends; a backend decides where rows lie that are not in its memory, and what a snapshot may cost.
//
//	state.go     Spec and its table of backends, Backend, Store, Schema: the contract
//	table.go     Table: open addressing by key group with slot-epoch copy-on-write
//	snapshot.go  Snapshot: the cut, step by step, as bytes of one portable file; File: reading it back
//	memory.go fs.go badger.go   the backends
package state

import (
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

// Config is what a backend gets: the resolved settings, a file system and a directory of its own for working files.
type Config struct {
	Settings plan.State
	FS       vfs.FS
	Local    string // working directory of this job; wiped by Open
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
	Node       string // id of the plan node
	Name       string // "aggregate"
	Key        []value.Type
	Namespaced bool // rows have an int64 namespace: the start of their window
	Fields     []value.StateField
}

// Group is one key group's worth of a schema, for reading snapshots.
type Group struct {
	Node, Name string
	Group      int
}
