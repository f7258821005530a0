// Package token cuts the text of a `.pipe` file into tokens. It never fails: what has no meaning is reported and left out, or taken for what it
// was meant to be, so that one mistake in a string does not become ten in the file.
//
//   - lexer.go: the kinds of tokens, Scan, and the lexer as participle wants it
//   - number.go: numbers, durations and sizes
//   - text.go: places of tokens, escapes
package token

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
)

// Kinds of tokens. A bad token has been reported by the lexer; the parser takes it for what it was meant to be.
const (
	Ident      lexer.TokenType = -2 - iota
	Word                       // a word that only expressions may use: and, in, if, true, ...
	Int                        // 42, 0xFF, 1_000
	Number                     // 12.50, 1e6
	Duration                   // 1h30m
	Size                       // 64MiB
	String                     // "..." and '...', with its quotes
	Raw                        // `...`, with its quotes
	Punct                      // operators and brackets
	ListComma                  // a comma between the columns of `key a, b`; the parser makes it, because it sees lines
	Bad                        // an operand that is reported already: a string without an end, a number with a strange unit
	Broken                     // put by recovery in the place of a stage, a fact, ...
	BrokenExpr                 // put by recovery in the place of an expression
	Inserted                   // put by recovery where something is missing: it has no text in the file
	Comment                    // // and /* */
	Doc                        // ///
)

// symbols are the names of token kinds in the grammar's tags.
var symbols = map[string]lexer.TokenType{
	"EOF": lexer.EOF, "Ident": Ident, "Word": Word, "Int": Int, "Number": Number, "Duration": Duration,
	"Size": Size, "String": String, "Raw": Raw, "Punct": Punct, "ListComma": ListComma, "Bad": Bad, "Broken": Broken,
	"BrokenExpr": BrokenExpr, "Inserted": Inserted, "Comment": Comment, "Doc": Doc,
}

// Reserved are the words that expr's lexer takes for itself: no name may be one of them.
var Reserved = map[string]bool{
	"and": true, "or": true, "not": true, "in": true, "matches": true, "contains": true, "startsWith": true, "endsWith": true,
	"if": true, "else": true, "let": true, "true": true, "false": true, "null": true, "nil": true,
}

// Definition is the lexer as participle wants it. The parser calls Scan itself, because it needs the comments too.
type Definition struct{}

// Symbols implements lexer.Definition.
func (Definition) Symbols() map[string]lexer.TokenType { return symbols }

// Lex implements lexer.Definition.
func (Definition) Lex(file string, r io.Reader) (lexer.Lexer, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	tokens, _ := Scan(file, string(text))
	return NewList(Significant(tokens)), nil
}

// List gives a slice of tokens to participle, and then end of file for ever.
type List struct {
	tokens []lexer.Token
	end    lexer.Position
}

// NewList gives tokens that have been scanned to participle.
func NewList(tokens []lexer.Token) *List {
	l := &List{tokens: tokens}
	if n := len(tokens); n > 0 {
		end := Span(tokens[n-1]).End
		l.end = lexer.Position{Filename: tokens[n-1].Pos.Filename, Offset: int(end.Offset), Line: int(end.Line), Column: int(end.Column)}
	}
	return l
}

// Next implements lexer.Lexer.
func (l *List) Next() (lexer.Token, error) {
	if len(l.tokens) == 0 {
		return lexer.EOFToken(l.end), nil
	}
	t := l.tokens[0]
	l.tokens = l.tokens[1:]
	return t, nil
}

// Significant leaves out comments.
func Significant(tokens []lexer.Token) []lexer.Token {
	out := make([]lexer.Token, 0, len(tokens))
	for _, t := range tokens {
		if !IsComment(t) {
			out = append(out, t)
		}
	}
	return out
}

// scanner cuts a text into tokens. It never fails: what has no meaning is reported and left out.
type scanner struct {
	file     string
	text     string
	at       int // byte offset of the next rune
	line     int
	lineAt   int // byte offset and rune column bookkeeping of the current line
	column   int // column of `at`, 1-based
	parens   int // open ( and [: there a `#` at the start of a line is an operand, not a comment of another language
	tokens   []lexer.Token
	mistakes diag.List
}

// Scan gives all tokens of a text, comments included, and what is wrong with single tokens.
func Scan(file, text string) ([]lexer.Token, diag.List) {
	s := &scanner{file: file, text: text, line: 1, column: 1, tokens: make([]lexer.Token, 0, len(text)/4+8)}
	if strings.HasPrefix(text, "\uFEFF") {
		s.at = len("\uFEFF")
	}
	for s.at < len(text) {
		s.next()
	}
	return s.tokens, s.mistakes
}

// next reads one token, or blanks.
func (s *scanner) next() {
	c := s.text[s.at]
	switch {
	case c == ' ' || c == '\t' || c == '\r':
		s.skip(1)
	case c == '\n':
		s.skip(1)
	case c == '/' && s.peek(1) == '/':
		s.lineComment()
	case c == '/' && s.peek(1) == '*':
		s.blockComment()
	case (c == '#' || c == '-' && s.peek(1) == '-') && s.foreignComment():
	case c == '"' || c == '\'':
		s.quoted(c)
	case c == '`':
		s.raw()
	case c >= '0' && c <= '9':
		s.number()
	case c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		s.word()
	default:
		s.other()
	}
}

// peek is the byte n behind the current one, or 0.
func (s *scanner) peek(n int) byte {
	if s.at+n < len(s.text) {
		return s.text[s.at+n]
	}
	return 0
}

// pos is the current position.
func (s *scanner) pos() lexer.Position {
	return lexer.Position{Filename: s.file, Offset: s.at, Line: s.line, Column: s.column}
}

// skip moves over n bytes of text.
func (s *scanner) skip(n int) {
	text := s.text[s.at : s.at+n]
	s.at += n
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		s.line += strings.Count(text, "\n")
		s.column, text = 1, text[i+1:]
	}
	s.column += utf8.RuneCountInString(text)
}

// emit makes the next n bytes a token.
func (s *scanner) emit(kind lexer.TokenType, n int) lexer.Token {
	t := lexer.Token{Type: kind, Value: s.text[s.at : s.at+n], Pos: s.pos()}
	s.tokens = append(s.tokens, t)
	s.skip(n)
	return t
}

// restOfLine is the number of bytes up to the end of the line, without a carriage return.
func (s *scanner) restOfLine() int {
	n := strings.IndexByte(s.text[s.at:], '\n')
	if n < 0 {
		return len(s.text) - s.at
	}
	if n > 0 && s.text[s.at+n-1] == '\r' {
		n--
	}
	return n
}

// lineComment reads // and, as a token of its own, ///.
func (s *scanner) lineComment() {
	kind := Comment
	if s.peek(2) == '/' && s.peek(3) != '/' {
		kind = Doc
	}
	s.emit(kind, s.restOfLine())
}

// blockComment reads /* */; one without an end takes the rest of the file, so that its prose is not read as code.
func (s *scanner) blockComment() {
	n := strings.Index(s.text[s.at+2:], "*/")
	if n >= 0 {
		s.emit(Comment, n+4)
		return
	}
	t := s.emit(Comment, len(s.text)-s.at)
	open := Span(t)
	open.End = Advance(open.Start, "/*")
	s.mistakes.Errorf("P101", open, "this comment is never closed").With("opened here").WithHelp("add the matching `*/`")
}

// foreignComment recognises a comment of another language (# or --) at the start of a line, reports and skips it.
func (s *scanner) foreignComment() bool {
	if s.parens > 0 || len(s.tokens) > 0 && s.tokens[len(s.tokens)-1].Pos.Line == s.line {
		return false
	}
	mark := 1
	if s.text[s.at] == '-' {
		mark = 2
	}
	span := Span(lexer.Token{Value: s.text[s.at : s.at+mark], Pos: s.pos()})
	s.mistakes.Errorf("P101", span, "a comment starts with `//`").With("write `//`").WithFix(span, "//")
	s.skip(s.restOfLine())
	return true
}

// quoted reads "..." or '...', which ends on its line.
func (s *scanner) quoted(quote byte) {
	limit := s.at + s.restOfLine()
	for i := s.at + 1; i < limit; i++ {
		switch s.text[i] {
		case '\\':
			i++
		case quote:
			t := s.emit(String, i+1-s.at)
			s.checkEscapes(t)
			return
		}
	}
	s.unclosed(limit-s.at, string(quote))
}

// raw reads `...`, which may span lines.
func (s *scanner) raw() {
	if n := strings.IndexByte(s.text[s.at+1:], '`'); n >= 0 {
		s.emit(Raw, n+2)
		return
	}
	s.unclosed(s.restOfLine(), "`")
}

// unclosed takes the rest of the line for a string that has no end.
func (s *scanner) unclosed(n int, quote string) {
	t := s.emit(Bad, n)
	span := Span(t)
	end := span.After()
	span.End = Advance(span.Start, quote)
	shown := "`" + quote + "`"
	if quote == "`" {
		shown = "backquote"
	}
	s.mistakes.Errorf("P105", span, "this string is never closed").With("opened here").WithHelp("add the closing %s", shown).WithFix(end, quote)
}

// word reads a name or a Reserved word.
func (s *scanner) word() {
	n := WordLen(s.text[s.at:])
	kind, text := Ident, s.text[s.at:s.at+n]
	if Reserved[text] && !(text == "null" && named(s.text[s.at+n:])) {
		kind = Word
	}
	s.emit(kind, n)
}

// named says that a single `=` follows, so that `null = "NA"` is a setting of that name: in expressions nothing is ever assigned.
func named(rest string) bool {
	rest = strings.TrimLeft(rest, " \t")
	return strings.HasPrefix(rest, "=") && !strings.HasPrefix(rest, "==")
}

// WordLen is the number of bytes of letters, digits and underscores at the start of text.
func WordLen(text string) int {
	for i, r := range text {
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return i
		}
	}
	return len(text)
}

// operators of more than one character, the longest first.
var operators = []string{"|>", "==", "!=", "<>", "<=", ">=", "&&", "||", "??", "?.", "**", ".."}

// other reads operators, names that start with a letter outside ASCII, and reports the rest.
func (s *scanner) other() {
	rest := s.text[s.at:]
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			s.emit(Punct, len(op))
			return
		}
	}
	if strings.IndexByte("(){}[]<>=+-*/%^!?:;,.|#", rest[0]) >= 0 {
		switch rest[0] {
		case '(', '[':
			s.parens++
		case ')', ']':
			s.parens = max(0, s.parens-1)
		}
		s.emit(Punct, 1)
		return
	}
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case unicode.IsLetter(r):
		s.word()
	case unicode.IsSpace(r):
		s.skip(size)
	default:
		s.strange(r, size)
	}
}

// strange reports a character that starts no token, once for a run of the same.
func (s *scanner) strange(r rune, size int) {
	t := lexer.Token{Value: s.text[s.at : s.at+size], Pos: s.pos()}
	if strings.ContainsRune("“„‘«", r) {
		if n := strings.IndexAny(s.text[s.at+size:s.at+s.restOfLine()], "”“’»\""); n >= 0 {
			_, closer := utf8.DecodeRuneInString(s.text[s.at+size+n:])
			s.emit(Bad, size+n+closer)
			s.mistakes.Errorf("P101", Span(t), "`%c` is not the quotation mark of a string", r).With("write `\"`")
			return
		}
	}
	s.skip(size)
	for strings.HasPrefix(s.text[s.at:], t.Value) {
		s.skip(size)
	}
	span := Span(t)
	switch {
	case r == utf8.RuneError && size == 1:
		s.mistakes.Errorf("P101", span, "this is not UTF-8 text").WithHelp("save the file as UTF-8")
	case unicode.IsPrint(r):
		s.mistakes.Errorf("P101", span, "`%c` has no meaning here", r).WithHelp("remove it")
	default:
		s.mistakes.Errorf("P101", span, "the character %U has no meaning here", r).WithHelp("remove it")
	}
}
