package fn

import (
	"encoding/binary"
	mathbits "math/bits"
	"unicode"
	"unicode/utf8"
)

// words finds the places where words begin and end eight bytes at a time: texts are long, words are short and of any length, so that a loop over bytes would be a loop over mispredicted
// branches. Texts with other characters than those of ASCII take the way through characters.
func words(c *Call) {
	p := splitting(c)
	for _, r := range c.Rows {
		text := p.begin(r)
		if ascii(text) {
			p.asciiWords(text)
		} else {
			p.anyWords(text)
		}
		p.end(c.Out)
	}
}

// each has the same byte eight times.
func each(b byte) uint64 { return 0x0101010101010101 * uint64(b) }

// load reads the eight bytes at i; what lies behind the end of the text counts as blanks.
func load(text []byte, i int) uint64 {
	if i+8 <= len(text) {
		return binary.LittleEndian.Uint64(text[i:])
	}
	w := each(' ')
	for k := len(text) - 1; k >= i; k-- {
		w = w<<8 | uint64(text[k])
	}
	return w
}

// ascii says whether the text has only characters of ASCII.
func ascii(text []byte) bool {
	all := uint64(0)
	for i := 0; i < len(text); i += 8 {
		all |= load(text, i)
	}
	return all&each(utf8.RuneSelf) == 0
}

// blanks has bit k set if byte k of a word of ASCII is white space: a blank, or one of the five from the tabulator on.
func blanks(w uint64) uint64 {
	const high = 0x8080808080808080
	space := (w ^ each(' ')) + each(0x7F) // bit 7 is clear in bytes that were a blank
	low := w + each(0x80-'\t')            // bit 7 is set from the tabulator on,
	above := w + each(0x80-'\r'-1)        // and behind the carriage return
	marks := (^space | low&^above) & high
	return marks >> 7 * 0x0102040810204080 >> 56
}

// asciiWords adds the words of a text of ASCII.
func (p *parts) asciiWords(text []byte) {
	before := uint64(1) // whether the byte before was a blank
	from := 0
	for i := 0; i < len(text); i += 8 {
		b := blanks(load(text, i))
		turns := (b ^ (b<<1 | before)) & 0xFF
		inside := before == 0
		before = b >> 7
		for ; turns != 0; turns &= turns - 1 {
			at := i + mathbits.TrailingZeros64(turns)
			if inside {
				p.add(from, at)
			}
			from, inside = at, !inside
		}
	}
	if before == 0 {
		p.add(from, len(text))
	}
}

// blank marks the ASCII white space.
var blank = [utf8.RuneSelf]bool{'\t': true, '\n': true, '\v': true, '\f': true, '\r': true, ' ': true}

// anyWords adds the words of any text.
func (p *parts) anyWords(text []byte) {
	for i := 0; i < len(text); {
		for i < len(text) {
			size := spaceAt(text, i)
			if size == 0 {
				break
			}
			i += size
		}
		from := i
		for i < len(text) && (text[i] < utf8.RuneSelf && !blank[text[i]] || text[i] >= utf8.RuneSelf && spaceAt(text, i) == 0) {
			i++ // also through the bytes of a character: none of them begins a white space
		}
		if i > from {
			p.add(from, i)
		}
	}
}

// spaceAt is the size of the white space character at i, or 0.
func spaceAt(text []byte, i int) int {
	if b := text[i]; b < utf8.RuneSelf {
		if blank[b] {
			return 1
		}
		return 0
	}
	ch, size := utf8.DecodeRune(text[i:])
	if unicode.IsSpace(ch) {
		return size
	}
	return 0
}
