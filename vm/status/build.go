package status

import (
	"pipec/compiler/plan"
	"pipec/vm/value"
)

// Build completes a report, whose first lines the job has written: what earlier attempts counted, what the running tasks say, what the tracker knows.
// parts are by task; a task that has said nothing is nil.
func Build(j Job, p *plan.Plan, earlier *Totals, parts []*Part, t *Tracker) Job {
	tasks := len(parts)
	said := parts[:0:0]
	for _, part := range parts {
		if part != nil {
			said = append(said, part)
		}
	}
	t.fill(&j, tasks)
	sum := earlier.with(said)
	by := map[string]*Stage{}
	j.Stages = make([]Stage, len(p.Nodes))
	for i, n := range p.Nodes {
		s := &j.Stages[i]
		*s = Stage{ID: n.ID, Kind: n.Kind, Tasks: p.Parallelism(n), Timed: timed(p, n), Watermark: Mark(value.NoTime), Bytes: sum.bytes[n.ID]}
		if c := sum.stages[n.ID]; c != nil {
			s.RowsIn, s.RowsOut, s.Late, s.Skipped = c.RowsIn, c.RowsOut, c.Late, c.Skipped
		}
		if n.Kind == "source" {
			s.RowsIn = s.RowsOut
		}
		by[n.ID] = s
	}
	heard := map[string]bool{}
	for _, part := range said {
		for _, c := range part.Stages {
			s := by[c.ID]
			if part.Held {
				s.Held++
			}
			if !heard[c.ID] || part.Watermark < s.Watermark {
				s.Watermark = part.Watermark
			}
			heard[c.ID] = true
			if part.Splits != nil && s.Kind == "source" {
				s.Splits = s.Splits.plus(part.Splits)
			}
		}
	}
	j.time()
	return j
}

// timed says whether rows of a node, or what comes into a sink, carry event time.
func timed(p *plan.Plan, n *plan.Node) bool {
	if len(n.Ports) > 0 {
		return n.Ports[0].Type.Timed
	}
	for _, e := range p.Inputs(n.ID) {
		if from := p.Find(e.From); from != nil && e.Port < len(from.Ports) && from.Ports[e.Port].Type.Timed {
			return true
		}
	}
	return false
}

// plus adds the splits that another task of the source reads.
func (s *Splits) plus(o *Splits) *Splits {
	if s == nil {
		c := *o
		return &c
	}
	s.Total, s.Reading, s.Waiting, s.Idle, s.Ended = s.Total+o.Total, s.Reading+o.Reading, s.Waiting+o.Waiting, s.Idle+o.Idle, s.Ended+o.Ended
	if o.Behind != "" && (s.Behind == "" || o.BehindMark < s.BehindMark) {
		s.Behind, s.BehindMark, s.BehindWaits = o.Behind, o.BehindMark, o.BehindWaits
	}
	return s
}

// time finds the least watermark and who holds it back.
func (j *Job) time() {
	j.Watermark = Mark(value.EndTime)
	any := false
	for i := range j.Stages {
		s := &j.Stages[i]
		if !s.Timed {
			continue
		}
		any = true
		j.Watermark = min(j.Watermark, s.Watermark)
		if s.Splits == nil || s.Splits.Behind == "" {
			continue
		}
		if h := j.HeldBack; h == nil || s.Splits.BehindMark < h.Watermark {
			j.HeldBack = &Holder{Source: s.ID, Split: s.Splits.Behind, Why: "behind", Watermark: s.Splits.BehindMark}
			if s.Splits.BehindWaits {
				j.HeldBack.Why = "waiting"
			}
		}
	}
	if !any {
		j.Watermark = Mark(value.NoTime)
	}
}
