package state

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pipec/compiler/plan"
	"pipec/state/vfs"
	"pipec/vm/value"
)

var benchSizes = []int{100, 10_000, 1_000_000}

const benchBatch = 1024

// benchInts is a pool of batches of integers uniform in [0, n).
func benchInts(n int) [][]int64 {
	r := rand.New(rand.NewPCG(1, 2))
	ints := make([][]int64, min(max(2*n/benchBatch, 16), 1024))
	for b := range ints {
		ints[b] = make([]int64, benchBatch)
		for i := range ints[b] {
			ints[b][i] = r.Int64N(int64(n))
		}
	}
	return ints
}

// BenchmarkUpsert is count and sum by an integer key, in ns per row: "encode" is what of it goes into the key encoding and its hash. Beside it a Go map
// of structs.
func BenchmarkUpsert(b *testing.B) {
	for _, n := range benchSizes {
		ints := benchInts(n)
		col := value.NewVec(value.Of(value.Int))
		var keys value.Keys
		encode := func(j int) {
			col.I64 = ints[j]
			keys.Encode([]*value.Vec{col}, countSchema.Key, value.Identity(benchBatch), 128)
		}
		b.Run(fmt.Sprintf("encode/%d", n), func(b *testing.B) {
			for i := 0; i < b.N; i += benchBatch {
				encode(i / benchBatch % len(ints))
			}
		})
		b.Run(fmt.Sprintf("table/%d", n), func(b *testing.B) {
			s := newStore("t", 0, 128, 128)
			tab := s.Table(countSchema)
			slots, fresh := make([]value.Slot, benchBatch), make([]bool, benchBatch)
			run := func(j int) {
				encode(j)
				if err := tab.Upsert(0, &keys, slots, fresh); err != nil {
					b.Fatal(err)
				}
				for i, s := range slots {
					*s.Int(0)++
					*s.Int(1) += ints[j][i]
				}
			}
			for j := range ints {
				run(j)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += benchBatch {
				run(i / benchBatch % len(ints))
			}
			b.ReportMetric(float64(tab.Bytes())/float64(tab.Len()), "B/key")
		})
		b.Run(fmt.Sprintf("gomap/%d", n), func(b *testing.B) {
			type acc struct{ n, sum int64 }
			m := map[int64]acc{}
			run := func(j int) {
				for _, k := range ints[j] {
					a := m[k]
					a.n, a.sum = a.n+1, a.sum+k
					m[k] = a
				}
			}
			for j := range ints {
				run(j)
			}
			b.ResetTimer()
			for i := 0; i < b.N; i += benchBatch {
				run(i / benchBatch % len(ints))
			}
		})
	}
}

// handTable is the limit: what one writes by hand for exactly this, integer keys and two accumulators in one array of 24-byte slots.
type handTable struct {
	slots [][3]uint64 // key+1, count, sum
	mask  uint64
}

func (h *handTable) add(key, v uint64) {
	i := (key * 0x9E3779B97F4A7C15) >> 32 & h.mask
	for {
		s := &h.slots[i]
		if s[0] == key+1 {
			s[1]++
			s[2] += v
			return
		}
		if s[0] == 0 {
			*s = [3]uint64{key + 1, 1, v}
			return
		}
		i = (i + 1) & h.mask
	}
}

// BenchmarkUpsertByHand has its table sized in advance.
func BenchmarkUpsertByHand(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ints := benchInts(n)
			size := 1 << bits.Len(uint(n*4/3))
			h := &handTable{make([][3]uint64, size), uint64(size - 1)}
			run := func(j int) {
				for _, k := range ints[j] {
					h.add(uint64(k), uint64(k))
				}
			}
			for j := range ints {
				run(j)
			}
			b.ResetTimer()
			for i := 0; i < b.N; i += benchBatch {
				run(i / benchBatch % len(ints))
			}
		})
	}
}

// cpu is the time this thread has run: what a pause costs, without what other threads and processes take.
func cpu(b *testing.B) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

// BenchmarkCut takes cuts of n keys while batches of updates go on between the steps, as a task does, and reports the longest batch with its step in
// the thread's own time, the rows per batch aside, and how long the whole took.
func BenchmarkCut(b *testing.B) {
	for _, n := range []int{1_000_000, 10_000_000} {
		for _, budget := range []int{4096, 16384} {
			b.Run(fmt.Sprintf("%d/step%d", n, budget), func(b *testing.B) {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				s := newStore("t", 0, 128, 128)
				tab := s.Table(countSchema)
				var keys value.Keys
				slots, fresh := make([]value.Slot, benchBatch), make([]bool, benchBatch)
				ints := make([]int64, benchBatch)
				r := rand.New(rand.NewPCG(1, 2))
				batch := func(next func() int64) {
					for i := range ints {
						ints[i] = next()
					}
					if err := tab.Upsert(0, intKeys(&keys, 128, ints...), slots, fresh); err != nil {
						b.Fatal(err)
					}
					for i, s := range slots {
						*s.Int(0)++
						*s.Int(1) += ints[i]
					}
				}
				at := int64(0)
				for range n / benchBatch {
					batch(func() int64 { at++; return at })
				}
				var worst, total time.Duration
				var size int64
				b.ResetTimer()
				for range b.N {
					c, done := s.Cut(1, nil), false
					for !done {
						start := cpu(b)
						batch(func() int64 { return r.Int64N(int64(n)) })
						chunk, last, err := c.Next(budget)
						if err != nil {
							b.Fatal(err)
						}
						took := cpu(b) - start
						worst, total, done = max(worst, took), total+took, last
						size += int64(len(chunk))
					}
				}
				b.ReportMetric(float64(worst.Microseconds())/1000, "ms-worst")
				b.ReportMetric(float64(total.Milliseconds())/float64(b.N), "ms-cut")
				b.ReportMetric(float64(size)/float64(b.N)/float64(n), "B/key")
			})
		}
	}
}

// BenchmarkLoad restores a million keys.
func BenchmarkLoad(b *testing.B) {
	s := newStore("t", 0, 128, 128)
	tab := s.Table(countSchema)
	slots, fresh := make([]value.Slot, benchBatch), make([]bool, benchBatch)
	var keys value.Keys
	ints := make([]int64, benchBatch)
	for lo := range 1_000_000 / benchBatch {
		for i := range ints {
			ints[i] = int64(lo*benchBatch + i)
		}
		if err := tab.Upsert(0, intKeys(&keys, 128, ints...), slots, fresh); err != nil {
			b.Fatal(err)
		}
	}
	f := openBytes(b, drain(b, s.Cut(1, nil), 1<<20))
	b.ResetTimer()
	for range b.N {
		r := newStore("t", 0, 128, 128)
		r.Table(countSchema)
		if err := r.Load(f); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWindows upserts rows that alternate between three windows.
func BenchmarkWindows(b *testing.B) {
	ints := benchInts(10_000)
	schema := countSchema
	schema.Namespaced = true
	tab := newStore("t", 0, 128, 128).Table(schema)
	var keys value.Keys
	ns := make([]int64, benchBatch)
	for i := range ns {
		ns[i] = int64(i%3) * 60_000_000
	}
	slots, fresh := make([]value.Slot, benchBatch), make([]bool, benchBatch)
	b.ReportAllocs()
	for i := 0; i < b.N; i += benchBatch {
		if err := tab.UpsertAt(ns, intKeys(&keys, 128, ints[i/benchBatch%len(ints)]...), slots, fresh); err != nil {
			b.Fatal(err)
		}
		for _, s := range slots {
			*s.Int(0)++
		}
	}
}

// BenchmarkBadger updates a million keys uniformly with a cache for all, a half and a tenth of them.
func BenchmarkBadger(b *testing.B) {
	spec, _ := Lookup("badger")
	const n = 1_000_000
	for _, part := range []int{1, 2, 10} {
		b.Run(fmt.Sprintf("cache1of%d", part), func(b *testing.B) {
			be, err := spec.Open(Config{Settings: plan.State{Cache: n*64/int64(part) + 64<<10}, FS: vfs.OS(), Local: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer be.Close()
			s, err := be.Store("t", 0, 128, 128)
			if err != nil {
				b.Fatal(err)
			}
			tab := s.Table(countSchema)
			var keys value.Keys
			slots, fresh := make([]value.Slot, benchBatch), make([]bool, benchBatch)
			ints := make([]int64, benchBatch)
			r := rand.New(rand.NewPCG(1, 2))
			run := func(next func() int64) {
				for i := range ints {
					ints[i] = next()
				}
				if err := tab.Upsert(0, intKeys(&keys, 128, ints...), slots, fresh); err != nil {
					b.Fatal(err)
				}
			}
			at := int64(0)
			for range n / benchBatch {
				run(func() int64 { at++; return at })
			}
			b.ResetTimer()
			for i := 0; i < b.N; i += benchBatch {
				run(func() int64 { return r.Int64N(n) })
			}
		})
	}
}

// BenchmarkInsert is count and sum by keys that are all new, in ns per key: what it costs to grow.
func BenchmarkInsert(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var keys value.Keys
			slots := make([]value.Slot, benchBatch)
			ints := make([]int64, benchBatch)
			for b.Loop() {
				tab := newStore("t", 0, 128, 128).Table(countSchema)
				for at := 0; at < n; at += benchBatch {
					for i := range ints {
						ints[i] = int64(at + i)
					}
					if err := tab.Upsert(0, intKeys(&keys, 128, ints...), slots, nil); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/key")
			b.ReportMetric(0, "ns/op")
		})
	}
}
