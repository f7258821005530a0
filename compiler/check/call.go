package check

import (
	"errors"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"pipec/compiler/plan"
	"pipec/grammar/diag"
	"pipec/vm/agg"
	"pipec/vm/fn"
	"pipec/vm/value"
)

// A call goes one of three ways. A function of the catalogue (vm/fn) becomes an OpCall, and its entry says which types it takes and gives. A function of the
// file is no call at all when it runs: its body is checked again in the place of the call, with the arguments as `let`s, so it costs what its body costs and works on every
// type its body works on. An aggregate (vm/agg) leaves the expression and becomes a column (group.go).

// call reads `f(x)`: an aggregate, a function of the file, or one of the catalogue.
func (r *run) call(n *ast.CallNode) val {
	name, ok := r.callee(n)
	if !ok {
		return r.unknown()
	}
	// Functions of the file come first, as declared names do everywhere: a function that a later release adds changes no program.
	if f, ok := r.names.Function(name); ok {
		return r.inline(n, f)
	}
	scalar, isScalar := fn.Lookup(name)
	if a, ok := agg.Lookup(name); ok && (r.s.Aggregates != nil || !isScalar) {
		return r.aggregate(n, a)
	}
	if isScalar {
		return r.scalar(n, scalar)
	}
	// Its arguments have mistakes of their own.
	for _, a := range n.Arguments {
		r.check(a)
	}
	if r.names.Broken(name) {
		r.failed = true
		return r.unknown()
	}
	r.noFunction(n, name)
	return r.unknown()
}

// callee is the name of what is called. There are no methods; a dotted name is a function of an import.
func (r *run) callee(n *ast.CallNode) (string, bool) {
	switch c := n.Callee.(type) {
	case *ast.IdentifierNode:
		return c.Value, true
	case *ast.MemberNode:
		property, _ := c.Property.(*ast.StringNode)
		if property == nil {
			break
		}
		if id, ok := c.Node.(*ast.IdentifierNode); ok {
			if _, ok := r.names.Function(id.Value + "." + property.Value); ok {
				return id.Value + "." + property.Value, true
			}
		}
		if !r.check(c.Node).unknown() {
			r.errorf("N203", r.e.PointOf(property), "values have no methods").
				With("write `%s(%s)`", property.Value, r.label(c.Node))
		}
		r.failed = true
		return "", false
	}
	r.errorf("N203", r.e.SpanOf(n), "only functions can be called")
	return "", false
}

// noFunction reports an unknown function with what was probably meant.
func (r *run) noFunction(n *ast.CallNode, name string) {
	span := r.e.PointOf(n)
	d := r.errorf("N203", span, "there is no function `%s`", name)
	known := functionNames(r.names)
	for word := range synonyms {
		known = append(known, word)
	}
	near := strings.ToLower(name)
	if synonyms[near] == "" {
		near = diag.Nearest(name, known)
	}
	switch {
	case synonyms[near] != "":
		d.With("%s", synonyms[near])
		return
	case near != "":
		d.With("did you mean `%s`?", near).WithFix(span, near)
	}
	d.WithHelp("`pipec docs functions` lists them")
}

// functionNames are all names that can be called.
func functionNames(n Names) []string {
	out := slices.Clone(n.Similar(true))
	for _, f := range fn.All() {
		out = append(out, f.Name)
	}
	for _, a := range agg.All() {
		out = append(out, a.Name)
	}
	return append(out, closureNames...)
}

// arguments checks the values of a call; false if one is unknown.
func (r *run) arguments(nodes []ast.Node) ([]val, bool) {
	args, known := make([]val, len(nodes)), true
	for i, n := range nodes {
		args[i] = r.check(n)
		known = known && !args[i].unknown()
	}
	return args, known
}

// counted reports a wrong number of values (T306).
func (r *run) counted(n *ast.CallNode, name string, params []string, optional int, variadic bool) bool {
	low, high := len(params)-optional, len(params)
	if got := len(n.Arguments); got < low || got > high && !variadic {
		want := plural(high, "value")
		switch {
		case variadic:
			want = "at least " + plural(low, "value")
		case low == 0 && high > 0:
			want = "at most " + plural(high, "value")
		case low < high:
			want = number(low) + " to " + plural(high, "value")
		}
		r.errorf("T306", r.e.SpanOf(n), "`%s` takes %s, but here %s %d", name, want, isAre(got), got).
			WithHelp("`%s(%s)`", name, strings.Join(params, ", "))
		return false
	}
	return true
}

// scalar calls a function of the catalogue: null in, null out, unless it says otherwise.
func (r *run) scalar(n *ast.CallNode, f *fn.Spec) val {
	args, known := r.arguments(n.Arguments)
	if !r.counted(n, f.Name, f.Params, f.Optional, f.Variadic) || !known {
		return r.unknown()
	}
	if f.Impure && r.c.Env == nil {
		r.warnf("T320", r.e.SpanOf(n), "`%s()` gives other values when rows are read again after a restart", f.Name).
			WithHelp("use a column of the row, such as its event time, where the result must not change")
	}
	// Literals take the kind of what is beside them, as in operators; a function that wants floats gets another try below.
	agree(args)
	t, err := r.typed(f, args)
	if err != nil && slices.ContainsFunc(args, func(v val) bool { return v.free && v.Type.Kind == value.Decimal }) {
		for i := range args { // `sqrt(2.0)`: a literal may be a float as well
			if args[i].free && args[i].Type.Kind == value.Decimal {
				args[i] = adapt(args[i], value.Float)
			}
		}
		t, err = r.typed(f, args)
	}
	if err != nil {
		r.wrongArgument(n, f, args, err)
		return r.unknown()
	}
	why := ""
	if !f.KeepsNull {
		t.Nullable = t.Nullable || f.CanNull
		t, why = lifted(t, args...)
	}
	exprs := make([]*plan.Expr, len(args))
	for i := range args {
		exprs[i] = args[i].Expr
	}
	e := r.make(plan.OpCall, t, n, exprs...)
	e.Name = f.Name
	if t.Nullable && why == "" {
		why = r.label(n)
	}
	return val{Expr: e, why: why}
}

// wrongArgument reports what a function has against its arguments (T307), at the one that is to blame. Where a constant is needed and a parameter stands that has no
// value yet, there is nothing to say before it has one.
func (r *run) wrongArgument(n *ast.CallNode, f *fn.Spec, args []val, err error) {
	span := r.e.SpanOf(n)
	var one *fn.ArgumentError
	if errors.As(err, &one) && one.Arg < len(n.Arguments) {
		span = r.e.SpanOf(n.Arguments[one.Arg])
		if one.Constant && args[one.Arg].later {
			return
		}
	}
	r.errorf("T307", span, "%s", err).WithHelp("`%s(%s)`: %s", f.Name, strings.Join(f.Params, ", "), f.Doc)
}

// typed converts the arguments to what the function asks for, and gives the type of the result.
func (r *run) typed(f *fn.Spec, args []val) (value.Type, error) {
	types, lits := make([]value.Type, len(args)), make([]*plan.Literal, len(args))
	// Twice: the first answer says what the arguments are converted to, and the type of the result follows from what they are then.
	read := func() {
		for i, v := range args {
			if types[i] = v.Type; !f.KeepsNull {
				types[i] = v.Type.NotNull()
			}
			if v.Op == plan.OpLiteral {
				lits[i] = v.Lit
			}
		}
	}
	read()
	t, err := f.Check(types, lits)
	if err != nil || f.Convert == nil {
		return t, err
	}
	for i, to := range f.Convert(types) {
		if i < len(args) {
			args[i] = adapt(args[i], to.Kind)
			args[i].Expr = convert(args[i].Expr, to.NotNull())
		}
	}
	read()
	return f.Check(types, lits)
}

// agree makes decimal literals floats where another argument is one.
func agree(args []val) {
	for _, a := range args {
		if a.free || a.Type.Kind != value.Float {
			continue
		}
		for i := range args {
			if args[i].Type.Kind == value.Decimal {
				args[i] = adapt(args[i], value.Float)
			}
		}
		return
	}
}

// inline puts the body of a function of the file in the place of its call. Arguments are evaluated once.
func (r *run) inline(n *ast.CallNode, f *Function) val {
	// Directly or through others: calls is the whole stack of bodies that are being inlined.
	if slices.Contains(r.calls, f.Name) {
		r.errorf("J701", r.e.PointOf(n), "`%s` calls itself", f.Name).WithHelp("functions have no recursion: every expression ends")
		return r.unknown()
	}
	params := make([]string, len(f.Params))
	for i, p := range f.Params {
		params[i] = p.Name
	}
	if !r.counted(n, f.Name, params, 0, false) {
		r.arguments(n.Arguments)
		return r.unknown()
	}
	if f.Body == nil || f.Body.Broken || f.Body.Node == nil {
		r.arguments(n.Arguments)
		r.failed = true
		return r.unknown()
	}
	return r.inlineArgs(n, f, nil)
}

// inlineArgs binds the arguments one after the other, then checks the body in the names of its file.
func (r *run) inlineArgs(n *ast.CallNode, f *Function, bound []binding) val {
	i := len(bound)
	if i == len(f.Params) {
		return r.inlineBody(n, f, bound)
	}
	p := f.Params[i]
	v := r.check(n.Arguments[i])
	if p.Type != nil && !v.unknown() {
		v = r.assign(v, *p.Type, "`"+p.Name+"`", r.e.SpanOf(n.Arguments[i]))
	}
	// What costs nothing to read is put in the place of the parameter; all else is evaluated once and read by an OpVar, however often the body names it.
	if v.unknown() || v.Op == plan.OpLiteral || v.Op == plan.OpColumn || v.Op == plan.OpVar {
		return r.inlineArgs(n, f, append(bound, binding{p.Name, v}))
	}
	// The arguments are evaluated in the order in which they are written, each before the body, whether or not the body uses it: one that fails fails the row.
	read := val{Expr: &plan.Expr{Op: plan.OpVar, Col: r.lets, Type: v.Type, Span: v.Span}, why: v.nullName(), path: letPath(r.lets)}
	r.lets++
	body := r.inlineArgs(n, f, append(bound, binding{p.Name, read}))
	r.lets--
	if body.unknown() {
		return body
	}
	body.Expr = r.make(plan.OpLet, body.Type, n, v.Expr, body.Expr)
	body.free, body.path = false, ""
	return body
}

func (r *run) inlineBody(n *ast.CallNode, f *Function, bound []binding) val {
	outer := *r
	r.e, r.names, r.bound = f.Body, f.Names, bound
	// `#` of the caller is none of the body's.
	r.elems = nil
	r.calls = append(slices.Clip(r.calls), f.Name)
	r.sites = append(slices.Clip(r.sites), outer.e.SpanOf(n))
	v := r.check(f.Body.Node)
	if f.Result != nil && !v.unknown() {
		v = r.assign(v, *f.Result, "the result of `"+f.Name+"`", f.Body.Span())
		v.Expr = declared(v.Expr, *f.Result)
	}
	failed := r.failed
	*r = outer
	r.failed = failed
	// What the result is made of is the function's affair: a test of it proves nothing about columns of the caller.
	v.path = ""
	return v
}

// declared gives an expression the nullability that a declaration promises.
func declared(e *plan.Expr, t value.Type) *plan.Expr {
	if !t.Nullable || e.Type.Nullable || e.Type.Kind == value.Unknown {
		return e
	}
	return &plan.Expr{Op: plan.OpConvert, Type: e.Type.Null(), Args: []*plan.Expr{e}, Span: e.Span}
}

// closureNames are the calls with a closure, and whether they give a bool.
var closureNames = []string{"map", "filter", "any", "all", "none", "one"}

// closure reads `any(list, # > 1)` and its like.
func (r *run) closure(n *ast.BuiltinNode) val {
	if !slices.Contains(closureNames, n.Name) {
		r.errorf("N203", r.e.PointOf(n), "there is no function `%s`", n.Name).
			WithHelp("functions with a closure: %s", strings.Join(closureNames, ", "))
		return r.unknown()
	}
	if len(n.Arguments) != 2 {
		r.errorf("T306", r.e.SpanOf(n), "`%s` takes a list and a condition, as in `%s(items, # > 1)`", n.Name, n.Name)
		return r.unknown()
	}
	list := r.check(n.Arguments[0])
	elem := value.Of(value.Unknown)
	switch {
	case list.unknown():
	case list.Type.Kind != value.List:
		r.errorf("T307", r.e.SpanOf(n.Arguments[0]), "`%s` works on a list, but this is %s", n.Name, list.Type.Article())
		list = r.unknown()
	default:
		elem = *list.Type.Elem
	}
	body := r.inElement(elem, n.Arguments[1])
	if list.unknown() || body.unknown() {
		return r.unknown()
	}
	t := boolean
	if n.Name == "map" {
		t = value.ListOf(body.Type)
	} else if !r.isBool(body, r.e.SpanOf(n.Arguments[1])) {
		return r.unknown()
	}
	if n.Name == "filter" {
		t = list.Type.NotNull()
	}
	t, why := lifted(t, list)
	e := r.make(plan.OpEach, t, n, list.Expr, body.Expr)
	e.Name = n.Name
	return val{Expr: e, why: why}
}

// inElement checks the body of a closure over elements of that type.
func (r *run) inElement(elem value.Type, body ast.Node) val {
	if p, ok := body.(*ast.PredicateNode); ok {
		body = p.Node
	}
	r.elems = append(r.elems, elem)
	v := r.check(body)
	r.elems = r.elems[:len(r.elems)-1]
	return v
}
