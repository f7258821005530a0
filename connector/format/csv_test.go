package format

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"pipec/vm/value"
)

func csvDecoderOf(t testing.TB, given map[string]any, s value.Schema, physical ...string) Decoder {
	t.Helper()
	f := find(t, "csv")
	d, err := f.Decoder(DecodeOptions{Settings: settingsOf(f, given), Schema: s, Physical: physical})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestCSVRecords: an int and a nullable string.
func TestCSVRecords(t *testing.T) {
	s := schemaOf(field("n", value.Of(value.Int)), field("s", value.Of(value.String).Null()))
	bare := map[string]any{"header": false}
	na := map[string]any{"header": false, "null": "NA"}
	for _, c := range []struct {
		given     map[string]any
		in, wants string
	}{
		{nil, "n,s\n1,a\n", "[1 a]"},
		{nil, mark + "s,x,n\r\na,,1\r\nb,\"q\nq\",2", "[1 a]\n[2 b]"},
		{nil, "\"s\",\"n\"\n\"a\"\"b\",\"1\"\n", `[1 a"b]`},
		{nil, "\n\nn,s\n\n1,a\n\r\n2,b\n\n", "[1 a]\n[2 b]"},
		{nil, "", ""},
		{nil, "\n\n", ""},
		{bare, "1,a\r\n2,\"b\"\r\n3,\"c\"\n4,d\r", "[1 a]\n[2 b]\n[3 c]\n[4 d]"},
		{bare, "1,\"a\r\nb\"\n", "[1 a\r\nb]"},
		{bare, "1,größe\n2,\"größe\"\n", "[1 größe]\n[2 größe]"},
		{bare, "007,\n-5,\"\"\n", "[7 <nil>]\n[-5 <nil>]"},
		{bare, "1,a,b\n2,c\n", "[2 c]\nE801 the line has 3 columns, the schema has 2"},
		{nil, "n,s\n1\n2,b\n", "[2 b]\nE801 the line has 1 columns, the header has 2"},
		{bare, "1,a\"b\n2,c\n", "[2 c]\n" + `E801 malformed CSV at byte 4: a quote inside of a field that does not begin with one: 1,a"`},
		{bare, "1,\"a\"b\n2,c\n", "[2 c]\n" + `E801 malformed CSV at byte 6: text behind a closing quote: 1,"a"b`},
		{bare, "1,\"a\n2,c\n", "[2 c]\n" + `E801 malformed CSV at byte 3: a quote that is not closed within 1048576 bytes or up to the end: "a` + "\uFFFD2,c\uFFFD"},
		{bare, "x,a\n1.0,b\n99999999999999999999,c\n,d\n5,e\n", "[5 e]\n" + `E803 column "n": found "x", expected a whole number
E803 column "n": found "1.0", expected a whole number
E804 column "n": "99999999999999999999" is out of the range of int
E802 column "n" is null, and its type int is never null`},
		{bare, "x,a,b\n", "E801 the line has 3 columns, the schema has 2"},
		{bare, "x,a\"\n", `E801 malformed CSV at byte 4: a quote inside of a field that does not begin with one: x,a"`},
		{bare, "1,a\xff\n2,b\n", "[2 b]\n" + `E801 column "s": "a` + "\uFFFD" + `" is not valid UTF-8`},
		{na, "1,NA\n2,\"NA\"\n3,\nNA,x\n", "[1 <nil>]\n[2 <nil>]\n[3 ]\n" + `E802 column "n" is null, and its type int is never null`},
		{map[string]any{"header": false, "null": "-1"}, "-1,a\n1,-1\n", "[1 <nil>]\n" + `E802 column "n" is null, and its type int is never null`},
		{map[string]any{"header": false, "separator": ";", "quote": "'"}, "1;'it''s; a \"b\"'\n", `[1 it's; a "b"]`},
		{map[string]any{"header": false, "separator": "\t"}, "1\ta,b\n", `[1 a,b]`},
	} {
		if got := outcome(t, csvDecoderOf(t, c.given, s), s, c.in); got != c.wants {
			t.Errorf("%q %v gives\n%s, not\n%s", c.in, c.given, got, c.wants)
		}
	}
}

// TestCSVValues: one field of each type.
func TestCSVValues(t *testing.T) {
	words := value.Type{Kind: value.String, Words: []string{"in", "out"}}
	us := map[string]any{"header": false, "timestamps": "us"}
	bare := map[string]any{"header": false}
	for _, c := range []struct {
		typ       value.Type
		given     map[string]any
		in, wants string
	}{
		{value.Of(value.String), bare, `""`, "[]"},
		{value.Of(value.String), map[string]any{"header": false, "null": "NA"}, "NA", `E802 column "c" is null, and its type string is never null`},
		{value.Of(value.Float), bare, "1e3", "[1000]"},
		{value.Of(value.Float), bare, "NaN", `E806 column "c": "NaN" is not a finite number`},
		{value.Of(value.Float), bare, "-inf", `E806 column "c": "-inf" is not a finite number`},
		{value.Of(value.Float), bare, "1e999", `E806 column "c": "1e999" is too large to be a finite float`},
		{value.Of(value.Float), bare, "1,5", `E801 the line has 2 columns, the schema has 1`},
		{value.Of(value.Float), bare, `"1,5"`, `E803 column "c": found "1,5", expected a number`},
		{value.DecimalOf(4, 2), bare, "12.50", "[{0 1250}]"},
		{value.DecimalOf(4, 2), bare, "12.505", `E804 column "c": "12.505" has more than 2 digits after the point, the most that decimal(4, 2) keeps`},
		{value.Of(value.Bool), bare, "true", "[true]"},
		{value.Of(value.Bool), bare, "FALSE", "[false]"},
		{value.Of(value.Bool), bare, "yes", `E803 column "c": found "yes", expected true or false`},
		{value.Of(value.Timestamp), bare, "2013-01-01T10:00:00Z", "[1357034400000000]"},
		{value.Of(value.Timestamp), bare, "1357034400000", "[1357034400000000]"},
		{value.Of(value.Timestamp), bare, "2013-01-01", `E803 column "c": found "2013-01-01", expected a time like 2026-01-31T12:00:00Z or a whole number of milliseconds`},
		{value.Of(value.Timestamp), bare, "2013-01-01T10:00:00.0000001Z", `E804 column "c": "2013-01-01T10:00:00.0000001Z" is finer than a microsecond`},
		{value.Of(value.Timestamp), us, "1357034400000001", "[1357034400000001]"},
		{value.Of(value.Timestamp), us, "2013-01-01T10:00:00Z", `E803 column "c": found "2013-01-01T10:00:00Z", expected a time as a whole number of microseconds (timestamps = us)`},
		{value.Of(value.Duration), bare, "-5", "[-5]"},
		{value.Of(value.Bytes), bare, "aGk=", "[hi]"},
		{words, bare, "out", "[out]"},
		{words, bare, "up", `E803 column "c": found "up", expected one of "in", "out"`},
	} {
		s := schemaOf(field("c", c.typ))
		if got := outcome(t, csvDecoderOf(t, c.given, s), s, c.in+"\n"); got != c.wants {
			t.Errorf("%s from %s gives\n%s, not\n%s", c.typ, c.in, got, c.wants)
		}
	}
}

func TestCSVHeader(t *testing.T) {
	s := schemaOf(field("n", value.Of(value.Int)), field("name", value.Of(value.String)))
	for _, c := range []struct {
		head  string
		last  bool
		n     int
		wants string
	}{
		{"n,full name\n1,a\n", false, 12, ""},
		{"n,full name", true, 11, ""},
		{"n,full name", false, 0, ErrMore.Error()},
		{"n,full name\r", false, 0, ErrMore.Error()},
		{"n,\"full name\"", false, 0, ErrMore.Error()},
		{"n,\"full", false, 0, ErrMore.Error()},
		{"", false, 0, ErrMore.Error()},
		{"\xEF", false, 0, ErrMore.Error()},
		{"\n\n", false, 0, ErrMore.Error()},
		{"", true, 0, ""},
		{"id,n\n", false, 0, `the header of the CSV file has no column "full name"; it has id, n`},
		{"n,full name,n\n", false, 0, `the header of the CSV file names the column "n" twice (fields 1 and 3)`},
		{"n,full\"\n", false, 0, `the header of the CSV file: malformed CSV at byte 7: a quote inside of a field that does not begin with one: n,full"`},
	} {
		n, err := csvDecoderOf(t, nil, s, "n", "full name").Header([]byte(c.head), c.last)
		text := ""
		if err != nil {
			text, n = err.Error(), 0
		}
		if text != c.wants || n != c.n {
			t.Errorf("%q gives %d, %v", c.head, n, err)
		}
	}
	d := csvDecoderOf(t, nil, s, "n", "n")
	if got := outcome(t, d, s, "x,n\n,5\n"); got != "[5 5]" {
		t.Errorf("two columns from one field: %s", got)
	}
	if got := outcome(t, d, s, "n\n6\n"); got != "[6 6]" {
		t.Errorf("another file: %s", got)
	}
	if _, err := csvDecoderOf(t, nil, s).Decode([]byte("1,a\n"), true, value.NewBatch(s), 10, nil); err == nil {
		t.Error("rows are read although no header was")
	}
}

// TestCSVLongQuotes: a record in quotes has a limit, and it does not depend on how much of the file is there.
func TestCSVLongQuotes(t *testing.T) {
	s := schemaOf(field("n", value.Of(value.Int)), field("s", value.Of(value.String)))
	for _, size := range []int{maxQuoted - 4, maxQuoted - 3, maxQuoted + 100} {
		text := strings.Repeat("x\n", size/2) + strings.Repeat("y", size%2)
		data := []byte("1,\"" + text + "\"\n2,b\n")
		want := decodeAll(t, csvDecoderOf(t, map[string]any{"header": false}, s), s, data)
		if good := size == maxQuoted-4; good != (len(want.bad) == 0) || want.rows[len(want.rows)-1][1] != "b" {
			t.Fatalf("%d bytes: %d rows, %d bad", size, len(want.rows), len(want.bad))
		}
		d := csvDecoderOf(t, map[string]any{"header": false}, s)
		b := value.NewBatch(s)
		var got result
		for there := 1000; got.n < len(data); there = min(there*2, len(data)) {
			for {
				var bad []Bad
				n, err := d.Decode(data[got.n:there], there == len(data), b, 1000, &bad)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range bad {
					x.Offset += got.n
					got.bad = append(got.bad, x)
				}
				got.rows = append(got.rows, rowsOf(s, b)...)
				got.n += n
				if n == 0 || got.n == there {
					break
				}
			}
		}
		if got.String() != want.String() {
			t.Errorf("%d bytes read in pieces differ", size)
		}
	}
}

// TestCSVLikeEncoding: what encoding/csv writes is read as it reads it, through any choice of columns in any order.
func TestCSVLikeEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(2, 30).Draw(t, "width")
		var data bytes.Buffer
		w := csv.NewWriter(&data)
		w.UseCRLF = rapid.Bool().Draw(t, "crlf")
		names := make([]string, width)
		for i := range names {
			names[i] = fmt.Sprintf("column %d", i)
		}
		if err := w.Write(names); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			row := make([]string, width)
			for i := range row {
				row[i] = strings.ReplaceAll(genText(t), "\r", "") // encoding/csv changes them
			}
			if err := w.Write(row); err != nil {
				t.Fatal(err)
			}
		}
		w.Flush()
		var s value.Schema
		var physical []string
		order := rapid.Permutation(names).Draw(t, "order")
		for i, name := range order[:rapid.IntRange(1, width).Draw(t, "columns")] {
			s.Fields = append(s.Fields, field(fmt.Sprintf("c%d", i), value.Of(value.String)))
			physical = append(physical, name)
		}
		f := find(t, "csv")
		d, err := f.Decoder(DecodeOptions{Settings: settingsOf(f, nil), Schema: s, Physical: physical})
		if err != nil {
			t.Fatal(err)
		}
		got, err := tryDecode(d, s, data.Bytes())
		if err != nil || len(got.bad) > 0 {
			t.Fatalf("%q: %v %s", data.String(), err, got)
		}
		r := csv.NewReader(bytes.NewReader(data.Bytes()))
		if _, err := r.Read(); err != nil {
			t.Fatal(err)
		}
		for i := 0; ; i++ {
			want, err := r.Read()
			if errors.Is(err, io.EOF) {
				if i != len(got.rows) {
					t.Fatalf("%q: %d rows, not %d", data.String(), len(got.rows), i)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for k, name := range physical {
				at := 0
				fmt.Sscanf(name, "column %d", &at)
				if have := strings.ReplaceAll(got.rows[i][k].(string), "\r\n", "\n"); have != want[at] {
					t.Fatalf("%q: row %d %s is %q, not %q", data.String(), i, name, have, want[at])
				}
			}
		}
	})
}

func TestCSVEncode(t *testing.T) {
	f := find(t, "csv")
	s := schemaOf(field("n", value.Of(value.Int)), field("a;b", value.Of(value.String).Null()), field("x", value.Of(value.Float)))
	rows := []record{{int64(1), `say "hi"`, 1.5}, {int64(2), nil, 2.0}, {int64(3), "a\nb", 3.0}}
	for _, c := range []struct {
		given     map[string]any
		ops, gone bool
		wants     string
	}{
		{nil, false, false, "n,a;b,x\n1,\"say \"\"hi\"\"\",1.5\n2,,2\n3,\"a\nb\",3\n"},
		{map[string]any{"separator": ";", "quote": "'", "null": "x;"}, false, false, "n;'a;b';x\n1;say \"hi\";1.5\n2;'x;';2\n3;'a\nb';3\n"},
		{map[string]any{"separator": "."}, false, false, "n.a;b.x\n1.\"say \"\"hi\"\"\".\"1.5\"\n2..2\n3.\"a\nb\".3\n"},
		{map[string]any{"header": false}, true, false, "insert,1,\"say \"\"hi\"\"\",1.5\ndelete,2,,2\ninsert,3,\"a\nb\",3\n"},
		{nil, false, true, "_op,n,a;b,x\n,1,\"say \"\"hi\"\"\",1.5\ndelete,2,,2\n,3,\"a\nb\",3\n"},
	} {
		e, err := f.Encoder(EncodeOptions{Settings: settingsOf(f, c.given), Schema: s, Ops: c.ops, OnlyGone: c.gone})
		if err != nil {
			t.Fatal(err)
		}
		b := batchOf(s, rows)
		b.Kinds = []value.RowKind{value.Insert, value.Delete, value.Insert}
		got, err := e.Append(append([]byte(nil), e.Header()...), b, b.Rows(), nil)
		if err != nil || string(got) != c.wants {
			t.Errorf("%v gives %v\n%s not\n%s", c.given, err, got, c.wants)
		}
	}
}

func TestCSVCheck(t *testing.T) {
	f := find(t, "csv")
	n := schemaOf(field("n", value.Of(value.Int)))
	for _, c := range []struct {
		given map[string]any
		s     value.Schema
		wants string
	}{
		{nil, n, ""},
		{map[string]any{"separator": `"`}, n, `separator and quote are both "\""`},
		{nil, value.Schema{}, "CSV needs at least one column"},
		{nil, schemaOf(field("l", value.ListOf(value.Of(value.Int)).Null())), "column \"l\": CSV holds no list<int>; use `explode`, single fields, or format json"},
		{nil, schemaOf(field("l", value.Of(value.Secret))), `column "l": CSV cannot hold a value of type secret`},
	} {
		if got := f.Check(settingsOf(f, c.given), c.s); got != c.wants {
			t.Errorf("%v %s: %q", c.given, c.s, got)
		}
	}
	for _, p := range f.Params {
		for _, bad := range []any{"", "ab", "é", "\n", "5", "a", "-"} {
			if (p.Name == "separator" || p.Name == "quote") && p.Check(bad) == "" {
				t.Errorf("%s takes %q", p.Name, bad)
			}
		}
		if p.Check != nil && p.Check(p.Default) != "" {
			t.Errorf("%s refuses its default", p.Name)
		}
	}
}
