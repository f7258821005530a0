package main

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"pipec/connector/nexmark"
	"pipec/vm/value"
)

// bids calls f with batches of n bids that have the given columns.
func bids(b *testing.B, events int64, columns []value.Field, f func(batch *value.Batch)) {
	schema := value.Schema{Fields: columns}
	g, err := nexmark.New(nexmark.Run{Seed: 1, Start: 1436918400_000_000, Step: 100_000}, nexmark.Bids, schema.Names())
	must(b, err)
	batch := value.NewBatch(schema)
	rows := nexmark.Bids.Rows(uint64(events))
	for row := uint64(0); row < rows; row += 1024 {
		g.Fill(batch, row, 1, int(min(1024, rows-row)))
		f(batch)
	}
}

// columns are some of the columns of bids.
func columns(names ...string) (fields []value.Field) {
	for _, name := range names {
		for _, c := range nexmark.Bids.Columns() {
			if c.Name == name {
				fields = append(fields, c)
			}
		}
	}
	return fields
}

// The Nexmark queries that touch each row once. Their loops read the generator's batches row by row.
func BenchmarkNexmark(b *testing.B) {
	events := size(20_000_000)
	rows := int64(nexmark.Bids.Rows(uint64(events)))
	numbers := columns("auction", "bidder", "price", "at")
	source := fmt.Sprintf("source bids from nexmark { events = bids, count = %d }\n", events)
	b.Run("q0", func(b *testing.B) {
		compare(b, rows, program{text: source + "from bids |> select auction, bidder, price, at |> into blackhole"}, func() (n int64) {
			bids(b, events, numbers, func(batch *value.Batch) {
				for i, a := range batch.Cols[0].I64 {
					sink += a ^ batch.Cols[1].I64[i] ^ batch.Cols[2].I64[i] ^ batch.Cols[3].I64[i]
					n++
				}
			})
			return n
		})
	})
	b.Run("q1", func(b *testing.B) {
		compare(b, rows, program{text: source + "from bids |> select auction, bidder, price = 0.908 * price, at |> into blackhole"}, func() (n int64) {
			bids(b, events, numbers, func(batch *value.Batch) {
				for i, a := range batch.Cols[0].I64 {
					sink += a ^ batch.Cols[1].I64[i] ^ (batch.Cols[2].I64[i] * 908) ^ batch.Cols[3].I64[i]
					n++
				}
			})
			return n
		})
	})
	b.Run("q2", func(b *testing.B) {
		compare(b, rows, program{text: source + "from bids |> where auction % 123 == 0 |> select auction, price |> into blackhole"}, func() (n int64) {
			bids(b, events, columns("auction", "price"), func(batch *value.Batch) {
				for i, a := range batch.Cols[0].I64 {
					if a%123 == 0 {
						sink += a ^ batch.Cols[1].I64[i]
						n++
					}
				}
			})
			return n
		})
	})
	b.Run("q0-texts", func(b *testing.B) {
		compare(b, rows, program{text: source + "from bids |> select auction, bidder, price, channel, url, at, extra |> into blackhole"}, func() (n int64) {
			bids(b, events, nexmark.Bids.Columns(), func(batch *value.Batch) {
				for i, a := range batch.Cols[0].I64 {
					sink += a ^ batch.Cols[1].I64[i] ^ batch.Cols[2].I64[i] ^ int64(batch.Cols[3].View[i].Len()) ^ int64(batch.Cols[4].View[i].Len()) ^ batch.Cols[5].I64[i] ^ int64(batch.Cols[6].View[i].Len())
					n++
				}
			})
			return n
		})
	})
}

// counts is what one writes by hand to count by an integer key: open addressing, one array, no deletion.
type counts struct {
	slots []pair
	used  int
}

type pair struct{ key, n, sum int64 }

func newCounts() *counts { return &counts{slots: make([]pair, 1024)} }

func (c *counts) at(key int64) *pair {
	mask := uint64(len(c.slots) - 1)
	for i := uint64(key) * 0x9e3779b97f4a7c15 >> 32 & mask; ; i = (i + 1) & mask {
		s := &c.slots[i]
		if s.n == 0 {
			if 4*c.used >= 3*len(c.slots) {
				c.grow()
				return c.at(key)
			}
			c.used++
			s.key = key
			return s
		}
		if s.key == key {
			return s
		}
	}
}

func (c *counts) grow() {
	old := c.slots
	c.slots, c.used = make([]pair, 2*len(old)), 0
	for _, s := range old {
		if s.n > 0 {
			*c.at(s.key) = s
		}
	}
}

// drain gives the entries to f and empties the table.
func (c *counts) drain(f func(s pair)) {
	for i, s := range c.slots {
		if s.n > 0 {
			f(s)
			c.slots[i] = pair{}
		}
	}
	c.used = 0
}

// Bids, filtered, counted by one of ten thousand keys in tumbling windows of some 16,000 events; and the same in two tasks, each reading half of the rows and sending them to the owner of
// their key.
func BenchmarkTumbling(b *testing.B) {
	events := size(10_000_000)
	rows := int64(nexmark.Bids.Rows(uint64(events)))
	text := fmt.Sprintf(`
source bids from nexmark { events = bids, count = %d }
from bids |> where price > 1000 |> derive k = price %% 10_000 |> key by k |> window tumbling 1600ms |> count |> into blackhole`, events)
	loop := func() (n int64) {
		const window = 1_600_000
		c, end := newCounts(), int64(0)
		sum := int64(0)
		defer func() { atomic.AddInt64(&sink, sum) }() // two of them run at once below
		emit := func(s pair) { n++; sum += s.key ^ s.n }
		bids(b, events, columns("price", "at"), func(batch *value.Batch) {
			for i, price := range batch.Cols[0].I64 {
				if at := batch.Cols[1].I64[i]; at >= end {
					c.drain(emit)
					end = at - at%window + window
				}
				if price > 1000 {
					c.at(price%10_000).n++
				}
			}
		})
		c.drain(emit)
		return n
	}
	b.Run("one", func(b *testing.B) { compare(b, rows, program{text: text}, loop) })
	two := program{text: text, sets: map[string]string{"job.parallelism": "2"}}
	b.Run("two", func(b *testing.B) { compare(b, rows, two, loop) })
	b.Run("speedup", func(b *testing.B) {
		one := program{text: text}
		var times, alone [2][]float64
		c1, c2 := one.compile(b), two.compile(b)
		for b.Loop() {
			times[0] = append(times[0], float64(measure(b, func() { one.run(b, c1) }).wall))
			times[1] = append(times[1], float64(measure(b, func() { two.run(b, c2) }).wall))
			// What the two cores have to give: loops that share nothing, one after the other and at once.
			alone[0] = append(alone[0], float64(measure(b, func() { loop(); loop() }).wall))
			alone[1] = append(alone[1], float64(measure(b, func() {
				var both sync.WaitGroup
				both.Go(func() { loop() })
				both.Go(func() { loop() })
				both.Wait()
			}).wall))
		}
		// The best of each: whoever else uses the machine takes more from two cores than from one.
		b.ReportMetric(slices.Min(times[0])/slices.Min(times[1]), "speedup")
		b.ReportMetric(slices.Min(alone[0])/slices.Min(alone[1]), "loops-speedup")
		b.ReportMetric(0, "ns/op")
	})
}

// Windows of ten seconds every two seconds over a hundred thousand keys.
func BenchmarkSliding(b *testing.B) {
	const keys = 100_000
	rows := size(5_000_000)
	text := fmt.Sprintf(`
source numbers from sequence { to = %d, step = 10us }
from numbers |> derive k = value * 7919 %% %d |> key by k |> window sliding 10s every 2s |> count |> into blackhole`, rows-1, keys)
	b.Run("count", func(b *testing.B) {
		compare(b, rows, program{text: text}, func() (n int64) {
			// Slices of two seconds; a window is the sum of five.
			const slice, per = 2_000_000, 5
			var slices [][]pair // contents of the last five slices, oldest first
			now, total := newCounts(), newCounts()
			end := int64(slice)
			fire := func() {
				for _, s := range slices {
					for _, p := range s {
						total.at(p.key).n += p.n
					}
				}
				total.drain(func(s pair) { n++; sink += s.key ^ s.n })
			}
			next := func() {
				var s []pair
				now.drain(func(p pair) { s = append(s, p) })
				if slices = append(slices, s); len(slices) > per {
					slices = slices[1:]
				}
				fire()
				end += slice
			}
			for v := range rows {
				for v*10 >= end {
					next()
				}
				now.at(v*7919%keys).n++
			}
			next()
			for len(slices) > 1 {
				slices = slices[1:]
				fire()
			}
			return n
		})
	})
}

// Count and sum by a million keys, each change given.
func BenchmarkRunning(b *testing.B) {
	const keys = 1_000_000
	rows := size(10_000_000)
	text := fmt.Sprintf(`
source numbers from sequence { to = %d }
from numbers |> derive k = value * 7919 %% %d |> key by k |> aggregate n = count(), total = sum(value) |> into blackhole`, rows-1, keys)
	loop := func() (n int64) {
		c := newCounts()
		for v := range rows {
			s := c.at(v * 7919 % keys)
			s.n++
			s.sum += v
			n++
			sink += s.key ^ s.n ^ s.sum
		}
		return n
	}
	b.Run("memory", func(b *testing.B) { compare(b, rows, program{text: text}, loop) })
	b.Run("badger-checkpoints", func(b *testing.B) {
		dir := b.TempDir()
		compare(b, rows, program{text: "job running { }\n" + text, sets: map[string]string{
			"job.state": "badger", "job.state.cache": "512MiB", "job.checkpoint.interval": "1s", "job.checkpoint.storage": dir,
		}}, loop)
	})
}
