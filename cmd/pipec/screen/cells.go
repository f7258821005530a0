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
	least  int  // it is cut to this at most; 0: never, since a cut number is a wrong one
	width  int  // wanted; grows with what is seen and never shrinks, so that columns stand still
}

// Texts are cut down to this; of keys, which tell rows apart, more stays.
const (
	gap      = 2 // columns between columns
	textCut  = 8
	keyCut   = 24
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

// floor is the room that a column needs at least.
func (c *column) floor() int {
	if c.least == 0 {
		return c.width
	}
	return min(c.width, c.least)
}

// fit gives each column its width in a window: all of it, or the widest texts cut; columns at the right for which there is no room are left out.
func fit(columns []column, width int) (widths []int, left int) {
	shown, room := 0, width+gap
	for shown < len(columns) && room-gap-columns[shown].floor() >= 0 {
		room -= gap + columns[shown].floor()
		shown++
	}
	if shown == 0 { // not even the first: as much of it as there is
		return []int{max(1, width)}, len(columns) - 1
	}
	widths = make([]int, shown)
	for i := range widths {
		widths[i] = columns[i].floor()
	}
	for ; room > 0; room-- { // what is left goes to whom it serves first: the narrowest that wants more
		next := -1
		for i := range widths {
			if widths[i] < columns[i].width && (next < 0 || widths[i] < widths[next]) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		widths[next]++
	}
	return widths, len(columns) - shown
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

// leftOut says what a table does not show, "" if nothing. beyond: of the rows at least so many.
func leftOut(rows int, beyond bool, columns int) string {
	var parts []string
	switch {
	case rows > 0 && beyond:
		parts = append(parts, "at least "+many(rows, "more row"))
	case rows > 0:
		parts = append(parts, many(rows, "more row"))
	case beyond:
		parts = append(parts, "perhaps more rows")
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
