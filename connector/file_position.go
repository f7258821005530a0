package connector

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"pipec/connector/intake"
	"pipec/state/vfs"
)

// position is where reading stopped in a file, and what the file looked like, as JSON in a snapshot. Head and Tail are xxh64 checksums of the file's first
// bytes and of the last bytes before the position: together they tell a replaced or an edited file without reading it. A file with another inode and the same
// contents passes: it may have been copied to another machine together with the snapshot.
type position struct {
	File    string `json:"file"`
	Time    int64  `json:"mtime"` // nanoseconds; orders the files of `order = time`
	Size    int64  `json:"size"`  // bytes on the disk when it was opened
	Inode   uint64 `json:"inode"`
	Head    string `json:"head"`   // of the first min(Size, 4 KiB) bytes on the disk
	Offset  int64  `json:"offset"` // decompressed bytes
	Tail    string `json:"tail,omitempty"`
	TailLen int    `json:"tail_len,omitempty"`
	End     bool   `json:"end,omitempty"` // the file was read to its end: it is not needed any more
}

const headMax = 4096

func parsePosition(b []byte) (*position, error) {
	p := new(position)
	if err := json.Unmarshal(b, p); err != nil || p.File == "" || p.Offset < 0 || p.TailLen < 0 || p.TailLen > intake.TailMax || int64(p.TailLen) > p.Offset {
		return nil, &Error{Kind: ErrPosition, What: "the files", Text: fmt.Sprintf("the snapshot's position %q is none of a file", b), Err: err}
	}
	return p, nil
}

// positions gives the function that encodes positions in an open file. The part that does not change is encoded once.
func positions(path string, info vfs.Info, head string) func(off int64, end bool, tail []byte) []byte {
	fixed, _ := json.Marshal(position{File: path, Time: info.ModTime.UnixNano(), Size: info.Size, Inode: info.Inode, Head: head})
	fixed = fixed[:len(fixed)-len(`0}`)] // up to "offset":
	return func(off int64, end bool, tail []byte) []byte {
		b := append(make([]byte, 0, len(fixed)+80), fixed...)
		b = strconv.AppendInt(b, off, 10)
		if len(tail) > 0 {
			b = append(append(append(b, `,"tail":"`...), checksum(tail)...), `","tail_len":`...)
			b = strconv.AppendInt(b, int64(len(tail)), 10)
		}
		if end {
			b = append(b, `,"end":true`...)
		}
		return append(b, '}')
	}
}

func checksum(b []byte) string { return fmt.Sprintf("%016x", xxhash.Sum64(b)) }

// headSum is the checksum of the first min(size, 4 KiB) bytes.
func headSum(f vfs.File, size int64) (string, error) {
	head := make([]byte, min(size, headMax))
	if n, err := f.ReadAt(head, 0); n < len(head) {
		return "", err
	}
	return checksum(head), nil
}

// verify says whether an open file still holds the position, as far as that can be told without decompressing it.
func (p *position) verify(f vfs.File, compressed bool) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size < p.Size {
		return p.gone(fmt.Sprintf("it has become shorter, %d bytes; when the snapshot was taken it had %d", info.Size, p.Size))
	}
	head, err := headSum(f, p.Size)
	if err != nil {
		return err
	}
	if head != p.Head {
		return p.gone("it is another file than the one that the snapshot was taken from: it begins with other bytes")
	}
	if compressed || p.TailLen == 0 {
		return nil
	}
	tail := make([]byte, p.TailLen)
	if n, err := f.ReadAt(tail, p.Offset-int64(p.TailLen)); n < len(tail) {
		return err
	}
	return p.verifyTail(tail)
}

// verifyTail compares the bytes in front of the position.
func (p *position) verifyTail(tail []byte) error {
	if p.TailLen > 0 && checksum(tail) != p.Tail {
		return p.gone(fmt.Sprintf("it was changed: other bytes lie before byte %d, where the snapshot goes on", p.Offset))
	}
	return nil
}

// gone is ErrPosition.
func (p *position) gone(text string) error {
	return &Error{Kind: ErrPosition, What: p.File, Text: text}
}

// check opens the file to verify it.
func (p *position) check(fsys vfs.FS) error {
	if p.End {
		return nil
	}
	f, err := fsys.Open(p.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return p.gone(fmt.Sprintf("it is gone; the snapshot goes on at byte %d of it", p.Offset))
	case err != nil:
		return openError(p.File, err)
	}
	defer f.Close()
	return p.verify(f, compression(p.File) != "")
}
