package intake

import "io"

// Kept is reading that outlives its readers: when one is closed and another takes over, what was read and not taken as rows is there for it. One goroutine
// reads; it ends when stop is closed, as soon as its feed lets it.
type Kept struct {
	feed  Feed
	ahead *Ahead[*Block] // nil: inline
	past  []*Block       // what the last reader left
}

// Keep begins to read. The pool of feed must not wait with inline, where whoever takes reads.
func Keep(feed Feed, inline bool, stop chan struct{}) *Kept {
	k := &Kept{feed: feed}
	if !inline {
		k.ahead = NewAhead(1, nil, stop, feed.Next)
	}
	return k
}

// Take gives what is left of the input, to one reader at a time. stop ends its waiting.
func (k *Kept) Take(stop <-chan struct{}) Feed {
	rest := k.feed
	if k.ahead != nil {
		rest = NewPrefetch(k.ahead, stop, nil)
	}
	t := &taking{first: k.past, then: rest}
	k.past = nil
	return t
}

// GiveBack puts blocks in front of what is still to be read. The reader that took them must be closed.
func (k *Kept) GiveBack(t Feed, blocks []*Block) {
	k.past = append(blocks, t.(*taking).first...)
}

// Close waits for the goroutine to end; stop must have been closed.
func (k *Kept) Close() {
	if k.ahead != nil {
		<-k.ahead.done
	}
}

// Failed gives the error with which reading has ended, nil at a proper end and while it goes on. Nobody may be reading.
func (k *Kept) Failed() error {
	if k.ahead == nil {
		return nil
	}
	if err := k.ahead.last.Load(); err != nil && *err != io.EOF {
		return *err
	}
	return nil
}

// taking is a feed of some blocks, then of another feed, which it does not close.
type taking struct {
	first []*Block
	then  Feed
}

// Next implements Feed.
func (t *taking) Next() (*Block, error) {
	if len(t.first) == 0 {
		return t.then.Next()
	}
	b := t.first[0]
	t.first = t.first[1:]
	return b, nil
}

// Close implements Feed.
func (t *taking) Close() {}
