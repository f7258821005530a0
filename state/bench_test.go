package state

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

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
