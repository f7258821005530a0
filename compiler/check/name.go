package check

import (
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/value"
)

// A name means the nearest thing that has it. Columns come before parameters: they change with every stage and with the data, and a program that gains a
// column must not be read differently in silence, so hiding a parameter is said (N213). In a function of the file there are no columns at all: what it
// works on is handed to it, and it means the same wherever it is called.

// name gives a bare name its meaning: a literal with a unit, `null`, a `let`, a column, a parameter; in this order.
func (r *run) name(n *ast.IdentifierNode) val {
	if l, ok := r.e.Literal(n); ok {
		kind := value.Duration
		if l.Kind == grammar.Size {
			kind = value.Size
		}
		v := r.literal(n, value.Of(kind), plan.Literal{Kind: kind, Int: l.Value})
		v.Span = l.Span
		return v
	}
	if n.Value == "null" {
		return r.literal(n, value.Type{Kind: value.Null, Nullable: true}, plan.Literal{Kind: value.Null})
	}
	for i := len(r.bound) - 1; i >= 0; i-- {
		if r.bound[i].name == n.Value {
			return r.bindingAt(i)
		}
	}
	if len(r.sites) == 0 { // the body of a function sees its parameters only
		if v, ok := r.column(n); ok {
			return v
		}
	}
	// Parameters come last: who renames one cannot change the meaning of an expression that reads a column.
	if v, ok := r.param(n, n.Value); ok {
		return v
	}
	return r.noName(n)
}

// bindingAt reads a `let` or a parameter.
func (r *run) bindingAt(i int) val {
	v := r.bound[i].v
	if v.Type.Nullable && r.known.has(v.path) {
		e := *v.Expr
		e.Type.Nullable = false
		v.Expr = &e
	}
	return v
}

// column reads a column of the scope.
func (r *run) column(n *ast.IdentifierNode) (val, bool) {
	schema := r.s.Schema
	if r.s.Aggregates != nil && !r.inAgg {
		schema = r.s.Group
	}
	i := schema.Index(n.Value)
	if i < 0 {
		if r.s.Aggregates != nil && !r.inAgg && r.s.Schema.Index(n.Value) >= 0 {
			r.errorf("S403", r.e.SpanOf(n), "`%s` has many values here, one per row", n.Value).
				WithHelp("pick one with `first(%s)`, `max(%s)`, ..., or add it to `key by`", n.Value, n.Value)
			return r.unknown(), true
		}
		return val{}, false
	}
	// The column wins, and it is said: one that a schema gets later would otherwise change in silence what the program means.
	if _, hidden := r.names.Param(n.Value); hidden && !r.names.Broken(n.Value) {
		r.warnf("N213", r.e.PointOf(n), "this is the column `%s`: it hides the parameter of that name", n.Value).WithHelp("rename one of them")
	}
	t := schema.Fields[i].Type
	if t.Nullable && r.known.has(n.Value) {
		t.Nullable = false
	}
	return val{Expr: &plan.Expr{Op: plan.OpColumn, Col: i, Type: t, Name: n.Value, Span: r.e.PointOf(n)}, path: n.Value}, true
}

// param reads a parameter. A secret may not get into rows (C512).
func (r *run) param(n ast.Node, name string) (val, bool) {
	e, ok := r.names.Param(name)
	if !ok {
		return val{}, false
	}
	span := r.e.SpanOf(n)
	if e.Type.Kind == value.Secret && r.c.Env == nil {
		r.errorf("C512", span, "`%s` is a secret: it may not get into rows", name).
			WithHelp("a parameter of type secret may be used in settings only")
		return r.unknown(), true
	}
	c := *e
	c.Span = span
	if e.Lit != nil {
		return val{Expr: &c}, true
	}
	// In a row its type is enough: what is done with it is checked now and evaluated when it has a value. A setting is its value.
	if r.c.Env != nil || r.s.Constant {
		return r.unknown(), true // what it decides cannot be said yet
	}
	return val{Expr: &c, later: true}, true
}

// noName reports a name without a meaning.
func (r *run) noName(n *ast.IdentifierNode) val {
	span := r.e.PointOf(n)
	if r.s.Unknown || r.names.Broken(n.Value) {
		return r.unknown()
	}
	switch n.Value {
	case "nil":
		r.errorf("P111", span, "`nil` is written `null` here").With("write `null`")
		return r.unknown()
	case "env":
		r.errorf("N201", span, "`env` may be used in settings and in defaults of parameters only").
			WithHelp("declare a parameter: `param name: string = env.NAME`")
		return r.unknown()
	}
	columns := r.s.Schema.Names()
	if len(r.sites) > 0 {
		columns = nil
	}
	if len(columns) == 0 {
		d := r.errorf("N201", span, "there is no parameter `%s`", n.Value)
		if near := diag.Nearest(n.Value, r.names.Similar(false)); near != "" {
			d.With("did you mean `%s`?", near)
		} else if r.s.Constant {
			d.WithHelp("this is the same for all rows: a number, a duration, a parameter, or a text in quotes, but no column")
		}
		return r.unknown()
	}
	if quoted := "\"" + n.Value + "\""; r.isWord(n.Value) {
		r.errorf("N201", span, "unknown column `%s`", n.Value).With("a text is written %s", quoted)
		return r.unknown()
	}
	d := r.errorf("N201", span, "unknown column `%s`", n.Value)
	candidates := append(columns, r.names.Similar(false)...)
	for _, b := range r.bound {
		candidates = append(candidates, b.name)
	}
	if near := diag.Nearest(n.Value, candidates); near != "" {
		d.With("did you mean `%s`?", near).WithFix(span, near)
	}
	d.WithHelp("%s", columnList(columns))
	return r.unknown()
}

// isWord says whether a column of the scope has that word in its enumeration: its quotes were forgotten.
func (r *run) isWord(word string) bool {
	for _, f := range r.s.Schema.Fields {
		for _, w := range f.Type.Words {
			if w == word {
				return true
			}
		}
	}
	return false
}

// member reads `a.b`, `a?.b`, `a[i]`, `env.X` and names of imports.
func (r *run) member(n *ast.MemberNode) val {
	property, _ := n.Property.(*ast.StringNode)
	isField := property != nil && r.e.StringAt(property) == nil
	if isField {
		if v, ok := r.dotted(n, property.Value); ok {
			return v
		}
	}
	base := r.check(n.Node)
	if base.unknown() {
		v := r.unknown()
		// `select place.city` over unknown columns names its column all the same, and the next stage may ask for it.
		if isField && !r.failed { // it still gives a column its name
			v.Op, v.Name, v.Args = plan.OpField, property.Value, []*plan.Expr{base.Expr}
		}
		return v
	}
	// `a?.b.c`: once a chain has gone through a `?.`, the fields behind it need none of their own, as in other languages with that operator.
	if base.Type.Nullable && !n.Optional && !base.chained && base.Type.Kind == value.Record {
		return r.mayBeNull(n, base)
	}
	switch {
	case base.Type.Kind == value.Record && property != nil:
		return r.field(n, base, property.Value)
	case isField:
		r.errorf("N202", r.e.PointOf(n), "%s has no fields", base.Type.NotNull().Article()).WithHelp("%s", noFieldHelp(base.Type, property.Value))
		return r.unknown()
	}
	return r.index(n, base)
}

// dotted reads `env.X` and parameters of imports, unless a column has the first name.
func (r *run) dotted(n *ast.MemberNode, field string) (val, bool) {
	id, ok := n.Node.(*ast.IdentifierNode)
	if !ok || len(r.sites) == 0 && r.s.Schema.Index(id.Value) >= 0 {
		return val{}, false
	}
	for _, b := range r.bound {
		if b.name == id.Value {
			return val{}, false
		}
	}
	if id.Value == "env" && r.c.Env != nil {
		return r.env(n, field), true
	}
	if v, ok := r.param(n, id.Value+"."+field); ok {
		return v, true
	}
	if r.names.Broken(id.Value) || r.names.Broken(id.Value+"."+field) {
		return r.unknown(), true
	}
	return val{}, false
}

// env reads an environment variable; unset it is null, so that `??` can replace it.
func (r *run) env(n ast.Node, name string) val {
	text, known := r.c.Env(name)
	if !known {
		return r.unknown()
	}
	// Empty counts as not set, as for `${env.X}`.
	// That it came from the environment is kept in why: whoever needs a value can say which variable is not set, instead of that something is null.
	v := r.literal(n, value.Of(value.String), plan.Literal{Kind: value.String, Text: text})
	v.why, v.Span = envPrefix+name, r.e.SpanOf(n)
	if text == "" {
		v.Type, v.Lit = value.Type{Kind: value.String, Nullable: true}, &plan.Literal{Kind: value.Null}
	}
	return v
}

const envPrefix = "env."

func noFieldHelp(t value.Type, field string) string {
	if t.Kind == value.Map {
		return "a map is read by key: `x[\"" + field + "\"]`"
	}
	return "there are no methods either: functions are called as `f(x)`"
}

// mayBeNull reports the reading of a field of what may be null.
func (r *run) mayBeNull(n *ast.MemberNode, base val) val {
	span := r.e.SpanOf(n)
	name := base.nullName()
	d := r.errorf("T311", span, "`%s` may be null", name).With("use `?.` and say what a missing value means")
	if property, ok := n.Property.(*ast.StringNode); ok && name != "" {
		d.WithHelp("`%s?.%s ?? ...`, or keep only the rows that have one: `|> where %s != null`", name, property.Value, name)
	}
	return r.unknown()
}

// field reads a field of a record.
func (r *run) field(n *ast.MemberNode, base val, name string) val {
	for i, f := range base.Type.Fields {
		if f.Name != name {
			continue
		}
		v := val{path: base.path}
		if v.path != "" {
			v.path += "." + name
		}
		t := f.Type
		if t.Nullable && r.known.has(v.path) {
			t.Nullable = false
		}
		// Only `?.` and what stands behind one get here: the field is null where the record is, and the rest of the chain with it.
		if base.Type.Nullable && !r.known.has(v.path) {
			v.chained = !t.Nullable
			t.Nullable, v.why = true, base.nullName()
		}
		if t.Nullable && v.why == "" {
			v.why = v.path
		}
		v.Expr = r.make(plan.OpField, t, n, base.Expr)
		v.Name, v.Col = name, i
		return v
	}
	names := value.Schema{Fields: base.Type.Fields}.Names()
	d := r.errorf("N202", r.e.PointOf(n), "unknown field `%s`", name)
	if near := diag.Nearest(name, names); near != "" {
		d.With("did you mean `%s`?", near).WithFix(r.e.PointOf(n), near)
	}
	d.WithHelp("fields: %s", strings.Join(names, ", "))
	return r.unknown()
}

// index reads an element of a list or a value of a map: null where there is none.
func (r *run) index(n *ast.MemberNode, base val) val {
	i := r.check(n.Property)
	if i.unknown() {
		return r.unknown()
	}
	want := value.Of(value.Int)
	switch base.Type.Kind {
	case value.List:
	case value.Map:
		want = base.Type.Key.NotNull()
	case value.String:
		r.errorf("T301", r.e.SpanOf(n), "a string has no elements").WithHelp("write `substr(s, from, length)`")
		return r.unknown()
	default:
		r.errorf("T301", r.e.SpanOf(n), "%s has no elements", base.Type.Article())
		return r.unknown()
	}
	span := r.e.SpanOf(n.Property)
	if i.null() || !fits(adapt(i, want.Kind), want) {
		r.errorf("T308", span, "the index is %s, but this is %s", want.Article(), i.Type.Article())
		return r.unknown()
	}
	i = adapt(i, want.Kind)
	// There may be no such element, and nobody wants a row error for it: null it is, and `??` says what it means.
	v := val{Expr: r.make(plan.OpIndex, base.Type.Elem.Null(), n, base.Expr, convert(i.Expr, want))}
	v.why = r.label(n)
	return v
}

// label is the text of a node, for messages that name a value without a path.
func (r *run) label(n ast.Node) string {
	span := r.e.SpanOf(n)
	from, to := 0, len(r.e.Tokens)
	for i, t := range r.e.Tokens {
		if t.Pos.Offset == int(span.Start.Offset) {
			from = i
		}
		if t.Pos.Offset+len(t.Value) == int(span.End.Offset) {
			to = i + 1
		}
	}
	var b strings.Builder
	for i := from; i < to; i++ {
		if t := r.e.Tokens[i]; i > from && r.e.Tokens[i-1].Pos.Offset+len(r.e.Tokens[i-1].Value) != t.Pos.Offset {
			b.WriteByte(' ')
		}
		b.WriteString(r.e.Tokens[i].Value)
	}
	return b.String()
}

// slice reads a part of a list. Texts are cut by substr, which counts characters.
func (r *run) slice(n *ast.SliceNode) val {
	base := r.check(n.Node)
	bounds := make([]*plan.Expr, 0, 2)
	args := []val{base}
	for i, b := range []ast.Node{n.From, n.To} {
		if b == nil {
			bounds = append(bounds, &plan.Expr{Op: plan.OpLiteral, Type: value.Of(value.Int), Lit: &plan.Literal{Kind: value.Int, Int: int64(i) * maxIndex}})
			continue
		}
		v := r.check(b)
		if !v.unknown() && v.Type.Kind != value.Int {
			r.errorf("T308", r.e.SpanOf(b), "an index is an int, but this is %s", v.Type.Article())
			v = r.unknown()
		}
		args, bounds = append(args, v), append(bounds, v.Expr)
	}
	if base.unknown() {
		return r.unknown()
	}
	if base.Type.Kind != value.List && base.Type.Kind != value.String {
		r.errorf("T301", r.e.SpanOf(n), "%s has no elements", base.Type.Article())
		return r.unknown()
	}
	t := base.Type.NotNull()
	t.Words = nil
	t, why := lifted(t, args...)
	return val{Expr: r.make(plan.OpSlice, t, n, base.Expr, bounds[0], bounds[1]), why: why}
}

// maxIndex stands for the end in `x[a:]`.
const maxIndex = 1<<31 - 1

// element reads `#`, or the `#` that stands unwritten before `.field`, in a closure.
func (r *run) element(n *ast.PointerNode) val {
	span := r.e.PointOf(n)
	if n.Name != "" || len(r.elems) == 0 {
		r.errorf("N201", span, "there is no `#%s` here", n.Name).WithHelp("`#` is the element in a closure such as `any(items, # > 1)`")
		return r.unknown()
	}
	depth := len(r.elems)
	t := r.elems[depth-1]
	path := "$" + strconv.Itoa(depth)
	if t.Nullable && r.known.has(path) {
		t.Nullable = false
	}
	return val{Expr: &plan.Expr{Op: plan.OpElem, Type: t, Span: span}, path: path}
}

// spanBetween is the text from one node to another.
func (r *run) spanBetween(a, b ast.Node) diag.Span { return r.e.SpanOf(a).To(r.e.SpanOf(b)) }
