package mistake

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/token"
)

// shapes are the words that start a declaration, with the kinds or texts of the tokens that follow them. A word at the first column
// starts a declaration anyway; the shape decides inside of a brace that may have been forgotten, and in a file that is indented.
var shapes = map[string][]string{
	"import": {"String"}, "job": {"Ident"}, "param": {"Ident", ":"}, "type": {"Ident", "={"}, "function": {"Ident", "("},
	"source": {"Ident", "from"}, "table": {"Ident", "from"}, "sink": {"Ident", "into"}, "stream": {"Ident", "="},
	"pipe": {"Ident", "=("}, "process": {"Ident", "("}, "from": {"Ident"}, "test": {"String"},
}

// StartsDeclaration reports whether tokens begin as a declaration does.
func StartsDeclaration(tokens []lexer.Token) bool {
	shape, ok := shapes[tokens[0].Value]
	if !ok || tokens[0].Type != token.Ident || len(tokens) <= len(shape) {
		return false
	}
	for i, want := range shape {
		t := tokens[i+1]
		switch want {
		case "Ident":
			if t.Type != token.Ident {
				return false
			}
		case "String":
			if t.Type != token.String {
				return false
			}
		case "from", "into":
			if t.Value != want {
				return false
			}
		default:
			if t.Type != token.Punct || !strings.Contains(want, t.Value) {
				return false
			}
		}
	}
	return true
}

// pipelines are the declarations that hold stages.
var pipelines = map[string]bool{"from": true, "stream": true, "pipe": true}

// IsDeclaration reports whether a word starts a declaration.
func IsDeclaration(word string) bool {
	_, ok := shapes[word]
	return ok
}

// HoldsStages reports whether the declarations that start with a word are made of stages.
func HoldsStages(word string) bool { return pipelines[word] }

// IsVerb reports whether a word starts a stage.
func IsVerb(word string) bool { return verbs[word] }

// StageClauses are the words that start a clause of a stage. On a line of their own they stand under its verb.
var StageClauses = map[string]bool{
	"emit": true, "keep": true, "with": true, "errors": true, "within": true, "allow": true, "late": true, "early": true, "every": true,
	"offset": true, "zone": true, "on": true, "using": true, "skip": true, "as": true, "max": true, "idle": true, "ahead": true, "by": true,
	"then": true, "followed": true, "gap": true, "at": true,
}
