package state

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cespare/xxhash/v2"

	"pipec/vm/value"
)

// A snapshot file:
//
//	magic (8 bytes)
//	sections, one after the other without gaps: rows of one state and key group
//	footer as JSON: versions, states with their schemas, the sections with offset, length, rows and xxh64
//	length of the footer (8 bytes), xxh64 of the footer (8 bytes), magic
//
// Every byte is covered by a checksum or compared. Numbers are little endian.
const (
	magic         = "pipecst1"
	formatVersion = 1
	keyVersion    = value.KeyVersion
	trailer       = 8 + 8 + len(magic)
)

type footer struct {
	Format     int         `json:"format"`
	Keys       int         `json:"key_encoding"`
	Checkpoint uint64      `json:"checkpoint"`
	Base       uint64      `json:"base,omitempty"`
	Task       string      `json:"task"`
	From       int         `json:"from"`
	To         int         `json:"to"`
	Groups     int         `json:"groups"`
	States     []fileState `json:"states"`
	Sections   []section   `json:"sections"`
}

type fileState struct {
	Kind   Kind   `json:"kind"`
	Schema Schema `json:"schema"`
}

type section struct {
	State   int    `json:"state"`
	Group   int    `json:"group"`
	Offset  int64  `json:"offset"`
	Length  int64  `json:"length"`
	Rows    int64  `json:"rows"`
	Removed bool   `json:"removed,omitempty"`
	Sum     uint64 `json:"sum,string"`
}

// append appends the footer and the trailer.
func (f *footer) append(dst []byte, offset int64) []byte {
	text, err := json.Marshal(f)
	if err != nil {
		panic(err) // numbers and names only
	}
	dst = append(dst, text...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(text)))
	dst = binary.LittleEndian.AppendUint64(dst, xxhash.Sum64(text))
	return append(dst, magic...)
}

// Errors of snapshot files.
var (
	// ErrDamaged: the bytes are not what was written.
	ErrDamaged = errors.New("the snapshot file is damaged")
	// ErrVersion: the file is of a format, key encoding or number of key groups that this store cannot read.
	ErrVersion = errors.New("the snapshot file does not fit")
	// ErrSignature: a state of the file has another schema than the state of that name now.
	ErrSignature = errors.New("the state has another signature")
)

func damagef(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// File is a snapshot file that is open for reading. Its methods may be called from several goroutines.
type File struct {
	r      io.ReaderAt
	footer footer
}

// Section is one entry of a file's index: the rows of one state and key group (0 for split and task state).
type Section struct {
	Kind   Kind
	Schema Schema
	Group  int
	Rows   int64
	Bytes  int64
}

// OpenFile reads and checks the footer of a snapshot file of that size. The file stays the caller's and must stay readable. Errors are ErrDamaged,
// ErrVersion and those of r.
func OpenFile(r io.ReaderAt, size int64) (*File, error) {
	if size < int64(len(magic)+trailer) {
		return nil, damagef("%d bytes are too few", size)
	}
	head, tail := make([]byte, len(magic)), make([]byte, trailer)
	if err := readAt(r, head, 0); err != nil {
		return nil, err
	}
	if err := readAt(r, tail, size-int64(trailer)); err != nil {
		return nil, err
	}
	if string(head) != magic || string(tail[16:]) != magic {
		return nil, damagef("it does not begin and end as one")
	}
	length := binary.LittleEndian.Uint64(tail)
	if length > uint64(size-int64(len(magic)+trailer)) {
		return nil, damagef("the footer is said to have %d bytes", length)
	}
	text := make([]byte, length)
	end := size - int64(trailer) - int64(length)
	if err := readAt(r, text, end); err != nil {
		return nil, err
	}
	if xxhash.Sum64(text) != binary.LittleEndian.Uint64(tail[8:]) {
		return nil, damagef("checksum of the footer")
	}
	f := &File{r: r}
	if err := json.Unmarshal(text, &f.footer); err != nil {
		return nil, damagef("footer: %v", err)
	}
	if f.footer.Format != formatVersion || f.footer.Keys != keyVersion {
		return nil, fmt.Errorf("%w: format %d with key encoding %d, this program reads %d with %d", ErrVersion, f.footer.Format, f.footer.Keys, formatVersion, keyVersion)
	}
	return f, f.checkIndex(end)
}

// checkIndex makes sure that the sections cover the file up to the footer.
func (f *File) checkIndex(end int64) error {
	at := int64(len(magic))
	for _, s := range f.footer.Sections {
		if s.Offset != at || s.Length < 0 || s.Length > end-at || s.State < 0 || s.State >= len(f.footer.States) {
			return damagef("index of the sections")
		}
		at += s.Length
	}
	if at != end {
		return damagef("index of the sections")
	}
	return nil
}

func readAt(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == io.EOF || err == nil {
		return damagef("it ends at byte %d", off+int64(n))
	}
	return err
}

// Checkpoint is the number of the checkpoint that the file belongs to.
func (f *File) Checkpoint() uint64 { return f.footer.Checkpoint }

// Base is the checkpoint whose files are loaded before this one, 0 for a whole snapshot.
func (f *File) Base() uint64 { return f.footer.Base }

// Groups is the range of key groups [from, to) of the task that wrote the file, and how many there are in all.
func (f *File) Groups() (from, to, of int) { return f.footer.From, f.footer.To, f.footer.Groups }

// Sections lists what the file holds. A keyed state without rows has an entry with zero bytes and rows, so that its schema is known.
func (f *File) Sections() []Section {
	var all []Section
	seen := make([]bool, len(f.footer.States))
	for _, s := range f.footer.Sections {
		st := f.footer.States[s.State]
		seen[s.State] = true
		all = append(all, Section{st.Kind, st.Schema, s.Group, s.Rows, s.Length})
	}
	for i, st := range f.footer.States {
		if !seen[i] {
			all = append(all, Section{Kind: st.Kind, Schema: st.Schema, Group: f.footer.From})
		}
	}
	return all
}

// body reads one section and checks it; the result is valid until buf is used again.
func (f *File) body(i int, buf []byte) ([]byte, error) {
	s := &f.footer.Sections[i]
	buf = slices.Grow(buf[:0], int(s.Length))[:s.Length]
	if err := readAt(f.r, buf, s.Offset); err != nil {
		return nil, err
	}
	if xxhash.Sum64(buf) != s.Sum {
		st := f.footer.States[s.State]
		return nil, damagef("checksum of state %s/%s, key group %d", st.Schema.Node, st.Schema.Name, s.Group)
	}
	return buf, nil
}

// Verify reads the whole file and checks every checksum.
func (f *File) Verify() error {
	var buf []byte
	for i := range f.footer.Sections {
		var err error
		if buf, err = f.body(i, buf); err != nil {
			return err
		}
	}
	return nil
}

// Rows gives the rows of one split or task state in the order in which they were given to Cut.
func (f *File) Rows(kind Kind, node, name string) ([]Row, error) {
	var rows []Row
	for i, s := range f.footer.Sections {
		st := &f.footer.States[s.State]
		if st.Kind != kind || st.Kind == Keyed || st.Schema.Node != node || st.Schema.Name != name {
			continue
		}
		p, err := f.body(i, nil)
		if err != nil {
			return nil, err
		}
		for len(p) > 0 {
			r := Row{Kind: kind, Node: node, Name: name}
			if r.Key, p, err = readBytes(p); err == nil {
				r.Value, p, err = readBytes(p)
			}
			if err != nil {
				return nil, damagef("rows of %s/%s", node, name)
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}
