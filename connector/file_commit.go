package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"syscall"

	"pipec/compiler/plan"
	"pipec/connector/part"
	"pipec/state/vfs"
)

// token is what a checkpoint holds of one task's output: finished parts that its commit publishes. JSON. Names are written once: a checkpoint has room for so many bytes of
// a task, and where none has completed for a long time each one that is tried adds a part.
type token struct {
	Dir   string     `json:"dir"`
	Name  part.Name  `json:"name"`  // of all of them, but for N
	Parts [][2]int64 `json:"parts"` // N and size
}

// promised is a part that is complete and durable under its pending name.
type promised struct {
	Name part.Name
	Size int64
}

// partsMax is how many parts are begun before a commit: with so many the last one grows beyond the size at which it would roll, and the token stays far below
// checkpoint.MaxInline.
const partsMax = 20000

// encodeToken writes the token of one task's parts, which differ in N alone.
func encodeToken(dir string, parts []promised) ([]byte, error) {
	t := token{Dir: dir, Name: parts[0].Name}
	for _, p := range parts {
		t.Parts = append(t.Parts, [2]int64{int64(p.Name.N), p.Size})
	}
	return json.Marshal(t)
}

// promises gives the parts of a token.
func (t *token) promises() []promised {
	list := make([]promised, 0, len(t.Parts))
	for _, p := range t.Parts {
		name := t.Name
		name.N = uint64(p[0])
		list = append(list, promised{name, p[1]})
	}
	return list
}

// Commit implements Sink: each part gets its published name. Doing it again, or after half of it was done, is the same as doing it once. It touches of the sink
// only the list of what is not published yet, so it may run while rows are written.
func (s *fileSink) Commit(ctx context.Context, data []byte) error {
	var t token
	if err := json.Unmarshal(data, &t); err != nil {
		return &Error{Kind: ErrLost, What: s.dir, Text: fmt.Sprintf("the checkpoint's token %q is none of a file sink", data), Err: err}
	}
	dir := t.Dir
	if _, err := s.fs.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		dir = s.dir // it was moved, and the program says where to
	}
	parts := t.promises()
	for _, p := range parts {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := publish(s.fs, dir, p); err != nil {
			return err
		}
	}
	// Also when all had their names already: whoever renamed them may not have come to this.
	if err := s.fs.SyncDir(dir); err != nil {
		return err
	}
	s.forget(parts)
	return nil
}

// publish renames one part.
func publish(fsys vfs.FS, dir string, p promised) error {
	pending, final := path.Join(dir, p.Name.Pending()), path.Join(dir, p.Name.Final())
	lost := func(format string, args ...any) error {
		return &Error{Kind: ErrLost, What: final, Text: fmt.Sprintf(format, args...)}
	}
	// A pending file with another size was torn by a crash in spite of its sync; renaming it would publish half of it.
	info, err := fsys.Stat(pending)
	if err == nil && info.Size != p.Size {
		return lost("its pending file has %d bytes, the checkpoint says %d", info.Size, p.Size)
	}
	if err == nil {
		// What is published is never replaced. Two sinks of one job whose paths are one directory, by a link or as an absolute and a relative path, give their parts the same names.
		if there, err := fsys.Stat(final); err == nil && (there.Inode != info.Inode || there.Device != info.Device) {
			return lost("it is there already, and is another file than the pending one: does another sink write into %s too?", dir)
		}
		err = fsys.Rename(pending, final)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	info, err = fsys.Stat(final) // an earlier commit renamed it
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return lost("a checkpoint covers it, and neither it nor its pending file %s is there", p.Name.Pending())
	case err != nil:
		return err
	case info.Size != p.Size:
		return lost("it has %d bytes, the checkpoint says %d", info.Size, p.Size)
	}
	return nil
}

// forget takes published parts off the list.
func (s *fileSink) forget(parts []promised) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// By name, not by position: Prepare may have appended meanwhile.
	done := make(map[part.Name]bool, len(parts))
	for _, p := range parts {
		done[p.Name] = true
	}
	s.keepPromises(func(p promised) bool { return !done[p.Name] })
}

// keepPromises filters the list, with mu held.
func (s *fileSink) keepPromises(keep func(promised) bool) {
	told, kept := 0, s.promises[:0]
	for i, p := range s.promises {
		if !keep(p) {
			continue
		}
		kept = append(kept, p)
		if i < s.told {
			told++
		}
	}
	s.promises, s.told = kept, told
}

// discard removes what predecessors of this job and sink left pending. Whatever of it a checkpoint covered has been published before. Output of a higher epoch
// is that of a successor, of whom this process does not know yet.
func (s *fileSink) discard(ctx context.Context) error {
	entries, err := s.fs.ReadDir(s.dir)
	if err != nil {
		return err
	}
	removed := false
	for _, e := range entries {
		p, ok := part.Parse(e.Name)
		if !ok || p.Job != part.Escape(s.o.Job.Name) || p.Sink != part.Escape(s.o.Config.Name) || p.Epoch >= s.o.Epoch {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.fs.Remove(path.Join(s.dir, e.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		removed = true
	}
	if !removed {
		return nil
	}
	return s.fs.SyncDir(s.dir)
}

// makeDir makes a directory whose name survives a crash, and the names of its parents: a process that was killed may have made them and not come to the sync.
func makeDir(fsys vfs.FS, dir string) error {
	parents, err := missing(fsys, dir)
	if err != nil {
		return err
	}
	if len(parents) > 0 {
		if err := fsys.MkdirAll(dir); err != nil {
			return err
		}
	}
	for d, n := path.Clean(dir), 0; d != path.Dir(d); d, n = path.Dir(d), n+1 {
		// Who may not read a directory has made nothing in it.
		if err := fsys.SyncDir(path.Dir(d)); err != nil && (n < len(parents) || !errors.Is(err, fs.ErrPermission)) {
			return err
		}
	}
	return nil
}

// missing lists a directory and its parents that do not exist, the innermost first.
func missing(fsys vfs.FS, dir string) ([]string, error) {
	var list []string
	for d := path.Clean(dir); ; d = path.Dir(d) {
		info, err := fsys.Stat(d)
		switch {
		case err == nil && info.IsDir():
			return list, nil
		case err == nil:
			return nil, &fs.PathError{Op: "mkdir", Path: d, Err: syscall.ENOTDIR}
		case !errors.Is(err, fs.ErrNotExist) || d == path.Dir(d):
			return nil, err
		}
		list = append(list, d)
	}
}

// probeFileSink makes and removes a file in the directory, or in the nearest parent that exists.
func probeFileSink(c plan.SinkConfig, e Env) error {
	dir := path.Clean(c.Settings.Text("path"))
	list, err := missing(e.FS, dir)
	if err != nil {
		return openError(dir, err)
	}
	if len(list) > 0 {
		dir = path.Dir(list[len(list)-1])
	}
	name := path.Join(dir, ".probe-"+part.Escape(c.Name))
	f, err := e.FS.Create(name, false)
	if err != nil {
		return openError(c.Settings.Text("path"), err)
	}
	f.Close()
	if err := e.FS.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return openError(c.Settings.Text("path"), err)
	}
	return nil
}

// refused tells what a file system will still say after a restart.
func refused(err error) bool {
	for _, e := range []error{fs.ErrPermission, fs.ErrNotExist, fs.ErrExist, syscall.ENOTDIR, syscall.EROFS} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
