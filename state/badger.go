package state

import (
	"bytes"
	"errors"
	"path"

	badgerdb "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"pipec/compiler/plan"
)

// DefaultCache is the memory for rows that the badger backend has unless told otherwise.
const DefaultCache = 256 << 20

func badgerSpec() *Spec {
	return &Spec{
		Name: "badger",
		Doc:  "State larger than memory: a bounded cache over a local database, snapshots in `path`.",
		Params: []plan.Param{pathParam(), incrementalParam(),
			{Name: "cache", Kind: plan.SizeParam, Default: int64(DefaultCache), Example: "cache = 1GB", Doc: "Memory for rows, of all tasks together."},
			{Name: "local", Kind: plan.TextParam, Example: `local = "/var/tmp/pipec"`, Doc: "Directory of the local database, which is worth nothing after the job; under the user's state directory unless set."},
		},
		Open: func(c Config) (Backend, error) {
			dir := path.Join(c.Local, "badger")
			if err := c.FS.RemoveAll(dir); err != nil {
				return nil, err
			}
			b := newCached(c, func() (ordered, error) {
				if err := c.FS.MkdirAll(dir); err != nil {
					return nil, err
				}
				return openBadger(dir)
			})
			b.wipe = func() error { return c.FS.RemoveAll(dir) }
			return b, nil
		},
	}
}

// Simulated is the badger backend over an ordered map in memory: what simulations run instead of the real one, whose files and goroutines are
// beyond their control.
func Simulated(c Config) Backend {
	return newCached(c, func() (ordered, error) { return newOrderedMap(), nil })
}

// cachedBackend keeps rows in memory up to the size of its cache and the others in a database.
type cachedBackend struct {
	lib         library
	incremental bool
	wipe        func() error
}

func newCached(c Config, open func() (ordered, error)) *cachedBackend {
	b := &cachedBackend{incremental: c.Settings.Incremental, wipe: func() error { return nil }}
	b.lib.cache, b.lib.open = c.Settings.Cache, open
	if b.lib.cache <= 0 {
		b.lib.cache = DefaultCache
	}
	return b
}

func (b *cachedBackend) Store(task string, from, to, groups int) (*Store, error) {
	s := newStore(task, from, to, groups)
	s.lib = &b.lib
	return s, nil
}

func (b *cachedBackend) Limit() int64 { return 0 }

func (b *cachedBackend) Close() error { return errors.Join(b.lib.close(), b.wipe()) }

// badgerDB is an ordered over badger in managed mode: versions are ours. It is a cache, so nothing is synced.
type badgerDB struct{ db *badgerdb.DB }

// openBadger opens an empty database. Reads go straight to the mapped files: no compression, hence no block cache; conflicts cannot happen; the
// small write buffer keeps memory and flushes small.
func openBadger(dir string) (ordered, error) {
	o := badgerdb.DefaultOptions(dir)
	o.Logger = nil
	o.MetricsEnabled = false
	o.DetectConflicts = false
	o.NumVersionsToKeep = 1
	o.Compression = options.None
	o.BlockCacheSize = 0
	o.MemTableSize = 16 << 20
	o.NumMemtables = 2
	o.BaseTableSize = 8 << 20
	o.BaseLevelSize = 64 << 20
	o.ValueLogFileSize = 64 << 20
	o.NumCompactors = 2
	o.NumGoroutines = 1
	db, err := badgerdb.OpenManaged(o)
	if err != nil {
		return nil, err
	}
	return badgerDB{db}, nil
}

func (b badgerDB) get(keys [][]byte, at uint64, found func(i int, value []byte) error) error {
	txn := b.db.NewTransactionAt(at, false)
	defer txn.Discard()
	for i, k := range keys {
		item, err := txn.Get(k)
		if errors.Is(err, badgerdb.ErrKeyNotFound) {
			continue
		}
		if err == nil {
			err = item.Value(func(v []byte) error { return found(i, v) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b badgerDB) write(batch []entry, at uint64) error {
	w := b.db.NewWriteBatchAt(at)
	defer w.Cancel()
	for _, e := range batch {
		var err error
		if e.value == nil {
			err = w.Delete(e.key)
		} else {
			err = w.Set(e.key, e.value)
		}
		if err != nil {
			return err
		}
	}
	return w.Flush()
}

func (b badgerDB) scan(prefix, after []byte, at uint64, visit func(key, value []byte) bool) error {
	txn := b.db.NewTransactionAt(at, false)
	defer txn.Discard()
	it := txn.NewIterator(badgerdb.IteratorOptions{Prefix: prefix})
	defer it.Close()
	if after == nil {
		it.Seek(prefix)
	} else { // visit may overwrite after, so it is looked at before
		if it.Seek(after); it.Valid() && bytes.Equal(it.Item().Key(), after) {
			it.Next()
		}
	}
	for ; it.Valid(); it.Next() {
		item := it.Item()
		more := true
		if err := item.Value(func(v []byte) error { more = visit(item.Key(), v); return nil }); err != nil {
			return err
		}
		if !more {
			return nil
		}
	}
	return nil
}

func (b badgerDB) discard(below uint64) { b.db.SetDiscardTs(below) }
func (b badgerDB) close() error         { return b.db.Close() }
