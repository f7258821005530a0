package sim

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Generate makes the scenario of a seed, the same one every time. less takes things out of it again: words as Shrink prints them, see reduction.
func Generate(seed uint64, less string) (*Scenario, error) {
	r, err := parseReduction(less)
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(seed, 0x5eed))
	s := &Scenario{Seed: seed, Groups: []int{4, 16, 128}[rng.IntN(3)], Retain: 1 + rng.IntN(3), Loose: rng.IntN(6) == 0, AtMost: rng.IntN(20) == 0}
	s.Job = newJob(seed, size{loose: s.Loose, most: r.rows, pipes: r.pipes})
	full, err := compile(newJob(seed, size{loose: s.Loose}).Text, s.Groups, 1) // its stages are named in faults, also in those of a smaller job
	if err != nil {
		return nil, err
	}
	d := &draw{rng: rng, s: s}
	for _, n := range full.Nodes {
		d.stages = append(d.stages, n.ID)
	}
	d.scenario()
	r.apply(s)
	return s, nil
}

// reduction is what Shrink has taken out: a list of words, each "what=n".
//
//	rows=20   sources have at most 20 rows       fault=2   fault 2 does not happen       tasks=1   no more parallelism than that
//	pipe=1    pipeline 1 is not there            rule=0.1  nor does rule 1 of life 0     lives=2   the third life is calm already
//	batch=1   rows travel alone                  plain=1   no delays, no laziness        sched=7   other interleavings
type reduction struct {
	words  []string
	rows   int
	pipes  map[int]bool
	faults map[int]bool
	rules  map[string]bool
	number map[string]int
}

func parseReduction(text string) (reduction, error) {
	r := reduction{pipes: map[int]bool{}, faults: map[int]bool{}, rules: map[string]bool{}, number: map[string]int{}}
	for _, word := range strings.Fields(text) {
		what, value, _ := strings.Cut(word, "=")
		n, err := strconv.Atoi(value)
		if what == "rule" {
			r.rules[value], err = true, nil
		}
		if err != nil {
			return r, fmt.Errorf("%q is no reduction", word)
		}
		switch what {
		case "rows":
			r.rows = n
		case "pipe":
			r.pipes[n] = true
		case "fault":
			r.faults[n] = true
		case "rule":
		case "tasks", "lives", "batch", "plain", "sched":
			r.number[what] = n
		default:
			return r, fmt.Errorf("%q is no reduction", word)
		}
		r.words = append(r.words, word)
	}
	return r, nil
}

// apply takes out what does not concern the job itself.
func (r reduction) apply(s *Scenario) {
	s.Sched = uint64(r.number["sched"])
	if n, ok := r.number["lives"]; ok && n < len(s.Lives) {
		s.Lives = s.Lives[:n]
	}
	for i := range s.Lives {
		l := &s.Lives[i]
		if n := r.number["tasks"]; n > 0 {
			l.Tasks = min(l.Tasks, n)
		}
		if n := r.number["batch"]; n > 0 {
			l.Batch = n
		}
		if r.number["plain"] > 0 {
			l.Slow, l.Lazy, l.Checkpoint.Timeout = 0, 0, time.Hour
		}
		var rules []string
		for j, rule := range l.Rules {
			if !r.rules[fmt.Sprintf("%d.%d", i, j)] {
				rules = append(rules, rule)
			}
		}
		l.Rules = rules
	}
	var faults []Fault
	for i, f := range s.Faults {
		if !r.faults[i] && f.Life < len(s.Lives) {
			faults = append(faults, f)
		}
	}
	s.Faults = faults
}

// candidates are reductions that go one step further than r, the largest steps first.
func (r reduction) candidates(full *Scenario) []string {
	var list []string
	add := func(format string, args ...any) {
		list = append(list, strings.Join(append(append([]string(nil), r.without(format)...), fmt.Sprintf(format, args...)), " "))
	}
	for n := range len(full.Lives) {
		if now, ok := r.number["lives"]; !ok || n < now {
			add("lives=%d", n)
		}
	}
	for i := range full.Faults {
		if !r.faults[i] {
			add("fault=%d", i)
		}
	}
	for i, l := range full.Lives {
		for j := range l.Rules {
			if name := fmt.Sprintf("%d.%d", i, j); !r.rules[name] {
				add("rule=%s", name)
			}
		}
	}
	for i := range 3 {
		if !r.pipes[i] && len(r.pipes) < 2 {
			add("pipe=%d", i)
		}
	}
	rows := r.rows
	if rows == 0 {
		rows = 80
	}
	for _, n := range []int{rows / 4, rows / 2, rows - 1} {
		if n > 0 && n < rows {
			add("rows=%d", n)
		}
	}
	for _, what := range []string{"tasks", "batch", "plain"} {
		if r.number[what] == 0 {
			add(what+"=%d", 1)
		}
	}
	return list
}

// without lists the words but for the one that the new one replaces.
func (r reduction) without(format string) []string {
	what, _, _ := strings.Cut(format, "=")
	var words []string
	for _, w := range r.words {
		if have, _, _ := strings.Cut(w, "="); have != what || what == "fault" || what == "rule" || what == "pipe" {
			words = append(words, w)
		}
	}
	sort.Strings(words)
	return words
}
