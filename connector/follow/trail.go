package follow

import (
	"bytes"
	"io"
	"sync/atomic"
	"time"

	"pipec/connector/intake"
	"pipec/state/vfs"
)

// handle is an open file.
type handle struct {
	id    identity
	f     vfs.File
	path  string // where it was last seen
	owner *trail // nil: it was not looked at yet
	done  *place // where it was read to its end; nil: it is being read, or will be
	told  bool   // that it has grown although it is done
	// unlisted and missing: since when the path does not stand for it any more, and since when it has no name in its directory. Zero: it does, it has.
	unlisted, missing time.Time
}

// trail is what stands under a path: one split. Its fields belong to the tracker's mutex.
type trail struct {
	t      *Tracker
	path   string
	given  []byte         // position that it was restored from, or made with
	line   []*incarnation // oldest first: those whose rows were not all taken yet
	at     int            // in line: the one that is being read; len(line): none
	done   []*handle      // read to their ends and still held
	past   *place         // where the last of them ended
	feed   *Feed          // who reads it; nil: nobody does yet
	index  int            // of its split with the reader
	used   bool           // a reader has begun with it
	isNew  bool           // nobody outside knows it yet
	news   bool           // what the position says of files besides the one that is read is no longer true
	caught atomic.Bool    // it was read to its end once: from then on silence is silence
}

// incarnation is one file of a trail, from its first byte, or from a position, to its last.
type incarnation struct {
	tr *trail
	h  *handle

	// The feed's.
	in    *intake.Input // nil: not begun
	off   int64         // read so far
	tail  []byte        // last bytes in front of off
	seen  time.Time     // modification time when all was read
	grown time.Time     // when it was last seen to have more
	mark  bool          // its position is news
	cut   bool          // it is not the file any more that was read

	last []byte // last bytes in front of the position: of who takes chunks

	head     atomic.Pointer[place] // its beginning, as far as it is known
	cutEarly atomic.Bool           // it was cut before it was read, and the position does not say so yet
	end      atomic.Int64          // 1 + off when it was read to its end without a name
}

// newIncarnation begins a file at a byte; tail are the bytes in front of it.
func newIncarnation(tr *trail, h *handle, off int64, tail []byte) (*incarnation, error) {
	c := &incarnation{tr: tr, h: h, off: off, tail: bytes.Clone(tail), last: bytes.Clone(tail)}
	info, err := h.f.Stat()
	if err != nil {
		return nil, err
	}
	return c, c.behead(min(info.Size, headMax))
}

// behead notes the first n bytes.
func (c *incarnation) behead(n int64) error {
	head, err := piece(c.h.f, 0, n)
	if err != nil {
		return err
	}
	p := &place{Inode: c.h.id.inode, HeadLen: int64(len(head))}
	if len(head) > 0 {
		p.Head = checksum(head)
	}
	old := c.head.Swap(p)
	if old != nil && old.HeadLen > p.HeadLen {
		c.cutEarly.Store(true)
	}
	return nil
}

// place is the incarnation at a byte. The tracker's mutex is held.
func (c *incarnation) place(off int64, tail []byte) place {
	p := *c.head.Load()
	p.File, p.Offset = c.h.path, off
	if len(tail) > 0 {
		p.Tail, p.TailLen = checksum(tail), len(tail)
	}
	return p
}

// position is that of the trail behind off bytes of the incarnation; end: these were all.
func (c *incarnation) position(off int64, end bool, tail []byte) []byte {
	c.last = lastBytes(c.last, tail)
	c.tr.t.mu.Lock()
	defer c.tr.t.mu.Unlock()
	p := &Position{place: c.place(off, c.last), End: end}
	p.Gone = c.end.Load() == off+1
	c.tr.behind(c, p)
	if end {
		c.tr.passed(c, &p.place)
	}
	return p.encode()
}

// behind adds to a position in c what follows it, and what was done before.
func (tr *trail) behind(c *incarnation, p *Position) {
	for i := len(tr.line) - 1; i >= 0 && tr.line[i] != c; i-- {
		later := tr.line[i]
		info, err := later.h.f.Stat()
		if err == nil {
			err = later.behead(min(info.Size, headMax)) // it may have been cut since it was found
		}
		next := later.place(0, nil)
		next.Gone = err == nil && info.Size == 0 && !later.h.missing.IsZero()
		p.Next = append([]place{next}, p.Next...)
	}
	for _, h := range tr.done {
		end := *h.done
		end.File = h.path
		p.Done = append(p.Done, end)
	}
}

// passed notes that all rows of an incarnation were taken. Its file is remembered, unless it goes on as another incarnation.
func (tr *trail) passed(c *incarnation, end *place) {
	i := 0
	for i < len(tr.line) && tr.line[i] != c {
		i++
	}
	if i == len(tr.line) {
		return
	}
	tr.line = tr.line[i+1:]
	tr.at -= i + 1
	tr.past = end
	for _, later := range tr.line {
		if later.h == c.h {
			return
		}
	}
	c.h.done = end
	tr.done = append(tr.done, c.h)
}

// begin makes the input. It gives the head of a file in whose middle reading begins, or nothing.
func (c *incarnation) begin() (*intake.Block, error) {
	c.in = &intake.Input{Name: c.tr.path, Split: c.tr.index, Live: true, Start: c.off, Position: c.position}
	if c.off == 0 {
		return nil, nil
	}
	head, err := piece(c.h.f, 0, min(c.off, intake.BlockSize))
	if err == nil { // only now: had it been cut before, so is the head
		var same bool
		same, err = c.same()
		c.cut = !same
	}
	if err != nil || c.cut {
		return nil, err
	}
	b := intake.NewBlock(c.in, head)
	b.Probe = true
	return b, nil
}

// read gives the next bytes; nil when there are none now, or, with cut, never will be.
func (c *incarnation) read(pool *intake.Pool, now time.Time) (*intake.Block, error) {
	info, err := c.h.f.Stat()
	switch {
	case err != nil:
		return nil, err
	case c.cut, info.Size < c.off:
		c.cut = true
		return nil, nil
	case info.Size < c.head.Load().HeadLen: // cut before anything was read
		return nil, c.behead(info.Size)
	case info.Size == c.off && info.ModTime.Equal(c.seen):
		return nil, nil
	case info.Size == c.off:
		same, err := c.same()
		c.seen, c.cut = info.ModTime, !same
		return nil, err
	}
	b, err := pool.Get(c.in)
	if err != nil {
		return nil, err
	}
	n, err := c.h.f.ReadAt(b.Space(), c.off)
	same := false
	if err == nil || err == io.EOF {
		// The bytes in front are looked at behind the read: were they others before, these belong to them.
		same, err = c.same()
	}
	if err != nil || !same || n == 0 {
		b.Discard()
		c.cut = err == nil && !same
		return nil, err
	}
	b.Filled(n)
	c.tail = lastBytes(c.tail, b.Space()[:n])
	c.off += int64(n)
	c.grown = now
	if c.off == info.Size {
		c.seen = info.ModTime
	}
	if c.off-int64(n) < headMax { // what was there when it was found may have been cut before it was read
		err = c.behead(min(c.off, headMax))
	}
	return b, err
}

// same says whether the bytes that were read last still stand there.
func (c *incarnation) same() (bool, error) {
	now, err := piece(c.h.f, c.off-int64(len(c.tail)), int64(len(c.tail)))
	return bytes.Equal(now, c.tail), err
}

// hasBytes says whether any of some incarnations has.
func hasBytes(list []*incarnation) (bool, error) {
	for _, c := range list {
		info, err := c.h.f.Stat()
		if err != nil || info.Size > 0 {
			return err == nil, err
		}
	}
	return false, nil
}
