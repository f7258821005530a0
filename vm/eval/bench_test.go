package eval

import (
	"fmt"
	"testing"

	"pipec/vm/eval/lane"
	"pipec/vm/value"
)

// bids is a batch like Nexmark's: an id, a price, a channel and a float price, without nulls.
var bidSchema = value.Schema{Fields: []value.Field{
	{Name: "auction", Type: value.Of(value.Int)}, {Name: "price", Type: value.Of(value.Int)}, {Name: "amount", Type: value.Of(value.Float)},
	{Name: "channel", Type: value.Of(value.String)}, {Name: "cents", Type: value.DecimalOf(12, 2)}, {Name: "rate", Type: value.DecimalOf(5, 3)},
	{Name: "line", Type: value.Of(value.String)},
}}

func bids(n int) *value.Batch {
	b := value.NewBatch(bidSchema)
	b.Reset(n)
	channels := []string{"apple", "google", "facebook", "baidu"}
	for i := range n {
		h := int64(i) * 2654435761 % 1000003
		b.Cols[0].I64[i], b.Cols[1].I64[i], b.Cols[2].F64[i] = h, h%200, float64(h%1000)+0.5
		b.Cols[3].SetString(i, channels[h>>3&3])
		b.Cols[4].I64[i], b.Cols[5].I64[i] = h%100000, 900+h%50
		b.Cols[6].SetString(i, "to be or not to be that is the question")
	}
	return b
}

const rowsPerBatch = 1024

// perRow reports the time of one row; the loop body handles a batch.
func perRow(b *testing.B, batch func()) {
	b.ReportAllocs()
	for b.Loop() {
		batch()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rowsPerBatch, "ns/row")
}

var sink int

// BenchmarkFilter is `price > 100 and channel == "apple"`; the limit is a hand-written loop over the same columns.
func BenchmarkFilter(b *testing.B) {
	batch := bids(rowsPerBatch)
	b.Run("program", func(b *testing.B) {
		p, dst, errs := program(b, `price > 100 and channel == "apple"`), make([]int32, rowsPerBatch), &Errors{}
		perRow(b, func() {
			errs.Reset(batch.Len)
			dst = p.Filter(batch, batch.Rows(), dst, errs)
		})
		sink += len(dst)
	})
	b.Run("loop", func(b *testing.B) {
		dst := make([]int32, 0, rowsPerBatch)
		perRow(b, func() {
			dst = dst[:0]
			price, channel := batch.Cols[1].I64, batch.Cols[3]
			for i := range batch.Len {
				if price[i] > 100 && string(channel.Text(i)) == "apple" {
					dst = append(dst, int32(i))
				}
			}
		})
		sink += len(dst)
	})
}

// BenchmarkMultiply is `amount * 0.908`; the loop checks for infinities as the program does.
func BenchmarkMultiply(b *testing.B) {
	batch := bids(rowsPerBatch)
	b.Run("program", func(b *testing.B) {
		p, errs := program(b, `amount * 0.908`), &Errors{}
		perRow(b, func() {
			errs.Reset(batch.Len)
			sink += len(p.Run(batch, batch.Rows(), errs).F64)
		})
	})
	b.Run("loop", func(b *testing.B) {
		out := make([]float64, rowsPerBatch)
		perRow(b, func() {
			bad := int64(0)
			for i, x := range batch.Cols[2].F64 {
				out[i] = x * 0.908
				bad |= lane.Infinite(out[i])
			}
			sink += int(bad >> 63)
		})
	})
}

// BenchmarkExpressions covers the other lanes and forms.
func BenchmarkExpressions(b *testing.B) {
	batch := bids(rowsPerBatch)
	for _, text := range []string{
		`auction % 123 == 0`, `auction + price * 2`, `amount * 0.908 > 10.5 and amount * 0.908 < 800.25`, `price in 10..150`, `channel in ["apple", "baidu"]`,
		`if price > 100 { amount } else { 0.5 }`, `cents * rate`, `cents + cents`, `cents / rate`, `upper(channel)`, `channel + "!"`, `words(line)`, `len(line)`,
		`price > 100 or channel == "apple"`, `any(words(line), # == "that")`, `hour(from_unix_s(auction))`, `string(price)`,
	} {
		b.Run(text, func(b *testing.B) {
			p, errs := program(b, text), &Errors{}
			perRow(b, func() {
				errs.Reset(batch.Len)
				p.Run(batch, batch.Rows(), errs)
			})
		})
	}
}

func program(t testing.TB, text string) *Program {
	t.Helper()
	e, err := Fold(mustParse(t, text, bidSchema))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(e, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAllocatesNothing: a program that has seen one batch needs no more memory for the next.
func TestAllocatesNothing(t *testing.T) {
	batch := bids(rowsPerBatch)
	errs, dst := &Errors{}, []int32(nil)
	for _, text := range []string{
		`price > 100 and channel == "apple"`, `price > 100 or channel == "apple"`, `amount * 0.908`, `if price > 100 { amount } else { 0.5 }`, `cents * rate`, `upper(line)`,
		`channel + " and " + line`, `words(line)`, `string(price)`, `not (price in 10..150)`, `channel in ["apple", "baidu"]`, `substr(line, 3, 20)`, `try_int(channel) ?? price`,
		`format_time(from_unix_s(auction), "yyyy-MM-dd")`, `any(words(line), # == channel)`,
	} {
		p := program(t, text)
		run := func() {
			errs.Reset(batch.Len)
			if p.root.typ.Kind == value.Bool {
				dst = p.Filter(batch, batch.Rows(), dst, errs)
			} else {
				p.Run(batch, batch.Rows(), errs)
			}
		}
		run()
		run()
		if n := testing.AllocsPerRun(10, run); n != 0 {
			t.Errorf("%s: %v allocations per batch", text, n)
		}
	}
	if errs.Any() {
		t.Error(fmt.Sprint(errs.Text))
	}
}
