package grammar

import (
	"errors"
	"slices"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
	"pipec/grammar/extent"
	"pipec/grammar/mistake"
	"pipec/grammar/token"
)

// Limits of one declaration.
const (
	maxNesting  = 120 // brackets and generic types in each other: all passes recurse
	maxAttempts = 60  // repairs, before the rest of a declaration is given up
)

// declaration parses one chunk (one declaration, or several on a line) by deleting and retrying: after an error it repairs the text, if the mistake is a known one, or puts a
// placeholder where the smallest part around the error was, and parses again. With quiet set an error gives a ghost at once.
func (p *fileParser) declaration(tokens []lexer.Token, quiet bool) []Decl {
	written := tokens
	tokens = markKeys(dropTrailingCommas(tokens))
	for range maxAttempts {
		o := mistake.NewOutline(tokens)
		change, ok := p.brackets(o, quiet)
		if !ok {
			return ghosts(written)
		}
		if change == nil {
			f, err := parseTokens(tokens)
			misread := -1
			if err == nil {
				if misread = crossing(f.Decls, tokens); misread < 0 {
					return f.Decls
				}
			}
			if quiet {
				return ghosts(written)
			}
			if change = p.complain(o, misread, "`}`"); misread < 0 {
				change = p.mend(o, err)
			}
		}
		if change == nil {
			return ghosts(written)
		}
		tokens = change.Apply(tokens)
	}
	return ghosts(written)
}

// crossing is the index of a choice or a rhythm whose first words are on different lines, or -1. The grammar has no line breaks, so a word too much or too few shifts
// all facts behind it, and may still be read.
func crossing(decls []Decl, tokens []lexer.Token) int {
	at := -1
	for _, d := range decls {
		eachBody(d, func(b *Body) {
			for _, f := range b.Facts {
				place := factPlace(f)
				split := false
				switch f := f.(type) {
				case *Choice:
					split = f.Word.Tokens[0].Pos.Line > f.Name.Tokens[0].Pos.Line
				case *Rhythm:
					split = f.Every.Tokens[0].Pos.Line > f.Name.Tokens[0].Pos.Line
				}
				if split && at < 0 {
					at = slices.IndexFunc(tokens, func(t lexer.Token) bool { return t.Pos == place.Tokens[0].Pos })
				}
			}
		})
	}
	return at
}

// parseTokens runs participle over one declaration.
func parseTokens(tokens []lexer.Token) (*File, error) {
	peeking, err := lexer.Upgrade(token.NewList(tokens))
	if err != nil {
		return nil, err
	}
	return build().ParseFromLexer(peeking)
}

// dropTrailingCommas leaves out commas behind which no sibling comes: they are allowed, and the formatter removes them.
func dropTrailingCommas(tokens []lexer.Token) []lexer.Token {
	trailing := func(i int) bool {
		if tokens[i].Type != token.Punct || tokens[i].Value != "," || i == 0 {
			return false
		}
		if i+1 == len(tokens) {
			return true
		}
		if i > 1 && tokens[i-1].Type == token.Int && tokens[i-2].Value == "{" {
			return false // `rise{3,}`
		}
		next := tokens[i+1]
		switch next.Value {
		case "|>", "}", ")", "]":
			return tokens[i-1].Value != "," && token.BracketStep(tokens[i-1]) <= 0
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

// markKeys tells the commas between the columns of `key a, b` from those behind it: `{ key a, format json }`. The columns end where the line or the
// list does, which the grammar cannot see.
func markKeys(tokens []lexer.Token) []lexer.Token {
	var out []lexer.Token
	for i := 1; i+1 < len(tokens); i++ {
		before := tokens[i-1]
		starts := before.Value == "{" || before.Value == "," || before.Pos.Line < tokens[i].Pos.Line && before.Value != "|>"
		if tokens[i].Value != "key" || !starts || tokens[i+1].Type != token.Ident {
			continue
		}
		for i += 2; i+1 < len(tokens) && tokens[i].Value == "," && tokens[i+1].Type == token.Ident; i += 2 {
			if i+2 < len(tokens) && tokens[i+2].Pos.Line == tokens[i+1].Pos.Line {
				if next := tokens[i+2]; next.Type == token.Ident || next.Value == "=" || next.Value == "{" {
					break
				}
			}
			if out == nil {
				out = slices.Clone(tokens)
			}
			out[i].Type = token.ListComma
		}
		i--
	}
	if out == nil {
		return tokens
	}
	return out
}

// brackets reports brackets without a partner, one at a time, and how to go on; false means that nothing of the declaration can be read.
func (p *fileParser) brackets(o *mistake.Outline, quiet bool) (*mistake.Edit, bool) {
	if len(o.Open) == 0 && len(o.Stray) == 0 {
		if o.Depth() > maxNesting {
			p.report(quiet, diag.New(diag.Error, "P102", token.Span(o.Tokens[0]), "this is nested too deeply").WithHelp("give its parts names"))
			return nil, false
		}
		return nil, true
	}
	if quiet {
		return nil, false
	}
	if len(o.Open) > 0 {
		open := o.Culprit(o.Open[len(o.Open)-1])
		t := o.Tokens[open]
		d := diag.New(diag.Error, "P103", token.Span(t), "this `%s` is never closed", t.Value).WithHelp("add the matching `%s`", mistake.Closing[t.Value])
		if t.Value == "{" {
			d.With("opened here")
		}
		p.reportNear(t, d)
		change := p.placeholder(o, open)
		if t.Value == "{" {
			if from, to, ok := o.Stage(open); ok {
				change = p.replaceRange(o, from, to)
			} else {
				return nil, false
			}
		}
		return change, change != nil
	}
	at := o.Stray[0]
	what := "closes nothing"
	if o.Tokens[at].Value == "}" {
		if early := o.Early(at); early != at {
			at, what = early, "closes too early"
		}
	}
	t := o.Tokens[at]
	p.reportNear(t, diag.New(diag.Error, "P101", token.Span(t), "this `%s` %s", t.Value, what).With("remove it").WithFix(token.Span(t), ""))
	p.noisy[t.Pos.Line] = true
	if len(o.Tokens) == 1 {
		return nil, false
	}
	return &mistake.Edit{From: at, To: at + 1}, true
}

// report adds a diagnostic, unless the parse is only a guess.
func (p *fileParser) report(quiet bool, d *diag.Diagnostic) {
	if !quiet {
		p.mistakes.Add(d)
	}
}

// reportNear adds a diagnostic, unless something has been said about the same line that may be its cause.
func (p *fileParser) reportNear(t lexer.Token, d *diag.Diagnostic) {
	if !p.noisy[t.Pos.Line] {
		p.mistakes.Add(d)
	}
}

// mend reports an error of the parser and says how to change the tokens; nil gives up.
func (p *fileParser) mend(o *mistake.Outline, err error) *mistake.Edit {
	var wrong *extent.Error
	if errors.As(err, &wrong) {
		if wrong.At == 0 || o.Token(wrong.At-1).Type != token.Inserted {
			p.reportNear(o.Token(wrong.At), wrong.D)
		}
		if fixed := repairExpr(o, wrong); fixed != nil {
			return fixed
		}
		return p.replaceWith(o, wrong.Start, o.ExprEnd(wrong.Start, wrong.At), token.BrokenExpr)
	}
	at, expected := mistake.Locate(o.Tokens, err)
	return p.complain(o, at, expected)
}

// complain reports a token that does not fit, unless that follows from what was replaced before, and says how to go on.
func (p *fileParser) complain(o *mistake.Outline, at int, expected string) *mistake.Edit {
	if at < 0 {
		return nil
	}
	if o.Consequence(at) {
		return p.placeholder(o, at)
	}
	d, at, repair := mistake.Explain(o, at, expected)
	p.reportNear(o.Token(at), d)
	if repair != nil {
		return repair
	}
	return p.placeholder(o, at)
}

// repairExpr makes the edit that the diagnostic of an expression proposes, if it concerns one token.
func repairExpr(o *mistake.Outline, wrong *extent.Error) *mistake.Edit {
	if wrong.At >= len(o.Tokens) || token.IsStandIn(o.Tokens[wrong.At]) {
		return nil
	}
	t := o.Tokens[wrong.At]
	switch {
	case wrong.D.Code == "P112":
		return &mistake.Edit{From: wrong.At, To: wrong.At, Insert: []lexer.Token{mistake.Inserted(t, ",")}}
	case wrong.D.Fix != nil && wrong.D.Fix.Span == token.Span(t):
		return &mistake.Edit{From: wrong.At, To: wrong.At + 1, Insert: []lexer.Token{mistake.Inserted(t, wrong.D.Fix.Text)}}
	}
	return nil
}

// placeholder puts a stand-in where the smallest part around token at was that is not one already: an item in braces, then a stage. It is nil if
// only the whole declaration is left.
func (p *fileParser) placeholder(o *mistake.Outline, at int) *mistake.Edit {
	stageFrom, stageTo, inStage := o.Stage(at)
	for n := 0; ; n++ {
		brace := o.Brace(at, n)
		if brace < 0 || inStage && brace < stageFrom {
			break
		}
		from, to := o.Item(at, brace)
		if from < to && (to-from > 1 || o.Tokens[from].Type != token.Broken) {
			return p.replaceRange(o, from, to)
		}
	}
	if inStage && (stageTo-stageFrom != 1 || o.Tokens[stageFrom].Type != token.Broken) {
		return p.replaceRange(o, stageFrom, stageTo)
	}
	return nil
}

func (p *fileParser) replaceRange(o *mistake.Outline, from, to int) *mistake.Edit {
	return p.replaceWith(o, from, to, token.Broken)
}

// replaceWith puts one token of a kind in the place of the tokens from..to; its text is theirs.
func (p *fileParser) replaceWith(o *mistake.Outline, from, to int, kind lexer.TokenType) *mistake.Edit {
	pos := o.Token(from).Pos
	value := token.Mark
	if from < to {
		end := int(token.Span(o.Tokens[to-1]).End.Offset)
		value += p.text[pos.Offset:max(end, pos.Offset)]
	}
	return &mistake.Edit{From: from, To: to, Insert: []lexer.Token{{Type: kind, Value: value, Pos: pos}}}
}

// ghosts is ghost as a list.
func ghosts(tokens []lexer.Token) []Decl {
	if d := ghost(tokens); d != nil {
		return []Decl{d}
	}
	return nil
}

// ghost is a declaration of which only the kind and the name are known, so that what refers to it is not reported too; nil if not even that.
func ghost(tokens []lexer.Token) Decl {
	head := Head{Place: Place{Tokens: tokens}, Broken: true}
	var name *Name
	if len(tokens) > 1 && tokens[1].Type == token.Ident {
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
		if i := slices.IndexFunc(tokens, func(t lexer.Token) bool { return t.Value == "as" }); i > 0 && i+1 < len(tokens) && tokens[i+1].Type == token.Ident {
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
