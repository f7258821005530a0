package plan

import (
	"pipec/grammar/diag"
	"pipec/vm/value"
)

// Op is the kind of an expression node.
type Op string

// The kinds. Args hold the operands in order. Operands of arithmetic and comparisons have been converted to one type by OpConvert, except for
// timestamp and duration arithmetic, which vm/eval resolves by the operand types.
const (
	OpColumn   Op = "column"   // Col: column of the input batch
	OpLiteral  Op = "literal"  // Lit
	OpNot      Op = "not"      // bool
	OpAnd      Op = "and"      // two bools, the right one evaluated only where the left is true
	OpOr       Op = "or"       // two bools, the right one evaluated only where the left is false
	OpIf       Op = "if"       // condition, then, else; only the branch that is taken is evaluated
	OpCoalesce Op = "coalesce" // left ?? right; right evaluated only where left is null
	OpEq       Op = "=="       // null is a value: null == null is true
	OpNe       Op = "!="
	OpLt       Op = "<" // null lifts
	OpLe       Op = "<="
	OpGt       Op = ">"
	OpGe       Op = ">="
	OpAdd      Op = "+" // numbers, times, texts
	OpSub      Op = "-"
	OpMul      Op = "*"
	OpDiv      Op = "/"
	OpMod      Op = "%"
	OpPow      Op = "**"
	OpNeg      Op = "neg"
	OpIn       Op = "in"       // element, list
	OpBetween  Op = "between"  // value, low, high: x in a..b, both ends included
	OpContains Op = "contains" // text, text
	OpStarts   Op = "startsWith"
	OpEnds     Op = "endsWith"
	OpMatches  Op = "matches" // text, constant regular expression
	OpField    Op = "field"   // record; Name. A null record gives null
	OpIndex    Op = "index"   // list and int (negative from the end), or map and key; missing gives null
	OpSlice    Op = "slice"   // text or list, from, to
	OpList     Op = "list"    // elements
	OpRecord   Op = "record"  // one argument per field of Type
	OpConvert  Op = "convert" // to Type: int to float or decimal, decimal to another scale, T to T?
	OpCall     Op = "call"    // Name: function of vm/fn
	OpEach     Op = "each"    // Name: map, filter, any, all, none, one, count, sum over a list; Args: list, body over OpElem
	OpElem     Op = "elem"    // the element of the innermost OpEach; Col counts enclosing ones outwards
	OpLet      Op = "let"     // value, body; the body reads it by OpVar
	OpVar      Op = "var"     // Col: let counted from the outermost
)

// Expr is a checked expression: its type is known and its operands fit. It has no side effects; a row for which it fails is a row error.
type Expr struct {
	Op   Op         `json:"op"`
	Type value.Type `json:"type"`
	Name string     `json:"name,omitempty"`
	Col  int        `json:"col,omitempty"`
	Lit  *Literal   `json:"lit,omitempty"`
	Args []*Expr    `json:"args,omitempty"`
	Span diag.Span  `json:"-"`
}

// Literal is a constant. Kind Null is null; Int serves int, timestamp, duration and size; Decimal is Hi:Int, scaled by Expr.Type.
type Literal struct {
	Kind  value.Kind `json:"kind"`
	Bool  bool       `json:"bool,omitempty"`
	Int   int64      `json:"int,omitempty"`
	Hi    int64      `json:"hi,omitempty"`
	Float float64    `json:"float,omitempty"`
	Text  string     `json:"text,omitempty"`
}

// Column is a reference to a column of the input.
func Column(i int, t value.Type) *Expr { return &Expr{Op: OpColumn, Col: i, Type: t} }

// Walk calls f for the expression and everything in it, parents first.
func (e *Expr) Walk(f func(*Expr)) {
	if e == nil {
		return
	}
	f(e)
	for _, a := range e.Args {
		a.Walk(f)
	}
}

// Columns marks the columns the expression reads.
func (e *Expr) Columns(used []bool) {
	e.Walk(func(x *Expr) {
		if x.Op == OpColumn && x.Col < len(used) {
			used[x.Col] = true
		}
	})
}

// Aggregate is one call of an aggregate function: the argument and the filter are over the input's columns.
type Aggregate struct {
	Func  string     `json:"func"` // name in vm/agg's table
	Args  []*Expr    `json:"args,omitempty"`
	Where *Expr      `json:"where,omitempty"`
	Type  value.Type `json:"type"`
	Text  string     `json:"text"` // as written in canonical form, for the state's signature
}
