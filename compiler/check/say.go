package check

import (
	"fmt"
	"strings"

	"pipec/vm/value"
)

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

// example is a value of a type as one writes it; "" of types that are only computed.
func example(t value.Type) string {
	switch t.Kind {
	case value.Int:
		return "3"
	case value.Float, value.Decimal:
		return "1.5"
	case value.String, value.Secret:
		if len(t.Words) == 0 {
			return `"text"`
		}
		return sample(t)
	case value.Bool:
		return "true"
	case value.Duration:
		return "5s"
	case value.Size:
		return "64MB"
	case value.Timestamp:
		return `timestamp("2026-01-31T00:00:00Z")`
	case value.List:
		if e := example(*t.Elem); e != "" {
			return "[" + e + "]"
		}
	}
	return ""
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
