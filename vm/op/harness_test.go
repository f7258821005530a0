package op

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pipec/compiler/plan"
	"pipec/state"
	"pipec/state/vfs"
	"pipec/vm/fn"
	"pipec/vm/op/run"
	"pipec/vm/value"
)

// bench is one operator on the workbench: what it gives, as text, by port.
type bench struct {
	t      testing.TB
	op     Operator
	node   *plan.Node
	stats  Stats
	store  *state.Store
	enough int
	ports  [][]string
	sizes  []int // live rows of each batch
}

// put makes the operator of a node and gets what it emits.
func put(t testing.TB, node *plan.Node, in value.Schema, size int) *bench {
	t.Helper()
	return putBefore(t, node, in, size, true)
}

// putBefore is put with consumers that want old rows, or not.
func putBefore(t testing.TB, node *plan.Node, in value.Schema, size int, before bool) *bench {
	t.Helper()
	w := &bench{t: t, node: node, ports: make([][]string, len(node.Ports))}
	memory, _ := state.Lookup("memory")
	backend, err := memory.Open(state.Config{FS: vfs.NewMem()})
	if err == nil {
		w.store, err = backend.Store("t", 0, 16, 16)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := &Context{
		Job: &plan.Job{MaxParallel: 16, BatchSize: size}, Node: node, Inputs: []plan.StreamType{{Schema: in}}, Store: w.store, Env: &fn.Env{}, Stats: &w.stats, Before: before,
		Enough: func() { w.enough++ },
	}
	c.Emit = func(port int, b *value.Batch) error {
		w.sizes = append(w.sizes, b.Live())
		for _, r := range b.Rows() {
			w.ports[port] = append(w.ports[port], line(b, node.Ports[port].Type.Schema, r))
		}
		return nil
	}
	c.Errors = NewRowErrors(c)
	spec, ok := Lookup(node.Kind)
	if !ok {
		t.Fatalf("no stage %s", node.Kind)
	}
	if w.op, err = spec.New(c); err != nil {
		t.Fatal(err)
	}
	return w
}

// line is a row as text: its kind where it is a change, its columns, and its event time behind @.
func line(b *value.Batch, s value.Schema, r int32) string {
	var cells []string
	if k := b.Kind(r); b.Kinds != nil {
		cells = append(cells, []string{"+", "<", ">", "-"}[k])
	}
	for c, f := range s.Fields {
		if b.Cols[c] == nil {
			cells = append(cells, "pruned")
			continue
		}
		cells = append(cells, show(b.Cols[c], f.Type, int(r)))
	}
	if b.Time != nil {
		cells = append(cells, "@"+strconv.FormatInt(b.Time[r], 10))
	}
	return strings.Join(cells, " ")
}

func show(v *value.Vec, t value.Type, i int) string {
	if v.IsNull(i) {
		return "null"
	}
	switch t.Kind {
	case value.String:
		return string(v.Text(i))
	case value.Bool:
		return strconv.FormatBool(v.Bool[i])
	case value.List:
		var parts []string
		for e := v.Range[i].From; e < v.Range[i].To; e++ {
			parts = append(parts, show(v.Kids[0], *t.Elem, int(e)))
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return strconv.FormatInt(v.I64[i], 10)
}

func (w *bench) process(b *value.Batch) {
	w.t.Helper()
	more, err := w.op.Process(b)
	for err == nil && more {
		more, err = w.op.Resume()
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// want compares what came out of a port, and forgets it.
func (w *bench) want(port int, lines ...string) {
	w.t.Helper()
	if got := strings.Join(w.ports[port], "\n"); got != strings.Join(lines, "\n") {
		w.t.Errorf("port %d:\n%s\nwant\n%s", port, got, strings.Join(lines, "\n"))
	}
	w.ports[port] = nil
}

// cols is a schema from `name type` pairs: int, text, bool, list; with ? nullable.
func cols(fields ...string) (s value.Schema) {
	for _, f := range fields {
		name, kind, _ := strings.Cut(f, " ")
		kind, null := strings.CutSuffix(kind, "?")
		t := map[string]value.Type{"int": value.Of(value.Int), "text": value.Of(value.String), "bool": value.Of(value.Bool), "list": value.ListOf(value.Of(value.String).Null()), "at": value.Of(value.Timestamp)}[kind]
		t.Nullable = null
		s = s.With(name, t)
	}
	return s
}

// rows builds a batch. A row is a list of cells: nil, int, string, bool, []string ("" is null); a leading + < > - makes it a change, a row that begins with ! is there but not selected.
func rows(t testing.TB, s value.Schema, list ...[]any) *value.Batch {
	t.Helper()
	b := value.NewBatch(s)
	b.Reset(len(list))
	b.Sel = []int32{}
	kinds := map[string]value.RowKind{"+": value.Insert, "<": value.UpdateBefore, ">": value.UpdateAfter, "-": value.Delete}
	for i, cells := range list {
		if cells[0] == "!" {
			cells = cells[1:]
		} else {
			b.Sel = append(b.Sel, int32(i))
		}
		if len(cells) > len(s.Fields) {
			for len(b.Kinds) < i {
				b.Kinds = append(b.Kinds, value.Insert)
			}
			b.Kinds = append(b.Kinds, kinds[cells[0].(string)])
			cells = cells[1:]
		}
		for c, x := range cells {
			if err := fill(b.Cols[c], i, len(list), x); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b
}

func fill(v *value.Vec, i, n int, x any) error {
	switch x := x.(type) {
	case nil:
		v.SetNull(i, n)
	case int:
		v.I64[i] = int64(x)
	case string:
		v.SetString(i, x)
	case bool:
		v.Bool[i] = x
	case []string:
		kid := v.Kids[0]
		from := len(kid.View)
		kid.Extend(from + len(x))
		for k, s := range x {
			kid.SetString(from+k, s)
			if s == "" {
				kid.SetNull(from+k, from+len(x))
			}
		}
		v.Range[i] = value.Range{From: int32(from), To: int32(from + len(x))}
	default:
		return fmt.Errorf("no cell of type %T", x)
	}
	return nil
}

// Expressions by hand.

func column(i int, s value.Schema) *plan.Expr { return plan.Column(i, s.Fields[i].Type) }

func number(n int64) *plan.Expr {
	return &plan.Expr{Op: plan.OpLiteral, Type: value.Of(value.Int), Lit: &plan.Literal{Kind: value.Int, Int: n}}
}

func binary(op plan.Op, t value.Kind, a, b *plan.Expr) *plan.Expr {
	return &plan.Expr{Op: op, Type: value.Of(t), Args: []*plan.Expr{a, b}}
}

func nodeOf(kind string, config any, out ...value.Schema) *plan.Node {
	n := &plan.Node{ID: "s/" + kind + "/1", Kind: kind, Config: config}
	for _, s := range out {
		n.Ports = append(n.Ports, plan.Port{Type: plan.StreamType{Schema: s}})
	}
	return n
}

// withErrors gives a node a port for row errors.
func withErrors(n *plan.Node) *plan.Node {
	n.Errors = len(n.Ports)
	n.Ports = append(n.Ports, plan.Port{Type: run.ErrorStream()})
	return n
}
