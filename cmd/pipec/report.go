package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"pipec/checkpoint"
	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/vm"
)

// reporter writes the log of a run to stderr: as text what a person wants to know, as JSON everything. It is an event.Sink: the log is a view of the events.
type reporter struct {
	w     io.Writer
	log   *journal // nil: the log is text
	quiet bool
	stats bool // the end report tells what stages took
	plan  *plan.Plan
	how   string // the resolved restart strategy
	shown bool
	spare int64 // checkpoints that were given up because nobody needs them any more
}

// line writes one line.
func (r *reporter) line(format string, args ...any) {
	switch {
	case r.quiet:
	case r.log != nil:
		r.log.say(note{fmt.Sprintf(format, args...)})
	default:
		fmt.Fprintf(r.w, format+"\n", args...)
	}
}

// fail writes what went wrong beside the job.
func (r *reporter) fail(format string, args ...any) {
	if r.log != nil {
		r.log.say(failed{Text: fmt.Sprintf(format, args...)})
		return
	}
	fmt.Fprintf(r.w, "pipec: "+format+"\n", args...)
}

// Emit implements event.Sink. As text, checkpoints that complete are silent: the end report counts them.
func (r *reporter) Emit(e event.Event) {
	if r.log != nil {
		if b, ok := e.Body.(*event.Job); ok && b.State == event.Starting {
			r.shown = true
		}
		r.log.hear(e, r.quiet)
		return
	}
	switch b := e.Body.(type) {
	case *event.Job:
		if b.State == event.Starting {
			r.header(e.Run)
		}
	case *event.Restored:
		r.line("restored %s %d from %s (%s in %d ms)", b.Kind, b.ID, b.From, humanize.IBytes(uint64(b.Bytes)), b.DurationMS)
	case *event.CheckpointFailed:
		if b.Reason == string(checkpoint.Superseded) || b.Reason == string(checkpoint.Suspended) {
			r.spare++ // given up because it is not needed any more, which is no failure to a person
			return
		}
		r.line("checkpoint %d failed: %s", b.ID, strings.TrimSpace(b.Reason+" "+b.Text))
	case *event.Restart:
		r.line("failed: %s\nrestart %d in %s (%s)", b.Cause, b.Attempt, time.Duration(b.DelayMS)*time.Millisecond, b.Strategy)
	case *event.Committed:
		if b.Recovered {
			r.line("made sure that checkpoint %d is committed in %s", b.ID, b.Sink)
		}
	}
}

// header is the start report.
func (r *reporter) header(run string) {
	if r.shown || r.quiet {
		return
	}
	r.shown = true
	j := r.plan.Job
	name := j.Name
	if name == "" {
		name = "(no name)"
	}
	r.line("job %s, run %s, program %s, parallelism %d", name, run, short(r.plan.Program), j.Parallelism)
	if !j.Checkpoint.Enabled() {
		r.line("state %s, no checkpoints, restart %s", j.State.Backend, r.how)
		return
	}
	where := j.Checkpoint.Storage
	if where == "" {
		where = "this process only"
	}
	mode := "exactly once"
	if j.Checkpoint.AtLeastOnce {
		mode = "at least once"
	}
	r.line("state %s, checkpoint every %s (%s) in %s, restart %s", j.State.Backend, j.Checkpoint.Interval, mode, where, r.how)
}

func short(hash string) string { return hash[:min(12, len(hash))] }

// footer is the end report.
func (r *reporter) footer(res vm.Result, command string) {
	if r.quiet || !r.shown { // nothing began
		return
	}
	if r.log != nil { // the summary is there
		r.goOn(res, command)
		return
	}
	s := res.Summary
	r.line("%s after %s", s.State, (time.Duration(s.DurationMS) * time.Millisecond).Round(time.Millisecond))
	for _, e := range s.Sources {
		r.line("  read    %-20s %12s rows  %s", e.Name, humanize.Comma(e.Rows), humanize.IBytes(uint64(e.Bytes)))
	}
	for _, e := range s.Sinks {
		r.line("  written %-20s %12s rows  %s", e.Name, humanize.Comma(e.Rows), humanize.IBytes(uint64(e.Bytes)))
	}
	for _, st := range s.Stages {
		if st.Late > 0 {
			r.line("  late    %-20s %12s rows", st.ID, humanize.Comma(st.Late))
		}
		if st.Skipped > 0 {
			r.line("  skipped %-20s %12s rows", st.ID, humanize.Comma(st.Skipped))
		}
	}
	if r.stats {
		r.times(s.Stages)
	}
	if n := s.Checkpoints; n.Completed+n.Failed > 0 || s.Restarts > 0 {
		r.line("  %d checkpoints, %d failed, %d restarts", n.Completed, n.Failed-r.spare, s.Restarts)
	}
	r.goOn(res, command)
}

// times prints what each stage took for a row of its input (a source: of its output) and which part of the time of all stages that is. What an exchange takes belongs to the stage before it.
func (r *reporter) times(stages []event.StageCounts) {
	all := int64(0)
	for _, st := range stages {
		all += st.BusyNS
	}
	for _, st := range stages {
		rows := st.RowsIn
		if rows == 0 {
			rows = st.RowsOut
		}
		if rows > 0 && all > 0 {
			r.line("  took    %-30s %10.1f ns/row  %5.1f %%", st.ID, float64(st.BusyNS)/float64(rows), 100*float64(st.BusyNS)/float64(all))
		}
	}
}

// goOn prints the exact command that continues from here.
func (r *reporter) goOn(res vm.Result, command string) {
	switch {
	case res.State == event.Suspended && r.plan.Job.Checkpoint.Enabled() && r.plan.Job.Checkpoint.Storage != "":
		r.line("go on with: %s", command)
	case res.State == event.Suspended:
		r.line("state is lost: there is no storage for checkpoints")
	case (res.State == event.Failed || res.State == event.Cancelled) && res.GoOn != "":
		r.line("go on with: %s --resume", command)
	}
}
