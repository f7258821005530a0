// Package grammar turns the text of a `.pipe` file into a syntax tree, and back into its canonical text.
//
//   - ast.go, ast_fact.go, ast_stage.go, ast_process.go: the tree. Its `parser` tags are the grammar, read by participle
//   - literal.go, expr.go: texts with `${...}`; an expression, its tree by the expr parser, and places in both
//   - parser.go, parse.go, recover.go, check.go: the participle parser; Parse; recovery by delete-and-retry; checks of the whole tree
//   - format.go, space.go: Format
//   - token, extent, mistake: tokens; where an expression ends; what people get wrong
//
// Parse always gives a tree. What could not be read is in it as a ghost (Broken), so that later phases stay silent about it.
package grammar

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
	"pipec/grammar/token"
)

// Place is the text of a node. Every node of the tree embeds one.
type Place struct {
	Tokens []lexer.Token // without blanks and comments; shared with the file's other nodes, never changed
}

// Span is the text from the first to the last token of the node.
func (p *Place) Span() diag.Span {
	if len(p.Tokens) == 0 {
		return diag.Span{}
	}
	return token.Span(p.Tokens[0]).To(token.Span(p.Tokens[len(p.Tokens)-1]))
}

// Keyword is the span of the first token: the word that a diagnostic about the whole node points at.
func (p *Place) Keyword() diag.Span {
	if len(p.Tokens) == 0 {
		return diag.Span{}
	}
	return token.Span(p.Tokens[0])
}

// Name is an identifier where it is written.
type Name struct {
	Place
	Text string `parser:"@Ident"`
}

// String is the text of the name; of no name, the empty text.
func (n *Name) String() string {
	if n == nil {
		return ""
	}
	return n.Text
}

// Ref names a declaration, perhaps of an import (`pay.payments`).
type Ref struct {
	Place
	Parts []*Name `parser:"@@ ('.' @@)*"`
}

// String is the dotted text of the reference.
func (r *Ref) String() string {
	if r == nil {
		return ""
	}
	if len(r.Parts) == 1 {
		return r.Parts[0].Text
	}
	parts := make([]string, len(r.Parts))
	for i, n := range r.Parts {
		parts[i] = n.Text
	}
	return strings.Join(parts, ".")
}

// Int is a whole number in a type or a pattern (not in an expression).
type Int struct {
	Place
	Text string `parser:"@Int"`
}

// File is one parsed text.
type File struct {
	Name  string // as given to Parse; the file of every span
	Text  string // what was parsed, without a byte order mark's effect on positions
	Doc   string // the first group of `///` lines, if a blank line follows it
	Decls []Decl `parser:"@@*"` // in the order of the text
}

// Decl is a declaration: *Import, *Job, *Param, *TypeDecl, *Function, *Source, *Sink, *Stream, *Pipe, *Process, *Pipeline, *Test.
type Decl interface {
	Span() diag.Span
	Keyword() diag.Span
	DeclName() *Name // nil for an import without `as`, a job without name, an anonymous pipeline and a test
	DeclHead() *Head
}

// Head is what all declarations have.
type Head struct {
	Place
	Doc    string // the `///` lines directly above
	Broken bool   // only the name is known; an error has been reported
}

// DeclHead gives access to the common part of any declaration.
func (h *Head) DeclHead() *Head { return h }

// Import adds the declarations of another file, under a prefix if As is set.
type Import struct {
	Head
	Path *String `parser:"'import' @@"`
	As   *Name   `parser:"('as' @@)?"`
}

// DeclName is the prefix.
func (d *Import) DeclName() *Name { return d.As }

// Job holds the settings of the whole job.
type Job struct {
	Head
	Name *Name `parser:"'job' @@?"`
	Body *Body `parser:"@@"`
}

// DeclName is the name of the job.
func (d *Job) DeclName() *Name { return d.Name }

// Param is a value given from outside.
type Param struct {
	Head
	Name    *Name     `parser:"'param' @@"`
	Type    *TypeExpr `parser:"':' @@"`
	Default *Expr     `parser:"('=' @@)?"`
}

// DeclName is the name of the parameter.
func (d *Param) DeclName() *Name { return d.Name }

// TypeDecl names a record (Record) or another type (Type).
type TypeDecl struct {
	Head
	Name   *Name     `parser:"'type' @@"`
	Record *Record   `parser:"( (?= '{') @@"`
	Type   *TypeExpr `parser:"| '=' @@ )"`
}

// DeclName is the name of the type.
func (d *TypeDecl) DeclName() *Name { return d.Name }

// Function is one pure expression with parameters.
type Function struct {
	Head
	Name   *Name     `parser:"'function' @@"`
	Params []*FParam `parser:"'(' (@@ (',' @@)*)? ')'"`
	Result *TypeExpr `parser:"(':' @@)?"`
	Body   *Expr     `parser:"'=' @@"`
}

// DeclName is the name of the function.
func (d *Function) DeclName() *Name { return d.Name }

// FParam is a parameter of a function or a pipe; its type is optional.
type FParam struct {
	Place
	Name *Name     `parser:"@@"`
	Type *TypeExpr `parser:"(':' @@)?"`
}

// Source is a `source` or, with Table set, a `table`.
type Source struct {
	Head
	Table     bool  `parser:"( @'table' | 'source' )"`
	Name      *Name `parser:"@@"`
	Connector *Name `parser:"'from' @@"`
	Body      *Body `parser:"((?= '{') @@)?"`
}

// DeclName is the name of the source.
func (d *Source) DeclName() *Name { return d.Name }

// Sink is where rows leave.
type Sink struct {
	Head
	Name      *Name `parser:"'sink' @@"`
	Connector *Name `parser:"'into' @@"`
	Body      *Body `parser:"((?= '{') @@)?"`
}

// DeclName is the name of the sink.
func (d *Sink) DeclName() *Name { return d.Name }

// Stream is a pipeline with a name.
type Stream struct {
	Head
	Name     *Name     `parser:"'stream' @@ '='"`
	Pipeline *Pipeline `parser:"@@"`
}

// DeclName is the name of the stream.
func (d *Stream) DeclName() *Name { return d.Name }

// Pipe is a list of stages with parameters, expanded where it is used.
type Pipe struct {
	Head
	Name   *Name     `parser:"'pipe' @@"`
	Params []*FParam `parser:"('(' (@@ (',' @@)*)? ')')? '='"`
	Stages []*Stage  `parser:"('|>' @@)+"`
}

// DeclName is the name of the pipe.
func (d *Pipe) DeclName() *Name { return d.Name }

// Pipeline is `from` and its stages: a declaration of its own, or the right side of a stream.
type Pipeline struct {
	Head
	From   *Ref     `parser:"'from' @@"`
	Body   *Body    `parser:"((?= '{') @@)?"` // settings, where From is a connector
	Stages []*Stage `parser:"('|>' @@)*"`
}

// DeclName is nil: a pipeline has no name.
func (d *Pipeline) DeclName() *Name { return nil }

// Test is `test "name" { ... }`. Its body is any balanced text.
type Test struct {
	Head
	Name *String `parser:"'test' @@"`
	Body *Braces `parser:"@@"`
}

// DeclName is nil: a test is named by a text.
func (d *Test) DeclName() *Name { return nil }

// Braces is any text in balanced braces; its tokens include the outer pair.
type Braces struct{ Place }

// Record is the columns in the braces of a type, a schema or a record type.
type Record struct {
	Place
	Fields []*Field `parser:"'{' (@@ ','?)* '}'"`
}

// Field is a column. With Broken set nothing else is known: columns of this record may be missing.
type Field struct {
	Place
	Doc     string
	Broken  bool      `parser:"( @Broken"`
	Name    *Name     `parser:"| @@"`
	Type    *TypeExpr `parser:"  ':' @@"`
	From    *String   `parser:"  ((?= 'from' (String | Raw)) 'from' @@)?"` // the physical name
	Default *Expr     `parser:"  ('=' @@)? )"`
}

// TypeExpr is a type as written: a Name with numbers or types (`decimal(12, 2)`, `list<int>`), a Record, or one of some Words.
type TypeExpr struct {
	Place
	Record   *Record     `parser:"( (?= '{') @@"`
	Words    []*String   `parser:"| (?= String | Raw) @@ ('|' @@)*"`
	Name     *Ref        `parser:"| @@"`
	Args     []*Int      `parser:"  ('(' @@ (',' @@)* ')')?"`
	Elems    []*TypeExpr `parser:"  ('<' @@ (',' @@)* '>')? )"`
	Nullable bool        `parser:"@'?'?"`
}
