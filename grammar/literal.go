package grammar

import (
	"strings"

	"pipec/grammar/diag"
	"pipec/grammar/token"
)

// LiteralKind tells the literals that expr does not know apart.
type LiteralKind uint8

// The literals with a unit.
const (
	Duration LiteralKind = iota // Value is microseconds
	Size                        // Value is bytes
)

// Literal is a duration or a size in an expression.
type Literal struct {
	Kind  LiteralKind
	Text  string // as written
	Value int64
	Span  diag.Span
}

// String is a text literal outside an expression, or one that Expr.StringAt found.
type String struct {
	Place
	Source string `parser:"@(String | Raw | Bad)"` // with its quotes
}

// Value is the text that the literal means: escapes resolved, `${...}` left as it is. A damaged escape stays as written.
func (s *String) Value() string {
	if s == nil || len(s.Source) < 2 {
		return ""
	}
	body := s.Source[1 : len(s.Source)-1]
	if s.Source[0] == '`' || !strings.Contains(body, `\`) {
		return body
	}
	var b strings.Builder
	for i := 0; i < len(body); {
		text, n := token.Unescape(body[i:])
		b.WriteString(text)
		i += n
	}
	return b.String()
}

// Part is a piece of a string with interpolation: either Text, or a reference such as `param`, `env.NAME` or `here`.
type Part struct {
	Text string
	Ref  []string  // nil for a piece of text
	Span diag.Span // of a reference: the names between the braces
}

// Parts cuts a string into text and `${...}`; `$$` is a dollar sign. Settings and defaults of parameters interpolate, rows never do.
// A `${` that is not closed (P108) or holds no name is reported to list, which may be nil. Raw strings are one piece of text.
func (s *String) Parts(list *diag.List) []Part {
	if s == nil || len(s.Source) < 2 {
		return nil
	}
	body := s.Source[1 : len(s.Source)-1]
	if s.Source[0] == '`' {
		return []Part{{Text: body}}
	}
	var parts []Part
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			parts = append(parts, Part{Text: text.String()})
			text.Reset()
		}
	}
	for i := 0; i < len(body); {
		switch {
		case strings.HasPrefix(body[i:], "$$"):
			text.WriteByte('$')
			i += 2
		case strings.HasPrefix(body[i:], "${"):
			flush()
			part, n := s.reference(1+i, list)
			if part.Ref != nil {
				parts = append(parts, part)
			}
			i += n
		default:
			piece, n := token.Unescape(body[i:])
			text.WriteString(piece)
			i += n
		}
	}
	flush()
	return parts
}

// reference reads the `${...}` at byte offset at of the source, and gives the number of bytes it takes.
func (s *String) reference(at int, list *diag.List) (Part, int) {
	if list == nil {
		list = new(diag.List)
	}
	inner := s.Source[at+2 : len(s.Source)-1]
	n := strings.IndexByte(inner, '}')
	if n < 0 {
		list.Errorf("P108", s.within(at, at+2), "this `${` is never closed").With("opened here").
			WithHelp("add the matching `}`; a dollar sign is written `$$`")
		return Part{}, len(inner) + 2
	}
	name := strings.TrimSpace(inner[:n])
	start := at + 2 + strings.Index(inner, name)
	part := Part{Ref: strings.Split(name, "."), Span: s.within(start, start+len(name))}
	for _, word := range part.Ref {
		if word == "" || token.WordLen(word) != len(word) || word[0] >= '0' && word[0] <= '9' {
			part.Ref = nil
			list.Errorf("P108", part.Span, "`${...}` holds the name of a parameter").
				WithHelp("write `${name}`, `${env.NAME}` or `${here}`; a dollar sign is written `$$`")
			break
		}
	}
	return part, n + 3
}

// within is the span of the bytes from..to of the source.
func (s *String) within(from, to int) diag.Span {
	span := s.Span()
	span.Start = token.Advance(span.Start, s.Source[:from])
	span.End = token.Advance(span.Start, s.Source[from:to])
	return span
}
