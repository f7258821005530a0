package connector

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
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

// Files that come behind a chain are read whether the snapshot was taken a moment before its end or a moment after.
func TestFilesThatComeBehindAChainThatHadEnded(t *testing.T) {
	for _, order := range []string{"name", "time"} {
		env := newEnv()
		config := fileConfig("in", "order", order)
		put(t, env.FS, "in/a.csv", "n,name\n1,a\n2,a\n")
		at := stopped(t, env, config, 2)
		at[0].Ended = true
		put(t, env.FS, "in/b.csv", "n,name\n3,b\n")
		src, err := openFileSource(env, config)
		must(t, err)
		if d := cmp.Diff([]string{"3|b"}, rowsOf(read(t, src, splitsOf(t, src, 1, at)).all(10, nil))); d != "" {
			t.Errorf("by %s: %s", order, d)
		}
	}
}
