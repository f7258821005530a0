package intake

import (
	"errors"
	"sync/atomic"
)

// Sizes of reading. Four blocks in flight keep a disk, a decompressor and a decoder busy at once and still lie in a second level cache.
const (
	BlockSize = 512 << 10 // bytes asked for at a time
	BlocksMax = 4         // blocks in flight per reader
	RecordMax = 64 << 20  // a record that is longer is no record
	headroom  = 32 << 10  // room in front of a block for the record that began in the one before
	slack     = 64        // readable bytes behind the data: decoders look at whole words
)

// Block is a piece of an input. It is filled by a feed, handed to the Decoding, and pointed into by the batches that were decoded from it; the last holder to
// let go gives it back to its pool.
type Block struct {
	Probe bool // the head of an input in whose middle reading goes on: for the header only
	Last  bool // the input ends behind it
	Cut   bool // the input broke off: it ends, and an incomplete record before this block is none
	Mark  bool // the input's position is news, although it may give no row: a chunk is wanted

	in       *Input
	buf      []byte
	from, to int // the data
	refs     atomic.Int32
	pool     *Pool // nil: grown for one long record, left to the collector
}

// NewBlock makes a block of its own, without a pool, that holds a copy of data.
func NewBlock(in *Input, data []byte) *Block {
	b := &Block{in: in, buf: make([]byte, len(data)+slack), to: len(data)}
	copy(b.buf, data)
	b.refs.Store(1)
	return b
}

// Space is where a feed puts its bytes; Filled says how many.
func (b *Block) Space() []byte { return b.buf[headroom : headroom+BlockSize] }

// Filled says how many bytes of Space are data.
func (b *Block) Filled(n int) { b.from, b.to = headroom, headroom+n }

// Discard gives a block back that was not handed out.
func (b *Block) Discard() { b.release() }

func (b *Block) data() []byte { return b.buf[b.from:b.to] }

func (b *Block) release() {
	if b.refs.Add(-1) == 0 && b.pool != nil {
		b.pool.put(b)
	}
}

// Pool bounds the blocks in flight: who wants one more waits until a batch was given back. That cannot last: batches that wait are taken, and the taken one is
// given back before the next is asked for, so at the worst the decoder and the channel in front of it hold one block each.
type Pool struct {
	free chan *Block
	made int
	max  int             // 0: Get never waits
	stop <-chan struct{} // ends a waiting Get
}

// NewPool makes an empty pool. max 0 is for one goroutine that reads and decodes in turn: there would be nobody to wait for.
func NewPool(max int, stop <-chan struct{}) *Pool {
	return &Pool{free: make(chan *Block, BlocksMax), max: max, stop: stop}
}

// Get gives an empty block for the input. It is called by one goroutine.
func (p *Pool) Get(in *Input) (*Block, error) {
	b, err := p.get()
	if err != nil {
		return nil, err
	}
	b.in, b.Probe, b.Last, b.Cut, b.Mark = in, false, false, false, false
	b.Filled(0)
	b.refs.Store(1)
	return b, nil
}

func (p *Pool) get() (*Block, error) {
	select {
	case b := <-p.free:
		return b, nil
	default:
	}
	if p.max == 0 || p.made < p.max {
		p.made++
		return &Block{buf: make([]byte, headroom+BlockSize+slack), pool: p}, nil
	}
	select {
	case b := <-p.free:
		return b, nil
	case <-p.stop:
		return nil, ErrStopped
	}
}

// put is called from any goroutine.
func (p *Pool) put(b *Block) {
	select {
	case p.free <- b:
	default: // without a bound there may be more than the list holds
	}
}

// ErrStopped is what a feed gives that was told to stop while it waited; nobody but the goroutines of a closed reader sees it.
var ErrStopped = errors.New("reading was stopped")
