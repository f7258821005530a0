package connector

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"pipec/compiler/plan"
	"pipec/connector/listing"
	"pipec/state/vfs"
	"pipec/vm/clock"
	"pipec/vm/value"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// settings builds checked settings: name, value, name, value; a value that is a plan.Settings is a group, a choice is {word, settings}.
func settings(pairs ...any) plan.Settings {
	var s plan.Settings
	for i := 0; i < len(pairs); i += 2 {
		v := plan.Setting{Name: pairs[i].(string), Value: pairs[i+1], Given: true}
		switch x := pairs[i+1].(type) {
		case plan.Settings:
			v.Value, v.Sub = nil, &x
		case chosen:
			v.Value, v.Sub = x.word, &x.sub
		}
		s.Values = append(s.Values, v)
	}
	return s
}

type chosen struct {
	word string
	sub  plan.Settings
}

func choice(word string, pairs ...any) chosen { return chosen{word, settings(pairs...)} }

var (
	csvWithHeader = choice("csv", "header", true, "separator", ",", "quote", `"`, "null", "", "timestamps", "auto")
	jsonLines     = choice("json", "unknown", "ignore", "missing", "null", "timestamps", "auto")
)

var pairSchema = value.Schema{Fields: []value.Field{{Name: "n", Type: value.Of(value.Int)}, {Name: "name", Type: value.Of(value.String)}}}

var lineSchema = value.Schema{Fields: []value.Field{{Name: "line", Type: value.Of(value.String)}}}

var day = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newEnv() Env {
	return Env{FS: vfs.NewMem(), Clock: clock.NewFake(day), Stdin: strings.NewReader(""), Stdout: io.Discard}
}

// serving is a Dialer of peers that send a text and hang up.
type serving struct{ text string }

func (d serving) Dial(context.Context, string) (net.Conn, error) {
	peer, conn := net.Pipe()
	go func() {
		io.WriteString(peer, d.text)
		peer.Close()
	}()
	return conn, nil
}

// put writes a file, compressed as its name says.
func put(t testing.TB, fsys vfs.FS, name, text string) {
	t.Helper()
	must(t, fsys.MkdirAll(path.Dir(name)))
	f, err := fsys.Create(name, false)
	must(t, err)
	var w io.WriteCloser = f
	switch compression(name) {
	case "gzip":
		w = gzip.NewWriter(f)
	case "zstd":
		w, err = zstd.NewWriter(f, zstd.WithEncoderConcurrency(1))
		must(t, err)
	}
	_, err = io.WriteString(w, text)
	must(t, err)
	if w != io.WriteCloser(f) {
		must(t, w.Close())
	}
	must(t, f.Close())
}

func rowText(b *value.Batch, r int32) string {
	var s []string
	for _, c := range b.Cols {
		switch {
		case c == nil:
			s = append(s, "-")
		case c.IsNull(int(r)):
			s = append(s, "null")
		case c.Lane == value.LaneI64:
			s = append(s, fmt.Sprint(c.I64[r]))
		default:
			s = append(s, string(c.Text(int(r))))
		}
	}
	return strings.Join(s, "|")
}

// taken is one batch as a task took it.
type taken struct {
	rows  []string
	bad   []string // their order among the rows is not kept
	after Split
	index int
}

// session is a reader with its wake-ups.
type session struct {
	t     testing.TB
	r     Reader
	woken chan struct{}
	read  Read
	quiet bool // the source has no end: to have nothing is one
}

func read(t testing.TB, src Source, splits []Split) *session {
	t.Helper()
	s := &session{t: t, woken: make(chan struct{}, 1)}
	r, err := src.Reader(splits, func() {
		select {
		case s.woken <- struct{}{}:
		default:
		}
	})
	must(t, err)
	s.r = r
	if f, ok := src.(*followSource); ok {
		s.quiet = f.o.Env.Inline
	}
	return s
}

// next waits for the next batch; false at the end.
func (s *session) next(most int) (taken, bool, error) {
	for {
		status, err := s.r.Next(&s.read, most)
		switch {
		case err != nil:
			return taken{}, false, err
		case status == Done, status == Wait && s.quiet:
			return taken{}, false, nil
		case status == Wait:
			<-s.woken
			continue
		}
		b := s.read.Batch
		if n := b.Live() + len(s.read.Bad); n > most {
			s.t.Fatalf("%d rows where at most %d were asked for", n, most)
		}
		got := taken{after: s.read.After, index: s.read.Split}
		for _, r := range b.Rows() {
			got.rows = append(got.rows, rowText(b, r))
		}
		for _, bad := range s.read.Bad {
			got.bad = append(got.bad, bad.Code+" "+string(bad.Raw))
		}
		return got, true, nil
	}
}

// all reads to the end, with batches of random sizes up to most.
func (s *session) all(most int, rng *rand.Rand) []taken {
	s.t.Helper()
	var list []taken
	for {
		n := most
		if rng != nil {
			n = 1 + rng.IntN(most)
		}
		got, ok, err := s.next(n)
		must(s.t, err)
		if !ok {
			must(s.t, s.r.Close())
			return list
		}
		list = append(list, got)
	}
}

// bySplit joins the rows of batches by split.
func bySplit(batches []taken) map[string][]string {
	m := map[string][]string{}
	for _, b := range batches {
		m[b.after.ID] = append(m[b.after.ID], b.rows...)
		m[b.after.ID+" bad"] = append(m[b.after.ID+" bad"], b.bad...)
	}
	return m
}

func rowsOf(batches []taken) []string {
	var rows []string
	for _, b := range batches {
		rows = append(append(rows, b.rows...), b.bad...)
	}
	return rows
}

func openSource(t testing.TB, connector string, config plan.SourceConfig, env Env) Source {
	t.Helper()
	spec, ok := Lookup(connector)
	if !ok {
		t.Fatalf("no connector %s", connector)
	}
	src, err := spec.Source(SourceOptions{Config: config, Job: plan.Job{BatchSize: 64}, Env: env})
	must(t, err)
	return src
}

func splitsOf(t testing.TB, src Source, tasks int, known []Split) []Split {
	t.Helper()
	splits, err := src.Splits(context.Background(), tasks, known)
	must(t, err)
	return splits
}

// pairBatch makes a batch of pairSchema.
func pairBatch(from, to int) *value.Batch {
	b := value.NewBatch(pairSchema)
	b.Reset(to - from)
	for i := range to - from {
		b.Cols[0].I64[i] = int64(from + i)
		b.Cols[1].SetString(i, fmt.Sprintf("name of number %d", from+i))
	}
	return b
}

// readPublished gives the rows of all published parts of a directory in the order (run, epoch, n, task) in which a reader folds them, decompressed, one line each.
func readPublished(t testing.TB, fsys vfs.FS, dir string) []string {
	t.Helper()
	entries, err := fsys.ReadDir(dir)
	if listing.Absent(err) {
		return nil
	}
	must(t, err)
	type place struct {
		run            string
		epoch, n, task uint64
		name           string
	}
	var list []place
	for _, e := range entries {
		if strings.HasPrefix(e.Name, ".") {
			continue
		}
		f := strings.Split(strings.TrimPrefix(e.Name, "part-"), "-")
		p := place{run: f[0], name: e.Name}
		num, _, _ := strings.Cut(f[3], ".")
		_, err := fmt.Sscan(f[1]+" "+f[2]+" "+num, &p.epoch, &p.task, &p.n)
		must(t, err)
		list = append(list, p)
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		switch {
		case a.run != b.run:
			return a.run < b.run
		case a.epoch != b.epoch:
			return a.epoch < b.epoch
		case a.n != b.n:
			return a.n < b.n
		}
		return a.task < b.task
	})
	var rows []string
	for _, p := range list {
		rows = append(rows, strings.Split(strings.TrimSuffix(readText(t, fsys, path.Join(dir, p.name)), "\n"), "\n")...)
	}
	return rows
}

func readText(t testing.TB, fsys vfs.FS, name string) string {
	t.Helper()
	f, err := fsys.Open(name)
	must(t, err)
	defer f.Close()
	var r io.Reader = f
	switch compression(name) {
	case "gzip":
		r, err = gzip.NewReader(f)
		must(t, err)
	case "zstd":
		z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
		must(t, err)
		defer z.Close()
		r = z
	}
	data, err := io.ReadAll(r)
	must(t, err)
	return string(data)
}
