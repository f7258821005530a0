package blob

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/cespare/xxhash/v2"

	"pipec/state/vfs"
)

// tmpPrefix begins the last element of a file that is not an object yet.
const tmpPrefix = ".tmp-"

// NewLocal returns a store of files below a directory, which is made with the first object. Its order of operations is what makes an
// object durable before it is visible: create, write, sync, close, rename (or link), sync of the directory; and a new directory is
// synced in its parent before anything in it counts.
func NewLocal(root string, fsys vfs.FS) Store {
	return &local{root: path.Clean(root), fs: fsys, synced: map[string]bool{}}
}

type local struct {
	root string
	fs   vfs.FS

	mu     sync.Mutex
	synced map[string]bool // directories whose names this process knows to be durable
}

func (l *local) URI() string { return l.root }

// path refuses names that would leave the root or hide an object.
func (l *local) path(name string) (string, error) {
	if name == "" {
		return l.root, nil
	}
	if !fs.ValidPath(name) || name == "." || strings.HasPrefix(path.Base(name), tmpPrefix) {
		return "", fmt.Errorf("%q is not an object name", name)
	}
	return path.Join(l.root, name), nil
}

// makeDir makes a directory and its missing parents, each durable in its own parent. Those that are already there are synced once too, up to
// the file system's root: a process that was killed may have made them and not come to its sync.
func (l *local) makeDir(dir string) error {
	info, err := l.fs.Stat(dir)
	exists := err == nil && info.IsDir()
	if exists && l.isSynced(dir) {
		return nil
	}
	if parent := path.Dir(dir); parent != dir {
		if err := l.makeDir(parent); err != nil {
			return err
		}
		if !exists {
			if err := l.fs.MkdirAll(dir); err != nil {
				return err
			}
		}
		// Who may not read a directory has made nothing in it.
		if err := l.fs.SyncDir(parent); err != nil && !(exists && errors.Is(err, fs.ErrPermission)) {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.synced[dir] = true
	return nil
}

func (l *local) isSynced(dir string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.synced[dir]
}

func (l *local) forget(dir string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for d := range l.synced {
		if d == dir || strings.HasPrefix(d, dir+"/") {
			delete(l.synced, d)
		}
	}
}

// temp makes a file beside where the object will be. The number keeps two writers of one name, also of two processes, apart.
func (l *local) temp(file string) (vfs.File, string, error) {
	dir, base := path.Split(file)
	if err := l.makeDir(path.Clean(dir)); err != nil {
		return nil, "", err
	}
	for k := 0; ; k++ {
		name := path.Join(dir, tmpPrefix+base+"-"+strconv.Itoa(k))
		f, err := l.fs.Create(name, true)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		return f, name, err
	}
}

func (l *local) Put(name string, data []byte) (Ref, error) {
	w, err := l.Create(name)
	if err != nil {
		return Ref{}, err
	}
	defer w.Abort()
	if _, err := w.Write(data); err != nil {
		return Ref{}, err
	}
	return w.Commit()
}

func (l *local) PutIfAbsent(name string, data []byte) (Ref, error) {
	file, err := l.path(name)
	if err != nil {
		return Ref{}, err
	}
	f, temp, err := l.temp(file)
	if err != nil {
		return Ref{}, err
	}
	defer l.fs.Remove(temp) // its other name is the object's
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return Ref{}, err
	}
	if err := l.fs.Link(temp, file); err != nil {
		if _, serr := l.fs.Stat(file); !errors.Is(err, fs.ErrExist) && !errors.Is(serr, fs.ErrNotExist) {
			err = fmt.Errorf("%s: %w: %w", name, ErrUnknown, err) // a network file system may have done it and lost the answer
		}
		return Ref{}, err
	}
	if err := l.fs.SyncDir(path.Dir(file)); err != nil {
		return Ref{}, fmt.Errorf("%s: %w: %w", name, ErrUnknown, err)
	}
	return Ref{Name: name, Size: int64(len(data)), Sum: xxhash.Sum64(data)}, nil
}

func (l *local) Create(name string) (Writer, error) {
	file, err := l.path(name)
	if err != nil {
		return nil, err
	}
	f, temp, err := l.temp(file)
	if err != nil {
		return nil, err
	}
	return newLocalWriter(l.fs, f, name, file, temp), nil
}

func (l *local) Open(name string) (Reader, error) {
	file, err := l.path(name)
	if err != nil {
		return nil, err
	}
	f, err := l.fs.Open(file)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = &fs.PathError{Op: "open", Path: file, Err: errors.New("is a directory")}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &localReader{File: f, size: info.Size}, nil
}

func (l *local) Stat(name string) (Info, error) {
	file, err := l.path(name)
	if err != nil {
		return Info{}, err
	}
	info, err := l.fs.Stat(file)
	if err != nil {
		return Info{}, err
	}
	if info.IsDir() {
		return Info{}, &fs.PathError{Op: "stat", Path: file, Err: fs.ErrNotExist}
	}
	return Info{Name: name, Size: info.Size}, nil
}

func (l *local) List(dir string) ([]Info, error) {
	var list []Info
	err := l.walk(dir, &list)
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list, err
}

func (l *local) walk(dir string, list *[]Info) error {
	entries, err := l.entries(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name)
		if e.Dir {
			if err := l.walk(name, list); err != nil {
				return err
			}
			continue
		}
		if strings.HasPrefix(e.Name, tmpPrefix) {
			continue
		}
		info, err := l.Stat(name)
		if errors.Is(err, ErrNotExist) { // deleted meanwhile
			continue
		}
		if err != nil {
			return err
		}
		*list = append(*list, info)
	}
	return nil
}

// entries lists a directory; one that is not there is empty.
func (l *local) entries(dir string) ([]vfs.Entry, error) {
	file, err := l.path(dir)
	if err != nil {
		return nil, err
	}
	entries, err := l.fs.ReadDir(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

func (l *local) Dirs(dir string) ([]string, error) {
	entries, err := l.entries(dir)
	var names []string
	for _, e := range entries {
		if e.Dir {
			names = append(names, e.Name)
		}
	}
	return names, err
}

func (l *local) Delete(name string) error {
	file, err := l.path(name)
	if err != nil {
		return err
	}
	err = l.fs.Remove(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (l *local) DeleteDir(dir string) error {
	if dir == "" {
		return errors.New("refusing to delete the whole store")
	}
	file, err := l.path(dir)
	if err != nil {
		return err
	}
	l.forget(file)
	return l.fs.RemoveAll(file)
}

func (l *local) RemoveDir(dir string) error {
	file, err := l.path(dir)
	if err != nil || dir == "" {
		return err
	}
	l.forget(file)
	err = l.fs.Remove(file)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EEXIST) {
		return nil
	}
	return err
}

func (l *local) Sweep(dir string) error {
	entries, err := l.entries(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name, tmpPrefix) {
			continue
		}
		if err := l.fs.Remove(path.Join(l.root, dir, e.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (l *local) Lock(name string) (io.Closer, error) {
	file, err := l.path(name)
	if err != nil {
		return nil, err
	}
	if err := l.makeDir(path.Dir(file)); err != nil {
		return nil, err
	}
	return l.fs.Lock(file)
}
