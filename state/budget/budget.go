// Package budget divides the memory of a job among the tables on the heap: budget.go has Budget, Share of one table, and FullError.
package budget

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
)

// Budget is the memory that the tables of a job may have together: what `memory` leaves beside the collector's room, queues and snapshots on their way. A nil
// Budget is no limit. Its methods may be called from several goroutines.
type Budget struct {
	memory int64 // the setting
	most   int64
	used   atomic.Int64
	mu     sync.Mutex
	shares []*Share
}

// Of a budget, so much is not for tables: a part, and no less than that.
const (
	otherLeast = 24 << 20
	otherShare = 4
)

// New makes the budget of a job that may use so many bytes; nil for 0, no limit.
func New(memory int64) *Budget {
	if memory <= 0 {
		return nil
	}
	return &Budget{memory: memory, most: memory - max(memory/otherShare, otherLeast)}
}

// Used is the bytes of all tables, as they last told.
func (b *Budget) Used() int64 { return b.used.Load() }

// Share is what one table has of it. A nil Share counts nothing.
type Share struct {
	budget *Budget
	node   string
	bytes  atomic.Int64
	rows   atomic.Int64
}

// Share adds a table of that plan node.
func (b *Budget) Share(node string) *Share {
	if b == nil {
		return nil
	}
	s := &Share{budget: b, node: node}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shares = append(b.shares, s)
	return s
}

// step is how much a table may grow without telling.
const step = 64 << 10

// Charge tells how large the table is, in bytes and rows. The error, a *FullError, says that all together have become too large.
func (s *Share) Charge(bytes int64, rows int) error {
	grown := bytes - s.bytes.Load()
	if grown < step && grown > -step {
		return nil
	}
	s.bytes.Add(grown)
	s.rows.Store(int64(rows))
	if all := s.budget.used.Add(grown); grown > 0 && all > s.budget.most {
		return s.budget.full(all)
	}
	return nil
}

// Release gives everything back.
func (s *Share) Release() {
	if s != nil {
		s.budget.used.Add(-s.bytes.Swap(0))
	}
}

// FullError says that the state of a job does not fit into its memory.
type FullError struct {
	Node   string // with the largest tables
	Rows   int64  // in them
	Bytes  int64  // of them
	All    int64  // bytes of all tables
	Most   int64  // that they may have
	Memory int64  // the setting
}

// Error implements error.
func (e *FullError) Error() string {
	return fmt.Sprintf("the state does not fit into `memory = %s`, of which it may have %s: %s has %d rows in %s, all stages together %s; raise `memory`, or use `state badger`, which keeps on disk what does not fit",
		mebibytes(e.Memory), mebibytes(e.Most), e.Node, e.Rows, mebibytes(e.Bytes), mebibytes(e.All))
}

func mebibytes(n int64) string { return strconv.FormatInt(n>>20, 10) + "MiB" }

// full finds the node whose tables, of all tasks, are the largest.
func (b *Budget) full(all int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	sums := map[string]*FullError{}
	var largest *FullError
	for _, s := range b.shares {
		if sums[s.node] == nil {
			sums[s.node] = &FullError{Node: s.node, All: all, Most: b.most, Memory: b.memory}
		}
		e := sums[s.node]
		e.Bytes += s.bytes.Load()
		e.Rows += s.rows.Load()
		if largest == nil || e.Bytes > largest.Bytes {
			largest = e
		}
	}
	return largest
}
