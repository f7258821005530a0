package connector

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"pipec/compiler/plan"
	"pipec/connector/format"
	"pipec/connector/intake"
	"pipec/state/vfs"
	"pipec/vm/value"
)

// bids are rows of about 270 bytes, as in the Nexmark benchmark.
func bids(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"auction":%d,"bidder":%d,"price":%d,"channel":"channel-%d","url":"https://www.nexmark.com/item.htm?query=%d","n":%d,"name":"the bidder number %d","extra":"%s"}`+"\n",
			1000+i%977, 1000+i%3331, i*7919%100000, i%10000, i, i, i, strings.Repeat("x", 100))
	}
	return b.String()
}

var bidSchema = value.Schema{Fields: []value.Field{
	{Name: "auction", Type: value.Of(value.Int)}, {Name: "bidder", Type: value.Of(value.Int)}, {Name: "price", Type: value.Of(value.Int)}, {Name: "channel", Type: value.Of(value.String)},
	{Name: "url", Type: value.Of(value.String)}, {Name: "n", Type: value.Of(value.Int)}, {Name: "name", Type: value.Of(value.String)},
}}

const bidRows = 200_000

// BenchmarkDecode is the decoder alone, over bytes in memory: what BenchmarkFileSource should come near to.
func BenchmarkDecode(b *testing.B) {
	text := []byte(bids(bidRows))
	spec, _ := format.Lookup("json")
	dec, err := spec.Decoder(format.DecodeOptions{Settings: jsonLines.sub, Schema: bidSchema})
	must(b, err)
	batch := value.NewBatch(bidSchema)
	var bad []format.Bad
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		for data := text; len(data) > 0; {
			n, err := dec.Decode(data[:min(len(data), intake.BlockSize)], len(data) <= intake.BlockSize, batch, 1024, &bad)
			must(b, err)
			data = data[n:]
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/bidRows, "ns/row")
}

func BenchmarkFileSource(b *testing.B) {
	for _, suffix := range []string{".json", ".json.gz", ".json.zst"} {
		b.Run(suffix, func(b *testing.B) {
			name := filepath.Join(b.TempDir(), "bids"+suffix)
			text := bids(bidRows)
			put(b, vfs.OS(), name, text)
			env := newEnv()
			env.FS = vfs.OS()
			src := openSource(b, "file", plan.SourceConfig{Schema: bidSchema, Settings: settings("path", name, "format", jsonLines)}, env)
			splits := splitsOf(b, src, 1, nil)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				rows := 0
				s := read(b, src, splits)
				for {
					status, err := s.r.Next(&s.read, 1024)
					must(b, err)
					if status == Done {
						break
					}
					if status == Wait {
						<-s.woken
						continue
					}
					rows += s.read.Batch.Len
				}
				must(b, s.r.Close())
				if rows != bidRows {
					b.Fatal(rows)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/bidRows, "ns/row")
		})
	}
}

func BenchmarkFileSink(b *testing.B) {
	for _, compression := range []string{"none", "zstd"} {
		b.Run(compression, func(b *testing.B) {
			env := newEnv()
			env.FS = vfs.OS()
			spec, _ := Lookup("file")
			s, err := spec.Sink(SinkOptions{Config: plan.SinkConfig{Schema: pairSchema, Settings: settings("path", b.TempDir(), "format", jsonLines, "compression", compression)}, Env: env, Run: "r", Tasks: 1})
			must(b, err)
			must(b, s.Open(b.Context(), nil))
			batch := pairBatch(0, 1024)
			b.ReportAllocs()
			for b.Loop() {
				must(b, s.Write(batch))
			}
			must(b, s.Close())
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/row")
		})
	}
}

func BenchmarkSequence(b *testing.B) {
	src := openSource(b, "sequence", sequenceConfig(), newEnv())
	s := read(b, src, splitsOf(b, src, 1, nil))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.r.Next(&s.read, 1024); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/row")
}
