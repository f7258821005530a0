package fn

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"pipec/vm/value"
)

func splits() []*Spec {
	return inFamily("text", []*Spec{
		{Name: "split", Doc: "The parts of the text between separators; the text's characters for an empty separator.", Params: []string{"text: string", "separator: string"},
			Check: takes(givesTexts, aText), Eval: split, Flink: "SPLIT($1, $2)",
			Examples: []Example{{`split("a,b,,c", ",")`, `["a", "b", "", "c"]`}, {`split("", ",")`, `[""]`}, {`split("né", "")`, `["n", "é"]`}}},
		{Name: "words", Doc: "The words of the text: what Unicode white space separates.", Params: []string{"text: string"},
			Check: takes(givesTexts, aText), Eval: words,
			Examples: []Example{{`words("to be  or\tnot")`, `["to", "be", "or", "not"]`}, {`len(words("  "))`, `0`}}},
		{Name: "lines", Doc: "The lines of the text without their ends (\\n or \\r\\n); an end of line at the end of the text opens no line.", Params: []string{"text: string"},
			Check: takes(givesTexts, aText), Eval: lines,
			Examples: []Example{{`lines("a\nb\r\n")`, `["a", "b"]`}, {`len(lines(""))`, `0`}}},
	})
}

// parts makes lists of parts of a text. The elements are views into the text's own blocks, so nothing is copied.
type parts struct {
	text *value.Vec
	kid  *value.Vec
	all  []byte // the text of the row
	row  int
	from int
}

func splitting(c *Call) parts {
	kid := c.Out.Kids[0]
	kid.ShareBufs(c.Args[0])
	return parts{text: c.Args[0], kid: kid}
}

// begin opens the list of a row.
func (p *parts) begin(r int32) []byte {
	p.row, p.from = int(r), len(p.kid.View)
	p.all = p.text.Text(p.row)
	return p.all
}

// add appends the part of the row's text from byte a to byte b.
func (p *parts) add(a, b int) {
	p.kid.View = append(p.kid.View, value.View{})
	p.put(&p.kid.View[len(p.kid.View)-1], a, b)
}

// addPairs appends the parts from the first place of each pair to the second; places count from base.
func (p *parts) addPairs(base int, places []byte) {
	from, n := len(p.kid.View), len(places)/2
	p.kid.View = slices.Grow(p.kid.View, n)[:from+n]
	all, views := p.all, p.kid.View[from:]
	for i := range views {
		a, b := base+int(places[2*i]), base+int(places[2*i+1])
		if a+value.InlineView <= len(all) && b-a <= value.InlineView {
			views[i].Put(binary.LittleEndian.Uint64(all[a:]), binary.LittleEndian.Uint32(all[a+8:]), b-a, 0, 0)
		} else {
			p.put(&views[i], a, b)
		}
	}
}

// put makes w the part of the row's text from byte a to byte b. A short one is cut out of the twelve bytes that begin with it, or that end with it: its length decides nothing.
func (p *parts) put(w *value.View, a, b int) {
	switch {
	case b-a > value.InlineView:
		*w = p.text.Part(p.row, a, b)
	case a+value.InlineView <= len(p.all):
		w.Put(binary.LittleEndian.Uint64(p.all[a:]), binary.LittleEndian.Uint32(p.all[a+8:]), b-a, 0, 0)
	case b >= value.InlineView:
		lo, hi := binary.LittleEndian.Uint64(p.all[b-12:]), uint64(binary.LittleEndian.Uint32(p.all[b-4:]))
		over := 8 * uint(value.InlineView-(b-a)) // bits before it; shifts by 64 and more give 0
		w.Put(lo>>over|hi<<(64-over)|hi>>(over-64), uint32(hi>>over), b-a, 0, 0)
	default:
		*w = value.MakeView(p.all[a:b], 0, 0)
	}
}

// end closes the list of the row.
func (p *parts) end(out *value.Vec) {
	out.Range[p.row] = value.Range{From: int32(p.from), To: int32(len(p.kid.View))}
}

func split(c *Call) {
	p := splitting(c)
	for _, r := range c.Rows {
		text, sep := p.begin(r), c.Args[1].Text(int(r))
		from := 0
		for len(sep) > 0 {
			i := bytes.Index(text[from:], sep)
			if i < 0 {
				break
			}
			p.add(from, from+i)
			from += i + len(sep)
		}
		for len(sep) == 0 && from < len(text) {
			_, size := utf8.DecodeRune(text[from:])
			p.add(from, from+size)
			from += size
		}
		if len(sep) > 0 {
			p.add(from, len(text))
		}
		p.end(c.Out)
	}
}

func lines(c *Call) {
	p := splitting(c)
	for _, r := range c.Rows {
		text := p.begin(r)
		for from := 0; from < len(text); {
			end := bytes.IndexByte(text[from:], '\n')
			next := from + end + 1
			if end < 0 {
				next = len(text) + 1
			}
			to := next - 1
			if end >= 0 && to > from && text[to-1] == '\r' {
				to--
			}
			p.add(from, to)
			from = next
		}
		p.end(c.Out)
	}
}
