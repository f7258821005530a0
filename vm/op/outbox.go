package op

import "pipec/vm/value"

// outbox holds batches that are ready, and emits one in each call of the operator. One, although one per port would be allowed: two ports may meet again in a `union` of the same task,
// whose consumer may still be busy with the first.
type outbox struct {
	emit  func(port int, b *value.Batch) error
	ready []parcel
	next  int
}

type parcel struct {
	port int
	b    *value.Batch
}

// put adds a batch, which must stay as it is until it has been sent and the operator is called again.
func (o *outbox) put(port int, b *value.Batch) {
	if b.Live() > 0 {
		o.ready = append(o.ready, parcel{port, b})
	}
}

// waiting says whether anything is left.
func (o *outbox) waiting() bool { return o.next < len(o.ready) }

// send emits one batch and says whether another waits.
func (o *outbox) send() (more bool, err error) {
	if !o.waiting() {
		return false, nil
	}
	p := o.ready[o.next]
	o.next++
	if o.next == len(o.ready) {
		clear(o.ready)
		o.ready, o.next = o.ready[:0], 0
	}
	if err := o.emit(p.port, p.b); err != nil {
		return false, err
	}
	return o.waiting(), nil
}
