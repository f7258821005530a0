package fault

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Choice is a word of a rule with its explanation.
type Choice struct{ Name, Doc string }

// Actions returns the actions, for help and completion.
func Actions() []Choice {
	return []Choice{
		{string(Fail), "the task fails with a named error"},
		{string(Crash), "the process kills itself with SIGKILL"},
		{string(Slow), "waits `by`"},
		{string(IO), "the storage answers with an I/O error"},
	}
}

// Points returns the points, for help and completion.
func Points() []Choice {
	return []Choice{
		{string(Row), "a stage takes its N-th row"},
		{string(Snapshot), "a task cuts its state"},
		{string(Write), "a state file is written"},
		{string(BeforeMetadata), "all state is written, _metadata is not"},
		{string(AfterMetadata), "between _metadata and the history record"},
		{string(BeforeCommit), "between the history record and the sinks"},
		{string(MidCommit), "between two outputs of one commit"},
		{string(AfterCommit), "all sinks have committed"},
		{string(Restore), "a task reads its state back"},
	}
}

func keys() []Choice {
	return []Choice{
		{"point", "where"}, {"stage", "only there"}, {"checkpoint", "only at the one with this id"}, {"row", "number of the row"},
		{"nth", "the first nth-1 times pass"}, {"times", "how often, 1 if not given"}, {"by", "how long slow waits"},
	}
}

// Parse reads the values of `--fault`: ACTION,point=POINT[,stage=ID][,checkpoint=N][,row=N][,nth=N][,times=N][,by=DURATION].
// No values give a nil Set. Errors name the value and what is wrong with it.
func Parse(specs []string) (*Set, error) {
	if len(specs) == 0 {
		return nil, nil
	}
	s := &Set{Kill: killSelf, Wait: time.Sleep, rows: map[string]int64{}}
	for _, text := range specs {
		r, err := parseRule(text)
		if err != nil {
			return nil, fmt.Errorf("--fault %s: %w", text, err)
		}
		s.rules = append(s.rules, r)
	}
	s.arm()
	return s, nil
}

func parseRule(text string) (*rule, error) {
	parts := strings.Split(text, ",")
	r := &rule{text: text, action: Action(parts[0]), nth: 1, times: 1}
	if !known(Actions(), parts[0]) {
		return nil, unknown("action", parts[0], Actions())
	}
	given := map[string]bool{}
	for _, part := range parts[1:] {
		key, value, ok := strings.Cut(part, "=")
		switch {
		case !known(keys(), key):
			return nil, unknown("setting", key, keys())
		case !ok || value == "":
			return nil, fmt.Errorf("%s has no value", key)
		case given[key]:
			return nil, fmt.Errorf("%s is given twice", key)
		}
		given[key] = true
		if err := r.set(key, value); err != nil {
			return nil, err
		}
	}
	return r, r.check(given)
}

func (r *rule) set(key, value string) (err error) {
	switch key {
	case "point":
		r.point = Point(value)
		if !known(Points(), value) {
			return unknown("point", value, Points())
		}
	case "stage":
		r.stage = value
	case "checkpoint":
		var n int64
		n, err = number(key, value)
		r.checkpoint = uint64(n)
	case "row":
		r.row, err = number(key, value)
	case "nth":
		r.nth, err = number(key, value)
	case "times":
		r.times, err = number(key, value)
	case "by":
		r.by, err = time.ParseDuration(value)
		if err != nil || r.by <= 0 {
			return fmt.Errorf("by=%s is no duration above zero; write by=500ms or by=2s", value)
		}
	}
	return err
}

func number(key, value string) (int64, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s=%s is no whole number from 1", key, value)
	}
	return n, nil
}

// check says what is missing and what contradicts.
func (r *rule) check(given map[string]bool) error {
	if !given["point"] {
		return fmt.Errorf("point=... is missing: one of %s", list(Points()))
	}
	if (r.action == Slow) != given["by"] {
		if r.action == Slow {
			return fmt.Errorf("slow needs by=DURATION")
		}
		return fmt.Errorf("by= is only for slow")
	}
	switch r.point {
	case Row:
		if r.row == 0 {
			r.row = 1
		}
		if given["checkpoint"] {
			return fmt.Errorf("checkpoint= has no meaning at point=row")
		}
	case BeforeMetadata, AfterMetadata:
		if given["stage"] {
			return fmt.Errorf("stage= has no meaning at point=%s: it belongs to the whole job", r.point)
		}
	}
	if r.point != Row && given["row"] {
		return fmt.Errorf("row= is only for point=row")
	}
	return nil
}
