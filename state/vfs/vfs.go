// Package vfs is the file system as the engine sees it: the few operations that sources, sinks and checkpoint storage use,
// behind one interface, so that a whole job can run over a disk that crashes on purpose.
//
//   - vfs.go      FS, File, Info and Entry: the contract
//   - os.go       OS, the operating system's file system
//   - mem.go      Mem, a file system in memory that remembers what was synced
//   - memfile.go  its files and directories
//   - crash.go    CrashClone: what is left of a Mem after the power failed
//   - observe.go  Observe: every operation passes a hook that sees, refuses or damages it
//
// Paths are slash-separated and go to the operating system as they are. Errors are those of package io/fs and syscall, wrapped in
// *fs.PathError or *os.LinkError; test them with errors.Is.
//
// Durability is that of POSIX and nothing more: a file's bytes are durable after File.Sync, its name is durable after SyncDir of the
// directory that holds it, and a new directory's name after SyncDir of its parent.
package vfs

import (
	"errors"
	"io"
	"io/fs"
	"time"
)

// ErrLocked is returned by FS.Lock while another holder, in this process or another, has the lock.
var ErrLocked = errors.New("locked by another process")

// FS is a file system. All methods may be called from several goroutines.
type FS interface {
	// Open opens a file or directory for reading.
	Open(name string) (File, error)
	// Create makes a file for reading and writing. An existing one is emptied, or with exclusive refused with fs.ErrExist.
	Create(name string, exclusive bool) (File, error)
	// OpenAppend opens a file so that each Write goes to its end; it is made if it does not exist.
	OpenAppend(name string) (File, error)
	// Rename moves a file; a file at the new name is replaced atomically.
	Rename(oldName, newName string) error
	// Link gives a file a second name; if that name is taken it fails with fs.ErrExist. It is the local create-if-absent.
	Link(oldName, newName string) error
	// Remove removes a file or an empty directory.
	Remove(name string) error
	// RemoveAll removes a tree; a name that does not exist is no error.
	RemoveAll(name string) error
	// ReadDir lists a directory by name.
	ReadDir(name string) ([]Entry, error)
	// Stat describes a file, symbolic links followed.
	Stat(name string) (Info, error)
	// MkdirAll makes a directory and its parents. Their names are durable only after SyncDir of each parent.
	MkdirAll(name string) error
	// SyncDir makes the names in a directory durable: files made, renamed, linked and removed in it.
	SyncDir(name string) error
	// Lock takes an exclusive lock on a file, made if need be, and holds it until Close or the end of the process. It never waits:
	// ErrLocked if somebody has it.
	Lock(name string) (io.Closer, error)
}

// File is an open file. Read, Write and Seek share one offset; ReadAt does not touch it.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.Seeker
	io.Closer
	// Sync makes the bytes written so far durable (not the name: see FS.SyncDir).
	Sync() error
	// Stat describes the open file, also after it was renamed or removed.
	Stat() (Info, error)
	// Truncate cuts the file, or extends it with zeros.
	Truncate(size int64) error
}

// Info describes a file. Device and Inode together are its identity: they survive a rename, and a file that replaces another under
// the same name has another inode.
type Info struct {
	Name    string // last element of the path
	Size    int64  // bytes
	ModTime time.Time
	Mode    fs.FileMode
	Device  uint64
	Inode   uint64
}

// IsDir tells whether the file is a directory.
func (i Info) IsDir() bool { return i.Mode.IsDir() }

// SameFile tells whether two descriptions are of one file.
func (i Info) SameFile(o Info) bool { return i.Device == o.Device && i.Inode == o.Inode }

// Entry is a name in a directory. Dir is false for a symbolic link, whatever it points to.
type Entry struct {
	Name string
	Dir  bool
}

// ReadFile reads a whole file.
func ReadFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// WriteFile replaces a file's content and syncs the bytes. The name is not synced and the write is not atomic: package blob has that.
func WriteFile(fsys FS, name string, data []byte) error {
	f, err := fsys.Create(name, false)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
