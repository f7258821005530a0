// Package agg is the catalogue of aggregate functions: one file each, one table.
//
// An aggregate keeps its accumulators in words of a state slot (value.Slot), so that the state of a million keys holds no pointer; what does not fit
// goes to the table's value.Heap.
//
//	agg.go   Spec, Update, Result, the table and its look-up
package agg

import "pipec/vm/value"

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
	// Merge adds the accumulators of src to dst (for windows that share panes).
	Merge func(m *Merge)
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

// Lookup finds an aggregate by name.
func Lookup(name string) (*Spec, bool) {
	s, ok := index()[name]
	return s, ok
}
