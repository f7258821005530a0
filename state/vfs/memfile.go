package vfs

import (
	"io"
	"io/fs"
	"path"
	"syscall"
	"time"
)

// memNode is a file or a directory. What is durable is kept apart from what is seen; between the two lie the changes since the
// last sync, each of which a crash keeps, drops or (a write) tears.
type memNode struct {
	inode   uint64
	mode    fs.FileMode
	modTime time.Time

	data   []byte  // as seen now
	synced []byte  // as of the last Sync; nil before the first
	shared bool    // synced and data are one array: copied before bytes of synced change
	writes []write // since then, in order

	entries map[string]*memNode // as seen now
	durable map[string]*memNode // as of the last SyncDir
	changes [][]edit            // since then; each element is atomic
}

// write is a change of a file's bytes; data is nil for a truncation to off.
type write struct {
	off  int64
	data []byte
}

// edit is a change of one name in a directory; node is nil for a removal.
type edit struct {
	name string
	node *memNode
}

func (n *memNode) isDir() bool     { return n.mode.IsDir() }
func (n *memNode) names() []string { return sortedNames(n.entries) }

func (n *memNode) info(name string) Info {
	return Info{Name: path.Base(name), Size: int64(len(n.data)), ModTime: n.modTime, Mode: n.mode, Device: 1, Inode: n.inode}
}

func (n *memNode) change(now time.Time, edits ...edit) {
	applyEdits(n.entries, edits)
	n.changes = append(n.changes, edits)
	n.modTime = now
}

func applyEdits(entries map[string]*memNode, edits []edit) {
	for _, e := range edits {
		if e.node == nil {
			delete(entries, e.name)
		} else {
			entries[e.name] = e.node
		}
	}
}

func (n *memNode) syncNames() {
	for _, edits := range n.changes {
		applyEdits(n.durable, edits)
	}
	n.changes = nil
}

func (n *memNode) truncate(now time.Time, size int64) { n.write(now, write{off: size}) }

func (n *memNode) write(now time.Time, w write) {
	if n.shared && w.off < int64(len(n.synced)) {
		n.data, n.shared = append([]byte(nil), n.data...), false
	}
	n.data = w.apply(n.data)
	n.writes = append(n.writes, w)
	n.modTime = now
}

// apply returns the content after the change; it may reuse b.
func (w write) apply(b []byte) []byte {
	end := w.off + int64(len(w.data))
	if int64(len(b)) < end {
		b = append(b, make([]byte, end-int64(len(b)))...)
	}
	if w.data == nil {
		return b[:w.off]
	}
	copy(b[w.off:], w.data)
	return b
}

func (n *memNode) sync() {
	n.synced, n.shared = n.data[:len(n.data):len(n.data)], true
	n.writes = nil
}

// memFile is an open file of a Mem.
type memFile struct {
	fs        *Mem
	node      *memNode
	name      string
	off       int64
	writable  bool
	appending bool
	closed    bool
}

// enter locks the file system and refuses a closed file; the caller unlocks.
func (f *memFile) enter(op string) error {
	f.fs.mu.Lock()
	switch {
	case f.closed:
		return pathErr(op, f.name, fs.ErrClosed)
	case f.node.isDir() && op != "stat" && op != "close" && op != "sync":
		return pathErr(op, f.name, syscall.EISDIR)
	case !f.writable && (op == "write" || op == "truncate"):
		return pathErr(op, f.name, syscall.EBADF)
	}
	return nil
}

func (f *memFile) Read(p []byte) (int, error) {
	defer f.fs.mu.Unlock()
	if err := f.enter("read"); err != nil {
		return 0, err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if f.off >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.node.data[f.off:])
	f.off += int64(n)
	return n, nil
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	defer f.fs.mu.Unlock()
	if err := f.enter("read"); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, pathErr("read", f.name, syscall.EINVAL)
	}
	n := 0
	if off < int64(len(f.node.data)) {
		n = copy(p, f.node.data[off:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) Write(p []byte) (int, error) {
	defer f.fs.mu.Unlock()
	if err := f.enter("write"); err != nil {
		return 0, err
	}
	if f.appending {
		f.off = int64(len(f.node.data))
	}
	f.node.write(f.fs.now(), write{off: f.off, data: append(make([]byte, 0, len(p)), p...)})
	f.off += int64(len(p))
	return len(p), nil
}

func (f *memFile) Seek(offset int64, whence int) (int64, error) {
	defer f.fs.mu.Unlock()
	if err := f.enter("seek"); err != nil {
		return 0, err
	}
	switch whence {
	case io.SeekCurrent:
		offset += f.off
	case io.SeekEnd:
		offset += int64(len(f.node.data))
	}
	if offset < 0 {
		return 0, pathErr("seek", f.name, syscall.EINVAL)
	}
	f.off = offset
	return offset, nil
}

func (f *memFile) Sync() error {
	defer f.fs.mu.Unlock()
	if err := f.enter("sync"); err != nil {
		return err
	}
	if f.node.isDir() {
		f.node.syncNames()
		return nil
	}
	f.node.sync()
	return nil
}

func (f *memFile) Close() error {
	defer f.fs.mu.Unlock()
	if err := f.enter("close"); err != nil {
		return err
	}
	f.closed = true
	return nil
}

func (f *memFile) Stat() (Info, error) {
	defer f.fs.mu.Unlock()
	if err := f.enter("stat"); err != nil {
		return Info{}, err
	}
	return f.node.info(f.name), nil
}

func (f *memFile) Truncate(size int64) error {
	defer f.fs.mu.Unlock()
	if err := f.enter("truncate"); err != nil {
		return err
	}
	if size < 0 {
		return pathErr("truncate", f.name, syscall.EINVAL)
	}
	f.node.truncate(f.fs.now(), size)
	return nil
}
