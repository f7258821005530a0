// Package redial reads from connections that come back: what a peer sends, over one connection after the other.
//
//	redial.go   Dialer; Net, the network's; Feed: the blocks of an address
//	keep.go     Keep: connections that outlive the attempts of a job
package redial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"pipec/connector/intake"
	"pipec/vm/clock"
)

// Dialer makes connections.
type Dialer interface {
	// Dial connects to host:port; it returns when ctx is done.
	Dial(ctx context.Context, address string) (net.Conn, error)
}

// Net dials over TCP. The system asks a silent peer from time to time whether it is still there, so that a dead one is found out.
func Net() Dialer { return network{} }

type network struct{}

// Dial implements Dialer.
func (network) Dial(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	return d.DialContext(ctx, "tcp", address)
}

const dialTimeout = 10 * time.Second

// Pauses between tries: the first is short, for a peer that is restarted is back at once; they grow to the longest.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 15 * time.Second
)

// Options say what to read.
type Options struct {
	Address   string
	Reconnect bool // a connection that ends is made anew; else its end is that of the input
	Inline    bool // no goroutine: instead of waiting for the next try Next gives intake.ErrWait. It waits for bytes
	Clock     clock.Clock
	Note      func(text string)
}

// Feed reads one address. A connection is an input of its own, with a header of its own. Where the peer closes it, a last line without a line end is a line; where it breaks, it
// is none.
type Feed struct {
	o      Options
	dialer Dialer
	pool   *intake.Pool
	ctx    context.Context
	cancel context.CancelFunc
	pauses *backoff.ExponentialBackOff
	in     *intake.Input // of the connection
	retry  time.Time     // inline: when to try again
	lost   bool          // a connection was lost, and none made since
	end    error

	mu   sync.Mutex
	conn net.Conn // nil: none
	dead bool     // Stop was called
}

// NewFeed makes a feed that is not connected. stop, closed by whoever calls Stop, ends a waiting Next.
func NewFeed(o Options, d Dialer, stop <-chan struct{}) *Feed {
	limit := intake.BlocksMax
	if o.Inline {
		limit = 0
	}
	f := &Feed{o: o, dialer: d, pool: intake.NewPool(limit, stop), pauses: backoff.NewExponentialBackOff()}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.pauses.InitialInterval, f.pauses.MaxInterval = firstPause, longestPause
	f.pauses.Reset()
	return f
}

// Connect makes the first connection. It must not be called while somebody reads.
func (f *Feed) Connect(ctx context.Context) error {
	conn, err := f.dialer.Dial(ctx, f.o.Address)
	if err != nil {
		return err
	}
	return f.use(conn)
}

// use takes a connection, unless the feed has been stopped.
func (f *Feed) use(conn net.Conn) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		return errors.Join(intake.ErrStopped, conn.Close())
	}
	f.conn = conn
	f.in = &intake.Input{Name: f.o.Address, Live: true}
	return nil
}

// Next implements intake.Feed. It passes on what one Read gives, however little it is.
func (f *Feed) Next() (*intake.Block, error) {
	for f.end == nil {
		conn, err := f.connected()
		if err != nil {
			return nil, err
		}
		b, err := f.pool.Get(f.in)
		if err != nil {
			return nil, err
		}
		n, err := conn.Read(b.Space())
		b.Filled(n)
		switch {
		case n > 0 && err != io.EOF: // an error comes again
			f.pauses.Reset()
			return b, nil
		case err == nil:
			b.Discard()
			continue
		}
		return f.ended(b, err)
	}
	return nil, f.end
}

// ended closes a connection that has ended, well or not; b is what came with the end.
func (f *Feed) ended(b *intake.Block, err error) (*intake.Block, error) {
	f.hangUp()
	switch {
	case f.stopped():
		b.Discard()
		return nil, intake.ErrStopped
	case f.o.Reconnect:
		f.lost = true
		why := "the peer closed the connection"
		if err != io.EOF {
			why = "the connection broke: " + Reason(err)
		}
		f.o.Note(f.o.Address + ": " + why + "; connecting again")
		b.Last, b.Cut = err == io.EOF, err != io.EOF
		return b, nil
	case err == io.EOF:
		b.Last, f.in.Final, f.end = true, true, io.EOF
		return b, nil
	}
	b.Discard()
	f.end = fmt.Errorf("%s: the connection broke: %w", f.o.Address, err)
	return nil, f.end
}

// Reason is an error of the network without the addresses, which are known, and without the call.
func Reason(err error) string {
	op, call := new(net.OpError), new(os.SyscallError)
	switch {
	case errors.As(err, &call):
		return call.Err.Error()
	case errors.As(err, &op):
		return op.Err.Error()
	}
	return err.Error()
}

// connected gives the connection, a new one if need be.
func (f *Feed) connected() (net.Conn, error) {
	f.mu.Lock()
	conn := f.conn
	f.mu.Unlock()
	for conn == nil {
		if err := f.pause(); err != nil {
			return nil, err
		}
		fresh, err := f.dialer.Dial(f.ctx, f.o.Address)
		if err != nil {
			if f.stopped() {
				return nil, intake.ErrStopped
			}
			f.retry = f.o.Clock.Now().Add(f.pauses.NextBackOff())
			continue
		}
		if err := f.use(fresh); err != nil {
			return nil, err
		}
		conn = fresh
		if f.lost {
			f.lost = false
			f.o.Note(f.o.Address + ": connected again")
		}
		// A peer that accepts and hangs up at once is not asked in a hurry: only what it sends shortens the pause.
		f.retry = f.o.Clock.Now().Add(f.pauses.NextBackOff())
	}
	return conn, nil
}

// pause waits until it is time for the next try.
func (f *Feed) pause() error {
	d := f.retry.Sub(f.o.Clock.Now())
	if d <= 0 {
		return nil
	}
	if f.o.Inline {
		return intake.ErrWait
	}
	timer := f.o.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-f.ctx.Done():
		return intake.ErrStopped
	case <-timer.C():
		return nil
	}
}

func (f *Feed) stopped() bool { return f.ctx.Err() != nil }

// Stop ends the feed from any goroutine: a waiting Next returns.
func (f *Feed) Stop() {
	f.cancel()
	f.mu.Lock()
	f.dead = true
	f.mu.Unlock()
	f.hangUp()
}

func (f *Feed) hangUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn != nil {
		_ = f.conn.Close() // it was only read from
		f.conn = nil
	}
}

// Close implements intake.Feed. Connections are kept: see Stop.
func (f *Feed) Close() {}
