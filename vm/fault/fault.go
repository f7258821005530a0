// Package fault breaks things on purpose, so that a user can prove what a job survives: the rules of `--fault`, and the points in the
// engine that ask them.
//
//   - fault.go  Set and its questions: Hit, Rows, Attempt
//   - parse.go  Parse: from the text of `--fault` to rules; Actions and Points, the tables
//   - check.go  Check: whether a rule can ever fire in this job; Complete, for the shell
//
// A point that no rule can still reach costs one atomic load.
package fault

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Action is what a rule does.
type Action string

// The actions.
const (
	Fail  Action = "fail"
	Crash Action = "crash"
	Slow  Action = "slow"
	IO    Action = "io"
)

// Point is a place in the engine where rules are asked.
type Point string

// The points, in the order in which a checkpoint passes them.
const (
	Row            Point = "row"
	Snapshot       Point = "snapshot"
	Write          Point = "write"
	BeforeMetadata Point = "before-metadata"
	AfterMetadata  Point = "after-metadata"
	BeforeCommit   Point = "before-commit"
	MidCommit      Point = "mid-commit"
	AfterCommit    Point = "after-commit"
	Restore        Point = "restore"
)

// Error is what `fail` and `io` answer. For io it unwraps to syscall.EIO, so it is treated as the storage's own error.
type Error struct {
	Rule   string // as written
	Action Action
	Point  Point
	Stage  string // where it happened; may be empty
}

// Error implements error.
func (e *Error) Error() string {
	where := string(e.Point)
	if e.Stage != "" {
		where += " of " + e.Stage
	}
	if e.Action == IO {
		return fmt.Sprintf("%s: %v (on purpose: --fault %s)", where, syscall.EIO, e.Rule)
	}
	return fmt.Sprintf("%s: failed on purpose: --fault %s", where, e.Rule)
}

// Unwrap gives syscall.EIO for io.
func (e *Error) Unwrap() error {
	if e.Action == IO {
		return syscall.EIO
	}
	return nil
}

// rule is one `--fault`. Its counters are guarded by Set.mu.
type rule struct {
	text       string
	action     Action
	point      Point
	stage      string // "": any
	checkpoint uint64 // 0: any
	row        int64  // of Row; at least 1
	nth        int64  // the first nth-1 matches pass
	times      int64  // left
	by         time.Duration
	fired      bool // Row: in this attempt
	used       bool // it fired at least once
}

// Set holds the rules of one process. A nil Set has none. Its methods may be called from several goroutines.
type Set struct {
	// Kill ends the process for `crash`; by default SIGKILL to itself. If it returns (the simulator's does), Hit returns an Error.
	Kill func()
	// Wait holds the caller up for `slow`; by default it sleeps. The engine sets one that ends with the attempt (vm.Job.Hold).
	Wait func(time.Duration)

	liveRows  atomic.Bool // a Row rule can still fire
	liveOther atomic.Bool

	mu    sync.Mutex
	rules []*rule
	rows  map[string]int64 // by stage: rows taken since the start of the process
}

func killSelf() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal is on its way; nothing may happen any more
}

// Hit is asked at every point but Row. stage is the id of the stage, "" where the point belongs to none; checkpoint is 0 where there is
// none. It may wait, end the process, or return an *Error.
func (s *Set) Hit(point Point, stage string, checkpoint uint64) error {
	if s == nil || !s.liveOther.Load() {
		return nil
	}
	return s.HitAny(point, []string{stage}, checkpoint)
}

// HitAny is Hit for what concerns several stages at once, such as the cut of a task: one hit, whichever of them a rule names.
func (s *Set) HitAny(point Point, stages []string, checkpoint uint64) error {
	if s == nil || !s.liveOther.Load() {
		return nil
	}
	first := ""
	if len(stages) > 0 {
		first = stages[0]
	}
	return s.act(first, s.match(func(r *rule) bool {
		return r.point == point && (r.checkpoint == 0 || r.checkpoint == checkpoint) && (r.stage == "" || slices.Contains(stages, r.stage))
	}))
}

// Rows is asked by a stage before it takes n rows, whichever of its tasks does. Rows are counted per stage since the start of the
// process; a rule fires at the first row numbered row or more of each attempt.
func (s *Set) Rows(stage string, n int) error {
	if s == nil || !s.liveRows.Load() {
		return nil
	}
	s.mu.Lock()
	s.rows[stage] += int64(n)
	last := s.rows[stage]
	s.mu.Unlock()
	return s.act(stage, s.match(func(r *rule) bool {
		if r.point != Row || r.fired || n == 0 || last < r.row || r.stage != "" && r.stage != stage {
			return false
		}
		r.fired = true
		return true
	}))
}

// Attempt tells that the job starts or restarts.
func (s *Set) Attempt() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rules {
		r.fired = false
	}
}

// Unused lists the rules that never fired, as they were written: a job that survived them has proved nothing.
func (s *Set) Unused() []string {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var texts []string
	for _, r := range s.rules {
		if !r.used {
			texts = append(texts, r.text)
		}
	}
	return texts
}

// match counts the hit at all rules that it concerns and returns those that fire now.
func (s *Set) match(concerns func(*rule) bool) []*rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	var fire []*rule
	for _, r := range s.rules {
		if r.times == 0 || !concerns(r) {
			continue
		}
		if r.nth > 1 {
			r.nth--
			continue
		}
		r.times--
		r.used = true
		fire = append(fire, r)
	}
	if len(fire) > 0 {
		s.arm()
	}
	return fire
}

// arm is called with mu held.
func (s *Set) arm() {
	rows, other := false, false
	for _, r := range s.rules {
		rows = rows || r.point == Row && r.times > 0
		other = other || r.point != Row && r.times > 0
	}
	s.liveRows.Store(rows)
	s.liveOther.Store(other)
}

// act does what the rules say, in the order in which they were given; mu is free, since it may wait.
func (s *Set) act(stage string, rules []*rule) error {
	for _, r := range rules {
		switch r.action {
		case Slow:
			s.Wait(r.by)
			continue
		case Crash:
			s.Kill()
		}
		if r.stage != "" {
			stage = r.stage
		}
		return &Error{Rule: r.text, Action: r.action, Point: r.point, Stage: stage}
	}
	return nil
}
