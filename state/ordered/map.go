package ordered

import (
	"bytes"
	"slices"
	"sort"
	"strings"
	"sync"
)

// Map is a DB in memory: the simulator's, and the model of badger in tests.
type Map struct {
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

// NewMap makes an empty one.
func NewMap() *Map { return &Map{rows: map[string][]version{}} }

// seen gives the value of a key at a version.
func (m *Map) seen(key string, at uint64) ([]byte, bool) {
	for _, v := range slices.Backward(m.rows[key]) {
		if v.at <= at {
			return v.value, !v.deleted
		}
	}
	return nil, false
}

// Get implements DB.
func (m *Map) Get(keys [][]byte, at uint64, found func(i int, value []byte) error) error {
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

// Write implements DB.
func (m *Map) Write(batch []Entry, at uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range batch {
		k := string(e.Key)
		if _, ok := m.rows[k]; !ok {
			i, _ := slices.BinarySearch(m.keys, k)
			m.keys = slices.Insert(m.keys, i, k)
		}
		m.rows[k] = append(m.rows[k], version{at, bytes.Clone(e.Value), e.Value == nil})
		m.prune(k)
		if e.Value == nil {
			m.dead = append(m.dead, k)
		}
	}
	return nil
}

// prune forgets at once what a real database forgets some time: versions that are overtaken by one that everybody sees.
func (m *Map) prune(key string) {
	vs, ok := m.rows[key]
	if !ok {
		return // it was deleted twice
	}
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

// Scan implements DB.
func (m *Map) Scan(prefix, after []byte, at uint64, visit func(key, value []byte) bool) error {
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

// Discard implements DB.
func (m *Map) Discard(below uint64) {
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

// Close implements DB.
func (m *Map) Close() error { return nil }
