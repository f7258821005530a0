package diag

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sources holds the text of each file that spans name.
type Sources map[string]string

// tabWidth is how far apart the tab stops of a drawn source line are.
const tabWidth = 4

// Render draws the list for people:
//
//	error[P110]: `=` gives a name to a value; it does not compare
//	  --> equals.pipe:16:19
//	   |
//	16 |   |> where status = "paid"
//	   |                   ^ did you mean `==`?
//	   = help: ...
//
// A file that sources lacks is drawn without its line. With color set, escape sequences of ANSI terminals mark severity and caret.
func Render(w io.Writer, list List, sources Sources, color bool) error {
	var b strings.Builder
	p := painter{on: color}
	for i, d := range list {
		if i > 0 {
			b.WriteByte('\n')
		}
		p.diagnostic(&b, d, sources)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// painter adds colours, or not.
type painter struct{ on bool }

const (
	bold = "1"
	blue = "1;34"
)

var severityColors = [...]string{"1;31", "1;33", "1;36"}

func (p painter) paint(color, text string) string {
	if !p.on || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

func (p painter) diagnostic(b *strings.Builder, d *Diagnostic, sources Sources) {
	color := severityColors[d.Severity]
	fmt.Fprintf(b, "%s%s\n", p.paint(color, d.Severity.String()+"["+d.Code+"]"), p.paint(bold, ": "+printable(d.Message)))
	width := len(strconv.Itoa(int(d.Span.Start.Line)))
	for _, r := range d.Related {
		width = max(width, len(strconv.Itoa(int(r.Span.Start.Line))))
	}
	margin := strings.Repeat(" ", width)
	if !d.Span.IsZero() {
		fmt.Fprintf(b, "%s%s %s\n", margin, p.paint(blue, "-->"), d.Span)
		p.excerpt(b, d.Span, sources, margin, p.paint(color, strings.TrimRight(carets(d.Span, sources, '^')+" "+printable(d.Label), " ")))
	}
	for _, r := range d.Related {
		fmt.Fprintf(b, "%s%s %s\n", margin, p.paint(blue, ":::"), r.Span)
		p.excerpt(b, r.Span, sources, margin, p.paint(blue, carets(r.Span, sources, '-')+" "+printable(r.Message)))
	}
	for _, help := range d.Help {
		fmt.Fprintf(b, "%s %s help: %s\n", margin, p.paint(blue, "="), printable(help))
	}
}

// excerpt draws the first line of a span with a mark below it.
func (p painter) excerpt(b *strings.Builder, s Span, sources Sources, margin, mark string) {
	line, ok := sourceLine(s, sources)
	if !ok {
		return
	}
	bar := p.paint(blue, "|")
	number := strconv.Itoa(int(s.Start.Line))
	indent := displayWidth(line, int(s.Start.Column)-1)
	text := strings.TrimRight(display(line), " ")
	text, indent = clip(text, indent)
	fmt.Fprintf(b, "%s %s\n%s%s %s", margin, bar, strings.Repeat(" ", len(margin)-len(number)), p.paint(blue, number), bar)
	if text != "" {
		b.WriteString(" " + text)
	}
	fmt.Fprintf(b, "\n%s %s %s%s\n", margin, bar, strings.Repeat(" ", indent), mark)
}

// maxLine is how many characters of a source line are drawn.
const maxLine = 160

// clip cuts a very long line to what is around the mark.
func clip(text string, indent int) (string, int) {
	runes := []rune(text)
	if len(runes) <= maxLine {
		return text, indent
	}
	from := min(max(0, indent-maxLine/2), len(runes)-1)
	to := min(from+maxLine, len(runes))
	text = string(runes[from:to])
	if to < len(runes) {
		text += "..."
	}
	if from > 0 {
		return "..." + text, indent - from + len("...")
	}
	return text, indent
}

// sourceLine is the line on which a span starts.
func sourceLine(s Span, sources Sources) (string, bool) {
	text, ok := sources[s.File]
	if !ok || s.IsZero() || int(s.Start.Offset) > len(text) {
		return "", false
	}
	from := strings.LastIndexByte(text[:s.Start.Offset], '\n') + 1
	line := text[from:]
	if to := strings.IndexByte(line, '\n'); to >= 0 {
		line = line[:to]
	}
	line = strings.TrimSuffix(line, "\r")
	if from == 0 {
		line = strings.TrimPrefix(line, "\uFEFF")
	}
	return line, true
}

// carets underlines a span up to the end of its first line, with one mark at least.
func carets(s Span, sources Sources, mark rune) string {
	line, ok := sourceLine(s, sources)
	if !ok {
		return ""
	}
	from := int(s.Start.Column) - 1
	to := int(s.End.Column) - 1
	if s.End.Line > s.Start.Line {
		to = utf8.RuneCountInString(line)
	}
	width := displayWidth(line, to) - displayWidth(line, from)
	return strings.Repeat(string(mark), min(max(1, width), maxLine/2))
}

// displayWidth is how many cells the first n runes of a line take.
func displayWidth(line string, n int) int {
	width := 0
	for _, r := range line {
		if n == 0 {
			break
		}
		n--
		width += runeWidth(r, width)
	}
	return width
}

// display is a line with tabs as blanks, and without what would move the cursor or colour the terminal.
func display(line string) string {
	var b strings.Builder
	width := 0
	for _, r := range line {
		n := runeWidth(r, width)
		width += n
		switch {
		case r == '\t':
			b.WriteString(strings.Repeat(" ", n))
		case unicode.IsControl(r) || r == utf8.RuneError:
			b.WriteRune('\uFFFD')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// printable is a message on one line without control characters: it may quote the text of a file.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// runeWidth is the number of cells of a rune at a column: 0 for combining marks, 2 for wide ones, up to the next stop for a tab.
func runeWidth(r rune, column int) int {
	switch {
	case r == '\t':
		return tabWidth - column%tabWidth
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case wide(r):
		return 2
	}
	return 1
}

// wide reports whether a terminal gives a rune two cells: the blocks of East Asian Width W and F (Unicode, UAX 11), and emoji.
func wide(r rune) bool {
	return r >= 0x1100 && (r <= 0x115F || r == 0x2329 || r == 0x232A ||
		r >= 0x2E80 && r <= 0xA4CF && r != 0x303F || r >= 0xA960 && r <= 0xA97C || r >= 0xAC00 && r <= 0xD7A3 ||
		r >= 0xF900 && r <= 0xFAFF || r >= 0xFE30 && r <= 0xFE6F || r >= 0xFF00 && r <= 0xFF60 || r >= 0xFFE0 && r <= 0xFFE6 ||
		r >= 0x1F300 && r <= 0x1F64F || r >= 0x1F680 && r <= 0x1F6FF || r >= 0x1F900 && r <= 0x1F9FF || r >= 0x20000 && r <= 0x3FFFD)
}
