// Package part is one file that a sink writes: its names while it is pending and when it is published, and its writer.
//
//	part.go   Name, Parse; Part: a file that is being written; Packer: compression
package part

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"pipec/state/vfs"
)

// Name is the identity of a part. Pending parts are named
//
//	.pending-<job>-<sink>-<run>-<epoch>-<task>-<n>.<ext>
//
// and published ones part-<run>-<epoch>-<task>-<n>.<ext>. Readers of a keyed sink fold by key in the order of (run, epoch, n), numerically; n grows with each
// part of a task in its epoch.
type Name struct {
	Job   string `json:"job"`
	Sink  string `json:"sink"`
	Run   string `json:"run"`
	Epoch uint64 `json:"epoch"`
	Task  int    `json:"task"`
	N     uint64 `json:"-"` // tokens hold it aside
	Ext   string `json:"ext"`
}

const pendingPrefix = ".pending-"

// Pending is the name while the part is not published.
func (p Name) Pending() string {
	return fmt.Sprintf("%s%s-%s-%s-%d-%d-%d.%s", pendingPrefix, Escape(p.Job), Escape(p.Sink), p.Run, p.Epoch, p.Task, p.N, p.Ext)
}

// Final is the published name.
func (p Name) Final() string {
	return fmt.Sprintf("part-%s-%d-%d-%d.%s", p.Run, p.Epoch, p.Task, p.N, p.Ext)
}

// Parse reads a pending name; job and sink stay escaped.
func Parse(name string) (p Name, ok bool) {
	rest, ok := strings.CutPrefix(name, pendingPrefix)
	fields := strings.Split(rest, "-")
	if !ok || len(fields) != 6 {
		return p, false
	}
	n, ext, ok := strings.Cut(fields[5], ".")
	if !ok {
		return p, false
	}
	p = Name{Job: fields[0], Sink: fields[1], Run: fields[2], Ext: ext}
	var bad [3]error
	p.Epoch, bad[0] = strconv.ParseUint(fields[3], 10, 64)
	p.Task, bad[1] = strconv.Atoi(fields[4])
	p.N, bad[2] = strconv.ParseUint(n, 10, 64)
	return p, errors.Join(bad[:]...) == nil
}

// Escape keeps letters, digits and underscores, so that neither a dash nor a slash of a name is taken for one of ours.
func Escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

// Part is a file that is being written.
type Part struct {
	Name   Name
	f      vfs.File
	disk   written
	packer Packer    // nil: not compressed
	Born   time.Time // when it was created
}

// Packer compresses.
type Packer interface {
	io.WriteCloser
	Reset(io.Writer)
}

// written counts the bytes that reach a file.
type written struct {
	w io.Writer
	n int64
}

// Write implements io.Writer.
func (w *written) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.n += int64(n)
	return n, err
}

// NewPacker makes a compressor that serves one part after the other, without goroutines of its own; nil for none.
func NewPacker(compression string) (Packer, error) {
	switch compression {
	case "gzip":
		return gzip.NewWriter(nil), nil
	case "zstd":
		return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	}
	return nil, nil
}

// Suffix is what a compression adds to a file's name.
func Suffix(compression string) string {
	return map[string]string{"gzip": ".gz", "zstd": ".zst"}[compression]
}

// Create makes the pending file, compressed by p. It must not be there: a name is used once in the history of a job.
func Create(fsys vfs.FS, dir string, name Name, p Packer, now time.Time) (*Part, error) {
	f, err := fsys.Create(path.Join(dir, name.Pending()), true)
	if err != nil {
		return nil, err
	}
	t := &Part{Name: name, f: f, packer: p, Born: now}
	t.disk.w = f
	if p != nil {
		p.Reset(&t.disk)
	}
	return t, nil
}

// Write appends bytes. They are durable after Finish.
func (t *Part) Write(p []byte) error {
	var err error
	if t.packer != nil {
		_, err = t.packer.Write(p)
	} else {
		_, err = t.disk.Write(p)
	}
	return err
}

// Size is how many bytes have reached the file.
func (t *Part) Size() int64 { return t.disk.n }

// Abandon closes the part as it is.
func (t *Part) Abandon() { _ = t.f.Close() }

// Finish makes the part's bytes durable and closes it.
func (t *Part) Finish() (size int64, err error) {
	if t.packer != nil {
		if err := t.packer.Close(); err != nil {
			t.f.Close()
			return 0, err
		}
	}
	if err := t.f.Sync(); err != nil {
		t.f.Close()
		return 0, err
	}
	return t.disk.n, t.f.Close()
}
