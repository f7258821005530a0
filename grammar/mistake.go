package grammar

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
)

// sqlWords are the words that people who write SQL put between two values, and what to write instead.
var sqlWords = map[string]string{
	"and": "write `and`", "or": "write `or`", "not": "write `not`", "in": "write `in`", "is": "write `== null` or `!= null`",
	"like": "write `matches`, `contains`, `startsWith` or `endsWith`", "ilike": "write `matches`, `contains`, `startsWith` or `endsWith`",
	"rlike": "write `matches`", "between": "write `x in a..b` or `a <= x <= b`", "case": "write `if c { a } else { b }`",
	"isnull": "write `== null`", "notnull": "write `!= null`", "mod": "write `%`", "div": "write `div(a, b)`",
}

// sqlSpelling is the diagnostic for a word of SQL behind a value, or nil.
func sqlSpelling(t, before lexer.Token) *diag.Diagnostic {
	write, ok := sqlWords[strings.ToLower(t.Value)]
	if !ok || t.Type != tokIdent || before.Type == tokPunct && bracketStep(before) >= 0 {
		return nil
	}
	d := diag.New(diag.Error, "P111", tokenSpan(t), "`%s` is SQL spelling", t.Value).With("%s", write)
	if word := strings.ToLower(t.Value); reserved[word] {
		d.WithFix(tokenSpan(t), word)
	}
	return d
}
