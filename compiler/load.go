package compiler

import (
	"path"
	"strings"

	"pipec/compiler/check"
	"pipec/compiler/config"
	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
)

// compilation is one run of the passes.
type compilation struct {
	o       Options
	list    diag.List
	sources diag.Sources
	text    strings.Builder // all files, the root first
	modules map[string]*module
	order   []*module // in the order of loading, the root first
	root    *module
	job     plan.Job
	jobDecl *grammar.Job
	build   build
	plan    *plan.Plan
}

// module is one file.
type module struct {
	c       *compilation
	file    *grammar.File
	path    string
	prefix  string // of the names of its nodes: the `as` of the import
	loading bool
	symbols map[string]*symbol // what is declared here
	imports []*module          // whose declarations are names here
	named   map[string]*module // import ... as name
	expr    *check.Checker     // over rows
	setting *check.Checker     // over settings and defaults: `env` and `${...}` have a meaning
	reader  config.Reader
}

// load parses the program and, recursively, what it imports. Each file is loaded once.
func (c *compilation) load() {
	c.root = c.parse(c.o.File, c.o.Text)
	c.importsOf(c.root)
}

// parse makes the module of a file.
func (c *compilation) parse(name, text string) *module {
	file, mistakes := grammar.Parse(name, []byte(text))
	c.list = append(c.list, mistakes...)
	c.sources[name] = file.Text
	// What the snapshot calls the program is all files behind each other; the line says where one ends.
	if c.text.Len() > 0 {
		c.text.WriteString("\n// " + path.Base(name) + "\n")
	}
	c.text.WriteString(text)
	m := &module{c: c, file: file, path: name, symbols: map[string]*symbol{}, named: map[string]*module{}}
	env := c.o.Env
	if env == nil {
		env = func(string) (string, bool) { return "", false }
	}
	// When something runs, a variable that is not set is empty, and that is an error where it is needed. When nothing runs, nobody knows what it will be.
	known := func(name string) (string, bool) {
		text, ok := env(name)
		return text, ok || !c.o.Validate
	}
	m.expr = &check.Checker{Names: names{m: m}, List: &c.list}
	m.setting = &check.Checker{Names: names{m: m}, List: &c.list, Env: known, Here: path.Dir(name)}
	m.reader = config.Reader{Exprs: m.setting, List: &c.list}
	c.modules[name] = m
	c.order = append(c.order, m)
	return m
}

// importsOf loads the imports of a module.
func (c *compilation) importsOf(m *module) {
	m.loading = true
	for _, d := range m.file.Decls {
		if i, ok := d.(*grammar.Import); ok && !i.Broken && i.Path != nil {
			c.importOne(m, i)
		}
	}
	m.loading = false
}

func (c *compilation) importOne(m *module, i *grammar.Import) {
	name := i.Path.Value()
	full := name
	if !path.IsAbs(name) {
		full = path.Join(path.Dir(m.path), name)
	}
	target := c.modules[full]
	switch {
	case target != nil && target.loading:
		c.list.Errorf("J704", i.Path.Span(), "%q imports itself", path.Base(full)).WithHelp("imports cannot go in a circle: move what both need into a third file")
		return
	case target == nil:
		if c.o.Load == nil {
			c.list.Errorf("N210", i.Path.Span(), "there are no files to import here")
			c.ghostImport(m, i)
			return
		}
		text, err := c.o.Load(full)
		if err != nil {
			c.list.Errorf("N210", i.Path.Span(), "%q cannot be read: %s", name, err).WithHelp("the path is relative to the folder of this file")
			c.ghostImport(m, i)
			return
		}
		target = c.parse(full, text)
		if i.As != nil {
			target.prefix = i.As.Text
		}
		c.importsOf(target)
	}
	if i.As == nil {
		m.imports = append(m.imports, target)
		return
	}
	m.named[i.As.Text] = target
}

// ghostImport keeps silent about names that the import would have brought.
func (c *compilation) ghostImport(m *module, i *grammar.Import) {
	if i.As != nil {
		m.named[i.As.Text] = nil
		return
	}
	m.imports = append(m.imports, nil)
}
