package connector

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

// listed is one file that a source's path stands for.
type listed struct {
	path string
	info vfs.Info
}

// Orders of files.
const (
	byName = "name" // by path
	byTime = "time" // by modification time, then by path
	anyway = "any"
)

// listFiles gives the files of a path: the file itself, the visible files of a directory (those whose name does not begin with a dot; directories in it are not
// entered), or what a glob matches (`* ? [..]`, a star matches no slash and no leading dot). It is an error, ErrOpen, when there is none.
func listFiles(fsys vfs.FS, pattern, order string) ([]listed, error) {
	info, err := fsys.Stat(pattern)
	var paths []string
	switch {
	case err == nil && info.IsDir():
		if paths, err = visible(fsys, pattern); err != nil {
			return nil, openError(pattern, err)
		}
	case err == nil && !info.Mode.IsRegular():
		return nil, &Error{Kind: ErrOpen, What: pattern, Text: "it is neither a file nor a directory; pipes are read with `from stdin`"}
	case err == nil:
		return []listed{{pattern, info}}, nil
	case strings.ContainsAny(pattern, "*?["):
		if paths, err = glob(fsys, pattern); err != nil {
			return nil, openError(pattern, err)
		}
	default:
		return nil, openError(pattern, err)
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
		return nil, &Error{Kind: ErrOpen, What: pattern, Text: text, Err: fs.ErrNotExist}
	}
	sort.Slice(files, func(i, j int) bool { return before(order, files[i], files[j]) })
	return files, nil
}

// before is the order in which files are read.
func before(order string, a, b listed) bool {
	if order == byTime && !a.info.ModTime.Equal(b.info.ModTime) {
		return a.info.ModTime.Before(b.info.ModTime)
	}
	return a.path < b.path
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
func describeFiles(fsys vfs.FS, paths []string) ([]listed, error) {
	var files []listed
	for _, p := range paths {
		info, err := fsys.Stat(p)
		if err != nil {
			return nil, openError(p, err)
		}
		if info.Mode.IsRegular() {
			files = append(files, listed{p, info})
		}
	}
	return files, nil
}

// glob expands a pattern element by element. Elements that do not exist, or are no directories, match nothing.
func glob(fsys vfs.FS, pattern string) ([]string, error) {
	found := []string{""}
	if strings.HasPrefix(pattern, "/") {
		found[0] = "/"
	}
	for _, part := range strings.Split(strings.Trim(path.Clean(pattern), "/"), "/") {
		if _, err := path.Match(part, ""); err != nil {
			return nil, fmt.Errorf("%q is no pattern", part)
		}
		var next []string
		for _, dir := range found {
			names, err := matches(fsys, dir, part)
			if err != nil {
				return nil, err
			}
			for _, n := range names {
				next = append(next, path.Join(dir, n))
			}
		}
		found = next
	}
	return found, nil
}

// matches lists the names in a directory that one element of a pattern stands for. Only patterns list: a plain element may lie in a directory that can be
// entered and not read.
func matches(fsys vfs.FS, dir, part string) ([]string, error) {
	if !strings.ContainsAny(part, "*?[\\") {
		_, err := fsys.Stat(path.Join(dir, part))
		if absent(err) {
			return nil, nil
		}
		return []string{part}, err
	}
	if dir == "" {
		dir = "."
	}
	entries, err := fsys.ReadDir(dir)
	if absent(err) {
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

// absent says whether there is nothing by that name.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) }
