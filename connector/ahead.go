package connector

import "sync/atomic"

// ahead runs produce in a goroutine, at most a fixed number of results ahead of who takes them, in order. The channel is the only buffer: who does not take
// stops the producer.
type ahead[T any] struct {
	out     chan result[T]
	stop    chan struct{} // closed by close; produce may wait on it
	done    chan struct{} // closed when the goroutine has ended
	waiting atomic.Bool   // poll found nothing: the next result calls wake
	wake    func()
	end     error      // why it ended; valid once done is closed
	left    *result[T] // produced and not sent when it was stopped; valid once done is closed
}

type result[T any] struct {
	value T
	err   error // the last result: nothing follows
}

// newAhead starts the goroutine. produce gives the next value or an error, io.EOF at the end, after which it is not called again; it must return soon
// when stop is closed. wake may be nil where only take is used.
func newAhead[T any](depth int, wake func(), stop chan struct{}, produce func() (T, error)) *ahead[T] {
	a := &ahead[T]{out: make(chan result[T], depth), stop: stop, done: make(chan struct{}), wake: wake}
	go a.run(produce)
	return a
}

func (a *ahead[T]) run(produce func() (T, error)) {
	defer close(a.done)
	for a.end == nil {
		v, err := produce()
		a.end = err
		select {
		case a.out <- result[T]{v, err}:
		case <-a.stop:
			a.left = &result[T]{v, err}
			a.end = errStopped
			return
		}
		// The result is in the channel before the flag is read, and poll sets the flag before it looks again: one of the two sees the other.
		if a.waiting.Swap(false) && a.wake != nil {
			a.wake()
		}
	}
}

// poll gives a result if there is one; otherwise wake will be called.
func (a *ahead[T]) poll() (r result[T], ok bool) {
	if r, ok = a.now(); ok {
		return r, true
	}
	a.waiting.Store(true)
	if r, ok = a.now(); ok {
		a.waiting.Store(false)
	}
	return r, ok
}

func (a *ahead[T]) now() (r result[T], ok bool) {
	select {
	case r = <-a.out:
		return r, true
	default:
		return r, false
	}
}

// take waits for a result; false when stop is closed, which may be another stop than the producer's. Behind the end it gives the end again.
func (a *ahead[T]) take(stop <-chan struct{}) (r result[T], ok bool) {
	select {
	case r = <-a.out:
		return r, true
	case <-stop:
		return r, false
	case <-a.done:
		if r, ok = a.now(); !ok {
			r.err = a.end
		}
		return r, true
	}
}

// close ends the goroutine and waits for it.
func (a *ahead[T]) close() {
	close(a.stop)
	<-a.done
}
