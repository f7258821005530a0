package nexmark

import (
	"testing"

	"pipec/vm/value"
)

func BenchmarkBids(b *testing.B) {
	for name, columns := range map[string][]string{
		"numbers": {"auction", "bidder", "price", "at"},
		"all":     {"auction", "bidder", "price", "channel", "url", "at", "extra"},
	} {
		b.Run(name, func(b *testing.B) {
			g, batch := open(b, Run{Seed: 1, Step: 100_000}, Bids, columns...)
			row := uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				g.Fill(batch, row, 1, 1024)
				row += 1024
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/row")
		})
	}
}

// open makes a generator of these columns and a batch for them.
func open(t testing.TB, run Run, kind Kind, columns ...string) (*Generator, *value.Batch) {
	t.Helper()
	g, err := New(run, kind, columns)
	if err != nil {
		t.Fatal(err)
	}
	var s value.Schema
	for _, name := range columns {
		for _, f := range kind.Columns() {
			if f.Name == name {
				s.Fields = append(s.Fields, f)
			}
		}
	}
	return g, value.NewBatch(s)
}
