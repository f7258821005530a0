// Package roff writes manual pages in the macros of man(7).
//
//	roff.go  Page: a page being written
package roff

import "strings"

// Page is a page being written.
type Page struct{ strings.Builder }

// Macro writes a request with its arguments in quotes.
func (m *Page) Macro(name string, args ...string) {
	m.WriteString("." + name)
	for _, a := range args {
		m.WriteString(` "` + strings.ReplaceAll(Escape(a), `"`, `\(dq`) + `"`)
	}
	m.WriteByte('\n')
}

// Text writes a text as filled lines; an indented line stays as it is, an empty one begins a paragraph.
func (m *Page) Text(text string) {
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		switch {
		case line == "":
			m.Macro("PP")
		case line[0] == ' ':
			m.WriteString(".nf\n" + Escape(line) + "\n.fi\n")
		default:
			m.WriteString(Escape(line) + "\n")
		}
	}
}

// Item is a term with what it means.
func (m *Page) Item(term, text string) {
	m.Macro("TP")
	m.WriteString("\\fB" + Escape(term) + "\\fR\n")
	m.Text(text)
}

// Example writes lines as they are.
func (m *Page) Example(text string) { m.WriteString(".nf\n" + Escape(text) + "\n.fi\n") }

// Escape makes text safe for roff: backslashes and hyphens stay what they are, and no line is a request.
func Escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
