package format

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pipec/vm/value"
)

// field makes a column of a test's schema.
func field(name string, t value.Type) value.Field { return value.Field{Name: name, Type: t} }

func schemaOf(fields ...value.Field) value.Schema { return value.Schema{Fields: fields} }

// outcome is what one record gives, as text: its row, or the code and the text of its error.
func outcome(t *testing.T, d Decoder, s value.Schema, data string) string {
	t.Helper()
	r := decodeAll(t, d, s, []byte(data))
	var lines []string
	for _, row := range r.rows {
		line := fmt.Sprintf("%v", row)
		lines = append(lines, line)
	}
	for _, b := range r.bad {
		lines = append(lines, b.Code+" "+b.Text)
	}
	return strings.Join(lines, "\n")
}

func jsonDecoderOf(t *testing.T, given map[string]any, s value.Schema, physical ...string) Decoder {
	t.Helper()
	f := find(t, "json")
	d, err := f.Decoder(DecodeOptions{Settings: settingsOf(f, given), Schema: s, Physical: physical})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestJSONValues: one column, one value.
func TestJSONValues(t *testing.T) {
	str, record := value.Of(value.String), value.Type{Kind: value.Record, Fields: []value.Field{field("a", value.Of(value.Int)), field("b", value.Of(value.String).Null())}}
	key := value.Of(value.Int)
	elem := value.Of(value.Bool)
	words := value.Type{Kind: value.String, Words: []string{"in", "out"}}
	for _, c := range []struct {
		typ       value.Type
		in, wants string
	}{
		{value.Of(value.Int), `7`, `[7]`},
		{value.Of(value.Int), `-0`, `[0]`},
		{value.Of(value.Int), `9223372036854775807`, `[9223372036854775807]`},
		{value.Of(value.Int), `-9223372036854775808`, `[-9223372036854775808]`},
		{value.Of(value.Int), `9223372036854775808`, `E804 column "c": 9223372036854775808 is out of the range of int`},
		{value.Of(value.Int), `1.0`, `E803 column "c": found 1.0, expected a whole number`},
		{value.Of(value.Int), `1e3`, `E803 column "c": found 1e3, expected a whole number`},
		{value.Of(value.Int), `"7"`, `E803 column "c": found "7", expected a whole number`},
		{value.Of(value.Int), `null`, `E802 column "c" is null, and its type int is never null`},
		{value.Of(value.Int), `07`, `E801 malformed JSON at byte 7: expected "," or "}", found "7}"`},
		{value.Of(value.Int), `[1, 2, "a text that goes on and on and on and on"]`, `E803 column "c": found [1, 2, "a text that goes on and on and o..., expected a whole number`},
		{value.Of(value.Int).Null(), `null`, `[<nil>]`},
		{value.Of(value.Float), `5`, `[5]`},
		{value.Of(value.Float), `-1.5e-3`, `[-0.0015]`},
		{value.Of(value.Float), `1e999`, `E806 column "c": 1e999 is too large to be a finite float`},
		{value.Of(value.Float), `NaN`, `E801 malformed JSON at byte 6: expected a value, found "NaN}"`},
		{value.Of(value.Bool), `true`, `[true]`},
		{value.Of(value.Bool), `1`, `E803 column "c": found 1, expected true or false`},
		{str, `"a\u00e9\ud83d\ude00\/"`, `[aé😀/]`},
		{str, `"\ud800"`, `E801 malformed JSON at byte 7: expected an escape that JSON has, found "\ud800"}"`},
		{str, "\"a\xffb\"", `E801 malformed JSON at byte 8: expected valid UTF-8, found "` + "\uFFFD" + `b"}"`},
		{str, `"open`, `E801 malformed JSON at byte 12: expected the closing quote, found the end of the line`},
		{str, `7`, `E803 column "c": found 7, expected text`},
		{words, `"in"`, `[in]`},
		{words, `"\u0069n"`, `[in]`},
		{words, `"up"`, `E803 column "c": found "up", expected one of "in", "out"`},
		{value.DecimalOf(5, 2), `1.5`, `[{0 150}]`},
		{value.DecimalOf(5, 2), `1.5000`, `[{0 150}]`},
		{value.DecimalOf(5, 2), `15e1`, `[{0 15000}]`},
		{value.DecimalOf(5, 2), `1.555`, `E804 column "c": 1.555 has more than 2 digits after the point, the most that decimal(5, 2) keeps`},
		{value.DecimalOf(5, 2), `1000`, `E804 column "c": 1000 is out of the range of decimal(5, 2)`},
		{value.DecimalOf(5, 2), `"1.5"`, `E803 column "c": found "1.5", expected a number`},
		{value.DecimalOf(38, 0), `99999999999999999999999999999999999999`, `[{5421010862427522170 687399551400673279}]`},
		{value.Of(value.Timestamp), `"2026-01-31T12:00:00.5+01:00"`, `[1769857200500000]`},
		{value.Of(value.Timestamp), `1769857200500`, `[1769857200500000]`},
		{value.Of(value.Timestamp), `"2026-01-31T12:00:00.0000001Z"`, `E804 column "c": "2026-01-31T12:00:00.0000001Z" is finer than a microsecond`},
		{value.Of(value.Timestamp), `"2026-02-30T12:00:00Z"`, `E803 column "c": found "2026-02-30T12:00:00Z", expected a time like 2026-01-31T12:00:00Z or a whole number of milliseconds`},
		{value.Of(value.Timestamp), `1.5`, `E803 column "c": found 1.5, expected a time like 2026-01-31T12:00:00Z or a whole number of milliseconds`},
		{value.Of(value.Timestamp), `9223372036854775807`, `E804 column "c": 9223372036854775807 is out of the range of timestamp`},
		{value.Of(value.Duration), `-15`, `[-15]`},
		{value.Of(value.Duration), `"1s"`, `E803 column "c": found "1s", expected a duration as a whole number of microseconds`},
		{value.Of(value.Bytes), `"aGk="`, `[hi]`},
		{value.Of(value.Bytes), `"aGk"`, `E803 column "c": found "aGk", expected bytes as base64`},
		{value.ListOf(value.Of(value.Int)), `[ 1 , 2 ]`, `[[1 2]]`},
		{value.ListOf(value.Of(value.Int)), `[]`, `[[]]`},
		{value.ListOf(value.Of(value.Int)), `[1,null]`, `E802 an element of column "c" is null, and its type int is never null`},
		{value.ListOf(value.Of(value.Int)), `{"a":1}`, `E803 column "c": found {"a":1}, expected a list`},
		{value.Type{Kind: value.Map, Key: &key, Elem: &elem}, `{"1":true,"2":false,"01":false}`, `[[1 false 2 false]]`},
		{value.Type{Kind: value.Map, Key: &key, Elem: &elem}, `{"x":true}`, `E803 a key of column "c": found "x", expected a whole number`},
		{record, `{"b":"x","a":1}`, `[[1 x]]`},
		{record, `{"a":1}`, `[[1 <nil>]]`},
		{record, `{}`, `E802 field "a" of column "c" is missing, and its type int is never null`},
		{record, `{"a":true}`, `E803 field "a" of column "c": found true, expected a whole number`},
		{record, `[]`, `E803 column "c": found [], expected an object`},
	} {
		s := schemaOf(field("c", c.typ))
		if got := outcome(t, jsonDecoderOf(t, nil, s), s, `{"c":`+c.in+"}\n"); got != c.wants {
			t.Errorf("%s from %s gives\n%s, not\n%s", c.typ, c.in, got, c.wants)
		}
	}
}

// TestJSONRecords: whole lines against id: int from "userId", at: timestamp? from "source.ts_ms", op: string? from "source.op".
func TestJSONRecords(t *testing.T) {
	s := schemaOf(field("id", value.Of(value.Int)), field("at", value.Of(value.Timestamp).Null()), field("op", value.Of(value.String).Null()))
	strict := map[string]any{"unknown": "error"}
	all := map[string]any{"missing": "error"}
	for _, c := range []struct {
		given     map[string]any
		in, wants string
	}{
		{nil, `{"userId":1,"source":{"ts_ms":5,"op":"u"}}`, `[1 5000 u]`},
		{nil, `{"source":{"x":[{}],"op":"u"},"userId":1,"more":{"a":[1,2,{"b":null}]}}`, `[1 <nil> u]`},
		{nil, `{"userId":1}`, `[1 <nil> <nil>]`},
		{nil, `{"userId":1,"source":null}`, `[1 <nil> <nil>]`},
		{nil, `{"userId":1,"source":7}`, `E803 column "at" (from "source.ts_ms"): found 7, expected an object that holds it`},
		{nil, `{"id":1}`, `E802 column "id" (from "userId") is missing, and its type int is never null`},
		{nil, `{"userId":1,"userId":2}`, `[2 <nil> <nil>]`},
		{nil, `{"userId":1,"source":{"ts_ms":5},"source":{"op":"x"}}`, `[1 <nil> x]`},
		{nil, `{"userId":1,"source":{"ts_ms":5,"ts_ms":null}}`, `[1 <nil> <nil>]`},
		{nil, `{"userId":1,"source":{"ts_ms":null,"ts_ms":6}}`, `[1 6000 <nil>]`},
		{nil, `{"userId":1} {"userId":2}`, `E801 malformed JSON at byte 14: expected the end of the line, found "{"userId":2}"`},
		{nil, `[1,2]`, `E801 not a JSON object: the line begins with "[1,2]"`},
		{nil, `id,name`, `E801 not a JSON object: the line begins with "id,name"`},
		{nil, `{"userId":1,"x":tru}`, `E801 malformed JSON at byte 17: expected a value, found "tru}"`},
		{nil, "\t \r\n\n{\"userId\":1}\r\n\n", `[1 <nil> <nil>]`},
		{strict, `{"userId":1,"x":2}`, `E801 key "x" is no column (unknown = error)`},
		{strict, `{"userId":1,"source":{"x":2}}`, `E801 key "x" is no column (unknown = error)`},
		{strict, `{"userId":1,"source":{"op":"u"}}`, `[1 <nil> u]`},
		{all, `{"userId":1,"source":{"op":"u","ts_ms":null}}`, `[1 <nil> u]`},
		{all, `{"userId":1,"source":{"op":"u"}}`, `E802 column "at" (from "source.ts_ms") is missing (missing = error)`},
		{all, `{"userId":1}`, `E802 column "at" (from "source.ts_ms") is missing (missing = error)`},
		{map[string]any{"timestamps": "us"}, `{"userId":1,"source":{"ts_ms":5}}`, `[1 5 <nil>]`},
		{map[string]any{"timestamps": "s"}, `{"userId":1,"source":{"ts_ms":5}}`, `[1 5000000 <nil>]`},
		{map[string]any{"timestamps": "s"}, `{"userId":1,"source":{"ts_ms":"2026-01-31T12:00:00Z"}}`,
			`E803 column "at" (from "source.ts_ms"): found "2026-01-31T12:00:00Z", expected a time as a whole number of seconds (timestamps = s)`},
	} {
		d := jsonDecoderOf(t, c.given, s, "userId", "source.ts_ms", "source.op")
		for range 2 { // what was learned from the first reading changes nothing
			if got := outcome(t, d, s, c.in); got != c.wants {
				t.Errorf("%s %v gives\n%s, not\n%s", c.in, c.given, got, c.wants)
			}
		}
	}
}

// TestJSONOrders: keys in any order and with any blanks, many unknown ones, and two columns from one key.
func TestJSONOrders(t *testing.T) {
	s := schemaOf(field("a", value.Of(value.Int)), field("b", value.Of(value.String)), field("text", value.Of(value.String)), field("deep", value.Of(value.Int).Null()))
	d := jsonDecoderOf(t, nil, s, "a", "b", "b", "b.c")
	var in, wants strings.Builder
	for i := range 2000 {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&in, `{"a":%d,"b":"x"}`, i)
		case 1:
			fmt.Fprintf(&in, `{"b" : "x" , "a": %d }`, i)
		case 2:
			fmt.Fprintf(&in, `{ "unknown_key_number_%d" :[1, {"a":2}],"a":%d,"\u0062":"x"}`, i, i)
		case 3:
			fmt.Fprintf(&in, `{"z":null,"b":"x","y":"\"","a":%d}`, i)
		}
		in.WriteByte('\n')
	}
	for range 2000 {
		wants.WriteString("E803 column \"deep\" (from \"b.c\"): found \"x\", expected an object that holds it\n")
	}
	if got := outcome(t, d, s, in.String()); got+"\n" != wants.String() {
		t.Errorf("%.2000s", got)
	}
	s.Fields = s.Fields[:3]
	d = jsonDecoderOf(t, nil, s, "a", "b", "b")
	for i, row := range decodeAll(t, d, s, []byte(in.String())).rows {
		if show(row) != show(record{int64(i), "x", "x"}) {
			t.Fatalf("row %d: %v", i, row)
		}
	}
}

// TestJSONWideMaps: many keys, doubled ones among them.
func TestJSONWideMaps(t *testing.T) {
	for _, key := range []value.Type{value.Of(value.String), value.Of(value.Int), value.DecimalOf(20, 1), value.Of(value.Float)} {
		elem := value.ListOf(value.Of(value.Int).Null())
		s := schemaOf(field("m", value.Type{Kind: value.Map, Key: &key, Elem: &elem}))
		var in strings.Builder
		in.WriteString(`{"m":{`)
		for i := range 300 {
			if i > 0 {
				in.WriteByte(',')
			}
			fmt.Fprintf(&in, `"%d":[%d,null]`, i%100, i)
		}
		in.WriteString("}}")
		got := decodeAll(t, jsonDecoderOf(t, nil, s), s, []byte(in.String()))
		if len(got.rows) != 1 || len(got.rows[0][0].(list)) != 200 {
			t.Fatalf("%s: %s", key, got)
		}
		for i := range 100 {
			if l := got.rows[0][0].(list)[2*i+1]; show(l) != show(list{int64(200 + i), nil}) {
				t.Fatalf("%s: %d has %v", key, i, l)
			}
		}
	}
}

// TestJSONDoubledKeys: in a map the last value of a key wins, whatever the type, and the key keeps its place.
func TestJSONDoubledKeys(t *testing.T) {
	key := value.Of(value.String)
	inner := value.Type{Kind: value.Record, Fields: []value.Field{field("x", value.Of(value.Int).Null()), field("y", value.Of(value.Bool))}}
	for _, c := range []struct {
		elem             value.Type
		one, two, wanted string
	}{
		{value.Of(value.Int), "1", "2", "2"},
		{value.Of(value.Float), "1", "2.5", "2.5"},
		{value.Of(value.Bool), "true", "false", "false"},
		{value.DecimalOf(30, 1), "1", "2", "{0 20}"},
		{value.Of(value.String), `"one"`, `"a text that is not inline"`, "a text that is not inline"},
		{value.ListOf(value.Of(value.Int)), "[1]", "[2,3]", "[2 3]"},
		{inner, `{"x":1,"y":true}`, `{"y":false}`, "[<nil> false]"},
	} {
		elem := c.elem.Null()
		s := schemaOf(field("m", value.Type{Kind: value.Map, Key: &key, Elem: &elem}))
		d := jsonDecoderOf(t, nil, s)
		for in, wants := range map[string]string{
			`{"a":%[1]s,"b":%[1]s,"a":%[2]s,"c":%[2]s}`:  "[[a %[2]s b %[1]s c %[2]s]]",
			`{"a":%[1]s,"a":null,"b":%[2]s}`:             "[[a <nil> b %[2]s]]",
			`{"a":null,"a":%[2]s,"b":null,"b":%[2]s}`:    "[[a %[2]s b %[2]s]]",
			`{"a":null,"b":%[2]s,"\u0061":%[2]s,"c":7x}`: "",
		} {
			one := outcome(t, d, s, fmt.Sprintf(`{"m":{"b":%s}}`, c.one))
			one = strings.TrimSuffix(strings.TrimPrefix(one, "[[b "), "]]")
			want := ""
			if wants != "" {
				want = fmt.Sprintf(wants, one, c.wanted)
			}
			got := outcome(t, d, s, `{"m":`+fmt.Sprintf(in, c.one, c.two)+"}")
			if want != "" && got != want || want == "" && !strings.HasPrefix(got, "E80") {
				t.Errorf("%s: %s gives %s, not %s", c.elem, in, got, want)
			}
		}
	}
}

func TestNotFiniteIsNotWritten(t *testing.T) {
	for _, name := range []string{"json", "csv"} {
		f := find(t, name)
		s := schemaOf(field("a", value.Of(value.Int)), field("x", value.Of(value.Float)))
		e, err := f.Encoder(EncodeOptions{Settings: settingsOf(f, nil), Schema: s})
		if err != nil {
			t.Fatal(err)
		}
		b := batchOf(s, []record{{int64(1), 1.0}, {int64(2), math.NaN()}})
		got, err := e.Append([]byte("before "), b, b.Rows(), nil)
		if err == nil || !strings.Contains(err.Error(), `column "x" is NaN`) || strings.Count(string(got), "\n") != 1 || !strings.HasPrefix(string(got), "before ") {
			t.Errorf("%s: %q, %v: whole rows and an error are wanted", name, got, err)
		}
	}
}

func TestJSONCheck(t *testing.T) {
	s := find(t, "json")
	key := value.ListOf(value.Of(value.Int))
	nullable := value.Of(value.String).Null()
	elem := value.Of(value.Int)
	for _, c := range []struct {
		typ   value.Type
		wants string
	}{
		{value.Of(value.Secret), `column "c": JSON cannot hold a value of type secret`},
		{value.Type{Kind: value.Map, Key: &key, Elem: &elem}, `column "c": JSON cannot hold a map with keys of type list<int>`},
		{value.ListOf(value.Type{Kind: value.Map, Key: &nullable, Elem: &elem}), `column "c": JSON cannot hold a map with null keys`},
		{value.ListOf(elem), ""},
	} {
		if got := s.Check(settingsOf(s, nil), schemaOf(field("c", c.typ))); got != c.wants {
			t.Errorf("%s: %q, not %q", c.typ, got, c.wants)
		}
	}
}

func TestJSONEncode(t *testing.T) {
	f := find(t, "json")
	s := schemaOf(field("n", value.Of(value.Int)), field(`a "q"`, value.Of(value.String)), field("d", value.DecimalOf(6, 2)), field("at", value.Of(value.Timestamp)),
		field("x", value.Of(value.Float).Null()), field("raw", value.Of(value.Bytes)), field("len", value.Of(value.Duration)))
	rows := []record{
		{int64(1), "a<b>&\u2028\x01\"\\\n", value.DecOf(-150), int64(1769857200500000), 0.1, "hi", int64(5)},
		{int64(-1), "\xffx", value.DecOf(0), int64(-1), nil, "", int64(-5)},
		{int64(0), "", value.DecOf(1), int64(0), 1e21, "", int64(0)},
		{int64(0), "", value.DecOf(1), int64(0), -1e-7, "", int64(0)},
	}
	b := batchOf(s, rows)
	b.Kinds = []value.RowKind{value.Insert, value.UpdateBefore, value.UpdateAfter, value.Delete}
	body := []string{
		`"n":1,"a \"q\"":"a<b>&` + "\u2028" + `\u0001\"\\\n","d":-1.50,"at":"2026-01-31T11:00:00.5Z","x":0.1,"raw":"aGk=","len":5}`,
		`"n":-1,"a \"q\"":"` + "\uFFFD" + `x","d":0.00,"at":"1969-12-31T23:59:59.999999Z","x":null,"raw":"","len":-5}`,
		`"n":0,"a \"q\"":"","d":0.01,"at":"1970-01-01T00:00:00Z","x":1e+21,"raw":"","len":0}`,
		`"n":0,"a \"q\"":"","d":0.01,"at":"1970-01-01T00:00:00Z","x":-1e-7,"raw":"","len":0}`,
	}
	for _, c := range []struct {
		ops, gone bool
		heads     []string
	}{
		{false, false, []string{`{`, `{`, `{`, `{`}},
		{true, false, []string{`{"_op":"insert",`, `{"_op":"update_before",`, `{"_op":"update_after",`, `{"_op":"delete",`}},
		{false, true, []string{`{`, `{"_op":"update_before",`, `{`, `{"_op":"delete",`}},
	} {
		e, err := f.Encoder(EncodeOptions{Schema: s, Ops: c.ops, OnlyGone: c.gone})
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Append([]byte("before\n"), b, []int32{0, 1, 2, 3}, nil)
		want := "before\n"
		for i := range rows {
			want += c.heads[i] + body[i] + "\n"
		}
		if err != nil || string(got) != want {
			t.Errorf("ops %v gone %v: %v\n%s not\n%s", c.ops, c.gone, err, got, want)
		}
		if got, err = e.Append(nil, b, []int32{2}, nil); err != nil || string(got) != c.heads[2]+body[2]+"\n" {
			t.Errorf("one row: %s %v", got, err)
		}
	}
	if _, err := f.Encoder(EncodeOptions{Schema: schemaOf(field("_op", value.Of(value.Int))), Ops: true}); err == nil {
		t.Error("a column _op collides with the kind")
	}
	empty, err := f.Encoder(EncodeOptions{Ops: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := empty.Append(nil, &value.Batch{Len: 1}, []int32{0}, nil); string(got) != "{\"_op\":\"insert\"}\n" {
		t.Errorf("no columns: %s", got)
	}
}
