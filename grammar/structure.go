package grammar

import (
	"slices"

	"github.com/alecthomas/participle/v2/lexer"
)

// outline is the bracket structure of a declaration: where the smallest part around a mistake begins and ends.
type outline struct {
	tokens  []lexer.Token
	partner []int // of a bracket, the index of the other one; else -1
	stages  []int // the `|>` outside of brackets
	open    []int // brackets that are never closed, the outermost first
	stray   []int // brackets that close nothing
}

// newOutline pairs the brackets of a declaration. A `|>` outside of a test ends what is open since its stage began.
func newOutline(tokens []lexer.Token) *outline {
	o := &outline{tokens: tokens, partner: make([]int, len(tokens))}
	test := tokens[0].Value == "test"
	var stack []int
	for i, t := range tokens {
		o.partner[i] = -1
		switch step := bracketStep(t); {
		case step > 0:
			stack = append(stack, i)
		case step < 0:
			stack = o.close(stack, i)
		case t.Type == tokPunct && t.Value == "|>" && !test:
			o.open = append(o.open, stack...)
			stack = stack[:0]
			o.stages = append(o.stages, i)
		}
	}
	o.open = append(o.open, stack...)
	return o
}

var closing = map[string]string{"(": ")", "[": "]", "{": "}"}

// close pairs the bracket at i with the nearest open one of its kind; what was opened in between is never closed.
func (o *outline) close(stack []int, i int) []int {
	for j := len(stack) - 1; j >= 0; j-- {
		if closing[o.tokens[stack[j]].Value] == o.tokens[i].Value {
			o.partner[i], o.partner[stack[j]] = stack[j], i
			o.open = append(o.open, stack[j+1:]...)
			return stack[:j]
		}
	}
	o.stray = append(o.stray, i)
	return stack
}

// culprit is the bracket to blame for an open one: if a brace is never closed, an inner one may have taken its partner, and indentation
// tells which.
func (o *outline) culprit(open int) int {
	if o.tokens[open].Value != "{" {
		return open
	}
	for i := open + 1; i < len(o.tokens); i++ {
		j := o.partner[i]
		if o.tokens[i].Value != "{" || j < 0 || !o.firstOfLine(j) {
			continue
		}
		if o.tokens[j].Pos.Column < o.tokens[o.lineStart(i)].Pos.Column {
			return i
		}
	}
	return open
}

// depth is how far brackets, and generic types, are nested.
func (o *outline) depth() int {
	depth, deepest, angles := 0, 0, 0
	for i, t := range o.tokens {
		depth += bracketStep(t)
		switch {
		case t.Value == "<":
			angles++
		case t.Type != tokIdent || i > 0 && o.tokens[i-1].Value != "<":
			angles = 0
		}
		deepest = max(deepest, depth, angles)
	}
	return deepest
}

func (o *outline) firstOfLine(i int) bool {
	return i == 0 || o.tokens[i].Pos.Line > o.tokens[i-1].Pos.Line
}

func (o *outline) lineStart(i int) int {
	for !o.firstOfLine(i) {
		i--
	}
	return i
}

// brace is the n-th `{` around token i, counted from the inside, or -1. Brackets that are never closed do not count.
func (o *outline) brace(i, n int) int {
	for j := min(i, len(o.tokens)) - 1; j >= 0; j-- {
		switch {
		case o.partner[j] >= 0 && o.partner[j] < j:
			j = o.partner[j]
		case o.tokens[j].Value == "{" && o.partner[j] >= i:
			if n == 0 {
				return j
			}
			n--
		}
	}
	return -1
}

// stage is the range of tokens of the stage around token i, without its `|>`; false in front of the first stage.
func (o *outline) stage(i int) (from, to int, ok bool) {
	n, found := slices.BinarySearch(o.stages, i)
	if found && n+1 <= len(o.stages) { // the `|>` itself: an error here is one of the stage before
		n += 0
	}
	if n == 0 {
		return 0, 0, false
	}
	from, to = o.stages[n-1]+1, len(o.tokens)
	if n < len(o.stages) {
		to = o.stages[n]
	}
	return from, to, true
}

// item is the range of tokens of the item around token i in the braces that open at brace. Items begin behind a comma, or on a new line
// that is indented no deeper than the first item's.
func (o *outline) item(i, brace int) (from, to int) {
	end := o.partner[brace]
	margin := 1 << 30
	if brace+1 < end && o.firstOfLine(brace+1) {
		margin = o.tokens[brace+1].Pos.Column
	}
	from, to = brace+1, end
	for j := brace + 1; j < end; j++ {
		starts := j > brace+1 && o.firstOfLine(j) && o.tokens[j].Pos.Column <= margin
		if starts && j <= i {
			from = j
		}
		if starts && j > i {
			return from, j
		}
		if o.tokens[j].Value == "," {
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

// exprEnd is where a broken expression ends that began at from and went wrong at i: at a comma, a closing bracket or a stage, at the end of its
// line inside of braces, or at a word that starts a clause.
func (o *outline) exprEnd(from, i int) int {
	brace := o.brace(from, 0)
	for j := from; j < len(o.tokens); j++ {
		t := o.tokens[j]
		switch {
		case o.partner[j] > j:
			j = o.partner[j]
			continue
		case o.partner[j] >= 0, t.Type == tokPunct && (t.Value == "," || t.Value == "|>") && j > from:
			return j
		case brace >= 0 && j > from && j >= i && o.firstOfLine(j):
			return j
		case j > i && t.Type == tokIdent && clauseWords[t.Value] && o.tokens[j-1].Type != tokPunct:
			return j
		}
	}
	return len(o.tokens)
}

// clauseWords may follow an expression.
var clauseWords = map[string]bool{
	"within": true, "keep": true, "emit": true, "as": true, "where": true, "idle": true, "ahead": true, "every": true, "by": true,
	"with": true, "errors": true, "asc": true, "desc": true, "ttl": true, "when": true,
}
