package connector

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pipec/compiler/plan"
)

// chopped is a feed that cuts a text into blocks of random sizes with random headroom, empty ones and a separate end included.
type chopped struct {
	in    *input
	text  []byte
	rng   *rand.Rand
	size  int
	ended bool
	out   int // blocks that were not released
	pool  *blockPool
}

func (c *chopped) next() (*block, error) {
	if c.ended {
		return nil, io.EOF
	}
	n := min(c.rng.IntN(c.size+1), len(c.text))
	room := c.rng.IntN(40)
	b := &block{buf: make([]byte, room+n+slack), from: room, to: room + n, in: c.in, pool: c.pool}
	b.refs.Store(1)
	copy(b.buf[room:], c.text[:n])
	c.text = c.text[n:]
	b.last = len(c.text) == 0 && (n > 0 || c.rng.IntN(2) == 0)
	c.ended = b.last
	return b, nil
}

func (c *chopped) close() {}

func decodeOptions(schema plan.SourceConfig) SourceOptions {
	return SourceOptions{Config: schema, Job: plan.Job{BatchSize: 50}, Env: Env{Inline: true}}
}

func TestRecordsAcrossBlocks(t *testing.T) {
	long := strings.Repeat("a very long name with \"\"quotes\"\"\n", 300)
	var text strings.Builder
	text.WriteString("name,n\r\n")
	var want []string
	for i := range 200 {
		name := fmt.Sprintf("number %d", i)
		if i%50 == 20 {
			name = long[:i*40]
		}
		fmt.Fprintf(&text, "\"%s\",%d\r\n", name, i)
		want = append(want, fmt.Sprintf("%d|%s", i, strings.ReplaceAll(name, `""`, `"`)))
	}
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 3))
		feed := &chopped{in: &input{name: "x", final: true, live: seed%2 == 0}, text: []byte(text.String()), rng: rng, size: 1 << (1 + rng.IntN(14))}
		if seed%3 == 0 {
			feed.text = bytes.TrimSuffix(feed.text, []byte("\r\n"))
		}
		config := plan.SourceConfig{Schema: pairSchema, Settings: settings("format", csvWithHeader)}
		r, err := newRowReader(decodeOptions(config), []Split{{ID: "x"}}, feed, nil, nil)
		must(t, err)
		s := &session{t: t, r: r}
		if got := rowsOf(s.all(60, rng)); !slices.Equal(want, got) {
			t.Fatalf("seed %d: %s", seed, firstDifference(got, want))
		}
	}
}

func TestARecordWithoutAnEnd(t *testing.T) {
	if testing.Short() {
		return
	}
	env := newEnv()
	put(t, env.FS, "a.csv", "n,name\n1,x\n2,\""+strings.Repeat("x", recordMax+2*blockSize)+"\"\n")
	src, err := openFileSource(env, fileConfig("a.csv"))
	must(t, err)
	s := read(t, src, splitsOf(t, src, 1, nil))
	for ok := true; ok && err == nil; {
		_, ok, err = s.next(10)
	}
	if !errors.Is(err, ErrInput) || err.Error() != "cannot read a.csv: E801: the record at byte 11 is longer than 64 MiB" {
		t.Error(err)
	}
	must(t, s.r.Close())
}

func TestALongRecordIsReadInLinearTime(t *testing.T) {
	env := newEnv()
	name := strings.Repeat("y", 20<<20)
	put(t, env.FS, "a.csv", "n,name\n1,"+name+"\n2,b\n")
	config := fileConfig("a.csv")
	src := openSource(t, "file", config, env)
	rows := rowsOf(read(t, src, splitsOf(t, src, 1, nil)).all(10, nil))
	if len(rows) != 2 || rows[0] != "1|"+name || rows[1] != "2|b" {
		t.Fatalf("%d rows", len(rows))
	}
}

// Blocks go back to their pool, however batches are taken: a reader that kept them would stop for want of blocks.
func TestBlocksAreGivenBack(t *testing.T) {
	pool := newBlockPool(0, nil)
	feed := &chopped{in: &input{name: "x", final: true}, text: []byte(pairsCSV(0, 3000, "\n")), rng: rand.New(rand.NewPCG(1, 1)), size: 3000, pool: pool}
	given := 0
	counting := feedFunc(func() (*block, error) {
		b, err := feed.next()
		if b != nil {
			given++
		}
		return b, err
	})
	r, err := newRowReader(decodeOptions(plan.SourceConfig{Schema: pairSchema, Settings: settings("format", csvWithHeader)}), []Split{{ID: "x"}}, counting, nil, nil)
	must(t, err)
	pool.free = make(chan *block, 1000)
	if n := len(rowsOf((&session{t: t, r: r}).all(40, rand.New(rand.NewPCG(2, 2))))); n != 3000 {
		t.Fatalf("%d rows", n)
	}
	if back := len(pool.free); back != given {
		t.Errorf("%d of %d blocks came back", back, given)
	}
}

type feedFunc func() (*block, error)

func (f feedFunc) next() (*block, error) { return f() }
func (f feedFunc) close()                {}
