package fn

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"pipec/vm/value"
)

func texts() []*Spec {
	return inFamily("text", []*Spec{
		{Name: "upper", Doc: "The text in capital letters, character by character.", Params: []string{"text: string"}, Flink: "UPPER($1)",
			Check: takes(gives(value.String), aText), Eval: func(c *Call) { mapText(c, upper) },
			Examples: []Example{{`upper("abc")`, `"ABC"`}, {`upper("straße é")`, `"STRAßE É"`}}},
		{Name: "lower", Doc: "The text in small letters, character by character.", Params: []string{"text: string"}, Flink: "LOWER($1)",
			Check: takes(gives(value.String), aText), Eval: func(c *Call) { mapText(c, lower) },
			Examples: []Example{{`lower("ABC")`, `"abc"`}, {`lower("ÉTÉ 1")`, `"été 1"`}}},
		{Name: "trim", Doc: "The text without Unicode white space at both ends, or without any of the given characters.", Params: []string{"text: string", "characters: string"},
			Optional: 1, Flink: "TRIM($1)", Check: takes(gives(value.String), aText), Eval: trim,
			Examples: []Example{{`trim("  a b\n")`, `"a b"`}, {`trim("--a-b--", "-")`, `"a-b"`}, {`trim(" ")`, `""`}}},
		{Name: "reverse", Doc: "The characters in opposite order.", Params: []string{"text: string"}, Flink: "REVERSE($1)",
			Check: takes(gives(value.String), aText), Eval: func(c *Call) { mapText(c, reverse) },
			Examples: []Example{{`reverse("abc")`, `"cba"`}, {`reverse("né")`, `"én"`}}},
		{Name: "substr", Doc: "n characters from the character at position `from` (0 is the first) on; what lies outside of the text is left out.",
			Params: []string{"text: string", "from: int", "n: int"}, Optional: 1, Flink: "SUBSTRING($1, $2 + 1, $3)",
			Check: takes(gives(value.String), aText, anInt), Eval: substr,
			Examples: []Example{{`substr("héllo", 1, 3)`, `"éll"`}, {`substr("abc", 1)`, `"bc"`}, {`substr("abc", -1, 2)`, `"a"`}, {`substr("abc", 5, 2)`, `""`}}},
		{Name: "replace", Doc: "The text with every occurrence of `old` replaced by `new`.", Params: []string{"text: string", "old: string", "new: string"}, Flink: "REPLACE($1, $2, $3)",
			Check: takes(gives(value.String), aText), Eval: replace,
			Examples: []Example{{`replace("a-b-c", "-", "")`, `"abc"`}, {`replace("aaa", "aa", "b")`, `"ba"`}, {`replace("abc", "", "x")`, `"abc"`}}},
		{Name: "starts_with", Doc: "Whether the text begins with the other one.", Params: []string{"text: string", "start: string"}, Flink: "STARTSWITH($1, $2)",
			Check: takes(gives(value.Bool), aText), Eval: func(c *Call) { testText(c, bytes.HasPrefix) },
			Examples: []Example{{`starts_with("abc", "ab")`, `true`}, {`starts_with("abc", "b")`, `false`}}},
		{Name: "ends_with", Doc: "Whether the text ends with the other one.", Params: []string{"text: string", "end: string"}, Flink: "ENDSWITH($1, $2)",
			Check: takes(gives(value.Bool), aText), Eval: func(c *Call) { testText(c, bytes.HasSuffix) },
			Examples: []Example{{`ends_with("abc", "bc")`, `true`}, {`ends_with("abc", "b")`, `false`}}},
		{Name: "concat", Doc: "The texts one after the other.", Params: []string{"text: string"}, Variadic: true, Flink: "CONCAT($*)",
			Check: takes(gives(value.String), aText), Eval: concat,
			Examples: []Example{{`concat("a", "b", "c")`, `"abc"`}, {`concat("a text of more than ", "twelve bytes")`, `"a text of more than twelve bytes"`}}},
		{Name: "repeat", Doc: "The text n times; none for n below 1. A result above 1 MiB is a row error.", Params: []string{"text: string", "n: int"}, CanFail: true, Flink: "REPEAT($1, $2)",
			Check: takes(gives(value.String), aText, anInt), Eval: repeat,
			Examples: []Example{{`repeat("ab", 3)`, `"ababab"`}, {`repeat("ab", -1)`, `""`}}},
		{Name: "pad_left", Doc: "The text, filled up at its start to n characters; a longer text stays as it is.", Params: []string{"text: string", "n: int", "fill: string"}, Optional: 1,
			CanFail: true, Check: takes(gives(value.String), aText, anInt, aText), Eval: func(c *Call) { pad(c, true) },
			Examples: []Example{{`pad_left("7", 3, "0")`, `"007"`}, {`pad_left("abc", 2)`, `"abc"`}, {`pad_left("a", 4, "xy")`, `"xyxa"`}}},
		{Name: "pad_right", Doc: "The text, filled up at its end to n characters; a longer text stays as it is.", Params: []string{"text: string", "n: int", "fill: string"}, Optional: 1,
			CanFail: true, Check: takes(gives(value.String), aText, anInt, aText), Eval: func(c *Call) { pad(c, false) },
			Examples: []Example{{`pad_right("ab", 4)`, `"ab  "`}, {`pad_right("é", 3, ".")`, `"é.."`}}},
	})
}

// maxText bounds what one call can make of a small row.
const maxText = 1 << 20

// mapText computes texts: f appends the result for one text. Results that fit a view leave the arena again.
func mapText(c *Call, f func(dst, text []byte) []byte) {
	writeText(c, func(dst []byte, r int) []byte { return f(dst, c.Args[0].Text(r)) })
}

// writeText computes texts: f appends the result of one row.
func writeText(c *Call, f func(dst []byte, row int) []byte) {
	out := c.Out
	buf, arena := out.Arena()
	for _, r := range c.Rows {
		from := len(arena)
		arena = f(arena, int(r))
		out.View[r] = value.MakeView(arena[from:], uint32(buf), uint32(from))
		if len(arena)-from <= value.InlineView {
			arena = arena[:from]
		}
	}
	out.SetArena(buf, arena)
}

func testText(c *Call, test func(text, part []byte) bool) {
	for _, r := range c.Rows {
		c.Out.Bool[r] = test(c.Args[0].Text(int(r)), c.Args[1].Text(int(r)))
	}
}

func upper(dst, text []byte) []byte {
	from := len(dst)
	dst = append(dst, text...)
	for i, b := range dst[from:] {
		if b >= utf8.RuneSelf {
			return mapRunes(dst[:from+i], text[i:], unicode.ToUpper)
		}
		if b-'a' < 26 {
			dst[from+i] = b - ('a' - 'A')
		}
	}
	return dst
}

func lower(dst, text []byte) []byte {
	from := len(dst)
	dst = append(dst, text...)
	for i, b := range dst[from:] {
		if b >= utf8.RuneSelf {
			return mapRunes(dst[:from+i], text[i:], unicode.ToLower)
		}
		if b-'A' < 26 {
			dst[from+i] = b + ('a' - 'A')
		}
	}
	return dst
}

func mapRunes(dst, text []byte, f func(rune) rune) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		dst = utf8.AppendRune(dst, f(r))
		text = text[size:]
	}
	return dst
}

func reverse(dst, text []byte) []byte {
	for len(text) > 0 {
		_, size := utf8.DecodeLastRune(text)
		dst = append(dst, text[len(text)-size:]...)
		text = text[:len(text)-size]
	}
	return dst
}

// trim and substr give parts of their argument: the views point into its blocks.
func trim(c *Call) {
	v := c.Args[0]
	c.Out.ShareBufs(v)
	for _, r := range c.Rows {
		text := v.Text(int(r))
		var from, to int
		if len(c.Args) == 1 {
			to = len(bytes.TrimRightFunc(text, unicode.IsSpace))
			from = to - len(bytes.TrimLeftFunc(text[:to], unicode.IsSpace))
		} else {
			cut := c.Args[1].Text(int(r))
			in := func(r rune) bool { return bytes.ContainsRune(cut, r) }
			to = len(bytes.TrimRightFunc(text, in))
			from = to - len(bytes.TrimLeftFunc(text[:to], in))
		}
		c.Out.View[r] = v.Part(int(r), from, to)
	}
}

func substr(c *Call) {
	v := c.Args[0]
	c.Out.ShareBufs(v)
	for _, r := range c.Rows {
		text, from := v.Text(int(r)), c.Args[1].I64[r]
		to := int64(len(text))
		if len(c.Args) == 3 {
			to = from + max(c.Args[2].I64[r], 0)
			if from > 0 && to < from {
				to = int64(len(text)) // n is beyond every text
			}
		}
		a := skip(text, from)
		b := a + skip(text[a:], to-max(from, 0))
		c.Out.View[r] = v.Part(int(r), a, b)
	}
}

// skip is the length in bytes of the first n characters of text, or of all of it.
func skip(text []byte, n int64) int {
	i := 0
	for ; n > 0 && i < len(text); n-- {
		if text[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, size := utf8.DecodeRune(text[i:])
		i += size
	}
	return i
}

func replace(c *Call) {
	writeText(c, func(dst []byte, r int) []byte {
		text, old, by := c.Args[0].Text(r), c.Args[1].Text(r), c.Args[2].Text(r)
		for len(old) > 0 {
			i := bytes.Index(text, old)
			if i < 0 {
				break
			}
			dst = append(append(dst, text[:i]...), by...)
			text = text[i+len(old):]
		}
		return append(dst, text...)
	})
}

func concat(c *Call) {
	writeText(c, func(dst []byte, r int) []byte {
		for _, a := range c.Args {
			dst = append(dst, a.Text(r)...)
		}
		return dst
	})
}

func repeat(c *Call) {
	writeText(c, func(dst []byte, r int) []byte {
		text, n := c.Args[0].Text(r), c.Args[1].I64[r]
		if n > 0 && n > maxText/int64(max(len(text), 1)) {
			c.Fail(int32(r), codeRange, "the repeated text is larger than 1 MiB")
			return dst
		}
		for ; n > 0; n-- {
			dst = append(dst, text...)
		}
		return dst
	})
}

func pad(c *Call, left bool) {
	writeText(c, func(dst []byte, r int) []byte {
		text, n, fill := c.Args[0].Text(r), c.Args[1].I64[r], []byte(" ")
		if len(c.Args) == 3 {
			fill = c.Args[2].Text(r)
		}
		missing := n - int64(utf8.RuneCount(text))
		if missing > maxText/utf8.UTFMax {
			c.Fail(int32(r), codeRange, "the padded text is larger than 1 MiB")
			return dst
		}
		if !left {
			dst = append(dst, text...)
		}
		for rest := fill; missing > 0 && len(fill) > 0; missing-- {
			if len(rest) == 0 {
				rest = fill
			}
			_, size := utf8.DecodeRune(rest)
			dst = append(dst, rest[:size]...)
			rest = rest[size:]
		}
		if left {
			dst = append(dst, text...)
		}
		return dst
	})
}
