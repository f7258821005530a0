package fn

import (
	"encoding/binary"
	mathbits "math/bits"
	"unicode"
	"unicode/utf8"
)

// words finds the places where words begin and end eight bytes at a time, and makes the words in a second loop: texts are long, words are short and of any length, so that a loop over bytes, or one
// that looks for the next end, would be a loop over mispredicted branches. Texts in which white space may lie that is not of ASCII take the way through characters.
func words(c *Call) {
	p := splitting(c)
	var places [wordBlock + 8]byte
	for _, r := range c.Rows {
		text := p.begin(r)
		if !p.plainWords(text, &places) {
			p.kid.View = p.kid.View[:p.from]
			p.anyWords(text)
		}
		p.end(c.Out)
	}
}

// wordBlock is how many bytes are looked at before their words are made: so few that a place in them is a byte.
const wordBlock = 248

// each has the same byte eight times.
func each(b byte) uint64 { return 0x0101010101010101 * uint64(b) }

// last reads the bytes from i on, fewer than eight, with blanks behind them.
func last(text []byte, i int) uint64 {
	if left := uint(len(text) - i); len(text) >= 8 {
		return binary.LittleEndian.Uint64(text[len(text)-8:])>>(64-8*left) | each(' ')<<(8*left)
	}
	w := each(' ')
	for k := len(text) - 1; k >= i; k-- {
		w = w<<8 | uint64(text[k])
	}
	return w
}

// blanks has bit k set if byte k of a word is white space of ASCII: a blank, or one of the five from the tabulator on.
func blanks(w uint64) uint64 {
	const high = 0x8080808080808080
	c := w &^ high
	space := (c ^ each(' ')) + each(0x7F) // bit 7 is clear in bytes that were a blank
	low := c + each(0x80-'\t')            // bit 7 is set from the tabulator on,
	above := c + each(0x80-'\r'-1)        // and behind the carriage return
	marks := (^space | low&^above) & high &^ w
	return marks >> 7 * 0x0102040810204080 >> 56
}

// wide says whether a byte may begin the encoding of white space that is not of ASCII: U+0085 and U+00A0 begin with C2, the others with E1, E2 or E3.
func wide(w uint64) bool {
	found := uint64(0)
	for _, lead := range [...]byte{0xC2, 0xE1, 0xE2, 0xE3} {
		x := w ^ each(lead)
		found |= (x - each(1)) &^ x
	}
	return found&each(0x80) != 0
}

// turns are, by mask, the numbers of the bits that are set, one in each byte from the lowest on.
var turns = func() (all [256]uint64) {
	for mask := range all {
		n := 0
		for bit := range 8 {
			if mask>>bit&1 == 1 {
				all[mask] |= uint64(bit) << (8 * n)
				n++
			}
		}
	}
	return all
}()

// plainWords adds the words of a text; false if there may be white space that it does not know, and then it has added anything. places is its scratch.
func (p *parts) plainWords(text []byte, places *[wordBlock + 8]byte) bool {
	before := uint64(1)    // whether the byte before was a blank
	from, open := 0, false // a word that began in an earlier block
	for base := 0; base < len(text); base += wordBlock {
		block := text[base:min(base+wordBlock, len(text))]
		n := 0
		for i := 0; i < len(block); i += 8 {
			var w uint64
			if i+8 <= len(block) {
				w = binary.LittleEndian.Uint64(block[i:])
			} else {
				w = last(block, i)
			}
			if w&each(utf8.RuneSelf) != 0 && wide(w) {
				return false
			}
			b := blanks(w)
			t := uint8(b ^ (b<<1 | before))
			before = b >> 7
			binary.LittleEndian.PutUint64(places[n:n+8], turns[t]+each(byte(i))) // as many as there are; the rest is overwritten
			n += mathbits.OnesCount8(t)
		}
		if before == 0 && base+len(block) == len(text) {
			places[n] = byte(len(block))
			n++
		}
		found := places[:n]
		if open && n > 0 {
			p.add(from, base+int(found[0]))
			found, open = found[1:], false
		}
		if len(found)&1 == 1 {
			from, open = base+int(found[len(found)-1]), true
		}
		p.addPairs(base, found)
	}
	return true
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
