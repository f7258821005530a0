package format

import (
	"testing"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// Any bytes: no panic, progress, and the same in two pieces as in one.
func fuzzDecode(f *testing.F, name string, settings plan.Settings, s value.Schema) {
	spec := find(f, name)
	newDecoder := func(t testing.TB) Decoder {
		d, err := spec.Decoder(DecodeOptions{Settings: settings, Schema: s})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	f.Fuzz(func(t *testing.T, data []byte, cut uint16) {
		whole, err := tryDecode(newDecoder(t), s, data)
		d := newDecoder(t)
		n, headErr := d.Header(data, true)
		if (err == nil) != (headErr == nil) {
			t.Fatalf("whole: %v, header: %v", err, headErr)
		}
		if err != nil {
			return
		}
		got := result{n: n, rows: []record{}}
		there := n + int(cut)%(len(data)-n+1)
		b := value.NewBatch(s)
		for got.n < len(data) {
			var bad []Bad
			n, err := d.Decode(data[got.n:there:there], there == len(data), b, 3, &bad)
			if err != nil {
				t.Fatal(err)
			}
			got.rows = append(got.rows, rowsOf(s, b)...)
			for _, x := range bad {
				x.Offset += got.n
				got.bad = append(got.bad, x)
			}
			got.n += n
			if n == 0 {
				if there == len(data) {
					t.Fatalf("no progress at byte %d", got.n)
				}
				there = len(data)
			}
		}
		if got.String() != whole.String() {
			t.Fatalf("whole:\n%s\nin two pieces:\n%s", whole, got)
		}
	})
}

func FuzzDecodeCSV(f *testing.F) {
	for _, seed := range []string{"1,a,2.5,2013-01-01T10:00:00Z\n2,\"b\"\"\n\",,\r\n", "x,\"y\n", "1,a\"b,1,\n,,,\n\n", "\"1\",\"\xff\",1e999,5"} {
		f.Add([]byte(seed), uint16(5))
	}
	fuzzDecode(f, "csv", settingsOf(find(f, "csv"), map[string]any{"header": false}), schemaOf(field("n", value.Of(value.Int).Null()), field("s", value.Of(value.String)),
		field("x", value.Of(value.Float).Null()), field("at", value.Of(value.Timestamp).Null())))
}

func FuzzDecodeCSVHeader(f *testing.F) {
	for _, seed := range []string{"x,s,y,n\n,a,,1\n", "n,s\n1,2\n", mark + "s,\"n\"\r\n\"a\",1,\r\nb,2"} {
		f.Add([]byte(seed), uint16(9))
	}
	fuzzDecode(f, "csv", settingsOf(find(f, "csv"), nil), schemaOf(field("n", value.Of(value.Int)), field("s", value.Of(value.String).Null())))
}

func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range diffSeeds {
		if len(seed) < 1000 {
			f.Add([]byte(seed+"\n{\"id\":1}\r\n"), uint16(7))
		}
	}
	fuzzDecode(f, "json", settingsOf(find(f, "json"), nil), diffSchema)
}
