package screen

import (
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// column is one column of a table as it is drawn.
type column struct {
	name   string
	number bool // aligned to the right
	width  int  // wanted; grows with what is seen and never shrinks, so that columns stand still
}

const (
	gap      = 2 // columns between columns
	enough   = 8 // a cut column is worth showing if it has at least this
	ellipsis = "…"
)

// see lets columns grow to the cells they show.
func see(columns []column, cells [][]string) {
	for i := range columns {
		columns[i].width = max(columns[i].width, wide(columns[i].name))
		for _, row := range cells {
			columns[i].width = max(columns[i].width, wide(row[i]))
		}
	}
}

// fit gives each column its width in a window: all of it, or the widest ones cut; columns at the right for which there is no room are left out.
func fit(columns []column, width int) (widths []int, left int) {
	shown := len(columns)
	for shown > 1 && least(columns[:shown]) > width {
		shown--
	}
	widths = make([]int, shown)
	total := gap * (shown - 1)
	for i, c := range columns[:shown] {
		widths[i] = c.width
		total += c.width
	}
	for total > width {
		widest := 0
		for i := range widths {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= 1 {
			break
		}
		widths[widest]--
		total--
	}
	return widths, len(columns) - shown
}

// least is the room that columns need at least. Numbers are never cut: a cut number is a wrong one.
func least(columns []column) int {
	n := gap * (len(columns) - 1)
	for _, c := range columns {
		if c.number {
			n += c.width
		} else {
			n += min(c.width, enough)
		}
	}
	return n
}

// row writes one row of cells.
func row(columns []column, widths []int, cells []string) string {
	var b strings.Builder
	for i, w := range widths {
		if i > 0 {
			b.WriteString(strings.Repeat(" ", gap))
		}
		b.WriteString(pad(cut(cells[i], w), w, columns[i].number))
	}
	return strings.TrimRight(b.String(), " ")
}

// leftOut says what a table does not show, "" if nothing.
func leftOut(rows, columns int) string {
	var parts []string
	if rows > 0 {
		parts = append(parts, many(rows, "more row"))
	}
	if columns > 0 {
		parts = append(parts, many(columns, "more column"))
	}
	if len(parts) == 0 {
		return ""
	}
	return ellipsis + " " + strings.Join(parts, ", ")
}

func many(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return humanize.Comma(int64(n)) + " " + what
}

// count writes a number with separators; short: with a unit, where room is scarce.
func count(n int64, short bool) string {
	if !short || n < 100_000 {
		return humanize.Comma(n)
	}
	v, unit := float64(n), ""
	for _, u := range []string{"k", "M", "G", "T"} {
		if v < 1000 {
			break
		}
		v, unit = v/1000, u
	}
	digits := 1
	if v >= 100 {
		digits = 0
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + unit
}
