package blob

import (
	"fmt"
	"net/url"
	"path"
	"sort"
	"strings"

	"pipec/state/vfs"
)

// scheme opens the stores of one URI scheme. path is what follows the scheme, as a person wrote it.
type scheme struct {
	name string
	open func(uri string, fsys vfs.FS) (Store, error)
}

// schemes is the table of what Open understands; "" is a plain path.
func schemes() []scheme {
	return []scheme{
		{"", openPath},
		{"file", openFile},
	}
}

// Open returns the store at a URI: a path, absolute or relative to the working directory, or file:///path. It touches nothing: the
// place need not exist and is made with the first object. An unknown scheme is an error that says which there are.
func Open(uri string, fsys vfs.FS) (Store, error) {
	if uri == "" {
		return nil, fmt.Errorf("the storage location is empty")
	}
	name := ""
	if before, _, ok := strings.Cut(uri, "://"); ok && !strings.Contains(before, "/") {
		name = before
	} else if strings.HasPrefix(uri, "file:") {
		name = "file"
	}
	var known []string
	for _, s := range schemes() {
		if s.name == name {
			return s.open(uri, fsys)
		}
		if s.name != "" {
			known = append(known, s.name+"://")
		}
	}
	sort.Strings(known)
	return nil, fmt.Errorf("%s: no storage for %s:// in this version; there are plain paths and %s", uri, name, strings.Join(known, ", "))
}

func openPath(uri string, fsys vfs.FS) (Store, error) { return NewLocal(uri, fsys), nil }

func openFile(uri string, fsys vfs.FS) (Store, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return nil, err
	}
	if u.Host != "" && u.Host != "localhost" {
		return nil, fmt.Errorf("%s: a file URI has three slashes: file:///%s", uri, path.Join(u.Host, u.Path))
	}
	if u.Opaque != "" || u.Path == "" {
		return nil, fmt.Errorf("%s: a file URI has an absolute path: file:///dir", uri)
	}
	return NewLocal(u.Path, fsys), nil
}

// SplitURI separates the last element of a URI or path from what contains it, trailing slashes ignored: for `-s`, which may name a
// directory or a file in it. The directory of a bare name is ".".
func SplitURI(uri string) (dir, base string) {
	trimmed := strings.TrimRight(uri, "/")
	i := strings.LastIndexByte(trimmed, '/')
	switch {
	case i < 0:
		return ".", trimmed
	case i == 0:
		return "/", trimmed[1:]
	case strings.HasSuffix(trimmed[:i], "://"): // file:///x: keep the slashes of the scheme
		return trimmed[:i+1], trimmed[i+1:]
	}
	return trimmed[:i], trimmed[i+1:]
}

// JoinURI appends a name to a URI or path.
func JoinURI(uri, name string) string { return strings.TrimRight(uri, "/") + "/" + name }
