package eval

import (
	"fmt"
	"strings"

	"pipec/compiler/plan"
	"pipec/vm/fn"
	"pipec/vm/value"
)

// builder makes the nodes of one program.
type builder struct {
	env   *fn.Env
	nodes map[string]*node // by what they compute
	next  int
	scope *scope
	lets  []binding
}

// scope is the body of a closure, or the expression as a whole: nodes of different scopes work on different frames and are never shared.
type scope struct {
	up    *scope
	depth int
	id    int
	elem  *node
}

// binding is the value of a `let`.
type binding struct {
	node *node
	at   *scope
}

func newBuilder(env *fn.Env) *builder {
	return &builder{env: env, nodes: map[string]*node{}, scope: &scope{}}
}

// build gives the node of an expression; an expression that was built before in the same scope gives the same node.
func (b *builder) build(e *plan.Expr) (*node, error) {
	switch e.Op {
	case plan.OpColumn:
		return b.lifted(b.column(e), b.root())
	case plan.OpElem:
		return b.element(e)
	case plan.OpVar:
		if e.Col >= len(b.lets) {
			return nil, fmt.Errorf("let %d is not in scope", e.Col)
		}
		return b.lifted(b.lets[e.Col].node, b.lets[e.Col].at)
	case plan.OpLet:
		return b.let(e)
	case plan.OpEach:
		return b.each(e)
	case plan.OpLiteral:
		return b.intern(b.key(e, nil), func() (*node, error) { return literal(e.Lit, e.Type), nil })
	case plan.OpIn:
		if set := constantList(e.Args[1]); set != nil {
			return b.member(e, set)
		}
	}
	args := make([]*node, len(e.Args))
	for i, a := range e.Args {
		var err error
		if args[i], err = b.build(a); err != nil {
			return nil, err
		}
	}
	if e.Op == plan.OpConvert && args[0].typ.Same(e.Type) {
		return args[0], nil
	}
	key := b.key(e, args)
	if e.Op == plan.OpCall {
		if spec, ok := fn.Lookup(e.Name); ok && spec.Impure {
			key = fmt.Sprintf("%s once %d", key, b.next)
		}
	}
	return b.intern(key, func() (*node, error) { return b.operator(e, args) })
}

// key says what a node computes; two with one key are one.
func (b *builder) key(e *plan.Expr, args []*node) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d %s %s %q %d", b.scope.id, e.Op, e.Type, e.Name, e.Col)
	if e.Lit != nil {
		fmt.Fprintf(&s, " %#v", *e.Lit)
	}
	for _, a := range args {
		fmt.Fprintf(&s, " #%d", a.id)
	}
	return s.String()
}

func (b *builder) intern(key string, make func() (*node, error)) (*node, error) {
	if n, ok := b.nodes[key]; ok {
		return n, nil
	}
	n, err := make()
	if err != nil {
		return nil, err
	}
	b.next++
	n.id = b.next
	b.nodes[key] = n
	return n, nil
}

func (b *builder) root() *scope {
	s := b.scope
	for s.up != nil {
		s = s.up
	}
	return s
}

func (b *builder) column(e *plan.Expr) *node {
	n, _ := b.intern(fmt.Sprintf("column %d", e.Col), func() (*node, error) { return column(e.Col, e.Type), nil })
	return n
}

// lifted makes a node of an outer scope readable in this one: each row here reads its owner's.
func (b *builder) lifted(n *node, from *scope) (*node, error) {
	path := []*scope{}
	for s := b.scope; s != from; s = s.up {
		path = append(path, s)
	}
	for i := len(path) - 1; i >= 0; i-- {
		inner := n
		n, _ = b.intern(fmt.Sprintf("%d lift #%d", path[i].id, inner.id), func() (*node, error) { return lifting(inner), nil })
	}
	return n, nil
}

func (b *builder) element(e *plan.Expr) (*node, error) {
	s := b.scope
	for range e.Col {
		if s = s.up; s == nil {
			break
		}
	}
	if s == nil || s.elem == nil {
		return nil, fmt.Errorf("element outside a closure")
	}
	return b.lifted(s.elem, s)
}

// let computes the value for all rows of the selection, also where the body does not read it, and then the body.
func (b *builder) let(e *plan.Expr) (*node, error) {
	val, err := b.build(e.Args[0])
	if err != nil {
		return nil, err
	}
	b.lets = append(b.lets, binding{val, b.scope})
	body, err := b.build(e.Args[1])
	b.lets = b.lets[:len(b.lets)-1]
	if err != nil {
		return nil, err
	}
	return b.intern(fmt.Sprintf("%d let #%d #%d", b.scope.id, val.id, body.id), func() (*node, error) {
		return &node{typ: e.Type, args: []*node{val, body}, run: func(n *node, f *frame, s *sel) *value.Vec {
			n.args[0].eval(f, s)
			return n.args[1].eval(f, s)
		}}, nil
	})
}

// operator makes the node of an operator over built operands.
func (b *builder) operator(e *plan.Expr, args []*node) (*node, error) {
	n := &node{typ: e.Type, args: args}
	for i, a := range args[:conditions(e.Op)] {
		if a.isNull() {
			args[i] = literal(a.lit, value.Of(value.Bool).Null())
		} else if a.typ.Kind != value.Bool {
			return nil, noKernel(n, e.Op)
		}
	}
	var err error
	switch e.Op {
	case plan.OpNot:
		not(n)
	case plan.OpAnd:
		and(n)
	case plan.OpOr:
		or(n)
	case plan.OpIf:
		choose(n)
	case plan.OpCoalesce:
		coalesce(n)
	case plan.OpEq, plan.OpNe, plan.OpLt, plan.OpLe, plan.OpGt, plan.OpGe:
		err = b.compare(n, e.Op)
	case plan.OpBetween:
		err = b.between(n)
	case plan.OpIn:
		err = b.memberOf(n)
	case plan.OpAdd, plan.OpSub, plan.OpMul, plan.OpDiv, plan.OpMod, plan.OpPow, plan.OpNeg:
		err = b.arithmetic(n, e.Op)
	case plan.OpContains, plan.OpStarts, plan.OpEnds:
		textTest(n, e.Op)
	case plan.OpMatches:
		err = matches(n)
	case plan.OpField:
		err = field(n, e.Name)
	case plan.OpIndex:
		err = b.index(n)
	case plan.OpSlice:
		err = slice(n)
	case plan.OpList:
		list(n)
	case plan.OpRecord:
		record(n)
	case plan.OpConvert:
		err = b.convert(n)
	case plan.OpCall:
		err = b.call(n, e)
	default:
		err = fmt.Errorf("no such operator: %s", e.Op)
	}
	return n, err
}

// conditions is how many of an operator's first operands must be bools.
func conditions(op plan.Op) int {
	switch op {
	case plan.OpNot, plan.OpIf:
		return 1
	case plan.OpAnd, plan.OpOr:
		return 2
	}
	return 0
}

// converted gives the node as a value of another type: what the checker's OpConvert does, for operands it left alone.
func (b *builder) converted(n *node, t value.Type) (*node, error) {
	if n.typ.Same(t) || n.isNull() {
		return n, nil
	}
	t.Nullable = n.typ.Nullable
	return b.intern(fmt.Sprintf("%d %s %s %q %d #%d", b.scope.id, plan.OpConvert, t, "", 0, n.id), func() (*node, error) {
		c := &node{typ: t, args: []*node{n}}
		return c, b.convert(c)
	})
}

func noKernel(n *node, what any) error {
	types := make([]string, len(n.args))
	for i, a := range n.args {
		types[i] = a.typ.String()
	}
	return fmt.Errorf("%v is not defined on %s", what, strings.Join(types, " and "))
}
