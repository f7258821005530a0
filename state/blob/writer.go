package blob

import (
	"path"

	"github.com/cespare/xxhash/v2"

	"pipec/state/vfs"
)

type localReader struct {
	vfs.File
	size int64
}

func (r *localReader) Size() int64 { return r.size }

// localWriter writes to a temporary file until Commit renames it.
type localWriter struct {
	fs         vfs.FS
	file       vfs.File
	name       string // of the object
	path, temp string
	size       int64
	sum        *xxhash.Digest
	err        error // the first failure; Commit must not publish less than was written
	done       bool
}

func newLocalWriter(fsys vfs.FS, f vfs.File, name, path, temp string) *localWriter {
	return &localWriter{fs: fsys, file: f, name: name, path: path, temp: temp, sum: xxhash.New()}
}

func (w *localWriter) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.file.Write(p)
	w.size += int64(n)
	w.sum.Write(p[:n]) // a hash never fails
	w.err = err
	return n, err
}

func (w *localWriter) Size() int64 { return w.size }

func (w *localWriter) Commit() (Ref, error) {
	err := w.err
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		w.Abort()
		return Ref{}, err
	}
	w.done = true
	err = w.file.Close()
	if err == nil {
		err = w.fs.Rename(w.temp, w.path)
	}
	if err != nil {
		w.fs.Remove(w.temp)
		return Ref{}, err
	}
	if err := w.fs.SyncDir(path.Dir(w.path)); err != nil {
		return Ref{}, err
	}
	return Ref{Name: w.name, Size: w.size, Sum: w.sum.Sum64()}, nil
}

func (w *localWriter) Abort() {
	if w.done {
		return
	}
	w.done = true
	w.file.Close()
	w.fs.Remove(w.temp)
}
