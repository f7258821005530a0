package grammar

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
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
		text, n := unescape(body[i:])
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
			piece, n := unescape(body[i:])
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
		if word == "" || wordLen(word) != len(word) || word[0] >= '0' && word[0] <= '9' {
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
	span.Start = advance(span.Start, s.Source[:from])
	span.End = advance(span.Start, s.Source[from:to])
	return span
}

var escapes = map[byte]string{'n': "\n", 't': "\t", '\\': "\\", '"': `"`, '\'': "'"}

// unescape gives the meaning of the character or escape that text starts with, and its length in bytes.
func unescape(text string) (string, int) {
	if text[0] != '\\' {
		_, n := utf8.DecodeRuneInString(text)
		return text[:n], n
	}
	if len(text) > 1 {
		if meaning, ok := escapes[text[1]]; ok {
			return meaning, 2
		}
		if text[1] == 'u' && len(text) >= 6 {
			if n, err := strconv.ParseUint(text[2:6], 16, 32); err == nil {
				return string(rune(n)), 6
			}
		}
	}
	return text[:1], 1
}

// checkEscapes reports escapes of a string that do not exist.
func (s *scanner) checkEscapes(t lexer.Token) {
	if !strings.Contains(t.Value, `\`) {
		return
	}
	str := String{Place: Place{Tokens: []lexer.Token{t}}, Source: t.Value}
	for i := 1; i < len(t.Value)-1; {
		text, n := unescape(t.Value[i : len(t.Value)-1])
		if text == `\` && n == 1 {
			s.tokens[len(s.tokens)-1].Type = tokBad
			s.mistakes.Errorf("P101", str.within(i, i+2), "a string has no escape `%s`", t.Value[i:i+2]).
				WithHelp("escapes are `\\n`, `\\t`, `\\\\`, `\\\"`, `\\'` and `\\u` with four hexadecimal digits; between backquotes nothing is escaped")
			n = 2
		}
		i += n
	}
}

// units of durations in microseconds (nanoseconds are told apart by their name), the longest first.
var durationUnits = map[string]int64{
	"w": 7 * 24 * 3600e6, "d": 24 * 3600e6, "h": 3600e6, "m": 60e6, "s": 1e6, "ms": 1e3, "us": 1, "ns": 0,
}

var sizeUnits = map[string]int64{
	"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}

// spokenUnits are the words that people write for units, and what to write instead.
var spokenUnits = map[string]string{
	"week": "w", "weeks": "w", "day": "d", "days": "d", "hour": "h", "hours": "h", "hr": "h", "hrs": "h", "min": "m", "mins": "m",
	"minute": "m", "minutes": "m", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "msec": "ms", "millis": "ms",
	"millisecond": "ms", "milliseconds": "ms", "usec": "us", "micros": "us", "microsecond": "us", "microseconds": "us",
	"W": "w", "D": "d", "H": "h", "M": "m", "S": "s", "MS": "ms",
	"b": "B", "kb": "KB", "mb": "MB", "gb": "GB", "tb": "TB", "k": "KB", "K": "KB", "G": "GB", "kB": "KB", "bytes": "B", "byte": "B",
}

// number reads a number, a duration or a size.
func (s *scanner) number() {
	rest := s.text[s.at:]
	n := digitsLen(rest)
	kind := tokInt
	if strings.HasPrefix(rest, "0") && len(rest) > 2 && strings.IndexByte("xXbBoO", rest[1]) >= 0 && wordLen(rest[2:]) > 0 {
		s.based(wordLen(rest))
		return
	}
	if n+1 < len(rest) && rest[n] == '.' && rest[n+1] >= '0' && rest[n+1] <= '9' {
		kind = tokNumber
		n += 1 + digitsLen(rest[n+1:])
	}
	if e := exponentLen(rest[n:]); e > 0 {
		kind = tokNumber
		n += e
	}
	all := n + wordLen(rest[n:])
	text := rest[:all]
	switch {
	case all > n && kind == tokInt && isDuration(text):
		kind = tokDuration
	case all > n && kind == tokInt && sizeUnits[strings.TrimLeft(text, "0123456789_")] > 0:
		kind = tokSize
	case all > n:
		s.strangeUnit(text, n)
		return
	}
	s.checkNumber(s.emit(kind, all))
}

// based reads a number with a base: 0xFF, 0b1010, 0o17.
func (s *scanner) based(n int) {
	text := s.text[s.at : s.at+n]
	t := s.emit(tokInt, n)
	if _, err := strconv.ParseInt(text, 0, 64); err != nil {
		s.tokens[len(s.tokens)-1].Type = tokBad
		s.mistakes.Errorf("P104", tokenSpan(t), "`%s` is not a number that fits an int", text)
	}
}

// strangeUnit reports a number with a unit that does not exist; a unit that is only spelt differently is taken for the right one.
func (s *scanner) strangeUnit(text string, digits int) {
	t := s.emit(tokBad, len(text))
	span := tokenSpan(t)
	if unit, ok := spokenUnits[text[digits:]]; ok && digitsLen(text) == digits {
		write := text[:digits] + unit
		s.mistakes.Errorf("P104", span, "`%s` is not a unit", text[digits:]).With("write `%s`", write).WithFix(span, write)
		return
	}
	d := s.mistakes.Errorf("P104", span, "`%s` is not a number, a duration or a size", text)
	if digitsLen(text) < digits {
		d.WithHelp("a duration or a size has whole numbers: `1500ms`, `1h30m`, `1536MiB`")
		return
	}
	d.WithHelp("durations end in w, d, h, m, s, ms or us (`1h30m`); sizes in B, KB, MB, GB, TB or KiB, MiB, GiB, TiB")
}

// checkNumber reports what is written well but does not fit.
func (s *scanner) checkNumber(t lexer.Token) {
	var d *diag.Diagnostic
	text := strings.ReplaceAll(t.Value, "_", "")
	switch t.Type {
	case tokInt:
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			d = s.mistakes.Errorf("P104", tokenSpan(t), "this number is too large for an int").
				WithHelp("an int is at most 9223372036854775807; a decimal has a point: `%s.0`", t.Value)
		}
	case tokNumber:
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			d = s.mistakes.Errorf("P104", tokenSpan(t), "this number is too large")
		}
	case tokDuration, tokSize:
		if _, err := literalValue(t); err != "" {
			d = s.mistakes.Errorf("P104", tokenSpan(t), "%s", err)
		}
	}
	if d != nil {
		s.tokens[len(s.tokens)-1].Type = tokBad
	}
}

// digitsLen is the number of bytes of decimal digits and underscores at the start of text.
func digitsLen(text string) int {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && c != '_' {
			return i
		}
	}
	return len(text)
}

// exponentLen is the length of an exponent (e6, E-3) at the start of text, or 0.
func exponentLen(text string) int {
	if len(text) < 2 || text[0] != 'e' && text[0] != 'E' {
		return 0
	}
	sign := 1
	if text[1] == '+' || text[1] == '-' {
		sign = 2
	}
	if n := digitsLen(text[sign:]); n > 0 && text[sign] != '_' {
		return sign + n
	}
	return 0
}

// isDuration reports whether text is numbers with units of time.
func isDuration(text string) bool {
	for text != "" {
		n := digitsLen(text)
		u := 0
		for n+u < len(text) && (text[n+u] < '0' || text[n+u] > '9') && text[n+u] != '_' {
			u++
		}
		if _, ok := durationUnits[text[n:n+u]]; n == 0 || !ok {
			return false
		}
		text = text[n+u:]
	}
	return true
}

// literalValue is the microseconds or bytes of a duration or a size, or why it has none.
func literalValue(t lexer.Token) (int64, string) {
	text := strings.ReplaceAll(t.Value, "_", "")
	if t.Type == tokSize {
		n := digitsLen(text)
		return scale(text[:n], sizeUnits[text[n:]])
	}
	var total int64
	last := int64(math.MaxInt64)
	for text != "" {
		n := digitsLen(text)
		u := strings.IndexAny(text[n:], "0123456789")
		if u < 0 {
			u = len(text) - n
		}
		unit := durationUnits[text[n:n+u]]
		if unit >= last {
			return 0, "the units of a duration go from large to small, each once: `1h30m`"
		}
		last = unit
		part, problem := microseconds(text[:n], unit)
		if problem != "" {
			return 0, problem
		}
		if total += part; total < 0 {
			return 0, "this is more than fits"
		}
		text = text[n+u:]
	}
	return total, ""
}

// microseconds is count units, where a unit of 0 means nanoseconds.
func microseconds(count string, unit int64) (int64, string) {
	if unit > 0 {
		return scale(count, unit)
	}
	n, problem := scale(count, 1)
	if problem == "" && n%1000 != 0 {
		return 0, "time is counted in whole microseconds, and this is finer"
	}
	return n / 1000, problem
}

// scale is the number in text times unit.
func scale(text string, unit int64) (int64, string) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return 0, "this is more than fits"
	}
	return n * unit, ""
}
