// Package ordered is what the badger backend needs of a database, so narrow that an ordered map can stand in for badger.
//
//   - ordered.go  DB and Entry: the contract
//   - shared.go   Shared: versions, writing behind, forgetting, for all tables of a job
//   - filter.go   Filter: knowing that a key is not there
//   - badger.go   Badger, on disk
//   - map.go      Map, in memory: simulations run over it, because badger's files and goroutines are beyond their control
//
// A DB is a cache that dies with its process: no write is ever made durable.
package ordered

// DB holds keys in order, with versions. Reading at a version sees of each key the newest value that is not later. Methods may be
// called from several goroutines; slices passed to callbacks are valid during the call.
type DB interface {
	// Get reads some keys and calls found with the index of each that exists, in any order. An error of found ends it.
	Get(keys [][]byte, at uint64, found func(i int, value []byte) error) error
	// Write stores entries as of a version that was never used before for these keys.
	Write(batch []Entry, at uint64) error
	// Scan visits the keys with a prefix in order, those after a key if after is not nil, until visit says false.
	Scan(prefix, after []byte, at uint64, visit func(key, value []byte) bool) error
	// Discard allows to forget what nobody sees who reads at that version or later. Calls do not go back.
	Discard(below uint64)
	Close() error
}

// Entry is a key with its value; a nil value deletes.
type Entry struct{ Key, Value []byte }
