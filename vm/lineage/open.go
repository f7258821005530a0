package lineage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync/atomic"
	"syscall"

	"pipec/checkpoint"
	"pipec/state"
	"pipec/state/blob"
	"pipec/state/budget"
)

// File is one state file of a snapshot, open for reading.
type File struct {
	*state.File
	Handle checkpoint.Handle // one of whose files it is
	Ref    blob.Ref
	URI    string
	Newest bool // the last of its handle: what is not keyed is whole in each file, and the last is the one that counts
	read   atomic.Int64
	halted atomic.Bool
	close  func() error
}

// Close lets go of the file.
func (f *File) Close() error { return f.close() }

// ErrHalted ends the reading of files whose content nobody wants any more.
var ErrHalted = errors.New("the restore was given up")

// Halt lets each further read of the files fail with ErrHalted, so that whoever loads them ends at the next key group. It may be called from any goroutine.
func Halt(files []*File) {
	for _, f := range files {
		f.halted.Store(true)
	}
}

// Open opens every state file of a snapshot, in the order in which a task loads them. What is wrong with a file is found here: *checkpoint.SnapshotError, or the
// error of a disk that does not answer.
func Open(snap *checkpoint.Snapshot) (files []*File, err error) {
	defer func() {
		if err != nil {
			for _, f := range files {
				_ = f.Close()
			}
			files = nil
		}
	}()
	for _, h := range snap.Manifest.Handles {
		before := uint64(0)
		for i, ref := range h.Files {
			f, err := open(snap, h, ref)
			if err != nil {
				return files, err
			}
			files = append(files, f)
			f.Newest = i == len(h.Files)-1
			if f.Base() != before {
				return files, &checkpoint.SnapshotError{URI: f.URI, Reason: fmt.Sprintf("it builds on checkpoint %d and stands behind %d", f.Base(), before)}
			}
			before = f.Checkpoint()
		}
	}
	return files, nil
}

func open(snap *checkpoint.Snapshot, h checkpoint.Handle, ref blob.Ref) (*File, error) {
	reader, err := blob.OpenRef(snap.Store, ref)
	if err != nil {
		return nil, checkpoint.Damaged(err)
	}
	uri := blob.JoinURI(snap.Store.URI(), ref.Name)
	f := &File{Handle: h, Ref: ref, URI: uri, close: reader.Close}
	if f.File, err = state.OpenFile(counted{reader, f}, reader.Size()); err != nil {
		_ = reader.Close()
		return nil, Unreadable(uri, err)
	}
	return f, nil
}

// counted notes how much of a file was read, and ends when its restore is given up.
type counted struct {
	io.ReaderAt
	of *File
}

// ReadAt implements io.ReaderAt.
func (c counted) ReadAt(p []byte, off int64) (int, error) {
	if c.of.halted.Load() {
		return 0, ErrHalted
	}
	n, err := c.ReaderAt.ReadAt(p, off)
	c.of.read.Add(int64(n))
	return n, err
}

// Progress is how many bytes of the files were read, of how many; while that is more than there are, for what was read twice, it is all.
func Progress(files []*File) (done, total int64) {
	for _, f := range files {
		done += min(f.read.Load(), f.Ref.Size)
		total += f.Ref.Size
	}
	return done, total
}

// Unreadable tells a file whose content is wrong, which stays so, from a disk that does not answer, which may pass (architecture, rule 9), from a memory that
// is too small for it, and from a restore that was given up.
func Unreadable(uri string, err error) error {
	var full *budget.FullError
	if IsIO(err) || errors.As(err, &full) || errors.Is(err, ErrHalted) {
		return fmt.Errorf("%s: %w", uri, err)
	}
	return &checkpoint.SnapshotError{URI: uri, Reason: err.Error(), Cause: err}
}

// IsIO says whether the storage's own words are in an error.
func IsIO(err error) bool {
	var p *fs.PathError
	var errno syscall.Errno
	return errors.As(err, &p) || errors.As(err, &errno)
}

// Inherit gives the chain that a task with that store goes on with after loading the files of a checkpoint: that of its predecessor, if that was the same
// task with the same key groups and states; otherwise none, and its first snapshot is whole. The store is told.
func Inherit(files []*File, task string, s *state.Store) Chain {
	var c Chain
	var last *File
	from, to, _ := s.Groups()
	for _, f := range files {
		if f.Handle.Task != task {
			continue
		}
		if f.Handle.From != from || f.Handle.To != to || !checkpoint.Shared(f.Ref.Name) {
			return Chain{}
		}
		c.Files, last = append(c.Files, f.Ref), f
	}
	if last == nil || !sameStates(last.File, s) {
		return Chain{}
	}
	c.Checkpoint = last.Checkpoint()
	s.Restored(c.Checkpoint)
	return c
}

// sameStates says whether a file holds exactly the states of a store: rows of others would come back when a later program has them again.
func sameStates(f *state.File, s *state.Store) bool {
	var has, wants []string
	for _, sec := range f.Sections() {
		if sec.Kind == state.Keyed {
			has = append(has, sec.Schema.Node+"\x00"+sec.Schema.Name)
		}
	}
	for _, t := range s.Tables() {
		wants = append(wants, t.Schema().Node+"\x00"+t.Schema().Name)
	}
	slices.Sort(has)
	slices.Sort(wants)
	return slices.Equal(slices.Compact(has), wants)
}
