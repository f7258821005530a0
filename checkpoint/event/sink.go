package event

import (
	"io"
	"sync"
	"time"
)

// Sink takes events. Emit is called from several goroutines, must not wait for the network, and must not keep the job from going
// on: a sink that fails remembers its error.
type Sink interface {
	Emit(Event)
}

// Func is a Sink made of a function.
type Func func(Event)

// Emit implements Sink.
func (f Func) Emit(e Event) { f(e) }

// FanOut returns a Sink that hands each event to all sinks, in their order; nil ones are left out.
func FanOut(sinks ...Sink) Sink {
	var list fanOut
	for _, s := range sinks {
		if s != nil {
			list = append(list, s)
		}
	}
	return list
}

type fanOut []Sink

func (f fanOut) Emit(e Event) {
	for _, s := range f {
		s.Emit(e)
	}
}

// Emitter stamps bodies with time, job and run. It is what the engine holds.
type Emitter struct {
	Job, Run string
	Now      func() time.Time
	To       Sink // nil: nobody listens
}

// Emit sends a body on its way. A nil Emitter drops it.
func (m *Emitter) Emit(b Body) {
	if m == nil || m.To == nil {
		return
	}
	m.To.Emit(Event{Time: m.Now(), Job: m.Job, Run: m.Run, Body: b})
}

// Writer is the Sink of `--events`: one JSON object a line, each line in one Write and not buffered.
type Writer struct {
	mu  sync.Mutex
	w   io.Writer
	err error
}

// NewWriter returns a Writer to w, which stays the caller's to close.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Emit implements Sink. After the first error nothing more is written.
func (w *Writer) Emit(e Event) {
	line, err := e.MarshalJSON() // json.Marshal would escape < and > again
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return
	}
	if err == nil {
		_, err = w.w.Write(append(line, '\n'))
	}
	w.err = err
}

// Err returns the first error.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}
