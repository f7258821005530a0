package mistake

import (
	"slices"
	"strings"

	"pipec/grammar/diag"
)

// verbs are the words that stages start with.
var verbs = map[string]bool{
	"where": true, "derive": true, "set": true, "select": true, "drop": true, "rename": true, "explode": true, "key": true, "window": true,
	"aggregate": true, "count": true, "left": true, "full": true, "semi": true, "anti": true, "join": true, "lookup": true, "union": true,
	"split": true, "dedup": true, "top": true, "process": true, "match": true, "watermark": true, "limit": true, "into": true,
}

// Verbs are the words that stages start with, in alphabetical order and as they are spoken (`key by`).
func Verbs() []string {
	var out []string
	for v := range verbs {
		switch v {
		case "key":
			out = append(out, "key by")
		case "left", "full", "semi", "anti":
		default:
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

// stageSynonyms are verbs of other languages.
var stageSynonyms = map[string]string{
	"filter": "where", "having": "where", "when": "where", "reject": "where", "keep": "where", "find": "where",
	"extend": "derive", "mutate": "derive", "assign": "derive", "map": "derive", "let": "derive", "add": "derive", "with_column": "derive",
	"with_columns": "derive", "withcolumn": "derive", "compute": "derive",
	"update": "set", "replace": "set", "modify": "set",
	"project": "select", "columns": "select", "pick": "select", "fields": "select",
	"remove": "drop", "delete": "drop", "exclude": "drop",
	"flatmap": "explode", "flat_map": "explode", "unnest": "explode", "flatten": "explode", "expand": "explode",
	"group": "key by", "group_by": "key by", "groupby": "key by", "partition": "key by", "partition_by": "key by", "key_by": "key by",
	"keyby": "key by", "by": "key by", "distribute": "key by", "shuffle": "key by",
	"summarize": "aggregate", "summarise": "aggregate", "agg": "aggregate", "reduce": "aggregate", "fold": "aggregate", "sum": "aggregate",
	"tumble": "window tumbling", "tumbling": "window tumbling", "hop": "window sliding", "sliding": "window sliding",
	"session": "window session", "cumulate": "window cumulating", "over": "window rolling", "windowed": "window",
	"inner": "join", "merge": "union", "concat": "union", "append": "union", "enrich": "lookup", "right": "left join", "outer": "full join",
	"branch": "split", "route": "split", "switch": "split", "partitioned": "split",
	"distinct": "dedup", "unique": "dedup", "uniq": "dedup", "deduplicate": "dedup",
	"order": "top", "sort": "top", "order_by": "top", "sort_by": "top", "orderby": "top", "rank": "top",
	"take": "limit", "head": "limit", "first": "limit", "sample": "limit",
	"to": "into", "write": "into", "sink": "into", "output": "into", "insert": "into", "save": "into", "store": "into", "emit": "into",
	"print": "into stdout", "show": "into stdout", "tee": "split", "pattern": "match", "match_recognize": "match", "apply": "process",
}

// stageHelp says more where a verb of another language has no counterpart.
var stageHelp = map[string]string{
	"order": "an endless stream has no last row to sort by: only the first rows of an order can be kept",
	"sort":  "an endless stream has no last row to sort by: only the first rows of an order can be kept",
	"right": "swap the two sides and write `left join`",
}

// SuggestStage is the verb that a word was probably meant to be ("" if none comes to mind), and a line of help ("" if the verb says it all).
// pipes are the declared pipes, which are stages too.
func SuggestStage(word string, pipes ...string) (verb, help string) {
	lower := strings.ToLower(word)
	if verbs[lower] {
		if lower == "key" {
			return "key by", ""
		}
		return lower, ""
	}
	if verb, ok := stageSynonyms[lower]; ok {
		return verb, stageHelp[lower]
	}
	candidates := slices.Concat(Verbs(), pipes)
	if verb := diag.Nearest(lower, candidates); verb != "" {
		return verb, ""
	}
	help = "`pipec docs stages` lists them"
	if len(pipes) > 0 {
		help += "; pipes here: " + diag.Listed(pipes)
	}
	return "", help
}

// declarationSynonyms are words with which other languages start what a file of ours declares.
var declarationSynonyms = map[string]string{
	"view": "stream", "pipeline": "stream", "flow": "stream", "cte": "stream", "query": "stream",
	"input": "source", "read": "from", "output": "sink", "target": "sink", "destination": "sink",
	"def": "function", "fn": "function", "func": "function", "fun": "function", "macro": "pipe",
	"const": "param", "var": "param", "parameter": "param", "variable": "param", "arg": "param",
	"struct": "type", "record": "type", "enum": "type", "class": "type", "schema": "type",
	"include": "import", "use": "import", "require": "import", "config": "job", "settings": "job", "options": "job",
}

var declarationHelp = map[string]string{
	"create": "write `source name from connector { ... }`, `sink name into connector { ... }` or `stream name = from ...`",
	"insert": "a pipeline that writes is `from name |> ... |> into sink`",
	"select": "a pipeline begins with its input: `from name |> select ...`",
	"with":   "name a part with `stream name = from ...`",
	"let":    "name a stream with `stream name = from ...`, a value from outside with `param name: type = ...`",
}

// DeclarationWords are the words that a declaration begins with.
func DeclarationWords() []string {
	var out []string
	for word := range shapes {
		out = append(out, word)
	}
	slices.Sort(out)
	return out
}

// SuggestDeclaration is the word that a declaration was meant to start with, or help.
func SuggestDeclaration(word string) (keyword, help string) {
	lower := strings.ToLower(word)
	if _, ok := shapes[lower]; ok {
		return lower, ""
	}
	if help, ok := declarationHelp[lower]; ok {
		return "", help
	}
	if keyword, ok := declarationSynonyms[lower]; ok {
		return keyword, ""
	}
	return diag.Nearest(lower, DeclarationWords()), ""
}
