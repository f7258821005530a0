package connector

import (
	"context"
	"io"

	"pipec/compiler/plan"
	"pipec/connector/intake"
	"pipec/vm/value"
)

func stdinSpec() Spec {
	return Spec{
		Name:         "stdin",
		Doc:          "Reads the standard input: lines as the column `line`, or rows in a format with the declared schema. It cannot be read again, so nothing behind it is exactly once.",
		SourceParams: []plan.Param{formatParam("How rows are written; without it a row is a line.", `format json`, false)},
		Columns:      []value.Field{{Name: "line", Type: value.Of(value.String)}},
		Formats:      true,
		Source:       newStdin,
		Examples:     []string{"from stdin", "from stdin { format json }"},
	}
}

// formatParam is the setting that all readers and writers of bytes share.
func formatParam(doc, example string, required bool) plan.Param {
	return plan.Param{Name: "format", Doc: doc, Kind: plan.ChoiceParam, Table: "format", Required: required, Example: example}
}

// Keep makes a Stdin of r whose reading outlives the sources that use it: when a job restarts in its process, what was read and not yet taken as rows is there
// for the next attempt. Without it a source reads by itself, and a Read that still waits when it is closed may swallow what comes next.
func Keep(r io.Reader) Stdin { return &keptIn{from: r} }

// keptIn is the standard input with whatever was read of it. One goroutine reads: a Read that waits for somebody to type cannot be interrupted, so nobody waits
// for it; it ends with that Read.
type keptIn struct {
	from io.Reader
	stop chan struct{}
	kept *intake.Kept // nil: nothing was read yet
}

// Read implements Stdin, for whoever is no source.
func (k *keptIn) Read(p []byte) (int, error) { return k.from.Read(p) }

// start begins to read, if that is still to be done.
func (k *keptIn) start(inline bool) *intake.Kept {
	if k.kept == nil {
		k.stop = make(chan struct{})
		limit := intake.BlocksMax
		if inline {
			limit = 0
		}
		feed := &stdinFeed{in: &intake.Input{Name: "the standard input", Final: true, Live: true}, from: k.from, pool: intake.NewPool(limit, k.stop)}
		k.kept = intake.Keep(feed, inline, k.stop)
	}
	return k.kept
}

type stdinSource struct {
	o   SourceOptions
	in  *keptIn
	own bool // nobody goes on behind this source
}

func newStdin(o SourceOptions) (Source, error) {
	if _, _, err := decoderOptions(o); err != nil {
		return nil, err
	}
	if in, ok := o.Env.Stdin.(*keptIn); ok {
		return &stdinSource{o: o, in: in}, nil
	}
	return &stdinSource{o: o, in: &keptIn{from: o.Env.Stdin}, own: true}, nil
}

// Splits implements Source: there is one, and no way back in it.
func (s *stdinSource) Splits(_ context.Context, _ int, known []Split) ([]Split, error) {
	if len(known) > 0 {
		return known, nil
	}
	return []Split{{ID: "stdin"}}, nil
}

// Reader implements Source.
func (s *stdinSource) Reader(splits []Split, wake func()) (Reader, error) {
	splits = append([]Split(nil), splits...)
	if len(splits) == 0 || splits[0].Ended { // another task reads it, or nobody does any more
		return newRowReader(s.o, splits, nothing{}, make(chan struct{}), wake)
	}
	return newKeptReader(s.o, splits, s.in.start(s.o.Env.Inline), wake)
}

// Close implements Source.
func (s *stdinSource) Close() error {
	if s.own && s.in.stop != nil {
		close(s.in.stop)
	}
	return nil
}

// stdinFeed passes on what one Read gives, however little it is: whoever types sees his rows at once, and a pipe gives as much as it holds.
type stdinFeed struct {
	in   *intake.Input
	from io.Reader
	pool *intake.Pool
	err  error
}

func (f *stdinFeed) Next() (*intake.Block, error) {
	if f.err != nil {
		return nil, f.err
	}
	b, err := f.pool.Get(f.in)
	if err != nil {
		return nil, err
	}
	// A reader may give nothing and no error; that is no end.
	n := 0
	for n == 0 && err == nil {
		n, err = f.from.Read(b.Space())
	}
	b.Filled(n)
	switch err {
	case nil:
	case io.EOF:
		b.Last = true
		f.err = io.EOF
	default:
		f.err = inputError(f.in.Name, cause(err), err)
		if n == 0 {
			return nil, f.err
		}
	}
	return b, nil
}

func (f *stdinFeed) Close() {}
