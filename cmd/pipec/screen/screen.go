// Package screen is what a person sees of a running job on a terminal: permanent text scrolls up, and below it lives a region that is redrawn in place.
//
// There is no alternate screen, no raw mode and no hidden cursor, so that nothing has to be put back, whatever ends the process: the cursor rests on the line
// below the region, where a shell goes on. Everything that is drawn is a pure function of what is known and of the window's size.
//
//	screen.go  Screen: one terminal, its permanent text and its region
//	frame.go   Line; frame: the bytes that turn one region into the next
//	cells.go   tables as lines: widths, alignment, what is left out
//	block.go   Block: a running job as lines; Meter: its rates
//	table.go   Table: the rows of an upsert stream, by key
//	kept.go    kept: those of them that a window may come to show
package screen

import (
	"io"
	"sync"
	"time"
)

// A region is redrawn at most so often, and permanent text waits at most so long.
const (
	redraw = 100 * time.Millisecond
	buffer = 64 << 10
)

// Area is a part of the region: it draws itself into at most so many columns and lines.
type Area interface {
	Lines(width, height int) []Line
	// Changed says whether it has anything new since the last call.
	Changed() bool
}

// Screen is one terminal. Its methods may be called from several goroutines.
type Screen struct {
	w     io.Writer
	size  func() (width, height int)
	color bool

	mu      sync.Mutex
	block   Area
	tables  []Area
	shown   []string // the region as it was last drawn, without styles
	width   int      // of the window then
	height  int
	text    []byte // permanent text that is not out yet
	err     error
	last    time.Time // of the last frame
	cost    time.Duration
	stop    chan struct{}
	stopped sync.WaitGroup
	closed  bool
}

// New makes a screen of a terminal. size is asked for each frame.
func New(w io.Writer, size func() (width, height int), color bool) *Screen {
	s := &Screen{w: w, size: size, color: color, stop: make(chan struct{})}
	s.stopped.Go(s.run)
	return s
}

// run draws at a steady pace, more slowly when a frame costs much: at most a tenth of the time.
func (s *Screen) run() {
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		s.mu.Lock()
		if time.Since(s.last) >= 10*s.cost {
			s.draw()
		}
		s.mu.Unlock()
	}
}

// SetBlock sets what stands at the bottom; nil: nothing.
func (s *Screen) SetBlock(a Area) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.block = a
}

// AddTable puts a table above the block, below the earlier ones.
func (s *Screen) AddTable(a Area) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables = append(s.tables, a)
}

// Write prints permanent text above the region. Text that does not end a line must be followed by its rest.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	if s.closed {
		return s.w.Write(p)
	}
	s.text = append(s.text, p...)
	if len(s.shown) == 0 || len(s.text) > buffer || time.Since(s.last) > redraw {
		s.draw()
	}
	return len(p), s.err
}

// Touch draws at once if nothing was drawn for a while: a first row is seen as soon as it is there. It never waits for a frame that is being drawn.
func (s *Screen) Touch() {
	if !s.mu.TryLock() {
		return
	}
	defer s.mu.Unlock()
	if time.Since(s.last) > max(redraw, 10*s.cost) {
		s.draw()
	}
}

// draw writes one frame if there is anything new. Called with mu held.
func (s *Screen) draw() {
	if s.closed || s.err != nil {
		return
	}
	width, height := s.size()
	changed := len(s.text) > 0 || width != s.width || height != s.height
	for _, a := range s.areas() {
		changed = a.Changed() || changed
	}
	if !changed {
		return
	}
	start := time.Now()
	next := layout(s.tables, s.block, width-1, height-1) // the last column stays free: a full one would wrap
	s.put(next, width)
	s.width, s.height = width, height
	s.last = time.Now()
	s.cost = s.last.Sub(start)
}

func (s *Screen) areas() []Area {
	if s.block == nil {
		return s.tables
	}
	return append(s.tables[:len(s.tables):len(s.tables)], s.block)
}

// put replaces the region, with the waiting text above it.
func (s *Screen) put(next []Line, width int) {
	var out []byte
	out, s.shown = frame(s.shown, next, width, s.text, s.color)
	s.text = s.text[:0]
	if len(out) > 0 {
		_, s.err = s.w.Write(out)
	}
}

// finalRows is how many rows of a table stay on the terminal when its job has ended.
const finalRows = 200

// Close ends the region. The tables' last state stays as permanent text; the block goes, for the end report follows it.
func (s *Screen) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return s.err
	}
	close(s.stop)
	width, _ := s.size()
	var last []Line
	for _, t := range s.tables {
		last = append(last, t.Lines(width-1, finalRows)...)
	}
	s.put(last, width)
	s.shown, s.closed = nil, true
	s.mu.Unlock()
	s.stopped.Wait()
	return s.err
}

// layout divides the window: the block gets what it wants, but with tables at most half; the tables share the rest.
func layout(tables []Area, block Area, width, height int) []Line {
	if width < 1 || height < 1 {
		return nil
	}
	var bottom []Line
	if block != nil {
		most := height
		if len(tables) > 0 {
			most = max(1, height/2)
		}
		bottom = block.Lines(width, most)
	}
	var all []Line
	left := height - len(bottom)
	for i, t := range tables {
		lines := t.Lines(width, left/(len(tables)-i))
		left -= len(lines)
		all = append(all, lines...)
	}
	return append(all, bottom...)
}
