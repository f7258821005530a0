package screen

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"pipec/checkpoint/event"
	"pipec/vm/status"
	"pipec/vm/value"
)

// Meter turns the counts of successive reports into rates.
type Meter struct {
	last  status.Job
	rates map[string]float64
}

// settle is how long a rate takes to follow: a short burst does not make the numbers jump.
const settle = 2 * time.Second

// Take gives the rows a second by stage: those that came in, or out of a source.
func (m *Meter) Take(s status.Job) map[string]float64 {
	dt := s.Time.Sub(m.last.Time)
	if m.rates != nil && dt <= 0 {
		return m.rates
	}
	if m.rates == nil {
		m.rates = map[string]float64{}
		dt = s.Time.Sub(s.Started)
		m.last = status.Job{}
	}
	before := map[string]int64{}
	for _, st := range m.last.Stages {
		before[st.ID] = st.RowsIn
	}
	for _, st := range s.Stages {
		now := float64(max(0, st.RowsIn-before[st.ID])) / max(dt.Seconds(), 1e-3)
		old, known := m.rates[st.ID]
		if !known {
			old = now
		}
		weight := 1 - math.Exp(-dt.Seconds()/settle.Seconds())
		m.rates[st.ID] = old + weight*(now-old)
	}
	m.last = s
	return m.rates
}

// Block is a running job at the bottom of a screen.
type Block struct {
	mu      sync.Mutex
	meter   Meter
	state   status.Job
	rates   map[string]float64
	known   bool
	changed bool
}

// Set takes a report.
func (b *Block) Set(s status.Job) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rates = b.meter.Take(s)
	b.state, b.known, b.changed = s, true, true
}

// Changed implements Area.
func (b *Block) Changed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.changed
	b.changed = false
	return was
}

// Lines implements Area.
func (b *Block) Lines(width, height int) []Line {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.known {
		return nil
	}
	return Job(b.state, b.rates, width, height)
}

// Job draws a report: what the job does in one or two lines, then its stages.
func Job(s status.Job, rates map[string]float64, width, height int) []Line {
	lines := wrap(head(s), width, Bold)
	lines = append(lines, wrap(checkpoints(s), width, Plain)...)
	if s.State == event.Restarting && s.Cause != "" {
		lines = append(lines, Line{Text: cut("failed: "+firstLine(s.Cause), width)})
	}
	if w := s.Work; w != nil && w.Total > 0 {
		lines = append(lines, Line{Text: progress(w, width)})
	}
	if len(lines) >= height {
		return lines[:height]
	}
	return append(lines, Stages(s, rates, width, height-len(lines))...)
}

// head is what one looks for first, in pieces that a narrow window puts below each other.
func head(s status.Job) []string {
	name := s.Job
	if name == "" {
		name = "job"
	}
	state := fmt.Sprintf("%s %s %s", name, s.State, Short(s.Time.Sub(s.Since)))
	if s.RestartAt != nil {
		state = fmt.Sprintf("%s restarting in %s", name, Short(s.RestartAt.Sub(s.Time)))
	}
	pieces := []string{state}
	if timed(s) {
		pieces = append(pieces, "watermark "+s.Watermark.String())
	}
	if s.Restarts > 0 {
		pieces = append(pieces, many(s.Restarts, "restart"))
	}
	return pieces
}

func timed(s status.Job) bool {
	for _, st := range s.Stages {
		if st.Timed {
			return true
		}
	}
	return false
}

// slow is how long a checkpoint takes before its progress is worth a line.
const slow = 500

func checkpoints(s status.Job) []string {
	c := s.Checkpoints
	if c.IntervalMS == 0 {
		return nil
	}
	pieces := []string{"no checkpoint yet"}
	if l := c.Last; l != nil {
		pieces[0] = fmt.Sprintf("checkpoint %d, %s ago: %s, %s", l.ID, Short(time.Duration(l.AgeMS)*time.Millisecond), Short(time.Duration(l.DurationMS)*time.Millisecond),
			humanize.IBytes(uint64(max(0, l.FullBytes))))
	}
	if p := c.Pending; p != nil && p.ForMS > slow {
		pieces = append(pieces, fmt.Sprintf("checkpoint %d for %s: %d of %d tasks", p.ID, Short(time.Duration(p.ForMS)*time.Millisecond), p.Acked, p.Tasks))
	}
	if c.Failed > 0 {
		text := fmt.Sprintf("%s failed", humanize.Comma(c.Failed))
		if c.Consecutive > 0 && c.LastFailure != nil {
			text += fmt.Sprintf(", the last %d in a row (%s)", c.Consecutive, c.LastFailure.Reason)
		}
		pieces = append(pieces, text)
	}
	return pieces
}

// progress is a bar for something that takes long.
func progress(w *status.Work, width int) string {
	part := min(1, float64(w.Done)/float64(w.Total))
	text := fmt.Sprintf("%s  %3.0f %%  %s of %s", w.What, 100*part, humanize.IBytes(uint64(w.Done)), humanize.IBytes(uint64(w.Total)))
	room := min(30, width-wide(text)-4)
	if room < 5 {
		return cut(text, width)
	}
	full := int(part * float64(room))
	return text + "  [" + strings.Repeat("#", full) + strings.Repeat(".", room-full) + "]"
}

// stageColumns are the columns of a stage, the dispensable ones with the width of window that they need.
var stageColumns = []struct {
	name string
	from int
	text func(st *status.Stage, rate float64, short bool) string
	when func(s *status.Job) bool
}{
	{"rows/s", 0, func(_ *status.Stage, rate float64, short bool) string { return count(int64(rate+0.5), short) }, nil},
	{"in", 60, func(st *status.Stage, _ float64, short bool) string { return count(st.RowsIn, short) }, nil},
	{"out", 0, func(st *status.Stage, _ float64, short bool) string { return count(st.RowsOut, short) }, nil},
	{"late", 0, func(st *status.Stage, _ float64, short bool) string { return none(st.Late, short) }, func(s *status.Job) bool { return lost(s, true) }},
	{"skipped", 0, func(st *status.Stage, _ float64, short bool) string { return none(st.Skipped, short) }, func(s *status.Job) bool { return lost(s, false) }},
	{"watermark", 100, func(st *status.Stage, _ float64, _ bool) string { return mark(st) }, func(s *status.Job) bool { return timed(*s) }},
	{"waits", 100, func(st *status.Stage, _ float64, _ bool) string { return held(st) }, nil},
}

func none(n int64, short bool) string {
	if n == 0 {
		return ""
	}
	return count(n, short)
}

func lost(s *status.Job, late bool) bool {
	for i := range s.Stages {
		if late && s.Stages[i].Late > 0 || !late && s.Stages[i].Skipped > 0 {
			return true
		}
	}
	return false
}

func mark(st *status.Stage) string {
	if !st.Timed || int64(st.Watermark) == value.NoTime {
		return ""
	}
	return st.Watermark.String()
}

// held says how many tasks wait for room behind them, which is where to look for the slow stage: further down.
func held(st *status.Stage) string {
	if st.Held == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d", st.Held, st.Tasks)
}

// Stages draws the stages as a table. Those that tell most stay when there is little room: sources and sinks, then those that lose rows, then the busiest.
func Stages(s status.Job, rates map[string]float64, width, height int) []Line {
	if len(s.Stages) == 0 || height < 2 || height < 3 && len(s.Stages) > 1 { // not even one of them
		return nil
	}
	short := width < 70
	columns := []column{{name: "stage", least: keyCut}}
	var text []func(st *status.Stage, rate float64, short bool) string
	for _, c := range stageColumns {
		if width >= c.from && (c.when == nil || c.when(&s)) && (rates != nil || c.name != "rows/s") {
			columns = append(columns, column{name: c.name, number: c.name != "watermark"})
			text = append(text, c.text)
		}
	}
	keep := chosen(s.Stages, rates, height)
	var cells [][]string
	for i := range s.Stages {
		if !keep[i] {
			continue
		}
		st := &s.Stages[i]
		line := []string{st.ID}
		for _, f := range text {
			line = append(line, f(st, rates[st.ID], short))
		}
		cells = append(cells, line)
	}
	see(columns, cells)
	widths, _ := fit(columns, width)
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	lines := []Line{{row(columns, widths, names), Dim}}
	for _, c := range cells {
		lines = append(lines, Line{Text: row(columns, widths, c)})
	}
	if rest := len(s.Stages) - len(cells); rest > 0 {
		lines = append(lines, Line{cut(ellipsis+" "+many(rest, "more stage"), width), Dim})
	}
	return lines
}

// chosen picks the stages for which there is room: a heading, and a last line if not all fit.
func chosen(stages []status.Stage, rates map[string]float64, height int) []bool {
	keep := make([]bool, len(stages))
	room := height - 1
	if len(stages) > room {
		room--
	}
	for range min(max(room, 0), len(stages)) {
		best, worth := -1, -1.0
		for i := range stages {
			if w := weight(&stages[i], rates); !keep[i] && w > worth {
				best, worth = i, w
			}
		}
		keep[best] = true
	}
	return keep
}

func weight(st *status.Stage, rates map[string]float64) float64 {
	w := rates[st.ID] / (1 + rates[st.ID])
	switch {
	case st.Kind == "source" || st.Kind == "sink":
		w += 4
	case st.Late > 0 || st.Skipped > 0:
		w += 2
	}
	return w
}

// wrap puts pieces onto as few lines as hold them.
func wrap(pieces []string, width int, style Style) []Line {
	var lines []Line
	for _, p := range pieces {
		if n := len(lines); n > 0 && wide(lines[n-1].Text)+3+wide(p) <= width {
			lines[n-1].Text += "   " + p
			continue
		}
		lines = append(lines, Line{cut(p, width), style})
	}
	return lines
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return string(clean(nil, []byte(line)))
}

// Short writes a duration as a person says it: 12 ms, 3.4 s, 2 min 5 s, 3 h 12 min, 4 d 2 h.
func Short(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
}
