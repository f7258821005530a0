package token

import (
	"math"
	"strconv"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
)

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
	kind := Int
	if strings.HasPrefix(rest, "0") && len(rest) > 2 && strings.IndexByte("xXbBoO", rest[1]) >= 0 && WordLen(rest[2:]) > 0 {
		s.based(WordLen(rest))
		return
	}
	if n+1 < len(rest) && rest[n] == '.' && rest[n+1] >= '0' && rest[n+1] <= '9' {
		kind = Number
		n += 1 + digitsLen(rest[n+1:])
	}
	if e := exponentLen(rest[n:]); e > 0 {
		kind = Number
		n += e
	}
	all := n + WordLen(rest[n:])
	text := rest[:all]
	switch {
	case all > n && kind == Int && isDuration(text):
		kind = Duration
	case all > n && kind == Int && sizeUnits[strings.TrimLeft(text, "0123456789_")] > 0:
		kind = Size
	case all > n:
		s.strangeUnit(text, n)
		return
	}
	s.checkNumber(s.emit(kind, all))
}

// based reads a number with a base: 0xFF, 0b1010, 0o17.
func (s *scanner) based(n int) {
	text := s.text[s.at : s.at+n]
	t := s.emit(Int, n)
	if _, err := strconv.ParseInt(text, 0, 64); err != nil {
		s.tokens[len(s.tokens)-1].Type = Bad
		s.mistakes.Errorf("P104", Span(t), "`%s` is not a number that fits an int", text)
	}
}

// strangeUnit reports a number with a unit that does not exist; a unit that is only spelt differently is taken for the right one.
func (s *scanner) strangeUnit(text string, digits int) {
	t := s.emit(Bad, len(text))
	span := Span(t)
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
	case Int:
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			d = s.mistakes.Errorf("P104", Span(t), "this number is too large for an int").
				WithHelp("an int is at most 9223372036854775807; a decimal has a point: `%s.0`", t.Value)
		}
	case Number:
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			d = s.mistakes.Errorf("P104", Span(t), "this number is too large")
		}
	case Duration, Size:
		if _, err := Value(t); err != "" {
			d = s.mistakes.Errorf("P104", Span(t), "%s", err)
		}
	}
	if d != nil {
		s.tokens[len(s.tokens)-1].Type = Bad
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

// Value is the microseconds or bytes of a duration or a size, or why it has none.
func Value(t lexer.Token) (int64, string) {
	text := strings.ReplaceAll(t.Value, "_", "")
	if t.Type == Size {
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

// Unit is the unit that a word means (`hours`, `min`, `MB`), and whether it is one of time; "" if it is none.
func Unit(word string) (unit string, time bool) {
	if spoken, ok := spokenUnits[word]; ok {
		word = spoken
	}
	if _, ok := durationUnits[word]; ok {
		return word, true
	}
	if sizeUnits[word] > 0 {
		return word, false
	}
	return "", false
}
