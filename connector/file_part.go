package connector

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

// partName is the identity of a part. Pending parts are named
//
//	.pending-<job>-<sink>-<run>-<epoch>-<task>-<n>.<ext>
//
// and published ones part-<run>-<epoch>-<task>-<n>.<ext>. Readers of a keyed sink fold by key in the order of (run, epoch, n), numerically; n grows with each
// part of a task in its epoch.
type partName struct {
	job, sink, run string
	epoch          uint64
	task           int
	n              uint64
	ext            string
}

const pendingPrefix = ".pending-"

func (p partName) pending() string {
	return fmt.Sprintf("%s%s-%s-%s-%d-%d-%d.%s", pendingPrefix, escapeName(p.job), escapeName(p.sink), p.run, p.epoch, p.task, p.n, p.ext)
}

func (p partName) final() string {
	return fmt.Sprintf("part-%s-%d-%d-%d.%s", p.run, p.epoch, p.task, p.n, p.ext)
}

// parsePending reads a pending name; job and sink stay escaped.
func parsePending(name string) (p partName, ok bool) {
	rest, ok := strings.CutPrefix(name, pendingPrefix)
	fields := strings.Split(rest, "-")
	if !ok || len(fields) != 6 {
		return p, false
	}
	n, ext, ok := strings.Cut(fields[5], ".")
	if !ok {
		return p, false
	}
	p = partName{job: fields[0], sink: fields[1], run: fields[2], ext: ext}
	var bad [3]error
	p.epoch, bad[0] = strconv.ParseUint(fields[3], 10, 64)
	p.task, bad[1] = strconv.Atoi(fields[4])
	p.n, bad[2] = strconv.ParseUint(n, 10, 64)
	return p, errors.Join(bad[:]...) == nil
}

// escapeName keeps letters, digits and underscores, so that neither a dash nor a slash of a name is taken for one of ours.
func escapeName(s string) string {
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

// part is a file that is being written.
type part struct {
	name   partName
	f      vfs.File
	disk   written
	packer packer // nil: not compressed
	born   time.Time
}

// packer compresses.
type packer interface {
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

// newPacker makes a compressor that serves one part after the other, without goroutines of its own; nil for none.
func newPacker(compression string) (packer, error) {
	switch compression {
	case "gzip":
		return gzip.NewWriter(nil), nil
	case "zstd":
		return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	}
	return nil, nil
}

// packedSuffix is what a compression adds to a file's name.
func packedSuffix(compression string) string {
	return map[string]string{"gzip": ".gz", "zstd": ".zst"}[compression]
}

// createPart makes the pending file. It must not be there: a name is used once in the history of a job.
func createPart(fsys vfs.FS, dir string, name partName, p packer, now time.Time) (*part, error) {
	f, err := fsys.Create(path.Join(dir, name.pending()), true)
	if err != nil {
		return nil, err
	}
	t := &part{name: name, f: f, packer: p, born: now}
	t.disk.w = f
	if p != nil {
		p.Reset(&t.disk)
	}
	return t, nil
}

func (t *part) write(p []byte) error {
	var err error
	if t.packer != nil {
		_, err = t.packer.Write(p)
	} else {
		_, err = t.disk.Write(p)
	}
	return err
}

// finish makes the part's bytes durable and closes it.
func (t *part) finish() (size int64, err error) {
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
