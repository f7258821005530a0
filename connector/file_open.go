package connector

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"pipec/connector/intake"
	"pipec/state/vfs"
)

// fileInput is a file to be read, from the start or from a position.
type fileInput struct {
	intake.Input
	path string
	from *position
}

// fileFeed reads files one after the other. It decompresses on its own goroutine, so that this and the decoding of rows go on at the same time.
type fileFeed struct {
	fs     vfs.FS
	pool   *intake.Pool
	inputs []*fileInput // still to be read
	cur    *openFile
}

// openFile is a file while it is read.
type openFile struct {
	*fileInput
	f    vfs.File
	size int64 // when it was opened
	raw  *counted
	data io.Reader // decompressed
	free func()    // lets go of the decompressor
}

// counted reads from the disk and knows how far, and whether it was the disk that failed.
type counted struct {
	r   io.Reader
	n   int64
	err error
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// Next implements intake.Feed.
// It is the only place where a file is read; what it returns as an error ends the source.
func (f *fileFeed) Next() (*intake.Block, error) {
	if f.cur == nil {
		if len(f.inputs) == 0 {
			return nil, io.EOF
		}
		in := f.inputs[0]
		f.inputs = f.inputs[1:]
		if err := f.open(in); err != nil {
			return nil, err
		}
		if in.Start > 0 {
			return f.probe()
		}
	}
	b, err := f.pool.Get(&f.cur.Input)
	if err != nil {
		return nil, err
	}
	n, err := intake.Fill(f.cur.data, b.Space())
	b.Filled(n)
	if err == nil {
		return b, nil
	}
	if err = f.cur.finish(err); err != nil {
		return nil, err
	}
	b.Last = true
	f.Close()
	return b, nil
}

// open opens the file and makes sure that it is the one of the position.
func (f *fileFeed) open(in *fileInput) error {
	file, err := f.fs.Open(in.path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return openError(in.path, err)
		}
		return err
	}
	o := &openFile{fileInput: in, f: file}
	f.cur = o
	info, err := file.Stat()
	if err != nil {
		return err
	}
	head, err := headSum(file, info.Size)
	if err != nil {
		return err
	}
	if in.from != nil {
		if err := in.from.verify(file, compression(in.path) != ""); err != nil {
			return err
		}
		in.Start = in.from.Offset
	}
	// The file may grow while it is read: what is there when its end is reached is read too, and a restore reads it again from its position.
	o.size = info.Size
	in.Position = positions(in.path, info, head)
	return o.rewind()
}

// rewind begins at the first byte.
func (o *openFile) rewind() error {
	if o.free != nil {
		o.free()
	}
	if _, err := o.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	o.raw, o.free = &counted{r: o.f}, func() {}
	o.data = o.raw
	if o.size == 0 { // no compressed file, but an empty one all the same
		return nil
	}
	switch compression(o.path) {
	case "gzip":
		z, err := gzip.NewReader(bufio.NewReaderSize(o.raw, 256<<10))
		if err != nil {
			return o.finish(err)
		}
		o.data = z
	case "zstd":
		// One thread: the decoder would start goroutines otherwise, and this runs beside the decoding of rows already.
		z, err := zstd.NewReader(bufio.NewReaderSize(o.raw, 256<<10), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return o.finish(err)
		}
		o.data, o.free = z, z.Close
	}
	return nil
}

// compression tells from a name's suffix how the file is compressed.
func compression(name string) string {
	switch path.Ext(name) {
	case ".gz":
		return "gzip"
	case ".zst":
		return "zstd"
	}
	return ""
}

// probe gives the head of a file in whose middle reading goes on, and moves to that place: by a seek, or by decompressing what lies before it.
func (f *fileFeed) probe() (*intake.Block, error) {
	o := f.cur
	b, err := f.pool.Get(&o.Input)
	if err != nil {
		return nil, err
	}
	n, err := intake.Fill(o.data, b.Space())
	if err != nil && err != io.EOF {
		return nil, o.finish(err)
	}
	b.Filled(n)
	b.Probe, b.Last = true, err == io.EOF
	// The bytes before the position are read once more to compare them with the snapshot's.
	skip := o.Start - int64(o.from.TailLen)
	if err := o.rewind(); err != nil {
		return nil, err
	}
	if o.data == io.Reader(o.raw) {
		if _, err := o.f.Seek(skip, io.SeekStart); err != nil {
			return nil, err
		}
		o.raw.n = skip
	} else if err := o.discard(skip); err != nil {
		return nil, err
	}
	tail := make([]byte, o.from.TailLen)
	if _, err := intake.Fill(o.data, tail); err != nil && err != io.EOF {
		return nil, o.finish(err)
	}
	return b, o.from.verifyTail(tail)
}

// discard decompresses what was read before.
func (o *openFile) discard(n int64) error {
	got, err := io.CopyN(io.Discard, o.data, n)
	switch err {
	case nil:
		return nil
	case io.EOF:
		return o.from.gone(fmt.Sprintf("it holds only %d bytes decompressed; the snapshot goes on at byte %d", got, o.Start))
	}
	return o.finish(err)
}

// finish judges why reading ended: nil at the true end of the file.
func (o *openFile) finish(err error) error {
	if o.raw.err != nil {
		return fmt.Errorf("reading %s: %w", o.path, o.raw.err) // the disk's own error: transient
	}
	info, serr := o.f.Stat()
	if serr != nil {
		return serr
	}
	fail := func(format string, args ...any) error {
		return inputError(o.path, fmt.Sprintf(format, args...), err)
	}
	switch {
	case info.Size < max(o.size, o.raw.n):
		return fail("it shrank while it was being read, from %d to %d bytes", max(o.size, o.raw.n), info.Size)
	case err != io.EOF:
		return fail("its %s data is damaged before byte %d: %v", compression(o.path), o.raw.n, err)
	case o.raw.n < o.size:
		return fail("it was changed while it was being read: only %d of its %d bytes were there", o.raw.n, o.size)
	}
	return nil
}

// Close implements intake.Feed.
func (f *fileFeed) Close() {
	if f.cur != nil {
		if f.cur.free != nil {
			f.cur.free()
		}
		f.cur.f.Close()
	}
	f.cur = nil
}
