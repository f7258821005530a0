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

// stdinSource reads the standard input from one goroutine that outlives its readers: what was read and not yet taken as rows is there for the reader of the
// next attempt. A Read that waits for somebody to type cannot be interrupted, so Close does not wait for it; the goroutine ends with that Read.
type stdinSource struct {
	o     SourceOptions
	stop  chan struct{}
	feed  *stdinFeed
	ahead *intake.Ahead[*intake.Block]
	past  intake.Feed // what the last reader left
}

func newStdin(o SourceOptions) (Source, error) {
	if _, _, err := decoderOptions(o); err != nil {
		return nil, err
	}
	s := &stdinSource{o: o, stop: make(chan struct{})}
	s.feed = &stdinFeed{in: &intake.Input{Name: "the standard input", Final: true, Live: true}, from: o.Env.Stdin}
	limit := intake.BlocksMax
	if o.Env.Inline {
		limit = 0
	}
	s.feed.pool = intake.NewPool(limit, s.stop)
	return s, nil
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
	stop := make(chan struct{})
	if len(splits) == 0 || splits[0].Ended {
		return newRowReader(s.o, splits, nothing{}, stop, wake)
	}
	var rest intake.Feed = s.feed
	if !s.o.Env.Inline {
		if s.ahead == nil {
			s.ahead = intake.NewAhead(1, nil, s.stop, s.feed.Next)
		}
		rest = intake.NewPrefetch(s.ahead, stop, nil)
	}
	if s.past != nil {
		rest = &both{s.past, rest}
	}
	r, err := newRowReader(s.o, splits, rest, stop, wake)
	if err != nil {
		return nil, err
	}
	return &stdinReader{r, s}, nil
}

// Close implements Source.
func (s *stdinSource) Close() error {
	close(s.stop)
	return nil
}

// stdinReader hands what it has not given out back to the source.
type stdinReader struct {
	*rowReader
	source *stdinSource
}

// Close implements Reader.
func (r *stdinReader) Close() error {
	r.rowReader.Close()
	data, last := r.unread()
	if len(data) == 0 && !last {
		return nil
	}
	b := intake.NewBlock(r.source.feed.in, data)
	b.Last = last
	r.source.past = &one{b}
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

// nothing, one and both are feeds of no, one and first one then another source of blocks.
type (
	nothing struct{}
	one     struct{ b *intake.Block }
	both    struct{ first, then intake.Feed }
)

func (nothing) Next() (*intake.Block, error) { return nil, io.EOF }
func (nothing) Close()                       {}

func (f *one) Next() (*intake.Block, error) {
	if f.b == nil {
		return nil, io.EOF
	}
	b := f.b
	f.b = nil
	return b, nil
}
func (f *one) Close() {}

func (f *both) Next() (*intake.Block, error) {
	if b, err := f.first.Next(); err != io.EOF {
		return b, err
	}
	return f.then.Next()
}

func (f *both) Close() {
	f.first.Close()
	f.then.Close()
}
