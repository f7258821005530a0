package format

import (
	"bytes"
	"strings"
	"testing"

	"pipec/vm/value"
)

var linesSchema = schemaOf(field("n", value.Of(value.Int).Null()), field("text", value.Of(value.String).Null()), field("x", value.Of(value.Float).Null()),
	field("at", value.Of(value.Timestamp).Null()), field("a_longer_name_than_two_words", value.Of(value.Bool).Null()))

// bothWays decodes and encodes data, with its lines and without, and gives how many lines were kept.
func bothWays(t testing.TB, schema value.Schema, data []byte) (kept, rows int) {
	t.Helper()
	s := find(t, "json")
	d, err := s.Decoder(DecodeOptions{Settings: settingsOf(s, nil), Schema: schema, Lines: true})
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Encoder(EncodeOptions{Settings: settingsOf(s, nil), Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	b := value.NewBatch(schema)
	for len(data) > 0 {
		var bad []Bad
		n, err := d.Decode(data, true, b, 3, &bad)
		if err != nil || n == 0 {
			t.Fatal(n, err)
		}
		short, err := e.Append(nil, b, b.Rows(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if b.Lines != nil {
			for _, at := range b.Lines.At[:b.Len] {
				kept += min(1, int(at.To))
			}
		}
		rows += b.Len
		b.Lines = nil
		long, err := e.Append(nil, b, b.Rows(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(short, long) {
			t.Fatalf("lines:   %s\nencoded: %s", short, long)
		}
		data = data[n:]
	}
	return kept, rows
}

// usualLines leave as they came; oddLines are read and look otherwise when they are written.
var (
	usualLines = []string{
		`{"n":1,"text":"a","x":1.5,"at":"2013-01-01T00:00:00Z","a_longer_name_than_two_words":true}`,
		`{"n":-9007199254740993,"text":"","x":-0.25,"at":"2013-01-01T00:00:00.000001Z","a_longer_name_than_two_words":false}`,
		`{"n":0,"text":"grün ☕","x":0,"at":"0001-01-01T23:59:59.9Z","a_longer_name_than_two_words":null}`,
		`{"n":null,"text":null,"x":null,"at":null,"a_longer_name_than_two_words":null}`,
		`{"n":9,"text":"/","x":123456789012.25,"at":null,"a_longer_name_than_two_words":true}`,
	}
	oddLines = []string{
		`{"text":"a","n":1,"x":1.5,"at":null,"a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"a","x":1.5,"at":null}`, `{}`, `{"n":1}`,
		`{"n":1,"text":"a","x":1.5,"at":null,"a_longer_name_than_two_words":true,"more":1}`,
		`{"n":1,"text":"a","x":1.5,"at":null,"a_longer_name_than_two_words":true} `,
		`{"n":1,"text":"a","x":1.5,"at":null,"a_longer_name_than_two_words":true }`,
		` {"n":1,"text":"a","x":1.5,"at":null,"a_longer_name_than_two_words":true}`,
		`{"n":1, "text":"a","x":1.5,"at":null,"a_longer_name_than_two_words":true}`,
		`{"n": 1,"text":"a","x":1.5,"at":null,"a_longer_name_than_two_words":true}`,
		`{"n":1 ,"text":"a","x":1.5,"at":null,"a_longer_name_than_two_words":true}`,
		`{"n":1,"n":2,"text":"a","x":1.5,"at":null,"a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"a","x":1.5,"at":null,"a_longer_name_than_two_words":true,"n":2}`,
		`{"\u006e":1,"text":"a","x":1.5,"at":null,"a_longer_name_than_two_words":true}`,
		`{"n":-0,"text":"a","x":1.5,"at":null,"a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"\u0061","x":1.5,"at":null,"a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"\/","x":1.5,"at":null,"a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"a","x":1.50,"at":null,"a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"a","x":1.0,"at":null,"a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"a","x":-0,"at":null,"a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"a","x":0.0,"at":null,"a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"a","x":15e-1,"at":null,"a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"a","x":0.10000000000000001,"at":null,"a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"a","x":0.0000001,"at":null,"a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"a","x":1.5,"at":"2013-01-01T00:00:00.500Z","a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"a","x":1.5,"at":"2013-01-01 00:00:00Z","a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"a","x":1.5,"at":"2013-01-01T00:00:00z","a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"a","x":1.5,"at":"2013-01-01T00:00:00+00:00","a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"a","x":1.5,"at":"2013-01-01T02:00:00.000000000Z","a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"a","x":1.5,"at":1357002000000,"a_longer_name_than_two_words":true}`,
		`{"n":1,"text":"a","x":1.5,"at":"+02013-01-01T00:00:00Z","a_longer_name_than_two_words":true}`,
	}
)

func TestLinesAreWhatTheEncoderWrites(t *testing.T) {
	usual := strings.Join(usualLines, "\n") + "\n"
	if kept, rows := bothWays(t, linesSchema, []byte(usual)); kept != len(usualLines) || rows != kept {
		t.Errorf("of %d usual lines %d were read and %d kept", len(usualLines), rows, kept)
	}
	for _, odd := range oddLines {
		// Among usual ones: a key that was written in another way is remembered, and the row behind it is no worse for it.
		data := usual + odd + "\n" + usual + usual
		if kept, _ := bothWays(t, linesSchema, []byte(data)); kept < 3*len(usualLines)-1 || kept > 3*len(usualLines) {
			t.Errorf("%s: %d of %d lines were kept", odd, kept, 3*len(usualLines))
		}
		if kept, _ := bothWays(t, linesSchema, []byte(odd+"\n")); kept > 0 {
			t.Errorf("%s was kept", odd)
		}
		if kept, _ := bothWays(t, linesSchema, []byte(strings.ReplaceAll(usual, "\n", "\r\n"))); kept > 0 {
			t.Error("lines that end in a carriage return were kept")
		}
	}
	if kept, _ := bothWays(t, linesSchema, []byte(usualLines[0])); kept > 0 {
		t.Error("a line without its end was kept")
	}
	nested := schemaOf(field("n", value.Of(value.Int)), field("l", value.ListOf(value.Of(value.Int))))
	if kept, rows := bothWays(t, nested, []byte("{\"n\":1,\"l\":[]}\n")); kept > 0 || rows != 1 {
		t.Error("a nested line was kept")
	}
}

// Any bytes: rows leave as they would if they were encoded.
func FuzzLines(f *testing.F) {
	for _, l := range append(append([]string{}, usualLines...), oddLines...) {
		f.Add([]byte(usualLines[0] + "\n" + l + "\n" + usualLines[1] + "\n"))
	}
	f.Fuzz(func(t *testing.T, data []byte) { bothWays(t, linesSchema, data) })
}
