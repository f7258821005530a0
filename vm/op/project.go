package op

import (
	"fmt"

	"pipec/compiler/plan"
	"pipec/vm/eval"
	"pipec/vm/op/run"
	"pipec/vm/value"
)

// Project is the Config of where, derive, set, select, drop, rename, key_by and of the inputs that union brings into order. Work begins with the input's columns; rows for which
// Where is false leave; each step computes a column and puts it in its place or behind the others; Columns then says which of them are the output's.
type Project struct {
	Where   *plan.Expr `json:"where,omitempty"`
	Steps   []Step     `json:"steps,omitempty"`
	Columns []int      `json:"columns"`
}

// Step is one computed column.
type Step struct {
	Column int        `json:"column"` // of the work: its place among the columns there are so far, or the next one
	Expr   *plan.Expr `json:"expr"`   // over the columns there are so far
}

// Wants implements Config.
func (p *Project) Wants(ports [][]bool, in []bool) {
	want := make([]bool, len(in)+len(p.Steps))
	for i, c := range p.Columns {
		if len(ports) > 0 && i < len(ports[0]) && ports[0][i] {
			want[c] = true
		}
	}
	for i := len(p.Steps) - 1; i >= 0; i-- {
		s := p.Steps[i]
		want[s.Column] = false // an earlier value of it is of interest only if an expression reads it
		s.Expr.Columns(want)   // steps run although nobody reads them: they may fail
	}
	p.Where.Columns(want)
	for i := range in {
		in[i] = in[i] || want[i]
	}
}

// project runs a Project. It is linear in the columns and in the rows that expressions touch: columns that pass are shared.
type project struct {
	run.Outbox
	config *Project
	filter *eval.Program
	steps  []*eval.Program
	errors *RowErrors
	errs   eval.Errors
	work   value.Batch
	out    value.Batch
	sel    []int32
	pairs  run.Pairs
}

func newProject(c *Context) (Operator, error) {
	config, ok := c.Node.Config.(*Project)
	if !ok {
		return nil, fmt.Errorf("%s: a config of type %T", c.Node.ID, c.Node.Config)
	}
	p := &project{config: config, errors: c.Errors, Outbox: run.Outbox{Emit: c.Emit}, sel: run.NoRows(), pairs: run.Pairs{Old: c.Before}}
	var err error
	if config.Where != nil {
		if p.filter, err = eval.Compile(config.Where, c.Env); err != nil {
			return nil, err
		}
	}
	for _, s := range config.Steps {
		program, err := eval.Compile(s.Expr, c.Env)
		if err != nil {
			return nil, err
		}
		p.steps = append(p.steps, program)
	}
	return p, nil
}

// Process implements Operator.
func (p *project) Process(b *value.Batch) (bool, error) {
	p.errs.Reset(b.Len)
	p.work.Share(b)
	p.work.Cols = append(p.work.Cols[:0], b.Cols...)
	rows := b.Rows()
	if p.filter != nil {
		p.sel = p.filter.Filter(&p.work, rows, p.sel, &p.errs)
		rows = p.sel
	}
	for i, step := range p.steps {
		column := step.Run(&p.work, rows, &p.errs)
		if at := p.config.Steps[i].Column; at < len(p.work.Cols) {
			p.work.Cols[at] = column
		} else {
			p.work.Cols = append(p.work.Cols, column)
		}
		if p.errs.Any() {
			p.sel = p.errs.Without(p.sel, rows)
			rows = p.sel
		}
	}
	p.out.Share(b)
	if b.Kinds != nil {
		p.out.Sel, p.out.Kinds = p.pairs.Settle(b, rows, &p.errs)
	} else if len(rows) < b.Live() {
		p.out.Sel = rows
	}
	p.out.Cols = p.out.Cols[:0]
	for _, c := range p.config.Columns {
		p.out.Cols = append(p.out.Cols, p.work.Cols[c])
	}
	if err := p.errors.Add(&p.Outbox, b, &p.errs); err != nil {
		return false, err
	}
	p.Put(0, &p.out)
	return p.Send()
}

// Resume implements Operator.
func (p *project) Resume() (bool, error) { return p.Send() }

// Advance implements Operator.
func (p *project) Advance(int64) (bool, error) { return false, nil }
