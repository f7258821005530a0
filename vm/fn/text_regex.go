package fn

import (
	"fmt"
	"regexp"

	"pipec/vm/value"
)

func regexes() []*Spec {
	return inFamily("text", []*Spec{
		{Name: "regex_replace", Doc: "The text with every match of the regular expression (RE2) replaced; $1 or ${name} in the replacement stand for groups.",
			Params: []string{"text: string", "pattern: constant string", "replacement: string"}, Flink: "REGEXP_REPLACE($1, $2, $3)",
			Check: constantText(takes(gives(value.String), aText), 1, pattern), Eval: regexReplace,
			Examples: []Example{{`regex_replace("a1b22", "[0-9]+", "#")`, `"a#b#"`}, {`regex_replace("k=v", "(.)=(.)", "$2=$1")`, `"v=k"`}}},
		{Name: "regex_extract", Doc: "The first match of the regular expression (RE2) in the text, or its n-th group; null if there is none.",
			Params: []string{"text: string", "pattern: constant string", "group: int"}, Optional: 1, CanNull: true, Flink: "REGEXP_EXTRACT($1, $2, $3)",
			Check: constantText(takes(gives(value.String), aText, aText, anInt), 1, pattern), Eval: regexExtract,
			Examples: []Example{{`regex_extract("id=42;", "[0-9]+")`, `"42"`}, {`regex_extract("id=42;", "([a-z]+)=([0-9]+)", 1)`, `"id"`}, {`regex_extract("abc", "[0-9]")`, `null`}}},
	})
}

func pattern(text string) error {
	if _, err := regexp.Compile(text); err != nil {
		return fmt.Errorf("%q is no regular expression: %v", text, err)
	}
	return nil
}

// compiled is the constant pattern of the call. The checker has compiled it before.
func compiled(c *Call) *regexp.Regexp {
	return cached(c, func() *regexp.Regexp { return regexp.MustCompile(c.Lits[1].Text) })
}

func regexReplace(c *Call) {
	exp := compiled(c)
	writeText(c, func(dst []byte, r int) []byte {
		text, by := c.Args[0].Text(r), c.Args[2].Text(r)
		last := 0
		for _, m := range exp.FindAllSubmatchIndex(text, -1) {
			dst = append(dst, text[last:m[0]]...)
			dst = exp.Expand(dst, by, text, m)
			last = m[1]
		}
		return append(dst, text[last:]...)
	})
}

func regexExtract(c *Call) {
	exp, v := compiled(c), c.Args[0]
	c.Out.ShareBufs(v)
	for _, r := range c.Rows {
		group := int64(0)
		if len(c.Args) == 3 {
			group = c.Args[2].I64[r]
		}
		m := exp.FindSubmatchIndex(v.Text(int(r)))
		if group < 0 || 2*group >= int64(len(m)) || m[2*group] < 0 {
			c.Out.SetNull(int(r), c.N)
			continue
		}
		c.Out.View[r] = v.Part(int(r), m[2*group], m[2*group+1])
	}
}
