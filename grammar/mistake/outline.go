package mistake

import (
	"slices"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/token"
)

// Outline is the bracket structure of a declaration: where the smallest part around a mistake begins and ends.
type Outline struct {
	Tokens []lexer.Token
	Stages []int // the `|>` outside of brackets
	Open   []int // brackets that are never closed, the outermost first
	Stray  []int // brackets that close nothing

	partner []int // of a bracket, the index of the other one; else -1
}

// NewOutline pairs the brackets of a declaration. A `|>` outside of a test ends what is open since its stage began.
func NewOutline(tokens []lexer.Token) *Outline {
	o := &Outline{Tokens: tokens, partner: make([]int, len(tokens))}
	test := tokens[0].Value == "test"
	var stack []int
	for i, t := range tokens {
		o.partner[i] = -1
		switch step := token.BracketStep(t); {
		case step > 0:
			stack = append(stack, i)
		case step < 0:
			stack = o.close(stack, i)
		case t.Type == token.Punct && t.Value == "|>" && !test:
			o.Open = append(o.Open, stack...)
			stack = stack[:0]
			o.Stages = append(o.Stages, i)
		}
	}
	o.Open = append(o.Open, stack...)
	return o
}

// Closing is the partner of each opening bracket.
var Closing = map[string]string{"(": ")", "[": "]", "{": "}"}

// close pairs the bracket at i with the nearest open one of its kind; what was opened in between is never closed.
func (o *Outline) close(stack []int, i int) []int {
	for j := len(stack) - 1; j >= 0; j-- {
		if Closing[o.Tokens[stack[j]].Value] == o.Tokens[i].Value {
			o.partner[i], o.partner[stack[j]] = stack[j], i
			o.Open = append(o.Open, stack[j+1:]...)
			return stack[:j]
		}
	}
	o.Stray = append(o.Stray, i)
	return stack
}

// Culprit is the bracket to blame for an open one: if a brace is never closed, an inner one may have taken its partner, and indentation
// tells which.
func (o *Outline) Culprit(open int) int {
	if o.Tokens[open].Value != "{" {
		return open
	}
	for i := open + 1; i < len(o.Tokens); i++ {
		j := o.partner[i]
		if o.Tokens[i].Value != "{" || j < 0 || !o.FirstOfLine(j) {
			continue
		}
		if o.Tokens[j].Pos.Column < o.Tokens[o.lineStart(i)].Pos.Column {
			return i
		}
	}
	return open
}

// Early is the bracket to blame for a closing brace too much: a brace that closes in the middle of a line what began on another one, or the stray
// one itself.
func (o *Outline) Early(stray int) int {
	for j := range stray {
		if i := o.partner[j]; o.Tokens[j].Value == "}" && i >= 0 && !o.FirstOfLine(j) && o.Tokens[i].Pos.Line < o.Tokens[j].Pos.Line {
			return j
		}
	}
	return stray
}

// Depth is how far brackets, and generic types, are nested.
func (o *Outline) Depth() int {
	depth, deepest, angles := 0, 0, 0
	for i, t := range o.Tokens {
		depth += token.BracketStep(t)
		switch {
		case t.Value == "<":
			angles++
		case t.Type != token.Ident || i > 0 && o.Tokens[i-1].Value != "<":
			angles = 0
		}
		deepest = max(deepest, depth, angles)
	}
	return deepest
}

// FirstOfLine says whether the token is the first of its line.
func (o *Outline) FirstOfLine(i int) bool {
	return i == 0 || o.Tokens[i].Pos.Line > o.Tokens[i-1].Pos.Line
}

func (o *Outline) lineStart(i int) int {
	for !o.FirstOfLine(i) {
		i--
	}
	return i
}

// Brace is the n-th `{` around token i, counted from the inside, or -1. Brackets that are never closed do not count.
func (o *Outline) Brace(i, n int) int {
	for j := min(i, len(o.Tokens)) - 1; j >= 0; j-- {
		switch {
		case o.partner[j] >= 0 && o.partner[j] < j:
			j = o.partner[j]
		case o.Tokens[j].Value == "{" && o.partner[j] >= i:
			if n == 0 {
				return j
			}
			n--
		}
	}
	return -1
}

// Stage is the range of tokens of the stage around token i, without its `|>`; false in front of the first stage. A `|>` itself belongs to the
// stage before: an error there says that something is missing.
func (o *Outline) Stage(i int) (from, to int, ok bool) {
	n, _ := slices.BinarySearch(o.Stages, i)
	if n == 0 {
		return 0, 0, false
	}
	from, to = o.Stages[n-1]+1, len(o.Tokens)
	if n < len(o.Stages) {
		to = o.Stages[n]
	}
	return from, to, true
}

// Item is the range of tokens of the item around token i in the braces that open at brace. Items begin behind a comma, or on a new line
// that is indented no deeper than the first item's.
func (o *Outline) Item(i, brace int) (from, to int) {
	end := o.partner[brace]
	margin := 1 << 30
	if brace+1 < end && o.FirstOfLine(brace+1) {
		margin = o.Tokens[brace+1].Pos.Column
	}
	from, to = brace+1, end
	for j := brace + 1; j < end; j++ {
		starts := j > brace+1 && o.FirstOfLine(j) && o.Tokens[j].Pos.Column <= margin
		if starts && j <= i {
			from = j
		}
		if starts && j > i {
			return from, j
		}
		if o.Tokens[j].Value == "," {
			if j < i {
				from = j + 1
			} else if j > i {
				return from, j
			}
		}
		if o.partner[j] > j {
			j = o.partner[j]
		}
	}
	return from, to
}

// ExprEnd is where a broken expression ends that began at from and went wrong at i: at a comma, a closing bracket or a stage, at the end of its
// line inside of braces, or at a word that starts a clause.
func (o *Outline) ExprEnd(from, i int) int {
	brace := o.Brace(from, 0)
	for j := from; j < len(o.Tokens); j++ {
		t := o.Tokens[j]
		switch {
		case t.Value == "{" && j > from && j >= i && o.partner[j] > j && EndsValue(o.Tokens[j-1]):
			return j // the block of an `if`, the body of a rhythm
		case o.partner[j] > j:
			j = o.partner[j]
			continue
		case o.partner[j] >= 0, t.Type == token.Punct && (t.Value == "," || t.Value == "|>") && j > from:
			return j
		case brace >= 0 && j > from && j >= i && o.FirstOfLine(j):
			return j
		case j > i && t.Type == token.Ident && ClauseWords[t.Value] && o.Tokens[j-1].Type != token.Punct:
			return j
		}
	}
	return len(o.Tokens)
}

// ClauseWords may follow an expression.
var ClauseWords = map[string]bool{
	"within": true, "keep": true, "emit": true, "as": true, "where": true, "idle": true, "ahead": true, "every": true, "by": true,
	"with": true, "errors": true, "asc": true, "desc": true, "ttl": true, "when": true,
}

// Consequence reports whether an error at token i follows from what was replaced before: it is next to that, or in a stage whose verb was a
// guess.
func (o *Outline) Consequence(i int) bool {
	t := o.Token(i)
	if token.IsStandIn(t) || i > 0 && token.IsStandIn(o.Tokens[i-1]) {
		next := !t.EOF() && o.FirstOfLine(i) && token.BracketStep(t) >= 0 && t.Value != "|>"
		return !next || o.Tokens[i-1].Type != token.Broken // the next item in braces has mistakes of its own
	}
	if i > 1 && token.IsStandIn(o.Tokens[i-2]) && o.Token(i).Pos.Line == o.Tokens[i-2].Pos.Line {
		if o.Tokens[i-1].Value == "," || o.Tokens[i-2].Value == "," {
			return true // behind the comma that ends what was replaced, or in a row of words that a comma was put in
		}
	}
	from, _, ok := o.Stage(i)
	return ok && from < len(o.Tokens) && o.Tokens[from].Type == token.Inserted
}

// Token is the token at i, or the end of the declaration.
func (o *Outline) Token(i int) lexer.Token {
	if i < len(o.Tokens) {
		return o.Tokens[i]
	}
	last := o.Tokens[len(o.Tokens)-1]
	end := token.Span(last).End
	return lexer.EOFToken(lexer.Position{Filename: last.Pos.Filename, Offset: int(end.Offset), Line: int(end.Line), Column: int(end.Column)})
}

// Edit replaces the tokens from..to of a declaration.
type Edit struct {
	From, To int
	Insert   []lexer.Token
}

// Apply gives the tokens with the edit made; the given ones stay as they are.
func (e Edit) Apply(tokens []lexer.Token) []lexer.Token {
	return slices.Concat(tokens[:e.From], e.Insert, tokens[e.To:])
}

// Inserted is a token at the place of t that is not in the text.
func Inserted(t lexer.Token, text string) lexer.Token {
	return lexer.Token{Type: token.Inserted, Value: text, Pos: t.Pos}
}
