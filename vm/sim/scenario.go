package sim

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"pipec/compiler/plan"
)

// Scenario is all that happens to one job: what it is, how each of its processes is started, and what goes wrong. Everything else follows from Seed.
type Scenario struct {
	Seed   uint64
	Job    Job
	Lives  []Life // as many processes meet faults; those after them are calm, so that the job comes to its end
	Faults []Fault
	Groups int // max_parallelism
	Retain int
	AtMost bool   // in the process: checkpoints have no storage, and there is one life
	Loose  bool   // at_least_once
	Sched  uint64 // other interleavings of the same scenario
}

// Life is how one process is started.
type Life struct {
	Tasks, Batch int
	State        plan.State
	Checkpoint   plan.Checkpoint
	Restart      plan.Restart
	Slow         time.Duration // uploads and other work off the loop begins up to so much later
	Lazy         int           // one machine in so many is slow
	Named        bool          // started with -s and the newest checkpoint's path
	Step         int           // scheduler steps after which it is asked to suspend; 0: never
	Cancel       int           // and to be cancelled; its checkpoints are kept
	Manual       int           // every so many steps somebody asks for a checkpoint; 0: never
	Rules        []string      // its --fault
}

// Kind is what a fault does.
type Kind string

// The kinds of faults. Power ends the machine: what was not synced may be lost. Death ends the process alone: the disk keeps everything. Zombie stops the
// process, takes its lock away, and lets it run on beside its successor. Flip changes a bit of what is read.
const (
	Power  Kind = "power"
	Death  Kind = "death"
	Zombie Kind = "zombie"
	Broken Kind = "error"
	Flip   Kind = "flip"
)

// Fault happens once, at an operation on the disk.
type Fault struct {
	Life  int
	Kind  Kind
	On    Trigger
	After bool          // Power, Death: when the operation is done, else before it
	Errno syscall.Errno // Broken: the answer
	Torn  int           // Broken: so many bytes of a write pass
	Times int           // Broken: so many operations in a row
	Wake  int           // Zombie: steps from its successor's claim until it goes on; 0: not before that one has ended
	Gone  bool          // Power: nothing that was not synced survives; else what of it survives is drawn
}

// Trigger chooses an operation: the Nth whose kind and path match.
type Trigger struct {
	Op, Path string // of vfs.Op; Path is a part of either name; "": any
	Nth      int    // from 1
}

// String is "3rd rename .pending" and the like.
func (t Trigger) String() string {
	s := fmt.Sprintf("operation %d", t.Nth)
	if t.Op != "" || t.Path != "" {
		s += strings.TrimRight(" of "+strings.TrimSpace(t.Op+" "+t.Path), " ")
	}
	return s
}

// String says what happens when.
func (f Fault) String() string {
	when := "before"
	if f.After {
		when = "after"
	}
	s := fmt.Sprintf("life %d: %s ", f.Life, f.Kind)
	switch f.Kind {
	case Power:
		s += when + " " + f.On.String()
		if f.Gone {
			s += ", all that is not synced is lost"
		}
	case Death:
		s += when + " " + f.On.String()
	case Zombie:
		s += fmt.Sprintf("at %s, woken %d steps after its successor's claim", f.On, f.Wake)
	case Broken:
		s += fmt.Sprintf("%q at %s", f.Errno.Error(), f.On)
		if f.Torn > 0 {
			s += fmt.Sprintf(", after %d bytes", f.Torn)
		}
		if f.Times > 1 {
			s += fmt.Sprintf(", and the next %d", f.Times-1)
		}
	default:
		s += "at " + f.On.String()
	}
	return s
}

// String is the whole scenario for a person.
func (s *Scenario) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, max_parallelism %d, retain %d", s.Seed, s.Groups, s.Retain)
	if s.Loose {
		b.WriteString(", at_least_once")
	}
	if s.AtMost {
		b.WriteString(", checkpoints in the process")
	}
	b.WriteByte('\n')
	for i, l := range s.Lives {
		c := l.Checkpoint
		fmt.Fprintf(&b, "life %d: %d tasks, batch %d, %s, every %v pause %v timeout %v concurrent %d tolerate %d, restart %s", i, l.Tasks, l.Batch, l.State.Backend,
			c.Interval, c.MinPause, c.Timeout, c.MaxConcurrent, c.Tolerate, l.Restart.Strategy)
		if l.State.Incremental {
			b.WriteString(", incremental")
		}
		if l.Slow > 0 {
			fmt.Fprintf(&b, ", slow %v", l.Slow)
		}
		if l.Lazy > 0 {
			fmt.Fprintf(&b, ", lazy 1/%d", l.Lazy)
		}
		if l.Named {
			b.WriteString(", with -s")
		}
		if l.Step > 0 {
			fmt.Fprintf(&b, ", suspended at step %d", l.Step)
		}
		if l.Cancel > 0 {
			fmt.Fprintf(&b, ", cancelled at step %d", l.Cancel)
		}
		if l.Manual > 0 {
			fmt.Fprintf(&b, ", asked for a checkpoint every %d steps", l.Manual)
		}
		b.WriteByte('\n')
		for _, r := range l.Rules {
			fmt.Fprintf(&b, "  --fault %s\n", r)
		}
	}
	for _, f := range s.Faults {
		fmt.Fprintln(&b, f)
	}
	b.WriteString(s.Job.Text)
	for _, f := range s.Job.Inputs {
		fmt.Fprintf(&b, "%s: %d bytes\n", f.Name, len(f.Data))
	}
	return b.String()
}
