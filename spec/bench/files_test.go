package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"pipec/connector/nexmark"
	"pipec/vm/value"
)

// must stops a benchmark whose surroundings fail.
func must(b testing.TB, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// input writes a file of the benchmark's own, once per run.
func input(b *testing.B, name string, write func(w *bufio.Writer)) string {
	b.Helper()
	name = filepath.Join(b.TempDir(), name)
	f, err := os.Create(name)
	must(b, err)
	w := bufio.NewWriterSize(f, 1<<20)
	write(w)
	must(b, w.Flush())
	must(b, f.Close())
	return name
}

// lines reads a file in blocks and calls f with each line, without its end.
func lines(b *testing.B, name string, f func(line []byte)) {
	file, err := os.Open(name)
	must(b, err)
	defer file.Close()
	buf, have := make([]byte, 1<<20), 0
	for {
		n, err := file.Read(buf[have:])
		if err == io.EOF {
			return
		}
		must(b, err)
		rest := buf[:have+n]
		for {
			end := bytes.IndexByte(rest, '\n')
			if end < 0 {
				break
			}
			f(rest[:end])
			rest = rest[end+1:]
		}
		have = copy(buf, rest)
	}
}

const bidSchema = "schema { auction: int, bidder: int, price: int, channel: string, url: string, at: timestamp, extra: string }"

// bidLines are bids as lines of JSON of 272 bytes on average, written as the engine writes them.
func bidLines(b *testing.B, rows int64) string {
	return input(b, "bids.json", func(w *bufio.Writer) {
		var line []byte
		bids(b, rows*50/46+50, nexmark.Bids.Columns(), func(batch *value.Batch) {
			c := batch.Cols
			for i := 0; i < batch.Len && rows > 0; i++ {
				line = fmt.Appendf(line[:0], `{"auction":%d,"bidder":%d,"price":%d,"channel":"%s","url":"%s","at":"`, c[0].I64[i], c[1].I64[i], c[2].I64[i], c[3].Text(i), c[4].Text(i))
				line = value.AppendTime(line, c[5].I64[i])
				line = fmt.Appendf(line, `","extra":"%s%.32s"}`+"\n", c[6].Text(i), c[6].Text((i+1)%batch.Len))
				_, _ = w.Write(line) // Flush tells
				rows--
			}
		})
	})
}

// bidLine is what a hand-written loop takes out of a line: it knows the order of the columns and checks their names.
type bidLine struct {
	auction, bidder, price, at int64
	channel, url, extra        []byte
}

// after is what follows a name that must come next.
func after(line []byte, name string) []byte {
	if len(line) < len(name) || string(line[:len(name)]) != name {
		panic("another line than the loop was written for: " + string(line))
	}
	return line[len(name):]
}

func integer(line []byte) (n int64, rest []byte) {
	i := 0
	for ; i < len(line) && line[i]-'0' <= 9; i++ {
		n = n*10 + int64(line[i]-'0')
	}
	return n, line[i:]
}

func text(line []byte) (s, rest []byte) {
	end := bytes.IndexByte(line, '"')
	if bytes.IndexByte(line[:end], '\\') >= 0 {
		panic("the loop was not written for escapes")
	}
	return line[:end], line[end+1:]
}

func two(s []byte) int { return int(s[0]-'0')*10 + int(s[1]-'0') }

// instant reads 2006-01-02T15:04:05.999Z; days are cached, as one does by hand.
func (d *days) instant(s []byte) int64 {
	if string(s[:10]) != d.text {
		d.text = string(s[:10])
		t, err := time.Parse("2006-01-02", d.text)
		if err != nil {
			panic(err)
		}
		d.at = t.UnixMicro()
	}
	us := int64((two(s[11:])*60+two(s[14:]))*60+two(s[17:])) * 1_000_000
	if s[19] == '.' {
		unit := int64(100_000)
		for _, c := range s[20 : len(s)-1] {
			us += int64(c-'0') * unit
			unit /= 10
		}
	}
	return d.at + us
}

type days struct {
	text string
	at   int64
}

func (l *bidLine) parse(line []byte, d *days, texts bool) {
	l.auction, line = integer(after(line, `{"auction":`))
	l.bidder, line = integer(after(line, `,"bidder":`))
	l.price, line = integer(after(line, `,"price":`))
	if !texts && d == nil {
		return
	}
	l.channel, line = text(after(line, `,"channel":"`))
	if d == nil {
		return
	}
	l.url, line = text(after(line, `,"url":"`))
	var at []byte
	at, line = text(after(line, `,"at":"`))
	l.at = d.instant(at)
	l.extra, line = text(after(line, `,"extra":"`))
	after(line, "}")
}

// discard takes what loops write, block by block as the engine does.
type discard struct{ buf []byte }

func (d *discard) flush() {
	if len(d.buf) > 64<<10 {
		_, _ = io.Discard.Write(d.buf)
		d.buf = d.buf[:0]
	}
}

// Bids as lines of JSON in and out.
func BenchmarkJSON(b *testing.B) {
	rows := size(1_000_000)
	name := bidLines(b, rows)
	source := fmt.Sprintf("source bids from file { path = %q, format json, %s }\n", name, bidSchema)
	b.Run("project", func(b *testing.B) {
		compare(b, rows, program{text: source + "from bids |> where price > 10_000 |> select auction, bidder, price, channel |> into stdout"}, func() (n int64) {
			var l bidLine
			var out discard
			lines(b, name, func(line []byte) {
				if l.parse(line, nil, true); l.price <= 10_000 {
					return
				}
				out.buf = strconv.AppendInt(append(out.buf, `{"auction":`...), l.auction, 10)
				out.buf = strconv.AppendInt(append(out.buf, `,"bidder":`...), l.bidder, 10)
				out.buf = strconv.AppendInt(append(out.buf, `,"price":`...), l.price, 10)
				out.buf = append(append(append(out.buf, `,"channel":"`...), l.channel...), "\"}\n"...)
				out.flush()
				n++
			})
			return n
		})
	})
	b.Run("unchanged", func(b *testing.B) {
		compare(b, rows, program{text: source + "from bids |> where price > 10_000 |> into stdout"}, func() (n int64) {
			var l bidLine
			var out discard
			var d days
			lines(b, name, func(line []byte) {
				if l.parse(line, &d, true); l.price <= 10_000 {
					return
				}
				out.buf = append(append(out.buf, line...), '\n')
				out.flush()
				n++
			})
			return n
		})
	})
	b.Run("window", func(b *testing.B) {
		job := source[:len(source)-2] + ", watermark at }\nfrom bids |> key by auction |> window tumbling 10s |> aggregate n = count(), highest = max(price) |> into stdout"
		compare(b, rows, program{text: job}, func() (n int64) {
			const window = 10_000_000
			var l bidLine
			var d days
			var out discard
			c, end := newCounts(), int64(math.MinInt64)
			emit := func(s pair) {
				out.buf = strconv.AppendInt(append(out.buf, `{"auction":`...), s.key, 10)
				out.buf = value.AppendTime(append(out.buf, `,"window_start":"`...), end-window)
				out.buf = value.AppendTime(append(out.buf, `","window_end":"`...), end)
				out.buf = strconv.AppendInt(append(out.buf, `","n":`...), s.n, 10)
				out.buf = strconv.AppendInt(append(out.buf, `,"highest":`...), s.sum, 10)
				out.buf = append(out.buf, "}\n"...)
				out.flush()
				n++
			}
			lines(b, name, func(line []byte) {
				if l.parse(line, &d, false); l.at >= end {
					c.drain(emit)
					end = l.at - l.at%window + window
				}
				s := c.at(l.auction)
				s.n++
				s.sum = max(s.sum, l.price)
			})
			c.drain(emit)
			return n
		})
	})
}

// A month of flights, year after year, as CSV: per carrier and day.
func BenchmarkCSV(b *testing.B) {
	packed, err := os.Open("../../examples/data/flights-2013-01.csv.gz")
	must(b, err)
	z, err := gzip.NewReader(packed)
	must(b, err)
	month, err := io.ReadAll(z)
	must(b, err)
	header, month, _ := bytes.Cut(month, []byte("\n"))
	per := int64(bytes.Count(month, []byte("\n")))
	copies := size(1_000_000)/per + 1
	rows := copies * per
	name := input(b, "flights.csv", func(w *bufio.Writer) {
		_, _ = w.Write(append(header, '\n'))
		for i := range copies {
			_, _ = w.Write(bytes.ReplaceAll(month, []byte("2013-"), fmt.Appendf(nil, "%d-", 2013+i)))
		}
	})
	job := fmt.Sprintf(`
source flights from file {
  path = %q
  format csv { null = "NA" }
  schema { carrier: string, dep_delay: int?, at: timestamp from "time_hour" }
  watermark at - 1d
}
from flights |> key by carrier |> window tumbling 1d |> aggregate flights = count(), cancelled = count() where dep_delay == null, worst = max(dep_delay), late = sum(dep_delay)
  |> into stdout { format json }`, name)
	b.Run("flights", func(b *testing.B) {
		compare(b, rows, program{text: job}, func() (n int64) {
			const day = 86_400_000_000
			type group struct {
				carrier                         [2]byte
				n, cancelled, worst, late, some int64
			}
			groups := map[int64][]group{} // by day
			var d days
			var out discard
			high, first := int64(math.MinInt64), true
			flush := func(before int64) {
				for start, list := range groups {
					if start+day > before {
						continue
					}
					for _, g := range list {
						out.buf = append(append(out.buf, `{"carrier":"`...), g.carrier[:]...)
						out.buf = value.AppendTime(append(out.buf, `","window_start":"`...), start)
						out.buf = value.AppendTime(append(out.buf, `","window_end":"`...), start+day)
						out.buf = strconv.AppendInt(append(out.buf, `","flights":`...), g.n, 10)
						out.buf = strconv.AppendInt(append(out.buf, `,"cancelled":`...), g.cancelled, 10)
						out.buf = strconv.AppendInt(append(out.buf, `,"worst":`...), g.worst, 10)
						out.buf = strconv.AppendInt(append(out.buf, `,"late":`...), g.late, 10)
						out.buf = append(out.buf, "}\n"...)
						out.flush()
						n++
					}
					delete(groups, start)
				}
			}
			lines(b, name, func(line []byte) {
				if first {
					first = false
					return
				}
				var delay, carrier []byte
				for c := 0; c < 18; c++ {
					end := bytes.IndexByte(line, ',')
					switch c {
					case 5:
						delay = line[:end]
					case 9:
						carrier = line[:end]
					}
					line = line[end+1:]
				}
				at := d.instant(line)
				start := at - at%day
				list := groups[start]
				k := 0
				for k < len(list) && string(list[k].carrier[:]) != string(carrier) {
					k++
				}
				if k == len(list) {
					list = append(list, group{carrier: [2]byte(carrier)})
					groups[start] = list
				}
				g := &list[k]
				g.n++
				if string(delay) == "NA" {
					g.cancelled++
				} else {
					neg := delay[0] == '-'
					if neg {
						delay = delay[1:]
					}
					v, _ := integer(delay)
					if neg {
						v = -v
					}
					if g.some == 0 || v > g.worst {
						g.worst = v
					}
					g.some++
					g.late += v
				}
				if at > high {
					if high = at; len(groups) > 3 {
						flush(high - day)
					}
				}
			})
			flush(math.MaxInt64)
			return n
		})
	})
}

// Words of a text, counted one by one. The vocabulary is a hundred thousand words, used as those of a language are.
func BenchmarkWords(b *testing.B) {
	words := size(10_000_000)
	vocabulary := make([]string, 100_000)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range vocabulary {
		word := make([]byte, 2+rng.IntN(10))
		for k := range word {
			word[k] = 'a' + byte(rng.IntN(26))
		}
		vocabulary[i] = string(word)
	}
	zipf := rand.NewZipf(rng, 1.1, 1, uint64(len(vocabulary)-1))
	name := input(b, "words.txt", func(w *bufio.Writer) {
		for i := range words {
			_, _ = w.WriteString(vocabulary[zipf.Uint64()])
			_ = w.WriteByte(map[bool]byte{true: '\n', false: ' '}[i%10 == 9])
		}
	})
	job := fmt.Sprintf("source text from file { path = %q, format text, schema { line: string } }\nfrom text |> explode words(line) as word |> key by word |> count |> into blackhole", name)
	b.Run("count", func(b *testing.B) {
		compare(b, words, program{text: job}, func() int64 {
			counts := map[string]*int64{}
			lines(b, name, func(line []byte) {
				for len(line) > 0 {
					word := line
					if end := bytes.IndexByte(line, ' '); end >= 0 {
						word, line = line[:end], line[end+1:]
					} else {
						line = nil
					}
					n := counts[string(word)]
					if n == nil {
						n = new(int64)
						counts[string(word)] = n
					}
					*n++
				}
			})
			for _, n := range counts {
				sink += *n
			}
			return -1 // the job gives changes, one per word and batch
		})
	})
}
