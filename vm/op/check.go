package op

import (
	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/op/group"
	"pipec/vm/value"
)

// Check is one stage to check.
type Check struct {
	Builder
	Stage *grammar.Stage
	In    Stream
	// Open is the window that a stage was put into which computes nothing in it: that has been reported (S404), and the stage behind is checked as if the two
	// stood in the right order.
	Open   *Window
	warned bool // of passing row errors: once per stage
}

// Builder is what the compiler does for a stage.
type Builder interface {
	// Expr checks an expression in a scope. On an error it has reported it and gives nil.
	Expr(e *grammar.Expr, s Scope) *Checked
	// Stream finds another stream by name; on an error it has reported it and gives false.
	Stream(ref *grammar.Ref) (Stream, bool)
	// Report adds a diagnostic. The span's file and text are the compiler's business.
	Report(d diag.Diagnostic)
	// Node adds a node behind the inputs, gives it its id, adds the exchange that Keyed or Single asks for, and the port of `errors as`. It gives the main output.
	Node(n Node, inputs ...Stream) Stream
	// Name makes a side output or a branch a stream that others can read.
	Name(name grammar.Name, s Stream)
}

// Scope says what names an expression may use.
type Scope struct {
	Schema value.Schema // columns
	// Aggregates, when not nil, collects aggregate calls (their arguments are over Schema); outside of them only the columns of Group may be read. The expression is then
	// over Group's columns followed by one column per collected call.
	Aggregates *[]plan.Aggregate
	Group      value.Schema
	Filtered   bool   // the aggregate calls have a `where`: agg.Spec.Check is told so
	Condition  bool   // must be true or false: T303, T312
	Constant   bool   // must be a constant; the result is folded to a literal
	Unknown    bool   // columns are unknown: names that are not found are silent
	Doing      string // for messages: "where", "aggregate"
}

// Checked is a checked expression.
type Checked struct {
	Expr    *plan.Expr
	NotNull []string // columns that are not null where the expression (a condition) is true
	Fails   bool     // a row error is possible
	Impure  bool
}

// Stream is a point between two stages.
type Stream struct {
	Type   plan.StreamType
	Node   string   // the node that gives the rows; "" if there is none because of an error
	Port   int      // its output
	Parts  []string // rows with equal values here are in one task; nil: as they come from the source
	Window *Window  // opened by `window` for the next stage
}

// Node is a node to add.
type Node struct {
	Kind   string      // the stage's verb
	Ports  []plan.Port // 0 is the main output
	Config any
	Keyed  []string // all rows with the same values in these columns of the input must be in one task; Single: all rows
	Single bool
	Fails  bool // its expressions can fail: `errors as` makes sense
	State  *plan.Signature
}

// Window is an open window scope.
type Window struct {
	group.Window
	Late     *grammar.Name // late as
	Span     diag.Span
	Reported bool // that a stage stands in it which computes nothing
}
