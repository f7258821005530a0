package fault

import (
	"fmt"
	"strings"
)

// Stage is a stage of the job: its id, as `plan` shows it, and what decides which points it reaches.
type Stage struct {
	ID    string
	State bool // its state is in snapshots: keyed state, or the position of a source
	Sink  bool
}

// Check says whether every rule can fire at all: its stage exists (else the error names the nearest one) and reaches the point, and there
// are checkpoints to break.
func (s *Set) Check(stages []Stage, checkpoints bool) error {
	if s == nil {
		return nil
	}
	choices := make([]Choice, len(stages))
	for i, st := range stages {
		choices[i].Name = st.ID
	}
	for _, r := range s.rules {
		if r.point != Row && !checkpoints {
			return fmt.Errorf("--fault %s: the job takes no checkpoints, so point=%s is never reached", r.text, r.point)
		}
		if r.stage == "" {
			continue
		}
		if !known(choices, r.stage) {
			return fmt.Errorf("--fault %s: %w", r.text, unknown("stage", r.stage, choices))
		}
		for _, st := range stages {
			if st.ID == r.stage {
				if why := r.reaches(st); why != "" {
					return fmt.Errorf("--fault %s: %s %s, so point=%s is never reached there", r.text, st.ID, why, r.point)
				}
			}
		}
	}
	return nil
}

// reaches says why a stage cannot come to the rule's point, "" if it can.
func (r *rule) reaches(st Stage) string {
	switch r.point {
	case Write, Restore:
		if !st.State {
			return "keeps no state"
		}
	case BeforeCommit, MidCommit, AfterCommit:
		if !st.Sink {
			return "is no sink"
		}
	}
	return ""
}

// Complete lists how a half-typed rule can go on, each with its explanation: the whole text up to the end of the word under the cursor.
// stages are the ids of the job's stages, as far as they are known.
func Complete(typed string, stages []string) []Choice {
	head, word := "", typed
	if i := strings.LastIndexByte(typed, ','); i >= 0 {
		head, word = typed[:i+1], typed[i+1:]
	}
	var list []Choice
	add := func(prefix string, choices []Choice) {
		for _, c := range choices {
			if name := prefix + c.Name; strings.HasPrefix(name, word) {
				list = append(list, Choice{head + name, c.Doc})
			}
		}
	}
	key, _, valued := strings.Cut(word, "=")
	switch {
	case head == "":
		add("", Actions())
	case valued && key == "point":
		add("point=", Points())
	case valued && key == "stage":
		for _, id := range stages {
			add("stage=", []Choice{{Name: id}})
		}
	case !valued:
		given := "," + head
		for _, k := range keys() {
			if !strings.Contains(given, ","+k.Name+"=") {
				add("", []Choice{{k.Name + "=", k.Doc}})
			}
		}
	}
	return list
}

func known(choices []Choice, name string) bool {
	for _, c := range choices {
		if c.Name == name {
			return true
		}
	}
	return false
}

func list(choices []Choice) string {
	names := make([]string, len(choices))
	for i, c := range choices {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}

func unknown(kind, name string, choices []Choice) error {
	best, near := "", len(name)/2+1 // further than half of it is no slip of the fingers
	for _, c := range choices {
		d := distance(name, c.Name)
		if strings.HasPrefix(c.Name, name+"/") { // the first part of an id
			d = min(d, 1)
		}
		if d < near {
			best, near = c.Name, d
		}
	}
	if best != "" {
		return fmt.Errorf("unknown %s %q: did you mean %s? There are %s", kind, name, best, list(choices))
	}
	return fmt.Errorf("unknown %s %q: there are %s", kind, name, list(choices))
}

// distance is Levenshtein's, in bytes. grammar/diag has the one for programs; this package stands beside it and imports nothing.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
