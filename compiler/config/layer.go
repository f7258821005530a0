package config

import (
	"sort"
	"strings"

	"pipec/compiler/check"
	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
)

// A job block is made of up to four layers. A plain setting comes from the strongest layer that has it. A group merges setting by setting. A choice (state,
// restart) is one decision: the strongest layer that names a word decides, layers with another word do not count at all, and those with the same word merge.
// The parameters of a restart strategy come from the layer that names it alone, because the numbers of one strategy mean something else in another (A6, A20).

// Layer is what one place says about the job block; layers are ordered from the strongest to the weakest.
type Layer struct {
	Name  string // as --explain-config prints it: command line, job, the configuration file's name
	Given plan.Settings
}

// Names of layers.
const (
	CommandLine = "command line"
	JobBlock    = "job"
	BuiltIn     = "built-in"
)

// entry is the value of a setting with the layer it comes from.
type entry struct {
	plan.Setting
	layer string
}

// scalar is the setting of the strongest layer that has it; its value may be one that only a run knows.
func scalar(layers []Layer, name string) (entry, bool) {
	for _, l := range layers {
		if s := l.Given.Get(name); s != nil && (s.Value != nil || s.Later != "") {
			return entry{*s, l.Name}, true
		}
	}
	return entry{}, false
}

// group gives the layers of the settings below a name. With a word, only those that chose that word, or (on the command line) none.
func group(layers []Layer, name, word string) []Layer {
	var out []Layer
	for _, l := range layers {
		s := l.Given.Get(name)
		if s == nil || s.Sub == nil {
			continue
		}
		// The settings of another word mean something else under the same name: `path` of fs is not `path` of badger.
		if chosen, ok := s.Value.(string); ok && chosen != word {
			continue
		}
		out = append(out, Layer{l.Name, *s.Sub})
	}
	return out
}

// chosen is the word of the strongest layer that names one (A20).
func chosen(layers []Layer, name string) (entry, bool) { return scalar(layers, name) }

// Sets makes a layer of the command line: paths such as job.checkpoint.interval with their values. below are the layers under it, which decide what the
// settings of a choice mean that the command line does not choose itself.
func Sets(sets map[string]string, below []Layer, exprs *check.Checker, list *diag.List) Layer {
	paths := make([]string, 0, len(sets))
	for p := range sets {
		paths = append(paths, p)
	}
	sort.Strings(paths) // job.state comes before job.state.path
	s := &setter{layer: Layer{Name: CommandLine}, below: below, exprs: exprs, list: list}
	for _, p := range paths {
		s.set(p, sets[p])
	}
	return s.layer
}

// setter reads `--set job...`.
type setter struct {
	layer Layer
	below []Layer
	exprs *check.Checker
	list  *diag.List
}

// set reads one path and its value.
func (s *setter) set(path, text string) {
	parts := strings.Split(strings.TrimPrefix(path, "job."), ".")
	table := JobTable()
	p := find(table.Params, parts[0])
	flag := "--set " + path + "=" + text
	switch {
	case p == nil || len(parts) > 2 || len(parts) == 2 && p.Kind != plan.ChoiceParam && p.Kind != plan.GroupParam:
		d := s.list.Errorf("C502", diag.Span{}, "%s: job has no setting `%s`", flag, strings.Join(parts, "."))
		if near := diag.Nearest(parts[0], names(table.Params)); near != "" && p == nil {
			d.WithHelp("did you mean `job.%s`?", near)
		} else {
			d.WithHelp("settings: %s", diag.Listed(names(table.Params)))
		}
	case len(parts) == 1 && p.Kind == plan.ChoiceParam:
		if _, ok := table.Named(p.Table, text); !ok {
			s.list.Errorf("C504", diag.Span{}, "%s: there is no %s `%s`", flag, p.Name, text).
				WithHelp("%s is one of: %s", p.Name, diag.Listed(table.Words(p.Table)))
			return
		}
		s.put(p.Name).Value = text
	case len(parts) == 1 && p.Kind == plan.GroupParam:
		s.list.Errorf("C505", diag.Span{}, "%s: `%s` has settings of its own", flag, p.Name).
			WithHelp("for example `--set job.%s.%s=...`", p.Name, p.Params[0].Name)
	case len(parts) == 1:
		if v, ok := s.parse(flag, p, text); ok {
			s.put(p.Name).Value = v
		}
	default:
		s.below2(flag, p, parts[1], text)
	}
}

// below2 reads a setting below a choice or a group.
func (s *setter) below2(flag string, p *plan.Param, name, text string) {
	params, owner := p.Params, "`"+p.Name+"`"
	if p.Kind == plan.ChoiceParam {
		own := s.layer.Given.Get(p.Name)
		// `--set job.state.path=x` over `state fs` of the file is read by what fs has, so the word must be known before the path is.
		word, ok := chosen(append([]Layer{s.layer}, s.below...), p.Name)
		// A6: an administrator who sets `delay` for all jobs must not change a strategy that a job chose with a delay of its own.
		if p.Name == "restart" && (own == nil || own.Value == nil) {
			s.list.Warnf("C502", diag.Span{}, "%s is ignored: parameters of the strategy come from where it is named", flag).
				WithHelp("name it on the command line too: `--set job.restart=...`")
			return
		}
		if !ok {
			s.list.Errorf("C502", diag.Span{}, "%s: no %s is chosen", flag, p.Name).WithHelp("choose one: `--set job.%s=...`", p.Name)
			return
		}
		owner = "`" + p.Name + " " + word.Value.(string) + "`"
		params, _ = namedParams(p.Table, word.Value.(string))
	}
	sub := find(params, name)
	if sub == nil {
		d := s.list.Errorf("C502", diag.Span{}, "%s: %s has no setting `%s`", flag, owner, name)
		known := names(params)
		if near := diag.Nearest(name, known); near != "" {
			d.WithHelp("did you mean `%s`?", near)
		}
		if len(known) > 0 {
			d.WithHelp("settings: %s", diag.Listed(known))
		}
		return
	}
	if v, ok := s.parse(flag, sub, text); ok {
		set := s.put(p.Name)
		if set.Sub == nil {
			set.Sub = &plan.Settings{}
		}
		set.Sub.Values = append(set.Sub.Values, plan.Setting{Name: name, Value: v, Given: true})
	}
}

// put gives the setting of that name, new if need be.
func (s *setter) put(name string) *plan.Setting {
	if have := s.layer.Given.Get(name); have != nil {
		return have
	}
	s.layer.Given.Values = append(s.layer.Given.Values, plan.Setting{Name: name, Given: true})
	return s.layer.Given.Get(name)
}

// parse reads a value as the setting's kind has it; a text needs no quotes.
func (s *setter) parse(flag string, p *plan.Param, text string) (any, bool) {
	if p.Kind == plan.TextParam || p.Kind == plan.TimestampParam {
		if p.Check != nil && p.Check(text) != "" {
			s.list.Errorf("C508", diag.Span{}, "%s: `%s` %s", flag, p.Name, p.Check(text))
			return nil, false
		}
		return text, true
	}
	var list diag.List
	e := ParseValue(text)
	var out plan.Setting
	// The text is read as an expression of a made-up file, and what is said about it is said about the flag.
	c := *s.exprs
	c.List = &list
	ok := e != nil && (&Reader{Exprs: &c, List: &list}).value(p, e, &out)
	if len(list) > 0 {
		for _, d := range list {
			d.Span, d.Fix, d.Message = diag.Span{}, nil, flag+": "+d.Message
			s.list.Add(d)
		}
		return nil, false
	}
	if !ok {
		s.list.Errorf("C505", diag.Span{}, "%s: `%s` is %s", flag, p.Name, kindNames[p.Kind])
	}
	return out.Value, ok
}

// ParseValue reads one expression, as a setting's value; nil if the text is none.
func ParseValue(text string) *grammar.Expr {
	// Through the grammar of settings, so that a value on the command line is what it is in a file: `10s`, `64MB`, `2`, `"a text"`.
	f, list := grammar.Parse("", []byte("job {\n  value = "+text+"\n}\n"))
	if list.HasErrors() || len(f.Decls) != 1 {
		return nil
	}
	job, ok := f.Decls[0].(*grammar.Job)
	if !ok || job.Body == nil || len(job.Body.Facts) != 1 {
		return nil
	}
	if set := job.Body.Setting("value"); set != nil {
		return set.Value
	}
	return nil
}
