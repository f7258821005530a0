package state

import (
	"pipec/compiler/plan"
	"pipec/state/budget"
)

// DefaultMaxSize is Flink's MemoryStateBackend.DEFAULT_MAX_STATE_SIZE: 5 MiB of snapshot per task.
const DefaultMaxSize = 5 << 20

func memorySpec() *Spec {
	return &Spec{
		Name: "memory",
		Doc:  "Tables on the heap; snapshots stay in the process and are small, unless `checkpoint { storage }` says where to put them.",
		Params: []plan.Param{{
			Name: "max_size", Kind: plan.SizeParam, Default: int64(DefaultMaxSize), Example: "max_size = 5MiB",
			Doc: "The most bytes of encoded keyed rows that the snapshot of one task may have; one more fails the checkpoint.",
		}},
		Open: func(c Config) (Backend, error) {
			limit := c.Settings.MaxSize
			if limit <= 0 {
				limit = DefaultMaxSize
			}
			return heapBackend{limit: limit, budget: budget.New(c.Memory)}, nil
		},
	}
}

// heapBackend keeps all rows on the heap.
type heapBackend struct {
	limit       int64
	incremental bool
	budget      *budget.Budget
}

func (b heapBackend) Store(task string, from, to, groups int) (*Store, error) {
	s := newStore(task, from, to, groups)
	s.incremental, s.budget = b.incremental, b.budget
	return s, nil
}

func (b heapBackend) Limit() int64 { return b.limit }
func (b heapBackend) Close() error { return nil }
