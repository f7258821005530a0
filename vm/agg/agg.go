// Package agg is the catalogue of aggregate functions: one file each, one table.
//
// An aggregate keeps its accumulators in words of a state slot (value.Slot), so that the state of a million keys holds no pointer; what does not fit
// goes to the table's value.Heap. Accumulators start as zeros, and the zeros of any aggregate mean "no rows yet".
//
//	agg.go              Spec, Update, Merge, Unmerge, Result, the table and its look-up
//	count.go            count
//	count_distinct.go   count_distinct, over run.go: sets of values as sorted runs
//	sum.go avg.go       sum and avg, over wide.go: sums that cannot overflow
//	min_max.go          min and max
//	first_last.go       first and last, by event time
//	cell.go             values of any type in words of a slot
//
// Kernels get the rows of a whole batch and loop over them once. None allocates per row; what they need between rows is borrowed from a pool.
package agg

import (
	"fmt"
	"sync"

	"pipec/vm/value"
)

// Spec is one aggregate function.
type Spec struct {
	Name     string
	Doc      string
	Params   []string
	Optional int
	// Check gives the type of the result for argument types (with nullability); filtered says that `where` follows (language A22).
	Check func(args []value.Type, filtered bool) (value.Type, error)
	// Fields are its accumulators, in slot order.
	Fields func(args []value.Type) []value.StateField
	// Update adds the rows of u. Null arguments are skipped by it.
	Update func(u *Update)
	// Merge adds the accumulators of src to dst (for windows that share panes). The rows of src count as having arrived after those of dst.
	Merge func(m *Merge)
	// Unmerge takes the accumulators of src, which were merged before, out of dst again, exactly. It gives nil for types for which that cannot be; a nil Unmerge is for none.
	Unmerge func(args []value.Type) func(m *Merge)
	// Result writes the value of each slot. A failure (sum out of range) is a row error of the emission.
	Result   func(r *Result)
	Examples []Example
	Flink    string
}

// Example shows a use: values of the column x, the call and the result.
type Example struct {
	Values string // [1, 2, null]
	Call   string // sum(x)
	Result string // 3
}

// Update is the rows of one batch for one aggregate: slot i belongs to row Rows[i].
type Update struct {
	Slots []value.Slot
	Rows  []int32
	Args  []*value.Vec
	Types []value.Type
	Time  []int64 // event time by row, or nil
	Word  int     // the aggregate's first word in each slot
	Heap  value.Heap
}

// Merge is pairs of slots of one aggregate.
type Merge struct {
	Dst, Src []value.Slot
	Types    []value.Type
	Word     int
	DstHeap  value.Heap
	SrcHeap  value.Heap
}

// Result writes entry i of Out from slot i; Out has room for len(Slots) rows.
type Result struct {
	Slots []value.Slot
	Types []value.Type // of the arguments
	Type  value.Type   // of the result
	Word  int
	Heap  value.Heap
	Out   *value.Vec
	Fail  func(i int32, code, text string)
}

// Words is the number of words that fields take in a slot.
func Words(fields []value.StateField) int {
	n := 0
	for _, f := range fields {
		n += f.Cell.Words()
	}
	return n
}

// table lists the aggregates. It is a function because a package-level slice would be part of an initialisation cycle.
func table() []Spec {
	return []Spec{
		count(),
		countDistinct(),
		sum(),
		avg(),
		extreme("min", -1),
		extreme("max", 1),
		pick("first", false),
		pick("last", true),
	}
}

// All lists the aggregates in the order of the reference.
var All = sync.OnceValue(table)

var index = sync.OnceValue(func() map[string]*Spec {
	m := map[string]*Spec{}
	for i := range All() {
		m[All()[i].Name] = &All()[i]
	}
	return m
})

// Lookup finds an aggregate by name.
func Lookup(name string) (*Spec, bool) {
	s, ok := index()[name]
	return s, ok
}

// takes is the error of an argument that does not fit.
func takes(name, what string, got value.Type) error {
	return fmt.Errorf("`%s` takes %s, but this is %s", name, what, got.Article())
}

// nullable is the type of an aggregate that has no result where no row counted (language A22).
func nullable(t, arg value.Type, filtered bool) value.Type {
	t.Nullable = filtered || arg.Nullable
	return t
}
