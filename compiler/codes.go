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

// Family is the diagnostics whose codes begin with one letter.
type Family struct{ Letter, Doc string }

// Families lists the families, in the order of the reference.
func Families() []Family {
	return []Family{
		{"P", "the grammar"}, {"N", "names"}, {"T", "types and null"}, {"S", "streams"}, {"C", "configuration"}, {"J", "the job as a whole"},
		{"K", "what this version does not run yet"}, {"E", "rows that fail while the job runs"},
	}
}

// AtRunTime says whether the code belongs to a run rather than to a program.
func (c Code) AtRunTime() bool { return c.Code[0] == 'E' || strings.HasPrefix(c.Code, "J71") }

// Program is the example as a whole program: with the source that it reads.
func (c Code) Program() string {
	if !strings.Contains(c.Example, "from orders") {
		return c.Example
	}
	return c.Example + "\n" + ExampleSource()
}

// ExampleSource is the source `orders` that examples read.
var ExampleSource = sync.OnceValue(func() string {
	intro, _, _ := strings.Cut(codesText, "\n## ")
	var b strings.Builder
	for line := range strings.Lines(intro) {
		if code, ok := strings.CutPrefix(line, "    "); ok {
			b.WriteString(code)
		}
	}
	return b.String()
})

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
