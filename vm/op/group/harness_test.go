package group

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"pipec/compiler/plan"
	"pipec/state"
	"pipec/state/vfs"
	"pipec/vm/fn"
	"pipec/vm/op/run"
	"pipec/vm/value"
)

// tester is what a test and a rapid check have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// row is one input row of the tests: columns key: int, name: string?, x: int?.
type row struct {
	key        int64
	name       string // "" is null
	x          int64
	null       bool // x
	time, mark int64
}

var inSchema = value.Schema{Fields: []value.Field{
	{Name: "key", Type: value.Of(value.Int)}, {Name: "name", Type: value.Of(value.String).Null()}, {Name: "x", Type: value.Of(value.Int).Null()},
}}

// batchOf builds a batch of rows; those for which live is false are there but not selected.
func batchOf(rows []row, live func(r row) bool) *value.Batch {
	b := value.NewBatch(inSchema)
	b.Reset(len(rows))
	b.Sel = []int32{}
	for i, r := range rows {
		b.Cols[0].I64[i] = r.key
		b.Cols[1].SetString(i, r.name)
		if r.name == "" {
			b.Cols[1].SetNull(i, len(rows))
		}
		b.Cols[2].I64[i] = r.x
		if r.null {
			b.Cols[2].SetNull(i, len(rows))
		}
		b.Time, b.Mark = append(b.Time, r.time), append(b.Mark, r.mark)
		if live(r) {
			b.Sel = append(b.Sel, int32(i))
		}
	}
	return b
}

func all(row) bool { return true }

// out is one emitted row.
type out struct {
	kind value.RowKind
	id   string // key and window
	text string // the whole row
	time int64
}

// task is one operator with its store, and what it has emitted.
type task struct {
	t       tester
	op      run.Operator
	store   *state.Store
	stats   run.Stats
	outs    []out
	late    []out
	bad     []string
	largest int // live rows of an emitted batch
	w       int64
}

// spec is an operator to test.
type spec struct {
	window *Window
	before bool
	late   bool
	errors bool
	skip   bool
	drop   bool // forget what is emitted
	size   int
	keys   []int
	aggs   []plan.Aggregate
	items  []*plan.Expr // nil: each aggregate
	types  []value.Type
}

const groups = 16

func aggregate(name string, arg *plan.Expr, where *plan.Expr, t value.Type) plan.Aggregate {
	a := plan.Aggregate{Func: name, Type: t, Where: where, Text: name}
	if arg != nil {
		a.Args = []*plan.Expr{arg}
	}
	return a
}

func col(i int) *plan.Expr { return plan.Column(i, inSchema.Fields[i].Type) }

func (s *spec) node() *plan.Node {
	config := &Config{Keys: s.keys, Window: s.window, Aggregates: s.aggs}
	var schema value.Schema
	for _, k := range s.keys {
		schema.Fields = append(schema.Fields, inSchema.Fields[k])
	}
	if s.window != nil {
		at := value.Of(value.Timestamp)
		schema = schema.With("window_start", at).With("window_end", at)
	}
	n := len(schema.Fields)
	config.Items = s.items
	for i, a := range s.aggs {
		config.Names = append(config.Names, fmt.Sprintf("a%d", i))
		if s.items == nil {
			config.Items = append(config.Items, plan.Column(n+i, a.Type))
		}
	}
	for i, e := range config.Items {
		schema = schema.With(fmt.Sprintf("a%d", i), e.Type)
	}
	node := &plan.Node{ID: "s/aggregate/1", Kind: "aggregate", Config: config, Ports: []plan.Port{{Type: plan.StreamType{Schema: schema, Mode: plan.Append}}}}
	if s.late {
		config.Late = len(node.Ports)
		node.Ports = append(node.Ports, plan.Port{Name: "late", Type: plan.StreamType{Schema: inSchema}})
	}
	if s.errors {
		node.Errors = len(node.Ports)
		node.Ports = append(node.Ports, plan.Port{Name: "bad", Type: run.ErrorStream()})
	}
	return node
}

// start makes task i of n, with the state of the files that concerns it.
func (s *spec) start(t tester, i, n int, files [][]byte) *task {
	t.Helper()
	k := &task{t: t, w: value.NoTime}
	memory, _ := state.Lookup("memory")
	backend, err := memory.Open(state.Config{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	from, to := value.GroupRange(i, n, groups)
	if k.store, err = backend.Store("t", from, to, groups); err != nil {
		t.Fatal(err)
	}
	node := s.node()
	c := &run.Context{
		Job: &plan.Job{MaxParallel: groups, BatchSize: s.size, SkipErrors: s.skip}, Node: node, Before: s.before,
		Inputs: []plan.StreamType{{Schema: inSchema, Timed: true}}, Store: k.store, Env: &fn.Env{}, Stats: &k.stats,
	}
	c.Emit = func(port int, b *value.Batch) error {
		if !s.drop {
			k.take(node, port, b)
		}
		return nil
	}
	c.Errors = run.NewRowErrors(c)
	if k.op, err = New(c); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := state.OpenFile(bytes.NewReader(file), int64(len(file)))
		if err == nil {
			err = k.store.Load(f)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// take notes emitted rows. Rows that are not selected must never be looked at, so they are ignored here.
func (k *task) take(node *plan.Node, port int, b *value.Batch) {
	k.largest = max(k.largest, b.Live())
	schema := node.Ports[port].Type.Schema
	ids := 0
	if port == 0 {
		for _, f := range schema.Fields {
			if !strings.HasPrefix(f.Name, "a") {
				ids++
			}
		}
	}
	for _, r := range b.Rows() {
		o := out{kind: b.Kind(r)}
		if b.Time != nil {
			o.time = b.Time[r]
		}
		var cells []string
		for c, f := range schema.Fields {
			cells = append(cells, cell(b.Cols[c], f.Type, int(r)))
		}
		o.id, o.text = strings.Join(cells[:ids], " "), strings.Join(cells, " ")
		switch {
		case port == node.Errors && port > 0:
			k.bad = append(k.bad, o.text)
		case port > 0:
			k.late = append(k.late, o)
		default:
			k.outs = append(k.outs, o)
		}
	}
}

func cell(v *value.Vec, t value.Type, i int) string {
	if v.IsNull(i) {
		return "null"
	}
	switch t.Kind {
	case value.Float:
		return strconv.FormatFloat(v.F64[i], 'g', -1, 64)
	case value.String:
		return string(v.Text(i))
	}
	return strconv.FormatInt(v.I64[i], 10)
}

// must drives an operator to the end of its pending output.
func (k *task) must(more bool, err error) {
	k.t.Helper()
	for n := 0; err == nil && more; n++ {
		if n > 1_000_000 {
			k.t.Fatal("the operator never has enough")
		}
		more, err = k.op.Resume()
	}
	if err != nil {
		k.t.Fatal(err)
	}
}

func (k *task) process(b *value.Batch) {
	k.t.Helper()
	if b.Live() > 0 {
		k.must(k.op.Process(b))
	}
}

func (k *task) advance(w int64) {
	k.t.Helper()
	if w > k.w {
		k.w = w
		k.must(k.op.Advance(w))
	}
}

// finish reads a snapshot to its end.
func finish(t tester, c *state.Snapshot, file []byte, budget int) []byte {
	t.Helper()
	for {
		chunk, done, err := c.Next(budget)
		if err != nil {
			t.Fatal(err)
		}
		if file = append(file, chunk...); done {
			return file
		}
	}
}

// fold keeps the last row of each key, and fails where a change makes no sense: an insert of what is there, an update or delete of what is not, an old row that was another.
func fold(table map[string]string, outs []out, before bool) error {
	for i, o := range outs {
		had, there := table[o.id]
		switch o.kind {
		case value.Insert:
			if there {
				return fmt.Errorf("insert of %s, which is there", o.text)
			}
			table[o.id] = o.text
		case value.UpdateBefore:
			if !there || had != o.text || i+1 == len(outs) || outs[i+1].kind != value.UpdateAfter || outs[i+1].id != o.id {
				return fmt.Errorf("old row %s, but the table has %q", o.text, had)
			}
		case value.UpdateAfter:
			if !there || before && (i == 0 || outs[i-1].kind != value.UpdateBefore || outs[i-1].id != o.id) {
				return fmt.Errorf("update of %s, which is not there or has no old row before it", o.text)
			}
			table[o.id] = o.text
		case value.Delete:
			return fmt.Errorf("an aggregate deletes %s", o.text)
		}
	}
	return nil
}

// model is what an aggregation of some rows gives, by definition.
type model struct {
	count, sum, maximum int64
	any                 bool
	distinct            map[int64]bool
}

func (m *model) add(r row) {
	m.count++
	if r.null {
		return
	}
	if m.distinct == nil {
		m.distinct = map[int64]bool{}
	}
	m.distinct[r.x] = true
	m.sum += r.x
	if !m.any || r.x > m.maximum {
		m.maximum = r.x
	}
	m.any = true
}

// text is the row of standard: count() sum(x) max(x) count_distinct(x) count() where x > 5, and sum(x) + count().
func (m *model) text(id string) string {
	high := 0
	for x := range m.distinct {
		if x > 5 {
			high++
		}
	}
	maximum := "null"
	if m.any {
		maximum = strconv.FormatInt(m.maximum, 10)
	}
	return fmt.Sprintf("%s %d %d %s %d %d %d", id, m.count, m.sum, maximum, len(m.distinct), high, m.sum+m.count)
}

// exact is the row of exact.
func (m *model) exact(id string) string {
	return fmt.Sprintf("%s %d %d %d", id, m.count, m.sum, m.sum+m.count)
}

// exact is standard with nothing but aggregates that can be taken out of a sum again: overlapping windows go another way then.
func exact(s spec) *spec {
	integer := value.Of(value.Int)
	s.aggs = []plan.Aggregate{aggregate("count", nil, nil, integer), aggregate("sum", col(2), nil, integer)}
	s.keys = []int{0, 1}
	s.items = []*plan.Expr{plan.Column(4, integer), plan.Column(5, integer),
		{Op: plan.OpAdd, Type: integer, Args: []*plan.Expr{plan.Column(5, integer), plan.Column(4, integer)}}}
	return &s
}

// standard is the aggregates that the model knows.
func standard(s spec) *spec {
	integer := value.Of(value.Int)
	six := &plan.Expr{Op: plan.OpLiteral, Type: integer.Null(), Lit: &plan.Literal{Kind: value.Int, Int: 5}}
	high := &plan.Expr{Op: plan.OpCoalesce, Type: value.Of(value.Bool), Args: []*plan.Expr{
		{Op: plan.OpGt, Type: value.Of(value.Bool).Null(), Args: []*plan.Expr{col(2), six}},
		{Op: plan.OpLiteral, Type: value.Of(value.Bool), Lit: &plan.Literal{Kind: value.Bool}},
	}}
	s.aggs = []plan.Aggregate{
		aggregate("count", nil, nil, integer), aggregate("sum", col(2), nil, integer), aggregate("max", col(2), nil, integer.Null()),
		aggregate("count_distinct", col(2), nil, integer), aggregate("count_distinct", col(2), high, integer),
	}
	s.keys = []int{0, 1}
	n := len(s.keys)
	if s.window != nil {
		n += 2
	}
	for i, a := range s.aggs {
		s.items = append(s.items, plan.Column(n+i, a.Type))
	}
	s.items = append(s.items, &plan.Expr{Op: plan.OpAdd, Type: integer, Args: []*plan.Expr{plan.Column(n+1, integer), plan.Column(n, integer)}})
	return &s
}
