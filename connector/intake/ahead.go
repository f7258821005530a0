package intake

import "sync/atomic"

// Ahead runs produce in a goroutine, at most a fixed number of results ahead of who takes them, in order. The channel is the only buffer: who does not take
// stops the producer.
type Ahead[T any] struct {
	out     chan Result[T]
	stop    chan struct{} // closed by Close; produce may wait on it
	done    chan struct{} // closed when the goroutine has ended
	waiting atomic.Bool   // Poll found nothing: the next result calls wake
	wake    func()
	last    atomic.Pointer[error] // what produce ended with; set before the result is sent, so who has the result finds it
	end     error                 // why the goroutine ended; valid once done is closed
	left    *Result[T]            // produced and not sent when it was stopped; valid once done is closed
}

// Result is a value, or the error behind the last one.
type Result[T any] struct {
	Value T
	Err   error // nothing follows
}

// NewAhead starts the goroutine. produce gives the next value or an error, io.EOF at the end, after which it is not called again; it must return soon
// when stop is closed. wake may be nil where only Take is used.
func NewAhead[T any](depth int, wake func(), stop chan struct{}, produce func() (T, error)) *Ahead[T] {
	a := &Ahead[T]{out: make(chan Result[T], depth), stop: stop, done: make(chan struct{}), wake: wake}
	go a.run(produce)
	return a
}

func (a *Ahead[T]) run(produce func() (T, error)) {
	defer close(a.done)
	for a.end == nil {
		v, err := produce()
		a.end = err
		if err != nil {
			a.last.Store(&err)
		}
		select {
		case a.out <- Result[T]{v, err}:
		case <-a.stop:
			a.left = &Result[T]{v, err}
			a.end = ErrStopped
			return
		}
		// The result is in the channel before the flag is read, and Poll sets the flag before it looks again: one of the two sees the other.
		if a.waiting.Swap(false) && a.wake != nil {
			a.wake()
		}
	}
}

// Poll gives a result if there is one; otherwise wake will be called.
func (a *Ahead[T]) Poll() (r Result[T], ok bool) {
	if r, ok = a.Now(); ok {
		return r, true
	}
	a.waiting.Store(true)
	if r, ok = a.Now(); ok {
		a.waiting.Store(false)
	}
	return r, ok
}

// Now gives a result if there is one.
func (a *Ahead[T]) Now() (r Result[T], ok bool) {
	select {
	case r = <-a.out:
		return r, true
	default:
		return r, false
	}
}

// Take waits for a result; false when stop is closed, which may be another stop than the producer's. Behind the end it gives the end again.
func (a *Ahead[T]) Take(stop <-chan struct{}) (r Result[T], ok bool) {
	select {
	case r = <-a.out:
		return r, true
	case <-stop:
		return r, false
	case <-a.done:
		if r, ok = a.Now(); !ok {
			r.Err = a.end
		}
		return r, true
	}
}

// Close ends the goroutine and waits for it.
func (a *Ahead[T]) Close() {
	close(a.stop)
	<-a.done
}

// Left gives, after Close, what was produced and is still here, in order.
func (a *Ahead[T]) Left() (values []T) {
	for r, ok := a.Now(); ok; r, ok = a.Now() {
		if r.Err == nil {
			values = append(values, r.Value)
		}
	}
	if a.left != nil && a.left.Err == nil {
		values = append(values, a.left.Value)
	}
	return values
}

// Prefetch is a Feed whose blocks a goroutine fills ahead.
type Prefetch struct {
	blocks *Ahead[*Block]
	stop   <-chan struct{}
	inner  Feed
}

// NewPrefetch takes from blocks until stop is closed. Closing it ends the goroutine and closes inner, which fills the blocks; with inner nil the goroutine
// outlives this feed, and another may go on taking.
func NewPrefetch(blocks *Ahead[*Block], stop <-chan struct{}, inner Feed) *Prefetch {
	return &Prefetch{blocks: blocks, stop: stop, inner: inner}
}

// Next implements Feed.
func (f *Prefetch) Next() (*Block, error) {
	r, ok := f.blocks.Take(f.stop)
	if !ok {
		return nil, ErrStopped
	}
	return r.Value, r.Err
}

// Close implements Feed.
func (f *Prefetch) Close() {
	if f.inner != nil {
		f.blocks.Close()
		f.inner.Close()
	}
}
