package format

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// Every entry of the table passes what is here.

func TestTableIsDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range table() {
		if s.Name == "" || s.Doc == "" || s.Suffix == "" || s.Check == nil || s.Decoder == nil || s.Encoder == nil || seen[s.Name] {
			t.Errorf("%q lacks something, or is there twice", s.Name)
		}
		seen[s.Name] = true
		for _, e := range s.Examples {
			if !strings.HasPrefix(e, "format "+s.Name) {
				t.Errorf("%s: example %q", s.Name, e)
			}
		}
		for _, p := range s.Params {
			if p.Doc == "" || p.Default == nil || !strings.HasPrefix(p.Example, p.Name+" = ") {
				t.Errorf("%s: setting %q lacks a doc, a default or an example", s.Name, p.Name)
			}
		}
	}
	if len(Names()) < 3 {
		t.Errorf("formats: %s", Names())
	}
}

// genCase draws a schema that the format takes, its settings, and rows.
func genCase(t *rapid.T, s *Spec) (value.Schema, plan.Settings, []record) {
	given := map[string]any{}
	if s.Name == "csv" {
		given["header"] = rapid.Bool().Draw(t, "header")
		given["separator"] = rapid.SampledFrom([]string{",", ";", "\t", ".", "+"}).Draw(t, "separator")
		given["quote"] = rapid.SampledFrom([]string{`"`, "'"}).Draw(t, "quote")
		given["null"] = rapid.SampledFrom([]string{"", "NA", "a,b"}).Draw(t, "null text")
	}
	settings := settingsOf(s, given)
	schema := genSchema(t, 2)
	if s.Name == "text" {
		schema = value.Schema{Fields: []value.Field{{Name: "line", Type: value.Of(value.String)}}}
	}
	if s.Check(settings, schema) != "" {
		schema = genSchema(t, 0)
	}
	if what := s.Check(settings, schema); what != "" {
		t.Fatalf("%s refuses %s: %s", s.Name, schema, what)
	}
	rows := make([]record, rapid.IntRange(0, 5).Draw(t, "rows"))
	for i := range rows {
		rows[i] = genRow(t, schema)
		for k, f := range schema.Fields {
			rows[i][k] = fitted(s, settings, f.Type, rows[i][k])
		}
	}
	return schema, settings, rows
}

// fitted replaces what a format cannot bring back: the null text of CSV, line ends in text.
func fitted(s *Spec, settings plan.Settings, typ value.Type, x any) any {
	text, isText := x.(string)
	switch {
	case s.Name == "text":
		return strings.NewReplacer("\n", " ", "\r", " ", mark, "").Replace(text)
	case s.Name == "csv" && isText && text == settings.Text("null") && (typ.Nullable || text != "" || typ.Kind == value.Bytes):
		if typ.Nullable {
			return nil
		}
		return "other text"
	}
	return x
}

func encodeAll(t interface{ Fatal(...any) }, s *Spec, o EncodeOptions, rows []record) (data []byte, ends []int) {
	e, err := s.Encoder(o)
	if err != nil {
		t.Fatal(err)
	}
	b := batchOf(o.Schema, rows)
	data, err = e.Append(append([]byte(nil), e.Header()...), b, b.Rows(), &ends)
	if err != nil {
		t.Fatal(err)
	}
	return data, ends
}

func TestRoundTrip(t *testing.T) {
	for i := range table() {
		s := &table()[i]
		t.Run(s.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				schema, settings, rows := genCase(t, s)
				data, ends := encodeAll(t, s, EncodeOptions{Settings: settings, Schema: schema}, rows)
				if len(ends) != len(rows) || len(rows) > 0 && ends[len(ends)-1] != len(data) {
					t.Fatalf("ends %v of %d rows and %d bytes", ends, len(rows), len(data))
				}
				d, err := s.Decoder(DecodeOptions{Settings: settings, Schema: schema})
				if err != nil {
					t.Fatal(err)
				}
				got, err := tryDecode(d, schema, data)
				if err != nil || len(got.bad) > 0 || show(got.rows) != show(rowsOf(schema, batchOf(schema, rows))) {
					t.Fatalf("%q\ngives %v %s\nfor %s", data, err, got, show(rows))
				}
			})
		})
	}
}

// spoil breaks a line in one of the ways that data break.
func spoil(t *rapid.T, line []byte) []byte {
	line = append([]byte(nil), line...)
	at := rapid.IntRange(0, len(line)).Draw(t, "at")
	switch rapid.IntRange(0, 5).Draw(t, "how") {
	case 0: // cut off
		return line[:at]
	case 1: // a byte more
		return append(line[:at:at], append([]byte{rapid.Byte().Draw(t, "byte")}, line[at:]...)...)
	case 2: // a byte less
		if at < len(line) {
			return append(line[:at:at], line[at+1:]...)
		}
	case 3: // another byte
		if at < len(line) {
			line[at] = rapid.Byte().Draw(t, "byte")
		}
	case 4:
		word := rapid.SampledFrom([]string{`"`, `\`, "null", "1.0", "1e999", "99999999999999999999", "[[", "{}", ",", "\xff", "\\ud800", "\r", " ", "NA", "tru", "-", "0", "", "\n"}).Draw(t, "word")
		return append(line[:at:at], append([]byte(word), line[at:]...)...)
	}
	return line
}

// genData draws lines of a format, some of them spoilt.
func genData(t *rapid.T, s *Spec) (schema value.Schema, settings plan.Settings, data []byte) {
	schema, settings, rows := genCase(t, s)
	good, ends := encodeAll(t, s, EncodeOptions{Settings: settings, Schema: schema}, rows)
	from := len(good)
	if len(ends) > 0 {
		from = bytes.IndexByte(good, '\n') + 1
		if head := len(good) - len(bytes.Join(bytesBetween(good, ends), nil)); head < from {
			from = head
		}
	}
	data = append(data, good[:from]...)
	if s.Name != "csv" || !settings.Bool("header") {
		data, from = nil, 0
	}
	for _, end := range ends {
		line := good[from : end-1]
		from = end
		if rapid.Bool().Draw(t, "spoilt") {
			line = spoil(t, line)
		}
		data = append(append(data, line...), rapid.SampledFrom([]string{"\n", "\r\n", "\n\n", "\n"}).Draw(t, "line end")...)
	}
	if rapid.Bool().Draw(t, "no last line end") {
		data = bytes.TrimSuffix(data, newline)
	}
	return schema, settings, data
}

func bytesBetween(data []byte, ends []int) (parts [][]byte) {
	for i := 1; i < len(ends); i++ {
		parts = append(parts, data[ends[i-1]:ends[i]])
	}
	return parts
}

// TestChunks: what a batch holds does not depend on how the bytes arrive, on max, on which batch is filled, or on which columns are wanted.
func TestChunks(t *testing.T) {
	for i := range table() {
		s := &table()[i]
		t.Run(s.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				schema, settings, data := genData(t, s)
				newDecoder := func(wanted []bool) Decoder {
					d, err := s.Decoder(DecodeOptions{Settings: settings, Schema: schema, Wanted: wanted})
					if err != nil {
						t.Fatal(err)
					}
					return d
				}
				whole, wholeErr := tryDecode(newDecoder(nil), schema, data)
				wanted := make([]bool, len(schema.Fields))
				for i := range wanted {
					wanted[i] = rapid.Bool().Draw(t, "wanted")
				}
				pieces, err := decodePieces(t, newDecoder(wanted), schema, data)
				if (err == nil) != (wholeErr == nil) {
					t.Fatalf("%q: whole %v, in pieces %v", data, wholeErr, err)
				}
				for _, r := range whole.rows {
					for i := range r {
						if !wanted[i] {
							r[i] = "-"
						}
					}
				}
				if err == nil && pieces.String() != whole.String() {
					t.Fatalf("%q\nwhole:\n%s\nin pieces:\n%s", data, whole, pieces)
				}
			})
		})
	}
}

// decodePieces feeds the data as a source does: what is there so far, in blocks of its own, at most max rows a call, into two batches in turn.
func decodePieces(t *rapid.T, d Decoder, schema value.Schema, data []byte) (r result, err error) {
	there := 0
	arrive := func() []byte {
		there = min(len(data), there+rapid.IntRange(1, 30).Draw(t, "piece"))
		return append([]byte(nil), data[r.n:there]...) // a block of its own size: nothing may be read behind it
	}
	for block := arrive(); ; block = arrive() {
		n, err := d.Header(block, there == len(data))
		if err == nil {
			r.n = n
			break
		}
		if !errors.Is(err, ErrMore) {
			return r, err
		}
	}
	batches := []*value.Batch{value.NewBatch(schema), value.NewBatch(schema)}
	for turn := 0; r.n < len(data) || there < len(data); turn++ {
		block := append([]byte(nil), data[r.n:there]...)
		var bad []Bad
		b, limit := batches[turn&1], rapid.IntRange(1, 4).Draw(t, "max")
		n, err := d.Decode(block, there == len(data), b, limit, &bad)
		if err != nil {
			return r, err
		}
		if n > 0 && n < len(block) && block[n-1] != '\n' {
			return r, fmt.Errorf("%q ends in the middle of a line", block[:n])
		}
		if b.Len+len(bad) > limit {
			return r, fmt.Errorf("%d rows and %d bad ones of at most %d", b.Len, len(bad), limit)
		}
		r.rows = append(r.rows, rowsOf(schema, b)...)
		for _, x := range bad {
			x.Offset += r.n
			r.bad = append(r.bad, x)
		}
		r.n += n
		if n == 0 {
			if there == len(data) {
				return r, fmt.Errorf("no progress at %q", block)
			}
			arrive()
		}
	}
	return r, nil
}

// TestResync: whatever is wrong with a line, the next good one is read. Text and JSON never lose a line; CSV may only where a quote opens and the
// text up to another quote could be its field.
func TestResync(t *testing.T) {
	for i := range table() {
		s := &table()[i]
		t.Run(s.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				schema, settings, rows := genCase(t, s)
				if s.Name == "csv" {
					settings = settingsOf(s, map[string]any{"header": false})
					for i := range rows {
						for k, f := range schema.Fields {
							if text, ok := rows[i][k].(string); ok && f.Type.Kind == value.String {
								rows[i][k] = strings.NewReplacer("\n", "", "\r", "", ",", "", `"`, "").Replace(text)
								if f.Type.Words != nil {
									rows[i][k] = "red"
								}
							}
							rows[i][k] = fitted(s, settings, f.Type, rows[i][k])
						}
					}
				}
				data, ends := encodeAll(t, s, EncodeOptions{Settings: settings, Schema: schema}, rows)
				var mixed []byte
				from := 0
				for _, end := range ends {
					broken := bytes.ReplaceAll(spoil(t, data[from:end-1]), newline, nil)
					if s.Name == "csv" && bytes.Count(broken, []byte{'"'}) > 1 {
						broken = bytes.ReplaceAll(broken, []byte{'"'}, nil)
					}
					mixed = append(append(mixed, broken...), '\n')
					mixed = append(mixed, data[from:end]...)
					from = end
				}
				d, err := s.Decoder(DecodeOptions{Settings: settings, Schema: schema})
				if err != nil {
					t.Fatal(err)
				}
				got, err := tryDecode(d, schema, mixed)
				if err != nil || got.n != len(mixed) {
					t.Fatalf("%q: %v after %d bytes", mixed, err, got.n)
				}
				// The good rows are there, in their order.
				k := 0
				want := rowsOf(schema, batchOf(schema, rows))
				for _, r := range got.rows {
					if k < len(want) && show(r) == show(want[k]) {
						k++
					}
				}
				if k < len(want) && !twoQuotes(s, mixed) {
					t.Fatalf("%q\nloses %s:\n%s", mixed, show(want[k]), got)
				}
			})
		})
	}
}

// twoQuotes: an opening quote may find a partner lines below.
func twoQuotes(s *Spec, data []byte) bool {
	return s.Name == "csv" && bytes.Count(data, []byte{'"'}) > 1
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	schema := value.Schema{Fields: []value.Field{{Name: "line", Type: value.Of(value.String)}}}
	for i := range table() {
		s := &table()[i]
		rows := make([]record, 1000)
		for i := range rows {
			rows[i] = record{fmt.Sprintf(`row %d with "quotes" and more`, i)}
		}
		settings := settingsOf(s, nil)
		data, _ := encodeAll(t, s, EncodeOptions{Settings: settings, Schema: schema}, rows)
		d, err := s.Decoder(DecodeOptions{Settings: settings, Schema: schema})
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.Encoder(EncodeOptions{Settings: settings, Schema: schema})
		if err != nil {
			t.Fatal(err)
		}
		head, err := d.Header(data, true)
		if err != nil {
			t.Fatal(err)
		}
		b := value.NewBatch(schema)
		var out []byte
		run := func() {
			if n, err := d.Decode(data[head:], true, b, 2000, nil); err != nil || n != len(data)-head {
				t.Fatal(n, err)
			}
			if out, err = e.Append(out[:0], b, b.Rows(), nil); err != nil {
				t.Fatal(err)
			}
		}
		run()
		if n := testing.AllocsPerRun(10, run); n > 0 {
			t.Errorf("%s: %v allocations for 1000 rows", s.Name, n)
		}
		if !bytes.Equal(out, data[head:]) {
			t.Errorf("%s: written differently than read", s.Name)
		}
	}
}
