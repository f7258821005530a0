package state

import (
	"bytes"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
)

// ordered is what the badger backend needs of its database: keys in order, with versions. Reading at a version sees the newest of each key that is
// not later. Methods may be called from several goroutines; what they pass to callbacks is valid during the call.
type ordered interface {
	// get reads some keys and calls found for those that exist.
	get(keys [][]byte, at uint64, found func(i int, value []byte) error) error
	// write stores entries as of a version that was never used before for these keys.
	write(batch []entry, at uint64) error
	// scan visits the keys with a prefix in order, those after a key if after is not nil, until visit says false.
	scan(prefix, after []byte, at uint64, visit func(key, value []byte) bool) error
	// discard allows to forget what nobody sees who reads at that version or later.
	discard(below uint64)
	close() error
}

// entry is a key with its value; a nil value deletes.
type entry struct{ key, value []byte }

// library is the database that all stores of one backend share. It is opened at the first write.
type library struct {
	cache   int64 // bytes for rows in memory, of all tables
	used    atomic.Int64
	version atomic.Uint64
	open    func() (ordered, error)

	mu    sync.Mutex
	db    ordered
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
func (l *library) database() (ordered, error) {
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
func (l *library) write(batch []entry) (uint64, error) {
	db, err := l.database()
	if err != nil {
		return 0, err
	}
	at := l.version.Add(1)
	if err := db.write(batch, at); err != nil {
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
		db.discard(oldest)
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
	return l.db.close()
}

// orderedMap is an ordered in memory: the simulator's, and the model of badger in tests.
type orderedMap struct {
	mu   sync.Mutex
	keys []string // sorted
	rows map[string][]version
	dead []string // whose last version is a deletion
	low  uint64
}

type version struct {
	at      uint64
	value   []byte
	deleted bool
}

func newOrderedMap() ordered { return &orderedMap{rows: map[string][]version{}} }

// seen gives the value of a key at a version.
func (m *orderedMap) seen(key string, at uint64) ([]byte, bool) {
	for _, v := range slices.Backward(m.rows[key]) {
		if v.at <= at {
			return v.value, !v.deleted
		}
	}
	return nil, false
}

func (m *orderedMap) get(keys [][]byte, at uint64, found func(i int, value []byte) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, k := range keys {
		if v, ok := m.seen(string(k), at); ok {
			if err := found(i, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *orderedMap) write(batch []entry, at uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range batch {
		k := string(e.key)
		if _, ok := m.rows[k]; !ok {
			i, _ := slices.BinarySearch(m.keys, k)
			m.keys = slices.Insert(m.keys, i, k)
		}
		m.rows[k] = append(m.rows[k], version{at, bytes.Clone(e.value), e.value == nil})
		m.prune(k)
		if e.value == nil {
			m.dead = append(m.dead, k)
		}
	}
	return nil
}

// prune forgets at once what a real database forgets some time: versions that are overtaken by one that everybody sees.
func (m *orderedMap) prune(key string) {
	vs := m.rows[key]
	for len(vs) > 1 && vs[1].at <= m.low {
		vs = vs[1:]
	}
	m.rows[key] = vs
	if len(vs) == 1 && vs[0].deleted && vs[0].at <= m.low {
		delete(m.rows, key)
		i, _ := slices.BinarySearch(m.keys, key)
		m.keys = slices.Delete(m.keys, i, i+1)
	}
}

func (m *orderedMap) scan(prefix, after []byte, at uint64, visit func(key, value []byte) bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	from := string(prefix)
	if after != nil {
		from = string(after) + "\x00"
	}
	for _, k := range m.keys[sort.SearchStrings(m.keys, from):] {
		if !strings.HasPrefix(k, string(prefix)) {
			break
		}
		if v, ok := m.seen(k, at); ok && !visit([]byte(k), v) {
			break
		}
	}
	return nil
}

func (m *orderedMap) discard(below uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.low = below
	dead := m.dead
	m.dead = nil
	for _, k := range dead {
		if m.prune(k); len(m.rows[k]) > 0 {
			m.dead = append(m.dead, k)
		}
	}
}

func (m *orderedMap) close() error { return nil }
