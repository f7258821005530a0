// Package picture draws a plan: as text for Mermaid and for Graphviz, and as a finished SVG.
//
// The SVG is laid out here. The libraries that could do it are Graphviz itself (as WebAssembly, 20 MB of memory at every start of a process) or unfinished; a
// dataflow is a narrow graph without cycles, for which the classic layered method (Sugiyama, Tagawa, Toda 1981) takes few lines.
//
//	picture.go  what is drawn: boxes and arrows, made from a plan
//	text.go     Mermaid, Dot
//	layers.go   layers and the order in them
//	place.go    coordinates
//	svg.go      SVG
package picture

import (
	"fmt"
	"strings"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// class is what kind of stage a box stands for.
type class uint8

const (
	stateless class = iota
	stateful
	source
	sink
)

func (c class) String() string { return [...]string{"stage", "state", "source", "sink"}[c] }

// box is one node of the plan.
type box struct {
	id    string
	tasks string   // "x4"
	lines []string // what it does, what it keeps, what it gives
	class class
}

// arrow is one edge.
type arrow struct {
	from, to int
	label    string // exchange, side output, mode; "" if there is nothing to say
	side     bool   // late rows, row errors, a branch
	shuffle  bool   // rows change tasks
}

// picture is a plan as boxes and arrows, in the order of the plan, which is a topological one.
type picture struct {
	title  string
	boxes  []box
	arrows []arrow
}

// wide and long bound what a box says of a stage: columns, and lines of the stage's text.
const (
	wide = 46
	long = 3
)

func of(p *plan.Plan) picture {
	pic := picture{title: title(p)}
	at := map[string]int{}
	for i, n := range p.Nodes {
		at[n.ID] = i
		pic.boxes = append(pic.boxes, box{id: n.ID, tasks: fmt.Sprintf("x%d", p.Parallelism(n)), lines: lines(p, n), class: classOf(n)})
	}
	for _, n := range p.Nodes {
		for _, e := range p.Inputs(n.ID) {
			pic.arrows = append(pic.arrows, arrow{from: at[e.From], to: at[e.To], label: label(p, e), side: sorted(p, e), shuffle: e.Exchange != plan.Forward})
		}
	}
	return pic
}

func title(p *plan.Plan) string {
	name := p.Job.Name
	if name == "" {
		name = "(no name)"
	}
	return fmt.Sprintf("job %s, parallelism %d, state %s", name, p.Job.Parallelism, p.Job.State.Backend)
}

func classOf(n *plan.Node) class {
	switch {
	case n.Kind == "source":
		return source
	case n.Kind == "sink":
		return sink
	case n.State != nil:
		return stateful
	}
	return stateless
}

// lines is what a box says below its id.
func lines(p *plan.Plan, n *plan.Node) []string {
	var all []string
	switch c := n.Config.(type) {
	case *plan.SourceConfig:
		all = endpoint("from "+c.Connector, c.Settings)
	case *plan.SinkConfig:
		all = endpoint("into "+c.Connector, c.Settings)
		if len(c.Key) > 0 {
			all = append(all, cut("key "+strings.Join(c.Key, ", "), wide))
		}
		return all
	default:
		all = wrap(n.Text, wide, long)
	}
	if n.State != nil {
		all = append(all, cut("state "+keeps(p, n), wide))
	}
	if len(n.Ports) > 0 {
		all = append(all, cut("gives "+facts(n.Ports[0].Type), wide))
	}
	return all
}

// endpoint is a connector with its settings, one a line; secrets are masked.
func endpoint(text string, set plan.Settings) []string {
	all := []string{text}
	for _, v := range set.Values {
		if v.Given {
			all = append(all, cut(plan.Settings{Values: []plan.Setting{v}}.String(), wide))
		}
	}
	if more := len(all) - 1 - long; more > 0 {
		all = append(all[:1+long], fmt.Sprintf("… %d more settings", more))
	}
	return all
}

// keeps is by what a state is kept: the key of its rows, and the window.
func keeps(p *plan.Plan, n *plan.Node) string {
	text := "of all rows"
	for _, e := range p.Inputs(n.ID) {
		if from := p.Find(e.From); from != nil && e.Port < len(from.Ports) && len(from.Ports[e.Port].Type.Key) > 0 {
			text = "by " + strings.Join(from.Ports[e.Port].Type.Key, ", ")
		}
	}
	if n.State.Window != "" {
		text += ", window " + n.State.Window
	}
	return text
}

// facts is mode, key and time of a stream.
func facts(t plan.StreamType) string {
	text := string(t.Mode)
	if t.Mode != plan.Append && len(t.ModeKey) > 0 {
		text += "(" + strings.Join(t.ModeKey, ", ") + ")"
	}
	if len(t.Key) > 0 {
		text += ", key " + strings.Join(t.Key, ", ")
	}
	if t.Timed && t.Time != "" {
		text += ", time " + t.Time
	}
	return text
}

// sorted says whether an edge carries what a stage sorts out beside its rows: late rows, failed ones. The branches of a split are equals.
func sorted(p *plan.Plan, e *plan.Edge) bool {
	from := p.Find(e.From)
	return e.Port > 0 && from != nil && len(from.Ports) > 0 && from.Ports[0].Name == ""
}

// label says how rows get from one box to the next, where that is not plain.
func label(p *plan.Plan, e *plan.Edge) string {
	var parts []string
	from := p.Find(e.From)
	var fields []value.Field
	if from != nil && e.Port < len(from.Ports) {
		fields = from.Ports[e.Port].Type.Schema.Fields
		if name := from.Ports[e.Port].Name; name != "" {
			parts = append(parts, name)
		}
	}
	switch e.Exchange {
	case plan.Hash:
		var names []string
		for _, k := range e.Keys {
			if k < len(fields) {
				names = append(names, fields[k].Name)
			}
		}
		parts = append(parts, "by "+strings.Join(names, ", "))
	case plan.Gather:
		parts = append(parts, "into one task")
	}
	if e.Mode != plan.Append {
		parts = append(parts, string(e.Mode))
	}
	return cut(strings.Join(parts, "; "), wide)
}

// wrap breaks a text into lines at blanks; what does not fit into most lines is left out, and an ellipsis says so.
func wrap(text string, width, most int) []string {
	var all []string
	for _, word := range strings.Fields(text) {
		n := len(all)
		switch {
		case n > 0 && length(all[n-1])+1+length(word) <= width:
			all[n-1] += " " + word
		case n == most:
			all[n-1] = cut(all[n-1]+" "+word+strings.Repeat(" ", width), width)
			return all
		default:
			all = append(all, cut(word, width))
		}
	}
	return all
}

func length(s string) int { return len([]rune(s)) }

func cut(s string, width int) string {
	r := []rune(s)
	if len(r) <= width {
		return s
	}
	return strings.TrimRight(string(r[:width-1]), " ") + "…"
}
