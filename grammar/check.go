package grammar

import (
	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
	"pipec/grammar/token"
)

// checkSettings reports what the shape of the tokens cannot: two facts on a line without a comma (P118), and `${...}` that is damaged in
// the strings that interpolate (P108).
func checkSettings(f *File, list *diag.List) {
	for _, d := range f.Decls {
		eachBody(d, func(b *Body) {
			checkCommas(len(b.Facts), func(i int) *Place { return factPlace(b.Facts[i]) }, "settings", list)
			for _, f := range b.Facts {
				switch f := f.(type) {
				case *Setting:
					checkStrings(f.Value, list)
				case *Schema:
					checkRecord(f.Record, list)
				}
			}
		})
		switch d := d.(type) {
		case *Param:
			checkStrings(d.Default, list)
		case *TypeDecl:
			checkRecord(d.Record, list)
		}
		for _, s := range stagesOf(d) {
			switch op := s.Op.(type) {
			case *Split:
				checkCommas(len(op.Branches), func(i int) *Place { return &op.Branches[i].Place }, "branches", list)
			case *Match:
				checkCommas(len(op.Defines), func(i int) *Place { return &op.Defines[i].Place }, "steps", list)
			}
		}
	}
}

// eachBody visits all bodies of a declaration, the outer ones first.
func eachBody(d Decl, visit func(*Body)) {
	switch d := d.(type) {
	case *Job:
		innerBodies(d.Body, visit)
	case *Source:
		innerBodies(d.Body, visit)
	case *Sink:
		innerBodies(d.Body, visit)
	case *Stream:
		if d.Pipeline != nil {
			innerBodies(d.Pipeline.Body, visit)
		}
	case *Pipeline:
		innerBodies(d.Body, visit)
	}
	for _, s := range stagesOf(d) {
		innerBodies(s.With, visit)
		if into, ok := s.Op.(*Into); ok {
			innerBodies(into.Body, visit)
		}
	}
}

func innerBodies(b *Body, visit func(*Body)) {
	if b == nil {
		return
	}
	visit(b)
	for _, f := range b.Facts {
		switch f := f.(type) {
		case *Choice:
			innerBodies(f.Body, visit)
		case *Rhythm:
			innerBodies(f.Body, visit)
		case *Group:
			innerBodies(f.Body, visit)
		}
	}
}

// stagesOf gives the stages of a declaration that has some.
func stagesOf(d Decl) []*Stage {
	switch d := d.(type) {
	case *Stream:
		if d.Pipeline != nil {
			return d.Pipeline.Stages
		}
	case *Pipeline:
		return d.Stages
	case *Pipe:
		return d.Stages
	}
	return nil
}

func checkRecord(r *Record, list *diag.List) {
	if r == nil {
		return
	}
	checkCommas(len(r.Fields), func(i int) *Place { return &r.Fields[i].Place }, "columns", list)
	for _, field := range r.Fields {
		if field.Type != nil {
			checkRecord(field.Type.Record, list)
		}
	}
}

// factPlace is the place that a fact embeds.
func factPlace(f Fact) *Place {
	switch f := f.(type) {
	case *Setting:
		return &f.Place
	case *Choice:
		return &f.Place
	case *Rhythm:
		return &f.Place
	case *Group:
		return &f.Place
	case *Schema:
		return &f.Place
	case *Watermark:
		return &f.Place
	case *Key:
		return &f.Place
	case *ErrorsAs:
		return &f.Place
	case *BrokenFact:
		return &f.Place
	}
	return &Place{}
}

// checkCommas reports neighbours on one line without a comma between them. Next to a broken one nothing is said.
func checkCommas(n int, item func(int) *Place, what string, list *diag.List) {
	for i := 1; i < n; i++ {
		before, after := item(i-1), item(i)
		if len(before.Tokens) == 0 || len(after.Tokens) == 0 || token.IsStandIn(before.Tokens[0]) || token.IsStandIn(after.Tokens[0]) {
			continue
		}
		end := before.Span().After()
		if end.End.Line == after.Span().Start.Line && behind(before.Tokens).Value != "," {
			list.Errorf("P118", end, "two %s on one line need a comma", what).With("add `,` here").WithFix(end, ",")
		}
	}
}

// behind is the token that follows a node's tokens: they are a window on those of the whole declaration.
func behind(tokens []lexer.Token) lexer.Token {
	if n := len(tokens); n < cap(tokens) {
		return tokens[:n+1][n]
	}
	return lexer.Token{}
}

// checkStrings reports damaged `${...}` in the texts of a value.
func checkStrings(e *Expr, list *diag.List) {
	if e == nil || e.Broken {
		return
	}
	for i, t := range e.Tokens {
		if t.Type == token.String {
			s := String{Place: Place{Tokens: e.Tokens[i : i+1]}, Source: t.Value}
			s.Parts(list)
		}
	}
}
