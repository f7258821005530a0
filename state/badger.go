package state

import (
	"errors"
	"path"
	"sync/atomic"

	"pipec/compiler/plan"
	"pipec/state/ordered"
)

// DefaultCache is the memory for rows that the badger backend has unless told otherwise.
const DefaultCache = 256_000_000 // 256MB

// CacheOf is the part of a job's memory that is for rows: as much again and more goes to the database's own buffers, to queues and to snapshots on their way.
func CacheOf(memory int64) int64 { return max((memory-cacheRest)/3, leastCache) >> 20 << 20 }

const (
	cacheRest  = 64 << 20
	leastCache = 8 << 20
)

func badgerSpec() *Spec {
	return &Spec{
		Name: "badger",
		Doc:  "State larger than memory: a bounded cache over a local database, snapshots in `path`.",
		Params: []plan.Param{pathParam(), incrementalParam(),
			{Name: "cache", Kind: plan.SizeParam, Default: int64(DefaultCache), Example: "cache = 1GB", Doc: "Memory for rows, of all tasks together; a third of `memory`, if that is set."},
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
			b := newCached(c, true, func() (ordered.DB, error) {
				if err := c.FS.MkdirAll(dir); err != nil {
					return nil, err
				}
				return ordered.OpenBadger(dir, c.Settings.Cache)
			})
			b.wipe = func() error { return c.FS.RemoveAll(dir) }
			return b, nil
		},
	}
}

// Simulated is the badger backend over an ordered map in memory: what simulations run instead of the real one, whose files and goroutines are
// beyond their control.
func Simulated(c Config) Backend {
	return newCached(c, false, func() (ordered.DB, error) { return ordered.NewMap(), nil })
}

// cachedBackend keeps rows in memory up to the size of its cache and the others in a database.
type cachedBackend struct {
	lib         library
	incremental bool
	wipe        func() error
}

// filterShare is the part of the cache's size that filters may have beside it.
const filterShare = 8

func newCached(c Config, behind bool, open func() (ordered.DB, error)) *cachedBackend {
	b := &cachedBackend{incremental: c.Settings.Incremental, wipe: func() error { return nil }}
	b.lib.Shared, b.lib.cache = ordered.NewShared(open, behind), c.Settings.Cache
	if b.lib.cache <= 0 {
		b.lib.cache = DefaultCache
	}
	b.lib.Room.Most = b.lib.cache / filterShare
	return b
}

func (b *cachedBackend) Store(task string, from, to, groups int) (*Store, error) {
	s := newStore(task, from, to, groups)
	s.lib, s.incremental = &b.lib, b.incremental
	return s, nil
}

func (b *cachedBackend) Limit() int64 { return 0 }

func (b *cachedBackend) Close() error { return errors.Join(b.lib.Close(), b.wipe()) }

// library is what all stores of one backend share: the cache's memory, and the database behind it.
type library struct {
	*ordered.Shared
	cache int64 // bytes for rows in memory, of all tables
	used  atomic.Int64
}
