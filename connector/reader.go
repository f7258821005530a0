package connector

import (
	"errors"
	"fmt"
	"io"
	"time"

	"pipec/connector/format"
	"pipec/connector/intake"
	"pipec/vm/value"
)

// chunksMax is how many decoded batches wait for the pipeline.
const chunksMax = 4

// rowReader is the Reader of whatever gives bytes: a feed fills blocks, a decoding makes chunks of them ahead, Next lends them out one at a time. What it
// reports as position is that of the chunk it lent, whatever was read ahead.
type rowReader struct {
	splits []Split
	ready  []bool
	feed   intake.Feed
	dec    *intake.Decoding
	ahead  *intake.Ahead[*intake.Chunk] // nil: inline
	cur    *intake.Chunk                // lent until the next call
	pieces pieces
	found  growing // nil: the splits are those that were given
	err    error   // the end
}

// growing is a feed that finds more splits while it is read: Splits gives their names from an index on. Ready says of each whether it is being read.
type growing interface {
	Splits(from int) []string
	Ready(ready []bool)
}

// pieces serves a chunk that has more rows than were asked for: its bytes are decoded once more, in pieces that have the right size and exact positions.
type pieces struct {
	dec   format.Decoder
	of    *intake.Input // whose header dec has seen
	batch *value.Batch
	bad   []format.Bad
	rest  []byte
	off   int64
	bytes int64 // of the chunk that gave no row
}

// decoderOptions are what a source's settings say of its format; unset, rows are lines.
func decoderOptions(o SourceOptions) (*format.Spec, format.DecodeOptions, error) {
	word, settings := o.Config.Settings.Choice("format")
	if word == "" {
		word = "text"
	}
	spec, ok := format.Lookup(word)
	if !ok {
		return nil, format.DecodeOptions{}, fmt.Errorf("there is no format %s", word)
	}
	zone, err := time.LoadLocation(o.Job.TimeZone)
	if err != nil {
		return nil, format.DecodeOptions{}, err
	}
	physical := o.Config.Physical
	if physical == nil {
		physical = o.Config.Schema.Names()
	}
	wanted := o.Config.Wanted
	if wanted == nil {
		wanted = make([]bool, len(o.Config.Schema.Fields))
		for i := range wanted {
			wanted[i] = true
		}
	}
	return spec, format.DecodeOptions{Settings: settings, Schema: o.Config.Schema, Physical: physical, Lines: o.Config.Lines, Wanted: wanted, Zone: zone}, nil
}

// newRowReader reads the blocks of blocks. stop ends the decoding; it must be what the feed waits on besides its blocks.
func newRowReader(o SourceOptions, splits []Split, blocks intake.Feed, stop chan struct{}, wake func()) (*rowReader, error) {
	spec, options, err := decoderOptions(o)
	if err != nil {
		return nil, err
	}
	fresh := func() *value.Batch {
		b := value.NewBatch(options.Schema)
		for i, want := range options.Wanted {
			if !want {
				b.Cols[i] = nil
			}
		}
		return b
	}
	dec, err := spec.Decoder(options)
	if err != nil {
		return nil, err
	}
	// One chunk more is with the decoder, and one with the pipeline.
	r := &rowReader{splits: splits, ready: make([]bool, len(splits)), feed: blocks, dec: intake.NewDecoding(blocks, dec, chunksMax+2, fresh, inputError)}
	r.dec.SetMax(clampRows(o.Job.BatchSize))
	if r.pieces.dec, err = spec.Decoder(options); err != nil {
		return nil, err
	}
	r.pieces.batch = fresh()
	for i, s := range splits {
		r.ready[i] = s.Ended
	}
	r.turn()
	if !o.Env.Inline {
		r.ahead = intake.NewAhead(chunksMax, wake, stop, r.dec.Next)
	}
	return r, nil
}

// clampRows keeps a number of rows within what a batch holds; unset is the default of `batch_size`.
func clampRows(n int) int {
	if n <= 0 {
		return 1024
	}
	return min(n, value.MaxRows)
}

// turn marks the next split in line as being read.
func (r *rowReader) turn() {
	for i := range r.ready {
		if !r.ready[i] {
			r.ready[i] = true
			return
		}
	}
}

// Next implements Reader.
func (r *rowReader) Next(out *Read, most int) (Status, error) {
	most = clampRows(most)
	r.dec.SetMax(most)
	r.grow()
	*out = Read{Ready: r.ready}
	if r.cur != nil && len(r.pieces.rest) > 0 {
		return More, r.piece(out, most)
	}
	r.giveBack()
	if r.err == nil {
		c, ok, err := r.take()
		switch {
		case err == intake.ErrWait:
			r.grow()
			out.Ready = r.ready
			return Wait, nil
		case err != nil:
			r.err = err
		case !ok:
			return Wait, nil
		default:
			r.cur = c
			r.grow()
			out.Ready = r.ready
		}
	}
	if r.err != nil {
		if r.err == io.EOF {
			return Done, nil
		}
		return Done, r.err
	}
	// Decoded ahead, before this smaller size was asked for.
	if c := r.cur; c.Batch.Len+len(c.Bad) > most {
		r.pieces.rest, r.pieces.off, r.pieces.bytes = c.Data, c.After-int64(len(c.Data)), c.Bytes-int64(len(c.Data))
		return More, r.piece(out, most)
	}
	c := r.cur
	out.Batch, out.Bad, out.Bytes = c.Batch, c.Bad, c.Bytes
	out.From = Place{c.In.Name, c.After - int64(len(c.Data))}
	r.describe(out, c.After, c.End, c.Data)
	return More, nil
}

// grow takes the splits that were found.
func (r *rowReader) grow() {
	if r.found == nil {
		return
	}
	for _, name := range r.found.Splits(len(r.splits)) {
		r.splits, r.ready = append(r.splits, Split{ID: name}), append(r.ready, false)
	}
	r.found.Ready(r.ready)
}

// take gives the next chunk, false if none is ready.
func (r *rowReader) take() (*intake.Chunk, bool, error) {
	if r.ahead == nil {
		c, err := r.dec.Next()
		return c, true, err
	}
	res, ok := r.ahead.Poll()
	return res.Value, ok, res.Err
}

// piece gives the next rows of a chunk that is too large.
func (r *rowReader) piece(out *Read, most int) error {
	p, c := &r.pieces, r.cur
	if p.of != c.In {
		if _, err := p.dec.Header(c.In.Head(), true); err != nil {
			return inputError(c.In.Name, err.Error(), err)
		}
		p.of = c.In
	}
	before := p.rest
	p.bad = p.bad[:0]
	for len(p.rest) > 0 {
		n, err := p.dec.Decode(p.rest, c.End, p.batch, most, &p.bad)
		if err == nil && n == 0 {
			err = errors.New("the format does not read the same rows twice")
		}
		if err != nil {
			return inputError(c.In.Name, err.Error(), err)
		}
		p.rest = p.rest[n:]
		if p.batch.Len > 0 || len(p.bad) > 0 {
			break
		}
	}
	used := before[:len(before)-len(p.rest)]
	p.off += int64(len(used))
	out.Batch, out.Bad, out.Bytes = p.batch, p.bad, int64(len(used))+p.bytes
	out.From = Place{c.In.Name, p.off - int64(len(used))}
	p.bytes = 0
	r.describe(out, p.off, c.End && len(p.rest) == 0, used)
	return nil
}

// describe says where the batch ends.
func (r *rowReader) describe(out *Read, off int64, end bool, data []byte) {
	in := r.cur.In
	out.Split, out.After = in.Split, r.splits[in.Split]
	if in.Position != nil {
		out.After.Position = in.Position(off, end, data[max(0, len(data)-intake.TailMax):])
	}
	out.After.Ended = end && in.Final
	if out.After.Ended {
		r.turn()
	}
	r.splits[in.Split] = out.After
}

// giveBack ends the loan of the last batch: its blocks may be filled anew.
func (r *rowReader) giveBack() {
	if r.cur != nil {
		r.dec.Recycle(r.cur)
	}
	r.cur, r.pieces.rest = nil, nil
}

// Close implements Reader. It waits for the goroutines.
func (r *rowReader) Close() error {
	if r.ahead != nil {
		r.ahead.Close()
	}
	r.feed.Close()
	return nil
}

// unread gives, after Close, what was taken from the feed and not lent out as rows. All blocks are given back: the feed may go on without this reader.
func (r *rowReader) unread() (blocks []*intake.Block) {
	add := func(in *intake.Input, data []byte, last bool) {
		if len(data) > 0 || last {
			b := intake.NewBlock(in, data)
			b.Last = last
			blocks = append(blocks, b)
		}
	}
	if rest := r.pieces.rest; len(rest) > 0 {
		add(r.cur.In, rest, r.cur.End)
	}
	r.giveBack()
	if r.ahead != nil {
		for _, c := range r.ahead.Left() {
			add(c.In, c.Data, c.End)
			r.dec.Recycle(c)
		}
	}
	if b := r.dec.Rest(); b != nil {
		blocks = append(blocks, b)
	}
	return blocks
}

// keptReader gives back what it has read and not lent out as rows.
type keptReader struct {
	*rowReader
	kept *intake.Kept
}

// newKeptReader reads the only split of a source whose reading outlives its readers.
func newKeptReader(o SourceOptions, splits []Split, kept *intake.Kept, wake func()) (Reader, error) {
	stop := make(chan struct{})
	r, err := newRowReader(o, splits, kept.Take(stop), stop, wake)
	if err != nil {
		return nil, err
	}
	return &keptReader{r, kept}, nil
}

// Close implements Reader.
func (r *keptReader) Close() error {
	err := r.rowReader.Close()
	r.kept.GiveBack(r.feed, r.unread())
	return err
}

// nothing is a feed of no blocks.
type nothing struct{}

func (nothing) Next() (*intake.Block, error) { return nil, io.EOF }
func (nothing) Close()                       {}
