package eval

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/expr-lang/expr"
	"pgregory.net/rapid"

	"pipec/compiler/plan"
	"pipec/vm/fn"
	"pipec/vm/value"
)

// results runs a text over a batch and gives every row as text, or the code of its error.
func results(t *testing.T, source string, schema value.Schema, b *value.Batch) string {
	t.Helper()
	e := mustParse(t, source, schema)
	p, err := Compile(e, &fn.Env{})
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	errs := &Errors{}
	errs.Reset(b.Len)
	v := p.Run(b, b.Rows(), errs)
	out := make([]string, b.Len)
	for i := range out {
		if out[i] = show(v, e.Type, i); errs.Has(int32(i)) {
			out[i] = "failed"
		}
	}
	return strings.Join(out, " | ")
}

// TestSharedTextSurvives: a node that both branches share is computed twice in one run, and the text of the first time is still referred to.
func TestSharedTextSurvives(t *testing.T) {
	schema := value.Schema{Fields: []value.Field{{Name: "b", Type: value.Of(value.Bool)}, {Name: "s", Type: value.Of(value.String)}}}
	batch := value.NewBatch(schema)
	batch.Reset(4)
	for i, s := range []string{"first", "second", "third", "fourth"} {
		batch.Cols[0].Bool[i] = i%2 == 0
		batch.Cols[1].SetString(i, s)
	}
	got := results(t, `if b { s + " is longer than a view" } else { s + " is longer than a view" + "!" }`, schema, batch)
	want := "first is longer than a view | second is longer than a view! | third is longer than a view | fourth is longer than a view!"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSubexpressionsAreShared(t *testing.T) {
	e := mustParse(t, `amount * 0.908 > 10.5 and amount * 0.908 < 800.25`, bidSchema)
	p, err := Compile(e, nil)
	if err != nil {
		t.Fatal(err)
	}
	left, right := p.root.args[0].args[0], p.root.args[1].args[0]
	if left != right {
		t.Error("amount * 0.908 is computed twice")
	}
	p, err = Compile(mustParse(t, `random() + random()`, bidSchema), nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.root.args[0] == p.root.args[1] {
		t.Error("two random numbers are one")
	}
}

// TestImpureLetIsOneValue: a let is evaluated once, whoever reads it.
func TestImpureLetIsOneValue(t *testing.T) {
	next := uint64(0)
	env := &fn.Env{Rand: func() uint64 { next += 1 << 60; return next }}
	v, _ := evalOne(t, mustParse(t, `let r = random(); if r >= 0.0 { r - r } else { 1.0 }`, value.Schema{}), env)
	if v.F64[0] != 0 {
		t.Errorf("a let has two values, %g apart", v.F64[0])
	}
}

func TestMaps(t *testing.T) {
	key, elem := value.Of(value.String), value.Of(value.Int)
	schema := value.Schema{Fields: []value.Field{{Name: "m", Type: value.Type{Kind: value.Map, Nullable: true, Key: &key, Elem: &elem}}, {Name: "k", Type: key}}}
	b := value.NewBatch(schema)
	b.Reset(3)
	m := b.Cols[0]
	m.Kids[0].Extend(2)
	m.Kids[1].Extend(2)
	for i, s := range []string{"a", "b"} {
		m.Kids[0].SetString(i, s)
		m.Kids[1].I64[i] = int64(i + 1)
	}
	m.Range[0], m.Range[1], m.Range[2] = value.Range{From: 0, To: 2}, value.Range{}, value.Range{}
	m.SetNull(2, 3)
	for i, s := range []string{"b", "a", "a"} {
		b.Cols[1].SetString(i, s)
	}
	for source, want := range map[string]string{
		`m[k]`: "2 | null | null", `k in m`: "true | false | null", `keys(m)`: "[a, b] | [] | null", `values(m)`: "[1, 2] | [] | null", `len(m)`: "2 | 0 | null",
		`sum(values(m), #) ?? -1`: "3 | 0 | -1", `m == null`: "false | false | true", `map(keys(m), # + k)`: "[ab, bb] | [] | null",
	} {
		if got := results(t, source, schema, b); got != want {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
}

// TestConversionsInside: lists and records are converted by their parts.
func TestConversionsInside(t *testing.T) {
	from := value.Type{Kind: value.Record, Fields: []value.Field{{Name: "a", Type: value.Of(value.Int)}, {Name: "b", Type: value.ListOf(value.Of(value.Int))}}}
	to := value.Type{Kind: value.Record, Fields: []value.Field{{Name: "a", Type: value.DecimalOf(10, 2)}, {Name: "b", Type: value.ListOf(value.Of(value.Float).Null())}}}
	e := mustParse(t, `{a: 5, b: [1, 2]}`, value.Schema{})
	if !e.Type.Same(from) {
		t.Fatalf("the record is %s", e.Type)
	}
	v, errs := evalOne(t, &plan.Expr{Op: plan.OpConvert, Type: to, Args: []*plan.Expr{e}}, nil)
	if got := show(v, to, 0); got != "[500, [1, 2]]" || errs.Any() {
		t.Errorf("got %s, %v", got, errs.Text)
	}
	e = mustParse(t, `[99999, 1]`, value.Schema{})
	if _, errs = evalOne(t, &plan.Expr{Op: plan.OpConvert, Type: value.ListOf(value.DecimalOf(4, 0)), Args: []*plan.Expr{e}}, nil); len(errs.Code) != 1 || errs.Code[0] != "E804" {
		t.Errorf("an element that is too large: %v", errs.Code)
	}
}

func TestDurationsByFloats(t *testing.T) {
	float := func(x float64) *plan.Expr {
		return literalOf(plan.Literal{Kind: value.Float, Float: x}, value.Of(value.Float))
	}
	span := literalOf(plan.Literal{Kind: value.Duration, Int: value.Hour}, value.Of(value.Duration))
	for _, c := range []struct {
		op   plan.Op
		a, b *plan.Expr
		want string
	}{{plan.OpMul, span, float(1.5), "5400000000"}, {plan.OpMul, float(0.5), span, "1800000000"}, {plan.OpDiv, span, float(2), "1800000000"}, {plan.OpDiv, span, float(0), "E805"}, {plan.OpMul, span, float(1e300), "E804"}} {
		v, errs := evalOne(t, &plan.Expr{Op: c.op, Type: value.Of(value.Duration), Args: []*plan.Expr{c.a, c.b}}, nil)
		got := show(v, value.Of(value.Duration), 0)
		if errs.Any() {
			got = errs.Code[0]
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.op, got, c.want)
		}
	}
}

// TestNullLiteral: null beside a value, in a list, as a branch, as an argument.
func TestNullLiteral(t *testing.T) {
	b := value.NewBatch(bidSchema)
	b.Reset(2)
	for i := range 2 {
		b.Cols[1].I64[i] = int64(100 * i)
		b.Cols[3].SetString(i, fmt.Sprint("channel number ", i))
	}
	for source, want := range map[string]string{
		`if price > 50 { channel } else { null }`: "null | channel number 1", `[price, null]`: "[0, null] | [100, null]", `price == null`: "false | false", `null != channel`: "true | true",
		`price in [null, 100]`: "false | true", `null ?? price`: "0 | 100", `[channel, null][1] ?? "none"`: "none | none", `if price > 50 { [1] } else { null }`: "null | [1]",
	} {
		if got := results(t, source, bidSchema, b); got != want {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
}

// TestCompileRefuses: what the checker must not let pass is an error, not a panic.
func TestCompileRefuses(t *testing.T) {
	text := literalOf(plan.Literal{Kind: value.String, Text: "["}, value.Of(value.String))
	one, yes := intOf(1), literalOf(plan.Literal{Kind: value.Bool, Bool: true}, value.Of(value.Bool))
	b := value.Of(value.Bool)
	for _, e := range []*plan.Expr{
		{Op: plan.OpAdd, Type: value.Of(value.Int), Args: []*plan.Expr{one, yes}}, {Op: plan.OpLt, Type: b, Args: []*plan.Expr{one, text}}, {Op: plan.OpMatches, Type: b, Args: []*plan.Expr{text, text}},
		{Op: plan.OpCall, Name: "nosuch", Type: b}, {Op: "nosuch", Type: b}, {Op: plan.OpVar, Type: b}, {Op: plan.OpElem, Type: b}, {Op: plan.OpConvert, Type: b, Args: []*plan.Expr{one}},
		{Op: plan.OpEach, Name: "any", Type: b, Args: []*plan.Expr{one, yes}}, {Op: plan.OpField, Name: "x", Type: b, Args: []*plan.Expr{one}}, {Op: plan.OpIndex, Type: b, Args: []*plan.Expr{one, one}},
		{Op: plan.OpIn, Type: b, Args: []*plan.Expr{one, one}}, {Op: plan.OpBetween, Type: b, Args: []*plan.Expr{text, one, one}}, {Op: plan.OpSlice, Type: b, Args: []*plan.Expr{one, one, one}},
		{Op: plan.OpPow, Type: value.Of(value.Int), Args: []*plan.Expr{one, one}}, {Op: plan.OpNeg, Type: value.Of(value.Timestamp), Args: []*plan.Expr{literalOf(plan.Literal{Kind: value.Timestamp}, value.Of(value.Timestamp))}},
		{Op: plan.OpNot, Type: b, Args: []*plan.Expr{one}}, {Op: plan.OpAnd, Type: b, Args: []*plan.Expr{yes, one}}, {Op: plan.OpIf, Type: b, Args: []*plan.Expr{one, yes, yes}},
	} {
		if _, err := Compile(e, nil); err == nil {
			t.Errorf("%s over %v is compiled", e.Op, e.Args)
		}
	}
}

// TestAgainstExpr holds the two to one meaning where the languages agree: ints that do not overflow, comparisons, logic and texts.
func TestAgainstExpr(t *testing.T) {
	schema := value.Schema{Fields: []value.Field{{Name: "i", Type: value.Of(value.Int)}, {Name: "j", Type: value.Of(value.Int)}, {Name: "f", Type: value.Of(value.Float)},
		{Name: "s", Type: value.Of(value.String)}, {Name: "b", Type: value.Of(value.Bool)}, {Name: "xs", Type: value.ListOf(value.Of(value.Int))}}}
	type env = map[string]any
	var num, cond, str func(t *rapid.T, depth int) string
	choose := func(t *rapid.T, forms ...func() string) string {
		return forms[rapid.IntRange(0, len(forms)-1).Draw(t, "form")]()
	}
	num = func(t *rapid.T, depth int) string {
		leaf := func() string { return rapid.SampledFrom([]string{"i", "j", "3", "-1", "100"}).Draw(t, "leaf") }
		if depth == 0 {
			return leaf()
		}
		two := func(op string) string { return "(" + num(t, depth-1) + op + num(t, depth-1) + ")" }
		return choose(t, leaf, func() string { return two(" + ") }, func() string { return two(" - ") }, func() string { return two(" * ") }, func() string { return "(" + num(t, depth-1) + " % 7)" },
			func() string { return "(" + cond(t, depth-1) + " ? " + num(t, depth-1) + " : " + num(t, depth-1) + ")" }, func() string { return "len(" + str(t, depth-1) + ")" },
			func() string { return "sum(xs, # + " + num(t, depth-1) + ")" }, func() string { return "count(xs, # > " + num(t, depth-1) + ")" })
	}
	str = func(t *rapid.T, depth int) string {
		leaf := func() string {
			return rapid.SampledFrom([]string{"s", `"abc"`, `"a rather long text"`}).Draw(t, "leaf")
		}
		if depth == 0 {
			return leaf()
		}
		return choose(t, leaf, func() string { return "(" + str(t, depth-1) + " + " + str(t, depth-1) + ")" }, func() string { return "upper(" + str(t, depth-1) + ")" },
			func() string { return "trim(" + str(t, depth-1) + ")" })
	}
	cond = func(t *rapid.T, depth int) string {
		if depth == 0 {
			return rapid.SampledFrom([]string{"b", "true", "(i > j)", `(s == "abc")`}).Draw(t, "leaf")
		}
		cmp := func() string {
			return rapid.SampledFrom([]string{" == ", " != ", " < ", " <= ", " > ", " >= "}).Draw(t, "op")
		}
		return choose(t, func() string { return "(" + num(t, depth-1) + cmp() + num(t, depth-1) + ")" }, func() string { return "(" + str(t, depth-1) + cmp() + str(t, depth-1) + ")" },
			func() string { return "(" + cond(t, depth-1) + " and " + cond(t, depth-1) + ")" }, func() string { return "(" + cond(t, depth-1) + " or " + cond(t, depth-1) + ")" },
			func() string { return "(not " + cond(t, depth-1) + ")" }, func() string { return "(" + str(t, depth-1) + " contains " + str(t, depth-1) + ")" },
			func() string { return "(" + num(t, depth-1) + " in [1, 3, 100])" }, func() string { return "any(xs, # == " + num(t, depth-1) + ")" }, func() string { return "(f * 2 > f + 1.5)" })
	}
	rapid.Check(t, func(rt *rapid.T) {
		source := choose(rt, func() string { return num(rt, 3) }, func() string { return cond(rt, 3) }, func() string { return str(rt, 3) })
		b := value.NewBatch(schema)
		b.Reset(3)
		envs := make([]env, b.Len)
		for i := range envs {
			xs := rapid.SliceOfN(rapid.IntRange(-3, 3), 0, 3).Draw(rt, "xs")
			e := env{"i": rapid.IntRange(-1000, 1000).Draw(rt, "i"), "j": rapid.IntRange(-5, 5).Draw(rt, "j"), "f": rapid.Float64Range(-10, 10).Draw(rt, "f"),
				"s": rapid.SampledFrom([]string{"", "abc", "ABC", " a ", "a rather long text"}).Draw(rt, "s"), "b": rapid.Bool().Draw(rt, "b"), "xs": xs}
			envs[i] = e
			boxedInts := []any{}
			for _, x := range xs {
				boxedInts = append(boxedInts, int64(x))
			}
			for c, v := range []any{int64(e["i"].(int)), int64(e["j"].(int)), e["f"], e["s"], e["b"], boxedInts} {
				put(b.Cols[c], schema.Fields[c].Type, i, b.Len, v)
			}
		}
		got := strings.Split(results(t, source, schema, b), " | ")
		for i, e := range envs {
			want, err := expr.Eval(source, e)
			if err != nil {
				rt.Fatalf("%s: %v", source, err)
			}
			if fmt.Sprint(want) != got[i] {
				rt.Fatalf("%s with %v: %s, expr says %v", source, e, got[i], want)
			}
		}
	})
}

func TestKernelsByConstant(t *testing.T) {
	for _, d := range []int64{1, 0, -1, -2, math.MinInt64} {
		if byConstant(plan.OpMod, d) != nil || byConstant(plan.OpDiv, d) != nil {
			t.Errorf("there is a kernel for %d", d)
		}
	}
	if byConstant(plan.OpAdd, 3) != nil {
		t.Error("there is a kernel for a sum")
	}
}
