// Package intake brings bytes to rows: an input is read in blocks, ahead of the decoder, and decoded into batches, ahead of the pipeline, in order and with a
// bounded number of both in flight.
//
//	intake.go  Input and Feed: what is read, and who reads it
//	block.go   Block and Pool: pieces of bytes, counted by the batches that point into them
//	ahead.go   Ahead: producing in a goroutine; Prefetch: a Feed that does
//	decode.go  Decoding and Chunk: from blocks to batches; records that span blocks, headers, offsets
//	keep.go    Keep: reading that outlives its readers
//
// Who owns what: a Feed owns a block while it fills it and hands it over with its one reference. The Decoding adds a reference for each chunk that was decoded
// from the block; Recycle drops it. A chunk (its batch, its bad records, its bytes) belongs to whoever Next gave it to until Recycle.
package intake

import (
	"errors"
	"io"
)

// Input is a run of bytes with one header: a file, the standard input, a connection. A feed makes it, and sets its fields before it hands out the input's first
// block; Final it may still set before the last one. Inputs may take turns: what of one was not decoded waits in it for its next block.
type Input struct {
	Name  string // for messages
	Split int    // index in the reader's splits
	Final bool   // its split ends with it
	Live  bool   // bytes come when somebody writes them: what is there is decoded at once
	Start int64  // offset of the first byte that is no probe
	// Position gives the split's position behind off decompressed bytes; tail are the bytes in front of it, at most TailMax. nil: the input has no positions.
	// It is called by who takes chunks.
	Position func(off int64, end bool, tail []byte) []byte
	// head is the header, not nil once it was read. The Decoding writes it before the input's first chunk; it is read-only afterwards.
	head   []byte
	parked *parked // belongs to the Decoding
}

// ErrWait is what a feed without a goroutine gives when there is nothing now: Next may be called again later.
var ErrWait = errors.New("nothing yet")

// TailMax is how many bytes in front of it a position may look at.
const TailMax = 64

// Head is the header. It may be asked for by whoever has a chunk of the input.
func (in *Input) Head() []byte { return in.head }

// Feed gives the blocks of its inputs in order, io.EOF behind the last one. It is used from one goroutine.
type Feed interface {
	Next() (*Block, error)
	Close()
}

// Fill reads until p is full or the input ends: unlike io.ReadFull it keeps the end apart from a stream that was cut short.
func Fill(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	return n, err
}
