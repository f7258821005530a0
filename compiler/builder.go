package compiler

import (
	"fmt"
	"strings"

	"pipec/compiler/check"
	"pipec/compiler/config"
	"pipec/compiler/graph"
	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/op"
)

// build is what pipelines leave behind while they are built.
type build struct {
	units   []*unit               // anonymous pipelines of the root file
	graph   *graph.Graph          // what they are made into
	owner   map[*graph.Node]*unit // of each node
	pinned  map[string]diag.Span  // ids given by `with`
	paths   map[string]diag.Span  // where sinks write
	direct  map[string]op.Stream  // connectors that are read without a declaration
	written int                   // how often something goes into a sink
}

func (b *build) init() {
	b.graph, b.owner, b.pinned = graph.New(), map[*graph.Node]*unit{}, map[string]diag.Span{}
	b.paths, b.direct = map[string]diag.Span{}, map[string]op.Stream{}
}

// builder checks the stages of one pipeline, or of one use of a pipe: the compiler's side of op.Builder.
type builder struct {
	*compilation
	mod   *module // whose names the text sees
	unit  *unit
	args  map[string]*plan.Expr // of the pipe
	pipes []string              // being expanded, outermost first
	ended string                // `into` or `split`: nothing may follow
	known bool                  // every stage so far was understood

	// Of the stage at hand:
	stage    *grammar.Stage
	span     diag.Span
	text     string
	errorsAs *grammar.Name
	window   *op.Window
	nodes    []*graph.Node
	tasks    int
	id       string
	idAt     diag.Span
}

// checker is the expression checker of the file, with the pipe's arguments as names.
func (b *builder) checker() *check.Checker {
	if b.args == nil {
		return b.mod.expr
	}
	c := *b.mod.expr
	c.Names = names{m: b.mod, args: b.args}
	return &c
}

// Expr implements op.Builder.
func (b *builder) Expr(e *grammar.Expr, s op.Scope) *op.Checked { return b.checker().Expr(e, s) }

// Report implements op.Builder. Of a stage that was misspelt, and that does not run yet either, one thing is said (see misspelt).
func (b *builder) Report(d diag.Diagnostic) {
	for _, first := range b.list {
		if first.Code == "P120" && first.Span.File == d.Span.File && first.Span.Start == d.Span.Start && strings.HasPrefix(d.Code, "K") {
			return
		}
	}
	b.list.Add(&d)
}

// begin prepares for a stage: its text, its `errors as`, its tuning.
func (b *builder) begin(st *grammar.Stage) {
	b.stage, b.span, b.text = st, st.Span(), oneLine(&st.Place, items(st))
	b.errorsAs, b.window, b.nodes, b.tasks, b.id = st.Errors, nil, nil, 0, ""
	if st.With == nil {
		return
	}
	s := b.mod.reader.Given(config.Table{Owner: "`with`", Params: []plan.Param{
		{Name: "parallelism", Kind: plan.IntParam, Example: "parallelism = 4", Check: atLeastOne},
		{Name: "id", Kind: plan.TextParam, Example: `id = "totals"`, Check: goodID},
	}}, st.With)
	b.tasks, b.id = int(s.Int("parallelism")), s.Text("id")
	if s.Has("id") {
		b.idAt = s.Get("id").Span
	}
	if most := b.job.MaxParallel; b.tasks > most {
		b.list.Errorf("C508", s.Get("parallelism").Span, "`parallelism` is %d, but `max_parallelism` is %d", b.tasks, most)
		b.tasks = 0
	}
}

func atLeastOne(v any) string {
	if n, ok := v.(int64); ok && (n < 1 || n > config.MaxParallelism) {
		return fmt.Sprintf("must be from 1 to %d", config.MaxParallelism)
	}
	return ""
}

// goodID keeps ids usable as names of files and on command lines.
func goodID(v any) string {
	s, _ := v.(string)
	if s == "" || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./") != "" {
		return "is made of letters, digits and _ - . /"
	}
	return ""
}

// end finishes a stage: its tuning goes to its nodes, its row errors get their port.
func (b *builder) end(st *grammar.Stage) {
	for _, n := range b.nodes {
		// A node with one task for all rows keeps it, whatever is asked for; that is reported below if the asker is the stage itself.
		if b.tasks > 0 && !n.Single {
			n.Tasks, n.Own = b.tasks, true
		}
	}
	if b.tasks > 0 && len(b.nodes) > 0 && b.nodes[len(b.nodes)-1].Single && b.tasks > 1 {
		b.list.Errorf("C508", st.With.Span(), "this stage has one task: its rows must all meet").WithHelp("put a `key by` before it, so that they can be divided")
	}
	if b.errorsAs != nil {
		b.errorPort(st)
	}
}

// errorPort gives the node that can fail a port for its row errors (language A3, A16).
func (b *builder) errorPort(st *grammar.Stage) {
	var n *graph.Node
	for _, have := range b.nodes {
		// A stage may have made several nodes, as a union that brings its inputs into order; errors are those of the one that computes.
		if n == nil || have.Fails && !n.Fails {
			n = have
		}
	}
	if n == nil {
		if s := b.mod.symbols[b.errorsAs.Text]; s != nil && !s.made {
			if _, into := st.Op.(*grammar.Into); into || !b.list.HasErrors() {
				b.list.Errorf("S440", b.errorsAs.Span(), "nothing can fail here").WithHelp("`errors as` stands behind the stage whose expressions can fail")
			}
		}
		b.unnamed(st)
		return
	}
	if !n.Fails {
		b.list.Warnf("S440", b.errorsAs.Span(), "nothing can fail here: `%s` never gets a row", b.errorsAs.Text)
	}
	b.addErrors(n, b.errorsAs)
}

func (b *builder) addErrors(n *graph.Node, name *grammar.Name) {
	t := op.ErrorStream()
	n.Errors = len(n.Ports)
	n.Ports = append(n.Ports, plan.Port{Name: name.Text, Type: t})
	b.Name(*name, op.Stream{Type: t, Node: n.ID, Port: n.Errors})
}

// Name implements op.Builder.
func (b *builder) Name(name grammar.Name, s op.Stream) {
	sym := b.mod.symbols[name.Text]
	if sym == nil || sym.kind != aSide {
		return // declared twice: reported
	}
	if sym.made && !sym.out.Type.Unknown && !s.Type.Unknown && len(b.pipes) > 0 {
		b.list.Errorf("N205", name.Span(), "`%s` is there twice, because the pipe it is in is used twice", name.Text).
			WithHelp("use the pipe once, and name what comes out of it: `stream x = from ...`")
		return
	}
	sym.out, sym.made = s, true
}

// Node implements op.Builder.
func (b *builder) Node(n op.Node, inputs ...op.Stream) op.Stream {
	id := ""
	// The id pins the state. Where a stage has none, it names the first node, so that `--fault stage=` and the end report can be told what is meant.
	if b.id != "" && (n.State != nil || len(b.nodes) == 0) && b.pin() {
		id = b.id
	}
	node := b.build.graph.Add(b.unit.name, b.pipes, id, n)
	node.Span, node.Text = b.span, b.text
	b.build.owner[node] = b.unit
	if n.State != nil {
		node.Window = b.window
	}
	b.nodes = append(b.nodes, node)
	out := op.Stream{Node: node.ID}
	if len(n.Ports) > 0 {
		out.Type = n.Ports[0].Type
	}
	for _, in := range inputs {
		b.build.graph.Connect(node, in, n)
	}
	switch {
	case n.Single:
		out.Parts = []string{}
	case len(n.Keyed) > 0:
		out.Parts = n.Keyed
	case len(inputs) > 0:
		out.Parts = inputs[0].Parts
	}
	if b.stage == nil && b.errorsAs != nil { // a source
		b.addErrors(node, b.errorsAs)
	}
	return out
}

// pin takes the id that `with` says, once.
func (b *builder) pin() bool {
	if first, twice := b.build.pinned[b.id]; twice {
		b.list.Errorf("S435", b.idAt, "two stages have the id %q", b.id).WithRelated(first, "the other one is here")
		return false
	}
	b.build.pinned[b.id] = b.idAt
	return true
}

// unpinned reports anonymous pipelines with state that have the same name: which state is whose would depend on their order (S435).
func (c *compilation) unpinned() {
	first := map[string]*unit{}
	reported := map[*unit]bool{}
	for _, i := range c.build.graph.Nodes {
		u := c.build.owner[i]
		if i.State == nil || i.Pinned || u == nil || u.own != nil || u.pipeline == nil || reported[u] || i.Ports[0].Type.Unknown {
			continue
		}
		if other := first[u.name]; other == nil {
			first[u.name] = u
		} else if other != u {
			reported[u] = true
			c.list.Errorf("S435", u.pipeline.Keyword(), "two pipelines with state are called `%s`", u.name).
				WithRelated(other.pipeline.Keyword(), "the other one is here").
				WithHelp("a pipeline without a name is called after its sink: name one, `stream x = from ...`, or pin the state with `with { id = \"...\" }`")
		}
	}
}

// items are where the branches of a stage and the facts of its body begin: what a line break or a comma separates.
func items(st *grammar.Stage) map[int32]bool {
	starts := map[int32]bool{}
	if s, ok := st.Op.(*grammar.Split); ok {
		for _, b := range s.Branches {
			starts[b.Keyword().Start.Offset] = true
		}
	}
	if st.With != nil {
		for _, f := range st.With.Facts {
			starts[f.Keyword().Start.Offset] = true
		}
	}
	return starts
}

// oneLine is the text of a node without comments, and with commas between its items in the place of line breaks.
func oneLine(p *grammar.Place, items map[int32]bool) string {
	var b strings.Builder
	for i, t := range p.Tokens {
		if i > 0 {
			before := p.Tokens[i-1]
			if items[int32(t.Pos.Offset)] && before.Value != "," && before.Value != "{" {
				b.WriteByte(',')
			}
			if before.Pos.Offset+len(before.Value) != t.Pos.Offset {
				b.WriteByte(' ')
			}
		}
		b.WriteString(t.Value)
	}
	return b.String()
}
