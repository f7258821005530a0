package ordered

import (
	"errors"
	"sync"
	"sync/atomic"
)

// Shared is a database that the tables of a job use together. It is opened at the first write. Batches are applied behind, in the order of their versions, by
// one goroutine that ends with Close; or at once, where nothing may run beside its caller. Its methods may be called from several goroutines.
type Shared struct {
	open func() (DB, error)
	Room Room // for filters

	order   sync.Mutex // of Submit: versions are queued as they grow
	version atomic.Uint64
	applied atomic.Uint64
	panes   atomic.Uint64
	waiting atomic.Int64 // entries that are not applied
	most    atomic.Int64 // that ever waited
	written atomic.Int64
	stalls  atomic.Int64

	mu     sync.Mutex
	moved  *sync.Cond // of applied and err
	db     DB
	err    error // of applying: nothing is applied after it
	queue  chan batch
	ended  chan struct{}
	tables map[string]uint16
	pins   map[uint64]int // versions that running cuts read
	low    uint64         // what was last said to discard
}

type batch struct {
	entries []Entry
	at      uint64
}

// depth is how many batches wait before Submit does: with the size of a batch it bounds the lag.
const depth = 2

// NewShared makes one. behind says that batches are applied by a goroutine of its own.
func NewShared(open func() (DB, error), behind bool) *Shared {
	s := &Shared{open: open, tables: map[string]uint16{}, pins: map[uint64]int{}}
	s.moved = sync.NewCond(&s.mu)
	if behind {
		s.queue, s.ended = make(chan batch, depth), make(chan struct{})
	}
	return s
}

// Table gives the number that stands for a table in keys: the same for the same name.
func (s *Shared) Table(name string) uint16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.tables[name]; !ok {
		s.tables[name] = uint16(len(s.tables))
	}
	return s.tables[name]
}

// Pane gives a number that was never given before.
func (s *Shared) Pane() uint64 { return s.panes.Add(1) }

// DB opens the database if need be.
func (s *Shared) DB() (DB, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		db, err := s.open()
		if err != nil {
			return nil, err
		}
		s.db = db
		if s.queue != nil {
			go s.apply(db)
		}
	}
	return s.db, nil
}

// Submit lets a batch be written at a version of its own, which it returns. The entries must stay as they are until that version is applied. It waits while
// too much is queued. An error is that of opening the database or of an earlier batch.
func (s *Shared) Submit(entries []Entry) (uint64, error) {
	db, err := s.DB()
	if err != nil {
		return 0, err
	}
	waiting := s.waiting.Add(int64(len(entries)))
	for most := s.most.Load(); waiting > most && !s.most.CompareAndSwap(most, waiting); most = s.most.Load() {
	}
	s.order.Lock()
	defer s.order.Unlock()
	b := batch{entries, s.version.Add(1)}
	if s.queue == nil {
		s.write(db, b)
		return b.at, s.failed()
	}
	select {
	case s.queue <- b:
	default:
		s.stalls.Add(1)
		s.queue <- b
	}
	return b.at, s.failed()
}

// apply writes what is queued, until Close.
func (s *Shared) apply(db DB) {
	defer close(s.ended)
	for b := range s.queue {
		s.write(db, b)
	}
}

// write writes a batch and lets the database forget what nobody reads any more.
func (s *Shared) write(db DB, b batch) {
	err := s.failed()
	if err == nil {
		err = db.Write(b.entries, b.at)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.moved.Broadcast()
	s.waiting.Add(-int64(len(b.entries)))
	if err != nil {
		s.err = err
		return
	}
	s.written.Add(int64(len(b.entries)))
	s.applied.Store(b.at)
	oldest := b.at
	for v := range s.pins {
		oldest = min(oldest, v)
	}
	if oldest > s.low { // it never goes back: a later pin is of a version as of which its table has written nothing since
		s.low = oldest
		db.Discard(oldest)
	}
}

func (s *Shared) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Applied says whether the batch of a version is in the database.
func (s *Shared) Applied(at uint64) (bool, error) {
	if s.applied.Load() >= at {
		return true, nil
	}
	return false, s.failed()
}

// Wait waits until the batch of a version is in the database.
func (s *Shared) Wait(at uint64) error {
	if s.applied.Load() >= at {
		return nil
	}
	s.stalls.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.applied.Load() < at && s.err == nil {
		s.moved.Wait()
	}
	return s.err
}

// Pin keeps what is visible at a version until Unpin.
func (s *Shared) Pin(at uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pins[at]++
}

// Unpin undoes a Pin.
func (s *Shared) Unpin(at uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pins[at]--; s.pins[at] == 0 {
		delete(s.pins, at)
	}
}

// Lag is how far the database is behind.
type Lag struct {
	Written int64 // entries applied
	Waiting int64 // entries that are not
	Most    int64 // that ever waited at a time
	Stalls  int64 // times that somebody had to wait for it
}

// Lag tells how the database keeps up.
func (s *Shared) Lag() Lag {
	return Lag{Written: s.written.Load(), Waiting: s.waiting.Load(), Most: s.most.Load(), Stalls: s.stalls.Load()}
}

// Close ends the goroutine, once it has applied what is queued, and the database. Nothing may be submitted any more.
func (s *Shared) Close() error {
	s.mu.Lock()
	db := s.db
	s.db = nil
	s.mu.Unlock()
	if db == nil {
		return nil
	}
	if s.queue != nil {
		s.mu.Lock()
		if s.err == nil {
			s.err = errClosed // what is queued is worth nothing
		}
		s.mu.Unlock()
		close(s.queue)
		<-s.ended
	}
	return db.Close()
}

var errClosed = errors.New("the database is closed")
