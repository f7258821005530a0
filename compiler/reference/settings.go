package reference

import (
	"strings"

	"pipec/checkpoint/restart"
	"pipec/compiler/config"
	"pipec/compiler/plan"
	"pipec/connector/format"
	"pipec/state"
)

// Setting is one setting as a reader sees it. Those of a group are named below it: roll.size.
type Setting struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`              // text, int, duration ...; for a group "block"
	Default  string   `json:"default,omitempty"` // as one writes it; "" if there is none
	Required bool     `json:"required,omitempty"`
	Words    []string `json:"words,omitempty"` // what it may be
	Doc      string   `json:"doc"`
	Example  string   `json:"example,omitempty"` // a line of a program
}

var paramTypes = map[plan.ParamKind]string{
	plan.TextParam: "text", plan.IntParam: "int", plan.FloatParam: "number", plan.BoolParam: "bool", plan.DurationParam: "duration", plan.SizeParam: "size",
	plan.TimestampParam: "timestamp", plan.WordParam: "word", plan.ChoiceParam: "choice", plan.GroupParam: "block",
}

// Settings are the settings of a table, each group followed by what is in it.
func Settings(params []plan.Param) []Setting { return settings(params, "") }

func settings(params []plan.Param, prefix string) []Setting {
	var out []Setting
	for _, p := range params {
		s := Setting{Name: prefix + p.Name, Type: paramTypes[p.Kind], Required: p.Required, Words: p.Words, Doc: p.Doc, Example: p.Example}
		if p.Default != nil && p.Kind != plan.GroupParam {
			s.Default = written(p)
		}
		if p.Kind == plan.ChoiceParam {
			s.Words = choices(p.Table)
		}
		out = append(out, s)
		out = append(out, settings(p.Params, prefix+p.Name+".")...)
	}
	return out
}

// written is a default as one writes it in a program.
func written(p plan.Param) string {
	switch v := p.Default.(type) {
	case string:
		if p.Kind == plan.WordParam || p.Kind == plan.ChoiceParam {
			return v
		}
	case int64:
		if p.Kind == plan.SizeParam {
			return plan.FormatSize(v)
		}
	}
	return plan.FormatValue(p.Default)
}

// choices are the words of a table.
func choices(table string) []string {
	var out []string
	switch table {
	case "format":
		return format.Names()
	case "state":
		for _, s := range state.Backends() {
			out = append(out, s.Name)
		}
	case "restart":
		for _, s := range restart.Table() {
			out = append(out, s.Name)
		}
	}
	return out
}

// job is the kind of the settings of the job block: the block itself, its group and its choices.
func job() *Kind {
	k := &Kind{Name: "settings", One: "settings",
		Doc: "How a job runs: the facts of its `job name { ... }`. A configuration file of the site sets them for all jobs, `--set job.PATH=value` for one run; the command line is stronger than " +
			"the job's own block, and that is stronger than the site. `pipec validate --explain-config FILE` tells where each value came from.",
	}
	params := config.JobParams()
	k.Pages = append(k.Pages, &Page{
		Topic: "job", Syntax: []string{"job NAME { SETTING ... }"}, Doc: "Says how the job runs; at most one stands in a file. Checkpoints need the job's name, which is that of their directory.",
		Blocks:   []Block{{Settings: withoutGroups(params)}},
		Examples: []Example{{Text: "job words {\n  state badger\n  checkpoint every 1s\n  restart fixed_delay { attempts = 3, delay = 10s }\n}"}},
		See:      []string{"checkpoint", "state", "restart"},
	})
	for _, p := range params {
		switch p.Kind {
		case plan.GroupParam:
			k.Pages = append(k.Pages, &Page{
				Topic: p.Name, Syntax: []string{p.Name + " every INTERVAL { SETTING ... }"}, Doc: p.Doc + " Without an interval no checkpoint is taken.",
				Blocks: []Block{{Settings: Settings(p.Params)}}, Examples: []Example{{Text: p.Example}}, See: []string{"state", "restart"},
			})
		case plan.ChoiceParam:
			k.Pages = append(k.Pages, &Page{Topic: p.Name, Syntax: []string{p.Name + " WORD { SETTING ... }"}, Doc: p.Doc, Facts: []string{"WORD is " + either(choices(p.Table)) + "."},
				Examples: []Example{{Text: p.Example}}, See: prefixed(p.Name+" ", choices(p.Table))})
			k.Pages = append(k.Pages, choicePages(p.Name)...)
		}
	}
	return k
}

// choicePages has a page for each word of a choice.
func choicePages(table string) []*Page {
	var out []*Page
	add := func(name, doc string, params []plan.Param) {
		p := &Page{Topic: table + " " + name, Syntax: []string{table + " " + name + " { SETTING ... }"}, Doc: doc}
		if len(params) == 0 {
			p.Syntax = []string{table + " " + name}
		} else {
			p.Blocks = []Block{{Settings: Settings(params)}}
		}
		out = append(out, p)
	}
	switch table {
	case "state":
		for _, s := range state.Backends() {
			add(s.Name, s.Doc, s.Params)
		}
	case "restart":
		for _, s := range restart.Table() {
			add(s.Name, s.Doc, s.Params)
		}
	}
	return out
}

// withoutGroups leaves out what has a page of its own.
func withoutGroups(params []plan.Param) []Setting {
	var out []Setting
	for _, p := range params {
		p.Params = nil
		out = append(out, Settings([]plan.Param{p})...)
	}
	return out
}

func prefixed(prefix string, names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = prefix + n
	}
	return out
}

// either lists words as a sentence does.
func either(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = "`" + w + "`"
	}
	if len(quoted) < 2 {
		return strings.Join(quoted, "")
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
}
