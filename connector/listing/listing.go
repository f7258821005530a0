// Package listing tells which files a path stands for: the file itself, the visible files of a directory, or what a glob matches.
//
//	listing.go   File, the orders, Files for files that stay, Live for files that come and go; Error
package listing

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"
	"syscall"

	"pipec/state/vfs"
)

// File is one file that a path stands for.
type File struct {
	Path string
	Info vfs.Info
}

// Orders of files.
const (
	ByName = "name" // by path
	ByTime = "time" // by modification time, then by path
	Any    = "any"  // each by itself
)

// Error says what is wrong with a path or with a file it stands for.
type Error struct {
	Path, Text string
	Err        error // cause, or nil
}

// Error implements error.
func (e *Error) Error() string { return e.Path + ": " + e.Text }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// failed is an Error in the words of the file system.
func failed(name string, err error) error {
	var p *fs.PathError
	text := err.Error()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		text = "no such file or directory"
	case errors.As(err, &p):
		text = p.Err.Error()
	}
	return &Error{name, text, err}
}

// Files gives the files of a path: the file itself, the visible files of a directory (those whose name does not begin with a dot; directories in it are not
// entered), or what a glob matches (`* ? [..]`, a star matches no slash and no leading dot). It is an Error when there is none.
func Files(fsys vfs.FS, pattern, order string) ([]File, error) {
	info, err := fsys.Stat(pattern)
	var paths []string
	switch {
	case err == nil && info.IsDir():
		if paths, err = visible(fsys, pattern); err != nil {
			return nil, failed(pattern, err)
		}
	case err == nil && !info.Mode.IsRegular():
		return nil, notRegular(pattern)
	case err == nil:
		return []File{{Path: pattern, Info: info}}, nil
	case Pattern(pattern):
		if paths, _, err = glob(fsys, pattern); err != nil {
			return nil, failed(pattern, err)
		}
	default:
		return nil, failed(pattern, err)
	}
	files, err := describeFiles(fsys, paths)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		text := "the directory holds no files"
		if !info.IsDir() {
			text = "no file matches"
		}
		return nil, &Error{pattern, text, fs.ErrNotExist}
	}
	sort.Slice(files, func(i, j int) bool { return before(order, files[i], files[j]) })
	return files, nil
}

// Live is Files for files that come and go: none at all is no error, nor is one that is gone when it is looked at. dirs are the directories in which others may appear.
func Live(fsys vfs.FS, pattern, order string) (files []File, dirs []string, err error) {
	info, err := fsys.Stat(pattern)
	var paths []string
	switch {
	case err == nil && info.IsDir():
		dirs = []string{pattern}
		paths, err = visible(fsys, pattern)
	case err == nil && !info.Mode.IsRegular():
		return nil, nil, notRegular(pattern)
	case err == nil || Absent(err) && !Pattern(pattern):
		dirs, paths, err = []string{path.Dir(pattern)}, []string{pattern}, nil
	case Absent(err):
		paths, dirs, err = glob(fsys, pattern)
	}
	if err != nil && !Absent(err) {
		return nil, nil, failed(pattern, err)
	}
	for _, p := range paths {
		info, err := fsys.Stat(p)
		switch {
		case Absent(err):
		case err != nil:
			return nil, nil, failed(p, err)
		case info.Mode.IsRegular():
			files = append(files, File{Path: p, Info: info})
		}
	}
	sort.Slice(files, func(i, j int) bool { return before(order, files[i], files[j]) })
	return files, dirs, nil
}

// Pattern says whether a path that names nothing is a glob.
func Pattern(name string) bool { return strings.ContainsAny(name, "*?[") }

func notRegular(name string) error {
	return &Error{name, "it is neither a file nor a directory; pipes are read with `from stdin`", nil}
}

// before is the order in which files are read.
func before(order string, a, b File) bool {
	if order == ByTime && !a.Info.ModTime.Equal(b.Info.ModTime) {
		return a.Info.ModTime.Before(b.Info.ModTime)
	}
	return a.Path < b.Path
}

// visible lists the files of a directory. Names with a leading dot are left out: so are the pending parts of a job that writes there.
func visible(fsys vfs.FS, dir string) ([]string, error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		if !e.Dir && !strings.HasPrefix(e.Name, ".") {
			paths = append(paths, path.Join(dir, e.Name))
		}
	}
	return paths, nil
}

// describeFiles keeps what is a regular file.
// A symbolic link counts as what it leads to; one that leads nowhere is an error, for rows would be missing without a word.
func describeFiles(fsys vfs.FS, paths []string) ([]File, error) {
	var files []File
	for _, p := range paths {
		info, err := fsys.Stat(p)
		if err != nil {
			return nil, failed(p, err)
		}
		if info.Mode.IsRegular() {
			files = append(files, File{Path: p, Info: info})
		}
	}
	return files, nil
}

// glob expands a pattern element by element, and tells in which directories it looked for names. Elements that do not exist, or are no directories, match nothing.
func glob(fsys vfs.FS, pattern string) (found, dirs []string, err error) {
	found = []string{""}
	if strings.HasPrefix(pattern, "/") {
		found[0] = "/"
	}
	parts := strings.Split(strings.Trim(path.Clean(pattern), "/"), "/")
	for i, part := range parts {
		if _, err := path.Match(part, ""); err != nil {
			return nil, nil, fmt.Errorf("%q is no pattern", part)
		}
		var next []string
		for _, dir := range found {
			names, err := matches(fsys, dir, part)
			if err != nil {
				return nil, nil, err
			}
			for _, n := range names {
				next = append(next, path.Join(dir, n))
			}
			if i == len(parts)-1 || strings.ContainsAny(part, "*?[\\") {
				dirs = append(dirs, path.Join(".", dir))
			}
		}
		found = next
	}
	return found, dirs, nil
}

// matches lists the names in a directory that one element of a pattern stands for. Only patterns list: a plain element may lie in a directory that can be
// entered and not read.
func matches(fsys vfs.FS, dir, part string) ([]string, error) {
	if !strings.ContainsAny(part, "*?[\\") {
		_, err := fsys.Stat(path.Join(dir, part))
		if Absent(err) {
			return nil, nil
		}
		return []string{part}, err
	}
	if dir == "" {
		dir = "."
	}
	entries, err := fsys.ReadDir(dir)
	if Absent(err) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name, ".") && !strings.HasPrefix(part, ".") {
			continue
		}
		if ok, _ := path.Match(part, e.Name); ok {
			names = append(names, e.Name)
		}
	}
	return names, err
}

// Absent says whether there is nothing by that name.
func Absent(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) }
