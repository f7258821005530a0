package eval

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// columns is the schema of the random rows: each kind of lane, with and without nulls.
var columns = value.Schema{Fields: []value.Field{
	{Name: "i", Type: value.Of(value.Int)}, {Name: "j", Type: value.Of(value.Int).Null()}, {Name: "k", Type: value.Of(value.Int)},
	{Name: "f", Type: value.Of(value.Float)}, {Name: "g", Type: value.Of(value.Float).Null()},
	{Name: "b", Type: value.Of(value.Bool)}, {Name: "c", Type: value.Of(value.Bool).Null()},
	{Name: "s", Type: value.Of(value.String)}, {Name: "t", Type: value.Of(value.String).Null()},
	{Name: "d", Type: value.DecimalOf(10, 2)}, {Name: "e", Type: value.DecimalOf(10, 2).Null()}, {Name: "w", Type: value.DecimalOf(38, 10).Null()},
	{Name: "q", Type: value.DecimalOf(5, 3)},
	{Name: "at", Type: value.Of(value.Timestamp)}, {Name: "span", Type: value.Of(value.Duration).Null()},
	{Name: "xs", Type: value.ListOf(value.Of(value.Int))}, {Name: "ys", Type: value.ListOf(value.Of(value.String).Null()).Null()},
	{Name: "rec", Type: value.Type{Kind: value.Record, Nullable: true, Fields: []value.Field{{Name: "n", Type: value.Of(value.Int)}, {Name: "s", Type: value.Of(value.String).Null()}}}},
}}

// anyValue draws a value of a type; edges are frequent.
func anyValue(t *rapid.T, typ value.Type) any {
	if typ.Nullable && rapid.IntRange(0, 3).Draw(t, "null") == 0 {
		return nil
	}
	switch typ.Kind {
	case value.Int, value.Timestamp, value.Duration:
		return rapid.OneOf(rapid.Int64Range(-5, 5), rapid.SampledFrom([]int64{math.MaxInt64, math.MinInt64, 1 << 40, math.MaxInt64 / 3}), rapid.Int64()).Draw(t, "int")
	case value.Float:
		return rapid.OneOf(rapid.SampledFrom([]float64{0, 1, -1, 0.5, 1e308, -1e308, 5e-324, 3}), rapid.Float64Range(-1e6, 1e6)).Draw(t, "float") + 0
	case value.Bool:
		return rapid.Bool().Draw(t, "bool")
	case value.String:
		return rapid.OneOf(rapid.SampledFrom([]string{"", "a", "ab", "12", "-7", "a longer text, of two words", "a longer text, of 3 words", "hé llo wörld", "twelve bytes"}), rapid.StringN(0, 8, 20)).Draw(t, "text")
	case value.Decimal:
		n := new(big.Int).SetInt64(rapid.OneOf(rapid.Int64Range(-500, 500), rapid.Int64()).Draw(t, "units"))
		if rapid.IntRange(0, 5).Draw(t, "large") == 0 {
			n.Mul(n, n)
		}
		return n.Rem(n, tenTo(int(typ.Precision)))
	case value.List:
		xs := []any{}
		for range rapid.IntRange(0, 4).Draw(t, "length") {
			xs = append(xs, anyValue(t, *typ.Elem))
		}
		return xs
	}
	xs := []any{}
	for _, f := range typ.Fields {
		xs = append(xs, anyValue(t, f.Type))
	}
	return xs
}

// put writes a boxed value into a column.
func put(v *value.Vec, t value.Type, i, n int, x any) {
	if x == nil {
		v.SetNull(i, n)
		return
	}
	switch x := x.(type) {
	case int64:
		v.I64[i] = x
	case float64:
		v.F64[i] = x
	case bool:
		v.Bool[i] = x
	case string:
		v.SetString(i, x)
	case *big.Int:
		lo := new(big.Int).And(x, new(big.Int).SetUint64(math.MaxUint64)) // And is on two's complement
		v.SetDec(i, value.Dec{Hi: new(big.Int).Rsh(x, 64).Int64(), Lo: lo.Uint64()})
	case []any:
		if t.Kind == value.Record {
			for k, f := range t.Fields {
				put(v.Kids[k], f.Type, i, n, x[k])
			}
			return
		}
		from := v.Kids[0].Room()
		v.Kids[0].Extend(from + len(x))
		for k, y := range x {
			put(v.Kids[0], *t.Elem, from+k, from+len(x), y)
		}
		v.Range[i] = value.Range{From: int32(from), To: int32(from + len(x))}
	}
}

// anyBatch draws rows, as a batch and boxed.
func anyBatch(t *rapid.T) (*value.Batch, [][]any) {
	n := rapid.SampledFrom([]int{0, 1, 3, 70}).Draw(t, "rows")
	b := value.NewBatch(columns)
	b.Reset(n)
	rows := make([][]any, n)
	for i := range rows {
		rows[i] = make([]any, len(columns.Fields))
		for c, f := range columns.Fields {
			if i >= 8 { // enough to cross a word of the bitmap without drawing much
				rows[i][c] = rows[(i*7+c)%8][c]
			} else {
				rows[i][c] = anyValue(t, f.Type)
			}
			put(b.Cols[c], f.Type, i, n, rows[i][c])
		}
	}
	return b, rows
}

// against compares a program with the reference on a batch, for several selections in a row: what one run leaves behind must not show in the next.
func against(t *rapid.T, e *plan.Expr) {
	p, err := Compile(e, nil)
	if err != nil {
		t.Fatalf("%s: %v", written(e), err)
	}
	for range 2 {
		b, rows := anyBatch(t)
		for _, dense := range []bool{true, false} {
			sel := slices.Clone(value.Identity(b.Len))
			if !dense {
				mask := rapid.Uint64().Draw(t, "selection")
				sel = slices.DeleteFunc(sel, func(r int32) bool { return mask>>(r%64)&1 == 0 })
			}
			compareRun(t, p, e, b, rows, sel)
		}
	}
}

func compareRun(t *rapid.T, p *Program, e *plan.Expr, b *value.Batch, rows [][]any, sel []int32) {
	errs := &Errors{}
	errs.Reset(b.Len)
	got := p.Run(b, sel, errs)
	var passed []int32
	for _, r := range sel {
		want, code := (&reference{cols: rows[r]}).run(e)
		gotCode := ""
		if errs.Has(r) {
			gotCode = errs.Code[slices.Index(errs.Rows, r)]
		}
		if gotCode != code {
			t.Fatalf("%s: row %d %s: code %q, want %q", written(e), r, text(rows[r]), gotCode, code)
		}
		if code != "" {
			continue
		}
		if s := show(got, e.Type, int(r)); s != text(want) {
			t.Fatalf("%s: row %d %s: %s, want %s", written(e), r, text(rows[r]), s, text(want))
		}
		if want == true {
			passed = append(passed, r)
		}
	}
	if len(errs.Rows) != 0 {
		for _, r := range errs.Rows {
			if !slices.Contains(sel, r) {
				t.Fatalf("%s: row %d failed but was not selected", written(e), r)
			}
		}
	}
	if e.Type.Kind == value.Bool {
		errs.Reset(b.Len)
		if f := p.Filter(b, sel, nil, errs); !slices.Equal(f, passed) {
			t.Fatalf("%s: filter gives %v, want %v", written(e), f, passed)
		}
	}
}

// written is an expression to read in a failure.
func written(e *plan.Expr) string {
	s := string(e.Op)
	switch e.Op {
	case plan.OpColumn:
		return columns.Fields[e.Col].Name
	case plan.OpLiteral:
		return text(boxedLiteral(e)) + ":" + e.Type.String()
	case plan.OpElem, plan.OpVar:
		return s + string(rune('0'+e.Col))
	case plan.OpCall, plan.OpEach, plan.OpField:
		s = e.Name
	case plan.OpConvert:
		s = e.Type.String()
	}
	s += "("
	for i, a := range e.Args {
		if i > 0 {
			s += ", "
		}
		s += written(a)
	}
	return s + ")"
}

var kindsOfExpressions = []value.Kind{value.Int, value.Float, value.Bool, value.String, value.Decimal, value.Timestamp, value.Duration, value.List}

func TestAgainstReference(t *testing.T) {
	for _, k := range kindsOfExpressions {
		t.Run(k.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				w := &writer{t: t}
				against(t, w.expr(k, rapid.IntRange(1, 4).Draw(t, "depth")))
			})
		})
	}
}

// FuzzAgainstReference is the same, driven by coverage.
func FuzzAgainstReference(f *testing.F) {
	f.Add([]byte("each byte decides what is drawn next"))
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		w := &writer{t: t}
		against(t, w.expr(kindsOfExpressions[w.pick(len(kindsOfExpressions))], rapid.IntRange(1, 5).Draw(t, "depth")))
	}))
}

// TestFoldKeepsTheMeaning: a folded expression gives the same values; where folding fails, the constant part does fail in the reference.
func TestFoldKeepsTheMeaning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &writer{t: t}
		e := w.expr(kindsOfExpressions[w.pick(len(kindsOfExpressions))], 3)
		folded, err := Fold(e)
		if err != nil {
			return
		}
		if !folded.Type.Equal(e.Type) {
			t.Fatalf("%s: %s became %s", written(e), e.Type, folded.Type)
		}
		_, rows := anyBatch(t)
		for _, cols := range rows {
			want, code := (&reference{cols: cols}).run(e)
			got, gotCode := (&reference{cols: cols}).run(folded)
			if code == "" && (gotCode != "" || text(got) != text(want)) {
				t.Fatalf("%s: %s, folded %s", written(e), text(want), text(got))
			}
		}
	})
}
