package group

import (
	"testing"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// The benchmarks stand beside loops as one would write them by hand for this one query. Rows are 1024 to a batch, keys spread over the given number.

const rowsPerBatch = 1024

// benchBatches are batches of (key, x) in event-time order, one row a microsecond, without marks.
func benchBatches(keys int64, n int) []*value.Batch {
	var out []*value.Batch
	at := int64(0)
	for range n {
		b := value.NewBatch(inSchema)
		b.Reset(rowsPerBatch)
		b.Time = make([]int64, rowsPerBatch)
		for i := range rowsPerBatch {
			b.Cols[0].I64[i] = int64(uint64(at)*0x9E3779B97F4A7C15>>32) % keys
			b.Cols[2].I64[i] = at & 0xFF
			b.Time[i] = at
			at++
		}
		out = append(out, b)
	}
	return out
}

func perRow(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rowsPerBatch, "ns/row")
}

var keyCounts = []struct {
	name string
	n    int64
}{{"100", 100}, {"10k", 10_000}, {"1M", 1_000_000}}

// silent is a task that throws its output away.
func silent(b *testing.B, s *spec) *task {
	k := s.start(b, 0, 1, nil)
	return k
}

func BenchmarkRunningCountSum(b *testing.B) {
	for _, keys := range keyCounts {
		batches := benchBatches(keys.n, max(64, int(2*keys.n/rowsPerBatch)))
		b.Run(keys.name+"/operator", func(b *testing.B) {
			s := sums(spec{})
			s.drop = true
			k := silent(b, s)
			for _, batch := range batches {
				k.process(batch)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				k.process(batches[i%len(batches)])
				i++
			}
			perRow(b)
		})
		b.Run(keys.name+"/map", func(b *testing.B) {
			type acc struct{ count, sum int64 }
			state := map[int64]acc{}
			i := 0
			for b.Loop() {
				batch := batches[i%len(batches)]
				for r, key := range batch.Cols[0].I64 {
					a := state[key]
					a.count++
					a.sum += batch.Cols[2].I64[r]
					state[key] = a
				}
				i++
			}
			perRow(b)
		})
	}
}

// BenchmarkWindows counts by key in windows of a hundred thousand rows.
func BenchmarkWindows(b *testing.B) {
	const size = 100_000
	for _, c := range []struct {
		name string
		win  Window
	}{{"tumbling", Window{Kind: "tumbling", Size: size, Step: size}}, {"sliding5", Window{Kind: "sliding", Size: size, Step: size / 5}}} {
		for _, keys := range keyCounts[:2] {
			batches := benchBatches(keys.n, 64)
			b.Run(c.name+"/"+keys.name+"/operator", func(b *testing.B) {
				s := spec{window: &c.win, keys: []int{0}, size: rowsPerBatch, drop: true, aggs: []plan.Aggregate{aggregate("count", nil, nil, value.Of(value.Int))}}
				k := silent(b, &s)
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					batch := batches[i%len(batches)]
					k.process(batch)
					for r := range batch.Time { // the next round is later
						batch.Time[r] += int64(len(batches)) * rowsPerBatch
					}
					k.advance(batch.Time[0] - int64(len(batches)-1)*rowsPerBatch)
					i++
				}
				perRow(b)
			})
		}
	}
	b.Run("tumbling/10k/map", func(b *testing.B) {
		batches := benchBatches(10_000, 64)
		counts := map[int64]int64{}
		end := int64(size)
		i := 0
		for b.Loop() {
			batch := batches[i%len(batches)]
			for r, key := range batch.Cols[0].I64 {
				if batch.Time[r] >= end {
					clear(counts)
					end += size
				}
				counts[key]++
			}
			for r := range batch.Time {
				batch.Time[r] += int64(len(batches)) * rowsPerBatch
			}
			i++
		}
		perRow(b)
	})
}
