package format

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"pipec/vm/value"
)

// The reader takes and refuses what encoding/json/v2 does, and reads the same. v2 sees the columns as this struct, where every null is a nil.
type v2Row struct {
	ID     *int64             `json:"id"`
	Name   *string            `json:"name"`
	Price  *float64           `json:"price"`
	OK     *bool              `json:"ok"`
	Raw    []byte             `json:"raw"`
	Tags   []*string          `json:"tags"`
	Counts map[string]*int64  `json:"counts"`
	Inner  *v2Inner           `json:"a_longer_key_for_inner"`
	Deep   [][]*float64       `json:"deep"`
	Map    map[string]v2Inner `json:"größe"`
}

type v2Inner struct {
	X *int64   `json:"x"`
	Y *string  `json:"y"`
	Z []*int64 `json:"z"`
}

var diffSchema = func() value.Schema {
	null := func(k value.Kind) value.Type { return value.Of(k).Null() }
	inner := value.Type{Kind: value.Record, Fields: []value.Field{
		{Name: "x", Type: null(value.Int)}, {Name: "y", Type: null(value.String)}, {Name: "z", Type: value.ListOf(null(value.Int)).Null()},
	}}
	mapOf := func(elem value.Type) value.Type {
		key := value.Of(value.String)
		return value.Type{Kind: value.Map, Nullable: true, Key: &key, Elem: &elem}
	}
	return value.Schema{Fields: []value.Field{
		{Name: "id", Type: null(value.Int)}, {Name: "name", Type: null(value.String)}, {Name: "price", Type: null(value.Float)}, {Name: "ok", Type: null(value.Bool)},
		{Name: "raw", Type: null(value.Bytes)}, {Name: "tags", Type: value.ListOf(null(value.String)).Null()}, {Name: "counts", Type: mapOf(null(value.Int))},
		{Name: "a_longer_key_for_inner", Type: inner.Null()}, {Name: "deep", Type: value.ListOf(value.ListOf(null(value.Float)).Null()).Null()},
		{Name: "größe", Type: mapOf(inner.Null())},
	}}
}()

func plainOf[T any](p *T) any {
	if p == nil {
		return nil
	}
	if f, ok := any(*p).(float64); ok {
		return f + 0 // no minus zero
	}
	return *p
}

func plainList[T any](s []T, plain func(T) any) any {
	if s == nil {
		return nil
	}
	l := list{}
	for _, x := range s {
		l = append(l, plain(x))
	}
	return l
}

// plainMap is the map's entries as sorted texts: v2 forgets their order.
func plainMap[T any](m map[string]T, plain func(T) any) any {
	if m == nil {
		return nil
	}
	all := map[string]any{}
	for k, x := range m {
		all[k] = plain(x)
	}
	return all
}

func (r *v2Inner) plain() any {
	if r == nil {
		return nil
	}
	return record{plainOf(r.X), plainOf(r.Y), plainList(r.Z, plainOf[int64])}
}

func (r *v2Row) plain() record {
	var raw any
	if r.Raw != nil {
		raw = string(r.Raw)
	}
	return record{plainOf(r.ID), plainOf(r.Name), plainOf(r.Price), plainOf(r.OK), raw, plainList(r.Tags, plainOf[string]), plainMap(r.Counts, plainOf[int64]),
		r.Inner.plain(), plainList(r.Deep, func(l []*float64) any { return plainList(l, plainOf[float64]) }),
		plainMap(r.Map, func(x v2Inner) any { return x.plain() })}
}

// sorted replaces the maps of a decoded row by Go maps, and null records in maps by empty ones: v2Inner is no pointer there.
func sorted(r record) record {
	for i, f := range diffSchema.Fields {
		l, ok := r[i].(list)
		if f.Type.Kind != value.Map || !ok {
			continue
		}
		m := map[string]any{}
		for k := 0; k < len(l); k += 2 {
			if l[k+1] == nil && f.Type.Elem.Kind == value.Record {
				l[k+1] = record{nil, nil, nil}
			}
			m[l[k].(string)] = l[k+1]
		}
		r[i] = m
	}
	return r
}

type reporter interface {
	Fatalf(string, ...any)
}

// compareLine reads one line in both ways.
func compareLine(t reporter, d Decoder, line []byte) {
	if trimmed := bytes.Trim(line, " \t\r"); len(trimmed) == 0 || string(trimmed) == "null" {
		return // blank lines are no rows; v2 takes null for an empty struct
	}
	var want, doubled v2Row
	err := jsonv2.Unmarshal(line, &want)
	errDoubled := jsonv2.Unmarshal(line, &doubled, jsontext.AllowDuplicateNames(true))
	got, decodeErr := tryDecode(d, diffSchema, append([]byte{10}, line...)) // behind the head of the file, where a mark is no more stepped over
	if decodeErr != nil || len(got.rows)+len(got.bad) != 1 {
		t.Fatalf("%q: %v, %s", line, decodeErr, got)
	}
	if (errDoubled == nil) != (len(got.rows) == 1) {
		t.Fatalf("%q\nv2: %v\nhere: %s", line, errDoubled, got)
	}
	if err != nil {
		return // refused by both, or keys are doubled, where v2 merges and the last wins here
	}
	if a, b := fmt.Sprintf("%#v", want.plain()), fmt.Sprintf("%#v", sorted(got.rows[0])); a != b {
		t.Fatalf("%q\nv2:   %s\nhere: %s", line, a, b)
	}
}

func diffDecoder(t testing.TB) Decoder {
	t.Helper()
	s := find(t, "json")
	d, err := s.Decoder(DecodeOptions{Settings: settingsOf(s, nil), Schema: diffSchema})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var diffSeeds = []string{
	`{"id":1,"name":"a","price":1.5,"ok":true,"raw":"aGk=","tags":["a",null,"c"],"counts":{"a":1,"b":null},"a_longer_key_for_inner":{"x":1,"y":"z","z":[1,2]},"deep":[[1],[],[2,3e1]],"größe":{"k":{"x":7}}}`,
	`{ "id" : -0 , "name" : "\u00e9\ud83d\ude00\n\/" , "price" : -0.0e+10 , "extra" : [ { "a" : [ true , false , null ] } ] }`,
	`{"id":9223372036854775807,"price":1e999}`, `{"id":9223372036854775808}`, `{"id":-9223372036854775808}`, `{"id":1.0}`, `{"id":1e2}`, `{"id":01}`, `{"id":-}`,
	`{"id":123456789012345678}`, `{"id":1234567890123456789}`, `{"id":12345678}`, `{"id":123456789}`, `{"id":00}`, `{"id":-01}`,
	`{"name":"` + "\xff" + `"}`, `{"name":"\ud800"}`, `{"name":"\ud800\u0041"}`, `{"name":"\udc00\ud800"}`, `{"name":"\x"}`, `{"name":"\u12"}`, "{\"name\":\"a\tb\"}",
	`{"id":1,"id":2}`, `{"extra":{"a":1,"a":2}}`, `{"\u0069d":5}`, `{"id":1}x`, `{"id":1,}`, `{,"id":1}`, `{"id" 1}`, `{"id":}`, `{"id":1`, `[]`, `nul`, `{}`, ` {} `, "{}\r",
	`{"raw":"aGk"}`, `{"raw":"aGk=\n"}`, `{"raw":"a\/\/="}`, `{"raw":"aG k="}`, `{"raw":[1]}`, `{"tags":[1]}`, `{"tags":["a",]}`, `{"tags":{}}`, `{"counts":[]}`, `{"deep":[[[]]]}`,
	`{"ok":tru}`, `{"ok":"true"}`, `{"ok":truex}`, `{"price":"1"}`, `{"price":.5}`, `{"price":1.}`, `{"price":+1}`, `{"price":0x10}`, `{"price":1e}`, `{"price":NaN}`,
	`{"extra":` + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + `}`, `{"extra":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + `}`,
	`{"extra":` + strings.Repeat(`{"a":`, 9999) + "1" + strings.Repeat("}", 9999) + `}`, `{"extra":` + strings.Repeat(`{"a":`, 10000) + "1" + strings.Repeat("}", 10000) + `}`,
	`{"extra":{"a":[true,false,null,-1.5e+3,"x\n"],"b":{},"c":[]},"more":[[],{}],"id":5}`, `{"extra":{"a" 1}}`, `{"extra":[1 2]}`, `{"extra":{1:2}}`, `{"extra":"\x"}`,
	`{"extra":{"a":1 "b":2}}`, `{"extra":[1,]}`, `{"extra":{"a":1,}}`, `{"extra":-}`, `{"extra":1.e}`, `{"extra":`, `{"extra":[}`, `{"extra":{]}`, `{"extra":{"a"`, `{"extra"`,
	`{,1}`, `{"id":1,,1}`, `{,}`, `{}}`, `{{}`, `,"id":1}`,
	`{"counts":{"a":1,"\u0061":2}}`, `{"name":"größer €uro 😀 und noch etwas mehr"}`, `{"größe":{"k":null}}`, "\ufeff{}",
}

func TestJSONLikeV2(t *testing.T) {
	d := diffDecoder(t)
	for _, s := range diffSeeds {
		compareLine(t, d, []byte(s))
	}
	schema := diffSchema
	s := find(t, "json")
	rapid.Check(t, func(t *rapid.T) {
		data, _ := encodeAll(t, s, EncodeOptions{Schema: schema}, []record{genRow(t, schema)})
		line := data[:len(data)-1]
		compareLine(t, d, line)
		for range rapid.IntRange(0, 3).Draw(t, "spoilt") {
			line = bytes.ReplaceAll(spoil(t, line), newline, nil)
			compareLine(t, d, line)
		}
	})
}

func FuzzJSONLikeV2(f *testing.F) {
	for _, s := range diffSeeds {
		if len(s) < 1000 {
			f.Add([]byte(s))
		}
	}
	d := diffDecoder(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, line := range bytes.Split(data, newline) {
			compareLine(t, d, line)
		}
	})
}

// TestJSONWritesLikeV2: the same bytes as v2, whose only own way is -0.
func TestJSONWritesLikeV2(t *testing.T) {
	s := find(t, "json")
	rapid.Check(t, func(t *rapid.T) {
		row := genRow(t, diffSchema)
		for i, f := range diffSchema.Fields {
			if f.Type.Kind == value.Map { // v2 orders keys as it likes
				row[i] = nil
			}
		}
		data, _ := encodeAll(t, s, EncodeOptions{Schema: diffSchema}, []record{row})
		var r v2Row
		if err := jsonv2.Unmarshal(data, &r); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		want, err := jsonv2.Marshal(&r, jsonv2.FormatNilMapAsNull(true), jsonv2.FormatNilSliceAsNull(true))
		if err != nil || string(want)+"\n" != string(data) {
			t.Fatalf("v2:   %s\nhere: %s%v", want, data, err)
		}
	})
}
