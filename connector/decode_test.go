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
	"pipec/connector/intake"
)

// chopped is a feed that cuts a text into blocks of random sizes, with and without room in front, empty ones and a separate end included.
type chopped struct {
	in    *intake.Input
	text  []byte
	rng   *rand.Rand
	size  int
	ended bool
	pool  *intake.Pool
}

func (c *chopped) Next() (*intake.Block, error) {
	if c.ended {
		return nil, io.EOF
	}
	n := min(c.rng.IntN(c.size+1), len(c.text))
	b := intake.NewBlock(c.in, c.text[:n])
	if c.rng.IntN(2) == 0 {
		var err error
		if b, err = c.pool.Get(c.in); err != nil {
			return nil, err
		}
		b.Filled(copy(b.Space(), c.text[:n]))
	}
	c.text = c.text[n:]
	b.Last = len(c.text) == 0 && (n > 0 || c.rng.IntN(2) == 0)
	c.ended = b.Last
	return b, nil
}

func (c *chopped) Close() {}

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
		feed := &chopped{in: &intake.Input{Name: "x", Final: true, Live: seed%2 == 0}, pool: intake.NewPool(0, nil), text: []byte(text.String()), rng: rng, size: 1 << (1 + rng.IntN(14))}
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
	put(t, env.FS, "a.csv", "n,name\n1,x\n2,\""+strings.Repeat("x", intake.RecordMax+2*intake.BlockSize)+"\"\n")
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
