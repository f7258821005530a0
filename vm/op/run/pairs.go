package run

import (
	"pipec/vm/eval"
	"pipec/vm/value"
)

// Pairs decides what becomes of changes when a stage lets only some rows pass. An update is two rows, before and after: where both pass it stays an update, where only the new row
// passes it is an insert, where only the old one passes it is a delete (language A14). A row error changes nothing downstream: the table keeps what it had, and where the old row never
// got there, the new one is an insert.
type Pairs struct {
	Old   bool // consumers want the old rows of updates; otherwise they end here
	sel   []int32
	kinds []value.RowKind
}

// NoRows is a selection of nothing, with room: a nil selection would mean all rows.
func NoRows() []int32 { return make([]int32, 0, 64) }

// Settle gives the rows of b that stay, and the kinds of all rows. passed are those that pass, in ascending order; errs may be nil.
func (p *Pairs) Settle(b *value.Batch, passed []int32, errs *eval.Errors) ([]int32, []value.RowKind) {
	if p.sel == nil {
		p.sel = NoRows()
	}
	p.sel = p.sel[:0]
	p.kinds = append(p.kinds[:0], b.Kinds...)
	rows := b.Rows()
	next := 0
	pass := func(r int32) bool {
		if next < len(passed) && passed[next] == r {
			next++
			return true
		}
		return false
	}
	for i := 0; i < len(rows); i++ {
		before := rows[i]
		if b.Kinds[before] != value.UpdateBefore || i+1 == len(rows) {
			if pass(before) {
				p.sel = append(p.sel, before)
			}
			continue
		}
		i++
		after := rows[i]
		old, now := pass(before), pass(after)
		switch {
		case errs != nil && errs.Has(after):
		case old && now && p.Old:
			p.sel = append(p.sel, before, after)
		case old && now:
			p.sel = append(p.sel, after)
		case old:
			p.kinds[before] = value.Delete
			p.sel = append(p.sel, before)
		case now:
			p.kinds[after] = value.Insert
			p.sel = append(p.sel, after)
		}
	}
	return p.sel, p.kinds
}
