package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/connector"
	"pipec/vm"
	"pipec/vm/value"

	"pipec/cmd/pipec/screen"
)

// look is how often the block asks the job how it is.
const look = 250 * time.Millisecond

// display is what `run` shows on terminals. Where a stream is none, or must not be disturbed, it is written to as it is.
type display struct {
	out, err io.Writer // what stdout and stderr are written to
	live     bool      // stdout is a terminal: streams of updates become tables
	plan     *plan.Plan
	block    *screen.Block
	screens  []*screen.Screen
	tablesOn *screen.Screen

	mu     sync.Mutex
	tables map[string]*screen.Table
	stop   chan struct{}
	asked  sync.WaitGroup
	from   string // the snapshot that the coming attempt goes on from, "" if it begins empty
	ran    bool   // there was an attempt before it
}

// newDisplay finds out what can live. What is typed on a terminal, and what another program prints of our output, would get into the way of lines that
// are redrawn: then there are none.
func newDisplay(std streams, p *plan.Plan, quiet bool) *display {
	d := &display{out: std.out, err: std.err, plan: p, tables: map[string]*screen.Table{}, stop: make(chan struct{})}
	out, err := terminal(std.out), terminal(std.err)
	if os.Getenv("TERM") == "dumb" || os.Getenv("TERM") == "" || terminal(std.in) != nil && uses(p, "source", "stdin") {
		return d
	}
	writes := uses(p, "sink", "stdout")
	if d.live = out != nil && writes; d.live {
		d.tablesOn = d.add(out, colors(std))
		d.out = d.tablesOn
	}
	if err == nil {
		return d
	}
	block := !quiet && (out != nil || !writes || stored(std.out))
	switch {
	case d.live && same(out, err):
		d.err = d.tablesOn
	case block:
		d.err = d.add(err, colors(std))
	}
	if block {
		d.block = &screen.Block{}
		d.screens[len(d.screens)-1].SetBlock(d.block)
	}
	return d
}

func (d *display) add(f *os.File, color bool) *screen.Screen {
	s := screen.New(f, func() (int, int) {
		width, height, err := term.GetSize(int(f.Fd()))
		if err != nil || width < 1 || height < 1 {
			return 80, 24
		}
		return width, height
	}, color)
	d.screens = append(d.screens, s)
	return s
}

// terminal gives the file of a stream that is a terminal, or nil.
func terminal(stream any) *os.File {
	if f, ok := stream.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// stored says whether what is written goes to a file or nowhere, and not to a program that may print it.
func stored(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return info.Mode().IsRegular() || err == nil && os.SameFile(info, null)
}

func same(a, b *os.File) bool {
	x, err := a.Stat()
	if err != nil {
		return false
	}
	y, err := b.Stat()
	return err == nil && os.SameFile(x, y)
}

func uses(p *plan.Plan, kind, word string) bool {
	for _, n := range p.Nodes {
		switch c := n.Config.(type) {
		case *plan.SourceConfig:
			if kind == "source" && c.Connector == word {
				return true
			}
		case *plan.SinkConfig:
			if kind == "sink" && c.Connector == word {
				return true
			}
		}
	}
	return false
}

// stdout is the standard output as sinks see it.
func (d *display) stdout() connector.Stdout {
	if d.live {
		return connector.Show(d.out, d)
	}
	return connector.Share(d.out)
}

// Table implements connector.Display.
func (d *display) Table(sink string, schema value.Schema, key []string) (connector.Table, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.tables[sink]; t != nil {
		return t, nil
	}
	t, err := screen.NewTable(d.stream(sink), schema, key, d.tablesOn.Touch)
	if err != nil {
		return nil, err
	}
	d.tables[sink] = t
	d.tablesOn.AddTable(t)
	if len(d.tables) > 1 {
		for _, t := range d.tables {
			t.Title()
		}
	}
	return t, nil
}

// Emit implements event.Sink: tables are told what a restore makes of them. Of a job that has just begun, rows that do not change are not seen. A restart
// inside the process keeps the table, whose rows come again and right themselves; from a source that cannot be read again they do not come.
func (d *display) Emit(e event.Event) {
	switch b := e.Body.(type) {
	case *event.Restored:
		d.from = fmt.Sprintf("%s %d", b.Kind, b.ID)
	case *event.Job:
		if b.State != event.Running {
			return
		}
		if forget := d.ran && d.loses(); forget || !d.ran {
			d.mu.Lock()
			for _, t := range d.tables {
				t.Restarted(forget, d.from)
			}
			d.mu.Unlock()
		}
		d.from, d.ran = "", true
	}
}

// loses says whether some source cannot be read again.
func (d *display) loses() bool {
	for _, n := range d.plan.Nodes {
		if c, ok := n.Config.(*plan.SourceConfig); ok {
			if spec, ok := connector.Lookup(c.Connector); ok && !spec.Replayable {
				return true
			}
		}
	}
	return false
}

// stream names what flows into a sink: a pipeline without a name has that of its sink, which tells nobody which of several it is.
func (d *display) stream(sink string) string {
	for _, e := range d.plan.Inputs(sink) {
		if from := d.plan.Find(e.From); from != nil && from.Stream == "stdout" {
			return from.ID
		} else if from != nil {
			return from.Stream
		}
	}
	return sink
}

// follow keeps the block up to date while the job runs.
func (d *display) follow(job *vm.Job) {
	if d.block == nil {
		return
	}
	d.asked.Go(func() {
		tick := time.NewTicker(look)
		defer tick.Stop()
		for {
			select {
			case <-d.stop:
				return
			case <-tick.C:
			}
			select {
			case <-d.stop:
				return
			case s := <-job.Status():
				d.block.Set(s)
			}
		}
	})
}

// close takes down what lives; what follows is plain lines.
func (d *display) close() {
	d.mu.Lock()
	select {
	case <-d.stop:
		d.mu.Unlock()
		return
	default:
	}
	close(d.stop)
	d.mu.Unlock()
	d.asked.Wait()
	for _, s := range d.screens {
		_ = s.Close() // of a terminal that has gone there is nobody to tell
	}
}
