package op

import (
	"fmt"

	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/state"
	"pipec/vm/op/run"
	"pipec/vm/value"
)

func limitSpec() Spec {
	return Spec{
		Verb:     "limit",
		Doc:      "Lets the first rows to arrive pass, and then ends its input: a job with nothing left to read finishes. It runs as one task.",
		Syntax:   "limit N",
		Stateful: true,
		Examples: []string{"from orders |> limit 10"},
		Check:    checkLimit,
		New:      newLimit,
	}
}

// Limit is the Config of limit.
type Limit struct {
	N int64 `json:"n"`
}

// Wants implements Config.
func (l *Limit) Wants(ports [][]bool, in []bool) {
	for i := range in {
		in[i] = in[i] || len(ports) > 0 && i < len(ports[0]) && ports[0][i]
	}
}

func checkLimit(c *Check) Stream {
	c.closed()
	c.appends(c.In, c.keyword())
	stage := c.Stage.Op.(*grammar.Limit)
	x := c.Expr(stage.N, Scope{Constant: true, Doing: "limit"})
	config := &Limit{}
	switch {
	case x == nil || x.Expr.Type.Kind == value.Unknown:
	case x.Expr.Type.Kind != value.Int || x.Expr.Lit == nil || x.Expr.Lit.Kind == value.Null:
		c.say(errorAt("T308", stage.N.Span(), "`limit` is a number of rows, but this is %s", x.Expr.Type.Article()))
	case x.Expr.Lit.Int < 0:
		c.say(errorAt("T308", stage.N.Span(), "`limit` cannot be less than 0"))
	default:
		config.N = x.Expr.Lit.Int
	}
	t := c.In.Type
	t.Mode, t.ModeKey = plan.Append, nil
	out := c.Node(Node{
		Kind: "limit", Ports: []plan.Port{{Type: t}}, Config: config, Single: true,
		State: &plan.Signature{Key: []value.Type{}, Fields: []string{"count"}},
	}, c.In)
	out.Window = nil
	return out
}

// limit counts in a state of one row, so that a restart goes on counting.
type limit struct {
	run.Outbox
	n      int64
	passed int64 // as in the state, once it was read
	read   bool
	told   bool
	table  *state.Table
	keys   value.Keys
	slot   [1]value.Slot
	enough func()
	out    value.Batch
}

func newLimit(c *Context) (Operator, error) {
	config, ok := c.Node.Config.(*Limit)
	if !ok {
		return nil, fmt.Errorf("%s: a config of type %T", c.Node.ID, c.Node.Config)
	}
	l := &limit{n: config.N, enough: c.Enough, Outbox: run.Outbox{Emit: c.Emit}}
	l.table = c.Store.Table(state.Schema{Node: c.Node.ID, Name: "limit", Key: []value.Type{}, Fields: []value.StateField{{Name: "count", Cell: value.CellInt}}})
	l.keys.Reset()
	l.keys.Add(nil, c.Job.MaxParallel)
	return l, nil
}

// Process implements Operator.
func (l *limit) Process(b *value.Batch) (bool, error) {
	if err := l.load(); err != nil {
		return false, err
	}
	pass := min(int64(b.Live()), l.n-l.passed)
	if pass > 0 {
		if err := l.table.Upsert(0, &l.keys, l.slot[:], nil); err != nil {
			return false, err
		}
		l.passed += pass
		*l.slot[0].Int(l.table.Word(0)) = l.passed
		l.out.Share(b)
		l.out.Cols, l.out.Sel = b.Cols, b.Rows()[:pass]
		l.Put(0, &l.out)
	}
	l.tell()
	return l.Send()
}

// Advance implements Operator: also a limit that gets no row after a restart says that it needs none.
func (l *limit) Advance(int64) (bool, error) {
	if err := l.load(); err != nil {
		return false, err
	}
	l.tell()
	return false, nil
}

// Resume implements Operator.
func (l *limit) Resume() (bool, error) { return l.Send() }

func (l *limit) load() error {
	if l.read {
		return nil
	}
	l.read = true
	if err := l.table.Lookup(0, &l.keys, l.slot[:]); err != nil {
		return err
	}
	if !l.slot[0].None() {
		l.passed = *l.slot[0].Int(l.table.Word(0))
	}
	return nil
}

func (l *limit) tell() {
	if l.passed >= l.n && !l.told {
		l.told = true
		l.enough()
	}
}
