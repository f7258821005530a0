package checkpoint

import (
	"fmt"
	"sort"
	"time"

	"pipec/checkpoint/event"
)

// phase is how far an attempt is. Up to writing it can be given up; from recording on only the storage knows.
type phase uint8

const (
	acking    phase = iota // tasks have not all answered
	ready                  // all have; an older one is being written or committed
	writing                // `_metadata`
	recording              // the history record
)

// attempt is one checkpoint from its trigger to its record (Flink's PendingCheckpoint).
type attempt struct {
	id       uint64
	kind     Kind
	base     uint64 // newest completed when it was triggered: what its deltas build on is that one or a later one
	started  time.Time
	deadline time.Time
	phase    phase
	waiting  map[string]bool // tasks that have not answered
	acked    map[string]bool // tasks that gave handles
	handles  []Handle
	stats    Stats
	path     string
}

// arrived notes that a task answered, or ended.
func (a *attempt) arrived(task string, acked bool) {
	if a.phase != acking || !a.waiting[task] {
		return
	}
	delete(a.waiting, task)
	if acked {
		a.acked[task] = true
	}
	if len(a.waiting) == 0 {
		a.phase = ready
	}
}

func (c *Coordinator) trigger(kind Kind, request string) {
	a := &attempt{
		id: c.next, kind: kind, started: c.now, deadline: c.now.Add(c.set.Timeout),
		waiting: make(map[string]bool, len(c.tasks)), acked: map[string]bool{},
	}
	if n := len(c.completed); n > 0 {
		a.base = c.completed[n-1]
	}
	c.next++
	for t := range c.tasks {
		a.waiting[t] = true
	}
	if len(a.waiting) == 0 {
		a.phase = ready
	}
	c.attempts = append(c.attempts, a)
	c.do(Emit{&event.CheckpointTriggered{ID: a.id, Kind: string(kind)}})
	c.do(Inject{ID: a.id, Kind: kind, Request: request})
	c.writeNext() // when every task has ended there is nobody to wait for
}

// find returns the attempt if it is in that phase; an answer to any other comes too late and means nothing.
func (c *Coordinator) find(id uint64, p phase) *attempt {
	for _, a := range c.attempts {
		if a.id == id && a.phase == p {
			return a
		}
	}
	return nil
}

// pending returns the attempts that have not reached a phase.
func (c *Coordinator) pending(p phase) []*attempt {
	var list []*attempt
	for _, a := range c.attempts {
		if a.phase < p {
			list = append(list, a)
		}
	}
	return list
}

func (c *Coordinator) drop(a *attempt) {
	for i := range c.attempts {
		if c.attempts[i] == a {
			c.attempts = append(c.attempts[:i:i], c.attempts[i+1:]...)
			return
		}
	}
}

func (c *Coordinator) abort(a *attempt, reason Reason, text string) {
	c.drop(a)
	c.do(Abort{ID: a.id, Reason: reason})
	c.failed(a, reason, text)
}

func (c *Coordinator) expire() {
	for _, a := range c.pending(recording) {
		if !c.now.Before(a.deadline) {
			c.abort(a, Expired, c.expiredText(a))
		}
	}
}

// expiredText names the tasks that did not answer: that is what one looks for first.
func (c *Coordinator) expiredText(a *attempt) string {
	text := fmt.Sprintf("not complete after %s", c.set.Timeout)
	if a.phase != acking {
		return text + ", all tasks had answered"
	}
	names := make([]string, 0, len(a.waiting))
	for t := range a.waiting {
		names = append(names, t)
	}
	sort.Strings(names)
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s, waiting for %v and %d more", text, names[:most], len(names)-most)
	}
	return fmt.Sprintf("%s, waiting for %v", text, names)
}

func (c *Coordinator) ack(e Ack) {
	a := c.find(e.ID, acking)
	if a == nil || !a.waiting[e.Task] {
		return
	}
	a.handles = append(a.handles, e.Handles...)
	a.stats.Align = max(a.stats.Align, e.Stats.Align)
	a.stats.Sync = max(a.stats.Sync, e.Stats.Sync)
	a.stats.Async = max(a.stats.Async, e.Stats.Async)
	a.stats.Written += e.Stats.Written
	a.stats.Incremental = a.stats.Incremental || e.Stats.Incremental
	a.arrived(e.Task, true)
}

// writeNext writes the oldest attempt that is ready, if no other is being written and the sinks have committed the one before: two
// commits never overlap, and N+1 is not complete before N is published.
func (c *Coordinator) writeNext() {
	if c.publishing != nil {
		return
	}
	var first *attempt
	for _, a := range c.attempts {
		if a.phase >= writing {
			return
		}
		if first == nil && a.phase == ready {
			first = a
		}
	}
	if first == nil {
		return
	}
	first.phase = writing
	for _, h := range c.ended { // who answered and then ended is in with its answer
		if !first.acked[h.Task] {
			first.handles = append(first.handles, h)
		}
	}
	sort.SliceStable(first.handles, func(i, j int) bool { return first.handles[i].Task < first.handles[j].Task })
	var gone []string
	for _, t := range c.gone {
		if !first.acked[t] {
			gone = append(gone, t)
		}
	}
	c.do(Write{ID: first.id, Kind: first.kind, Trigger: first.started, Handles: first.handles, Ended: gone})
}

func (c *Coordinator) written(e Written) {
	a := c.find(e.ID, writing)
	switch {
	case a == nil:
	case e.Err != nil:
		c.abort(a, e.Reason.or(IO), e.Err.Error())
	case a.kind == Savepoint:
		a.path = e.Path
		c.drop(a)
		c.report(a)
	default:
		a.path, a.phase = e.Path, recording
		c.do(PutRecord{ID: a.id})
	}
}

// stored is the commit point, or its failure.
func (c *Coordinator) stored(e Stored) {
	a := c.find(e.ID, recording)
	if a == nil {
		return
	}
	if e.Err != nil {
		c.abort(a, e.Reason.or(IO), e.Err.Error())
		return
	}
	c.drop(a)
	c.completed = append(c.completed, a.id)
	c.newest, c.failures = a.id, 0
	c.pauseEnd = c.now.Add(c.set.MinPause)
	c.report(a)
	if c.running { // else the restored job commits the tokens
		c.publishing = a
		c.do(Publish{ID: a.id})
	}
	for _, old := range c.pending(writing) {
		if old.id < a.id && old.kind != Savepoint {
			c.abort(old, Superseded, fmt.Sprintf("checkpoint %d completed first", a.id))
		}
	}
}

func (c *Coordinator) committed(e Committed) {
	a := c.publishing
	if a == nil || a.id != e.ID {
		return
	}
	c.publishing = nil
	if e.Err != nil {
		c.failJob("checkpoint %d is complete, but its output could not be published: %v", a.id, e.Err)
		return
	}
	c.release()
	if a.kind == Final && c.running {
		c.halt()
		c.do(Finished{})
	}
}

func (c *Coordinator) report(a *attempt) {
	var full int64
	seen := map[string]bool{}
	for _, h := range a.handles {
		full += int64(len(h.Inline))
		for _, f := range h.Files {
			if !seen[f.Name] {
				seen[f.Name] = true
				full += f.Size
			}
		}
	}
	c.do(Emit{&event.CheckpointCompleted{
		ID: a.id, Path: a.path, DurationMS: c.now.Sub(a.started).Milliseconds(),
		AlignMS: a.stats.Align.Milliseconds(), SyncMS: a.stats.Sync.Milliseconds(), AsyncMS: a.stats.Async.Milliseconds(),
		Bytes: a.stats.Written, FullBytes: full, Incremental: a.stats.Incremental,
	}})
}
