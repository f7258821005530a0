package state

import (
	"errors"
	"path"
	"sync"
	"sync/atomic"

	"pipec/compiler/plan"
	"pipec/state/ordered"
)

// DefaultCache is the memory for rows that the badger backend has unless told otherwise.
const DefaultCache = 256_000_000 // 256MB

func badgerSpec() *Spec {
	return &Spec{
		Name: "badger",
		Doc:  "State larger than memory: a bounded cache over a local database, snapshots in `path`.",
		Params: []plan.Param{pathParam(), incrementalParam(),
			{Name: "cache", Kind: plan.SizeParam, Default: int64(DefaultCache), Example: "cache = 1GB", Doc: "Memory for rows, of all tasks together."},
			{Name: "local", Kind: plan.TextParam, Example: `local = "/var/tmp/pipec"`, Doc: "Directory of the local database, which is worth nothing after the job; under the user's state directory unless set."},
		},
		Open: func(c Config) (Backend, error) {
			if c.Inline {
				return Simulated(c), nil
			}
			if c.Local == "" {
				return nil, errors.New("state badger needs a directory for its local database")
			}
			dir := path.Join(c.Local, "badger")
			if err := c.FS.RemoveAll(dir); err != nil {
				return nil, err
			}
			b := newCached(c, func() (ordered.DB, error) {
				if err := c.FS.MkdirAll(dir); err != nil {
					return nil, err
				}
				return ordered.OpenBadger(dir)
			})
			b.wipe = func() error { return c.FS.RemoveAll(dir) }
			return b, nil
		},
	}
}

// Simulated is the badger backend over an ordered map in memory: what simulations run instead of the real one, whose files and goroutines are
// beyond their control.
func Simulated(c Config) Backend {
	return newCached(c, func() (ordered.DB, error) { return ordered.NewMap(), nil })
}

// cachedBackend keeps rows in memory up to the size of its cache and the others in a database.
type cachedBackend struct {
	lib         library
	incremental bool
	wipe        func() error
}

func newCached(c Config, open func() (ordered.DB, error)) *cachedBackend {
	b := &cachedBackend{incremental: c.Settings.Incremental, wipe: func() error { return nil }}
	b.lib.cache, b.lib.open = c.Settings.Cache, open
	if b.lib.cache <= 0 {
		b.lib.cache = DefaultCache
	}
	return b
}

func (b *cachedBackend) Store(task string, from, to, groups int) (*Store, error) {
	s := newStore(task, from, to, groups)
	s.lib, s.incremental = &b.lib, b.incremental
	return s, nil
}

func (b *cachedBackend) Limit() int64 { return 0 }

func (b *cachedBackend) Close() error { return errors.Join(b.lib.close(), b.wipe()) }

// library is the database that all stores of one backend share. It is opened at the first write.
type library struct {
	cache   int64 // bytes for rows in memory, of all tables
	used    atomic.Int64
	version atomic.Uint64
	open    func() (ordered.DB, error)

	mu    sync.Mutex
	db    ordered.DB
	ops   map[string]uint16
	pins  map[uint64]int // versions that running cuts read
	low   uint64         // what was last said to discard
	panes atomic.Uint64
}

// op gives the number that stands for a table in keys. Tables of the same name in several tasks share it: their key groups differ.
func (l *library) op(node, name string) uint16 {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := node + "\x00" + name
	if _, ok := l.ops[id]; !ok {
		if l.ops == nil {
			l.ops = map[string]uint16{}
		}
		l.ops[id] = uint16(len(l.ops))
	}
	return l.ops[id]
}

// database opens it if need be.
func (l *library) database() (ordered.DB, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.db == nil {
		db, err := l.open()
		if err != nil {
			return nil, err
		}
		l.db = db
	}
	return l.db, nil
}

// write stores a batch at a version of its own, which it returns.
func (l *library) write(batch []ordered.Entry) (uint64, error) {
	db, err := l.database()
	if err != nil {
		return 0, err
	}
	at := l.version.Add(1)
	if err := db.Write(batch, at); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	oldest := at
	for v := range l.pins {
		oldest = min(oldest, v)
	}
	if oldest > l.low { // it never goes back: a later pin is of a version as of which its table has written nothing since
		l.low = oldest
		db.Discard(oldest)
	}
	return at, nil
}

// pin keeps what is visible at a version until unpin.
func (l *library) pin(at uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pins == nil {
		l.pins = map[uint64]int{}
	}
	l.pins[at]++
}

func (l *library) unpin(at uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pins[at]--; l.pins[at] == 0 {
		delete(l.pins, at)
	}
}

func (l *library) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.db == nil {
		return nil
	}
	return l.db.Close()
}
