package check

import (
	"fmt"
	"strings"

	"pipec/vm/value"
)

// aType is a type with its article, as messages name it: an int, a decimal(12, 2), "open" | "paid".
func aType(t value.Type) string {
	s := t.String()
	switch {
	case t.Kind == value.Null:
		return "null"
	case t.Kind == value.String && len(t.Words) > 0, t.Kind == value.Record:
		return s
	case strings.ContainsRune("aeiou", rune(s[0])):
		return "an " + s
	}
	return "a " + s
}

// TypeName is a type with its article, for messages of other packages.
func TypeName(t value.Type) string { return aType(t) }

// sample is a value one might put in the place of a missing one.
func sample(t value.Type) string {
	switch t.Kind {
	case value.Int, value.Float, value.Decimal:
		return "0"
	case value.String:
		if len(t.Words) > 0 {
			return fmt.Sprintf("%q", t.Words[0])
		}
		return `""`
	case value.Bool:
		return "false"
	case value.Duration:
		return "0s"
	case value.List:
		return "[]"
	}
	return "..."
}

// wordList writes texts in quotes with commas; with a word, that stands before the last one.
func wordList(words []string, last string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	if n := len(quoted); last != "," && n > 1 {
		return strings.Join(quoted[:n-1], ", ") + " " + last + " " + quoted[n-1]
	}
	return strings.Join(quoted, ", ")
}

// columnList is the help line with the columns of a scope.
func columnList(names []string) string {
	if len(names) > 30 {
		return fmt.Sprintf("columns here: %s, ... (%d in all)", strings.Join(names[:30], ", "), len(names))
	}
	return "columns here: " + strings.Join(names, ", ")
}
