package eval

import (
	"fmt"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// convert makes OpConvert: widening of numbers, another scale of decimals, T to T?, and the same inside lists and records.
func (b *builder) convert(n *node) error {
	from, to := n.args[0].typ, n.typ
	if lit := n.args[0].lit; lit != nil {
		if c, ok := convertLiteral(lit, from, to); ok {
			*n = *literal(c, to)
			return nil
		}
	}
	switch {
	case from.Lane() == to.Lane() && (from.Kind == to.Kind && from.Kind != value.Decimal && from.Kind != value.List && from.Kind != value.Map && from.Kind != value.Record):
		n.run = func(n *node, f *frame, s *sel) *value.Vec { return n.args[0].eval(f, s) } // other words or nullability
	case from.Kind == value.Int && to.Kind == value.Float:
		n.run = intToFloat
	case from.Kind == value.Decimal && to.Kind == value.Float:
		decimalToFloat(n)
	case (from.Kind == value.Int || from.Kind == value.Decimal) && to.Kind == value.Decimal:
		rescale(n)
	case from.Kind == value.List && to.Kind == value.List:
		return b.convertList(n)
	case from.Kind == value.Map && to.Kind == value.Map && from.Key.Lane() == to.Key.Lane() && from.Elem.Lane() == to.Elem.Lane():
		n.run = func(n *node, f *frame, s *sel) *value.Vec { return n.args[0].eval(f, s) }
	case from.Kind == value.Record && to.Kind == value.Record && len(from.Fields) == len(to.Fields):
		return b.convertRecord(n)
	default:
		return fmt.Errorf("no conversion from %s to %s", from, to)
	}
	return nil
}

// convertLiteral converts a constant if that cannot fail.
func convertLiteral(lit *plan.Literal, from, to value.Type) (*plan.Literal, bool) {
	switch {
	case lit.Kind == value.Null:
		return lit, true
	case from.Kind == value.Int && to.Kind == value.Float:
		return &plan.Literal{Kind: value.Float, Float: float64(lit.Int)}, true
	case (from.Kind == value.Int || from.Kind == value.Decimal) && to.Kind == value.Decimal:
		d := value.DecOf(lit.Int)
		if from.Lane() == value.LaneWide {
			d.Hi = lit.Hi
		}
		d, ok := d.Rescale(int(from.Scale), int(to.Scale), value.HalfAway)
		return &plan.Literal{Kind: value.Decimal, Hi: d.Hi, Int: int64(d.Lo)}, ok && d.Fits(int(to.Precision))
	}
	return nil, false
}

func intToFloat(n *node, f *frame, s *sel) *value.Vec {
	a := n.args[0].eval(f, s)
	out := n.fresh(f)
	for _, r := range s.rows {
		out.F64[r] = float64(a.I64[r])
	}
	liftOne(out, f.n, a)
	return out
}

func decimalToFloat(n *node) {
	scale := int(n.args[0].typ.Scale)
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		a := n.args[0].eval(f, s)
		out := n.fresh(f)
		for _, r := range s.rows {
			out.F64[r] = a.Dec(int(r)).Float(scale)
		}
		liftOne(out, f.n, a)
		return out
	}
}

// rescale is decimal (or int) to decimal; digits that go are rounded half away from zero, a number that is too large is a row error.
func rescale(n *node) {
	from, to, digits := int(n.args[0].typ.Scale), int(n.typ.Scale), int(n.typ.Precision)
	whole := int(n.args[0].typ.AsDecimal().Precision) - from
	plain := to >= from && whole+to <= digits && n.typ.Lane() == value.LaneI64 // no rounding, and it always fits one lane
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		a := n.args[0].eval(f, s)
		out := n.fresh(f)
		liftOne(out, f.n, a)
		if plain {
			unit := value.Power(to - from)
			for _, r := range s.rows {
				out.I64[r] = a.I64[r] * unit
			}
			return out
		}
		for _, r := range s.rows {
			d, ok := a.Dec(int(r)).Rescale(from, to, value.HalfAway)
			out.SetDec(int(r), d)
			if (!ok || !d.Fits(digits)) && !out.IsNull(int(r)) {
				f.errs.Add(r, codeRange, fmt.Sprintf("%s does not fit %s", value.AppendDecimal(nil, a.Dec(int(r)), from), n.typ.NotNull()))
			}
		}
		return out
	}
}

// convertList is `map(list, convert(#))`.
func (b *builder) convertList(n *node) error {
	if n.args[0].typ.Elem.Kind == value.Null || n.args[0].typ.Elem.Kind == value.Unknown { // the empty list
		n.run = func(n *node, f *frame, s *sel) *value.Vec {
			a := n.args[0].eval(f, s)
			out := n.fresh(f)
			liftOne(out, f.n, a)
			return out // all ranges are empty
		}
		return nil
	}
	if n.args[0].typ.Elem.Same(*n.typ.Elem) {
		n.run = func(n *node, f *frame, s *sel) *value.Vec { return n.args[0].eval(f, s) }
		return nil
	}
	body := &plan.Expr{Op: plan.OpConvert, Type: *n.typ.Elem, Args: []*plan.Expr{{Op: plan.OpElem, Type: *n.args[0].typ.Elem}}}
	return b.closure(n, "map", body)
}

func (b *builder) convertRecord(n *node) error {
	from, fields := n.args[0], make([]*node, len(n.typ.Fields))
	for i := range n.typ.Fields {
		get := &node{typ: from.typ.Fields[i].Type, args: []*node{from}}
		if err := field(get, from.typ.Fields[i].Name); err != nil {
			return err
		}
		var err error
		if fields[i], err = b.intern(fmt.Sprintf("%d field #%d %d", b.scope.id, from.id, i), func() (*node, error) { return get, nil }); err != nil {
			return err
		}
		if fields[i], err = b.converted(fields[i], n.typ.Fields[i].Type); err != nil {
			return err
		}
	}
	n.args = append([]*node{from}, fields...)
	n.out = value.NewVec(n.typ)
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		v := n.args[0].eval(f, s)
		for i, a := range n.args[1:] {
			n.out.Kids[i] = a.eval(f, s)
		}
		liftOne(n.out, f.n, v)
		return n.out
	}
	return nil
}
