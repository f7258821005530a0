package reference

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Width is that of a page nobody asked for another width for: it fits every terminal.
const Width = 80

// printer lays text out in lines of at most width characters, without blanks at their ends.
type printer struct {
	b     strings.Builder
	width int
}

// line writes a line as it is.
func (p *printer) line(format string, args ...any) {
	p.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

// para fills lines with the words of a text, each behind the indent; first is what the first line begins with.
func (p *printer) para(first, indent, text string) {
	line, empty := first, true
	for _, word := range pieces(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > p.width {
			p.line("%s", line)
			line, empty = indent, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	p.line("%s", line)
}

// longestSpan is how long a text between backquotes may be to stay on one line.
const longestSpan = 40

// pieces are the words of a text; a short text between backquotes is one.
func pieces(text string) []string {
	var out []string
	words := strings.Fields(text)
	for i := 0; i < len(words); i++ {
		word := words[i]
		for end := i; strings.Count(word, "`")%2 == 1 && end+1 < len(words); {
			end++
			word += " " + words[end]
			if strings.Count(word, "`")%2 == 0 && utf8.RuneCountInString(word) <= longestSpan {
				i = end
			} else if utf8.RuneCountInString(word) > longestSpan {
				word = words[i]
				break
			}
		}
		out = append(out, word)
	}
	return out
}

// code writes text of a program, as it is: what is too long goes on in the next line, further right.
func (p *printer) code(indent, text string) {
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if utf8.RuneCountInString(indent+line) <= p.width {
			p.line("%s", indent+line)
			continue
		}
		inner := indent + line[:len(line)-len(strings.TrimLeft(line, " "))]
		p.para(inner, inner+"    ", line)
	}
}

// Print writes the page.
func (page *Page) Print(w io.Writer, width int) error {
	p := &printer{width: width}
	kind := page.Kind
	if page.Family != "" {
		kind += " of " + page.Family
	}
	p.line("%s, %s", page.Topic, kind)
	if len(page.Syntax) > 0 {
		p.line("")
	}
	for _, s := range page.Syntax {
		p.code("  ", s)
	}
	for _, text := range []string{page.Doc, strings.Join(page.Facts, " ")} {
		if text != "" {
			p.line("")
			p.para("  ", "  ", text)
		}
	}
	if page.Later != "" {
		p.line("")
		p.para("  ", "  ", "This version does not run it yet. Instead: "+page.Later+".")
	}
	for _, b := range page.Blocks {
		p.block(b)
	}
	p.examples(page.Examples)
	if len(page.See) > 0 {
		p.line("")
		p.para("See also: ", "  ", "`pipec docs "+strings.Join(page.See, "`, `pipec docs ")+"`")
	}
	_, err := io.WriteString(w, p.b.String())
	return err
}

// block writes settings, each with what it may be, what it is unless set, what it does, and an example.
func (p *printer) block(b Block) {
	p.line("")
	title := b.Title
	if title == "" {
		title = "Settings"
	}
	if len(b.Settings) == 0 {
		p.line("%s: no settings.", title)
		return
	}
	if b.Title != "" || len(b.Settings) > 1 {
		p.line("%s:", title)
		p.line("")
	}
	for i, s := range b.Settings {
		if i > 0 {
			p.line("")
		}
		p.para("  "+s.Name+"  ", "      ", s.takes())
		p.para("      ", "      ", s.Doc)
		if s.Example != "" {
			p.code("        ", s.Example)
		}
	}
}

// takes says what a setting may be, and what it is when nobody sets it.
func (s Setting) takes() string {
	kind := s.Type
	switch {
	case s.Type == "word" || s.Type == "choice":
		kind = strings.ReplaceAll(either(s.Words), "`", "")
	case len(s.Words) > 0:
		kind += " or " + strings.ReplaceAll(either(s.Words), "`", "")
	}
	switch {
	case s.Required:
		return kind + "; required"
	case s.Default != "":
		return kind + "; " + s.Default + " unless set"
	}
	return kind
}

func (p *printer) examples(list []Example) {
	if len(list) == 0 {
		return
	}
	p.line("")
	p.line("Examples:")
	for i, e := range list {
		if i == 0 || strings.Contains(e.Text+list[i-1].Text, "\n") {
			p.line("")
		}
		if e.Result == "" {
			p.code("  ", e.Text)
			continue
		}
		result := "is " + e.Result
		if e.Over != "" {
			result += " where x is " + e.Over
		}
		if one := "  " + e.Text + " " + result; utf8.RuneCountInString(one) <= p.width {
			p.line("%s", one)
		} else {
			p.code("  ", e.Text)
			p.code("    ", result)
		}
	}
}

// Print lists the pages of the kind, with the first sentence of each.
func (k *Kind) Print(w io.Writer, width int) error {
	p := &printer{width: width}
	p.para("", "", k.Doc)
	p.line("")
	rows := make([][2]string, 0, len(k.Pages))
	family := ""
	for _, page := range k.Pages {
		if page.Family != family {
			family = page.Family
			p.table(rows)
			if len(rows) > 0 {
				p.line("")
			}
			rows = rows[:0]
			p.line("%s", family)
		}
		doc := sentence(page.Doc)
		if page.Later != "" {
			doc += " Does not run yet."
		}
		rows = append(rows, [2]string{page.Topic, doc})
	}
	p.table(rows)
	p.line("")
	p.para("", "", "`pipec docs "+k.Pages[0].Topic+"` tells more of one.")
	_, err := io.WriteString(w, p.b.String())
	return err
}

// table writes names and texts in two columns.
func (p *printer) table(rows [][2]string) {
	wide := 0
	for _, r := range rows {
		wide = max(wide, utf8.RuneCountInString(r[0]))
	}
	indent := strings.Repeat(" ", wide+4)
	for _, r := range rows {
		p.para("  "+r[0]+strings.Repeat(" ", wide-utf8.RuneCountInString(r[0])+2), indent, r[1])
	}
}

// PrintIndex lists the kinds with the names of their pages.
func PrintIndex(w io.Writer, kinds []*Kind, width int) error {
	p := &printer{width: width}
	p.para("", "", "`pipec docs TOPIC` prints one of these, or a list: `pipec docs functions`. A setting is found by its name too: `pipec docs retain`.")
	p.line("")
	rows := make([][2]string, len(kinds))
	for i, k := range kinds {
		names := make([]string, len(k.Pages))
		for j, page := range k.Pages {
			names[j] = strings.ReplaceAll(page.Topic, " ", joint)
		}
		rows[i] = [2]string{k.Name, strings.Join(names, ",  ")}
	}
	p.table(rows)
	p.line("")
	p.para("", "", "`pipec explain` lists what diagnostics mean, `pipec COMMAND --help` tells of a command.")
	_, err := io.WriteString(w, strings.ReplaceAll(p.b.String(), joint, " "))
	return err
}

// joint is a blank at which no line is broken.
const joint = "\x00"

// sentence is the first sentence of a text.
func sentence(text string) string {
	if first, _, ok := strings.Cut(text, ". "); ok {
		return first + "."
	}
	return text
}

// Fill lays paragraphs out in lines of at most width characters. Empty lines are between paragraphs; lines that begin with a blank stay as they are.
func Fill(text string, width int) string {
	p := &printer{width: width}
	var words []string
	flush := func() {
		if len(words) > 0 {
			p.para("", "", strings.Join(words, " "))
			words = nil
		}
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == ' ' {
			flush()
			p.line("%s", line)
			continue
		}
		words = append(words, line)
	}
	flush()
	return strings.TrimRight(p.b.String(), "\n")
}
