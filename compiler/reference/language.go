package reference

import (
	"bytes"
	"strings"

	"pipec/grammar"
)

// layout gives an example the one layout, if it is a whole declaration, with a line for each step; a fragment stays as it is.
func layout(text string) string {
	out, diags := grammar.Format("example.pipe", []byte(strings.ReplaceAll(text, " |> ", "\n  |> ")))
	if diags.HasErrors() {
		return text
	}
	return string(bytes.TrimSpace(out))
}

// into is the stage that ends a pipeline. It is no operator, so the table of stages has no entry for it.
func into() *Page {
	return &Page{Topic: "into", Syntax: []string{"into SINK, ..."},
		Doc: "Ends a pipeline: its rows go into each of the sinks, declared ones or connectors. A sink with a `key` takes updates; one without takes them only if it is `stdout` or `blackhole`.",
		Examples: []Example{{Text: layout("from orders |> into stdout")},
			{Text: layout("from orders |> key by customer |> count |> into totals, stdout\n\nsink totals into file { path = \"totals\", format json, key customer }")}},
		See: []string{"sink", "connectors"}}
}

// declarations are the sentences a file is made of.
func declarations() *Kind {
	k := &Kind{Name: "declarations", One: "a declaration",
		Doc: "A file is a list of declarations, in any order. Braces hold facts, in any order; pipes hold steps, in order. `pipec docs job` tells of the job block."}
	add := adder(k)
	add("source", "source NAME from CONNECTOR { FACT ... }",
		"Gives rows that come in a name. Its facts are the settings of its connector, and `schema`, `watermark` and `errors as`.",
		"source visits from file {\n  path = \"visits/*.csv\"\n  format csv\n  errors as unreadable\n\n  schema {\n    page: string from \"url\"\n    at: timestamp\n  }\n\n  watermark at - 10s\n}",
		"connectors", "schema", "watermark", "errors as")
	add("sink", "sink NAME into CONNECTOR { FACT ... }",
		"Gives a place that rows go to a name. Its facts are the settings of its connector, `schema` (a contract: what arrives must have these columns) and `key` (each row replaces the last one with the same key).",
		"sink totals into file {\n  path = \"out/totals\"\n  format json\n  key customer\n}", "connectors", "into")
	add("from", "from STREAM |> STAGE ... |> into SINK\nfrom CONNECTOR { FACT ... } |> STAGE ... |> into SINK",
		"Begins a pipeline: its rows are those of a source, a stream, a side output or a connector. Without a name, a pipeline must end in `into` or `split`.",
		"from orders |> where amount > 100 |> into stdout", "stages", "stream")
	add("stream", "stream NAME = from ... |> STAGE ...", "Gives a pipeline a name, so that others may read it, as often as they like. State of its stages is known by this name.",
		"stream large = from orders |> where amount > 100", "from")
	add("param", "param NAME: TYPE = DEFAULT", "Is a value from outside: `--set NAME=value`. Without a default it must be given. In texts of settings `${name}` is a parameter, `${env.NAME}` a variable of the environment; one of type `secret` is printed as ***.",
		"param region: string = \"eu\"", "types")
	add("type", "type NAME { COLUMN: TYPE, ... }\ntype NAME = TYPE", "Gives a record or a set of words a name, for columns and schemas.",
		"type address { city: string, zip: string? }\n\ntype status = \"open\" | \"paid\"", "types")
	add("function", "function NAME(PARAMETER: TYPE, ...) = EXPRESSION", "Gives a part of expressions a name. Types may be left out: each call is then checked with what it passes.",
		"function net(amount: decimal(12, 2)) = round(amount / 1.19, 2)", "functions")
	add("pipe", "pipe NAME(PARAMETER: TYPE, ...) = |> STAGE ...", "Gives steps a name that several pipelines share. It is used as a stage: `|> NAME(value, ...)`.",
		"pipe above(limit: int) = |> where amount > limit", "stages")
	add("import", "import \"FILE\"\nimport \"FILE\" as NAME", "Adds the declarations of another file, below a name if `as` gives one. The file is looked for in the folder of the one that imports it.",
		"import \"shared.pipe\" as shared")
	add("table", "table NAME from CONNECTOR { FACT ... }", "Holds the newest row of each key, for `lookup`.", "table rates from file { path = \"rates.csv\", format csv, key currency, schema { currency: string, rate: float } }").Later =
		"bring its rows into the stream with `union`, and take the newest with `last(...)` in `aggregate`"
	add("process", "process NAME(PARAMETER: TYPE, ...) ...", "Is a stage of your own with state and timers.", "").Later = "say what one row or one group decides with `derive`, `where` and `aggregate`"
	add("test", "test \"NAME\" { ... }", "Says what a job must give for some rows.", "").Later = "run the job on a small file and compare its output"
	return k
}

// adder adds a page with an example to a kind; "" for no example.
func adder(k *Kind) func(topic, syntax, doc, example string, see ...string) *Page {
	return func(topic, syntax, doc, example string, see ...string) *Page {
		p := &Page{Topic: topic, Syntax: strings.Split(syntax, "\n"), Doc: doc, See: see}
		if example != "" {
			p.Examples = []Example{{Text: layout(example)}}
		}
		k.Pages = append(k.Pages, p)
		return p
	}
}

// clauses are the facts that every source or sink may hold, and what several stages say in the same words.
func clauses() *Kind {
	k := &Kind{Name: "clauses", One: "a clause", Doc: "Facts that every source or sink may hold, and what several stages say in the same words."}
	add := adder(k)
	add("schema", "schema { COLUMN: TYPE [from \"NAME OUTSIDE\"] [= DEFAULT] ... }\nschema TYPE",
		"Says which columns the rows of a source have. A column may have another name in the data, and a value for rows where it is missing; a type with `?` may be null.",
		"schema {\n  carrier: string\n  delay: int? from \"dep_delay\"\n  gate: string = \"unknown\"\n}", "types")
	add("watermark", "watermark COLUMN [- DURATION] [idle DURATION] [ahead DURATION [as NAME]]",
		"Says which column is the event time of a source's rows, and how late rows may come: nothing earlier than the greatest time so far, less the duration, is expected. "+
			"`idle` says after which silence nobody waits for this source; `ahead` names rows from the future, which then do not move the time.",
		"watermark at - 5s idle 1m", "window")
	add("errors as", "errors as NAME",
		"Gives rows that fail a stream of their own: in a source those that cannot be read, behind a stage those for which an expression fails. Its columns are row, stage, code and text (strings) and at (their time, if it is known). Without it, "+
			"`on_row_error` decides.",
		"errors as unreadable", "on_row_error")
	add("key", "key COLUMN, ...", "Says in a sink which columns make a row replace an earlier one. Of updates, readers keep the last row of each key.", "key customer", "sink", "key by")
	add("late as", "window ... [allow late DURATION] [late as NAME]",
		"Gives rows that come after their window was over a stream of their own. Without it they are counted, and dropped.",
		"window tumbling 1h\n     allow late 5m\n     late as too_late", "window")
	return k
}

// types are the types of columns and parameters.
func types() *Kind {
	k := &Kind{Name: "types", One: "a type", Doc: "What a value may be. A type with `?` may be null; one without never is."}
	add := adder(k)
	for _, t := range []struct{ topic, syntax, doc, example string }{
		{"int", "int", "Whole numbers of 64 bits. A result outside of them is a row error; it never wraps around.", "42, 1_000_000, 0xFF"},
		{"float", "float", "Floating point of 64 bits. What is not a finite number is a row error; -0 is 0.", "float(\"1e6\")"},
		{"decimal", "decimal(p, s)", "Exact numbers of at most p digits, s of them behind the point; p is at most 38. `decimal` is `decimal(38, 18)`. A number with a point is a decimal if nothing else decides.", "12.50"},
		{"string", "string", "Text in UTF-8. Positions count characters.", "\"text\", 'text', `as it is`"},
		{"enumeration", "\"WORD\" | \"WORD\" ...", "One of these texts: checked when a row is read, and a comparison with any other word is an error.", "status: \"open\" | \"paid\""},
		{"bool", "bool", "`true` or `false`. Nothing else counts as one of them.", "true"},
		{"timestamp", "timestamp", "An instant, in microseconds since 1970 UTC.", "timestamp(\"2026-01-31T12:00:00Z\")"},
		{"duration", "duration", "A length of time, in microseconds. A literal is one word; `d` is 24 hours, `w` seven days.", "250ms, 5s, 1h30m, 2d, 1w"},
		{"bytes", "bytes", "Bytes; base64 in JSON.", ""},
		{"list", "list<T>", "Elements in order. The first has index 0; one that is not there is null.", "tags[0] ?? \"none\""},
		{"map", "map<K, V>", "Values by key; one that is not there is null.", "prices[\"eur\"] ?? 0.0"},
		{"record", "{ NAME: TYPE, ... }", "Named fields. Of a record that may be null they are read by `?.`.", "address?.city"},
		{"null", "T?", "A T, or null. Two nulls are equal. `x ?? value` gives a value where x is null; `where x != null` keeps the rows that have one.", "discount ?? 0"},
		{"secret", "secret", "A text of a parameter that is used in settings only, and printed as ***.", "param token: secret = env.TOKEN"},
		{"size", "size", "Bytes, in settings and parameters: KB is 1000, KiB 1024.", "512B, 64MiB, 1GB"},
	} {
		add(t.topic, t.syntax, t.doc, t.example)
	}
	return k
}
