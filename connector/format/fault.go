package format

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"pipec/vm/value"
)

// What can be wrong with the text of a value, beside the errors of package value. They are sentinels: a good row allocates nothing.
var (
	errNull    = errors.New("null")
	errMissing = errors.New("missing")
	errWord    = errors.New("not one of the words")
	errText    = errors.New("invalid UTF-8")
)

// The codes of row errors that a source can give.
const (
	codeUnreadable = "E801"
	codeNull       = "E802"
	codeKind       = "E803"
	codeRange      = "E804"
	codeFinite     = "E806"
)

// fault puts into words that shown, an excerpt of the input, is no value of the column.
func (c *column) fault(err error, shown string) (code, text string) {
	switch err {
	case errMissing:
		if c.nullable {
			return codeNull, c.label + " is missing (missing = error)"
		}
		return codeNull, fmt.Sprintf("%s is missing, and its type %s is never null", c.label, c.typ)
	case errNull:
		return codeNull, fmt.Sprintf("%s is null, and its type %s is never null", c.label, c.typ)
	case errText:
		return codeUnreadable, fmt.Sprintf("%s: %s is not valid UTF-8", c.label, shown)
	case value.ErrFine:
		return codeRange, fmt.Sprintf("%s: %s is finer than a microsecond", c.label, shown)
	case value.ErrDigits:
		return codeRange, fmt.Sprintf("%s: %s has more than %d digits after the point, the most that %s keeps", c.label, shown, c.typ.Scale, c.typ.NotNull())
	case value.ErrFinite:
		return codeFinite, fmt.Sprintf("%s: %s is not a finite number", c.label, shown)
	case value.ErrRange:
		if c.kind == value.Float {
			return codeFinite, fmt.Sprintf("%s: %s is too large to be a finite float", c.label, shown)
		}
		return codeRange, fmt.Sprintf("%s: %s is out of the range of %s", c.label, shown, c.typ.NotNull())
	}
	return codeKind, fmt.Sprintf("%s: found %s, expected %s", c.label, shown, c.expected())
}

// expected says what the text of a value of the column looks like.
func (c *column) expected() string {
	switch c.kind {
	case value.Int:
		return "a whole number"
	case value.Float, value.Decimal:
		return "a number"
	case value.Bool:
		return "true or false"
	case value.Duration:
		return "a duration as a whole number of microseconds"
	case value.Timestamp:
		if c.unit == unitAuto {
			return "a time like 2026-01-31T12:00:00Z or a whole number of milliseconds"
		}
		return "a time as a whole number of " + c.unit.String() + " (timestamps = " + c.unit.word() + ")"
	case value.Bytes:
		return "bytes as base64"
	case value.String:
		if len(c.typ.Words) == 0 {
			return "text"
		}
		words := make([]string, 0, len(c.typ.Words))
		for _, w := range c.typ.Words {
			words = append(words, strconv.Quote(w))
		}
		if len(words) > 8 {
			words = append(words[:8], "...")
		}
		return "one of " + strings.Join(words, ", ")
	case value.List:
		return "a list"
	}
	return "an object"
}

// shownBytes bounds how much of the input a message repeats.
const shownBytes = 40

// clip shortens an excerpt of the input to what a message can hold. Bytes that are not UTF-8, and control characters, become U+FFFD.
func clip(text []byte) string {
	more := ""
	if len(text) > shownBytes {
		n := shownBytes
		for n > shownBytes-utf8.UTFMax && !utf8.RuneStart(text[n]) {
			n--
		}
		text, more = text[:n], "..."
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(string(text), "\uFFFD")) + more
}

// quoted is clip in quotes, for text that brings none of its own.
func quoted(text []byte) string { return `"` + clip(text) + `"` }

// withoutReturn takes the carriage return away from the end of a line.
func withoutReturn(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}
