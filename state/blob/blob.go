// Package blob is object storage as checkpoints and sinks need it: whole objects that are durable when they are visible, put,
// put-if-absent, read by range, list, delete. It is local today; other schemes are other files behind the same Store.
//
//   - blob.go    Store, Reader, Writer, Ref and the errors: the contract
//   - open.go    Open: from a URI to a Store; the table of schemes
//   - local.go   objects as files over vfs
//   - writer.go  a large object in pieces, with its running checksum
//   - verify.go  reading an object against its Ref
//
// Object names are slash-separated paths below the store's root, without "." and ".." and without empty elements. Names whose last
// element begins with ".tmp-" are the store's own and never listed.
package blob

import (
	"errors"
	"io"
	"io/fs"
)

// Errors. ErrNotExist and ErrExist are those of io/fs, so that errors.Is works across both packages.
var (
	ErrNotExist = fs.ErrNotExist
	ErrExist    = fs.ErrExist
	// ErrDamaged: an object has another length or checksum than its Ref says.
	ErrDamaged = errors.New("damaged")
	// ErrUnknown: an object may or may not have been stored; it was made visible, but not surely durable. Who gets it must neither
	// rely on the object nor delete what it refers to.
	ErrUnknown = errors.New("unknown whether it was stored")
)

// Ref names an object together with what it must contain.
type Ref struct {
	Name string `json:"name"`
	Size int64  `json:"size"` // bytes
	Sum  uint64 `json:"sum"`  // xxh64 of the bytes, seed 0
}

// Info describes an object in a listing.
type Info struct {
	Name string
	Size int64
}

// Store is a place for objects. All methods may be called from several goroutines and processes.
type Store interface {
	// URI is where the store lies, as one writes it for a person or for `-s`; with names appended after a slash it names objects.
	URI() string
	// Put stores an object, durable when it returns; an older one of that name is replaced atomically.
	Put(name string, data []byte) (Ref, error)
	// PutIfAbsent is Put that fails with ErrExist if the object exists. Of several callers at once exactly one succeeds, and what it
	// wrote is visible whole or not at all. ErrUnknown if it became visible but its durability is in doubt.
	PutIfAbsent(name string, data []byte) (Ref, error)
	// Create begins a large object. Nothing is visible before Writer.Commit.
	Create(name string) (Writer, error)
	// Open opens an object for reading; ErrNotExist if there is none.
	Open(name string) (Reader, error)
	// Stat describes an object; ErrNotExist if there is none.
	Stat(name string) (Info, error)
	// List returns the objects below a directory, in the order of their names; none is no error. dir "" is the root.
	List(dir string) ([]Info, error)
	// Dirs returns the names of the directories right below dir, sorted, as far as objects lie below them (or did: local
	// directories may be empty).
	Dirs(dir string) ([]string, error)
	// Delete removes an object; one that is not there is no error.
	Delete(name string) error
	// DeleteDir removes all objects below a directory, and what unfinished writers left there.
	DeleteDir(dir string) error
	// RemoveDir removes a directory in which no object lies; one that is not empty, or not there, is no error and stays as it is.
	RemoveDir(dir string) error
	// Sweep removes what unfinished writers of dead processes left right below dir. A living writer there loses its object and gets an error.
	Sweep(dir string) error
	// Lock takes the store's exclusive lock of that name, as vfs.FS.Lock; stores without locks return a Closer that does nothing.
	Lock(name string) (io.Closer, error)
}

// Reader reads one object, in order or by range. The object stays readable while open also if it is deleted.
type Reader interface {
	io.Reader
	io.ReaderAt
	io.Closer
	// Size is the object's length in bytes.
	Size() int64
}

// Writer takes the bytes of one object. It belongs to one goroutine.
type Writer interface {
	io.Writer
	// Size is the number of bytes written so far.
	Size() int64
	// Commit makes the object durable and visible under its name, an older one replaced, and returns what it must contain.
	Commit() (Ref, error)
	// Abort gives the object up. After Commit, also a failed one, it does nothing, so it can be deferred.
	Abort()
}
