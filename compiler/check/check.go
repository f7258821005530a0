// Package check gives expressions their types. It walks the tree of expr's parser and makes a plan.Expr in which every operand fits: types,
// null and what is known not to be null, numbers of several kinds, functions, aggregates and closures.
//
//	check.go     Checker, Names, Function: the door; one check and its state
//	val.go       val: a checked part of an expression; what is known to be not null
//	convert.go   which type fits which, common types, literals that adapt to what is beside them
//	name.go      names, fields, indexes and slices
//	operator.go  arithmetic, `and or not`, `??`, `if`, `let`, lists and records
//	compare.go   comparisons, `in`, texts
//	call.go      functions of the catalogue and of the file, closures
//	group.go     aggregates
//	interpolate.go  texts and their `${...}`
//	say.go       types and lists of names in messages
//	synonyms.go  what people coming from other languages type
//
// A part that is wrong is reported once and has the type Unknown, which fits everything, so that nothing follows from it.
package check

import (
	"errors"
	"strings"

	"github.com/expr-lang/expr/ast"

	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/eval"
	"pipec/vm/op"
	"pipec/vm/value"
)

// How it works, in the order in which it matters:
//
// One walk, children first. Every node gives a val: the plan's expression with its type, and beside it what only the checker needs. There is no second
// pass and no unification: the type of a part never depends on what stands around it, with one exception.
//
// The exception is numbers that are written out. `1.5` is a decimal by itself, but beside a float it is a float, as constants are in Go. A val made of such
// numbers only is free; where it meets another type it is rewritten, down to its literals (adapt). So no digit of a literal goes through a float on its way
// to a decimal.
//
// Null is part of the type. Arithmetic and functions give null for null; == and != take null as a value; a condition must not be null. What is known not
// to be null is a set of paths: a column, a `let`, a field of either. A condition says which paths are not null where it is true and where it is false (yes
// and no of val); `and`, `or`, `not`, `if` and `?:` pass that on to the operands behind them, and the stages `where` and `split` pass it on to the stages
// behind them. A path through a record proves all its beginnings: where a.b is not null, a is not.
//
// Functions of the file are inlined. Each is checked again at each call, with the types it is called with, so parameters need no declared types. What is
// wrong in the body is reported at the body, with the call as a second place; the list drops what is said twice.
//
// Aggregates are taken out of the expression: the call becomes a column behind those of the group, and what is left is an expression over the results.

// Names gives a meaning to names that are no columns, as one file sees them. Names of an import are dotted.
type Names interface {
	// Param is the value of a parameter as a literal. Where it is not known yet (nothing will run), it is an OpVar of the parameter's type without a Lit; of a
	// parameter that is broken, an expression of type Unknown.
	Param(name string) (*plan.Expr, bool)
	// Function is a function of the file.
	Function(name string) (*Function, bool)
	// Broken says that a declaration of that name exists, but not what it is: it has been reported.
	Broken(name string) bool
	// Similar lists names for "did you mean": parameters, or functions.
	Similar(functions bool) []string
}

// Function is a function of the file, for inlining.
type Function struct {
	Name   string
	Params []Param
	Result *value.Type // nil: whatever the body gives
	Body   *grammar.Expr
	Names  Names // as the file of the function sees them
}

// Param is a parameter of a Function; without a type it takes any value.
type Param struct {
	Name string
	Type *value.Type
	Span diag.Span
}

// Checker checks the expressions of one file.
type Checker struct {
	Names Names
	List  *diag.List
	// Env gives environment variables, nil where `env` may not be used; known is false where a value cannot be known now (validate).
	Env  func(name string) (text string, known bool)
	Here string // what `${here}` stands for: the folder of the file
}

// Expr checks an expression in a scope; nil if something is wrong with it, which has been reported.
func (c *Checker) Expr(e *grammar.Expr, s op.Scope) *op.Checked { return c.ExprAs(e, s, nil) }

// ExprAs checks an expression that must fit a type (nil: any). what names the value in messages.
func (c *Checker) ExprAs(e *grammar.Expr, s op.Scope, to *value.Type) *op.Checked {
	if e == nil || e.Broken || e.Node == nil {
		return nil
	}
	r := &run{c: c, e: e, s: s, names: c.Names}
	v := r.check(e.Node)
	if to != nil {
		v = r.assign(v, *to, s.Doing, e.Span())
	} else if c.Env != nil {
		r.present(v)
	}
	if s.Condition && !r.failed {
		r.isBool(v, e.Span())
	}
	if !r.failed {
		v.Expr = r.fold(v.Expr)
		r.constant(v)
	}
	// One mistake is enough for the whole expression: what it would have given is unknown, and all that follows from it is silent.
	if r.failed {
		return nil
	}
	// A text literal has itself as its only word, so that `if a { "x" } else { "y" }` becomes an enumeration of two and a typo is found where it is compared.
	if v.Op == plan.OpLiteral && v.Type.Kind == value.String && to == nil {
		v.Type = value.Of(value.String) // a lone text is any text; the words matter only where several meet
	}
	out := &op.Checked{Expr: v.Expr, NotNull: topLevel(v.yes)}
	out.Fails, out.Impure = effects(v.Expr)
	return out
}

// present reports a setting that is null: an environment variable that is not set.
func (r *run) present(v val) {
	switch {
	case !v.Type.Nullable:
	case strings.HasPrefix(v.why, envPrefix):
		r.unset(v)
	default:
		r.errorf("T311", r.e.Span(), "a setting is never null").WithHelp("leave it out instead")
	}
}

// unset reports an environment variable that is needed and not set.
func (r *run) unset(v val) {
	r.errorf("C507", v.Span, "the environment variable `%s` is not set", strings.TrimPrefix(v.why, envPrefix)).
		WithHelp("set it, or give a value for that case: `%s ?? \"...\"`", v.why)
}

// Body checks the body of a function for the types its parameters declare, so that a function nobody calls is checked too.
func (c *Checker) Body(f *Function) {
	if f.Body == nil || f.Body.Broken || f.Body.Node == nil {
		return
	}
	r := &run{c: c, e: f.Body, names: f.Names, calls: []string{f.Name}, s: op.Scope{Doing: "function"}}
	for i, p := range f.Params {
		t := value.Of(value.Unknown)
		if p.Type != nil {
			t = *p.Type
		}
		r.bound = append(r.bound, binding{name: p.Name, v: val{Expr: &plan.Expr{Op: plan.OpVar, Col: i, Type: t, Span: p.Span}, path: p.Name}})
	}
	// The parameters stand where a call would have put its `let`s; nobody evaluates this expression.
	r.lets = len(f.Params)
	v := r.check(f.Body.Node)
	if f.Result != nil {
		r.assign(v, *f.Result, "the result of `"+f.Name+"`", f.Body.Span())
	}
}

// run is one check of one expression.
type run struct {
	c      *Checker
	e      *grammar.Expr // the text that is being read: the body of a function while it is inlined
	names  Names         // as the file of that text sees them
	s      op.Scope
	bound  []binding    // `let`s and parameters of the function, innermost last
	lets   int          // number of OpLets around the current place
	elems  []value.Type // elements of the closures around, innermost last
	known  facts
	inAgg  bool
	calls  []string    // functions being inlined, to refuse recursion
	sites  []diag.Span // where they are called
	failed bool
}

// binding is a name inside an expression.
type binding struct {
	name string
	v    val
}

// check gives a node its type.
func (r *run) check(n ast.Node) val {
	switch n := n.(type) {
	case nil:
		return r.unknown()
	case *ast.IdentifierNode:
		return r.name(n)
	case *ast.IntegerNode:
		return r.integer(n)
	case *ast.FloatNode:
		return r.decimal(n)
	case *ast.BoolNode:
		return r.literal(n, value.Of(value.Bool), plan.Literal{Kind: value.Bool, Bool: n.Value})
	case *ast.StringNode:
		return r.text(n)
	case *ast.UnaryNode:
		return r.unary(n)
	case *ast.BinaryNode:
		return r.binary(n)
	case *ast.ChainNode:
		v := r.check(n.Node)
		v.chained = false
		return v
	case *ast.MemberNode:
		return r.member(n)
	case *ast.SliceNode:
		return r.slice(n)
	case *ast.CallNode:
		return r.call(n)
	case *ast.BuiltinNode:
		return r.closure(n)
	case *ast.PointerNode:
		return r.element(n)
	case *ast.ConditionalNode:
		return r.conditional(n)
	case *ast.VariableDeclaratorNode:
		return r.let(n)
	case *ast.ArrayNode:
		return r.list(n)
	case *ast.MapNode:
		return r.record(n)
	}
	r.errorf("P102", r.e.SpanOf(n), "this is not an expression of the language")
	return r.unknown()
}

// errorf reports an error; the result of the check is then nil. Inside an inlined function it tells also where that is called.
func (r *run) errorf(code string, span diag.Span, message string, args ...any) *diag.Diagnostic {
	r.failed = true
	return r.sited(r.c.List.Errorf(code, span, message, args...))
}

// warnf reports a warning.
func (r *run) warnf(code string, span diag.Span, message string, args ...any) *diag.Diagnostic {
	return r.sited(r.c.List.Warnf(code, span, message, args...))
}

func (r *run) sited(d *diag.Diagnostic) *diag.Diagnostic {
	if n := len(r.sites); n > 0 {
		d.WithRelated(r.sites[0], "called here")
	}
	return d
}

// unknown is what is left of a part that is wrong.
func (r *run) unknown() val {
	return val{Expr: &plan.Expr{Op: plan.OpLiteral, Type: value.Of(value.Unknown), Lit: &plan.Literal{}}}
}

// make builds a node.
func (r *run) make(o plan.Op, t value.Type, n ast.Node, args ...*plan.Expr) *plan.Expr {
	return &plan.Expr{Op: o, Type: t, Args: args, Span: r.e.SpanOf(n)}
}

// literal builds a constant.
func (r *run) literal(n ast.Node, t value.Type, l plan.Literal) val {
	return val{Expr: &plan.Expr{Op: plan.OpLiteral, Type: t, Lit: &l, Span: r.e.PointOf(n)}}
}

// constant reports a constant that depends on the row.
func (r *run) constant(v val) {
	if !r.s.Constant || r.failed || v.Op == plan.OpLiteral || v.Type.Kind == value.Unknown {
		return
	}
	r.errorf("T308", r.e.Span(), "this must be a constant, but it depends on the row").
		WithHelp("use a number, a duration or a text as such, or a `param`")
}

// fold computes what is constant in e once; a constant that fails is an error (T321).
func (r *run) fold(e *plan.Expr) *plan.Expr { return r.foldAt(e, true) }

// foldAt is fold. What is evaluated for some rows only (sure is false) may fail: it is left to them.
func (r *run) foldAt(e *plan.Expr, sure bool) *plan.Expr {
	if e.Op == plan.OpLiteral || e.Op == plan.OpColumn || r.failed {
		return e
	}
	if isConstant(e) {
		folded, err := eval.Fold(e)
		switch {
		case err == nil:
			return folded
		case sure:
			r.alwaysFails(err)
		}
		return e
	}
	for i, a := range e.Args {
		// The first operand is always evaluated. What stands behind it may be guarded by it, as in `if n == 0 { 0 } else { 1 / 0 }`.
		lazy := i > 0 && (e.Op == plan.OpIf || e.Op == plan.OpAnd || e.Op == plan.OpOr || e.Op == plan.OpCoalesce) || e.Op == plan.OpEach
		e.Args[i] = r.foldAt(a, sure && !lazy)
	}
	return e
}

// alwaysFails reports a constant that no row survives.
func (r *run) alwaysFails(err error) {
	var at *eval.FoldError
	if errors.As(err, &at) {
		r.errorf("T321", at.Span, "this always fails: %s", at.Text)
	}
}

// isConstant says whether nothing in e depends on the row, on the clock or on chance.
func isConstant(e *plan.Expr) bool {
	ok := true
	e.Walk(func(x *plan.Expr) {
		switch x.Op {
		case plan.OpColumn, plan.OpElem, plan.OpVar, plan.OpLet, plan.OpEach:
			ok = false
		case plan.OpLiteral:
			ok = ok && x.Type.Kind != value.Unknown
		case plan.OpRecord, plan.OpList, plan.OpIf:
			// They would have to be folded in parts: a branch that is not taken must not fail, and the plan has no literal for a list or a record.
			ok = false // no literals of these; branches that are not taken may fail
		case plan.OpCall:
			ok = ok && !impure(x.Name)
		}
	})
	return ok
}
