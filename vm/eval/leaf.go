package eval

import (
	"pipec/compiler/plan"
	"pipec/vm/value"
)

// column is a column of the batch, as it is.
func column(col int, t value.Type) *node {
	return &node{typ: t, run: func(_ *node, f *frame, _ *sel) *value.Vec { return f.cols[col] }}
}

// literal is a constant, written once for as many rows as ever were needed.
func literal(lit *plan.Literal, t value.Type) *node {
	n := &node{typ: t, lit: lit}
	have := 0
	n.run = func(n *node, f *frame, _ *sel) *value.Vec {
		if n.out == nil || have < f.n {
			have = max(f.n, 1024)
			n.out = constant(lit, t, have)
		}
		return n.out
	}
	if lit.Kind == value.Bool {
		n.pass = func(_ *node, _ *frame, s *sel, dst []int32) []int32 {
			if lit.Bool {
				return dst[:copy(dst, s.rows)]
			}
			return dst[:0]
		}
	}
	return n
}

// constant is a column of n times the same value.
func constant(lit *plan.Literal, t value.Type, n int) *value.Vec {
	v := value.NewVec(t)
	v.Resize(n)
	if lit.Kind == value.Null {
		clear(v.Bitmap(n))
		clear(v.View)
		clear(v.Range)
		return v
	}
	switch v.Lane {
	case value.LaneI64:
		fill(v.I64, lit.Int)
	case value.LaneWide:
		fill(v.I64, lit.Int)
		fill(v.Hi, lit.Hi)
	case value.LaneF64:
		fill(v.F64, lit.Float)
	case value.LaneBool:
		fill(v.Bool, lit.Bool)
	case value.LaneView:
		v.SetString(0, lit.Text)
		fill(v.View, v.View[0])
	}
	return v
}

func fill[T any](lane []T, x T) {
	for i := range lane {
		lane[i] = x
	}
}

// isNull says whether a node is the literal null.
func (n *node) isNull() bool { return n.lit != nil && n.lit.Kind == value.Null }
