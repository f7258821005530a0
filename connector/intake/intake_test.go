package intake

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"pipec/connector/format"
	"pipec/vm/value"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func lines(t *testing.T) (format.Decoder, func() *value.Batch) {
	t.Helper()
	schema := value.Schema{Fields: []value.Field{{Name: "line", Type: value.Of(value.String)}}}
	spec, _ := format.Lookup("text")
	dec, err := spec.Decoder(format.DecodeOptions{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	return dec, func() *value.Batch { return value.NewBatch(schema) }
}

// texts is a feed of one block per text; the last one ends the input.
type texts struct {
	in   *Input
	pool *Pool
	list []string
}

func (f *texts) Next() (*Block, error) {
	if len(f.list) == 0 {
		return nil, io.EOF
	}
	b, err := f.pool.Get(f.in)
	if err != nil {
		return nil, err
	}
	b.Filled(copy(b.Space(), f.list[0]))
	f.list = f.list[1:]
	b.Last = len(f.list) == 0
	return b, nil
}

func (f *texts) Close() {}

func fail(name, text string, _ error) error { return errors.New(name + ": " + text) }

func TestEveryBlockComesBackToItsPool(t *testing.T) {
	for _, size := range []int{1, 10, headroom - 1, headroom + 1, BlockSize - 10} {
		dec, fresh := lines(t)
		var list []string
		var want []string
		for i := range 40 {
			half := strings.Repeat("x", size/2)
			list = append(list, fmt.Sprintf("%s %d\n", half, i)+half)
			want = append(want, half+fmt.Sprintf(" %d", i))
			if i > 0 {
				want[i] = half + want[i]
			}
		}
		want = append(want, strings.Repeat("x", size/2))
		if size == 1 {
			want = want[:40] // nothing is behind the last line
		}
		pool := NewPool(3, nil)
		d := NewDecoding(&texts{in: &Input{Name: "x"}, pool: pool, list: list}, dec, 1, fresh, fail)
		d.SetMax(1)
		var got []string
		var held *Chunk
		for {
			c, err := d.Next()
			if held != nil {
				d.Recycle(held)
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range c.Batch.Len {
				got = append(got, string(c.Batch.Cols[0].Text(i)))
			}
			held = c
		}
		if !slices.Equal(got, want) {
			t.Errorf("blocks of %d bytes: %d rows, want %d", size, len(got), len(want))
		}
		if len(pool.free) != pool.made || pool.made > 3 {
			t.Errorf("blocks of %d bytes: %d of %d are free", size, len(pool.free), pool.made)
		}
	}
}

func TestAheadKeepsOrderStopsAndKeepsWhatIsLeft(t *testing.T) {
	n := 0
	count := func() (int, error) {
		if n++; n > 100 {
			return 0, io.EOF
		}
		return n, nil
	}
	stop := make(chan struct{})
	a := NewAhead(3, nil, stop, count)
	for want := 1; want <= 10; want++ {
		if r, ok := a.Take(nil); !ok || r.Value != want {
			t.Fatalf("%d, want %d", r.Value, want)
		}
	}
	a.Close()
	left := a.Left()
	for i, v := range left {
		if v != 11+i {
			t.Fatalf("left: %v", left)
		}
	}
	if len(left) > 4 || n != 10+len(left) {
		t.Fatalf("%d were produced and %d are left", n, len(left))
	}
}

func TestAheadWakesWhoFoundNothing(t *testing.T) {
	woken, gate := make(chan struct{}, 100), make(chan int)
	a := NewAhead(1, func() { woken <- struct{}{} }, make(chan struct{}), func() (int, error) {
		if v, ok := <-gate; ok {
			return v, nil
		}
		return 0, io.EOF
	})
	for want := range 50 {
		if r, ok := a.Poll(); ok {
			t.Fatalf("%v before anything was there", r)
		}
		gate <- want
		<-woken
		if r, ok := a.Poll(); !ok || r.Value != want {
			t.Fatalf("woken for nothing: %v %v", r, ok)
		}
	}
	close(gate)
	for range 2 { // the end stays
		if r, ok := a.Take(nil); !ok || r.Err != io.EOF {
			t.Fatalf("%v %v", r, ok)
		}
	}
	if _, ok := a.Take(closed()); ok {
		if r, _ := a.Take(nil); r.Err != io.EOF {
			t.Fatal("neither stopped nor ended")
		}
	}
	a.Close()
}

func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}
