package connector

import (
	"context"
	"io"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// Display is a terminal. A stream of updates into stdout that names no format is a table there, which changes in place.
type Display interface {
	// Table gives the table of a sink, by its id in the plan: the same to all its tasks and after each restart. key are the columns whose rows replace each other.
	Table(sink string, schema value.Schema, key []string) (Table, error)
}

// Table takes rows as they change. It copies what it keeps, and may be called by several tasks at once.
type Table interface {
	Apply(b *value.Batch, rows []int32) error
}

// Show is Share for a terminal.
func Show(w io.Writer, d Display) Stdout { return &sharedOut{w: w, display: d} }

// tableSink is stdout as a table.
type tableSink struct{ table Table }

// newTable gives the sink of a table, or nil where rows are written as they come.
func newTable(o SinkOptions) (Sink, error) {
	out, ok := o.Env.Stdout.(*sharedOut)
	word, _ := o.Config.Settings.Choice("format")
	if !ok || out.display == nil || word != "" || o.Config.Settings.Bool("changes") || o.Config.Mode != plan.Upsert {
		return nil, nil
	}
	key := o.Config.Key
	if len(key) == 0 {
		key = o.Config.ModeKey
	}
	t, err := out.display.Table(o.Node, o.Config.Schema, key)
	return &tableSink{t}, err
}

// Open implements Sink.
func (s *tableSink) Open(context.Context, [][]byte) error { return nil }

// Write implements Sink.
func (s *tableSink) Write(b *value.Batch) error { return s.table.Apply(b, b.Rows()) }

// Prepare implements Sink.
func (s *tableSink) Prepare(uint64, bool) ([]byte, error) { return nil, nil }

// Commit implements Sink.
func (s *tableSink) Commit(context.Context, []byte) error { return nil }

// Close implements Sink.
func (s *tableSink) Close() error { return nil }
