package vm

import (
	"time"

	"pipec/checkpoint/event"
	"pipec/connector"
	"pipec/vm/lineage"
	"pipec/vm/status"
	"pipec/vm/value"
)

// lookFor is how long a report waits for tasks: who is in the middle of something long is reported as it last said.
const lookFor = 100 * time.Millisecond

// Status gives a report. Tasks copy their counters for it between two steps; nothing is counted that is not counted anyway.
func (j *Job) Status() <-chan status.Job {
	c := make(chan status.Job, 1)
	j.post(func() {
		j.control.viewers = append(j.control.viewers, c)
		switch {
		case j.done || j.at == nil:
			j.show()
		case len(j.control.viewers) == 1:
			j.control.lookBy = j.env.Clock.Now().Add(lookFor)
			j.at.ask()
		}
	})
	return c
}

// look shows a report whose time has come; else it gives when that is.
func (j *Job) look(now time.Time) time.Time {
	if len(j.control.viewers) == 0 {
		return time.Time{}
	}
	if now.Before(j.control.lookBy) {
		return j.control.lookBy
	}
	j.show()
	return time.Time{}
}

// show gives the report to all who asked.
func (j *Job) show() {
	var parts []*status.Part
	if j.at != nil {
		for _, t := range j.at.tasks {
			t.mu.Lock()
			parts = append(parts, t.said)
			t.mu.Unlock()
		}
	}
	set := &j.plan.Job
	s := status.Job{Job: set.Name, Run: j.runID(), Epoch: j.epoch(), Program: j.plan.Program, Host: j.env.Process.Host, Process: j.env.Process.ID,
		Engine: j.env.Process.Engine, Time: j.env.Clock.Now(), Started: j.began, Parallelism: set.Parallelism, Backend: set.State.Backend, Restart: j.Describe()}
	s.Checkpoints.IntervalMS, s.Checkpoints.Storage = set.Checkpoint.Interval.Milliseconds(), set.Checkpoint.Storage
	if l := j.control.loading; len(l) > 0 {
		s.Work = &status.Work{What: "restoring"}
		s.Work.Done, s.Work.Total = lineage.Progress(l)
	}
	s = status.Build(s, j.plan, j.totals, parts, &j.track)
	for _, c := range j.control.viewers {
		c <- s
	}
	j.control.viewers = nil
}

// ask lets every task say how far it is; the last one to answer makes the job show it.
func (a *attempt) ask() {
	a.mu.Lock()
	a.silent = len(a.tasks)
	a.mu.Unlock()
	for _, t := range a.tasks {
		t.tell(order{report: true})
	}
}

// tellPart answers ask.
func (t *task) tellPart() {
	p := t.part()
	t.mu.Lock()
	t.said = p
	t.mu.Unlock()
	a := t.host
	a.mu.Lock()
	a.silent--
	all := a.silent == 0
	a.mu.Unlock()
	if all {
		a.job.post(a.job.show)
	}
}

// part is a copy of the task's counters. It is called on the task's own loop, or after it.
func (t *task) part() *status.Part {
	p := &status.Part{Watermark: status.Mark(t.watermark), Held: !t.chain.Room()}
	for _, n := range t.chain.Nodes {
		s, bytes := n.Stats, int64(0)
		if t.head != nil && n == t.head.node {
			bytes = t.head.bytes
		} else if n.Sink != nil {
			if c, ok := n.Sink.End.(connector.Counted); ok {
				bytes = c.Bytes()
			}
		}
		p.Stages = append(p.Stages, event.StageCounts{ID: n.Spec.ID, RowsIn: s.RowsIn, RowsOut: s.RowsOut, Late: s.Late, Skipped: s.Skipped, BusyNS: s.Busy.Nanoseconds()})
		p.Bytes = append(p.Bytes, bytes)
	}
	if t.head != nil {
		p.Splits = t.head.progress()
	}
	return p
}

// progress says how far the splits are. Of chained splits, which are one sequence, the first that has not ended is being read.
func (h *head) progress() *status.Splits {
	s := &status.Splits{Total: len(h.splits)}
	chain := false
	for i, split := range h.splits {
		t := h.times[i]
		switch {
		case split.Ended || t.ended:
			s.Ended++
			continue
		case split.Chain && chain:
			s.Waiting++
			continue
		case t.Idle:
			s.Idle++
			continue
		case t.ready:
			s.Reading++
		default:
			s.Waiting++
		}
		chain = chain || split.Chain
		w := status.Mark(value.NoTime)
		if h.mark != nil {
			w = status.Mark(before(t.Max, h.mark.Delay))
		}
		if h.mark != nil && (s.Behind == "" || w < s.BehindMark) {
			s.Behind, s.BehindMark, s.BehindWaits = split.ID, w, !t.ready
		}
	}
	return s
}
