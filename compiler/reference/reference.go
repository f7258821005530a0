// Package reference is what a person may look up: the catalogues of the engine as pages, and the register of diagnostics as explanations. Nothing is written
// twice: stages, connectors, formats, functions, aggregates and settings are read from the tables that the engine itself uses.
//
//	reference.go  Page, Kind, Kinds; look-up by topic, and what was probably meant
//	catalogue.go  pages from the tables
//	settings.go   settings as a reader sees them; the pages of the job block
//	language.go   declarations and types, which have no table: their pages stand here
//	explain.go    diagnostics: why, an example that is compiled while you look, the way out
//	text.go       pages and lists as text of a given width
package reference

import (
	"slices"
	"strings"

	"pipec/grammar/diag"
	"pipec/grammar/mistake"
)

// Kind is a kind of topics, in the order of the reference.
type Kind struct {
	Name  string  `json:"name"` // stages
	One   string  `json:"-"`    // a stage
	Doc   string  `json:"doc"`
	Pages []*Page `json:"pages"`
}

// Page is all there is to know of one topic.
type Page struct {
	Topic    string    `json:"topic"` // as one asks for it: where, key by, state badger
	Kind     string    `json:"kind"`  // a stage
	Family   string    `json:"family,omitempty"`
	Syntax   []string  `json:"syntax,omitempty"`
	Doc      string    `json:"doc"`
	Facts    []string  `json:"facts,omitempty"` // further sentences
	Blocks   []Block   `json:"settings,omitempty"`
	Examples []Example `json:"examples,omitempty"`
	Later    string    `json:"later,omitempty"` // what to do instead; "" for what runs
	See      []string  `json:"see,omitempty"`   // other topics
}

// Block is settings that stand together.
type Block struct {
	Title    string    `json:"title,omitempty"`
	Settings []Setting `json:"settings"`
}

// Example is text of a program, or a call with its result.
type Example struct {
	Text   string `json:"text"`
	Over   string `json:"over,omitempty"` // an aggregate's values of x
	Result string `json:"result,omitempty"`
}

// Kinds lists everything that can be looked up.
func Kinds() []*Kind {
	kinds := []*Kind{declarations(), clauses(), types(), stages(), connectors(), formats(), functions(), aggregates(), job()}
	for _, k := range kinds {
		for _, p := range k.Pages {
			p.Kind = k.One
		}
	}
	return kinds
}

// Lookup gives the kind of that name (stages), or the pages of a topic, the best first (count is a stage and an aggregate), or the kind named in the singular (stage);
// nothing if there is no such topic.
func Lookup(topic string) (*Kind, []*Page) {
	name := spoken(topic)
	kinds := Kinds()
	for _, k := range kinds {
		if name == k.Name {
			return k, nil
		}
	}
	if pages := find(kinds, name); len(pages) > 0 {
		return nil, pages
	}
	for _, k := range kinds {
		if name+"s" == k.Name {
			return k, nil
		}
	}
	return nil, nil
}

// spoken is a topic as pages are named: key_by is `key by`, an indefinite number of blanks is one.
func spoken(topic string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(topic), func(r rune) bool { return r == '_' || r == ' ' }), " ")
}

// find gives the pages of a name. Where no page has it, settings are looked for: those of the job block by their path (job.checkpoint.retain), all by name.
func find(kinds []*Kind, want string) []*Page {
	var pages []*Page
	for i, k := range kinds {
		for _, p := range k.Pages {
			name := spoken(p.Topic)
			switch {
			case name == want, name == want+" as":
				pages = append(pages, p)
			case k.Name == "settings" && strings.HasSuffix(name, " "+want): // the word of a choice: memory, which is a setting of job besides
				pages = append(append(pages, p), kinds[i].Pages[0].exactly(want)...)
			}
		}
	}
	if len(pages) > 0 {
		return pages
	}
	want = strings.TrimPrefix(want, "job.")
	for _, k := range kinds {
		for _, p := range k.Pages {
			pages = append(pages, p.settings(want)...)
		}
	}
	return pages
}

// exactly is settings without those of groups below.
func (p *Page) exactly(want string) []*Page {
	return slices.DeleteFunc(p.settings(want), func(s *Page) bool { return s.Topic != want })
}

// settings makes a page of each of the page's settings that has the name, or the path below the page's topic.
func (p *Page) settings(want string) []*Page {
	var pages []*Page
	for _, b := range p.Blocks {
		for _, s := range b.Settings {
			name := spoken(s.Name)
			path := strings.ReplaceAll(spoken(p.Topic), " ", ".") + "." + name
			if name == want || path == want || strings.HasSuffix(name, "."+want) {
				pages = append(pages, &Page{Topic: s.Name, Kind: "a setting of " + p.Topic, Blocks: []Block{{Title: b.Title, Settings: []Setting{s}}}, See: []string{p.Topic}})
			}
		}
	}
	return pages
}

// Topics lists the names of all kinds and pages, for completion.
func Topics() []string {
	var out []string
	for _, k := range Kinds() {
		out = append(out, k.Name)
		for _, p := range k.Pages {
			out = append(out, p.Topic)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Nearest is the topic that was probably meant, "" if none comes to mind. Words of other languages (filter, group_by, view) lead to ours.
func Nearest(topic string) string {
	word := strings.ReplaceAll(strings.ToLower(topic), " ", "_")
	if verb, _ := mistake.SuggestStage(word); verb != diag.Nearest(word, mistake.Verbs()) {
		if first, _, ok := strings.Cut(verb, " "); ok && first != "key" {
			verb = first // window tumbling
		}
		return verb
	}
	if keyword, _ := mistake.SuggestDeclaration(word); keyword != diag.Nearest(word, mistake.DeclarationWords()) {
		return keyword
	}
	candidates := Topics()
	for _, k := range Kinds() {
		for _, p := range k.Pages {
			for _, b := range p.Blocks {
				for _, s := range b.Settings {
					candidates = append(candidates, s.Name)
				}
			}
		}
	}
	return diag.Nearest(spoken(topic), candidates)
}
