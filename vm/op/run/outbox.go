package run

import "pipec/vm/value"

// Outbox holds batches that are ready, and emits one in each call of the operator. One, although one per port would be allowed: two ports may meet again in a `union` of the same task,
// whose consumer may still be busy with the first.
type Outbox struct {
	Emit  func(port int, b *value.Batch) error
	ready []parcel
	next  int
}

type parcel struct {
	port int
	b    *value.Batch
}

// Put adds a batch, which must stay as it is until it has been sent and the operator is called again.
func (o *Outbox) Put(port int, b *value.Batch) {
	if b.Live() > 0 {
		o.ready = append(o.ready, parcel{port, b})
	}
}

// Waiting says whether anything is left.
func (o *Outbox) Waiting() bool { return o.next < len(o.ready) }

// Send emits one batch and says whether another waits.
func (o *Outbox) Send() (more bool, err error) {
	if !o.Waiting() {
		return false, nil
	}
	p := o.ready[o.next]
	o.next++
	if o.next == len(o.ready) {
		clear(o.ready)
		o.ready, o.next = o.ready[:0], 0
	}
	if err := o.Emit(p.port, p.b); err != nil {
		return false, err
	}
	return o.Waiting(), nil
}
