package op

import (
	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/value"
)

// refusal is a word of the language that this engine does not run yet: it is parsed, formatted and refused in validate, never at run time.
type refusal struct {
	code string
	word string // the stage, the kind of window or the clause
	doc  string // of a stage
	help string // what does the job meanwhile
}

// refusals lists them. Codes stay when a construct comes to run: they are not used again.
func refusals() []refusal {
	return []refusal{
		{"K901", "join", "Matches the rows of two streams.", "bring both into one stream with `union`, key it, and `aggregate` what belongs together"},
		{"K902", "lookup", "Adds a row of a table.", "bring the table's rows into the stream with `union`, and take them with `last(...)` in `aggregate`"},
		{"K903", "dedup", "Lets one row of each key pass.", "`|> aggregate x = first(x), ...` keeps the first row of each key"},
		{"K904", "top", "Keeps the first rows of each group by an order.", "`|> aggregate best = max(x)` gives the greatest value of each group"},
		{"K905", "process", "Applies a declared process.", "what one row or one group decides is said by `derive`, `where` and `aggregate`"},
		{"K906", "match", "Finds patterns of rows.", "aggregate in a window and compare: `first(...)`, `last(...)`, `count() where ...`"},
		{"K907", "watermark", "Gives rows event time in the middle of a pipeline.", "declare it on the source: `watermark some_column - 5s`"},
		{"K911", "cumulating", "", "use `window tumbling` of the step, and add up where the results are read"},
		{"K912", "session", "", "use `window tumbling`, or `window sliding ... every ...`"},
		{"K913", "count", "", "use a window of time: `window tumbling 1m`"},
		{"K914", "rolling", "", "use `window sliding ... every ...`"},
		{"K921", "zone", "", "windows are aligned to UTC; `offset` moves them: `offset -1h`"},
		{"K922", "on processing time", "", "give the rows event time: `watermark some_column - 5s` on the source"},
		{"K923", "early", "", "use a smaller window, or aggregate without one: each change is given at once"},
		{"K924", "keep", "", "use a window: its state goes when it closes"},
		{"K925", "emit", "", "without it, each change is given at once"},
	}
}

// refuse reports that a word does not run yet.
func (c *Check) refuse(word string, at diag.Span) {
	for _, r := range refusals() {
		if r.word == word {
			c.say(errorAt(r.code, at, "`%s` does not run yet", r.word).WithHelp("%s", r.help))
			return
		}
	}
}

// clause is where a clause begins: the last time that its first word stands in the stage.
func clause(p grammar.Place, word string) diag.Span {
	for i := len(p.Tokens) - 1; i >= 0; i-- {
		if p.Tokens[i].Value == word {
			at := grammar.Place{Tokens: p.Tokens[i : i+1]}
			return at.Span()
		}
	}
	return p.Keyword()
}

// refusedKind says whether a kind of window does not run yet, and reports it.
func (c *Check) refusedKind(w *grammar.Window) bool {
	switch w.Kind.Text {
	case "cumulating", "session", "count", "rolling":
		c.refuse(w.Kind.Text, w.Kind.Span())
		return true
	}
	return false
}

// laterSpecs are the stages that do not run yet.
func laterSpecs() []Spec {
	var specs []Spec
	for _, r := range refusals() {
		if r.doc == "" {
			continue
		}
		specs = append(specs, Spec{
			Verb: r.word, Doc: r.doc, Syntax: r.word + " ...", Stateful: true, Later: r.help,
			Check: func(c *Check) Stream {
				c.refuse(r.word, c.keyword())
				return c.unknown()
			},
		})
	}
	return specs
}

// unknown is the stream behind a stage that cannot be understood: all that is said of it is right. It still is a node, so that its `errors as` is a name.
func (c *Check) unknown() Stream {
	c.nameLate()
	t := plan.StreamType{Schema: value.Schema{}, Mode: plan.Append, Timed: true, Unknown: true}
	out := c.Node(Node{Kind: snake(c.verb()), Ports: []plan.Port{{Type: t}}, Fails: true}, c.In)
	out.Type, out.Window = t, nil
	return out
}
