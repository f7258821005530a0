package redial

import (
	"context"
	"net"
	"sync"

	"pipec/connector/intake"
)

// Kept is a Dialer whose connections outlive the sources that use them: when a job restarts in its process, the next attempt goes on with the same connection, behind the last
// row that was taken.
type Kept struct {
	Dialer
	mu    sync.Mutex
	lines []*Line
}

// Keep makes a Kept of a dialer. Close ends its connections.
func Keep(d Dialer) *Kept { return &Kept{Dialer: d} }

// Line is one address as one source reads it.
type Line struct {
	*intake.Kept
	feed *Feed
	name string
	used bool
	stop chan struct{}
}

// Open gives the line of a source, connected. A source that was closed leaves its line to the next one of its name and address; several of one name take them in order.
func (k *Kept) Open(ctx context.Context, name string, o Options) (line *Line, again bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, l := range k.lines {
		if l.used || l.name != name || l.feed.o.Address != o.Address {
			continue
		}
		again = true
		if !l.broken() {
			l.used = true
			return l, true, nil
		}
		l.Close()
		k.lines = append(k.lines[:i:i], k.lines[i+1:]...)
		break
	}
	if line, err = NewLine(ctx, name, o, k.Dialer); err == nil {
		line.used = true
		k.lines = append(k.lines, line)
	}
	return line, again, err
}

// Leave gives a line back.
func (k *Kept) Leave(l *Line) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l.used = false
}

// Close ends all connections.
func (k *Kept) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, l := range k.lines {
		l.Close()
	}
	k.lines = nil
	return nil
}

// NewLine connects.
func NewLine(ctx context.Context, name string, o Options, d Dialer) (*Line, error) {
	stop := make(chan struct{})
	l := &Line{feed: NewFeed(o, d, stop), name: name, stop: stop}
	if err := l.feed.Connect(ctx); err != nil {
		l.feed.Stop()
		return nil, err
	}
	l.Kept = intake.Keep(l.feed, o.Inline, stop)
	return l, nil
}

// broken says whether nothing can come over the line any more, although its input has not ended.
func (l *Line) broken() bool { return l.Kept.Failed() != nil }

// Close hangs up and waits until nobody reads.
func (l *Line) Close() {
	close(l.stop)
	l.feed.Stop()
	l.Kept.Close()
}

var _ interface {
	Dial(context.Context, string) (net.Conn, error)
} = (*Kept)(nil)
