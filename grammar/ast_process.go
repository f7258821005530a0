package grammar

import "pipec/grammar/diag"

// Process is a keyed state machine: states, timers and handlers.
type Process struct {
	Head
	Name    *Name     `parser:"'process' @@"`
	Row     *Name     `parser:"'(' @@"`
	RowType *TypeExpr `parser:"(':' @@)? ')'"`
	Members []Member  `parser:"'{' @@* '}'"`
}

// DeclName is the name of the process.
func (d *Process) DeclName() *Name { return d.Name }

// Member is *StateDecl, *TimerDecl, *Handler or *BrokenMember.
type Member interface {
	Span() diag.Span
	Keyword() diag.Span
	member()
}

// BrokenMember stands where a member could not be read.
type BrokenMember struct {
	Place
	Mark string `parser:"@Broken"`
}

// StateDecl is `state name: type = value ttl D`. Without `ttl`, TTL is nil and Forever false.
type StateDecl struct {
	Place
	Doc     string
	Name    *Name     `parser:"'state' @@"`
	Type    *TypeExpr `parser:"':' @@"`
	Init    *Expr     `parser:"('=' @@)?"`
	Forever bool      `parser:"('ttl' ( @'forever'"`
	TTL     *Expr     `parser:"| @@ ))?"`
}

// TimerDecl is `timer name`.
type TimerDecl struct {
	Place
	Doc            string
	Name           *Name `parser:"'timer' @@"`
	ProcessingTime bool  `parser:"((?= 'on' 'processing') @'on' 'processing' 'time')?"`
}

// Handler is `on event`, `on end` or `on timer name`.
type Handler struct {
	Place
	On    string `parser:"'on' ( @('event' | 'end')"`
	Timer *Name  `parser:"| 'timer' @@ )"`
	Block *Block `parser:"@@"`
}

// Block is statements in braces.
type Block struct {
	Place
	Stmts []Stmt `parser:"'{' @@* '}'"`
}

// Stmt is *IfStmt, *EmitStmt, *LetStmt, *AssignStmt, *ClearStmt, *ScheduleStmt, *CancelStmt or *BrokenStmt.
type Stmt interface {
	Span() diag.Span
	Keyword() diag.Span
	stmt()
}

// BrokenStmt stands where a statement could not be read.
type BrokenStmt struct {
	Place
	Mark string `parser:"@Broken"`
}

// IfStmt is `if` with any number of `else if` and perhaps an `else`.
type IfStmt struct {
	Place
	Cond   *Expr     `parser:"'if' @@"`
	Then   *Block    `parser:"@@"`
	ElseIf []*ElseIf `parser:"((?= 'else' 'if') @@)*"`
	Else   *Block    `parser:"('else' @@)?"`
}

// ElseIf is one more case of an IfStmt.
type ElseIf struct {
	Place
	Cond *Expr  `parser:"'else' 'if' @@"`
	Then *Block `parser:"@@"`
}

// EmitStmt gives a row, to the side output As if it is set.
type EmitStmt struct {
	Place
	Items []*Item `parser:"'emit' @@ (',' @@)*"`
	As    *Name   `parser:"('as' @@)?"`
}

// LetStmt names a value until the end of the block.
type LetStmt struct {
	Place
	Name  *Name `parser:"'let' @@ '='"`
	Value *Expr `parser:"@@"`
}

// AssignStmt is `state = value` or `state[key] = value`.
type AssignStmt struct {
	Place
	Target *Ref  `parser:"(?! 'emit' '[') (?= Ident ('.' Ident)* ('=' | '[')) @@"`
	Index  *Expr `parser:"('[' @@ ']')?"`
	Value  *Expr `parser:"'=' @@"`
}

// ClearStmt forgets a state.
type ClearStmt struct {
	Place
	Name *Name `parser:"'clear' @@"`
}

// ScheduleStmt sets a timer: at a time (At) or after a duration (After).
type ScheduleStmt struct {
	Place
	Timer *Name `parser:"'schedule' @@"`
	At    *Expr `parser:"( 'at' @@"`
	After *Expr `parser:"| 'after' @@ )"`
}

// CancelStmt removes a timer.
type CancelStmt struct {
	Place
	Timer *Name `parser:"'cancel' @@"`
}

func (*BrokenMember) member() {}
func (*StateDecl) member()    {}
func (*TimerDecl) member()    {}
func (*Handler) member()      {}

func (*BrokenStmt) stmt()   {}
func (*IfStmt) stmt()       {}
func (*EmitStmt) stmt()     {}
func (*LetStmt) stmt()      {}
func (*AssignStmt) stmt()   {}
func (*ClearStmt) stmt()    {}
func (*ScheduleStmt) stmt() {}
func (*CancelStmt) stmt()   {}
