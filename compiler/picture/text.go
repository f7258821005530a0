package picture

import (
	"fmt"
	"io"
	"strings"

	"pipec/compiler/plan"
)

// Mermaid writes the plan as a flowchart for Mermaid, which GitHub and many wikis show.
func Mermaid(w io.Writer, p *plan.Plan) error {
	pic := of(p)
	var b strings.Builder
	fmt.Fprintf(&b, "---\ntitle: %q\n---\nflowchart TD\n", pic.title)
	shapes := map[class][2]string{stateless: {"[", "]"}, stateful: {"[", "]"}, source: {"([", "])"}, sink: {"[(", ")]"}}
	for i, x := range pic.boxes {
		text := "<b>" + mermaid(x.id) + "</b> " + x.tasks
		for _, l := range x.lines {
			text += "<br/>" + mermaid(l)
		}
		s := shapes[x.class]
		fmt.Fprintf(&b, "  n%d%s\"%s\"%s:::%s\n", i, s[0], text, s[1], x.class)
	}
	for _, a := range pic.arrows {
		line := "-->"
		switch {
		case a.side:
			line = "-.->"
		case a.shuffle:
			line = "==>"
		}
		if a.label != "" {
			line += `|"` + mermaid(a.label) + `"|`
		}
		fmt.Fprintf(&b, "  n%d %s n%d\n", a.from, line, a.to)
	}
	for c := stateless; c <= sink; c++ {
		fmt.Fprintf(&b, "  classDef %s fill:%s,stroke:%s,color:#111\n", c, colors[c].fill, colors[c].line)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mermaid writes text as Mermaid's labels want it: its entities begin with #, and < would be HTML.
func mermaid(s string) string {
	return strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "&", "#amp;", "`", "#96;", "\\", "#92;").Replace(s)
}

// Dot writes the plan as a graph for Graphviz.
func Dot(w io.Writer, p *plan.Plan) error {
	pic := of(p)
	var b strings.Builder
	fmt.Fprintf(&b, "digraph plan {\n  label=%s; labelloc=t; fontname=\"Helvetica\"; rankdir=TB;\n", dot(pic.title))
	b.WriteString("  node [shape=box, style=\"rounded,filled\", fontname=\"Menlo, monospace\", fontsize=10];\n  edge [fontname=\"Menlo, monospace\", fontsize=9];\n")
	for i, x := range pic.boxes {
		text := append([]string{x.id + "  " + x.tasks}, x.lines...)
		fmt.Fprintf(&b, "  n%d [label=%s, fillcolor=\"%s\", color=\"%s\"];\n", i, dot(text...), colors[x.class].fill, colors[x.class].line)
	}
	for _, a := range pic.arrows {
		style := "solid"
		switch {
		case a.side:
			style = "dashed"
		case a.shuffle:
			style = "bold"
		}
		fmt.Fprintf(&b, "  n%d -> n%d [style=%s", a.from, a.to, style)
		if a.label != "" {
			fmt.Fprintf(&b, ", label=%s", dot(a.label))
		}
		b.WriteString("];\n")
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// dot writes lines as one quoted string of the dot language, each aligned to the left.
func dot(lines ...string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, l := range lines {
		b.WriteString(strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ").Replace(l))
		if len(lines) > 1 {
			b.WriteString(`\l`)
		}
	}
	b.WriteByte('"')
	return b.String()
}
