package format

import (
	"unicode/utf16"
	"unicode/utf8"

	"pipec/connector/format/swar"
)

// blanks steps over JSON white space up to the end of the line.
func blanks(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

// str reads a string that begins at i, behind its quote, and gives where its closing quote is, or -1. plain says that it holds no escapes, so that
// data[i:end] is its text.
func (d *jsonDecoder) str(data []byte, i int) (end int, plain bool) {
	end = swar.StringStop(data, i)
	if end < len(data) && data[end] == '"' {
		return end, true
	}
	return d.strLong(data, i, end)
}

// strLong is str from its first stop on, that is no quote.
func (d *jsonDecoder) strLong(data []byte, i, j int) (end int, plain bool) {
	plain = true
	for j < len(data) {
		switch c := data[j]; {
		case c == '"':
			if !utf8.Valid(data[i:j]) {
				d.malformed(firstInvalid(data, i), "valid UTF-8")
				return -1, false
			}
			return j, plain
		case c == '\\':
			n := escape(data[j:])
			if n == 0 {
				return d.malformed(j, "an escape that JSON has"), false
			}
			plain = false
			j += n
		case c == '\n':
			return d.malformed(j, "the closing quote"), false
		case c < ' ':
			return d.malformed(j, "no control character"), false
		}
		j = swar.StringStopBeyond(data, j)
	}
	return d.malformed(j, "the closing quote"), false
}

func firstInvalid(data []byte, i int) int {
	for i < len(data) {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return i
}

// escape is the length of the escape sequence at the head of b, 0 if it is none. Halves of a surrogate pair count as one sequence, and only together.
func escape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		r := hex(b)
		if r < 0 {
			return 0
		}
		if !utf16.IsSurrogate(r) {
			return 6
		}
		if utf16.DecodeRune(r, hex(b[6:])) != utf8.RuneError {
			return 12
		}
	}
	return 0
}

// hex is the number that the four digits of an escape \u at the head of b stand for, or -1.
func hex(b []byte) (r rune) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	for _, c := range b[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// unescape appends what a string stands for. Its escapes are known to be good.
func unescape(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		j := i
		for j < len(text) && text[j] != '\\' {
			j++
		}
		dst = append(dst, text[i:j]...)
		if j == len(text) {
			break
		}
		i = j + 2
		switch c := text[j+1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := hex(text[j:])
			i = j + 6
			if utf16.IsSurrogate(r) {
				r = utf16.DecodeRune(r, hex(text[i:]))
				i += 6
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

func digit(data []byte, i int) bool { return i < len(data) && data[i]-'0' <= 9 }

func digits(data []byte, i int) int {
	for digit(data, i) {
		i++
	}
	return i
}

// number finds the end of the number at i, or says -1 and why. whole says that it has neither point nor exponent.
func (d *jsonDecoder) number(i int) (end int, whole bool) {
	data := d.data
	if data[i] == '-' {
		i++
	}
	if !digit(data, i) {
		return d.malformed(i, "a digit"), false
	}
	if whole = true; data[i] == '0' {
		i++
	} else {
		i = digits(data, i)
	}
	if i < len(data) && data[i] == '.' {
		if i++; !digit(data, i) {
			return d.malformed(i, "a digit"), false
		}
		i, whole = digits(data, i), false
	}
	if i < len(data) && data[i]|0x20 == 'e' {
		if i++; i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		if !digit(data, i) {
			return d.malformed(i, "a digit"), false
		}
		i, whole = digits(data, i), false
	}
	return i, whole
}

// has says whether the word stands at i.
func has(data []byte, i int, word string) bool {
	return len(data)-i >= len(word) && string(data[i:i+len(word)]) == word
}

// scalar steps over a string, number, true, false or null.
func (d *jsonDecoder) scalar(i int) (end int) {
	data := d.data
	if i >= len(data) {
		return d.malformed(i, "a value")
	}
	switch c := data[i]; {
	case c == '"':
		if end, _ = d.str(data, i+1); end < 0 {
			return -1
		}
		return end + 1
	case c == '-' || c-'0' <= 9:
		if _, end = swar.Int(data, i); end > 0 && plainInt(data, i, end) {
			return end
		}
		end, _ = d.number(i)
		return end
	case has(data, i, "true"), has(data, i, "null"):
		return i + 4
	case has(data, i, "false"):
		return i + 5
	}
	return d.malformed(i, "a value")
}

// skip steps over the value at i, which may be nested as deep as maxDepth allows, and gives where it ends, or -1. It checks all of it.
func (d *jsonDecoder) skip(i int) int {
	data := d.data
	for depth := 0; ; {
		// A value begins at i.
		if i < len(data) && (data[i] == '{' || data[i] == '[') {
			if depth+d.depth >= maxDepth {
				return d.malformed(i, "less nesting")
			}
			isObject := data[i] == '{'
			d.push(depth, isObject)
			depth++
			if i = blanks(data, i+1); i < len(data) && data[i] == closing(isObject) {
				i++
				depth--
			} else {
				if isObject {
					i = d.skipKey(i)
				}
				if i < 0 {
					return -1
				}
				continue
			}
		} else if i = d.scalar(i); i < 0 {
			return -1
		}
		// A value has ended at i.
		more := false
		for depth > 0 && !more {
			isObject := d.nest[(depth-1)>>6]>>((depth-1)&63)&1 == 1
			i = blanks(data, i)
			switch {
			case i < len(data) && data[i] == ',':
				if i = blanks(data, i+1); isObject {
					if i = d.skipKey(i); i < 0 {
						return -1
					}
				}
				more = true
			case i < len(data) && data[i] == closing(isObject):
				i++
				depth--
			default:
				return d.malformed(i, `"," or "`+string(rune(closing(isObject)))+`"`)
			}
		}
		if !more {
			return i
		}
	}
}

// push notes what kind of value is open at the depth.
func (d *jsonDecoder) push(depth int, isObject bool) {
	d.nest[depth>>6] &^= 1 << (depth & 63)
	if isObject {
		d.nest[depth>>6] |= 1 << (depth & 63)
	}
}

func closing(isObject bool) byte {
	if isObject {
		return '}'
	}
	return ']'
}

// skipKey steps over a key, its colon and the blanks around it.
func (d *jsonDecoder) skipKey(i int) int {
	data := d.data
	if i >= len(data) || data[i] != '"' {
		return d.malformed(i, "a key in quotes")
	}
	end, _ := d.str(data, i+1)
	if end < 0 {
		return -1
	}
	if i = blanks(data, end+1); i >= len(data) || data[i] != ':' {
		return d.malformed(i, `":"`)
	}
	return blanks(data, i+1)
}
