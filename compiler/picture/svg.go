package picture

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"pipec/compiler/plan"
)

// Text in boxes: a fixed pitch, so that widths are known without a font.
const (
	pitch  = 6.63 // width of a character at 11 px
	line   = 16   // height of a line
	inside = 10   // between a box and its text
	small  = 6.05 // width of a character at 10 px
)

// colors are those of the classes.
var colors = map[class]struct{ fill, line string }{
	stateless: {"#ffffff", "#8a94a6"},
	stateful:  {"#fff4d6", "#b8860b"},
	source:    {"#e3effc", "#3b78b8"},
	sink:      {"#e5f5e6", "#3d8b45"},
}

// SVG draws the plan. The same plan gives the same bytes.
func SVG(w io.Writer, p *plan.Plan) error {
	pic := of(p)
	g := newGraph(pic, boxSize)
	g.order()
	width, height := g.locate()
	width = max(width, float64(length(pic.title))*8.5+2*margin)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %s %s" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="11">`+"\n",
		num(width), num(height), num(width), num(height))
	b.WriteString(`<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="#5b6575"/></marker></defs>` + "\n")
	b.WriteString(`<rect width="100%" height="100%" fill="#fbfcfe"/>` + "\n")
	fmt.Fprintf(&b, `<text x="%d" y="30" font-size="14" font-weight="bold" fill="#222">%s</text>`+"\n", margin, escape(pic.title))
	g.drawArrows(&b, pic)
	for _, layer := range g.layers {
		for _, k := range layer {
			if k.box >= 0 {
				drawBox(&b, pic.boxes[k.box], k)
			}
		}
	}
	g.drawLabels(&b, pic)
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func boxSize(x box) (width, height float64) {
	chars := length(x.id) + 2 + length(x.tasks)
	for _, l := range x.lines {
		chars = max(chars, length(l))
	}
	return float64(chars)*pitch + 2*inside, float64(1+len(x.lines))*line + 2*inside - 4
}

func drawBox(b *strings.Builder, x box, k *knot) {
	left := k.x - k.width/2
	c := colors[x.class]
	fmt.Fprintf(b, `<g class="%s"><title>%s</title><rect x="%s" y="%s" width="%s" height="%s" rx="6" fill="%s" stroke="%s" stroke-width="1.3"/>`,
		x.class, escape(x.id), num(left), num(k.y), num(k.width), num(k.tall), c.fill, c.line)
	y := k.y + inside + 10
	fmt.Fprintf(b, `<text x="%s" y="%s" font-weight="bold" fill="#111">%s</text>`, num(left+inside), num(y), escape(x.id))
	fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="end" fill="%s">%s</text>`, num(left+k.width-inside), num(y), c.line, x.tasks)
	for _, l := range x.lines {
		y += line
		fmt.Fprintf(b, `<text x="%s" y="%s" fill="#333">%s</text>`, num(left+inside), num(y), escape(l))
	}
	b.WriteString("</g>\n")
}

// ends gives where a route leaves its first box and enters its last: side by side, in the order in which they go on.
func (g *graph) ends(r route) (from, to float64) {
	return port(r.knots[0], r.knots[0].down, r.knots[1]), port(r.knots[len(r.knots)-1], r.knots[len(r.knots)-1].up, r.knots[len(r.knots)-2])
}

func port(k *knot, all []*knot, to *knot) float64 {
	rank := 0
	for _, o := range all {
		if o != to && (o.x < to.x || o.x == to.x && o.place < to.place) {
			rank++
		}
	}
	room := min(40, (k.width-2*inside)/float64(len(all)+1))
	return k.x + (float64(rank)-float64(len(all)-1)/2)*room
}

func (g *graph) drawArrows(b *strings.Builder, pic picture) {
	for _, r := range g.routes {
		a := pic.arrows[r.arrow]
		from, to := g.ends(r)
		first, last := r.knots[0], r.knots[len(r.knots)-1]
		x, y := from, first.y+first.tall
		path := "M" + num(x) + " " + num(y)
		for _, k := range r.knots[1 : len(r.knots)-1] {
			path += curve(x, y, k.x, k.y) + "V" + num(k.y+k.tall)
			x, y = k.x, k.y+k.tall
		}
		path += curve(x, y, to, last.y-1)
		style := `stroke-width="1.2"`
		switch {
		case a.side:
			style = `stroke-width="1.2" stroke-dasharray="5 4"`
		case a.shuffle:
			style = `stroke-width="2.2"`
		}
		fmt.Fprintf(b, `<path d="%s" fill="none" stroke="#5b6575" %s marker-end="url(#head)"/>`+"\n", path, style)
	}
}

// curve leads from one point down to another, leaving and arriving upright.
func curve(x, y, tx, ty float64) string {
	if x == tx {
		return "V" + num(ty)
	}
	mid := (y + ty) / 2
	return "C" + num(x) + " " + num(mid) + " " + num(tx) + " " + num(mid) + " " + num(tx) + " " + num(ty)
}

// span is the room that a label takes in a row above a box.
type span struct {
	row         int
	left, right float64
}

// drawLabels writes what arrows say where they arrive, each above its box, on the side from which the arrow does not come; those that would touch stand above
// each other.
func (g *graph) drawLabels(b *strings.Builder, pic picture) {
	taken := map[*knot][]span{}
	for _, r := range g.sorted() {
		a := pic.arrows[r.arrow]
		if a.label == "" {
			continue
		}
		last, before := r.knots[len(r.knots)-1], r.knots[len(r.knots)-2]
		_, x := g.ends(r)
		width := float64(length(a.label)) * small
		s := span{0, x + 7, x + 7 + width}
		if before.x > x+1 {
			s = span{0, x - 7 - width, x - 7}
		}
		for touches(taken[last], s) {
			s.row++
		}
		taken[last] = append(taken[last], s)
		y := last.y - 12 - float64(s.row)*13
		fmt.Fprintf(b, `<rect x="%s" y="%s" width="%s" height="12" fill="#fbfcfe" opacity="0.85"/>`, num(s.left-2), num(y-9), num(width+4))
		fmt.Fprintf(b, `<text x="%s" y="%s" font-size="10" fill="#5b6575">%s</text>`+"\n", num(s.left), num(y), escape(a.label))
	}
}

func touches(all []span, s span) bool {
	for _, o := range all {
		if o.row == s.row && s.left < o.right+4 && o.left < s.right+4 {
			return true
		}
	}
	return false
}

// sorted is the routes by where they arrive, from left to right.
func (g *graph) sorted() []route {
	all := append([]route(nil), g.routes...)
	for i := 1; i < len(all); i++ {
		for j := i; j > 0; j-- {
			_, a := g.ends(all[j-1])
			if _, b := g.ends(all[j]); b >= a {
				break
			}
			all[j-1], all[j] = all[j], all[j-1]
		}
	}
	return all
}

// num writes a coordinate with at most one digit behind the point.
func num(v float64) string {
	s := strconv.FormatFloat(v, 'f', 1, 64)
	return strings.TrimSuffix(s, ".0")
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}
