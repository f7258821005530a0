package grammar

import (
	"errors"
	"slices"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
)

// Limits of one declaration.
const (
	maxNesting  = 120 // brackets and generic types in each other: all passes recurse
	maxAttempts = 60  // repairs, before the rest of a declaration is given up
)

// broken opens the value of a token that stands for text which could not be read, so that no literal of the grammar equals it.
const broken = "\x00"

// edit replaces the tokens from..to of a declaration.
type edit struct {
	from, to int
	insert   []lexer.Token
}

func (e edit) apply(tokens []lexer.Token) []lexer.Token {
	return slices.Concat(tokens[:e.from], e.insert, tokens[e.to:])
}

// declaration parses one declaration by deleting and retrying: after an error it repairs the text, if the mistake is a known one, or puts a
// placeholder where the smallest part around the error was, and parses again. With quiet set an error gives a ghost at once.
func (p *fileParser) declaration(tokens []lexer.Token, quiet bool) Decl {
	written := tokens
	tokens = dropTrailingCommas(tokens)
	for range maxAttempts {
		o := newOutline(tokens)
		change, ok := p.brackets(o, quiet)
		if !ok {
			return ghost(written)
		}
		if change == nil {
			f, err := parseTokens(tokens)
			if err == nil && len(f.Decls) == 1 {
				return f.Decls[0]
			}
			if quiet {
				return ghost(written)
			}
			change = p.mend(o, err)
		}
		if change == nil {
			return ghost(written)
		}
		tokens = change.apply(tokens)
	}
	return ghost(written)
}

// parseTokens runs participle over one declaration.
func parseTokens(tokens []lexer.Token) (*File, error) {
	last := tokens[len(tokens)-1]
	end := tokenSpan(last).End
	list := &tokenList{tokens: tokens, end: lexer.Position{
		Filename: last.Pos.Filename, Offset: int(end.Offset), Line: int(end.Line), Column: int(end.Column)}}
	peeking, err := lexer.Upgrade(list)
	if err != nil {
		return nil, err
	}
	return build().ParseFromLexer(peeking)
}

// dropTrailingCommas leaves out commas behind which no sibling comes: they are allowed, and the formatter removes them.
func dropTrailingCommas(tokens []lexer.Token) []lexer.Token {
	trailing := func(i int) bool {
		if tokens[i].Type != tokPunct || tokens[i].Value != "," || i == 0 {
			return false
		}
		if i+1 == len(tokens) {
			return true
		}
		if i > 1 && tokens[i-1].Type == tokInt && tokens[i-2].Value == "{" {
			return false // `rise{3,}`
		}
		next := tokens[i+1]
		switch next.Value {
		case "|>", "}", ")", "]":
			return tokens[i-1].Value != "," && bracketStep(tokens[i-1]) <= 0
		case "emit", "with", "errors":
			behind := lexer.Token{}
			if i+2 < len(tokens) {
				behind = tokens[i+2]
			}
			return slices.Contains([]string{"every", "final", "{", "as"}, behind.Value)
		}
		return false
	}
	var out []lexer.Token
	for i, t := range tokens {
		if !trailing(i) {
			if out != nil {
				out = append(out, t)
			}
		} else if out == nil {
			out = slices.Clone(tokens[:i])
		}
	}
	if out == nil {
		return tokens
	}
	return out
}

// brackets reports brackets without a partner, one at a time, and how to go on; false means that nothing of the declaration can be read.
func (p *fileParser) brackets(o *outline, quiet bool) (*edit, bool) {
	if len(o.open) == 0 && len(o.stray) == 0 {
		if o.depth() > maxNesting {
			p.report(quiet, diag.New(diag.Error, "P102", tokenSpan(o.tokens[0]), "this is nested too deeply").WithHelp("give its parts names"))
			return nil, false
		}
		return nil, true
	}
	if quiet {
		return nil, false
	}
	if len(o.open) > 0 {
		open := o.culprit(o.open[len(o.open)-1])
		t := o.tokens[open]
		d := diag.New(diag.Error, "P103", tokenSpan(t), "this `%s` is never closed", t.Value).WithHelp("add the matching `%s`", closing[t.Value])
		if t.Value == "{" {
			d.With("opened here")
		}
		p.reportNear(t, d)
		change := p.placeholder(o, open)
		if t.Value == "{" {
			if from, to, ok := o.stage(open); ok {
				change = p.replaceRange(o, from, to)
			} else {
				return nil, false
			}
		}
		return change, change != nil
	}
	at := o.stray[0]
	t := o.tokens[at]
	p.reportNear(t, diag.New(diag.Error, "P101", tokenSpan(t), "this `%s` closes nothing", t.Value).With("remove it").WithFix(tokenSpan(t), ""))
	if len(o.tokens) == 1 {
		return nil, false
	}
	return &edit{from: at, to: at + 1}, true
}

// report adds a diagnostic, unless the parse is only a guess.
func (p *fileParser) report(quiet bool, d *diag.Diagnostic) {
	if !quiet {
		p.mistakes.Add(d)
	}
}

// reportNear adds a diagnostic, unless the lexer has complained about the same line.
func (p *fileParser) reportNear(t lexer.Token, d *diag.Diagnostic) {
	for _, m := range p.mistakes[:p.reported] {
		if m.Span.Start.Line <= int32(t.Pos.Line) && int32(t.Pos.Line) <= m.Span.End.Line {
			return
		}
	}
	p.mistakes.Add(d)
}

// mend reports an error of the parser and says how to change the tokens; nil gives up.
func (p *fileParser) mend(o *outline, err error) *edit {
	var wrong *exprError
	if errors.As(err, &wrong) {
		p.reportNear(o.token(wrong.at), wrong.d)
		if fixed := repairExpr(o, wrong); fixed != nil {
			return fixed
		}
		return p.replaceWith(o, wrong.start, o.exprEnd(wrong.start, wrong.at), tokBrokenExpr)
	}
	at, expected := locate(o.tokens, err)
	if isStandIn(o.token(at)) || at > 0 && isStandIn(o.tokens[at-1]) {
		return p.placeholder(o, at) // a consequence of what was replaced before
	}
	found := explain(o, at, expected)
	p.reportNear(o.token(at), found.d)
	if found.repair != nil {
		return found.repair
	}
	return p.placeholder(o, at)
}

// token is the token at i, or the end of the declaration.
func (o *outline) token(i int) lexer.Token {
	if i < len(o.tokens) {
		return o.tokens[i]
	}
	last := o.tokens[len(o.tokens)-1]
	end := tokenSpan(last).End
	return lexer.EOFToken(lexer.Position{Filename: last.Pos.Filename, Offset: int(end.Offset), Line: int(end.Line), Column: int(end.Column)})
}

// isStandIn reports whether recovery made the token.
func isStandIn(t lexer.Token) bool {
	return t.Type == tokBroken || t.Type == tokBrokenExpr || t.Type == tokInserted
}

// locate is the index of the token that the parser did not expect, and what it did.
func locate(tokens []lexer.Token, err error) (int, string) {
	var unexpected *participle.UnexpectedTokenError
	if errors.As(err, &unexpected) {
		for i, t := range tokens {
			if t.Pos == unexpected.Unexpected.Pos && t.Type == unexpected.Unexpected.Type && t.Value == unexpected.Unexpected.Value {
				return i, expectation(unexpected.Message())
			}
		}
		return len(tokens), expectation(unexpected.Message())
	}
	return 0, ""
}

// repairExpr makes the edit that the diagnostic of an expression proposes, if it concerns one token.
func repairExpr(o *outline, wrong *exprError) *edit {
	if wrong.at >= len(o.tokens) || isStandIn(o.tokens[wrong.at]) {
		return nil
	}
	t := o.tokens[wrong.at]
	switch {
	case wrong.d.Code == "P112":
		return &edit{from: wrong.at, to: wrong.at, insert: []lexer.Token{inserted(t, ",")}}
	case wrong.d.Fix != nil && wrong.d.Fix.Span == tokenSpan(t):
		return &edit{from: wrong.at, to: wrong.at + 1, insert: []lexer.Token{inserted(t, wrong.d.Fix.Text)}}
	}
	return nil
}

// inserted is a token at the place of t that is not in the text.
func inserted(t lexer.Token, text string) lexer.Token {
	return lexer.Token{Type: tokInserted, Value: text, Pos: t.Pos}
}

// placeholder puts a stand-in where the smallest part around token at was that is not one already: an item in braces, then a stage. It is nil if
// only the whole declaration is left.
func (p *fileParser) placeholder(o *outline, at int) *edit {
	stageFrom, stageTo, inStage := o.stage(at)
	for n := 0; ; n++ {
		brace := o.brace(at, n)
		if brace < 0 || inStage && brace < stageFrom {
			break
		}
		from, to := o.item(at, brace)
		if from < to && (to-from > 1 || o.tokens[from].Type != tokBroken) {
			return p.replaceRange(o, from, to)
		}
	}
	if inStage && (stageTo-stageFrom != 1 || o.tokens[stageFrom].Type != tokBroken) {
		return p.replaceRange(o, stageFrom, stageTo)
	}
	return nil
}

func (p *fileParser) replaceRange(o *outline, from, to int) *edit {
	return p.replaceWith(o, from, to, tokBroken)
}

// replaceWith puts one token of a kind in the place of the tokens from..to; its text is theirs.
func (p *fileParser) replaceWith(o *outline, from, to int, kind lexer.TokenType) *edit {
	pos := o.token(from).Pos
	value := broken
	if from < to {
		end := int(tokenSpan(o.tokens[to-1]).End.Offset)
		value += p.text[pos.Offset:max(end, pos.Offset)]
	}
	return &edit{from: from, to: to, insert: []lexer.Token{{Type: kind, Value: value, Pos: pos}}}
}

// ghost is a declaration of which only the kind and the name are known, so that what refers to it is not reported too; nil if not even that.
func ghost(tokens []lexer.Token) Decl {
	head := Head{Place: Place{Tokens: tokens}, Broken: true}
	var name *Name
	if len(tokens) > 1 && tokens[1].Type == tokIdent {
		name = &Name{Place: Place{Tokens: tokens[1:2]}, Text: tokens[1].Value}
	}
	switch tokens[0].Value {
	case "job":
		return &Job{Head: head, Name: name}
	case "from":
		return &Pipeline{Head: head}
	case "test":
		return &Test{Head: head}
	case "import":
		d := &Import{Head: head}
		if i := slices.IndexFunc(tokens, func(t lexer.Token) bool { return t.Value == "as" }); i > 0 && i+1 < len(tokens) && tokens[i+1].Type == tokIdent {
			d.As = &Name{Place: Place{Tokens: tokens[i+1 : i+2]}, Text: tokens[i+1].Value}
		}
		return d
	}
	if name == nil {
		return nil
	}
	switch tokens[0].Value {
	case "param":
		return &Param{Head: head, Name: name}
	case "type":
		return &TypeDecl{Head: head, Name: name}
	case "function":
		return &Function{Head: head, Name: name}
	case "source", "table":
		return &Source{Head: head, Name: name, Table: tokens[0].Value == "table"}
	case "sink":
		return &Sink{Head: head, Name: name}
	case "stream":
		return &Stream{Head: head, Name: name}
	case "pipe":
		return &Pipe{Head: head, Name: name}
	case "process":
		return &Process{Head: head, Name: name}
	}
	return nil
}
