package connector

import (
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pipec/compiler/plan"
)

// typed opens a standard input that a test writes to.
func typed(t *testing.T, config plan.SourceConfig) (Source, *io.PipeWriter) {
	env := newEnv()
	in, out := io.Pipe()
	env.Stdin = in
	return openSource(t, "stdin", config, env), out
}

func TestTypedRowsAppearAtOnce(t *testing.T) {
	src, out := typed(t, plan.SourceConfig{Schema: lineSchema})
	s := read(t, src, splitsOf(t, src, 1, nil))
	if status, err := s.r.Next(&s.read, 10); status != Wait || err != nil {
		t.Fatalf("%v %v, want a reader that does not wait", status, err)
	}
	if !slices.Equal(s.read.Ready, []bool{true}) {
		t.Error("the input is being read")
	}
	go io.WriteString(out, "one\ntwo\nthr")
	got, _, err := s.next(10) // nothing follows until this has come
	must(t, err)
	if !slices.Equal(got.rows, []string{"one", "two"}) {
		t.Fatal(got.rows)
	}
	go func() {
		io.WriteString(out, "ee\nlast")
		out.Close()
	}()
	var rest []string
	for {
		got, ok, err := s.next(1)
		must(t, err)
		if !ok {
			break
		}
		rest = append(rest, got.rows...)
	}
	if !slices.Equal(rest, []string{"three", "last"}) {
		t.Fatal(rest)
	}
	must(t, s.r.Close())
	must(t, src.Close())
}

func TestAClosedReaderDoesNotWaitForTheTypist(t *testing.T) {
	src, out := typed(t, plan.SourceConfig{Schema: lineSchema})
	s := read(t, src, splitsOf(t, src, 1, nil))
	must(t, s.r.Close())
	must(t, src.Close())
	out.Close() // the goroutine ends with its Read
}

// What a reader had read and not given out is there for the next one, half a record and the header too.
func TestTheNextAttemptGoesOnWhereTheTypistIs(t *testing.T) {
	src, out := typed(t, plan.SourceConfig{Schema: pairSchema, Settings: settings("format", csvWithHeader)})
	splits := splitsOf(t, src, 1, nil)
	go io.WriteString(out, "n,name\n1,a\n2,b\n3,c")
	s := read(t, src, splits)
	got, _, err := s.next(1)
	must(t, err)
	must(t, s.r.Close())
	go func() {
		io.WriteString(out, "c\n4,d\n")
		out.Close()
	}()
	rows := append(got.rows, rowsOf(read(t, src, splitsOf(t, src, 1, splits)).all(10, nil))...)
	if want := []string{"1|a", "2|b", "3|cc", "4|d"}; !slices.Equal(rows, want) {
		t.Fatal(rows)
	}
	must(t, src.Close())
}

// So it is when each attempt makes its own source, as long as they share what was kept.
func TestAnAttemptWithItsOwnSourceGoesOnWhereTheTypistIs(t *testing.T) {
	env := newEnv()
	in, out := io.Pipe()
	env.Stdin = Keep(in)
	go func() {
		for i := range 100 {
			io.WriteString(out, strings.Repeat("x", i)+"\n")
		}
		out.Close()
	}()
	total := 0
	for done := false; !done; {
		src := openSource(t, "stdin", plan.SourceConfig{Schema: lineSchema}, env)
		s := read(t, src, splitsOf(t, src, 1, nil))
		for range 3 {
			got, ok, err := s.next(2)
			must(t, err)
			for _, row := range got.rows {
				if len(row) != total {
					t.Fatalf("row %d has %d characters", total, len(row))
				}
				total++
			}
			done = done || !ok
		}
		must(t, s.r.Close())
		must(t, src.Close())
	}
	if total != 100 {
		t.Fatalf("%d rows", total)
	}
}

func TestAnEndedInputStaysEnded(t *testing.T) {
	src, out := typed(t, plan.SourceConfig{Schema: lineSchema})
	out.Close()
	batches := read(t, src, splitsOf(t, src, 1, nil)).all(10, nil)
	end := batches[len(batches)-1].after
	if !end.Ended {
		t.Fatal("it did not end")
	}
	if again := read(t, src, splitsOf(t, src, 1, []Split{end})).all(10, nil); len(again) > 0 {
		t.Fatal(again)
	}
	if again := read(t, src, splitsOf(t, src, 1, nil)).all(10, nil); len(rowsOf(again)) > 0 {
		t.Fatal(again)
	}
	must(t, src.Close())
}

func TestABrokenInput(t *testing.T) {
	broken := errors.New("broken")
	env := newEnv()
	env.Stdin = io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken))
	src := openSource(t, "stdin", plan.SourceConfig{Schema: lineSchema}, env)
	s := read(t, src, splitsOf(t, src, 1, nil))
	got, _, err := s.next(10)
	must(t, err)
	if !slices.Equal(got.rows, []string{"a"}) {
		t.Fatal(got.rows)
	}
	if _, _, err := s.next(10); !errors.Is(err, broken) || !errors.Is(err, ErrInput) {
		t.Fatal(err)
	}
	must(t, s.r.Close())
	must(t, src.Close())
}

// A reader may be closed in the middle of a chunk that ends the input. Whether the chunk was decoded before it was asked for in smaller pieces is up to the
// scheduler, hence the rounds.
func TestTheLastLineOfAChunkInPieces(t *testing.T) {
	for round := range 200 {
		env := newEnv()
		env.Stdin = iotest.DataErrReader(strings.NewReader("one\ntwo\nlast")) // the end comes with the bytes
		src := openSource(t, "stdin", plan.SourceConfig{Schema: lineSchema}, env)
		splits := splitsOf(t, src, 1, nil)
		s := read(t, src, splits)
		for range round {
			runtime.Gosched()
		}
		got, _, err := s.next(1)
		must(t, err)
		must(t, s.r.Close())
		rows := append(got.rows, rowsOf(read(t, src, splitsOf(t, src, 1, splits)).all(10, nil))...)
		if !slices.Equal(rows, []string{"one", "two", "last"}) {
			t.Fatal(rows)
		}
		must(t, src.Close())
	}
}
