package eval

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

func TestDivisionByConstants(t *testing.T) {
	edges := []int64{0, 1, 2, 3, 7, 10, 1000, 1<<32 - 1, 1 << 32, 1<<62 - 1, 1 << 62, 1<<62 + 1, math.MaxInt64 - 1, math.MaxInt64}
	check := func(fail func(string, ...any), x, d int64) {
		out := make([]int64, 1)
		if byConstant(plan.OpDiv, d)(out, []int64{x}, nil, value.Identity(1)); out[0] != x/d {
			fail("%d / %d is %d, want %d", x, d, out[0], x/d)
		}
		if byConstant(plan.OpMod, d)(out, []int64{x}, nil, value.Identity(1)); out[0] != x%d {
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
	for _, d := range []int64{1, 0, -1, -2, math.MinInt64} {
		if byConstant(plan.OpMod, d) != nil {
			t.Errorf("there is a kernel for %d", d)
		}
	}
	if byConstant(plan.OpAdd, 3) != nil {
		t.Error("there is a kernel for a sum")
	}
}
