package eval

import (
	"fmt"

	"pipec/compiler/plan"
	"pipec/vm/eval/lane"
	"pipec/vm/value"
)

// closure is one place where a body is evaluated for the elements of lists: the elements of all selected rows become the rows of one batch, the
// body runs over it once, and the results are folded back by row. The body is evaluated for every element, also where one would decide `any`.
type closure struct {
	frame frame
	sel   sel
	errs  Errors
	elem  value.Vec
	taken value.Vec // what `filter` keeps
	at    []int32   // of each element in the lists' child
	owner []int32   // the row of each element
	count []int32   // elements of each selected row; -1 for a null list
	rows  []int32   // 0, 1, 2, ...
	kept  []int32
}

// each makes OpEach: map, filter, any, all, none, one, count, sum; count and sum also without a body.
func (b *builder) each(e *plan.Expr) (*node, error) {
	list, err := b.build(e.Args[0])
	if err != nil {
		return nil, err
	}
	if list.typ.Kind != value.List {
		return nil, fmt.Errorf("%s is defined on lists, not on %s", e.Name, list.typ)
	}
	n := &node{typ: e.Type, args: []*node{list}}
	var body *plan.Expr
	if len(e.Args) > 1 {
		body = e.Args[1]
	}
	if err := b.closure(n, e.Name, body); err != nil {
		return nil, err
	}
	key := fmt.Sprintf("%d each %d", b.scope.id, b.next) // closures are not shared: their bodies work on their own frames
	return b.intern(key, func() (*node, error) { return n, nil })
}

// closure completes n, whose first operand is the list.
func (b *builder) closure(n *node, name string, body *plan.Expr) error {
	c := &closure{}
	b.next++
	inner := &scope{up: b.scope, id: b.next}
	inner.elem = &node{typ: *n.args[0].typ.Elem, id: b.next, run: func(_ *node, f *frame, _ *sel) *value.Vec { return f.elem }}
	b.scope = inner
	defer func() { b.scope = inner.up }()
	root := inner.elem
	if body != nil {
		var err error
		if root, err = b.build(body); err != nil {
			return err
		}
	}
	fold, err := foldOf(n, name, root)
	if err != nil {
		return err
	}
	n.run = func(n *node, f *frame, s *sel) *value.Vec {
		v := n.args[0].eval(f, s)
		c.open(f, s, v)
		var out *value.Vec
		if n.typ.Kind == value.List {
			out = n.shell(f)
		} else {
			out = n.fresh(f)
		}
		fold(n, c, root, out, s.rows)
		liftOne(out, f.n, v)
		c.errs.Sort() // the first element that fails gives its row's error
		for i, r := range c.errs.Rows {
			f.errs.Add(c.owner[r], c.errs.Code[i], c.errs.Text[i])
		}
		return out
	}
	return nil
}

// open makes the batch of elements of the selected rows.
func (c *closure) open(f *frame, s *sel, v *value.Vec) {
	c.at, c.owner, c.count = c.at[:0], c.owner[:0], c.count[:0]
	for _, r := range s.rows {
		if v.IsNull(int(r)) {
			c.count = append(c.count, -1)
			continue
		}
		span := v.Range[r]
		for e := span.From; e < span.To; e++ {
			c.at, c.owner = append(c.at, e), append(c.owner, r)
		}
		c.count = append(c.count, span.To-span.From)
	}
	for len(c.rows) < len(c.at) {
		c.rows = append(c.rows, int32(len(c.rows)))
	}
	c.kept = room(c.kept, len(c.at))
	c.errs.Reset(len(c.at))
	takeShape(&c.elem, v.Kids[0])
	c.elem.Take(v.Kids[0], c.at)
	c.frame = frame{n: len(c.at), errs: &c.errs, run: f.tick(), clock: f.clock, up: f, upSel: s, owner: c.owner, elem: &c.elem}
	c.sel = sel{rows: c.rows[:len(c.at)], gen: f.tick()}
}

// takeShape gives v own children for the records that Take fills field by field.
func takeShape(v, src *value.Vec) {
	v.Lane = src.Lane
	if src.Lane != value.LaneRecord {
		return
	}
	for i, kid := range src.Kids {
		if i == len(v.Kids) {
			v.Kids = append(v.Kids, nil)
		}
		if v.Kids[i] == nil {
			v.Kids[i] = &value.Vec{}
		}
		takeShape(v.Kids[i], kid)
	}
}

// lifting reads a column of the enclosing batch: each element sees its row's value.
func lifting(inner *node) *node {
	return &node{typ: inner.typ, args: []*node{inner}, run: func(n *node, f *frame, _ *sel) *value.Vec {
		if n.out != nil && n.used == f.run {
			return n.out
		}
		v := n.args[0].eval(f.up, f.upSel)
		if n.out == nil {
			n.out = &value.Vec{}
		}
		n.used = f.run
		takeShape(n.out, v)
		n.out.Take(v, f.owner)
		return n.out
	}}
}

// folding turns the elements' results into one result per row.
type folding func(n *node, c *closure, body *node, out *value.Vec, rows []int32)

func foldOf(n *node, name string, body *node) (folding, error) {
	switch name {
	case "map":
		return foldMap, nil
	case "filter":
		return foldFilter, nil
	case "any", "all", "none", "one", "count":
		if name == "count" && body.typ.Kind != value.Bool {
			return foldLength, nil
		}
		return foldCount(name), nil
	case "sum":
		if !body.typ.Numeric() && body.typ.Kind != value.Duration {
			return nil, noKernel(n, name)
		}
		return foldSum, nil
	}
	return nil, fmt.Errorf("no such closure: %s", name)
}

func foldMap(n *node, c *closure, body *node, out *value.Vec, rows []int32) {
	v := body.eval(&c.frame, &c.sel)
	out.Kids = append(out.Kids, v)
	at := int32(0)
	for i, r := range rows {
		out.Range[r] = value.Range{From: at, To: at + max(c.count[i], 0)}
		at = out.Range[r].To
	}
}

func foldFilter(n *node, c *closure, body *node, out *value.Vec, rows []int32) {
	kept := body.pick(&c.frame, &c.sel, c.kept)
	takeShape(&c.taken, &c.elem)
	c.taken.Take(&c.elem, kept)
	out.Kids = append(out.Kids, &c.taken)
	end, k := int32(0), 0
	for i, r := range rows {
		end += max(c.count[i], 0)
		from := k
		for k < len(kept) && kept[k] < end {
			k++
		}
		out.Range[r] = value.Range{From: int32(from), To: int32(k)}
	}
}

func foldLength(n *node, c *closure, body *node, out *value.Vec, rows []int32) {
	for i, r := range rows {
		out.I64[r] = int64(max(c.count[i], 0))
	}
}

func foldCount(name string) folding {
	return func(n *node, c *closure, body *node, out *value.Vec, rows []int32) {
		kept := body.pick(&c.frame, &c.sel, c.kept)
		end, k := int32(0), 0
		for i, r := range rows {
			all := max(c.count[i], 0)
			end += all
			from := k
			for k < len(kept) && kept[k] < end {
				k++
			}
			hits := int32(k - from)
			switch name {
			case "any":
				out.Bool[r] = hits > 0
			case "all":
				out.Bool[r] = hits == all
			case "none":
				out.Bool[r] = hits == 0
			case "one":
				out.Bool[r] = hits == 1
			default:
				out.I64[r] = int64(hits)
			}
		}
	}
}

// foldSum adds what is not null; the sum of nothing is 0. Ints and decimals are summed on 128 bits, so only the result counts.
func foldSum(n *node, c *closure, body *node, out *value.Vec, rows []int32) {
	v := body.eval(&c.frame, &c.sel)
	e := 0
	for i, r := range rows {
		var sum value.Dec
		var float float64
		ok := true
		for range max(c.count[i], 0) {
			if !v.IsNull(e) {
				if v.Lane == value.LaneF64 {
					float += v.F64[e]
				} else {
					var fits bool
					sum, fits = sum.Add(v.Dec(e))
					ok = ok && fits
				}
			}
			e++
		}
		if v.Lane == value.LaneF64 {
			out.F64[r] = float
			if lane.Infinite(float) < 0 {
				n.owed(c, r, codeInfinite, "the sum is not finite")
			}
			continue
		}
		narrow, fits := sum.Int()
		switch {
		case n.typ.Kind != value.Decimal:
			ok = ok && fits
			out.I64[r] = narrow
		default:
			ok = ok && sum.Fits(int(n.typ.Precision))
			out.SetDec(int(r), sum)
		}
		if !ok {
			n.owed(c, r, codeRange, fmt.Sprintf("the sum is out of the range of %s", n.typ.NotNull()))
		}
	}
}

// owed reports an error of a row of the enclosing batch.
func (n *node) owed(c *closure, r int32, code, text string) { c.frame.up.errs.Add(r, code, text) }
