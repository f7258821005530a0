package connector

import (
	"errors"
	"io"
	"sync/atomic"
)

// Sizes of reading. Four blocks in flight keep a disk, a decompressor and a decoder busy at once and still lie in a second level cache.
const (
	blockSize = 512 << 10 // bytes asked for at a time
	blocksMax = 4         // blocks in flight per reader
	headroom  = 32 << 10  // room in front of a block for the record that began in the one before
	slack     = 64        // readable bytes behind the data: decoders look at whole words
	recordMax = 64 << 20  // a record that is longer is no record
)

// block is a piece of an input. It is filled by a feed, handed to the decoding, and pointed into by the batches that were decoded from it: refs counts
// these holders, and the last one to let go gives it back to its pool.
type block struct {
	buf      []byte
	from, to int // the data
	refs     atomic.Int32
	pool     *blockPool // nil: grown for one long record, left to the collector
	in       *input
	probe    bool // the head of an input in whose middle reading goes on: for the header only
	last     bool // the input ends behind it
}

func (b *block) data() []byte { return b.buf[b.from:b.to] }

// space is where a feed puts its bytes; filled says how many.
func (b *block) space() []byte { return b.buf[headroom : headroom+blockSize] }

func (b *block) filled(n int) { b.from, b.to = headroom, headroom+n }

func (b *block) release() {
	if b.refs.Add(-1) == 0 && b.pool != nil {
		b.pool.put(b)
	}
}

// blockPool bounds the blocks in flight. get is called by one goroutine, put by any.
type blockPool struct {
	free chan *block
	made int
	max  int           // 0: get never waits
	stop chan struct{} // ends a waiting get
}

func newBlockPool(max int, stop chan struct{}) *blockPool {
	return &blockPool{free: make(chan *block, blocksMax), max: max, stop: stop}
}

// get waits for a free block; errStopped when stop is closed.
func (p *blockPool) get(in *input) (*block, error) {
	var b *block
	select {
	case b = <-p.free:
	default:
		if p.max == 0 || p.made < p.max {
			p.made++
			b = &block{buf: make([]byte, headroom+blockSize+slack), pool: p}
			break
		}
		select {
		case b = <-p.free:
		case <-p.stop:
			return nil, errStopped
		}
	}
	b.in, b.probe, b.last = in, false, false
	b.filled(0)
	b.refs.Store(1)
	return b, nil
}

func (p *blockPool) put(b *block) {
	select {
	case p.free <- b:
	default: // without a bound there may be more than the list holds
	}
}

// errStopped ends the goroutines of a reader that was closed; nobody sees it.
var errStopped = errors.New("reading was stopped")

// feed gives the blocks of its inputs in order, io.EOF behind the last one.
type feed interface {
	next() (*block, error)
	close()
}

// aheadFeed takes blocks that a goroutine fills ahead.
type aheadFeed struct {
	blocks *ahead[*block]
	stop   <-chan struct{} // of who takes
	inner  feed            // what fills them, closed once the goroutine has ended; nil: the goroutine outlives this feed
}

func (f *aheadFeed) next() (*block, error) {
	r, ok := f.blocks.take(f.stop)
	if !ok {
		return nil, errStopped
	}
	return r.value, r.err
}

func (f *aheadFeed) close() {
	if f.inner != nil {
		f.blocks.close()
		f.inner.close()
	}
}

// fill reads until p is full or the input ends: unlike io.ReadFull it keeps the end apart from a stream that was cut short.
func fill(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	return n, err
}
