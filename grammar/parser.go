package grammar

import (
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/token"
)

// build makes the participle parser of the whole grammar: once, and only when a text is parsed, because it takes milliseconds.
//
// One token decides (UseLookahead(0)); where that is not enough, a tag says so with (?= ...). More lookahead would move errors
// away from the token that caused them.
var build = sync.OnceValue(newParser)

// stages is the table of stages. Its last entry is the use of a pipe, which any word may be; the verbs of the others are known to package mistake too.
var stages = []Op{
	&BrokenStage{}, &Where{}, &Derive{}, &KeyBy{}, &Aggregate{}, &Window{}, &Into{}, &Select{}, &Set{}, &Count{},
	&Join{}, &Lookup{}, &Explode{}, &Split{}, &Drop{}, &Rename{}, &Union{}, &Dedup{}, &Top{}, &ProcessUse{}, &Match{},
	&Watermark{}, &Limit{}, &Call{},
}

func newParser() *participle.Parser[File] {
	return participle.MustBuild[File](
		participle.Lexer(token.Definition{}),
		participle.UseLookahead(0),
		participle.Union[Decl](&Stream{}, &Pipeline{}, &Source{}, &Sink{}, &Param{}, &TypeDecl{}, &Function{}, &Job{}, &Pipe{}, &Process{},
			&Import{}, &Test{}),
		participle.Union[Fact](&BrokenFact{}, &Setting{}, &Schema{}, &Watermark{}, &Key{}, &ErrorsAs{}, &Rhythm{}, &Group{}, &Choice{}),
		participle.Union(stages...),
		participle.Union[Member](&BrokenMember{}, &StateDecl{}, &TimerDecl{}, &Handler{}),
		participle.Union[Stmt](&BrokenStmt{}, &IfStmt{}, &LetStmt{}, &AssignStmt{}, &EmitStmt{}, &ClearStmt{}, &ScheduleStmt{}, &CancelStmt{}),
	)
}

// EBNF is the grammar as the parser has it, without the rules of tokens and of the end of an expression.
func EBNF() string { return build().String() }

// Parse takes everything up to the matching brace: it implements participle.Parseable.
func (b *Braces) Parse(lex *lexer.PeekingLexer) error {
	start := lex.RawCursor()
	if lex.Peek().Value != "{" {
		return participle.NextMatch
	}
	for depth := 0; ; {
		t := lex.Next()
		if t.EOF() {
			return &participle.UnexpectedTokenError{Unexpected: *t, Expect: `"}"`}
		}
		depth += token.BracketStep(*t)
		if depth == 0 {
			break
		}
	}
	b.Tokens = lex.Range(start, lex.RawCursor())
	return nil
}
