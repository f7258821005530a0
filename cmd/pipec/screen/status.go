package screen

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"pipec/checkpoint/event"
	"pipec/vm/status"
	"pipec/vm/value"
)

// wordWidth is the width of the words in front of what Status says.
const wordWidth = 11

// fold breaks a text at blanks into lines of a width. A word that is longer, a path, stays whole: who copies it gets all of it.
func fold(text string, width int) []string {
	if text != "" && wide(text) <= width {
		return []string{text}
	}
	var lines []string
	for _, word := range strings.Fields(text) {
		if n := len(lines); n > 0 && wide(lines[n-1])+1+wide(word) <= width {
			lines[n-1] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}

// Status draws a report as one screen of text, as wide as given and as long as it gets.
func Status(s status.Job, width int) []Line {
	var lines []Line
	say := func(word, text string) {
		for _, part := range fold(text, width-wordWidth-1) {
			lines = append(lines, Line{Text: fmt.Sprintf("%-*s %s", wordWidth, word, part)})
			word = ""
		}
	}
	name := s.Job
	if name == "" {
		name = "(no name)"
	}
	say("job", fmt.Sprintf("%s, %s for %s, started %s ago", name, s.State, Short(s.Time.Sub(s.Since)), Short(s.Time.Sub(s.Started))))
	say("run", fmt.Sprintf("%s, epoch %d, program %.12s", s.Run, s.Epoch, s.Program))
	say("process", fmt.Sprintf("%d on %s, pipec %s", s.Process, s.Host, s.Engine))
	say("state", fmt.Sprintf("%s, parallelism %d", s.Backend, s.Parallelism))
	if w := s.Work; w != nil {
		say("working", progress(w, width-12))
	}
	if r := s.Restored; r != nil {
		from := r.From
		if from == "" {
			from = "this process"
		}
		say("restored", fmt.Sprintf("%s %d from %s, %s in %s", r.Kind, r.ID, from, humanize.IBytes(uint64(max(0, r.Bytes))), Short(time.Duration(r.DurationMS)*time.Millisecond)))
	}
	for i, text := range checkpointText(s) {
		word := ""
		if i == 0 {
			word = "checkpoints"
		}
		say(word, text)
	}
	restarts := fmt.Sprintf("%d, strategy %s", s.Restarts, s.Restart)
	if s.Cause != "" {
		restarts += "; the last because: " + firstLine(s.Cause)
	}
	say("restarts", restarts)
	if s.State == event.Restarting && s.RestartAt != nil {
		say("", "the next attempt begins in "+Short(s.RestartAt.Sub(s.Time)))
	}
	if timed(s) {
		say("watermark", watermark(s))
	}
	for i := range s.Stages {
		if p := s.Stages[i].Splits; p != nil && p.Total > 0 {
			say("source", fmt.Sprintf("%s: %s read, %s", s.Stages[i].ID, humanize.IBytes(uint64(max(0, s.Stages[i].Bytes))), splits(p)))
		}
	}
	lines = append(lines, Line{})
	return append(lines, Stages(s, nil, width, math.MaxInt32)...)
}

// checkpointText says in up to three lines how checkpoints go.
func checkpointText(s status.Job) []string {
	c := s.Checkpoints
	if c.IntervalMS == 0 {
		return []string{"off"}
	}
	where := c.Storage
	if where == "" {
		where = "this process only"
	}
	all := []string{fmt.Sprintf("every %s in %s: %s complete, %s failed", value.AppendDuration(nil, c.IntervalMS*1000), where, humanize.Comma(c.Completed), humanize.Comma(c.Failed))}
	if l := c.Last; l != nil {
		text := fmt.Sprintf("the last: %d, %s ago, took %s, %s written, %s in all", l.ID, Short(time.Duration(l.AgeMS)*time.Millisecond),
			Short(time.Duration(l.DurationMS)*time.Millisecond), humanize.IBytes(uint64(max(0, l.Bytes))), humanize.IBytes(uint64(max(0, l.FullBytes))))
		all = append(all, text)
		if l.Path != "" {
			all = append(all, l.Path)
		}
	}
	if p := c.Pending; p != nil {
		all = append(all, fmt.Sprintf("being taken: %d (%s), for %s, %d of %d tasks", p.ID, p.Kind, Short(time.Duration(p.ForMS)*time.Millisecond), p.Acked, p.Tasks))
	}
	if f := c.LastFailure; f != nil {
		all = append(all, strings.TrimSpace(fmt.Sprintf("the last failure: %d, %s ago, %s %s", f.ID, Short(s.Time.Sub(f.Time)), f.Reason, firstLine(f.Text))))
		if c.Consecutive > 0 {
			all = append(all, fmt.Sprintf("failed in a row: %d", c.Consecutive))
		}
	}
	return all
}

// watermark says how far event time is, and who holds it back.
func watermark(s status.Job) string {
	text := s.Watermark.String()
	h := s.HeldBack
	if h == nil || int64(s.Watermark) == value.EndTime {
		return text
	}
	text += ", held back by " + h.Source
	if h.Split != "" {
		text += ", split " + h.Split
	}
	if h.Why == "waiting" {
		text += ", which waits for its turn"
	}
	return text
}

func splits(p *status.Splits) string {
	var parts []string
	for _, x := range []struct {
		n    int
		what string
	}{{p.Reading, "being read"}, {p.Waiting, "waiting"}, {p.Idle, "idle"}, {p.Ended, "at their end"}} {
		if x.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", x.n, x.what))
		}
	}
	return many(p.Total, "split") + " (" + strings.Join(parts, ", ") + ")"
}
