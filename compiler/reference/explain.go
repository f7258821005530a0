package reference

import (
	"io"
	"io/fs"
	"slices"
	"strings"

	"pipec/compiler"
	"pipec/grammar/diag"
)

// Explanation is an entry of the register with what validate says about its example.
type Explanation struct {
	compiler.Code
	Says string // the diagnostic, drawn; "" for what happens at run time only
}

// Explain compiles the example of an entry, so that what is shown is what this engine says.
func Explain(c compiler.Code) Explanation {
	e := Explanation{Code: c}
	if c.AtRunTime() || c.Example == "" {
		return e
	}
	const file = "main.pipe"
	r := compiler.Check(compiler.Options{File: file, Text: c.Program(), Cores: 1, Load: func(path string) (string, error) {
		if path == file {
			return c.Program(), nil
		}
		return "", &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}})
	var said diag.List
	for _, d := range r.List {
		if d.Code == c.Code {
			said = append(said, d)
		}
	}
	var b strings.Builder
	_ = diag.Render(&b, said, r.Sources, false) // a strings.Builder takes everything
	e.Says = b.String()
	return e
}

// Print writes the explanation.
func (e Explanation) Print(w io.Writer, width int) error {
	p := &printer{width: width}
	p.line("%s: %s", e.Code.Code, e.Title)
	p.line("")
	p.para("  ", "  ", e.Why)
	if e.Example != "" {
		p.line("")
		p.line("Example:")
		p.line("")
		p.code("  ", e.Example)
		if e.Code.Code[0] != 'P' && e.Program() != e.Example { // grammar knows no columns
			p.line("")
			p.para("  ", "  ", "`orders` is a source with "+exampleColumns()+".")
		}
	}
	if e.Says != "" {
		p.line("")
		p.line("What validate says:")
		p.line("")
		for line := range strings.Lines(e.Says) {
			p.said(strings.TrimRight(line, "\n"))
		}
	}
	p.line("")
	p.line("The way out:")
	p.line("")
	p.para("  ", "  ", e.WayOut)
	_, err := io.WriteString(w, p.b.String())
	return err
}

// said writes a line of a diagnostic: messages and help are filled, what is drawn stays as it is.
func (p *printer) said(line string) {
	help := strings.Index(line, "= help: ")
	switch {
	case help >= 0:
		indent := "  " + line[:help+len("= help: ")]
		p.para(indent, "  "+strings.Repeat(" ", help+len("= help: ")), line[help+len("= help: "):])
	case line != "" && line[0] != ' ' && strings.Contains(line, "]: "):
		p.para("  ", "    ", line)
	default:
		p.line("  %s", line)
	}
}

// exampleColumns are the columns of the source that examples read.
func exampleColumns() string {
	source := compiler.ExampleSource()
	_, body, _ := strings.Cut(source, "schema {\n")
	body, _, _ = strings.Cut(body, "\n  }\n")
	var columns []string
	for line := range strings.Lines(body) {
		columns = append(columns, "`"+strings.TrimSpace(line)+"`")
	}
	return strings.Join(columns, ", ")
}

// FindCodes gives the entries of a code, or of all codes that begin with the text: P, S4. Of a text like error[P101]: the code in it is taken.
func FindCodes(text string) []compiler.Code {
	if _, inside, ok := strings.Cut(text, "["); ok {
		text, _, _ = strings.Cut(inside, "]")
	}
	var found []compiler.Code
	for _, c := range compiler.Codes() {
		if text != "" && strings.HasPrefix(c.Code, strings.ToUpper(text)) {
			found = append(found, c)
		}
	}
	return found
}

// NearestCode is the code that was probably meant, "" if none comes to mind.
func NearestCode(text string) string {
	var codes []string
	for _, c := range compiler.Codes() {
		codes = append(codes, c.Code)
	}
	return diag.Nearest(strings.ToUpper(text), codes)
}

// PrintCodes lists codes with what they say is wrong, by family.
func PrintCodes(w io.Writer, codes []compiler.Code, width int) error {
	p := &printer{width: width}
	for i, f := range compiler.Families() {
		var rows [][2]string
		for _, c := range codes {
			if c.Code[:1] == f.Letter {
				rows = append(rows, [2]string{c.Code, c.Title})
			}
		}
		if len(rows) == 0 {
			continue
		}
		if i > 0 && p.b.Len() > 0 {
			p.line("")
		}
		p.para("", "", f.Letter+": "+f.Doc)
		p.table(rows)
	}
	p.line("")
	p.para("", "", "`pipec explain "+codes[0].Code+"` tells why, with an example and the way out.")
	_, err := io.WriteString(w, p.b.String())
	return err
}

// Codes are the names of all entries, for completion.
func Codes() []string {
	var out []string
	for _, c := range compiler.Codes() {
		out = append(out, c.Code)
	}
	return slices.Clip(out)
}
