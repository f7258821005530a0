package mistake

import (
	"slices"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
	"pipec/grammar/token"
)

// The signs of other languages. A sign of two characters is two tokens here, side by side.

// together says whether the unexpected token and the one behind it are the signs a and b without a gap.
func (s *scene) together(a, b string) bool {
	next := s.o.Token(s.at + 1)
	return s.t.Value == a && next.Value == b && next.Pos.Offset == s.t.Pos.Offset+len(a)
}

// pair is the two tokens as one place.
func (s *scene) pair() diag.Span { return token.Span(s.t).To(token.Span(s.o.Tokens[s.at+1])) }

// foreignArrow: `from a -> where x`, `from a >> where x`.
func foreignArrow(s *scene) *finding {
	if s.braces >= 0 || !pipelines[s.o.Tokens[0].Value] || !s.together("-", ">") && !s.together("=", ">") && !s.together(">", ">") {
		return nil
	}
	f := s.found("P114", "a stage starts with `|>`")
	f.d.Span = s.pair()
	f.d.With("write `|>`").WithFix(f.d.Span, "|>")
	return f.replace(s.at, s.at+2, s.t, "|>")
}

// foreignEquals: `derive x := a`.
func foreignEquals(s *scene) *finding {
	if s.expected != "`=`" || !s.together(":", "=") {
		return nil
	}
	f := s.found("P101", "`:=` is written `=` here")
	f.d.Span = s.pair()
	f.d.With("write `=`").WithFix(f.d.Span, "=")
	return f.replace(s.at, s.at+2, s.t, "=")
}

// bareRhythm: `checkpoint 10s`.
func bareRhythm(s *scene) *finding {
	if s.kind != facts || s.t.Value != "checkpoint" && s.before.Value != "checkpoint" {
		return nil
	}
	at := s.at
	if s.t.Value == "checkpoint" {
		at++
	}
	value := s.o.Token(at)
	if value.Type != token.Duration || at >= len(s.o.Tokens) || s.o.FirstOfLine(at) {
		return nil
	}
	f := &finding{at: at, d: diag.New(diag.Error, "P116", token.Span(value), "a checkpoint is taken every so often")}
	f.d.With("add `every` before this")
	f.d.Fix = &diag.Fix{Span: token.Span(value), Text: "every "}
	f.d.Fix.Span.End = f.d.Fix.Span.Start
	return f.insert(at, value, "every")
}

// dashedName: `job my-job {`.
func dashedName(s *scene) *finding {
	if s.t.Value != "-" || s.at != 2 || s.before.Type != token.Ident || s.o.Token(3).Type != token.Ident {
		return nil
	}
	if !slices.Contains([]string{"job", "source", "sink", "stream", "param", "type", "function", "pipe"}, s.o.Tokens[0].Value) {
		return nil
	}
	f := s.found("P101", "a name has letters, digits and `_`")
	f.d.Span = token.Span(s.before).To(token.Span(s.o.Token(3)))
	name := s.before.Value + "_" + s.o.Token(3).Value
	f.d.With("write `%s`", name).WithFix(f.d.Span, name)
	f.repair = &Edit{From: 1, To: 4, Insert: []lexer.Token{{Type: token.Ident, Value: name, Pos: s.before.Pos}}}
	return f
}
