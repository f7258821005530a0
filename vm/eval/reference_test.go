package eval

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// The reference: the meaning of expressions row by row over boxed values, written without a look at the kernels. A value is nil (null), bool, int64
// (also times), float64, string, *big.Int (decimals, scaled by their type), or []any (lists; records field by field).

// reference is one row: its columns, and the elements and let values in scope.
type reference struct {
	cols  []any
	elems []any
	lets  []any
}

// rowError ends the evaluation of a row.
type rowError string

func fail(code string) { panic(rowError(code)) }

// run gives the value, or the code of the error.
func (r *reference) run(e *plan.Expr) (v any, code string) {
	defer func() {
		if x := recover(); x != nil {
			c, ok := x.(rowError)
			if !ok {
				panic(x)
			}
			v, code = nil, string(c)
		}
	}()
	return r.eval(e), ""
}

func (r *reference) eval(e *plan.Expr) any {
	arg := func(i int) any { return r.eval(e.Args[i]) }
	switch e.Op {
	case plan.OpColumn:
		return r.cols[e.Col]
	case plan.OpLiteral:
		return boxedLiteral(e)
	case plan.OpElem:
		return r.elems[len(r.elems)-1-e.Col]
	case plan.OpVar:
		return r.lets[e.Col]
	case plan.OpLet:
		r.lets = append(r.lets, arg(0))
		v := r.eval(e.Args[1])
		r.lets = r.lets[:len(r.lets)-1]
		return v
	case plan.OpAnd:
		return kleene(false, func() any { return arg(0) }, func() any { return arg(1) })
	case plan.OpOr:
		return kleene(true, func() any { return arg(0) }, func() any { return arg(1) })
	case plan.OpIf:
		if arg(0).(bool) {
			return arg(1)
		}
		return arg(2)
	case plan.OpCoalesce:
		if v := arg(0); v != nil {
			return v
		}
		return arg(1)
	case plan.OpEach:
		return r.each(e)
	}
	args := make([]any, len(e.Args))
	null := false
	for i := range args {
		args[i] = arg(i)
		null = null || args[i] == nil
	}
	switch e.Op {
	case plan.OpEq:
		return same(args[0], args[1])
	case plan.OpNe:
		return !same(args[0], args[1])
	case plan.OpList, plan.OpRecord:
		return args
	}
	if null {
		return nil
	}
	return strict(e, args)
}

// kleene is three-valued logic: the decisive value wins, also over a null, and spares the other side.
func kleene(decisive bool, a, b func() any) any {
	x := a()
	if x == decisive {
		return decisive
	}
	if y := b(); y == decisive || x != nil {
		return y
	}
	return nil
}

// strict is every operator for which null in is null out.
func strict(e *plan.Expr, a []any) any {
	switch e.Op {
	case plan.OpNot:
		return !a[0].(bool)
	case plan.OpLt:
		return order(a[0], a[1]) < 0
	case plan.OpLe:
		return order(a[0], a[1]) <= 0
	case plan.OpGt:
		return order(a[0], a[1]) > 0
	case plan.OpGe:
		return order(a[0], a[1]) >= 0
	case plan.OpBetween:
		return order(a[0], a[1]) >= 0 && order(a[0], a[2]) <= 0
	case plan.OpIn:
		for _, x := range a[1].([]any) {
			if same(a[0], x) {
				return true
			}
		}
		return false
	case plan.OpContains:
		return strings.Contains(a[0].(string), a[1].(string))
	case plan.OpStarts:
		return strings.HasPrefix(a[0].(string), a[1].(string))
	case plan.OpEnds:
		return strings.HasSuffix(a[0].(string), a[1].(string))
	case plan.OpMatches:
		return regexp.MustCompile(a[1].(string)).MatchString(a[0].(string))
	case plan.OpField:
		for i, f := range e.Args[0].Type.Fields {
			if f.Name == e.Name {
				return a[0].([]any)[i]
			}
		}
	case plan.OpIndex:
		xs, i := a[0].([]any), a[1].(int64)
		if i < 0 {
			i += int64(len(xs))
		}
		if i < 0 || i >= int64(len(xs)) {
			return nil
		}
		return xs[i]
	case plan.OpSlice:
		return sliceOf(a[0], a[1].(int64), a[2].(int64))
	case plan.OpConvert:
		return converted(a[0], e.Args[0].Type, e.Type)
	case plan.OpCall:
		return called(e, a)
	}
	return arithmeticOf(e, a)
}

func sliceOf(x any, from, to int64) any {
	cut := func(n int64) (int64, int64) {
		if from < 0 {
			from += n
		}
		if to < 0 {
			to += n
		}
		from, to = max(0, min(from, n)), max(0, min(to, n))
		return from, max(from, to)
	}
	if s, ok := x.(string); ok {
		chars := []rune(s)
		i, j := cut(int64(len(chars)))
		return string(chars[i:j])
	}
	xs := x.([]any)
	i, j := cut(int64(len(xs)))
	return xs[i:j]
}

func called(e *plan.Expr, a []any) any {
	switch e.Name {
	case "len":
		if s, ok := a[0].(string); ok {
			return int64(utf8.RuneCountInString(s))
		}
		return int64(len(a[0].([]any)))
	case "upper":
		return strings.Map(func(r rune) rune { return []rune(strings.ToUpper(string(r)))[0] }, a[0].(string))
	case "words":
		xs := []any{}
		for _, w := range strings.Fields(a[0].(string)) {
			xs = append(xs, w)
		}
		return xs
	case "try_int":
		n, err := strconv.ParseInt(a[0].(string), 10, 64)
		if err != nil || strings.HasPrefix(a[0].(string), "+") {
			return nil
		}
		return n
	case "int":
		n, err := strconv.ParseInt(a[0].(string), 10, 64)
		if err != nil || strings.HasPrefix(a[0].(string), "+") {
			if err != nil && err.(*strconv.NumError).Err == strconv.ErrRange {
				fail("E804")
			}
			fail("E803")
		}
		return n
	}
	panic("no reference for " + e.Name)
}

func (r *reference) each(e *plan.Expr) any {
	list := r.eval(e.Args[0])
	if list == nil {
		return nil
	}
	var results []any
	for _, x := range list.([]any) {
		r.elems = append(r.elems, x)
		results = append(results, r.eval(e.Args[1]))
		r.elems = r.elems[:len(r.elems)-1]
	}
	hits, kept := int64(0), []any{}
	for i, v := range results {
		if v == true {
			hits++
			kept = append(kept, list.([]any)[i])
		}
	}
	switch e.Name {
	case "map":
		return append([]any{}, results...)
	case "filter":
		return kept
	case "any":
		return hits > 0
	case "all":
		return hits == int64(len(results))
	case "none":
		return hits == 0
	case "one":
		return hits == 1
	case "count":
		return hits
	}
	if e.Type.Kind == value.Float {
		sum := 0.0
		for _, v := range results {
			if v != nil {
				sum += v.(float64)
			}
		}
		return finite(sum)
	}
	sum := new(big.Int)
	for _, v := range results {
		if v != nil {
			sum.Add(sum, big.NewInt(v.(int64)))
		}
	}
	return fits64(sum)
}

func finite(x float64) any {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		fail("E806")
	}
	return x
}

func fits64(n *big.Int) any {
	if !n.IsInt64() {
		fail("E804")
	}
	return n.Int64()
}

func same(a, b any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if x, ok := a.([]any); ok {
		y := b.([]any)
		if len(x) != len(y) {
			return false
		}
		for i := range x {
			if !same(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	return order(a, b) == 0
}

func order(a, b any) int {
	less := func(l, m bool) int {
		if l {
			return -1
		}
		if m {
			return 1
		}
		return 0
	}
	switch a := a.(type) {
	case bool:
		return less(!a && b.(bool), a && !b.(bool))
	case int64:
		return less(a < b.(int64), a > b.(int64))
	case float64:
		return less(a < b.(float64), a > b.(float64))
	case string:
		return strings.Compare(a, b.(string))
	case *big.Int:
		return a.Cmp(b.(*big.Int))
	}
	panic(fmt.Sprintf("no order on %T", a))
}

func boxedLiteral(e *plan.Expr) any {
	switch e.Lit.Kind {
	case value.Null:
		return nil
	case value.Bool:
		return e.Lit.Bool
	case value.Float:
		return e.Lit.Float
	case value.String:
		return e.Lit.Text
	case value.Decimal:
		return bigOf(value.Dec{Hi: e.Lit.Hi, Lo: uint64(e.Lit.Int)})
	}
	return e.Lit.Int
}

func bigOf(d value.Dec) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(d.Hi), 64)
	return n.Add(n, new(big.Int).SetUint64(d.Lo))
}

// boxed takes one value out of a column.
func boxed(v *value.Vec, t value.Type, i int) any {
	if v.IsNull(i) {
		return nil
	}
	switch t.Kind {
	case value.Bool:
		return v.Bool[i]
	case value.Float:
		return v.F64[i] + 0
	case value.Decimal:
		return bigOf(v.Dec(i))
	case value.String:
		return string(v.Text(i))
	case value.List:
		xs := []any{}
		for e := v.Range[i].From; e < v.Range[i].To; e++ {
			xs = append(xs, boxed(v.Kids[0], *t.Elem, int(e)))
		}
		return xs
	case value.Record:
		xs := []any{}
		for k, f := range t.Fields {
			xs = append(xs, boxed(v.Kids[k], f.Type, i))
		}
		return xs
	case value.Null:
		return nil
	}
	return v.I64[i]
}

// text is a boxed value to compare and to read.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case float64:
		return strconv.FormatFloat(v+0, 'g', -1, 64)
	case []any:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = text(x)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(v)
}

// show is one value of a column as text.
func show(v *value.Vec, t value.Type, i int) string { return text(boxed(v, t, i)) }
