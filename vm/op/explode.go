package op

import (
	"fmt"
	"slices"

	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/vm/eval"
	"pipec/vm/op/run"
	"pipec/vm/value"
)

func explodeSpec() Spec {
	return Spec{
		Verb:     "explode",
		Doc:      "Makes a row of each element of a list; `at` numbers them from 0. An empty list, or null, gives no row, with `keep empty` one whose element is null.",
		Syntax:   "explode LIST as NAME [at NAME] [keep empty]",
		Examples: []string{"from orders |> explode words(customer) as word at i", "from orders |> explode tags as tag keep empty"},
		Check:    checkExplode,
		New:      newExplode,
	}
}

// Explode is the Config of explode. The output is the input's columns, the element and, with At, its number.
type Explode struct {
	List  *plan.Expr `json:"list"`
	At    bool       `json:"at,omitempty"`
	Empty bool       `json:"keep_empty,omitempty"`
	// Unread are columns of the input that nobody reads behind it: they are left out.
	Unread []int `json:"unread,omitempty"`
}

// Wants implements Config.
func (x *Explode) Wants(ports [][]bool, in []bool) {
	for i := range in {
		in[i] = in[i] || len(ports) > 0 && i < len(ports[0]) && ports[0][i]
	}
	x.List.Columns(in)
}

// Prune implements Pruner.
func (x *Explode) Prune(ports [][]bool) {
	x.Unread = nil
	width := len(ports[0]) - 1
	if x.At {
		width--
	}
	for i, read := range ports[0][:width] {
		if !read {
			x.Unread = append(x.Unread, i)
		}
	}
}

func checkExplode(c *Check) Stream {
	c.closed()
	stage := c.Stage.Op.(*grammar.Explode)
	c.appends(c.In, c.keyword())
	x := c.Expr(stage.List, c.scope(c.In.Type.Schema))
	var element value.Type
	switch {
	case x == nil || x.Expr.Type.Kind == value.Unknown:
	case x.Expr.Type.Kind != value.List:
		d := errorAt("T309", stage.List.Span(), "`explode` takes a list, but this is %s", x.Expr.Type.Article())
		if x.Expr.Type.Kind == value.String {
			d.WithHelp("make a list of it: `words(%s)`, or `split(%s, \",\")`", stage.List.Text, stage.List.Text)
		}
		c.say(d)
	default:
		element = *x.Expr.Type.Elem
		element.Nullable = element.Nullable || stage.KeepEmpty
	}
	t := c.In.Type
	t.Schema = c.extend(t.Schema, stage.As, element)
	config := &Explode{List: expr(x), At: stage.At != nil, Empty: stage.KeepEmpty}
	if stage.At != nil {
		number := value.Of(value.Int)
		number.Nullable = stage.KeepEmpty
		t.Schema = c.extend(t.Schema, stage.At, number)
	}
	t.Mode, t.ModeKey = plan.Append, nil
	return c.forward(Node{Kind: "explode", Ports: []plan.Port{{Type: t}}, Config: config, Fails: fails(x)}, same)
}

// extend is a schema with one more column, whose name must be new.
func (c *Check) extend(s value.Schema, name *grammar.Name, t value.Type) value.Schema {
	if s.Index(name.Text) >= 0 {
		c.twice(name.Text, name.Span())
		return s
	}
	return s.With(name.Text, t)
}

// explode goes through the elements of a batch once, in pieces of at most a batch of output. The columns of a piece are gathered: text is shared, not copied; elements that lie side by side, as
// those of lists that were just made do, are not moved at all.
type explode struct {
	run.Outbox
	config *Explode
	list   *eval.Program
	errors *RowErrors
	errs   eval.Errors
	size   int

	in     *value.Batch // while elements of it are left
	column *value.Vec
	rows   []int32
	at     int   // in rows
	from   int32 // next element of that row, counted from 0
	sel    []int32
	spans  []span
	n      int     // rows of the piece
	parent []int32 // input row of each output row
	child  []int32 // its element in the list's child
	empty  []int32 // output rows without one
	times  []int64
	marks  []int64
	beside *value.Vec // the element, in the list's own memory
	taken  *value.Vec // the element, gathered
	blank  *value.Vec // the element where all are null
	out    *value.Batch
	own    []*value.Vec // the columns of out; some are left out where they were pruned, which after a union can differ from batch to batch
}

// span is rows of output from one row of input: elements of its list, or none at all in one row.
type span struct {
	row   int32
	first int32 // in the list's child; -1: there is none
	n     int32
	from  int32 // number of the first in its list
}

func newExplode(c *Context) (Operator, error) {
	config, ok := c.Node.Config.(*Explode)
	if !ok {
		return nil, fmt.Errorf("%s: a config of type %T", c.Node.ID, c.Node.Config)
	}
	list, err := eval.Compile(config.List, c.Env)
	if err != nil {
		return nil, err
	}
	element := *config.List.Type.Elem
	x := &explode{
		beside: value.NewVec(element), taken: value.NewVec(element), blank: value.NewVec(element),
		config: config, list: list, errors: c.Errors, Outbox: run.Outbox{Emit: c.Emit}, size: run.BatchSize(c.Job), out: value.NewBatch(c.Node.Ports[0].Type.Schema),
	}
	x.own = append(x.own, x.out.Cols...)
	return x, nil
}

// Process implements Operator.
func (x *explode) Process(b *value.Batch) (bool, error) {
	x.errs.Reset(b.Len)
	rows := b.Rows()
	x.column = x.list.Run(b, rows, &x.errs)
	if x.errs.Any() {
		x.sel = x.errs.Without(x.sel, rows)
		rows = x.sel
	}
	if err := x.errors.Add(&x.Outbox, b, &x.errs); err != nil {
		return false, err
	}
	x.in, x.rows, x.at, x.from = b, rows, 0, 0
	return x.Resume()
}

// Advance implements Operator.
func (x *explode) Advance(int64) (bool, error) { return false, nil }

// Resume implements Operator.
func (x *explode) Resume() (bool, error) {
	if !x.Waiting() && x.at < len(x.rows) {
		x.fill()
	}
	more, err := x.Send()
	return more || x.at < len(x.rows), err
}

// fill makes the next piece of output.
func (x *explode) fill() {
	x.spans, x.empty, x.n = x.spans[:0], x.empty[:0], 0
	for ; x.at < len(x.rows) && x.n < x.size; x.at++ {
		r := x.rows[x.at]
		var list value.Range
		if !x.column.IsNull(int(r)) {
			list = x.column.Range[r]
		}
		if list.From == list.To {
			if x.config.Empty {
				x.empty = append(x.empty, int32(x.n))
				x.spans = append(x.spans, span{r, -1, 1, 0})
				x.n++
			}
			continue
		}
		take := min(list.To-list.From-x.from, int32(x.size-x.n))
		x.spans = append(x.spans, span{r, list.From + x.from, take, x.from})
		x.n += int(take)
		if x.from += take; x.from < list.To-list.From {
			break
		}
		x.from = 0
	}
	if x.n > 0 {
		x.gather()
		x.Put(0, x.out)
	}
}

// gather copies the columns of the rows in spans.
func (x *explode) gather() {
	in, out, n := x.in, x.out, x.n
	out.Len, out.Sel, out.Kinds = n, nil, nil
	x.parent = x.parent[:0]
	width := len(in.Cols)
	for i, c := range in.Cols {
		if c == nil || slices.Contains(x.config.Unread, i) {
			out.Cols[i] = nil
		} else {
			out.Cols[i] = x.own[i]
			out.Cols[i].Take(c, x.parents())
		}
	}
	out.Cols[width] = x.element(n)
	if x.config.At {
		number := out.Cols[width+1]
		number.Resize(n)
		x.count(number.I64)
		x.nulls(number, n)
	}
	out.Time, out.Mark = nil, nil
	if in.Time != nil {
		x.times, out.Time = run.Gather(x.times, in.Time, x.parents())
	}
	if in.Mark != nil {
		x.marks, out.Mark = run.Gather(x.marks, in.Mark, x.parents())
	}
}

// parents gives the input row of each output row.
func (x *explode) parents() []int32 {
	if len(x.parent) == x.n {
		return x.parent
	}
	for _, s := range x.spans {
		for range s.n {
			x.parent = append(x.parent, s.row)
		}
	}
	return x.parent
}

// count numbers the elements.
func (x *explode) count(to []int64) {
	for _, s := range x.spans {
		for i := range to[:s.n] {
			to[i] = int64(s.from) + int64(i)
		}
		to = to[s.n:]
	}
}

// element gives the elements. Where there is none at all the child may have no entries, so none is touched. The vectors are not one: what has taken the lists of another, or lies in the memory of
// one, may not be resized.
func (x *explode) element(n int) *value.Vec {
	if len(x.empty) == n {
		x.blank.Resize(n)
		clear(x.blank.View)
		clear(x.blank.Range)
		x.nulls(x.blank, n)
		return x.blank
	}
	kid := x.column.Kids[0]
	if from, ok := x.together(); ok && x.beside.Cut(kid, from, from+n) {
		return x.beside
	}
	some := int32(0)
	for _, s := range x.spans {
		some = max(some, s.first) // any that exists is good for rows without one: it is null there
	}
	x.child = x.child[:0]
	for _, s := range x.spans {
		first := s.first
		if first < 0 {
			first = some
		}
		for i := range s.n {
			x.child = append(x.child, first+i)
		}
	}
	x.taken.Take(kid, x.child)
	x.nulls(x.taken, n)
	return x.taken
}

// together says whether the elements lie side by side, and where.
func (x *explode) together() (from int, ok bool) {
	next := x.spans[0].first
	for _, s := range x.spans {
		if s.first != next {
			return 0, false
		}
		next += s.n
	}
	return int(x.spans[0].first), len(x.empty) == 0
}

// nulls takes the values of rows without element away.
func (x *explode) nulls(dst *value.Vec, n int) {
	for _, i := range x.empty {
		dst.SetNull(int(i), n)
	}
}
