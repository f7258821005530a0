package group

import (
	"fmt"

	"pipec/compiler/plan"
	"pipec/state"
	"pipec/vm/agg"
	"pipec/vm/eval"
	"pipec/vm/op/run"
	"pipec/vm/value"
)

// grouping is what all operators have that keep aggregates by key: the programs of the arguments, the layout of a slot, and the way from a row to its slot. Rows are handled a batch at a time:
// all arguments, then all keys, then all slots, then one loop per aggregate.
type grouping struct {
	config *Config
	parts  []part
	table  *state.Table
	schema state.Schema // of table
	types  []value.Type // of the key
	groups int          // key groups
	timed  bool

	cols   []*value.Vec
	keys   value.Keys
	slots  []value.Slot
	fresh  []bool  // of rows that are the first to have their slot
	first  []int32 // those, as indices of slots
	repeat repeats
	folded bool         // slots are those of again
	rows   []int32      // rows that take part
	subR   []int32      // those of one aggregate with a `where`
	subS   []value.Slot // and their slots
	in     agg.Update
}

// part is one aggregate.
type part struct {
	spec  *agg.Spec
	typ   value.Type
	types []value.Type // of the arguments
	args  []*eval.Program
	where *eval.Program
	word  int
	item  int // the first output that reads it

	vecs []*value.Vec // arguments of this batch
	rows []int32      // rows of this batch that pass where
}

// newGrouping compiles the expressions and makes the state. first are fields before those of the aggregates.
func newGrouping(c *run.Context, config *Config, first ...value.StateField) (*grouping, error) {
	g := &grouping{config: config, groups: c.Job.MaxParallel, timed: c.Inputs[0].Timed, types: []value.Type{}}
	for _, k := range config.Keys {
		g.types = append(g.types, c.Inputs[0].Schema.Fields[k].Type)
	}
	schema := state.Schema{Node: c.Node.ID, Name: c.Node.Kind, Key: g.types, Namespaced: config.Window != nil, Fields: first}
	var fields []int // first field of each part
	for i := range config.Aggregates {
		p, err := newPart(&config.Aggregates[i], c)
		if err != nil {
			return nil, err
		}
		p.item = readBy(config, i)
		fields = append(fields, len(schema.Fields))
		for _, f := range p.spec.Fields(p.types) {
			schema.Fields = append(schema.Fields, value.StateField{Name: config.Names[i] + "." + f.Name, Cell: f.Cell})
		}
		g.parts = append(g.parts, p)
	}
	g.table, g.schema = c.Store.Table(schema), schema
	for i := range g.parts {
		g.parts[i].word = g.table.Word(fields[i])
	}
	return g, nil
}

func newPart(a *plan.Aggregate, c *run.Context) (p part, err error) {
	if p.spec, err = function(a); err != nil {
		return p, err
	}
	p.typ = a.Type
	for _, e := range a.Args {
		program, err := eval.Compile(e, c.Env)
		if err != nil {
			return p, err
		}
		p.args, p.types = append(p.args, program), append(p.types, e.Type)
	}
	if a.Where != nil {
		p.where, err = eval.Compile(a.Where, c.Env)
	}
	p.vecs = make([]*value.Vec, len(p.args))
	return p, err
}

// readBy is the number of the first output that reads aggregate i.
func readBy(config *Config, i int) int {
	column := len(config.Keys) + i
	if config.Window != nil {
		column += 2
	}
	for n, item := range config.Items {
		found := false
		item.Walk(func(e *plan.Expr) { found = found || e.Op == plan.OpColumn && e.Col == column })
		if found {
			return n
		}
	}
	return len(config.Items)
}

// evaluate computes the conditions and arguments of all aggregates for the rows and gives those without an error: a row that fails in one aggregate leaves the whole stage (2.18, 17).
func (g *grouping) evaluate(b *value.Batch, rows []int32, errs *eval.Errors) []int32 {
	for i := range g.parts {
		p := &g.parts[i]
		sel := rows
		if p.where != nil {
			p.rows = p.where.Filter(b, rows, p.rows, errs)
			sel = p.rows
		}
		for k, program := range p.args {
			p.vecs[k] = program.Run(b, sel, errs)
		}
	}
	if !errs.Any() {
		return rows
	}
	g.rows = errs.Without(g.rows, rows)
	return g.rows
}

// locate finds the slots of the rows in a table of that schema, made where they are not: in the pane that each belongs to, or in one if starts are all the same. rows may repeat.
func (g *grouping) locate(t *state.Table, b *value.Batch, rows []int32, starts []int64) error {
	g.cols = g.cols[:0]
	for _, k := range g.config.Keys {
		g.cols = append(g.cols, b.Cols[k])
	}
	g.room(len(rows))
	if g.folded = false; starts != nil && !equal(starts) {
		g.keys.Encode(g.cols, g.types, rows, g.groups)
		return t.UpsertAt(starts, &g.keys, g.slots, g.fresh)
	}
	pane := int64(0)
	if starts != nil {
		pane = starts[0]
	}
	if g.folded = g.repeat.find(g.cols, rows); g.folded {
		g.keys.Encode(g.cols, g.types, g.repeat.rows, g.groups)
		return g.repeat.locate(t, pane, &g.keys, g.slots, g.fresh)
	}
	g.keys.Encode(g.cols, g.types, rows, g.groups)
	return t.Upsert(pane, &g.keys, g.slots, g.fresh)
}

// touched gives the rows, as indices of slots, that are the first to have their slot, in order. fresh is valid for them.
func (g *grouping) touched(t *state.Table) []int32 {
	if !g.folded {
		g.first = t.Distinct(g.slots, g.first[:0])
		return g.first
	}
	g.first = t.Distinct(g.repeat.slots, g.first[:0])
	for i, k := range g.first {
		g.first[i] = g.repeat.first[k]
	}
	return g.first
}

// room makes slots and fresh n long.
func (g *grouping) room(n int) {
	if cap(g.slots) < n {
		g.slots, g.fresh = make([]value.Slot, n), make([]bool, n)
	}
	g.slots, g.fresh = g.slots[:n], g.fresh[:n]
}

// update adds the rows to their slots. rows ascend, but may repeat (a row in several windows).
func (g *grouping) update(t *state.Table, b *value.Batch, rows []int32) {
	u := &g.in
	u.Heap = t.Heap()
	u.Time = nil
	if g.timed {
		u.Time = b.Time
	}
	for i := range g.parts {
		p := &g.parts[i]
		u.Slots, u.Rows = g.slots, rows
		if p.where != nil {
			u.Slots, u.Rows = g.filtered(rows, p.rows)
		}
		u.Args, u.Types, u.Word = p.vecs, p.types, p.word
		p.spec.Update(u)
	}
}

// merge adds the accumulators of slots of one table of the schema to those of another.
func (g *grouping) merge(to *state.Table, dst []value.Slot, from *state.Table, src []value.Slot) {
	m := agg.Merge{Dst: dst, Src: src, DstHeap: to.Heap(), SrcHeap: from.Heap()}
	for i := range g.parts {
		m.Types, m.Word = g.parts[i].types, g.parts[i].word
		g.parts[i].spec.Merge(&m)
	}
}

// filtered picks the rows that pass, and their slots.
func (g *grouping) filtered(rows, pass []int32) ([]value.Slot, []int32) {
	g.subS, g.subR = g.subS[:0], g.subR[:0]
	next := 0
	for i, r := range rows {
		for next < len(pass) && pass[next] < r {
			next++
		}
		if next < len(pass) && pass[next] == r {
			g.subS, g.subR = append(g.subS, g.slots[i]), append(g.subR, r)
		}
	}
	return g.subS, g.subR
}

// function finds the function of an aggregate in the catalogue.
func function(a *plan.Aggregate) (*agg.Spec, error) {
	spec, ok := agg.Lookup(a.Func)
	if !ok {
		return nil, fmt.Errorf("no aggregate %s", a.Func)
	}
	return spec, nil
}
