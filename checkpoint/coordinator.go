package checkpoint

import (
	"fmt"
	"sort"
	"time"

	"pipec/checkpoint/event"
	"pipec/compiler/plan"
)

// Coordinator decides when checkpoints are triggered, when they are complete, and when failing ones fail the job. It is a pure machine:
// no clock, no goroutine, no I/O; Step takes what happened and returns what is to be done, in order. The rules are those of Flink's
// CheckpointCoordinator and CheckpointFailureManager (reference: flink-facts 47-80).
//
// It lives as long as the process runs the job, restarts included: ids and the count of failures go on.
type Coordinator struct {
	set plan.Checkpoint
	now time.Time // of the current Step
	out []Action

	running bool
	ending  bool // the last checkpoint is being taken: nothing else is triggered
	finals  int  // tries for it

	tasks map[string]bool // that run and have not ended
	ended []Handle        // state of tasks that have ended
	gone  []string        // their names

	tick     time.Time // the next periodic trigger; zero: none
	held     bool      // a periodic trigger waits for a free slot; never more than one
	pauseEnd time.Time // no periodic trigger before
	queue    []Trigger // requests that wait for a free slot

	next       uint64
	attempts   []*attempt // by id
	publishing *attempt   // whose commit is under way
	completed  []uint64   // not released, oldest first
	owed       bool       // some of them are kept only until an attempt that may build on them is over
	newest     uint64     // the last that completed in this process
	failures   int        // counted ones in a row
}

// NewCoordinator returns a coordinator that waits for Started. With a zero interval it triggers nothing by itself and takes no final
// checkpoint.
func NewCoordinator(c plan.Checkpoint) *Coordinator {
	return &Coordinator{set: c, next: 1, tasks: map[string]bool{}}
}

// finalTries is how often the last checkpoint is tried, as far as tolerate_failures allows.
const finalTries = 3

// Step takes an event and returns the actions it calls for. now must not go back.
func (c *Coordinator) Step(now time.Time, e Event) []Action {
	c.now, c.out = now, nil
	switch e := e.(type) {
	case Started:
		c.start(e)
	case Failed:
		c.stop()
	case Tick:
		c.expire()
		c.periodicDue()
	case Trigger:
		c.queue = append(c.queue, e)
	case Ack:
		c.ack(e)
	case Decline:
		if a := c.find(e.ID, acking); a != nil {
			c.abort(a, e.Reason, fmt.Sprintf("%s: %s", e.Task, e.Text))
		}
	case TaskEnded:
		c.taskEnded(e)
	case Written:
		c.written(e)
	case Stored:
		c.stored(e)
	case Committed:
		c.committed(e)
	case AllEnded:
		c.end()
	case Suspend:
		c.suspend()
	}
	c.advance()
	return c.out
}

// NextWake returns when the next Tick is wanted; false: not before something else happens.
func (c *Coordinator) NextWake() (time.Time, bool) {
	wake := c.tick
	for _, a := range c.attempts {
		if a.phase < recording && (wake.IsZero() || a.deadline.Before(wake)) {
			wake = a.deadline
		}
	}
	return wake, !wake.IsZero()
}

// Busy tells whether a PutRecord was not answered yet. Until it is, nobody knows what a restart must restore: it waits.
func (c *Coordinator) Busy() bool {
	for _, a := range c.attempts {
		if a.phase == recording {
			return true
		}
	}
	return false
}

func (c *Coordinator) do(a Action) { c.out = append(c.out, a) }

func (c *Coordinator) start(e Started) {
	c.running, c.ending, c.finals, c.publishing = true, false, 0, nil
	c.tasks = make(map[string]bool, len(e.Tasks))
	for _, t := range e.Tasks {
		c.tasks[t] = true
	}
	c.ended, c.gone = append([]Handle(nil), e.Ended...), nil
	for _, h := range e.Ended {
		if n := len(c.gone); n == 0 || c.gone[n-1] != h.Task {
			c.gone = append(c.gone, h.Task)
		}
	}
	c.completed, c.owed = append([]uint64(nil), e.Completed...), false
	c.next = max(c.next, e.NextID)
	if c.set.Enabled() {
		spread := c.interval() - c.set.MinPause
		c.tick = c.now.Add(c.set.MinPause + time.Duration(e.Jitter*float64(spread)))
	}
}

// interval is the time between two periodic triggers: a pause longer than the interval stretches it.
func (c *Coordinator) interval() time.Duration { return max(c.set.Interval, c.set.MinPause) }

// stop leaves the running state. An attempt whose record is being written may still complete, and then it is what the job restarts from.
func (c *Coordinator) stop() {
	c.halt()
	for _, a := range c.pending(recording) {
		c.abort(a, TaskFailed, "")
	}
}

func (c *Coordinator) halt() { c.running, c.tick, c.held = false, time.Time{}, false }

func (c *Coordinator) failJob(format string, args ...any) {
	c.halt()
	c.failures = 0 // as in Flink: a fail-over begins a new count
	c.do(FailJob{fmt.Sprintf(format, args...)})
}

// periodicDue triggers if the time has come. However many ticks were missed, one is due; the grid goes on from the last of them.
func (c *Coordinator) periodicDue() {
	if c.tick.IsZero() || c.now.Before(c.tick) {
		return
	}
	missed := c.now.Sub(c.tick) / c.interval()
	c.tick = c.tick.Add((missed + 1) * c.interval())
	c.held = true
}

// advance does what has become possible: writes an attempt that is acknowledged, triggers what was held.
func (c *Coordinator) advance() {
	if c.owed && c.running && c.publishing == nil {
		c.release()
	}
	c.writeNext()
	if !c.running || c.ending {
		return
	}
	waiting := c.queue
	c.queue = nil
	for _, t := range waiting {
		if t.Kind == Savepoint || c.active() < c.set.MaxConcurrent {
			c.trigger(t.Kind, t.Request)
		} else {
			c.queue = append(c.queue, t)
		}
	}
	if !c.held || c.active() >= c.set.MaxConcurrent {
		return
	}
	c.held = false
	if c.now.Before(c.pauseEnd) {
		c.tick = c.pauseEnd // the tick is dropped and the grid begins anew at the end of the pause
		return
	}
	c.trigger(Periodic, "")
}

// active counts the attempts that max_concurrent limits.
func (c *Coordinator) active() int {
	n := 0
	for _, a := range c.attempts {
		if a.kind != Savepoint {
			n++
		}
	}
	return n
}

// end is for bounded input: at its end one checkpoint is taken at once, so that sinks publish their last rows (FLIP-147).
func (c *Coordinator) end() {
	if c.ending || !c.running {
		return
	}
	c.last()
}

// suspend gives up what is on its way, since the last checkpoint covers it.
func (c *Coordinator) suspend() {
	if c.ending {
		return
	}
	for _, a := range c.pending(writing) {
		c.abort(a, Suspended, "")
	}
	if !c.running {
		c.do(Finished{})
		return
	}
	c.last()
}

func (c *Coordinator) last() {
	c.ending, c.tick, c.held = true, time.Time{}, false
	if !c.set.Enabled() {
		c.halt()
		c.do(Finished{})
		return
	}
	c.finals++
	c.trigger(Final, "")
}

// release lets the oldest checkpoints go, but for those that the deltas of an attempt on its way may build on. It is called only when a newer one
// is durable and published.
func (c *Coordinator) release() {
	n := len(c.completed) - c.set.Retain
	c.owed = false
	for _, a := range c.attempts {
		for n > 0 && a.kind != Savepoint && c.completed[n-1] >= a.base {
			n--
			c.owed = true
		}
	}
	if n > 0 {
		c.do(Release{append([]uint64(nil), c.completed[:n]...)})
		c.completed = c.completed[n:]
	}
}

// failed counts a failure and decides what follows. What fails while the job is down is part of that.
func (c *Coordinator) failed(a *attempt, reason Reason, text string) {
	counts := reason.Counts() && a.kind != Savepoint && a.id > c.newest && c.running
	if counts {
		c.failures++
	}
	c.do(Emit{&event.CheckpointFailed{ID: a.id, Reason: string(reason), Text: text, Consecutive: c.failures}})
	if !counts {
		return
	}
	if text != "" {
		text = ": " + text
	}
	switch {
	case c.failures > c.set.Tolerate:
		c.failJob("checkpoint %d failed (%s%s); %d in a row, tolerate_failures is %d", a.id, reason, text, c.failures, c.set.Tolerate)
	case a.kind == Final && c.finals < finalTries:
		c.last()
	case a.kind == Final:
		c.failJob("the last checkpoint failed %d times, finally %d (%s%s)", c.finals, a.id, reason, text)
	}
}

func (c *Coordinator) taskEnded(e TaskEnded) {
	if !c.tasks[e.Task] {
		return
	}
	delete(c.tasks, e.Task)
	c.gone = append(c.gone, e.Task)
	sort.Strings(c.gone)
	c.ended = append(c.ended, e.Handles...)
	for _, a := range c.attempts {
		a.arrived(e.Task, false)
	}
}
