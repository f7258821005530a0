package follow

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"

	"pipec/connector/intake"
	"pipec/state/vfs"
)

// Position is where reading stopped on a trail, as JSON in a snapshot.
type Position struct {
	Follow bool `json:"follow"` // true: it is one of these
	place
	End  bool    `json:"end,omitempty"`  // the file was read to its end, and another one stood or will stand in its place
	Next []place `json:"next,omitempty"` // files that follow it on the trail
	Done []place `json:"done,omitempty"` // files of the trail that were read and still have a name that is followed
}

// place is a byte of a file. Head and Tail are xxh64 checksums of the file's first bytes and of the last bytes in front of the offset: a file with another inode and
// the same contents passes, for it may be the copy that a rotation made, or have been copied together with the snapshot.
type place struct {
	File    string `json:"file"`
	Inode   uint64 `json:"inode"`
	Offset  int64  `json:"offset"`
	Head    string `json:"head,omitempty"`
	HeadLen int64  `json:"head_len,omitempty"`
	Tail    string `json:"tail,omitempty"`
	TailLen int    `json:"tail_len,omitempty"`
	Gone    bool   `json:"gone,omitempty"` // the file had lost its names, and had no more bytes as far as could be seen
}

const headMax = 4096

// parse reads a position.
func parse(b []byte) (*Position, error) {
	p := new(Position)
	if err := json.Unmarshal(b, p); err != nil {
		return nil, err
	}
	for _, at := range append(append([]place{p.place}, p.Next...), p.Done...) {
		if !p.Follow || at.File == "" || at.Offset < 0 || at.HeadLen < 0 || at.HeadLen > headMax || at.TailLen < 0 || at.TailLen > intake.TailMax || int64(at.TailLen) > at.Offset {
			return nil, fmt.Errorf("it is none of a file that is followed")
		}
	}
	return p, nil
}

// encode is the inverse of parse.
func (p *Position) encode() []byte {
	p.Follow = true
	b, _ := json.Marshal(p) // numbers and texts only: it cannot fail
	return b
}

func checksum(b []byte) string { return fmt.Sprintf("%016x", xxhash.Sum64(b)) }

// holds says whether a file has the bytes that were read up to the place.
func (p *place) holds(f vfs.File) (bool, error) {
	info, err := f.Stat()
	if err != nil || info.Size < max(p.Offset, p.HeadLen) {
		return false, err
	}
	head, err := piece(f, 0, p.HeadLen)
	if err != nil || p.HeadLen > 0 && checksum(head) != p.Head {
		return false, err
	}
	tail, err := piece(f, p.Offset-int64(p.TailLen), int64(p.TailLen))
	return err == nil && (p.TailLen == 0 || checksum(tail) == p.Tail), err
}

// bare says whether nothing is known of the contents.
func (p *place) bare() bool { return p.HeadLen == 0 && p.TailLen == 0 }

// piece reads n bytes, fewer at the end of the file.
func piece(f vfs.File, off, n int64) ([]byte, error) {
	b := make([]byte, n)
	m, err := f.ReadAt(b, off)
	if err == io.EOF {
		err = nil
	}
	return b[:m], err
}

// lastBytes appends to the bytes that are kept of what lies in front of a place.
func lastBytes(kept, more []byte) []byte {
	if len(more) >= intake.TailMax {
		return append(kept[:0], more[len(more)-intake.TailMax:]...)
	}
	if over := len(kept) + len(more) - intake.TailMax; over > 0 {
		kept = kept[:copy(kept, kept[over:])]
	}
	return append(kept, more...)
}
