package compiler

import (
	"github.com/expr-lang/expr/ast"

	"pipec/compiler/plan"
	"pipec/connector"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/op"
	"pipec/vm/value"
)

// watermark reads how the rows of a source tell their event time; nil if they do not, or if it is wrong, which has been reported.
func (b *builder) watermark(schema value.Schema, spec *connector.Spec, body *grammar.Body) *plan.Watermark {
	clause := body.Watermark()
	if clause == nil {
		if i := schema.Index(spec.TimeColumn); spec.TimeColumn != "" && i >= 0 {
			return &plan.Watermark{Column: i}
		}
		return nil
	}
	w := b.durations(clause)
	column, delay := timeColumn(clause.Time)
	if clause.Time == nil || clause.Time.Broken {
		return nil
	}
	if column == nil {
		b.notAWatermark(clause.Time.Span())
		return nil
	}
	span := clause.Time.PointOf(column)
	i := schema.Index(column.Value)
	if i < 0 {
		d := b.list.Errorf("N201", span, "unknown column `%s`", column.Value)
		nearest(d, span, column.Value, instants(schema))
		return nil
	}
	if t := schema.Fields[i].Type; t.Kind != value.Timestamp || t.Nullable {
		d := b.list.Errorf("S410", span, "event time is a timestamp, but `%s` is %s", column.Value, t.Article())
		if t.Kind == value.Timestamp {
			d.WithHelp("declare it as `timestamp`, without `?`: a row without a time cannot be put in order")
		} else {
			d.WithHelp("declare the column as `timestamp`: `timestamps = s` or `ms` in the format reads numbers")
		}
		return nil
	}
	w.Column = i
	if delay != nil {
		w.Delay = b.delay(clause.Time, delay)
	}
	return w
}

// timeColumn takes `col` and `col - duration` apart; nil for anything else.
func timeColumn(e *grammar.Expr) (column *ast.IdentifierNode, delay ast.Node) {
	if e == nil || e.Broken {
		return nil, nil
	}
	n := e.Node
	if minus, ok := n.(*ast.BinaryNode); ok && minus.Operator == "-" {
		n, delay = minus.Left, minus.Right
	}
	column, _ = n.(*ast.IdentifierNode)
	if column != nil {
		// The parser of expressions knows no units: `5s` reaches it as a name of the same length (grammar, literals), which is no column.
		if _, isLiteral := e.Literal(column); isLiteral {
			return nil, nil
		}
	}
	return column, delay
}

func (b *builder) notAWatermark(at diag.Span) {
	b.list.Errorf("S410", at, "this is not a watermark").
		WithHelp("name the column with the event time and how late rows may come: `watermark at - 5s`")
}

// delay is how far behind the newest row others may be.
func (b *builder) delay(e *grammar.Expr, n ast.Node) int64 {
	part := *e
	part.Node = n
	v := b.mod.setting.Expr(&part, op.Scope{Constant: true, Doing: "watermark"})
	switch {
	case v == nil || v.Expr.Type.Kind == value.Unknown:
		return 0
	case v.Expr.Type.Kind != value.Duration || v.Expr.Lit == nil:
		d := b.list.Errorf("S410", e.SpanOf(n), "a watermark is a column minus a duration, but this is %s", v.Expr.Type.Article())
		if v.Expr.Type.Kind == value.Int {
			d.WithHelp("give it a unit: `- %ss`", v.Expr.Lit.Format(v.Expr.Type))
		}
		return 0
	case v.Expr.Lit.Int < 0 || v.Expr.Lit.Int > maxTime:
		b.list.Errorf("S410", e.SpanOf(n), "a watermark cannot run ahead of the rows, nor 36000 years behind them")
		return 0
	}
	return v.Expr.Lit.Int
}

// maxTime bounds all spans of time, so that no sum of them leaves an int64.
const maxTime = 1 << 60

// durations reads `idle` and `ahead`.
func (b *builder) durations(w *grammar.Watermark) *plan.Watermark {
	return &plan.Watermark{Idle: b.positive(w.Idle, "idle"), Ahead: b.positive(w.Ahead, "ahead")}
}

// positive reads a duration of more than nothing.
func (b *builder) positive(e *grammar.Expr, name string) int64 {
	if e == nil || e.Broken {
		return 0
	}
	v := b.mod.setting.Expr(e, op.Scope{Constant: true, Doing: name})
	switch {
	case v == nil || v.Expr.Type.Kind == value.Unknown:
		return 0
	case v.Expr.Type.Kind != value.Duration || v.Expr.Lit == nil:
		d := b.list.Errorf("T308", e.Span(), "`%s` is a duration, but this is %s", name, v.Expr.Type.Article())
		if v.Expr.Type.Kind == value.Int {
			d.WithHelp("give it a unit: `%ss` or `%sm`", e.Text, e.Text)
		}
		return 0
	case v.Expr.Lit.Int <= 0 || v.Expr.Lit.Int > maxTime:
		b.list.Errorf("C508", e.Span(), "`%s` must be more than nothing, and less than 36000 years", name)
		return 0
	}
	return v.Expr.Lit.Int
}

// instants are the columns that could be an event time.
func instants(s value.Schema) []string {
	var out []string
	for _, f := range s.Fields {
		if f.Type.Kind == value.Timestamp {
			out = append(out, f.Name)
		}
	}
	return out
}
