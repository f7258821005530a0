// Package fit says whether a snapshot can be restored into a plan: key groups, the encoding of keys, and the signature of every state.
package fit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"pipec/checkpoint"
	"pipec/compiler/plan"
	"pipec/vm/value"
)

// Check compares a snapshot with the plan: key groups, and the signature of every state. State without a stage is refused unless the user allows it; a
// stage without state starts empty (Flink's Checkpoints.loadAndValidateCheckpoint).
func Check(p *plan.Plan, m *checkpoint.Manifest, allow bool) error {
	job := &p.Job
	switch {
	case m.Encoding != value.KeyVersion:
		return fmt.Errorf("its keys are encoded in version %d, this engine writes %d", m.Encoding, value.KeyVersion)
	case job.MaxSet && job.MaxParallel != m.MaxParallelism:
		return fmt.Errorf("it was taken with max_parallelism %d, and the job sets %d: leave it out or set the same", m.MaxParallelism, job.MaxParallel)
	case job.Parallelism > m.MaxParallelism:
		return fmt.Errorf("parallelism %d is above its max_parallelism, %d", job.Parallelism, m.MaxParallelism)
	}
	job.MaxParallel = m.MaxParallelism
	var orphans []string
	for _, old := range m.Nodes {
		if old.Signature == nil {
			continue
		}
		n := p.Find(old.ID)
		if n == nil || n.State == nil {
			orphans = append(orphans, old.ID)
			continue
		}
		if why := differs(n.State, old.Signature); why != "" {
			return fmt.Errorf("J711: the state of %s has another signature: %s", old.ID, why)
		}
	}
	if len(orphans) > 0 && !allow {
		sort.Strings(orphans)
		return fmt.Errorf("J710: it holds the state of %s, which this program has not: give the stage its old name with `with { id = %q }`, or leave the state behind with -n",
			strings.Join(orphans, ", "), orphans[0])
	}
	return nil
}

// Ends compares what a snapshot holds of sources, the positions they were read to, and of sinks, the output it promises to publish, with the plan. A source
// that nobody continues would be read from its beginning under its new name, and every row count twice; output that nobody takes is never published. Both are refused like
// state without a stage; left is what the user allows to be left behind.
func Ends(p *plan.Plan, sources, sinks []string, allow bool) (left []string, err error) {
	for kind, ids := range map[string][]string{"source": sources, "sink": sinks} {
		for _, id := range ids {
			if n := p.Find(id); n == nil || n.Kind != kind {
				left = append(left, id)
			}
		}
	}
	sort.Strings(left)
	if len(left) == 0 || allow {
		return left, nil
	}
	return nil, fmt.Errorf("J710: it holds how far %s had come, which this program has not: give sources and sinks their old names, or leave that behind with -n: a source "+
		"begins anew then, and output of a sink that was not published yet never will be", strings.Join(left, ", "))
}

// differs says in which way two signatures differ, "" if they do not.
func differs(now *plan.Signature, then json.RawMessage) string {
	var old plan.Signature
	if err := json.Unmarshal(then, &old); err != nil {
		return "it cannot be read: " + err.Error()
	}
	a, _ := json.Marshal(now)
	b, _ := json.Marshal(&old)
	switch {
	case bytes.Equal(a, b):
		return ""
	case len(now.Key) != len(old.Key):
		return fmt.Sprintf("the key had %d columns, now %d", len(old.Key), len(now.Key))
	case now.Window != old.Window:
		return fmt.Sprintf("the window was `%s`, now `%s`", old.Window, now.Window)
	}
	for i := range now.Key {
		if !now.Key[i].Equal(old.Key[i]) {
			return fmt.Sprintf("column %d of the key was %s, now %s", i+1, old.Key[i], now.Key[i])
		}
	}
	return fmt.Sprintf("it computed %s, now %s", strings.Join(old.Fields, ", "), strings.Join(now.Fields, ", "))
}
