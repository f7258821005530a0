package op

import (
	"testing"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// BenchmarkFilterProject is where n > 100 and k % 2 == 0 |> derive m = n * 3 + k |> select k, m, once as the operator and once as the loop one would write by hand.
func BenchmarkFilterProject(b *testing.B) {
	in := cols("k int", "n int", "text text")
	batch := value.NewBatch(in)
	batch.Reset(1024)
	for i := range 1024 {
		batch.Cols[0].I64[i], batch.Cols[1].I64[i] = int64(i), int64(i*7919%200)
		batch.Cols[2].SetString(i, "twelve bytes")
	}
	b.Run("operator", func(b *testing.B) {
		cond := binary(plan.OpAnd, value.Bool, binary(plan.OpGt, value.Bool, column(1, in), number(100)),
			binary(plan.OpEq, value.Bool, binary(plan.OpMod, value.Int, column(0, in), number(2)), number(0)))
		p := &Project{Where: cond, Steps: []Step{{3, binary(plan.OpAdd, value.Int, binary(plan.OpMul, value.Int, column(1, in), number(3)), column(0, in))}}, Columns: []int{0, 3}}
		rows := 0
		node := nodeOf("where", p, cols("k int", "m int"))
		c := &Context{Job: &plan.Job{}, Node: node, Inputs: []plan.StreamType{{Schema: in}}, Stats: &Stats{}, Emit: func(_ int, b *value.Batch) error {
			rows += b.Live()
			return nil
		}}
		c.Errors = NewRowErrors(c)
		o, err := newProject(c)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := o.Process(batch); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/row")
	})
	b.Run("loop", func(b *testing.B) {
		var keys, results []int64
		for b.Loop() {
			keys, results = keys[:0], results[:0]
			for i, n := range batch.Cols[1].I64 {
				if k := batch.Cols[0].I64[i]; n > 100 && k%2 == 0 {
					keys, results = append(keys, k), append(results, n*3+k)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/row")
	})
}
