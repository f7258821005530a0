package screen

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"
)

// Line is one line of a region: text without control characters, no wider than the window.
type Line struct {
	Text  string
	Style Style
}

// Style is how a line stands out, where colours are wanted.
type Style uint8

// The styles.
const (
	Plain Style = iota
	Bold
	Dim
)

const escape = "\x1b["

// frame gives the bytes that replace the region prev, above the cursor, by next, with permanent text above it; and next without styles. One write shows it:
// terminals that know synchronised output (mode 2026) show it at once, others line by line, each overwritten in place.
func frame(prev []string, next []Line, width int, text []byte, color bool) (out []byte, shown []string) {
	if len(prev) == 0 && len(next) == 0 {
		return bytes.Clone(text), nil
	}
	var b bytes.Buffer
	b.WriteString(escape + "?2026h")
	up := rows(prev, width)
	back := "\r"
	if up > 0 {
		back = escape + strconv.Itoa(up) + "A\r"
	}
	b.WriteString(back)
	if len(text) > 0 || up != len(prev) || len(next) < len(prev) {
		// Line by line: what is erased from the very top in one go, some terminals put into their history.
		b.WriteString(strings.Repeat(escape+"2K"+escape+"B", up) + escape + "2K" + back)
		b.Write(text)
		if len(text) > 0 && text[len(text)-1] != '\n' {
			b.WriteByte('\n')
		}
	}
	for _, l := range next {
		style(&b, l, color)
		b.WriteString(escape + "K\r\n")
		shown = append(shown, l.Text)
	}
	b.WriteString(escape + "K" + escape + "?2026l") // what was typed, a ^C, goes
	return b.Bytes(), shown
}

func style(b *bytes.Buffer, l Line, color bool) {
	if !color || l.Style == Plain || l.Text == "" {
		b.WriteString(l.Text)
		return
	}
	b.WriteString(escape + map[Style]string{Bold: "1m", Dim: "2m"}[l.Style] + l.Text + escape + "0m")
}

// rows is how many rows of the window lines take: a window that has become narrower wraps them.
func rows(lines []string, width int) int {
	n := 0
	for _, l := range lines {
		n += max(1, (wide(l)+width-1)/max(1, width))
	}
	return n
}

// wide is the number of columns of a text.
func wide(s string) int {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return runewidth.StringWidth(s)
		}
	}
	return len(s)
}

// cut makes a text fit into so many columns; an ellipsis says that something is missing.
func cut(s string, width int) string {
	if wide(s) <= width {
		return s
	}
	if width < 1 {
		return ""
	}
	return runewidth.Truncate(s, width, "…")
}

// pad fills a text up to so many columns, on the left if it is a number.
func pad(s string, width int, number bool) string {
	fill := strings.Repeat(" ", max(0, width-wide(s)))
	if number {
		return fill + s
	}
	return s + fill
}

// clean makes control characters of data harmless, and keeps a value on one line.
func clean(dst []byte, s []byte) []byte {
	for _, r := range string(s) {
		switch {
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			dst = append(dst, "\uFFFD"...)
		default:
			dst = append(dst, string(r)...)
		}
	}
	return dst
}
