package format

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// Rows as plain Go values: nil, bool, int64, float64, value.Dec, string (also for bytes), list and record.
type (
	list   []any
	record []any
)

// put makes x the value of row i.
func put(v *value.Vec, t value.Type, i, n int, x any) {
	if x == nil {
		v.SetNull(i, n)
		return
	}
	switch x := x.(type) {
	case bool:
		v.Bool[i] = x
	case int64:
		v.I64[i] = x
	case float64:
		v.F64[i] = x
	case value.Dec:
		v.SetDec(i, x)
	case string:
		v.SetString(i, x)
	case record:
		for k := range x {
			put(v.Kids[k], t.Fields[k].Type, i, n, x[k])
		}
	case list: // of a map: keys and values in turn
		width := len(v.Kids)
		from := int32(0)
		for _, r := range v.Range[:i] {
			from = max(from, r.To)
		}
		to := from + int32(len(x)/width)
		v.Range[i] = value.Range{From: from, To: to}
		for k, kid := range v.Kids {
			kt := *t.Elem
			if width == 2 && k == 0 {
				kt = *t.Key
			}
			kid.Extend(int(to))
			for j := int(from); j < int(to); j++ {
				put(kid, kt, j, int(to), x[(j-int(from))*width+k])
			}
		}
	default:
		panic(fmt.Sprintf("%T", x))
	}
}

// get is the inverse of put.
func get(v *value.Vec, t value.Type, i int) any {
	if v.IsNull(i) {
		return nil
	}
	switch t.Kind {
	case value.Bool:
		return v.Bool[i]
	case value.Int, value.Timestamp, value.Duration:
		return v.I64[i]
	case value.Float:
		return v.F64[i]
	case value.Decimal:
		return v.Dec(i)
	case value.String, value.Bytes:
		return string(v.Text(i))
	case value.Record:
		r := record{}
		for k, f := range t.Fields {
			r = append(r, get(v.Kids[k], f.Type, i))
		}
		return r
	}
	l := list{}
	for j := int(v.Range[i].From); j < int(v.Range[i].To); j++ {
		if t.Kind == value.Map {
			l = append(l, get(v.Kids[0], *t.Key, j))
		}
		l = append(l, get(v.Kids[len(v.Kids)-1], *t.Elem, j))
	}
	return l
}

func batchOf(s value.Schema, rows []record) *value.Batch {
	b := value.NewBatch(s)
	b.Reset(len(rows))
	for i, r := range rows {
		for k, f := range s.Fields {
			put(b.Cols[k], f.Type, i, len(rows), r[k])
		}
	}
	return b
}

// rowsOf gives the batch's rows; nil stands for all columns that the batch lacks.
func rowsOf(s value.Schema, b *value.Batch) []record {
	rows := make([]record, b.Len)
	for i := range rows {
		rows[i] = record{}
		for k, f := range s.Fields {
			if b.Cols[k] == nil {
				rows[i] = append(rows[i], "-")
				continue
			}
			rows[i] = append(rows[i], get(b.Cols[k], f.Type, i))
		}
	}
	return rows
}

func show(x any) string { return fmt.Sprintf("%#v", x) }

// settingsOf gives the format's declared settings with their defaults, changed as given.
func settingsOf(s *Spec, given map[string]any) plan.Settings {
	var out plan.Settings
	for _, p := range s.Params {
		v := p.Default
		if g, ok := given[p.Name]; ok {
			v = g
		}
		out.Values = append(out.Values, plan.Setting{Name: p.Name, Value: v})
	}
	return out
}

func find(t interface{ Fatalf(string, ...any) }, name string) *Spec {
	s, ok := Lookup(name)
	if !ok {
		t.Fatalf("no format %s", name)
	}
	return s
}

// genType draws a type; depth bounds nesting, 0 allows scalars only.
func genType(t *rapid.T, depth int) value.Type {
	kinds := []value.Kind{value.Bool, value.Int, value.Float, value.Decimal, value.String, value.Bytes, value.Timestamp, value.Duration, value.String}
	if depth > 0 {
		kinds = append(kinds, value.List, value.Map, value.Record)
	}
	typ := value.Of(rapid.SampledFrom(kinds).Draw(t, "kind"))
	switch typ.Kind {
	case value.Decimal:
		p := rapid.IntRange(1, value.MaxPrecision).Draw(t, "precision")
		typ = value.DecimalOf(p, rapid.IntRange(0, p).Draw(t, "scale"))
	case value.String:
		if rapid.IntRange(0, 4).Draw(t, "words") == 0 {
			typ.Words = []string{"red", "green, \"blue\"", "ünï\n", "a word that is longer than a view"}
		}
	case value.List:
		typ = value.ListOf(genType(t, depth-1))
	case value.Map:
		key, elem := genType(t, 0).NotNull(), genType(t, depth-1)
		typ.Key, typ.Elem = &key, &elem
	case value.Record:
		typ.Fields = genSchema(t, depth-1).Fields
	}
	typ.Nullable = rapid.Bool().Draw(t, "nullable")
	return typ
}

func genSchema(t *rapid.T, depth int) value.Schema {
	var s value.Schema
	for i := range rapid.IntRange(1, 6).Draw(t, "columns") {
		name := rapid.SampledFrom([]string{"a", "id", "user_id", "a_name_of_twenty_chars", "größe", "exactly_13chr"}).Draw(t, "name")
		s.Fields = append(s.Fields, value.Field{Name: fmt.Sprintf("%s%d", name, i), Type: genType(t, depth)})
	}
	return s
}

var sampleText = []string{"", "a", "twelve bytes", "thirteen char", "a text of more than sixteen bytes", "NA", "null", `quo"te`, `back\slash`, "tab\tline\nreturn\rend", "comma, semi;",
	"\x01\x1f\x7f", "<html>&", "größer €uro 😀 und noch etwas mehr", "\u2028", "'", `""`, "   ", "-", "0"}

func genText(t *rapid.T) string {
	if rapid.Bool().Draw(t, "sampled") {
		return rapid.SampledFrom(sampleText).Draw(t, "text")
	}
	return strings.ToValidUTF8(rapid.String().Draw(t, "text"), "?")
}

func genInt(t *rapid.T) int64 {
	if rapid.Bool().Draw(t, "edge") {
		return rapid.SampledFrom([]int64{0, -1, 9, 10, 99999999, 100000000, 999999999999999999, -999999999999999999, 1000000000000000000, math.MaxInt64, math.MinInt64}).Draw(t, "int")
	}
	return rapid.Int64().Draw(t, "int")
}

// genValue draws a value of the type.
func genValue(t *rapid.T, typ value.Type) any {
	if typ.Nullable && rapid.IntRange(0, 3).Draw(t, "null") == 0 {
		return nil
	}
	switch typ.Kind {
	case value.Bool:
		return rapid.Bool().Draw(t, "bool")
	case value.Int, value.Duration, value.Timestamp:
		return genInt(t)
	case value.Float:
		f := rapid.Float64().Draw(t, "float")
		if math.IsNaN(f) || math.IsInf(f, 0) || f == 0 {
			f = 0
		}
		return f
	case value.Decimal:
		d, _ := value.ParseDecimal([]byte(rapid.StringMatching(fmt.Sprintf(`-?[0-9]{1,%d}`, typ.Precision)).Draw(t, "decimal")), int(typ.Precision), 0)
		return d
	case value.String:
		if len(typ.Words) > 0 {
			return rapid.SampledFrom(typ.Words).Draw(t, "word")
		}
		return genText(t)
	case value.Bytes:
		return string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "bytes"))
	case value.Record:
		return genRow(t, value.Schema{Fields: typ.Fields})
	}
	l := list{}
	seen := map[any]bool{}
	for range rapid.IntRange(0, 4).Draw(t, "elements") {
		if typ.Kind == value.Map {
			k := genValue(t, *typ.Key)
			if seen[k] {
				continue
			}
			seen[k] = true
			l = append(l, k)
		}
		l = append(l, genValue(t, *typ.Elem))
	}
	return l
}

func genRow(t *rapid.T, s value.Schema) record {
	r := record{}
	for _, f := range s.Fields {
		r = append(r, genValue(t, f.Type))
	}
	return r
}

// result is all that decoding gives.
type result struct {
	rows []record
	bad  []Bad
	n    int
}

func (r result) String() string {
	var b strings.Builder
	for _, row := range r.rows {
		fmt.Fprintln(&b, show(row))
	}
	for _, x := range r.bad {
		fmt.Fprintf(&b, "%d %s %q %s\n", x.Offset, x.Code, x.Raw, x.Text)
	}
	fmt.Fprintf(&b, "%d bytes", r.n)
	return b.String()
}

// decodeAll reads data in one go.
func decodeAll(t testing.TB, d Decoder, s value.Schema, data []byte) result {
	t.Helper()
	r, err := tryDecode(d, s, data)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tryDecode(d Decoder, s value.Schema, data []byte) (r result, err error) {
	head, err := d.Header(data, true)
	if err != nil {
		return r, err
	}
	r.n, r.rows = head, []record{}
	b := value.NewBatch(s)
	for r.n < len(data) {
		var bad []Bad
		n, err := d.Decode(data[r.n:], true, b, 1000, &bad)
		if err != nil {
			return r, err
		}
		if n == 0 {
			return r, fmt.Errorf("no progress at byte %d of %d", r.n, len(data))
		}
		r.rows = append(r.rows, rowsOf(s, b)...)
		for _, x := range bad {
			x.Offset += r.n
			r.bad = append(r.bad, x)
		}
		r.n += n
	}
	return r, nil
}
