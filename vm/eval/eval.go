// Package eval turns a plan.Expr into a program over column vectors and runs it batch by batch.
//
//	eval.go   Program, Compile, Run, Errors
package eval

import "pipec/vm/value"

// Errors collects the rows of one batch for which an expression failed: at most one error per row, the first.
type Errors struct {
	Rows []int32 // ascending after Sort
	Code []string
	Text []string
	seen []uint64
}

// Any says whether a row failed.
func (e *Errors) Any() bool { return len(e.Rows) > 0 }

// Reset forgets all errors before a batch of n rows.
func (e *Errors) Reset(n int) {
	e.Rows, e.Code, e.Text = e.Rows[:0], e.Code[:0], e.Text[:0]
	words := (n + 63) / 64
	if cap(e.seen) < words {
		e.seen = make([]uint64, words)
	}
	e.seen = e.seen[:words]
	clear(e.seen)
}

// Has says whether row i failed.
func (e *Errors) Has(i int32) bool { return len(e.Rows) > 0 && e.seen[i>>6]&(1<<(i&63)) != 0 }

// Add marks row i as failed unless it is already.
func (e *Errors) Add(i int32, code, text string) {
	if e.seen[i>>6]&(1<<(i&63)) != 0 {
		return
	}
	e.seen[i>>6] |= 1 << (i & 63)
	e.Rows, e.Code, e.Text = append(e.Rows, i), append(e.Code, code), append(e.Text, text)
}

// Without removes the failed rows from sel, into dst.
func (e *Errors) Without(dst, sel []int32) []int32 {
	dst = dst[:0]
	for _, r := range sel {
		if !e.Has(r) {
			dst = append(dst, r)
		}
	}
	return dst
}

// Batch is what a program reads: only the columns it uses need be there.
type Batch = value.Batch
