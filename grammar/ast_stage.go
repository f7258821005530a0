package grammar

import "pipec/grammar/diag"

// Stage is one step of a pipeline, without its `|>`.
type Stage struct {
	Place
	Op     Op    `parser:"@@"`
	Errors *Name `parser:"((?= 'errors' 'as') 'errors' 'as' @@)?"` // where its row errors go
	With   *Body `parser:"((?= 'with' '{') 'with' @@)?"`           // tuning: parallelism, id
}

// Op is what a stage does: one type per verb, or *BrokenStage.
type Op interface {
	Span() diag.Span
	Keyword() diag.Span
	Verb() string // as it is spoken: `where`, `key by`; of a Call the name of the pipe
}

// BrokenStage stands where a stage could not be read: the columns behind it are unknown.
type BrokenStage struct {
	Place
	Mark string `parser:"@Broken"`
}

// Where keeps the rows for which Cond holds.
type Where struct {
	Place
	Cond *Expr `parser:"'where' @@"`
}

// Derive adds columns, from left to right.
type Derive struct {
	Place
	Items []*Named `parser:"'derive' @@ (',' @@)*"`
}

// Set replaces columns, from left to right.
type Set struct {
	Place
	Items []*Named `parser:"'set' @@ (',' @@)*"`
}

// Named is `name = expression`.
type Named struct {
	Place
	Name *Name `parser:"@@ '='"`
	Expr *Expr `parser:"@@"`
}

// Select gives exactly the listed columns.
type Select struct {
	Place
	Items []*Item `parser:"'select' @@ (',' @@)*"`
}

// Item is `*` (Star), `name.*` (Of), or an expression with or without a name.
type Item struct {
	Place
	Star bool  `parser:"( @'*'"`
	Of   *Name `parser:"| (?= Ident '.' '*') @@ '.' '*'"`
	Name *Name `parser:"| ((?= Ident '=') @@ '=')?"`
	Expr *Expr `parser:"  @@ )"`
}

// Word is the text of an item that is one bare name, such as the `window` of `key by window`; else it is empty.
func (i *Item) Word() string {
	if i.Expr == nil || i.Name != nil {
		return ""
	}
	return i.Expr.Word()
}

// Drop removes columns.
type Drop struct {
	Place
	Columns []*Name `parser:"'drop' @@ (',' @@)*"`
}

// Rename gives columns new names.
type Rename struct {
	Place
	Pairs []*RenamePair `parser:"'rename' @@ (',' @@)*"`
}

// RenamePair is `new = old`.
type RenamePair struct {
	Place
	New *Name `parser:"@@ '='"`
	Old *Name `parser:"@@"`
}

// Explode makes one row for each element of a list.
type Explode struct {
	Place
	List      *Expr `parser:"'explode' @@"`
	As        *Name `parser:"'as' @@"`
	At        *Name `parser:"('at' @@)?"`
	KeepEmpty bool  `parser:"(@'keep' 'empty')?"`
}

// KeyBy says by which columns the following stages group.
type KeyBy struct {
	Place
	Items []*Item `parser:"'key' 'by' @@ (',' @@)*"`
}

// Window says for which time the next stage computes. Kind is any word: `tumbling`, `sliding`, `cumulating`, `session`, `count`,
// `rolling`, or one that does not exist. Clauses that are not written are nil.
type Window struct {
	Place
	Kind           *Name   `parser:"'window' ( (?= 'session') @@ 'gap' | @@ )"`
	Size           *Expr   `parser:"@@"` // of a session: its gap
	Every          *Expr   `parser:"('every' @@)?"`
	Max            *Expr   `parser:"('max' @@)?"`
	Rows           bool    `parser:"@'rows'?"`
	Offset         *Expr   `parser:"('offset' @@)?"`
	Zone           *String `parser:"('zone' @@)?"`
	ProcessingTime bool    `parser:"(@'on' 'processing' 'time')?"`
	AllowLate      *Expr   `parser:"('allow' 'late' @@)?"`
	LateAs         *Name   `parser:"('late' 'as' @@)?"`
	Early          *Expr   `parser:"('early' 'every' @@)?"`
}

// Aggregate computes one row per group.
type Aggregate struct {
	Place
	Items []*Agg    `parser:"'aggregate' @@ (',' @@)*"`
	Keep  *Expr     `parser:"('keep' @@)?"`
	Emit  *Emission `parser:"@@?"`
}

// Agg is `name = aggregate [where condition]`.
type Agg struct {
	Place
	Name  *Name `parser:"@@ '='"`
	Expr  *Expr `parser:"@@"`
	Where *Expr `parser:"('where' @@)?"`
}

// Count is `aggregate count = count()`, or the name in As.
type Count struct {
	Place
	As   *Name     `parser:"'count' ('as' @@)?"`
	Keep *Expr     `parser:"('keep' @@)?"`
	Emit *Emission `parser:"@@?"`
}

// Emission says when updates leave: `emit every 5s` (Every) or `emit final`.
type Emission struct {
	Place
	Every *Expr `parser:"'emit' ( 'every' @@"`
	Final bool  `parser:"| @'final' )"`
}

// Join matches the rows of two streams. Kind is empty for an inner join, else `left`, `full`, `semi` or `anti`.
type Join struct {
	Place
	Kind   string    `parser:"(?= ('left' | 'full' | 'semi' | 'anti')? 'join') @('left' | 'full' | 'semi' | 'anti')? 'join'"`
	Right  *Ref      `parser:"@@"`
	As     *Name     `parser:"('as' @@)?"`
	Match  *Matching `parser:"@@"`
	Within *Expr     `parser:"('within' @@)?"`
	Keep   *Expr     `parser:"('keep' @@)?"`
}

// Matching is `on condition` (On) or `using a, b` (Using).
type Matching struct {
	Place
	On    *Expr   `parser:"( 'on' @@"`
	Using []*Name `parser:"| 'using' @@ (',' @@)* )"`
}

// Lookup adds a row of a table, its version now or at AsOf.
type Lookup struct {
	Place
	Left  bool      `parser:"(?= 'left'? 'lookup') @'left'? 'lookup'"`
	Right *Ref      `parser:"@@"`
	As    *Name     `parser:"('as' @@)?"`
	Match *Matching `parser:"@@"`
	AsOf  *Expr     `parser:"('as' 'of' @@)?"`
}

// Union adds the rows of other streams.
type Union struct {
	Place
	Refs []*Ref `parser:"'union' @@ (',' @@)*"`
}

// Split ends a pipeline in named branches; the first that matches takes the row.
type Split struct {
	Place
	Branches []*Branch `parser:"'split' '{' (@@ ','?)* '}'"`
}

// Branch is `name when condition` or `name otherwise`. With Broken set nothing else is known.
type Branch struct {
	Place
	Broken    bool  `parser:"( @Broken"`
	Name      *Name `parser:"| @@"`
	When      *Expr `parser:"  ( 'when' @@"`
	Otherwise bool  `parser:"  | @'otherwise' ) )"`
}

// Dedup lets one row of each key pass. Keep is `first`, `last`, or empty.
type Dedup struct {
	Place
	Keep   string `parser:"'dedup' ('keep' @('first' | 'last'))?"`
	Within *Expr  `parser:"('within' @@)?"`
}

// Top keeps the N first rows of each group by an order.
type Top struct {
	Place
	N        *Expr    `parser:"'top' @@"`
	As       *Name    `parser:"('as' @@)?"`
	By       []*Order `parser:"'by' @@ (',' @@)*"`
	WithTies bool     `parser:"((?= 'with' 'ties') @'with' 'ties')?"`
}

// Order is an expression with `asc`, `desc` or neither.
type Order struct {
	Place
	Expr *Expr  `parser:"@@"`
	Dir  string `parser:"@('asc' | 'desc')?"`
}

// Desc reports whether the greatest comes first.
func (o *Order) Desc() bool { return o.Dir == "desc" }

// ProcessUse applies a declared process.
type ProcessUse struct {
	Place
	Process *Ref `parser:"'process' @@"`
}

// Match finds patterns of rows.
type Match struct {
	Place
	First   *Step       `parser:"'match' @@"`
	Next    []*NextStep `parser:"@@*"`
	Within  *Expr       `parser:"('within' @@)?"`
	SkipTo  string      `parser:"('skip' 'to' @('end' | 'next'))?"`
	Defines []*Define   `parser:"'{' ((?= Broken | Ident 'when') @@ ','?)*"`
	Select  []*Item     `parser:"'select' @@ (',' @@)* '}'"`
}

// Step is a row variable with how often it may match: Quant is empty, `+`, `*`, `?` or `{` with Min, Comma and Max.
type Step struct {
	Place
	Name  *Name  `parser:"@@"`
	Quant string `parser:"( @('+' | '*' | '?')"`
	Min   *Int   `parser:"| '{' @@"`
	Comma bool   `parser:"  ( @','"`
	Max   *Int   `parser:"    @@? )? '}' )?"`
}

// NextStep is a step behind another: directly (`then`), or with anything between (`followed by`).
type NextStep struct {
	Place
	Then bool  `parser:"( @'then' | 'followed' 'by' )"`
	Step *Step `parser:"@@"`
}

// Define is the condition of a step. With Broken set nothing else is known.
type Define struct {
	Place
	Broken bool  `parser:"( @Broken"`
	Name   *Name `parser:"| @@"`
	When   *Expr `parser:"  'when' @@ )"`
}

// Limit lets the first N rows pass.
type Limit struct {
	Place
	N *Expr `parser:"'limit' @@"`
}

// Into ends a pipeline in sinks; Body holds settings where a sink is a connector.
type Into struct {
	Place
	Refs []*Ref `parser:"'into' @@ (',' @@)*"`
	Body *Body  `parser:"((?= '{') @@)?"`
}

// Call applies a declared pipe.
type Call struct {
	Place
	Name *Ref    `parser:"@@"`
	Args []*Expr `parser:"('(' (@@ (',' @@)*)? ')')?"`
}

// Verb is empty.
func (*BrokenStage) Verb() string { return "" }

// Verb is `where`.
func (*Where) Verb() string { return "where" }

// Verb is `derive`.
func (*Derive) Verb() string { return "derive" }

// Verb is `set`.
func (*Set) Verb() string { return "set" }

// Verb is `select`.
func (*Select) Verb() string { return "select" }

// Verb is `drop`.
func (*Drop) Verb() string { return "drop" }

// Verb is `rename`.
func (*Rename) Verb() string { return "rename" }

// Verb is `explode`.
func (*Explode) Verb() string { return "explode" }

// Verb is `key by`.
func (*KeyBy) Verb() string { return "key by" }

// Verb is `window`.
func (*Window) Verb() string { return "window" }

// Verb is `aggregate`.
func (*Aggregate) Verb() string { return "aggregate" }

// Verb is `count`.
func (*Count) Verb() string { return "count" }

// Verb is `join`, whatever its kind.
func (*Join) Verb() string { return "join" }

// Verb is `lookup`.
func (*Lookup) Verb() string { return "lookup" }

// Verb is `union`.
func (*Union) Verb() string { return "union" }

// Verb is `split`.
func (*Split) Verb() string { return "split" }

// Verb is `dedup`.
func (*Dedup) Verb() string { return "dedup" }

// Verb is `top`.
func (*Top) Verb() string { return "top" }

// Verb is `process`.
func (*ProcessUse) Verb() string { return "process" }

// Verb is `match`.
func (*Match) Verb() string { return "match" }

// Verb is `watermark`.
func (*Watermark) Verb() string { return "watermark" }

// Verb is `limit`.
func (*Limit) Verb() string { return "limit" }

// Verb is `into`.
func (*Into) Verb() string { return "into" }

// Verb is the name of the pipe.
func (c *Call) Verb() string { return c.Name.String() }
