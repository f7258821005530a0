package compiler

import (
	"path"
	"runtime"
	"strconv"

	"pipec/compiler/config"
	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
)

// jobBlock resolves the job from its layers: the command line, the block of the root file, the configuration file, what is built in.
func (c *compilation) jobBlock() {
	var below []config.Layer
	table := config.JobTable()
	if d := c.jobDecl; d != nil && !d.Broken {
		below = append(below, config.Layer{Name: config.JobBlock, Given: c.root.reader.Given(table, d.Body)})
	}
	if c.o.Site != nil {
		below = append(below, c.siteLayer(table))
	}
	sets := map[string]string{}
	for k, v := range c.o.Sets {
		sets[k] = v
	}
	if c.o.Parallelism > 0 {
		sets["job.parallelism"] = strconv.Itoa(c.o.Parallelism)
	}
	layers := append([]config.Layer{config.Sets(sets, below, c.root.setting, &c.list)}, below...)
	cores := c.o.Cores
	if cores == 0 {
		cores = runtime.GOMAXPROCS(0)
	}
	c.job = config.Resolve(layers, cores, &c.list)
	if d := c.jobDecl; d != nil && d.Name != nil {
		c.job.Name = d.Name.Text
	}
	c.checkpointed()
}

// siteLayer reads the configuration file: one job block without a name.
func (c *compilation) siteLayer(table config.Table) config.Layer {
	site := c.o.Site
	text := c.text // the file is no part of the program
	c.text.Reset()
	m := c.parse(site.Name, site.Text)
	c.text.Reset()
	c.text.WriteString(text.String())
	c.order = c.order[:len(c.order)-1]
	layer := config.Layer{Name: site.Name}
	seen := false
	for _, d := range m.file.Decls {
		job, ok := d.(*grammar.Job)
		switch {
		case d.DeclHead().Broken:
		case !ok || seen:
			c.list.Errorf("C502", d.Keyword(), "a configuration file holds one `job { ... }` block and nothing else").
				WithHelp("it gives defaults for all jobs of this machine; what a job does is said in its own file")
		case job.Name != nil:
			c.list.Errorf("C502", job.Name.Span(), "the job block of a configuration file has no name").With("write `job { ... }`")
			fallthrough
		default:
			seen = true
			layer.Given = m.reader.Given(table, job.Body)
		}
	}
	return layer
}

// checkpointed reports what a job with checkpoints lacks.
func (c *compilation) checkpointed() {
	if !c.job.Checkpoint.Enabled() {
		return
	}
	at := c.start()
	if c.jobDecl != nil {
		at = c.jobDecl.Keyword()
	}
	if c.job.Name == "" {
		c.list.Errorf("C507", at, "a job with checkpoints needs a name").With("write `job some_name { ... }`").
			WithHelp("it names the directory of its checkpoints: the next run finds them there")
	}
	if c.job.Checkpoint.Storage == "" {
		c.list.Warnf("C513", at, "these checkpoints end with the process: `state memory` keeps them in it").
			WithHelp("a restart inside the process uses them; to survive its end, say where they go: `storage = \"...\"` in `checkpoint`, or `state fs`")
	}
}

// start is the first place of the program, for what is missing in it.
func (c *compilation) start() diag.Span {
	p := diag.Pos{Line: 1, Column: 1}
	return diag.Span{File: path.Clean(c.o.File), Start: p, End: p}
}

// origin gives the resolved job's line of --explain-config for a path, for tests and reports.
func origin(j plan.Job, path string) (plan.Origin, bool) {
	for _, o := range j.Origins {
		if o.Path == path {
			return o, true
		}
	}
	return plan.Origin{}, false
}
