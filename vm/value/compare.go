package value

import "bytes"

// Equal says whether row i of a and row j of b, two columns of one type, hold the same value. Null equals null.
func Equal(a *Vec, i int, b *Vec, j int) bool {
	if an, bn := a.IsNull(i), b.IsNull(j); an || bn {
		return an && bn
	}
	switch a.Lane {
	case LaneI64:
		return a.I64[i] == b.I64[j]
	case LaneWide:
		return a.I64[i] == b.I64[j] && a.Hi[i] == b.Hi[j]
	case LaneF64:
		return a.F64[i] == b.F64[j]
	case LaneBool:
		return a.Bool[i] == b.Bool[j]
	case LaneView:
		return EqualText(a, i, b, j)
	case LaneList:
		x, y := a.Range[i], b.Range[j]
		if x.To-x.From != y.To-y.From {
			return false
		}
		for k := range a.Kids {
			for e := range x.To - x.From {
				if !Equal(a.Kids[k], int(x.From+e), b.Kids[k], int(y.From+e)) {
					return false
				}
			}
		}
		return true
	case LaneRecord:
		for k := range a.Kids {
			if !Equal(a.Kids[k], i, b.Kids[k], j) {
				return false
			}
		}
	}
	return true
}

// EqualText is Equal for texts that are not null: one comparison of two words, unless both are long and begin alike.
func EqualText(a *Vec, i int, b *Vec, j int) bool {
	alo, ahi := a.View[i].Words()
	blo, bhi := b.View[j].Words()
	if alo != blo {
		return false
	}
	return ahi == bhi && uint32(alo) <= InlineView || uint32(alo) > InlineView && bytes.Equal(a.Text(i), b.Text(j))
}

// Compare orders row i of a and row j of b, two columns of one type: -1, 0 or 1. Null is lowest, false before true, texts by bytes, lists and
// records element by element.
func Compare(a *Vec, i int, b *Vec, j int) int {
	if an, bn := a.IsNull(i), b.IsNull(j); an || bn {
		return order(an, bn) // the null one is lower
	}
	switch a.Lane {
	case LaneI64:
		return order(a.I64[i] < b.I64[j], a.I64[i] > b.I64[j])
	case LaneWide:
		return a.Dec(i).Cmp(b.Dec(j))
	case LaneF64:
		return order(a.F64[i] < b.F64[j], a.F64[i] > b.F64[j])
	case LaneBool:
		return order(!a.Bool[i] && b.Bool[j], a.Bool[i] && !b.Bool[j])
	case LaneView:
		return bytes.Compare(a.Text(i), b.Text(j))
	case LaneList:
		return compareLists(a, a.Range[i], b, b.Range[j])
	case LaneRecord:
		for k := range a.Kids {
			if c := Compare(a.Kids[k], i, b.Kids[k], j); c != 0 {
				return c
			}
		}
	}
	return 0
}

// order is -1 if only less, 1 if only more.
func order(less, more bool) int {
	switch {
	case less == more:
		return 0
	case less:
		return -1
	}
	return 1
}

func compareLists(a *Vec, x Range, b *Vec, y Range) int {
	n, m := x.To-x.From, y.To-y.From
	for e := range min(n, m) {
		for k := range a.Kids {
			if c := Compare(a.Kids[k], int(x.From+e), b.Kids[k], int(y.From+e)); c != 0 {
				return c
			}
		}
	}
	return order(n < m, n > m)
}
