// Package config checks settings against the tables that declare them, and resolves the job block from its layers.
//
//	config.go  Reader, Table: the facts of one body against declared settings
//	value.go   one value: texts, numbers, durations, words
//	report.go  what is said about settings
//	table.go   the settings of the job block
//	layer.go   Layer: command line, job block, site file, built-in; merging by setting and by choice
//	job.go     Job: the resolved block, its limits, and where each value came from
package config

import (
	"slices"

	"pipec/compiler/check"
	"pipec/compiler/plan"
	"pipec/connector/format"
	"pipec/grammar"
	"pipec/grammar/diag"
)

// A body is read in two steps. Given takes what is written, fact by fact, and checks each against its declaration: name, form, type, choice, limits. A fact
// that is wrong, or a misspelt one, stays in the result without a value, so that nobody calls it missing. Complete then fills in defaults and reports what is missing. The job
// block needs only the first step: its defaults come after all layers were merged.

// Reader reads the settings of one file.
type Reader struct {
	Exprs *check.Checker // with Env set
	List  *diag.List
}

// Table is what a body may hold.
type Table struct {
	Owner  string // as messages name it: job, `file`
	Params []plan.Param
	Facts  []string // facts of the language that are read elsewhere: schema, watermark, key, errors
	Named  func(table, word string) ([]plan.Param, bool)
	Words  func(table string) []string
}

// ForConnector is the table of a connector's settings.
func ForConnector(name string, params []plan.Param, facts ...string) Table {
	return Table{Owner: "`" + name + "`", Params: params, Facts: facts, Named: formatParams, Words: formatWords}
}

func formatParams(table, word string) ([]plan.Param, bool) {
	if table != "format" {
		return nil, false
	}
	f, ok := format.Lookup(word)
	if !ok {
		return nil, false
	}
	return f.Params, true
}

func formatWords(string) []string { return format.Names() }

// Given reads what a body says; no defaults are filled in, nothing is said about what is missing.
func (r *Reader) Given(t Table, body *grammar.Body) plan.Settings {
	var out plan.Settings
	if body == nil {
		return out
	}
	// A misspelt fact is reported once, and then taken for what it was meant to be: otherwise a required setting would be missing as well.
	var meant []plan.Setting // what misspelt facts were meant to be
	seen := map[string]diag.Span{}
	for _, f := range body.Facts {
		name := f.FactName()
		if name == "" {
			continue
		}
		if first, twice := seen[name]; twice {
			r.List.Errorf("C503", f.Keyword(), "`%s` is set twice", name).WithRelated(first, "the first time is here")
			continue
		}
		seen[name] = f.Keyword()
		if slices.Contains(t.Facts, name) {
			continue
		}
		if p := find(t.Params, name); p != nil {
			out.Values = append(out.Values, r.fact(t, p, f))
		} else if near := r.unknownSetting(t, f); near != "" {
			meant = append(meant, plan.Setting{Name: near, Given: true, Span: f.Keyword()})
		}
	}
	for _, m := range meant {
		if out.Get(m.Name) == nil {
			out.Values = append(out.Values, m)
		}
	}
	return out
}

// fact reads one fact. One that cannot be used, or not yet, is there without a value: it is not missing.
func (r *Reader) fact(t Table, p *plan.Param, f grammar.Fact) plan.Setting {
	s := plan.Setting{Name: p.Name, Given: true, Span: f.Keyword()}
	ok := false
	switch f := f.(type) {
	case *grammar.Setting:
		ok = r.setting(t, p, f, &s)
	case *grammar.Choice:
		ok = r.choice(t, p, f, &s)
	case *grammar.Rhythm:
		ok = r.rhythm(t, p, f, &s)
	case *grammar.Group:
		ok = r.group(t, p, f.Body, f.Keyword(), &s)
	default:
		r.unknownSetting(t, f)
	}
	if !ok {
		s.Value, s.Sub = nil, nil
	}
	return s
}

// Certain says whether every setting that is written has a value: then contradictions between them mean something.
func Certain(s plan.Settings) bool {
	for _, v := range s.Values {
		if v.Given && v.Value == nil && v.Sub == nil || v.Sub != nil && !Certain(*v.Sub) {
			return false
		}
	}
	return true
}

// setting reads `name = value`.
func (r *Reader) setting(t Table, p *plan.Param, f *grammar.Setting, s *plan.Setting) bool {
	switch p.Kind {
	case plan.ChoiceParam:
		// `state = fs` is what people write who have set other things before: tell them the word, not the rule.
		if word := f.Value.Word(); word != "" {
			r.List.Errorf("C505", f.Name.Span(), "`%s` is chosen, not set", p.Name).With("write `%s %s`", p.Name, word)
			return false
		}
		fallthrough
	case plan.GroupParam:
		r.List.Errorf("C505", f.Name.Span(), "`%s` has settings of its own", p.Name).With("write `%s`", p.Example)
		return false
	}
	return r.value(p, f.Value, s)
}

// choice reads `format json { ... }`.
func (r *Reader) choice(t Table, p *plan.Param, f *grammar.Choice, s *plan.Setting) bool {
	if p.Kind != plan.ChoiceParam {
		d := r.List.Errorf("P116", f.Word.Span(), "a setting is written `name = value`")
		if p.Kind == plan.GroupParam {
			d.WithHelp("`%s`", p.Example)
		} else {
			d.With("add `=` before this")
		}
		return false
	}
	params, ok := t.Named(p.Table, f.Word.Text)
	if !ok {
		r.unknownWord(p.Name, f.Word, t.Words(p.Table))
		return false
	}
	sub := r.Given(Table{Owner: "`" + p.Name + " " + f.Word.Text + "`", Params: params}, f.Body)
	s.Value, s.Sub = f.Word.Text, &sub
	return true
}

// rhythm reads `checkpoint every 30s { ... }`: the group's setting `every`, or `interval`.
func (r *Reader) rhythm(t Table, p *plan.Param, f *grammar.Rhythm, s *plan.Setting) bool {
	every := find(p.Params, "every")
	if every == nil {
		every = find(p.Params, "interval")
	}
	if p.Kind != plan.GroupParam || every == nil {
		r.List.Errorf("C505", f.Keyword(), "`%s` has no `every`", p.Name).WithHelp("`%s`", p.Example)
		return false
	}
	if !r.group(t, p, f.Body, f.Keyword(), s) {
		return false
	}
	e := plan.Setting{Name: every.Name, Given: true, Span: f.Every.Span()}
	if s.Sub.Get(every.Name) != nil {
		r.List.Errorf("C503", s.Sub.Get(every.Name).Span, "`%s` is set twice", every.Name).WithRelated(e.Span, "the first time is here")
		return true
	}
	if !r.every(p, every, f.Every, &e) {
		e.Value = nil
	}
	// First, as it is written: that is the order in which --explain-config and plan show it.
	s.Sub.Values = append([]plan.Setting{e}, s.Sub.Values...)
	return true
}

// group reads `roll { ... }`.
func (r *Reader) group(t Table, p *plan.Param, body *grammar.Body, at diag.Span, s *plan.Setting) bool {
	if p.Kind != plan.GroupParam {
		d := r.List.Errorf("C505", at, "`%s` takes one value, not settings in braces", p.Name)
		if p.Kind == plan.ChoiceParam {
			d.Message = "`" + p.Name + "` needs a word before its settings"
		}
		d.WithHelp("`%s`", p.Example)
		return false
	}
	sub := r.Given(Table{Owner: "`" + p.Name + "`", Params: p.Params}, body)
	s.Sub = &sub
	return true
}

// Complete fills in defaults, in the order of the table, and reports what is missing (C507). at is where the missing should have been; broken says
// that facts of the body could not be read, so that nothing is missing for sure.
func (r *Reader) Complete(t Table, given plan.Settings, at diag.Span, broken bool) plan.Settings {
	var out plan.Settings
	for i := range t.Params {
		p := &t.Params[i]
		s := given.Get(p.Name)
		if s == nil {
			// With a line that could not be read nobody knows what it would have set.
			if p.Required && !broken {
				r.List.Errorf("C507", at, "%s needs `%s`", t.Owner, p.Name).WithHelp("for example `%s`", p.Example)
			}
			s = &plan.Setting{Name: p.Name, Value: p.Default}
			if p.Kind == plan.GroupParam {
				s.Value, s.Sub = nil, r.defaults(p.Params)
			}
			if p.Kind != plan.GroupParam && p.Default == nil {
				continue
			}
			if word, ok := p.Default.(string); ok && p.Kind == plan.ChoiceParam {
				if params, ok := t.Named(p.Table, word); ok {
					s.Sub = r.defaults(params)
				}
			}
		} else if s.Sub != nil {
			params := p.Params
			if word, ok := s.Value.(string); ok && p.Kind == plan.ChoiceParam {
				params, _ = t.Named(p.Table, word)
			}
			owner := "`" + p.Name + "`"
			sub := r.Complete(Table{Owner: owner, Params: params, Named: t.Named, Words: t.Words}, *s.Sub, s.Span, broken)
			s.Sub = &sub
		}
		out.Values = append(out.Values, *s)
	}
	return out
}

// defaults are the settings of a block that is not written.
func (r *Reader) defaults(params []plan.Param) *plan.Settings {
	// Nothing is written, so nothing can be wrong with it; what is required there is asked for when the block is.
	var quiet diag.List
	s := (&Reader{Exprs: r.Exprs, List: &quiet}).Complete(Table{Params: params}, plan.Settings{}, diag.Span{}, true)
	return &s
}

func find(params []plan.Param, name string) *plan.Param {
	for i := range params {
		if params[i].Name == name {
			return &params[i]
		}
	}
	return nil
}

func names(params []plan.Param) []string {
	out := make([]string, len(params))
	for i, p := range params {
		out[i] = p.Name
	}
	return out
}
