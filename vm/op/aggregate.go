package op

import (
	"fmt"
	"slices"

	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/op/group"
	"pipec/vm/value"
)

func aggregateSpec() Spec {
	return Spec{
		Verb: "aggregate",
		Doc: "Computes one row per group: its key, its window and the aggregates. In a window the row comes once, at the window's end (and again, as an update, for each late row within " +
			"`allow late`); without one, each change of a group is an update.",
		Syntax:   "aggregate NAME = EXPRESSION [where CONDITION], ...",
		Stateful: true,
		Examples: []string{
			"from orders |> key by customer |> aggregate orders = count(), total = sum(amount), share = sum(amount) / count()",
			`from orders |> window tumbling 1d |> aggregate paid = count() where status == "paid", best = max(amount)`,
		},
		Check: checkAggregate,
		New:   group.New,
	}
}

func countSpec() Spec {
	return Spec{
		Verb:     "count",
		Doc:      "Counts the rows of each group: `aggregate count = count()`.",
		Syntax:   "count [as NAME]",
		Stateful: true,
		Examples: []string{"from orders |> key by customer |> count", "from orders |> window tumbling 1h |> count as orders"},
		Check:    checkCount,
		New:      group.New,
	}
}

// groups is an aggregate or a count while it is checked.
type groups struct {
	c      *Check
	config group.Config
	window *Window      // nil: none
	group  value.Schema // key and window
	out    value.Schema
	key    []string
	sign   []string // of the state, one per aggregate
	fails  bool
	broken bool
}

func newGroups(c *Check) *groups {
	g := &groups{c: c, key: c.In.Type.Key}
	if g.window = c.In.Window; g.window != nil {
		g.config.Window = &g.window.Window
	}
	g.config.Items = []*plan.Expr{}
	for _, k := range g.key {
		if i := c.In.Type.Schema.Index(k); i >= 0 {
			g.config.Keys = append(g.config.Keys, i)
			g.group.Fields = append(g.group.Fields, c.In.Type.Schema.Fields[i])
		}
	}
	if g.config.Window != nil {
		g.addWindow()
	}
	g.out.Fields = slices.Clone(g.group.Fields)
	c.appends(c.In, c.keyword())
	return g
}

// addWindow adds the window's columns to the group; the key may have brought those of an earlier window.
func (g *groups) addWindow() {
	var twice []string
	for _, name := range []string{windowStart, windowEnd} {
		if g.group.Index(name) >= 0 {
			twice = append(twice, name)
			continue
		}
		g.group.Fields = append(g.group.Fields, value.Field{Name: name, Type: value.Of(value.Timestamp)})
	}
	if len(twice) > 0 {
		g.c.say(errorAt("N209", g.c.keyword(), "the key has %s already, and this window adds its own", quoted(twice, "and")).
			WithHelp("give the key's columns other names before `key by`: `|> rename of_%s = %s`", twice[0], twice[0]))
	}
}

func checkAggregate(c *Check) Stream {
	stage := c.Stage.Op.(*grammar.Aggregate)
	c.refuseClauses(stage.Place, stage.Keep, stage.Emit)
	g := newGroups(c)
	for _, item := range stage.Items {
		g.item(item)
	}
	if len(g.config.Aggregates) == 0 && !g.broken {
		c.say(errorAt("S405", c.keyword(), "nothing is computed here: there is no aggregate function").
			WithHelp("functions over many rows: count(), sum(x), avg(x), min(x), max(x), first(x), last(x), count_distinct(x)"))
	}
	return g.node()
}

func checkCount(c *Check) Stream {
	stage := c.Stage.Op.(*grammar.Count)
	c.refuseClauses(stage.Place, stage.Keep, stage.Emit)
	g := newGroups(c)
	name, at := "count", c.keyword()
	if stage.As != nil {
		name, at = stage.As.Text, stage.As.Span()
	}
	t := value.Of(value.Int)
	g.config.Aggregates = []plan.Aggregate{{Func: "count", Type: t, Text: "count()"}}
	g.config.Items = []*plan.Expr{plan.Column(len(g.group.Fields), t)}
	g.output(name, at, t, 0)
	return g.node()
}

func (c *Check) refuseClauses(stage grammar.Place, keep *grammar.Expr, emit *grammar.Emission) {
	if keep != nil {
		c.refuse("keep", clause(stage, "keep"))
	}
	if emit != nil {
		c.refuse("emit", emit.Keyword())
	}
}

// item checks `name = expression [where condition]`.
func (g *groups) item(item *grammar.Agg) {
	c := g.c
	scope := c.scope(c.In.Type.Schema)
	var where *plan.Expr
	if item.Where != nil {
		cond := c.condition(item.Where, scope)
		where = expr(cond)
		g.broken = g.broken || cond == nil
		g.fails = g.fails || fails(cond)
		scope.Schema = narrowed(scope.Schema, cond)
		scope.Filtered = true
	}
	before := len(g.config.Aggregates)
	scope.Aggregates, scope.Group, scope.Doing = &g.config.Aggregates, g.group, "aggregate"
	x := c.Expr(item.Expr, scope)
	g.broken = g.broken || x == nil
	g.fails = g.fails || fails(x)
	for i := before; i < len(g.config.Aggregates); i++ {
		a := &g.config.Aggregates[i]
		if a.Where = where; where != nil {
			a.Text += " where " + where.Format(c.In.Type.Schema)
		}
		g.fails = g.fails || mayFail(a)
	}
	if x != nil && g.updates() {
		c.passing(x, g.passes)
	}
	g.config.Items = append(g.config.Items, expr(x))
	g.output(item.Name.Text, item.Name.Span(), c.typed(item.Name.Text, item.Expr, x), before)
}

// updates says whether the stage gives a group more than once.
func (g *groups) updates() bool { return g.window == nil || g.window.Allow > 0 }

// passes says whether an operand of an item changes from update to update, so that it may be wrong now and right later. A plain count is always right: a
// group has rows.
func (g *groups) passes(operand *plan.Expr) bool {
	if operand.Op == plan.OpConvert {
		operand = operand.Args[0]
	}
	first := len(g.group.Fields)
	if operand.Op == plan.OpColumn && operand.Col >= first {
		a := g.config.Aggregates[operand.Col-first]
		return a.Func != "count" || len(a.Args) > 0 || a.Where != nil
	}
	return reads(operand, func(column *plan.Expr) bool { return column.Col >= first })
}

// mayFail says whether an aggregate can have a row error: in an argument that is computed, or when its result is out of range.
func mayFail(a *plan.Aggregate) bool {
	for _, e := range a.Args {
		if e.Op != plan.OpColumn && e.Op != plan.OpLiteral {
			return true
		}
	}
	return a.Func == "sum" || a.Func == "avg"
}

// output adds a result column, and gives its aggregates, from that one on, their names in the state.
func (g *groups) output(name string, at diag.Span, t value.Type, from int) {
	if g.out.Index(name) >= 0 {
		g.c.twice(name, at)
	} else {
		g.out.Fields = append(g.out.Fields, value.Field{Name: name, Type: t})
	}
	for i := from; i < len(g.config.Aggregates); i++ {
		field := name
		if i > from {
			field = fmt.Sprintf("%s.%d", name, i-from+1)
		}
		g.config.Names = append(g.config.Names, field)
		g.sign = append(g.sign, field+" = "+g.config.Aggregates[i].Text)
	}
}

// node adds the node and names the stream of late rows.
func (g *groups) node() Stream {
	c, in := g.c, g.c.In.Type
	t := plan.StreamType{Schema: clipped(g.out), Key: in.Key, KeyAll: in.KeyAll, Mode: plan.Upsert, ModeKey: append([]string{}, g.key...), Unknown: in.Unknown}
	sign := &plan.Signature{Key: []value.Type{}, Fields: g.sign}
	for _, k := range g.config.Keys {
		sign.Key = append(sign.Key, in.Schema.Fields[k].Type)
	}
	kind := snake(c.verb())
	node := Node{Kind: kind, Config: &g.config, Keyed: g.key, Single: len(g.key) == 0, Fails: g.fails, State: sign}
	w := g.window
	if w != nil {
		sign.Window = w.String()
		t.Timed = true
		if t.ModeKey = append(t.ModeKey, windowStart, windowEnd); w.Allow == 0 {
			t.Mode, t.ModeKey = plan.Append, nil
		}
	}
	node.Ports = []plan.Port{{Type: t}}
	if w != nil && w.Late != nil {
		g.config.Late = 1
		node.Ports = append(node.Ports, plan.Port{Name: w.Late.Text, Type: in})
	}
	if w == nil && node.Single && !in.KeyAll && !in.Unknown {
		c.say(diag.New(diag.Warning, "S417", c.keyword(), "all rows are one group, so one task computes it whatever the parallelism").
			WithHelp("group them: `|> key by ...` before this stage, or say that it is meant: `|> key by none`"))
	}
	late := c.In
	out := c.Node(node, c.In)
	if w != nil && w.Late != nil {
		late.Node, late.Port, late.Parts, late.Window = out.Node, 1, out.Parts, nil
		c.Name(*w.Late, late)
	}
	out.Window = nil
	return out
}
