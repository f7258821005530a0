package connector

import (
	"context"

	"pipec/vm/value"
)

func blackholeSpec() Spec {
	return Spec{
		Name:        "blackhole",
		Doc:         "Drops every row: to measure a job, or to run one for its side outputs.",
		ExactlyOnce: true,
		Updates:     true,
		Sink:        func(SinkOptions) (Sink, error) { return blackholeSink{}, nil },
		Examples:    []string{"into blackhole"},
	}
}

// blackholeSink has nothing to publish, so every checkpoint of it is complete at once.
type blackholeSink struct{}

func (blackholeSink) Open(context.Context, [][]byte) error { return nil }
func (blackholeSink) Write(*value.Batch) error             { return nil }
func (blackholeSink) Prepare(uint64, bool) ([]byte, error) { return nil, nil }
func (blackholeSink) Commit(context.Context, []byte) error { return nil }
func (blackholeSink) Close() error                         { return nil }
