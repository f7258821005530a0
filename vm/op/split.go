package op

import (
	"fmt"

	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/eval"
	"pipec/vm/op/run"
	"pipec/vm/value"
)

func splitSpec() Spec {
	return Spec{
		Verb:     "split",
		Doc:      "Ends a pipeline in named branches: the first whose condition holds takes the row. Rows that no branch takes are dropped and counted.",
		Syntax:   "split { NAME when CONDITION, ..., NAME otherwise }",
		Examples: []string{`from orders |> split { big when amount > 1000, rest otherwise }`},
		Check:    checkSplit,
		New:      newSplit,
		Before:   true,
	}
}

// Split is the Config of split: the condition of each port, nil for otherwise.
type Split struct {
	When []*plan.Expr `json:"when"`
}

// Wants implements Config.
func (s *Split) Wants(ports [][]bool, in []bool) {
	for i := range in {
		for p := range s.When {
			in[i] = in[i] || p < len(ports) && i < len(ports[p]) && ports[p][i]
		}
	}
	for _, e := range s.When {
		e.Columns(in)
	}
}

func checkSplit(c *Check) Stream {
	c.closed()
	stage := c.Stage.Op.(*grammar.Split)
	config := &Split{}
	node := Node{Kind: "split", Config: config}
	var named []*grammar.Branch
	otherwise, broken := false, false
	for _, b := range stage.Branches {
		if broken = broken || b.Broken; b.Broken {
			continue
		}
		if otherwise {
			c.say(diag.New(diag.Warning, "S439", b.Name.Span(), "`%s` never gets a row: `otherwise` before it takes all that are left", b.Name.Text).
				WithHelp("put the branch with `otherwise` last"))
		}
		t := c.In.Type
		var cond *Checked
		if b.Otherwise {
			otherwise = true
		} else {
			cond = c.condition(b.When, c.scope(t.Schema))
			t.Schema = narrowed(t.Schema, cond)
			node.Fails = node.Fails || fails(cond)
		}
		config.When = append(config.When, expr(cond))
		node.Ports = append(node.Ports, plan.Port{Name: b.Name.Text, Type: t})
		named = append(named, b)
	}
	if !otherwise && !broken {
		c.say(diag.New(diag.Hint, "S438", c.keyword(), "rows that no branch takes are dropped, and counted").WithHelp("give them a name: `rest otherwise`"))
	}
	main := c.Node(node, c.In)
	for i, b := range named {
		out := main
		out.Port, out.Type, out.Window = i, node.Ports[i].Type, nil
		c.Name(*b.Name, out)
	}
	main.Type.Unknown = true // nothing follows a split
	return main
}

// split sends each row to the first branch whose condition holds. Conditions are tried only for rows that no earlier branch has taken.
type split struct {
	run.Outbox
	when   []*eval.Program // nil: otherwise
	errors *RowErrors
	stats  *Stats
	errs   eval.Errors
	left   [2][]int32
	taken  [][]int32
	pairs  []run.Pairs
	outs   []value.Batch
}

func newSplit(c *Context) (Operator, error) {
	config, ok := c.Node.Config.(*Split)
	if !ok {
		return nil, fmt.Errorf("%s: a config of type %T", c.Node.ID, c.Node.Config)
	}
	n := len(config.When)
	s := &split{Outbox: run.Outbox{Emit: c.Emit}, errors: c.Errors, stats: c.Stats, taken: make([][]int32, n), pairs: make([]run.Pairs, n), outs: make([]value.Batch, n)}
	for i, e := range config.When {
		s.taken[i], s.pairs[i].Old = run.NoRows(), c.Before
		var program *eval.Program
		if e != nil {
			var err error
			if program, err = eval.Compile(e, c.Env); err != nil {
				return nil, err
			}
		}
		s.when = append(s.when, program)
	}
	return s, nil
}

// Process implements Operator.
func (s *split) Process(b *value.Batch) (bool, error) {
	s.errs.Reset(b.Len)
	rows := b.Rows()
	for i, when := range s.when {
		if when == nil {
			s.taken[i], rows = append(s.taken[i][:0], rows...), nil
			continue
		}
		s.taken[i] = when.Filter(b, rows, s.taken[i], &s.errs)
		buf := &s.left[i&1] // rows lie in the other one
		*buf = without((*buf)[:0], rows, s.taken[i], &s.errs)
		rows = *buf
	}
	if err := s.errors.Add(&s.Outbox, b, &s.errs); err != nil {
		return false, err
	}
	for _, r := range rows {
		if k := b.Kind(r); k == value.Insert || k == value.UpdateAfter {
			s.stats.Skipped++
		}
	}
	for i := range s.outs {
		out := &s.outs[i]
		out.Share(b)
		out.Cols, out.Sel = b.Cols, s.taken[i]
		if b.Kinds != nil {
			out.Sel, out.Kinds = s.pairs[i].Settle(b, s.taken[i], &s.errs)
		}
		s.Put(i, out)
	}
	return s.Send()
}

// without appends the rows that are neither taken nor failed; all ascend.
func without(dst, rows, taken []int32, errs *eval.Errors) []int32 {
	next := 0
	for _, r := range rows {
		if next < len(taken) && taken[next] == r {
			next++
		} else if !errs.Has(r) {
			dst = append(dst, r)
		}
	}
	return dst
}

// Advance implements Operator.
func (s *split) Advance(int64) (bool, error) { return false, nil }

// Resume implements Operator.
func (s *split) Resume() (bool, error) { return s.Send() }
