package spec

import (
	"fmt"
	"strings"
	"testing"

	"pipec/compiler"
	"pipec/compiler/plan"
	"pipec/grammar/diag"
)

// settings are what a mode says of the job block; life counts the processes that died.
func (m mode) settings(life int) map[string]string {
	s := map[string]string{"job.state": m.backend, "job.parallelism": fmt.Sprint(m.tasks), "job.batch_size": fmt.Sprint(m.batch)}
	if life > 0 && len(m.rescaled) > 0 {
		s["job.parallelism"] = fmt.Sprint(m.rescaled[(life-1)%len(m.rescaled)])
		s["job.state"] = m.backends[(life-1)%len(m.backends)]
	}
	if m.deltas {
		s["job.state.incremental"] = "true"
	}
	if s["job.state"] == "badger" {
		s["job.state.cache"] = "64KiB"
	}
	if m.every > 0 {
		s["job.checkpoint.interval"] = "10ms"
		s["job.checkpoint.storage"] = "checkpoints"
		s["job.checkpoint.timeout"] = "1h"
	}
	return s
}

// compile makes the plan of the case for one life of a mode. Warnings are expected here; errors are not.
func (c *testCase) compile(t *testing.T, m mode, life int) *plan.Plan {
	t.Helper()
	load := func(path string) (string, error) {
		if text := c.text(path); text != "" {
			return text, nil
		}
		return "", fmt.Errorf("the case has no file %s", path)
	}
	r := compiler.Check(compiler.Options{File: "job.pipe", Text: c.text("job.pipe"), Sets: m.settings(life), Load: load, Site: c.site()})
	if r.Plan == nil {
		var b strings.Builder
		_ = diag.Render(&b, r.List, r.Sources, false)
		t.Fatalf("it does not compile:\n%s", b.String())
	}
	if m.every > 0 {
		r.Plan.Job.Checkpoint.Interval = m.every // shorter than the language allows: these inputs are small
	}
	return r.Plan
}

// site is the configuration file of a case that has one.
func (c *testCase) site() *compiler.Site {
	if text := c.text("site.conf"); text != "" {
		return &compiler.Site{Name: "site.conf", Text: text}
	}
	return nil
}
