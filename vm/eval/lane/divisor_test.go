package lane

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestDivisionByConstants(t *testing.T) {
	edges := []int64{0, 1, 2, 3, 7, 10, 1000, 1<<32 - 1, 1 << 32, 1<<62 - 1, 1 << 62, 1<<62 + 1, math.MaxInt64 - 1, math.MaxInt64}
	check := func(fail func(string, ...any), x, d int64) {
		out := make([]int64, 1)
		if DivBy(d)(out, []int64{x}, []int32{0}); out[0] != x/d {
			fail("%d / %d is %d, want %d", x, d, out[0], x/d)
		}
		if ModBy(d)(out, []int64{x}, []int32{0}); out[0] != x%d {
			fail("%d %% %d is %d, want %d", x, d, out[0], x%d)
		}
	}
	for _, d := range edges[2:] {
		for _, x := range edges {
			check(t.Fatalf, x, d)
			check(t.Fatalf, -x, d)
			if x > 1 && d <= math.MaxInt64/x { // where quotients turn
				check(t.Fatalf, x*d, d)
				check(t.Fatalf, x*d-1, d)
			}
		}
		check(t.Fatalf, math.MinInt64, d)
	}
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.OneOf(rapid.Int64Range(2, 2000), rapid.Int64Range(2, math.MaxInt64)).Draw(t, "divisor")
		check(t.Fatalf, rapid.Int64().Draw(t, "x"), d)
	})
}
