package reference_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pipec/checkpoint/restart"
	"pipec/compiler"
	"pipec/compiler/config"
	"pipec/compiler/reference"
	"pipec/connector"
	"pipec/connector/format"
	"pipec/grammar/mistake"
	"pipec/state"
	"pipec/vm/agg"
	"pipec/vm/fn"
	"pipec/vm/op"
)

// fits checks that a text is laid out: no line is longer than the width, none ends in a blank, and no two empty lines follow each other.
func fits(t *testing.T, text string) {
	t.Helper()
	if text == "" || !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") || strings.Contains(text, "\n\n\n") {
		t.Errorf("empty lines:\n%s", text)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if utf8.RuneCountInString(line) > reference.Width || strings.TrimRight(line, " \t") != line || strings.ContainsAny(line, "\t\x00") {
			t.Errorf("broken line %q in\n%s", line, text)
		}
	}
}

// pages calls f with every page, those of single settings included.
func pages(f func(*reference.Page)) {
	for _, k := range reference.Kinds() {
		for _, p := range k.Pages {
			f(p)
			for _, b := range p.Blocks {
				for _, s := range b.Settings {
					_, found := reference.Lookup(s.Name)
					for _, one := range found {
						f(one)
					}
				}
			}
		}
	}
}

// TestEveryPageFits prints everything there is at 80 columns.
func TestEveryPageFits(t *testing.T) {
	n := 0
	pages(func(p *reference.Page) {
		n++
		var b strings.Builder
		if err := p.Print(&b, reference.Width); err != nil {
			t.Fatal(err)
		}
		fits(t, b.String())
		if p.Doc == "" && !strings.HasPrefix(p.Kind, "a setting") {
			t.Errorf("%s, %s: nothing is said of it", p.Topic, p.Kind)
		}
		for _, text := range append([]string{p.Doc}, p.Facts...) {
			if text != "" && !strings.HasSuffix(text, ".") {
				t.Errorf("%s: no sentence: %q", p.Topic, text)
			}
		}
		for _, topic := range p.See {
			if k, found := reference.Lookup(topic); k == nil && len(found) == 0 {
				t.Errorf("%s: see also %s, which does not exist", p.Topic, topic)
			}
		}
		for _, block := range p.Blocks {
			for _, s := range block.Settings {
				if !strings.HasSuffix(s.Doc, ".") || s.Example == "" {
					t.Errorf("%s: the setting %s has no sentence or no example", p.Topic, s.Name)
				}
			}
		}
	})
	if n < 100 {
		t.Errorf("only %d pages", n)
	}
	var b strings.Builder
	for _, k := range reference.Kinds() {
		b.Reset()
		if err := k.Print(&b, reference.Width); err != nil {
			t.Fatal(err)
		}
		fits(t, b.String())
	}
	b.Reset()
	if err := reference.PrintIndex(&b, reference.Kinds(), reference.Width); err != nil {
		t.Fatal(err)
	}
	fits(t, b.String())
}

// TestExplanationsFit prints every entry of the register, with what validate says about its example.
func TestExplanationsFit(t *testing.T) {
	for _, c := range compiler.Codes() {
		e := reference.Explain(c)
		if !c.AtRunTime() && !strings.Contains(e.Says, "["+c.Code+"]") {
			t.Errorf("%s: validate does not say it", c.Code)
		}
		var b strings.Builder
		if err := e.Print(&b, reference.Width); err != nil {
			t.Fatal(err)
		}
		fits(t, b.String())
	}
	var b strings.Builder
	if err := reference.PrintCodes(&b, compiler.Codes(), reference.Width); err != nil {
		t.Fatal(err)
	}
	fits(t, b.String())
	for _, c := range compiler.Codes() {
		if !strings.Contains(b.String(), "  "+c.Code+"  ") {
			t.Errorf("%s is not listed", c.Code)
		}
	}
}

// TestEveryEntryHasAPage looks up all names of all tables.
func TestEveryEntryHasAPage(t *testing.T) {
	kinds := map[string][]string{"a declaration": slices.DeleteFunc(mistake.DeclarationWords(), func(w string) bool { return w == "job" }), "a format": format.Names(), "settings": {"job"}}
	for _, s := range op.All() {
		kinds["a stage"] = append(kinds["a stage"], s.Verb)
	}
	for _, v := range mistake.Verbs() {
		kinds["a stage"] = append(kinds["a stage"], v)
	}
	for _, c := range connector.All() {
		kinds["a connector"] = append(kinds["a connector"], c.Name)
	}
	for _, f := range fn.Names() {
		kinds["a function"] = append(kinds["a function"], f)
	}
	for _, a := range agg.All() {
		kinds["an aggregate"] = append(kinds["an aggregate"], a.Name)
	}
	for _, s := range state.Backends() {
		kinds["settings"] = append(kinds["settings"], s.Name)
	}
	for _, s := range restart.Table() {
		kinds["settings"] = append(kinds["settings"], "restart "+s.Name)
	}
	for _, p := range config.JobParams() {
		if kinds["a setting of job"] = append(kinds["a setting of job"], p.Name); p.Params != nil || p.Table != "" {
			kinds["a setting of job"] = kinds["a setting of job"][:len(kinds["a setting of job"])-1]
			kinds["settings"] = append(kinds["settings"], p.Name)
		}
	}
	for kind, names := range kinds {
		for _, name := range names {
			_, found := reference.Lookup(name)
			if !slices.ContainsFunc(found, func(p *reference.Page) bool { return p.Kind == kind }) {
				t.Errorf("%s is not found as %s", name, kind)
			}
		}
	}
}

func TestNearest(t *testing.T) {
	for asked, want := range map[string]string{"filter": "where", "group by": "key by", "view": "stream", "trunkate": "truncate", "agregates": "aggregates", "tumbling": "window", "retian": "retain", "qqqq": ""} {
		if got := reference.Nearest(asked); got != want {
			t.Errorf("%s: %q, want %q", asked, got, want)
		}
	}
	for asked, want := range map[string]int{"error[P109]: `??`": 1, "p109": 1, "P12": 2, "X": 0, "": 0} {
		if got := reference.FindCodes(asked); len(got) != want {
			t.Errorf("%s: %v", asked, got)
		}
	}
}

func TestLookup(t *testing.T) {
	for topic, want := range map[string]string{
		"key_by": "a stage", "Where": "a stage", "job.checkpoint.retain": "a setting of checkpoint", "checkpoint.retain": "a setting of checkpoint", "roll.size": "a setting of file",
		"on_row_error": "a setting of job", "state badger": "settings", "badger": "settings", "type": "a declaration", "late": "a clause", "state.badger.cache": "a setting of state badger",
	} {
		_, found := reference.Lookup(topic)
		if len(found) == 0 || found[0].Kind != want {
			t.Errorf("%s: %v, want %s", topic, found, want)
		}
	}
	for topic, want := range map[string]string{"function": "a declaration", "functions": "", "connector": "", "settings": "", "stage": ""} {
		kind, found := reference.Lookup(topic)
		if (kind == nil) != (want != "") || len(found) > 0 && found[0].Kind != want {
			t.Errorf("%s: %v %v", topic, kind, found)
		}
	}
	if _, both := reference.Lookup("count"); len(both) != 2 {
		t.Errorf("count is a stage and an aggregate: %v", both)
	}
}

// places are where an example that is no declaration stands; %s is the example.
var places = map[string]string{
	"schema":    "source rows from file { path = \"x\", format csv\n%s\n}",
	"watermark": "source rows from file { path = \"x\", format csv\n schema { at: timestamp }\n%s\n}",
	"errors as": "source rows from file { path = \"x\", format csv\n schema { at: timestamp }\n%s\n}",
	"key":       "sink out into file { path = \"x\", format csv\n%s\n}",
	"late as":   "from orders\n|> %s\n|> count |> into stdout",

	"enumeration": "type t = { %s }", "secret": "%s", "size": "param x: size = %s",
	"record": "from orders |> derive x = %s |> into stdout", "null": "from orders |> derive x = %s |> into stdout", "list": "from orders |> derive x = %s |> into stdout",
	"map": "from file { path = \"x\", format json, schema { prices: map<string, float> } } |> derive x = %s |> into stdout",
}

// TestLanguageExamples compiles the examples of what has no table.
func TestLanguageExamples(t *testing.T) {
	kinds := reference.Kinds()
	for _, k := range kinds[:3] {
		for _, p := range k.Pages {
			for _, e := range p.Examples {
				for _, text := range alternatives(k, p, e.Text) {
					checkExample(t, p, text)
				}
			}
		}
	}
	for _, k := range kinds[3:5] { // stages and connectors, as they are shown
		for _, p := range k.Pages {
			for _, e := range p.Examples {
				if strings.HasPrefix(e.Text, "from ") {
					checkExample(t, p, e.Text+"\n")
				}
			}
		}
	}
}

// alternatives are the programs that an example stands for: a type's literals are separated by commas.
func alternatives(k *reference.Kind, p *reference.Page, text string) []string {
	place, named := places[p.Topic]
	if k.Name != "types" || p.Topic == "enumeration" || p.Topic == "record" || p.Topic == "list" || p.Topic == "map" {
		if named {
			text = strings.Replace(place, "%s", text, 1)
		}
		return []string{text}
	}
	var out []string
	for _, one := range strings.Split(text, ", ") {
		if !named {
			place = "from orders |> select x = %s |> into stdout"
		}
		out = append(out, strings.Replace(place, "%s", one, 1))
	}
	return out
}

// harmless is what an example may be told because it is not a whole job.
var harmless = map[string]bool{"J702": true, "N220": true, "S417": true, "S420": true, "S436": true, "S431": true, "C510": true, "C507": true}

func checkExample(t *testing.T, p *reference.Page, text string) {
	t.Helper()
	load := func(path string) (string, error) { return "function nothing(x) = x\n", nil }
	r := compiler.Check(compiler.Options{File: "example.pipe", Text: text + "\n" + compiler.ExampleSource(), Cores: 1, Load: load, Env: func(string) (string, bool) { return "x", true }})
	for _, d := range r.List {
		if !harmless[d.Code] && !(p.Later != "" && d.Code[0] == 'K') {
			t.Errorf("%s: %s: %s\n%s", p.Topic, d.Code, d.Message, text)
		}
	}
}
