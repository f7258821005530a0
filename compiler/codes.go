package compiler

import (
	_ "embed"
	"strings"
	"sync"
)

// Code explains one diagnostic or row error, for `pipec explain` and the reference.
type Code struct {
	Code    string // N201
	Title   string // in a few words
	Why     string // why it is a mistake
	Example string // a program that has it; "" for what happens at run time only
	WayOut  string
}

//go:embed codes.md
var codesText string

// Codes lists every diagnostic of the project, in the order of the reference.
var Codes = sync.OnceValue(func() []Code { return parseCodes(codesText) })

// Explain gives the entry of a code.
func Explain(code string) (Code, bool) {
	for _, c := range Codes() {
		if strings.EqualFold(c.Code, code) {
			return c, true
		}
	}
	return Code{}, false
}

// parseCodes reads the register: a heading, what is wrong, an indented example, the way out.
func parseCodes(text string) []Code {
	var out []Code
	for _, entry := range strings.Split(text, "\n## ")[1:] {
		head, body, _ := strings.Cut(entry, "\n")
		c := Code{}
		c.Code, c.Title, _ = strings.Cut(head, " ")
		var before, after []string
		for line := range strings.Lines(body) {
			switch {
			case strings.HasPrefix(line, "    ") && len(after) == 0:
				c.Example += line[4:]
			case strings.TrimSpace(line) == "":
				if len(before) > 0 && before[len(before)-1] != "" {
					before = append(before, "")
				}
			case c.Example == "" && !(len(before) > 0 && before[len(before)-1] == ""):
				before = append(before, strings.TrimSpace(line))
			default:
				after = append(after, strings.TrimSpace(line))
			}
		}
		c.Why, c.WayOut = strings.TrimSpace(strings.Join(before, " ")), strings.Join(after, " ")
		out = append(out, c)
	}
	return out
}
