package vfs

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Mem is a file system in memory with the crash behaviour of a POSIX one: it knows for every file and directory what a sync made
// durable and what was done since, and CrashClone leaves only what a power cut could leave. Absolute and relative paths share one
// root. There are no permissions and no symbolic links.
type Mem struct {
	mu    sync.Mutex
	root  *memNode
	inode uint64
	locks map[string]bool
	now   func() time.Time
}

// NewMem returns an empty file system. Modification times come from a counter of one millisecond per change, so that runs repeat;
// SetNow gives it a clock.
func NewMem() *Mem {
	m := &Mem{locks: map[string]bool{}}
	var ticks int64
	m.now = func() time.Time {
		ticks++
		return time.UnixMilli(ticks).UTC()
	}
	m.root = m.newNode(fs.ModeDir | 0o777)
	return m
}

// SetNow makes modification times come from a clock.
func (m *Mem) SetNow(now func() time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = now
}

// newNode is called with mu held, or before the Mem is shared.
func (m *Mem) newNode(mode fs.FileMode) *memNode {
	m.inode++
	n := &memNode{inode: m.inode, mode: mode, modTime: m.now()}
	if mode.IsDir() {
		n.entries, n.durable = map[string]*memNode{}, map[string]*memNode{}
	}
	return n
}

func split(name string) []string {
	clean := strings.Trim(path.Clean("/"+name), "/")
	if clean == "" {
		return nil
	}
	return strings.Split(clean, "/")
}

func pathErr(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

func (m *Mem) lookup(name string) (*memNode, error) {
	n := m.root
	for _, part := range split(name) {
		if !n.isDir() {
			return nil, syscall.ENOTDIR
		}
		n = n.entries[part]
		if n == nil {
			return nil, fs.ErrNotExist
		}
	}
	return n, nil
}

// parent finds the directory that holds name, and its last element.
func (m *Mem) parent(name string) (*memNode, string, error) {
	parts := split(name)
	if len(parts) == 0 {
		return nil, "", syscall.EINVAL
	}
	dir, err := m.lookup(strings.Join(parts[:len(parts)-1], "/"))
	if err != nil {
		return nil, "", err
	}
	if !dir.isDir() {
		return nil, "", syscall.ENOTDIR
	}
	return dir, parts[len(parts)-1], nil
}

// Open implements FS.
func (m *Mem) Open(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.lookup(name)
	if err != nil {
		return nil, pathErr("open", name, err)
	}
	return &memFile{fs: m, node: n, name: name}, nil
}

// Create implements FS.
func (m *Mem) Create(name string, exclusive bool) (File, error) {
	return m.open(name, exclusive, true, false)
}

// OpenAppend implements FS.
func (m *Mem) OpenAppend(name string) (File, error) { return m.open(name, false, false, true) }

func (m *Mem) open(name string, exclusive, empty, appending bool) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.parent(name)
	if err != nil {
		return nil, pathErr("open", name, err)
	}
	n := dir.entries[base]
	switch {
	case n == nil:
		n = m.newNode(0o666)
		dir.change(m.now(), edit{base, n})
	case exclusive:
		return nil, pathErr("open", name, fs.ErrExist)
	case n.isDir():
		return nil, pathErr("open", name, syscall.EISDIR)
	case empty:
		n.truncate(m.now(), 0)
	}
	return &memFile{fs: m, node: n, name: name, writable: true, appending: appending}, nil
}

// Rename implements FS.
func (m *Mem) Rename(oldName, newName string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	fail := func(err error) error { return &os.LinkError{Op: "rename", Old: oldName, New: newName, Err: err} }
	from, oldBase, err := m.parent(oldName)
	if err != nil {
		return fail(err)
	}
	to, newBase, err := m.parent(newName)
	if err != nil {
		return fail(err)
	}
	n, old := from.entries[oldBase], to.entries[newBase]
	switch {
	case n == nil:
		return fail(fs.ErrNotExist)
	case old == n:
		return nil
	case old != nil && old.isDir() && !n.isDir():
		return fail(syscall.EISDIR)
	case old != nil && n.isDir() && !old.isDir():
		return fail(syscall.ENOTDIR)
	case old != nil && old.isDir() && len(old.entries) > 0:
		return fail(syscall.ENOTEMPTY)
	}
	if from == to { // one journal entry: after a crash either both names changed or none
		from.change(m.now(), edit{oldBase, nil}, edit{newBase, n})
		return nil
	}
	to.change(m.now(), edit{newBase, n})
	from.change(m.now(), edit{oldBase, nil})
	return nil
}

// Link implements FS.
func (m *Mem) Link(oldName, newName string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	fail := func(err error) error { return &os.LinkError{Op: "link", Old: oldName, New: newName, Err: err} }
	n, err := m.lookup(oldName)
	if err != nil {
		return fail(err)
	}
	if n.isDir() {
		return fail(syscall.EPERM)
	}
	dir, base, err := m.parent(newName)
	if err != nil {
		return fail(err)
	}
	if dir.entries[base] != nil {
		return fail(fs.ErrExist)
	}
	dir.change(m.now(), edit{base, n})
	return nil
}

// Remove implements FS.
func (m *Mem) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.parent(name)
	if err != nil {
		return pathErr("remove", name, err)
	}
	n := dir.entries[base]
	if n == nil {
		return pathErr("remove", name, fs.ErrNotExist)
	}
	if len(n.entries) > 0 {
		return pathErr("remove", name, syscall.ENOTEMPTY)
	}
	dir.change(m.now(), edit{base, nil})
	return nil
}

// RemoveAll implements FS. A crash may leave any part of the tree.
func (m *Mem) RemoveAll(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.parent(name)
	if err != nil {
		if err == fs.ErrNotExist {
			return nil
		}
		return pathErr("removeall", name, err)
	}
	if n := dir.entries[base]; n != nil {
		m.empty(n)
		dir.change(m.now(), edit{base, nil})
	}
	return nil
}

func (m *Mem) empty(n *memNode) {
	for _, name := range n.names() {
		m.empty(n.entries[name])
		n.change(m.now(), edit{name, nil})
	}
}

// ReadDir implements FS.
func (m *Mem) ReadDir(name string) ([]Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.lookup(name)
	if err == nil && !n.isDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, pathErr("readdir", name, err)
	}
	list := make([]Entry, 0, len(n.entries))
	for _, name := range n.names() {
		list = append(list, Entry{Name: name, Dir: n.entries[name].isDir()})
	}
	return list, nil
}

// Stat implements FS.
func (m *Mem) Stat(name string) (Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.lookup(name)
	if err != nil {
		return Info{}, pathErr("stat", name, err)
	}
	return n.info(name), nil
}

// MkdirAll implements FS.
func (m *Mem) MkdirAll(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.root
	for _, part := range split(name) {
		next := n.entries[part]
		if next == nil {
			next = m.newNode(fs.ModeDir | 0o777)
			n.change(m.now(), edit{part, next})
		}
		if !next.isDir() {
			return pathErr("mkdir", name, syscall.ENOTDIR)
		}
		n = next
	}
	return nil
}

// SyncDir implements FS.
func (m *Mem) SyncDir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.lookup(name)
	if err == nil && !n.isDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return pathErr("syncdir", name, err)
	}
	n.syncNames()
	return nil
}

// Lock implements FS. A crash frees it.
func (m *Mem) Lock(name string) (io.Closer, error) {
	f, err := m.OpenAppend(name)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := fmt.Sprint(f.(*memFile).node.inode)
	if m.locks[key] {
		return nil, pathErr("lock", name, ErrLocked)
	}
	m.locks[key] = true
	return &memLock{m, key}, nil
}

type memLock struct {
	fs  *Mem
	key string
}

func (l *memLock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	delete(l.fs.locks, l.key)
	return nil
}

func sortedNames(entries map[string]*memNode) []string {
	names := make([]string, 0, len(entries))
	for name := range entries {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
