package compiler

import (
	"pipec/grammar"
	"pipec/vm/op"
)

// refused are declarations of the language that this engine does not run yet. They are parsed and formatted, and refused at their keyword; what uses them
// has unknown columns. The stages have their own list (vm/op).
func (c *compilation) refused(d grammar.Decl) bool {
	code, what, help := "", "", ""
	switch d := d.(type) {
	case *grammar.Source:
		if d.Table {
			code, what, help = "K931", "table", "bring its rows into the stream with `union`, and take the newest with `last(...)` in `aggregate`"
		}
	case *grammar.Process:
		code, what, help = "K905", "process", "what one row or one group decides is said by `derive`, `where` and `aggregate`"
	case *grammar.Test:
		code, what, help = "K932", "test", "run the job on a small file and compare its output"
	}
	if code == "" {
		return false
	}
	c.list.Errorf(code, d.Keyword(), "`%s` does not run yet", what).WithHelp("%s", help)
	return true
}

// misspelt adds to each stage that does not exist (P120) what the stage that was probably meant is worth, if it does not run yet: the parser, which knows what was
// meant, does not know that.
func (c *compilation) misspelt() {
	for _, d := range c.list {
		if d.Code != "P120" || d.Fix == nil {
			continue
		}
		if s, ok := op.Lookup(d.Fix.Text); ok && s.Later != "" {
			d.WithHelp("`%s` does not run yet: %s", s.Verb, s.Later)
		}
	}
}
