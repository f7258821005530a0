package grammar

import (
	"slices"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
	"pipec/grammar/mistake"
	"pipec/grammar/token"
)

// Parse reads a text. It always gives a tree; the list says what is wrong with the text, sorted by place, and is empty for a good one.
// file is the name that spans carry. Parse may be called from several goroutines.
func Parse(file string, text []byte) (*File, diag.List) {
	f := &File{Name: file, Text: string(text)}
	tokens, mistakes := token.Scan(file, f.Text)
	p := &fileParser{text: f.Text, mistakes: mistakes, noisy: map[int]bool{}}
	for _, m := range mistakes {
		for line := m.Span.Start.Line; line <= m.Span.End.Line; line++ {
			p.noisy[int(line)] = true
		}
	}
	for _, chunk := range chunks(token.Significant(tokens)) {
		f.Decls = append(f.Decls, p.chunk(chunk)...)
	}
	attachDocs(f, tokens)
	checkSettings(f, &p.mistakes)
	p.mistakes.Sort()
	return f, p.mistakes
}

// fileParser parses the declarations of one text.
type fileParser struct {
	text     string
	mistakes diag.List
	noisy    map[int]bool // lines of which tokens were left out: other mistakes there may follow from that
}

// chunks cuts tokens where declarations start, so that a brace that is never closed harms one declaration only.
func chunks(tokens []lexer.Token) [][]lexer.Token {
	if len(tokens) == 0 {
		return nil
	}
	var out [][]lexer.Token
	start, braces, other := 0, 0, 0
	margin := tokens[0].Pos.Column // 1, unless the whole file is indented
	for i, t := range tokens[1:] {
		if t.Pos.Line > tokens[i].Pos.Line {
			margin = min(margin, t.Pos.Column)
		}
	}
	for i, t := range tokens {
		first := i > 0 && t.Pos.Line > tokens[i-1].Pos.Line
		if first && startsChunk(tokens, i, start, margin, braces, other) {
			out = append(out, tokens[start:i:i])
			start, braces, other = i, 0, 0
		}
		if step := token.BracketStep(t); t.Value == "{" || t.Value == "}" {
			braces = max(0, braces+step)
		} else {
			other = max(0, other+step)
		}
	}
	return append(out, tokens[start:])
}

// startsChunk reports whether the declaration that began at start ends in front of token i, the first of its line.
func startsChunk(tokens []lexer.Token, i, start, margin, braces, other int) bool {
	t := tokens[i]
	if t.Type != token.Ident && t.Type != token.Word {
		return false
	}
	declares := mistake.StartsDeclaration(tokens[i:])
	if mistake.IsVerb(t.Value) && !declares && tokens[start].Type == token.Ident && mistake.HoldsStages(tokens[start].Value) {
		return false // a stage without `|>`
	}
	if t.Value == "from" {
		head := tokens[start].Value
		if tokens[i-1].Value == "=" || i-start == 2 && (head == "source" || head == "table") {
			return false // `stream x =` and `source x` may continue on the next line
		}
	}
	if t.Pos.Column <= margin {
		apart := t.Pos.Line > tokens[i-1].Pos.Line+1
		named := mistake.IsDeclaration(t.Value) && i+1 < len(tokens) && tokens[i+1].Type == token.Ident && !token.IsStandIn(t)
		return declares || named && apart || braces == 0 && (named || !continues(tokens, i, start))
	}
	return declares && braces == 0 && other == 0 && t.Value != "job" && tokens[i-1].Value != "|>"
}

// continues reports whether a word at the margin can only go on with the declaration that began at start, because of what it is or what stands
// before it.
func continues(tokens []lexer.Token, i, start int) bool {
	before := tokens[i-1]
	switch {
	case before.Type == token.Punct && token.BracketStep(before) >= 0 && before.Value != "?" && before.Value != ">":
		return true
	case tokens[i].Type == token.Word:
		return i > start
	case !mistake.HoldsStages(tokens[start].Value):
		return false
	}
	return mistake.StageClauses[tokens[i].Value] || i > 1 && (tokens[i-2].Value == "|>" || tokens[i-2].Value == "key") && mistake.IsVerb(before.Value) ||
		before.Value == "by"
}

// chunk parses one declaration, whatever its first word is.
func (p *fileParser) chunk(tokens []lexer.Token) []Decl {
	first := tokens[0]
	if mistake.IsDeclaration(first.Value) && first.Type == token.Ident {
		return p.declaration(tokens, false)
	}
	if first.Type != token.Ident && first.Type != token.Word {
		p.strayStart(first)
		return nil
	}
	d := diag.New(diag.Error, "P121", token.Span(first), "a declaration cannot start with `%s`", first.Value)
	p.mistakes.Add(d)
	keyword, help := mistake.SuggestDeclaration(first.Value)
	if help != "" {
		d.WithHelp("%s", help)
	}
	if keyword == "" {
		if help == "" {
			d.WithHelp("a file holds: %s", strings.Join(mistake.DeclarationWords(), ", "))
		}
		return nil
	}
	d.With("did you mean `%s`?", keyword).WithFix(token.Span(first), keyword)
	meant := slices.Clone(tokens)
	meant[0].Value = keyword
	decls := p.declaration(meant, true)
	if len(decls) > 0 {
		restoreKeyword(decls[0], first)
	}
	return decls
}

// restoreKeyword gives a declaration that was parsed as what was meant the word that is in the text, for its spans.
func restoreKeyword(d Decl, written lexer.Token) {
	d.DeclHead().Tokens = slices.Clone(d.DeclHead().Tokens)
	d.DeclHead().Tokens[0] = written
}

// strayStart reports a text that begins with something that is no word.
func (p *fileParser) strayStart(t lexer.Token) {
	d := p.mistakes.Errorf("P101", token.Span(t), "a declaration cannot start with `%s`", mistake.Shown(t))
	if t.Value == "|>" {
		d.WithHelp("a pipeline begins with `from`: `from stdin |> ...`")
		return
	}
	d.WithHelp("a file holds: %s", strings.Join(mistake.DeclarationWords(), ", "))
}

// attachDocs gives the `///` lines to what stands below them.
func attachDocs(f *File, tokens []lexer.Token) {
	docs := map[int]string{} // by the line behind the group
	var group []string
	for i, t := range tokens {
		if t.Type != token.Doc {
			continue
		}
		group = append(group, strings.TrimSpace(strings.TrimPrefix(t.Value, "///")))
		more := i+1 < len(tokens) && tokens[i+1].Type == token.Doc && tokens[i+1].Pos.Line == t.Pos.Line+1
		if more {
			continue
		}
		text := strings.Join(group, "\n")
		group = nil
		if f.Doc == "" && len(docs) == 0 && (i+1 == len(tokens) || tokens[i+1].Pos.Line > t.Pos.Line+1) {
			f.Doc = text
		}
		docs[t.Pos.Line+1] = text
	}
	if len(docs) == 0 {
		return
	}
	for _, d := range f.Decls {
		h := d.DeclHead()
		h.Doc = docs[int(h.Span().Start.Line)]
		documentParts(d, docs)
	}
}

// documentParts gives documentation to columns, states and timers.
func documentParts(d Decl, docs map[int]string) {
	switch d := d.(type) {
	case *TypeDecl:
		documentRecord(d.Record, docs)
	case *Source:
		documentSchema(d.Body, docs)
	case *Sink:
		documentSchema(d.Body, docs)
	case *Process:
		for _, m := range d.Members {
			switch m := m.(type) {
			case *StateDecl:
				m.Doc = docs[int(m.Span().Start.Line)]
			case *TimerDecl:
				m.Doc = docs[int(m.Span().Start.Line)]
			}
		}
	}
}

func documentSchema(b *Body, docs map[int]string) {
	if s := b.Schema(); s != nil {
		documentRecord(s.Record, docs)
	}
}

func documentRecord(r *Record, docs map[int]string) {
	if r == nil {
		return
	}
	for _, field := range r.Fields {
		field.Doc = docs[int(field.Span().Start.Line)]
		if field.Type != nil {
			documentRecord(field.Type.Record, docs)
		}
	}
}

// SuggestStage is the verb that a word was probably meant to be ("" if none comes to mind), and a line of help ("" if the verb says it all).
// pipes are the declared pipes, which are stages too.
func SuggestStage(word string, pipes ...string) (verb, help string) {
	return mistake.SuggestStage(word, pipes...)
}
