package connector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"

	"pipec/compiler/plan"
	"pipec/connector/format"
	"pipec/vm/value"
)

func stdoutSpec() Spec {
	return Spec{
		Name: "stdout",
		Doc:  "Writes rows to the standard output as they come. Of an upsert stream each row replaces the earlier one of its key; only a delete says so, by `_op`.",
		SinkParams: []plan.Param{
			formatParam("How rows are written; without it one JSON object a line.", "format csv", false),
			{Name: "changes", Doc: "Adds `_op` to every row: insert, update_before, update_after or delete.", Kind: plan.BoolParam, Default: false, Example: "changes = true"},
		},
		Formats: true,
		Updates: true,
		CheckSink: func(c plan.SinkConfig) string {
			return noPlaceForOp(c, c.Settings.Bool("changes") || updating(c))
		},
		Sink:     newStdout,
		Examples: []string{"into stdout", "into stdout { format csv }", "into stdout { changes = true }"},
	}
}

// Share makes a Stdout of w that several tasks, of several sinks, may write to: each Write is one piece, and a header is written once.
func Share(w io.Writer) Stdout { return &sharedOut{w: w} }

type sharedOut struct {
	mu      sync.Mutex
	w       io.Writer
	display Display         // nil unless it is a terminal
	headers map[string]bool // sinks that have written theirs
}

// Write implements Stdout.
func (s *sharedOut) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// first says, once for each sink, that it is the first to write.
func (s *sharedOut) first(sink string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.headers == nil {
		s.headers = map[string]bool{}
	}
	was := s.headers[sink]
	s.headers[sink] = true
	return !was
}

// stdoutSink writes at the end of each batch it is given, so that rows appear at once.
type stdoutSink struct {
	out     Stdout
	name    string
	task    int
	enc     format.Encoder
	changes bool
	bytes   int64
	buf     []byte
	sel     []int32
}

// newEncoder makes the encoder of a sink's format. Ops and OnlyGone are as in format.EncodeOptions.
func newEncoder(o SinkOptions, ops, onlyGone bool) (*format.Spec, format.Encoder, error) {
	word, settings := o.Config.Settings.Choice("format")
	if word == "" {
		word = "json"
	}
	spec, ok := format.Lookup(word)
	if !ok {
		return nil, nil, fmt.Errorf("there is no format %s", word)
	}
	zone, err := time.LoadLocation(o.Job.TimeZone)
	if err != nil {
		return nil, nil, err
	}
	enc, err := spec.Encoder(format.EncodeOptions{Settings: settings, Schema: o.Config.Schema, Ops: ops, OnlyGone: onlyGone, Zone: zone})
	return spec, enc, err
}

// updating says whether the rows change a table.
func updating(c plan.SinkConfig) bool { return c.Mode == plan.Upsert || c.Mode == plan.Retract }

func newStdout(o SinkOptions) (Sink, error) {
	if t, err := newTable(o); t != nil || err != nil {
		return t, err
	}
	s := &stdoutSink{out: o.Env.Stdout, name: o.Node, task: o.Task, changes: o.Config.Settings.Bool("changes")}
	var err error
	_, s.enc, err = newEncoder(o, s.changes, !s.changes && updating(o.Config))
	return s, err
}

// Open implements Sink: the first task writes the header, once in the life of the process.
func (s *stdoutSink) Open(context.Context, [][]byte) error {
	h := s.enc.Header()
	if s.task != 0 || len(h) == 0 {
		return nil
	}
	if shared, ok := s.out.(*sharedOut); ok && !shared.first(s.name) {
		return nil
	}
	return s.write(h)
}

// Write implements Sink.
func (s *stdoutSink) Write(b *value.Batch) error {
	rows := b.Rows()
	if !s.changes {
		rows = withoutBefore(b, &s.sel)
	}
	if len(rows) == 0 {
		return nil
	}
	var err error
	if s.buf, err = s.enc.Append(s.buf[:0], b, rows, nil); err != nil {
		return err
	}
	return s.write(s.buf)
}

// withoutBefore selects the rows but those that an update_after replaces; sel is scratch.
func withoutBefore(b *value.Batch, sel *[]int32) []int32 {
	rows := b.Rows()
	if b.Kinds == nil {
		return rows
	}
	kept := (*sel)[:0]
	for _, r := range rows {
		if b.Kinds[r] != value.UpdateBefore {
			kept = append(kept, r)
		}
	}
	*sel = kept
	return kept
}

// write tells a reader that has gone, which is the end of the job, from a write that failed.
func (s *stdoutSink) write(p []byte) error {
	n, err := s.out.Write(p)
	s.bytes += int64(n)
	switch {
	case errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe):
		return &Error{Kind: ErrClosed, What: "the standard output", Text: "its reader has closed the pipe", Err: err}
	case err == nil && n < len(p):
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("writing the standard output: %w", err)
	}
	return nil
}

// Prepare implements Sink: what was written is out already.
func (s *stdoutSink) Prepare(uint64, bool) ([]byte, error) { return nil, nil }

// Commit implements Sink.
func (s *stdoutSink) Commit(context.Context, []byte) error { return nil }

// Close implements Sink.
func (s *stdoutSink) Close() error { return nil }
