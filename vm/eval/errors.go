package eval

import "sort"

// Errors collects the rows of one batch for which an expression failed: at most one error per row, the first.
type Errors struct {
	Rows []int32 // in order of occurrence; ascending after Sort
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

// Without removes the failed rows from sel, into dst, which may be sel itself. The result is never nil: as the selection of a batch that would mean
// all rows.
func (e *Errors) Without(dst, sel []int32) []int32 {
	if dst == nil {
		dst = make([]int32, 0, len(sel))
	}
	dst = dst[:0]
	for _, r := range sel {
		if !e.Has(r) {
			dst = append(dst, r)
		}
	}
	return dst
}

// Sort brings the errors into the order of their rows.
func (e *Errors) Sort() {
	if len(e.Rows) > 1 {
		sort.Sort((*byRow)(e))
	}
}

type byRow Errors

func (e *byRow) Len() int           { return len(e.Rows) }
func (e *byRow) Less(i, j int) bool { return e.Rows[i] < e.Rows[j] }
func (e *byRow) Swap(i, j int) {
	e.Rows[i], e.Rows[j] = e.Rows[j], e.Rows[i]
	e.Code[i], e.Code[j] = e.Code[j], e.Code[i]
	e.Text[i], e.Text[j] = e.Text[j], e.Text[i]
}
