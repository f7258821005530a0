package sim

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Job is a program with its inputs, and what is known of its outputs.
type Job struct {
	Text   string
	Inputs []File
	Sinks  []Sink
}

// File is an input.
type File struct {
	Name string
	Data []byte
}

// Sink is one output directory and how two runs of it compare.
type Sink struct {
	Name string
	Key  []string // rows replace each other; nil: they are appended
	Zip  bool
	Any  int  // so many rows, whichever of the input (limit); 0: all of them
	Late bool // rows that came late; at least once, a row that is read again may be late then
	// Of at_least_once runs: rows of a group are compared by their column n, of which no run may have less. Otherwise rows are rows of the input, and
	// may be there more than once.
	Group []string
}

// size says what a job is like. Shrinking lowers it.
type size struct {
	loose bool         // at_least_once
	most  int          // rows of a source at the most; 0: no limit
	rows  int          // rows of each source; 0: some
	rate  int          // rows a second of the first source, which is a sequence; 0: as fast as can be, any source
	pipes map[int]bool // pipelines that are left out
}

// Long makes a job that takes a while, for real processes: the first of its sources gives so many rows a second, and each gives so many in all.
func Long(seed uint64, rows, rate int) Job { return newJob(seed, size{rows: rows, rate: rate}) }

// writer makes a program.
type writer struct {
	rng    *rand.Rand
	size   size
	decls  strings.Builder // sources and sinks
	pipes  strings.Builder
	job    Job
	feeds  []string // streams of rows (id, k, u, v, at)
	number int      // of the next pipeline
}

// newJob draws a program. The same random numbers are drawn whatever the size, so that a smaller job is the same one, smaller.
func newJob(seed uint64, o size) Job {
	w := &writer{rng: rand.New(rand.NewPCG(seed, 0x10b)), size: o}
	sources := 1 + w.rng.IntN(2)
	for i := range sources {
		if w.rng.IntN(4) == 0 || i == 0 && o.rate > 0 {
			w.sequence(i)
		} else {
			w.files(i)
		}
	}
	if sources == 2 && w.rng.IntN(2) == 0 {
		fmt.Fprintf(&w.pipes, "stream all = from %s\n  |> union %s\n\n", w.feeds[0], w.feeds[1])
		w.feeds = append(w.feeds, "all")
	}
	for range 1 + w.rng.IntN(3) {
		w.pipe()
	}
	w.job.Text = "job sim {}\n\n" + w.decls.String() + w.pipes.String()
	return w.job
}

// period is the time between two rows of a source.
const period = 500 * time.Millisecond

func (w *writer) rows() int {
	n := 10 + w.rng.IntN(70)
	if w.size.rows > 0 {
		n = w.size.rows
	}
	if w.size.most > 0 {
		n = min(n, w.size.most)
	}
	return n
}

// sequence declares numbers and makes rows of them.
func (w *writer) sequence(i int) {
	n := w.rows()
	pace := ""
	if i == 0 && w.size.rate > 0 {
		pace = fmt.Sprintf(", rate = %d", w.size.rate)
	}
	fmt.Fprintf(&w.decls, "source s%d from sequence { from = %d, to = %d, step = %dms%s }\n\n", i, i*100000, i*100000+n-1, period.Milliseconds(), pace)
	fmt.Fprintf(&w.pipes, "stream e%d = from s%d\n  |> select id = value, k = value %% 5, u = concat(\"x\", string(value %% 3), \" y\", string(value %% 2)), v = value * 7 %% 23, at\n\n", i, i)
	w.feeds = append(w.feeds, fmt.Sprintf("e%d", i))
}

// files declares files, in order or side by side, and makes them: some rows come late.
func (w *writer) files(i int) {
	rng, n := w.rng, w.rows()
	parts := 1 + rng.IntN(4)
	format, order, zip := "json", "name", rng.IntN(5) == 0
	if rng.IntN(3) == 0 {
		format = "csv"
	}
	if rng.IntN(2) == 0 {
		order = "any"
	}
	fmt.Fprintf(&w.decls, `source s%d from file {
  path = "in%d"
  format %s
  order = %s

  schema {
    id: int
    k: int
    u: string
    v: int
    at: timestamp
  }

  watermark at - 2s
}

`, i, i, format, order)
	data := make([]bytes.Buffer, parts)
	for j := range data {
		if format == "csv" {
			data[j].WriteString("id,k,u,v,at\n")
		}
	}
	blocks := rng.IntN(2) == 0
	keys := 1 + rng.IntN(8)
	rng = rand.New(rand.NewPCG(rng.Uint64(), 0x207)) // rows have their own: fewer of them change nothing else
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for r := range n {
		at := begin.Add(time.Duration(r) * period)
		if rng.IntN(6) == 0 {
			at = at.Add(-time.Duration(rng.IntN(15000)) * time.Millisecond)
		}
		to := r % parts
		if blocks {
			to = r * parts / n
		}
		id, k, u, v, when := i*100000+r, rng.IntN(keys), fmt.Sprintf("x%d y%d", rng.IntN(3), rng.IntN(2)), rng.IntN(23), at.Format(time.RFC3339Nano)
		if format == "csv" {
			fmt.Fprintf(&data[to], "%d,%d,%s,%d,%s\n", id, k, u, v, when)
		} else {
			fmt.Fprintf(&data[to], `{"id":%d,"k":%d,"u":%q,"v":%d,"at":%q}`+"\n", id, k, u, v, when)
		}
	}
	for j := range data {
		name, content := fmt.Sprintf("in%d/%d.%s", i, j, format), data[j].Bytes()
		if zip {
			name, content = name+".gz", pack(content)
		}
		w.job.Inputs = append(w.job.Inputs, File{name, content})
	}
	w.feeds = append(w.feeds, fmt.Sprintf("s%d", i))
}

func pack(data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(data) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}
