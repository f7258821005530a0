package vfs

import (
	"fmt"
	"io"
	"sync/atomic"
)

// Op is one operation on a file system.
type Op struct {
	Seq  int64  // 1, 2, ... in the order in which the operations began
	Kind string // open create append rename link remove removeall readdir stat mkdir syncdir lock read write sync close truncate
	Path string
	To   string // the new name of rename and link
	Off  int64  // of a ReadAt; the new size of truncate; else 0
	Len  int    // bytes of read and write
}

// String is the operation as a line of a log: "create a/b", "rename a b", "write a 12".
func (o Op) String() string {
	switch {
	case o.To != "":
		return o.Kind + " " + o.Path + " " + o.To
	case o.Kind == "read" || o.Kind == "write":
		return fmt.Sprintf("%s %s %d", o.Kind, o.Path, o.Len)
	case o.Kind == "truncate":
		return fmt.Sprintf("%s %s %d", o.Kind, o.Path, o.Off)
	}
	return o.Kind + " " + o.Path
}

// Changes tells whether the operation changes what lies on the disk or how safe it lies there.
func (o Op) Changes() bool {
	switch o.Kind {
	case "open", "readdir", "stat", "read", "close", "lock":
		return false
	}
	return true
}

// Hooks watch and disturb an observed file system. Each may be nil; they are called from whatever goroutine does the operation.
type Hooks struct {
	// Before sees an operation before it is done. An error refuses it and is returned to the caller as it is (syscall.ENOSPC,
	// syscall.EIO). A *Partial lets the first bytes of a write pass.
	Before func(Op) error
	// Read sees the bytes that were read, and may change them: a flipped bit on the way.
	Read func(op Op, p []byte)
}

// Partial as an error of Hooks.Before: the first N bytes are written, then the write fails with Err.
type Partial struct {
	N   int
	Err error
}

// Error implements error.
func (p *Partial) Error() string { return p.Err.Error() }

// Unwrap returns Err.
func (p *Partial) Unwrap() error { return p.Err }

// Observe returns base with hooks in front of each operation.
func Observe(base FS, hooks Hooks) FS { return &observed{base: base, hooks: hooks} }

type observed struct {
	base  FS
	hooks Hooks
	seq   atomic.Int64
}

func (o *observed) before(op Op) (Op, error) {
	op.Seq = o.seq.Add(1)
	if o.hooks.Before == nil {
		return op, nil
	}
	return op, o.hooks.Before(op)
}

func (o *observed) file(op Op, open func() (File, error)) (File, error) {
	if _, err := o.before(op); err != nil {
		return nil, pathErr(op.Kind, op.Path, err)
	}
	f, err := open()
	if err != nil {
		return nil, err
	}
	return &observedFile{File: f, fs: o, name: op.Path}, nil
}

func (o *observed) do(op Op, f func() error) error {
	if _, err := o.before(op); err != nil {
		return pathErr(op.Kind, op.Path, err)
	}
	return f()
}

func (o *observed) Open(name string) (File, error) {
	return o.file(Op{Kind: "open", Path: name}, func() (File, error) { return o.base.Open(name) })
}

func (o *observed) Create(name string, exclusive bool) (File, error) {
	return o.file(Op{Kind: "create", Path: name}, func() (File, error) { return o.base.Create(name, exclusive) })
}

func (o *observed) OpenAppend(name string) (File, error) {
	return o.file(Op{Kind: "append", Path: name}, func() (File, error) { return o.base.OpenAppend(name) })
}

func (o *observed) Rename(oldName, newName string) error {
	return o.do(Op{Kind: "rename", Path: oldName, To: newName}, func() error { return o.base.Rename(oldName, newName) })
}

func (o *observed) Link(oldName, newName string) error {
	return o.do(Op{Kind: "link", Path: oldName, To: newName}, func() error { return o.base.Link(oldName, newName) })
}

func (o *observed) Remove(name string) error {
	return o.do(Op{Kind: "remove", Path: name}, func() error { return o.base.Remove(name) })
}

func (o *observed) RemoveAll(name string) error {
	return o.do(Op{Kind: "removeall", Path: name}, func() error { return o.base.RemoveAll(name) })
}

func (o *observed) MkdirAll(name string) error {
	return o.do(Op{Kind: "mkdir", Path: name}, func() error { return o.base.MkdirAll(name) })
}

func (o *observed) SyncDir(name string) error {
	return o.do(Op{Kind: "syncdir", Path: name}, func() error { return o.base.SyncDir(name) })
}

func (o *observed) ReadDir(name string) (list []Entry, err error) {
	err = o.do(Op{Kind: "readdir", Path: name}, func() (err error) { list, err = o.base.ReadDir(name); return err })
	return list, err
}

func (o *observed) Stat(name string) (info Info, err error) {
	err = o.do(Op{Kind: "stat", Path: name}, func() (err error) { info, err = o.base.Stat(name); return err })
	return info, err
}

func (o *observed) Lock(name string) (c io.Closer, err error) {
	err = o.do(Op{Kind: "lock", Path: name}, func() (err error) { c, err = o.base.Lock(name); return err })
	return c, err
}

// observedFile passes on Seek and Stat unseen: they touch no disk.
type observedFile struct {
	File
	fs   *observed
	name string
}

func (f *observedFile) Read(p []byte) (int, error) {
	op, err := f.fs.before(Op{Kind: "read", Path: f.name, Len: len(p)})
	if err != nil {
		return 0, pathErr("read", f.name, err)
	}
	n, err := f.File.Read(p)
	if f.fs.hooks.Read != nil {
		f.fs.hooks.Read(op, p[:n])
	}
	return n, err
}

func (f *observedFile) ReadAt(p []byte, off int64) (int, error) {
	op, err := f.fs.before(Op{Kind: "read", Path: f.name, Off: off, Len: len(p)})
	if err != nil {
		return 0, pathErr("read", f.name, err)
	}
	n, err := f.File.ReadAt(p, off)
	if f.fs.hooks.Read != nil {
		f.fs.hooks.Read(op, p[:n])
	}
	return n, err
}

func (f *observedFile) Write(p []byte) (int, error) {
	_, err := f.fs.before(Op{Kind: "write", Path: f.name, Len: len(p)})
	if err == nil {
		return f.File.Write(p)
	}
	n := 0
	if part, ok := err.(*Partial); ok && part.N > 0 {
		var werr error
		if n, werr = f.File.Write(p[:min(part.N, len(p))]); werr != nil {
			return n, werr
		}
	}
	return n, pathErr("write", f.name, err)
}

func (f *observedFile) Sync() error {
	return f.fs.do(Op{Kind: "sync", Path: f.name}, f.File.Sync)
}

func (f *observedFile) Truncate(size int64) error {
	return f.fs.do(Op{Kind: "truncate", Path: f.name, Off: size}, func() error { return f.File.Truncate(size) })
}

func (f *observedFile) Close() error {
	_, err := f.fs.before(Op{Kind: "close", Path: f.name})
	if cerr := f.File.Close(); err == nil {
		return cerr
	}
	return pathErr("close", f.name, err)
}
