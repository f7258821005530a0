package connector

import (
	"context"
	"errors"
	"testing"
)

// A checkpoint takes 1 MiB of a task and no more: with small parts, or where none has completed for long, no later one could complete either.
func TestTokensOfManyPartsFitIntoACheckpoint(t *testing.T) {
	eachSink(t, true, func(w sinkWorld) {
		s := w.open(1, 0)
		const rows = partsMax + 1000
		var token []byte
		for i := range rows {
			must(t, s.Write(pairBatch(i, i+1)))
			if i == rows/2 {
				token = prepare(t, s, 1)
			}
		}
		if token = prepare(t, s, 2); len(token) > 1<<19 {
			t.Fatalf("a token of %d bytes", len(token))
		}
		commit(w.t, s, token)
		w.see(0, rows)
	})
}

func TestFileSinksNeverReplaceEachOther(t *testing.T) {
	eachSink(t, true, func(w sinkWorld) {
		if w.c.published == nil {
			return
		}
		one := w.open(1, 0)
		w.c.config.Name = "other" // into the same directory
		other := w.open(1, 0)
		must(t, one.Write(pairBatch(0, 10)))
		must(t, other.Write(pairBatch(10, 20)))
		commit(w.t, one, prepare(t, one, 1))
		if err := other.Commit(context.Background(), prepare(t, other, 1)); !errors.Is(err, ErrLost) {
			t.Errorf("the second sink: %v", err)
		}
		w.see(0, 10)
	})
}
