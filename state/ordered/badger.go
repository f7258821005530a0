package ordered

import (
	"bytes"
	"errors"
	"slices"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// Badger is a DB on disk: badger in managed mode, where versions are the caller's. It is a cache, so nothing is synced.
type Badger struct{ db *badger.DB }

// Sizes of badger's own memory, by that of the cache above it: what it writes is gathered in tables in memory, of which up to four are there at a time, and
// merged into files, each of which is put together in memory, several at a time.
const (
	leastMem, mostMem, memShare    = 2 << 20, 16 << 20, 8
	leastFile, mostFile, fileShare = 1 << 20, 8 << 20, 64
)

// OpenBadger makes a database in an empty directory, for a cache of so many bytes. Reads go straight to the mapped files: no compression, hence no block cache;
// conflicts cannot happen. Values that are large for its buffers lie in files of their own.
func OpenBadger(dir string, cache int64) (*Badger, error) {
	o := badger.DefaultOptions(dir)
	o.Logger = nil
	o.MetricsEnabled = false
	o.DetectConflicts = false
	o.NumVersionsToKeep = 1
	o.Compression = options.None
	o.BlockCacheSize = 0
	o.MemTableSize = min(max(cache/memShare, leastMem), mostMem)
	o.ValueThreshold = o.MemTableSize / 16
	o.NumMemtables = 2
	o.BaseTableSize = min(max(cache/fileShare, leastFile), mostFile)
	o.BaseLevelSize = 64 << 20
	o.ValueLogFileSize = 64 << 20
	o.NumCompactors = 2
	o.NumGoroutines = 1
	db, err := badger.OpenManaged(o)
	if err != nil {
		return nil, err
	}
	return &Badger{db}, nil
}

// Get implements DB. Keys are looked up in their order, so that neighbours find their blocks in the processor's cache.
func (b *Badger) Get(keys [][]byte, at uint64, found func(i int, value []byte) error) error {
	txn := b.db.NewTransactionAt(at, false)
	defer txn.Discard()
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(keys[a], keys[b]) })
	for _, i := range order {
		item, err := txn.Get(keys[i])
		if errors.Is(err, badger.ErrKeyNotFound) {
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

// Write implements DB.
func (b *Badger) Write(batch []Entry, at uint64) error {
	w := b.db.NewWriteBatchAt(at)
	defer w.Cancel()
	for _, e := range batch {
		var err error
		if e.Value == nil {
			err = w.Delete(e.Key)
		} else {
			err = w.Set(e.Key, e.Value)
		}
		if err != nil {
			return err
		}
	}
	return w.Flush()
}

// Scan implements DB.
func (b *Badger) Scan(prefix, after []byte, at uint64, visit func(key, value []byte) bool) error {
	txn := b.db.NewTransactionAt(at, false)
	defer txn.Discard()
	it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
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

// Discard implements DB.
func (b *Badger) Discard(below uint64) { b.db.SetDiscardTs(below) }

// Close implements DB.
func (b *Badger) Close() error { return b.db.Close() }
