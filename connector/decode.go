package connector

import (
	"errors"
	"fmt"
	"sync/atomic"

	"pipec/connector/format"
	"pipec/vm/value"
)

// input is a run of bytes with one header: a file, the standard input. A feed makes it and sets all but head before it hands out the input's first block.
type input struct {
	name  string // for messages
	split int    // index in the reader's splits
	final bool   // its split ends with it
	live  bool   // bytes come when somebody writes them: what is there is decoded at once
	start int64  // offset of the first byte behind the probe
	// position gives the split's position behind off decompressed bytes; tail ends there. nil: there is no position. It is called by who reads.
	position func(off int64, end bool, tail []byte) []byte
	// head is the header, not nil once it was read. It is written by the decoding before the input's first chunk and read-only afterwards.
	head []byte
}

// chunk is a decoded batch with the bytes it was decoded from. It is lent to the Reader, which gives it back when the next one is asked for.
type chunk struct {
	in    *input
	blk   *block // held: the batch's views point into it
	data  []byte
	after int64 // offset behind data
	bytes int64 // since the previous chunk: data, and what gave no row
	end   bool  // the input ends behind data, so that its last record may lack a line end
	batch *value.Batch
	bad   []format.Bad
}

// decoding makes batches of blocks. It runs on one goroutine, ahead of the Reader, or inline.
type decoding struct {
	feed  feed
	dec   format.Decoder
	fresh func() *value.Batch
	free  chan *chunk
	max   atomic.Int32 // rows per batch, as last asked for

	in     *input
	blk    *block
	data   []byte // of blk, not yet decoded; it ends at blk.to
	off    int64  // of data
	sent   int64  // offset behind the previous chunk
	need   int    // with no more bytes than this there is no whole record
	last   bool   // the input ends behind data
	headed bool
}

// next gives the next chunk; io.EOF at the end.
func (d *decoding) next() (*chunk, error) {
	for {
		for d.in != nil && (d.last || len(d.data) > d.need) {
			if c, err := d.step(); c != nil || err != nil {
				return c, err
			}
		}
		if err := d.fetch(); err != nil {
			return nil, err
		}
	}
}

// step decodes one batch, or the header. It gives nil when that gave no row, or needs more bytes.
func (d *decoding) step() (*chunk, error) {
	if d.last && len(d.data) == 0 {
		return d.emit(d.chunk(), 0), nil
	}
	if !d.headed {
		return nil, d.header()
	}
	c := d.chunk()
	n, err := d.dec.Decode(d.data, d.last, c.batch, int(d.max.Load()), &c.bad)
	if err != nil {
		return nil, d.fail(err)
	}
	if n == 0 {
		d.recycle(c)
		return nil, d.incomplete()
	}
	if c.batch.Len == 0 && len(c.bad) == 0 && !(d.last && n == len(d.data)) {
		d.advance(n)
		d.recycle(c)
		return nil, nil
	}
	return d.emit(c, n), nil
}

func (d *decoding) emit(c *chunk, n int) *chunk {
	c.in, c.blk, c.data = d.in, d.blk, d.data[:n]
	c.blk.refs.Add(1)
	d.advance(n)
	c.after, c.bytes = d.off, d.off-d.sent
	d.sent = d.off
	c.end = d.last && len(d.data) == 0
	if c.end {
		d.drop()
		d.in = nil
	}
	return c
}

func (d *decoding) advance(n int) {
	d.data = d.data[n:]
	d.off += int64(n)
	d.need = 0
}

func (d *decoding) header() error {
	n, err := d.dec.Header(d.data, d.last)
	switch {
	case errors.Is(err, format.ErrMore):
		return d.incomplete()
	case err != nil:
		return d.fail(err)
	}
	d.in.head = append([]byte{}, d.data[:n]...)
	d.headed = true
	d.advance(n)
	return nil
}

// incomplete notes that the record at the front of data is not all there. Long records are looked at again only when their bytes have doubled, so that the
// work stays linear; where bytes come slowly each new piece may be the end.
func (d *decoding) incomplete() error {
	switch {
	case d.last:
		return &Error{Kind: ErrInput, What: d.in.name, Text: fmt.Sprintf("E801: its last %d bytes, from byte %d, are no whole record", len(d.data), d.off)}
	case len(d.data) >= recordMax:
		return &Error{Kind: ErrInput, What: d.in.name, Text: fmt.Sprintf("E801: the record at byte %d is longer than %d MiB", d.off, recordMax>>20)}
	}
	d.need = len(d.data)
	if d.need >= blockSize && !d.in.live {
		d.need = min(2*d.need, recordMax) - 1
	}
	return nil
}

// fail adds the input's name to what a format says.
func (d *decoding) fail(err error) error {
	return &Error{Kind: ErrInput, What: d.in.name, Text: err.Error(), Err: err}
}

// fetch takes the next block.
func (d *decoding) fetch() error {
	blk, err := d.feed.next()
	if err != nil {
		return err
	}
	if blk.in != d.in {
		if err := d.begin(blk.in); err != nil {
			return err
		}
	}
	if !blk.probe {
		d.last = blk.last
		d.join(blk)
		return nil
	}
	n, err := d.dec.Header(blk.data(), blk.last)
	if err != nil {
		return d.fail(err)
	}
	d.in.head = append([]byte{}, blk.data()[:n]...)
	d.headed = true
	blk.release()
	return nil
}

func (d *decoding) begin(in *input) error {
	d.drop()
	d.in, d.off, d.sent, d.need, d.last = in, in.start, in.start, 0, false
	d.headed = in.head != nil
	if !d.headed {
		return nil
	}
	if _, err := d.dec.Header(in.head, true); err != nil { // of an input that an earlier reader began
		return d.fail(err)
	}
	return nil
}

// join puts a block behind what is left of the one before. Up to headroom bytes are copied in front of it; a longer record gets a block of its own, which
// doubles.
func (d *decoding) join(blk *block) {
	tail, more := d.data, blk.data()
	switch {
	case len(tail) == 0:
	case len(tail) <= blk.from:
		blk.from -= len(tail)
		copy(blk.buf[blk.from:], tail)
	case d.blk.pool == nil && d.blk.refs.Load() == 1 && d.blk.to+len(more)+slack <= len(d.blk.buf):
		start := d.blk.to - len(tail)
		d.blk.to += copy(d.blk.buf[d.blk.to:], more)
		d.data = d.blk.buf[start:d.blk.to]
		blk.release()
		return
	default:
		long := &block{buf: make([]byte, 2*(len(tail)+len(more))+slack), in: blk.in}
		long.refs.Store(1)
		long.to = copy(long.buf, tail)
		long.to += copy(long.buf[long.to:], more)
		blk.release()
		blk = long
	}
	d.drop()
	d.blk, d.data = blk, blk.data()
}

// drop lets go of the block.
func (d *decoding) drop() {
	if d.blk != nil {
		d.blk.release()
	}
	d.blk, d.data = nil, nil
}

func (d *decoding) chunk() *chunk {
	select {
	case c := <-d.free:
		return c
	default:
		return &chunk{batch: d.fresh()}
	}
}

// recycle takes back a chunk that nobody looks at any more.
func (d *decoding) recycle(c *chunk) {
	if c.blk != nil {
		c.blk.release()
	}
	c.in, c.blk, c.data, c.bad = nil, nil, nil, c.bad[:0]
	c.batch.Reset(0)
	select {
	case d.free <- c:
	default:
	}
}
