package reference

import (
	"strings"

	"pipec/connector"
	"pipec/connector/format"
	"pipec/vm/agg"
	"pipec/vm/fn"
	"pipec/vm/op"
)

func stages() *Kind {
	k := &Kind{Name: "stages", One: "a stage",
		Doc: "The steps of a pipeline: each begins with `|>` and sees what the one before it gives. Every stage may end in `errors as NAME`, if its expressions can fail: rows that fail go there. `with { id = \"...\" }` " +
			"behind a stage names its state. The examples read a source `orders` with " + exampleColumns() + "."}
	for _, s := range op.All() {
		p := &Page{Topic: strings.ReplaceAll(s.Verb, "_", " "), Syntax: []string{s.Syntax}, Doc: s.Doc, Later: s.Later}
		if s.Stateful && s.Later == "" {
			p.Facts = []string{"It keeps state, which checkpoints hold."}
		}
		for _, e := range s.Examples {
			p.Examples = append(p.Examples, Example{Text: layout(e)})
		}
		k.Pages = append(k.Pages, p)
	}
	k.Pages = append(k.Pages, into())
	return k
}

func connectors() *Kind {
	k := &Kind{Name: "connectors", One: "a connector",
		Doc: "Where rows come from and go to: `source NAME from CONNECTOR { ... }`, `sink NAME into CONNECTOR { ... }`, or right in a pipeline, `from CONNECTOR { ... }` and `into CONNECTOR { ... }`. Beside " +
			"its settings a source may hold `schema`, `watermark` and `errors as`, a sink `schema` and `key`."}
	for _, c := range connector.All() {
		p := &Page{Topic: c.Name, Doc: c.Doc}
		if c.Source != nil {
			p.Syntax = append(p.Syntax, "source NAME from "+c.Name+" { ... }")
			p.Facts = sourceFacts(&c)
			p.Blocks = append(p.Blocks, Block{Title: "As a source", Settings: Settings(c.SourceParams)})
		}
		if c.Sink != nil {
			p.Syntax = append(p.Syntax, "sink NAME into "+c.Name+" { ... }")
			if c.ExactlyOnce {
				p.Facts = append(p.Facts, "What it writes is published with checkpoints, exactly once.")
			}
			p.Blocks = append(p.Blocks, Block{Title: "As a sink", Settings: Settings(c.SinkParams)})
		}
		for _, e := range c.Examples {
			p.Examples = append(p.Examples, Example{Text: layout(e)})
		}
		if c.Formats {
			p.See = []string{"formats"}
		}
		k.Pages = append(k.Pages, p)
	}
	return k
}

// sourceFacts says what the flags of a connector that can be read mean.
func sourceFacts(c *connector.Spec) []string {
	var facts []string
	if c.Columns != nil {
		columns := make([]string, len(c.Columns))
		for i, f := range c.Columns {
			columns[i] = f.Name + ": " + f.Type.String()
		}
		facts = append(facts, "It gives `"+strings.Join(columns, ", ")+"` unless it has a schema.")
	}
	if c.TimeColumn != "" {
		facts = append(facts, "Event time is `"+c.TimeColumn+"` unless `watermark` says otherwise.")
	}
	if c.Replayable {
		return append(facts, "It can be read again from a position, so a job behind it can be exactly once.")
	}
	return append(facts, "What was read from it cannot be read again, so rows may be lost after a failure.")
}

func formats() *Kind {
	k := &Kind{Name: "formats", One: "a format", Doc: "How rows are written as bytes: `format NAME { ... }` in a source or a sink."}
	for _, name := range format.Names() {
		f, _ := format.Lookup(name)
		p := &Page{Topic: f.Name, Syntax: []string{"format " + f.Name + " { SETTING ... }"}, Doc: f.Doc}
		if len(f.Params) == 0 {
			p.Syntax = []string{"format " + f.Name}
		} else {
			p.Blocks = []Block{{Settings: Settings(f.Params)}}
		}
		for _, e := range f.Examples {
			p.Examples = append(p.Examples, Example{Text: e})
		}
		k.Pages = append(k.Pages, p)
	}
	return k
}

func functions() *Kind {
	k := &Kind{Name: "functions", One: "a function",
		Doc: "Functions of one row, for every expression. Where an argument is null, so is the result, unless the function's page says otherwise. `pipec docs aggregates` lists functions of many rows."}
	for _, f := range fn.All() {
		p := &Page{Topic: f.Name, Family: f.Family, Syntax: []string{Signature(f.Name, f.Params, f.Optional, f.Variadic)}, Doc: f.Doc}
		if f.CanFail {
			p.Facts = append(p.Facts, "It can fail: then the row is an error, and goes where `errors as` says.")
		}
		for _, e := range f.Examples {
			p.Examples = append(p.Examples, Example{Text: e.Call, Result: e.Result})
		}
		k.Pages = append(k.Pages, p)
	}
	return k
}

func aggregates() *Kind {
	k := &Kind{Name: "aggregates", One: "an aggregate",
		Doc: "Functions of many rows, in the stage `aggregate`. Rows without a value are passed over. `where` behind one counts some rows only: `count() where amount > 100`."}
	for _, a := range agg.All() {
		p := &Page{Topic: a.Name, Syntax: []string{Signature(a.Name, a.Params, a.Optional, false)}, Doc: a.Doc, See: []string{"aggregate"}}
		for _, e := range a.Examples {
			p.Examples = append(p.Examples, Example{Text: e.Call, Over: e.Values, Result: e.Result})
		}
		k.Pages = append(k.Pages, p)
	}
	return k
}

// Signature is a function with its parameters; those in brackets may be left out.
func Signature(name string, params []string, optional int, variadic bool) string {
	var b strings.Builder
	b.WriteString(name + "(")
	for i, p := range params {
		if i >= len(params)-optional {
			b.WriteString("[")
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p)
	}
	if variadic {
		b.WriteString(", ...")
	}
	b.WriteString(strings.Repeat("]", optional) + ")")
	return b.String()
}
