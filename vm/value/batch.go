package value

import (
	"math"
	"slices"
)

// RowKind says how a row changes the table that a stream describes (Flink's RowKind).
type RowKind uint8

// The kinds. Append streams hold inserts only. An UpdateBefore is always directly followed, in the same batch, by its UpdateAfter.
const (
	Insert RowKind = iota
	UpdateBefore
	UpdateAfter
	Delete
)

// String is the kind as `_op` shows it.
func (k RowKind) String() string {
	return [...]string{"insert", "update_before", "update_after", "delete"}[k]
}

// NoTime is the event time and the watermark of "none yet"; EndTime is the watermark of an input that has ended.
const (
	NoTime  int64 = math.MinInt64
	EndTime int64 = math.MaxInt64
)

// Batch is a bounded number of rows by columns. One operator owns it and reuses it; whoever gets it borrows it until the call
// returns and it has no more pending output. A nil column was pruned: nobody reads it.
//
// Len rows exist; Sel lists the live ones in ascending order, nil means all.
type Batch struct {
	Len   int
	Sel   []int32
	Cols  []*Vec
	Kinds []RowKind // nil: all Insert
	Time  []int64   // event time of each row in microseconds, or nil; survives when its column is dropped
	Mark  []int64   // its split's watermark before each row, or nil: only the stage's watermark decides lateness
	Lines *Lines    // how the rows were written where they were read, or nil
}

// Lines are rows of a batch as the bytes they were decoded from, for an encoder of the same format that would write the same. They hold for columns that are
// Cols, the very vectors, under these names, and as long as those.
type Lines struct {
	Data  []byte
	At    []Range // by row: Data[From:To] with its line end; empty where an encoder would write it in another way
	Names []string
	Cols  []*Vec
}

// Of says whether b has the rows' columns and nothing else, with nothing done to them.
func (l *Lines) Of(b *Batch, names []string) bool {
	return l != nil && b.Kinds == nil && slices.Equal(l.Cols, b.Cols) && slices.Equal(l.Names, names)
}

// Live is the number of selected rows.
func (b *Batch) Live() int {
	if b.Sel == nil {
		return b.Len
	}
	return len(b.Sel)
}

// Kind is the kind of row i.
func (b *Batch) Kind(i int32) RowKind {
	if b.Kinds == nil {
		return Insert
	}
	return b.Kinds[i]
}

// Share makes b describe the same rows as o, with columns of its own choosing to be set by the caller.
func (b *Batch) Share(o *Batch) {
	b.Len, b.Sel, b.Kinds, b.Time, b.Mark, b.Lines = o.Len, o.Sel, o.Kinds, o.Time, o.Mark, o.Lines
}

var identity = func() []int32 {
	s := make([]int32, 1<<16)
	for i := range s {
		s[i] = int32(i)
	}
	return s
}()

// MaxRows bounds the rows of one batch.
const MaxRows = 1 << 16

// Rows gives the selected row numbers, also when Sel is nil. The result is read-only and valid as long as Sel is.
func (b *Batch) Rows() []int32 {
	if b.Sel == nil {
		return identity[:b.Len]
	}
	return b.Sel
}

// Identity is 0, 1, ... n-1; read-only, n at most MaxRows.
func Identity(n int) []int32 { return identity[:n] }

// NewBatch makes a batch with empty vectors for the schema.
func NewBatch(s Schema) *Batch {
	b := &Batch{Cols: make([]*Vec, len(s.Fields))}
	for i, f := range s.Fields {
		b.Cols[i] = NewVec(f.Type)
	}
	return b
}

// Reset prepares an owned batch for n new rows: every column that exists is resized, everything is selected, there are no kinds or times.
func (b *Batch) Reset(n int) {
	b.Len, b.Sel, b.Kinds = n, nil, nil
	b.Time, b.Mark, b.Lines = nil, nil, nil
	for _, c := range b.Cols {
		if c != nil {
			c.Resize(n)
		}
	}
}
