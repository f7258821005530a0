package spec

import (
	"fmt"
	"strings"

	"pipec/checkpoint/restart"
	"pipec/compiler"
	"pipec/compiler/config"
	"pipec/compiler/plan"
	"pipec/compiler/reference"
	"pipec/connector"
	"pipec/connector/format"
	"pipec/state"
	"pipec/vm/agg"
	"pipec/vm/fn"
	"pipec/vm/op"
)

// tables are the tables of the chapters that are made from the catalogues that the engine itself uses.
var tables = map[string]func() []string{
	"stages":     stagesTable,
	"functions":  functionsTable,
	"aggregates": aggregatesTable,
	"connectors": connectorsTable,
	"formats":    formatsTable,
	"job":        func() []string { return settings(config.JobParams()) },
	"states":     statesTable,
	"restarts":   restartsTable,
	"codes":      codesTable,
}

// row is one line of a table.
func row(cells ...string) string {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(c, "|", `\|`)
	}
	return strings.TrimRight("| "+strings.Join(cells, " | ")+" |", " ")
}

func header(cells ...string) []string {
	return []string{row(cells...), "|" + strings.Repeat("---|", len(cells))}
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func stagesTable() []string {
	out := header("stage", "syntax", "meaning")
	for _, s := range op.All() {
		if s.Later == "" {
			out = append(out, row(strings.ReplaceAll(s.Verb, "_", " "), code(s.Syntax), s.Doc))
		}
	}
	return out
}

func functionsTable() []string {
	out := header("function", "meaning", "example")
	family := ""
	for _, f := range fn.All() {
		if f.Family != family {
			family = f.Family
			out = append(out, row("**"+family+"**", "", ""))
		}
		doc, example := f.Doc, ""
		if f.Impure {
			doc += " Impure: a replay gives another result."
		}
		if len(f.Examples) > 0 {
			example = code(f.Examples[0].Call) + " is " + code(f.Examples[0].Result)
		}
		out = append(out, row(code(reference.Signature(f.Name, f.Params, f.Optional, f.Variadic)), doc, example))
	}
	return out
}

func aggregatesTable() []string {
	out := header("aggregate", "meaning", "example")
	for _, a := range agg.All() {
		example := ""
		if len(a.Examples) > 0 {
			e := a.Examples[0]
			example = fmt.Sprintf("over `x` = `%s`, `%s` is `%s`", e.Values, e.Call, e.Result)
		}
		out = append(out, row(code(reference.Signature(a.Name, a.Params, a.Optional, false)), a.Doc, example))
	}
	return out
}

func connectorsTable() []string {
	var out []string
	for i, c := range connector.All() {
		if i > 0 {
			out = append(out, "")
		}
		out = append(out, "**"+c.Name+"**. "+c.Doc)
		var facts []string
		if c.Columns != nil {
			names := make([]string, len(c.Columns))
			for i, f := range c.Columns {
				names[i] = f.Name + ": " + f.Type.String()
			}
			facts = append(facts, "gives "+code(strings.Join(names, ", "))+" unless it has a schema")
		}
		if c.TimeColumn != "" {
			facts = append(facts, "event time is "+code(c.TimeColumn)+" unless `watermark` says otherwise")
		}
		if c.Source != nil {
			facts = append(facts, map[bool]string{true: "it can be read again from a position", false: "what was read from it cannot be read again"}[c.Replayable])
		}
		if c.Sink != nil && c.ExactlyOnce {
			facts = append(facts, "what it writes is published with checkpoints, exactly once")
		}
		if len(facts) > 0 {
			text := strings.Join(facts, "; ")
			out[len(out)-1] += " " + strings.ToUpper(text[:1]) + text[1:] + "."
		}
		if c.Source != nil {
			out = append(out, section("As a source", c.SourceParams)...)
		}
		if c.Sink != nil {
			out = append(out, section("As a sink", c.SinkParams)...)
		}
	}
	return out
}

// entry is one entry of a catalogue with its settings.
func entry(name, doc string, params []plan.Param) []string {
	out := []string{"**" + name + "**. " + doc}
	if len(params) > 0 {
		out = append(append(out, ""), settings(params)...)
	}
	return out
}

// section is a table of settings with a line above it.
func section(title string, params []plan.Param) []string {
	if len(params) == 0 {
		return []string{"", title + ": no settings."}
	}
	return append([]string{"", title + ":", ""}, settings(params)...)
}

// settings is a table of settings; those of groups are named below theirs.
func settings(params []plan.Param) []string {
	out := header("setting", "default", "meaning")
	for _, s := range reference.Settings(params) {
		value, doc := "none", s.Doc
		switch {
		case s.Required:
			value = "required"
		case s.Type == "block":
			value = ""
		case s.Default != "":
			value = code(s.Default)
		}
		if s.Type == "word" {
			doc = "`" + strings.Join(s.Words, "`, `") + "`. " + doc
		}
		out = append(out, row(code(s.Name), value, doc))
	}
	return out
}

func formatsTable() []string {
	var out []string
	for i, name := range format.Names() {
		f, _ := format.Lookup(name)
		if i > 0 {
			out = append(out, "")
		}
		out = append(out, entry(f.Name, f.Doc, f.Params)...)
	}
	return out
}

func statesTable() []string {
	var out []string
	for i, s := range state.Backends() {
		if i > 0 {
			out = append(out, "")
		}
		out = append(out, entry("state "+s.Name, s.Doc, s.Params)...)
	}
	return out
}

func restartsTable() []string {
	var out []string
	for i, s := range restart.Table() {
		if i > 0 {
			out = append(out, "")
		}
		out = append(out, entry("restart "+s.Name, s.Doc, s.Params)...)
	}
	return out
}

func codesTable() []string {
	out := header("code", "what is wrong", "the way out")
	for _, c := range compiler.Codes() {
		out = append(out, row(c.Code, c.Title, c.WayOut))
	}
	return out
}
