package intake

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"pipec/connector/format"
	"pipec/vm/value"
)

// Chunk is a decoded batch with the bytes it was decoded from.
type Chunk struct {
	In    *Input
	Data  []byte // decoding it again gives the same rows
	After int64  // offset behind Data
	Bytes int64  // since the previous chunk: Data, and what gave no row
	End   bool   // the input ends behind Data, so that its last record may lack a line end
	Batch *value.Batch
	Bad   []format.Bad
	blk   *Block // held: the batch's views point into it
}

// Decoding makes batches of blocks. Next runs on one goroutine, ahead of whoever takes the chunks, or inline.
type Decoding struct {
	feed  Feed
	dec   format.Decoder
	fresh func() *value.Batch
	fail  func(name, text string, cause error) error
	free  chan *Chunk
	max   atomic.Int32 // rows per batch, as last asked for

	in     *Input
	blk    *Block
	data   []byte // of blk, not yet decoded; it ends at blk.to
	off    int64  // of data
	sent   int64  // offset behind the previous chunk
	need   int    // with no more bytes than this there is no whole record
	last   bool   // the input ends behind data
	marked bool   // a chunk is wanted for the position alone
	headed bool
}

// parked is what an input leaves behind when another one takes its turn.
type parked struct {
	data      []byte // fetched and not decoded
	off, sent int64
	need      int
}

// NewDecoding decodes what feed gives. fresh makes an empty batch of the schema; fail makes the error of an input that cannot be read: its name, what is the
// matter, and a cause or nil. At most chunks of them are kept for use again.
func NewDecoding(feed Feed, dec format.Decoder, chunks int, fresh func() *value.Batch, fail func(name, text string, cause error) error) *Decoding {
	return &Decoding{feed: feed, dec: dec, fresh: fresh, fail: fail, free: make(chan *Chunk, chunks)}
}

// SetMax says how many rows and bad records a chunk holds at most; those that were decoded ahead may hold more.
func (d *Decoding) SetMax(n int) { d.max.Store(int32(n)) }

// Next gives the next chunk; io.EOF at the end, and ErrWait when its feed does.
func (d *Decoding) Next() (*Chunk, error) {
	for {
		for d.in != nil && (d.last || len(d.data) > d.need) {
			if c, err := d.step(); c != nil || err != nil {
				return c, err
			}
		}
		if d.marked {
			d.marked = false
			return d.emit(d.chunk(), 0), nil
		}
		switch err := d.fetch(); {
		case err == io.EOF && d.in != nil:
			d.last = true // a feed that did not know its last block: nothing may be lost for that
		case err != nil:
			return nil, err
		}
	}
}

// step decodes one batch, or the header. It gives nil when that gave no row, or needs more bytes.
func (d *Decoding) step() (*Chunk, error) {
	if d.last && len(d.data) == 0 {
		d.marked = false
		return d.emit(d.chunk(), 0), nil
	}
	if !d.headed {
		return nil, d.header()
	}
	c := d.chunk()
	n, err := d.dec.Decode(d.data, d.last, c.Batch, int(d.max.Load()), &c.Bad)
	if err != nil {
		return nil, d.fail(d.in.Name, err.Error(), err)
	}
	if n == 0 {
		d.Recycle(c)
		return nil, d.incomplete()
	}
	if c.Batch.Len == 0 && len(c.Bad) == 0 && !(d.last && n == len(d.data)) {
		d.advance(n)
		d.Recycle(c)
		return nil, nil
	}
	return d.emit(c, n), nil
}

func (d *Decoding) emit(c *Chunk, n int) *Chunk {
	c.In, c.blk, c.Data = d.in, d.blk, d.data[:n]
	if c.blk != nil { // an input may end without a block
		c.blk.refs.Add(1)
	}
	d.advance(n)
	c.After, c.Bytes = d.off, d.off-d.sent
	d.sent = d.off
	c.End = d.last && len(d.data) == 0
	if c.End {
		d.drop()
		d.in = nil
	}
	return c
}

func (d *Decoding) advance(n int) {
	d.data = d.data[n:]
	d.off += int64(n)
	d.need = 0
}

func (d *Decoding) header() error {
	n, err := d.dec.Header(d.data, d.last)
	switch {
	case errors.Is(err, format.ErrMore):
		return d.incomplete()
	case err != nil:
		return d.fail(d.in.Name, err.Error(), err)
	}
	d.in.head = append([]byte{}, d.data[:n]...)
	d.headed = true
	d.advance(n)
	return nil
}

// incomplete notes that the record at the front of data is not all there. Long records are looked at again only when their bytes have doubled, so that the
// work stays linear; where bytes come slowly each new piece may be the end.
func (d *Decoding) incomplete() error {
	switch {
	case d.last:
		return d.fail(d.in.Name, fmt.Sprintf("E801: its last %d bytes, from byte %d, are no whole record", len(d.data), d.off), nil)
	case len(d.data) >= RecordMax:
		return d.fail(d.in.Name, fmt.Sprintf("E801: the record at byte %d is longer than %d MiB", d.off, RecordMax>>20), nil)
	}
	d.need = len(d.data)
	if d.need >= BlockSize && !d.in.Live {
		d.need = min(2*d.need, RecordMax) - 1
	}
	return nil
}

// fetch takes the next block.
func (d *Decoding) fetch() error {
	blk, err := d.feed.Next()
	if err != nil {
		return err
	}
	if blk.in != d.in {
		if err := d.begin(blk.in); err != nil {
			return err
		}
	}
	if !blk.Probe {
		if blk.Cut { // what was there of a record will never be one
			d.data = nil
		}
		d.last, d.marked = blk.Last || blk.Cut, blk.Mark
		d.join(blk)
		return nil
	}
	n, err := d.dec.Header(blk.data(), blk.Last)
	if err != nil {
		return d.fail(d.in.Name, err.Error(), err)
	}
	d.in.head = append([]byte{}, blk.data()[:n]...)
	d.headed = true
	blk.release()
	return nil
}

// begin turns to another input: a new one, or one that was parked.
func (d *Decoding) begin(in *Input) error {
	if d.in != nil {
		d.in.parked = &parked{append([]byte(nil), d.data...), d.off, d.sent, d.need}
	}
	d.drop()
	d.in, d.off, d.sent, d.need, d.last = in, in.Start, in.Start, 0, false
	if p := in.parked; p != nil {
		d.data, d.off, d.sent, d.need = p.data, p.off, p.sent, p.need
		in.parked = nil
	}
	d.headed = in.head != nil
	if !d.headed {
		return nil
	}
	if _, err := d.dec.Header(in.head, true); err != nil { // of an input that an earlier reader began
		return d.fail(d.in.Name, err.Error(), err)
	}
	return nil
}

// join puts a block behind what is left of the one before. Up to headroom bytes are copied in front of it; a longer record gets a block of its own, which
// doubles.
func (d *Decoding) join(blk *Block) {
	tail, more := d.data, blk.data()
	switch {
	case len(tail) == 0:
	case len(tail) <= blk.from:
		blk.from -= len(tail)
		copy(blk.buf[blk.from:], tail)
	case d.blk != nil && d.blk.pool == nil && d.blk.refs.Load() == 1 && d.blk.to+len(more)+slack <= len(d.blk.buf):
		start := d.blk.to - len(tail)
		d.blk.to += copy(d.blk.buf[d.blk.to:], more)
		d.data = d.blk.buf[start:d.blk.to]
		blk.release()
		return
	default:
		long := &Block{buf: make([]byte, 2*(len(tail)+len(more))+slack), in: blk.in}
		long.refs.Store(1)
		long.to = copy(long.buf, tail)
		long.to += copy(long.buf[long.to:], more)
		blk.release()
		blk = long
	}
	d.drop()
	d.blk, d.data = blk, blk.data()
}

// Rest gives a copy of what was fetched and not decoded, nil if there is nothing. It lets go of the last block: Next must not be called again.
func (d *Decoding) Rest() *Block {
	var b *Block
	if d.in != nil && (len(d.data) > 0 || d.last) {
		b = NewBlock(d.in, d.data)
		b.Last = d.last
	}
	d.drop()
	return b
}

// drop lets go of the block.
func (d *Decoding) drop() {
	if d.blk != nil {
		d.blk.release()
	}
	d.blk, d.data = nil, nil
}

func (d *Decoding) chunk() *Chunk {
	select {
	case c := <-d.free:
		return c
	default:
		return &Chunk{Batch: d.fresh()}
	}
}

// Recycle takes back a chunk that nobody looks at any more.
func (d *Decoding) Recycle(c *Chunk) {
	if c.blk != nil {
		c.blk.release()
	}
	c.In, c.blk, c.Data, c.Bad = nil, nil, nil, c.Bad[:0]
	lines := c.Batch.Lines
	c.Batch.Reset(0)
	c.Batch.Lines = lines // its memory is used again
	select {
	case d.free <- c:
	default:
	}
}
