package format

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"pipec/connector/format/swar"
	"pipec/vm/value"
)

// jsonEncoder writes one object a line: columns in the order of the schema, no blanks, nulls written. Where a row carries its kind, `_op` is its first key.
type jsonEncoder struct {
	o      EncodeOptions
	fields []jsonField
	names  []string
	ops    [4]string // by kind: the `_op` key and value
}

// jsonField is one key with all that is the same for every row.
type jsonField struct {
	prefix       string // `,"key":`, without the comma for the first
	word0, word1 uint64 // its first 16 bytes
	label        string
	typ          value.Type
	kids         []jsonField // fields of a record, element of a list, key and value of a map
}

func newJSONEncoder(o EncodeOptions) (Encoder, error) {
	if what := checkJSON(o.Schema); what != "" {
		return nil, fmt.Errorf("format json: %s", what)
	}
	if (o.Ops || o.OnlyGone) && o.Schema.Index(opName) >= 0 {
		return nil, fmt.Errorf("format json: column %q collides with the key that holds the kind of a change", opName)
	}
	e := &jsonEncoder{o: o, fields: jsonFields(o.Schema.Fields), names: o.Schema.Names()}
	for k := range e.ops {
		e.ops[k] = `"` + opName + `":"` + value.RowKind(k).String() + `"`
		if len(e.fields) > 0 {
			e.ops[k] += ","
		}
	}
	return e, nil
}

func jsonFields(fields []value.Field) []jsonField {
	made := make([]jsonField, len(fields))
	for i, f := range fields {
		made[i] = newJSONField(fmt.Sprintf("column %q", f.Name), f.Type)
		made[i].prefix = string(appendQuoted(nil, []byte(f.Name))) + ":"
		if i > 0 {
			made[i].prefix = "," + made[i].prefix
		}
		var head [16]byte
		copy(head[:], made[i].prefix)
		made[i].word0, made[i].word1 = swar.Load(head[:], 0), swar.Load(head[:], 8)
	}
	return made
}

func newJSONField(label string, t value.Type) jsonField {
	f := jsonField{label: label, typ: t}
	switch t.Kind {
	case value.Record:
		f.kids = jsonFields(t.Fields)
	case value.List:
		f.kids = []jsonField{newJSONField("an element of "+label, *t.Elem)}
	case value.Map:
		f.kids = []jsonField{newJSONField("a key of "+label, *t.Key), newJSONField("a value of "+label, *t.Elem)}
	}
	return f
}

func (e *jsonEncoder) Header() []byte { return nil }

func (e *jsonEncoder) Append(dst []byte, b *value.Batch, rows []int32, ends *[]int) (_ []byte, err error) {
	lines := b.Lines
	if e.o.Ops || !lines.Of(b, e.names) {
		lines = nil
	}
	for _, row := range rows {
		if lines != nil && lines.At[row].To > 0 {
			at := lines.At[row]
			dst = append(dst, lines.Data[at.From:at.To]...)
		} else if dst, err = e.appendRow(dst, b, row); err != nil {
			return dst, err
		}
		if ends != nil {
			*ends = append(*ends, len(dst))
		}
	}
	return dst, nil
}

// appendRow writes one row. With an error nothing of it is appended.
func (e *jsonEncoder) appendRow(dst []byte, b *value.Batch, row int32) (_ []byte, err error) {
	start := len(dst)
	dst = append(dst, '{')
	if k := b.Kind(row); e.o.kindShown(k) {
		dst = append(dst, e.ops[k]...)
	}
	for i := range e.fields {
		f, v := &e.fields[i], b.Cols[i]
		if dst, err = f.appendField(dst, v, int(row)); err != nil {
			return dst[:start], err
		}
	}
	return append(dst, '}', '\n'), nil
}

// appendField writes the key and the value of row i of the vector. Whole numbers and text go the short way: room is made once, then words are stored.
func (f *jsonField) appendField(dst []byte, v *value.Vec, i int) ([]byte, error) {
	n := len(dst)
	if cap(dst)-n < len(f.prefix)+swar.MaxInt+16 {
		dst = slices.Grow(dst, len(f.prefix)+swar.MaxInt+16)
	}
	p := dst[n:cap(dst)]
	swar.Store(p, f.word0)
	swar.Store(p[8:], f.word1)
	size := len(f.prefix)
	if size > 16 {
		copy(p, f.prefix)
	}
	if !v.IsNull(i) {
		switch f.typ.Kind {
		case value.Int:
			size += swar.PutInt(p[size:], v.I64[i])
			return dst[:n+size], nil
		case value.String:
			return appendQuoted(dst[:n+size], v.Text(i)), nil
		}
	}
	return f.append(dst[:n+size], v, i)
}

// append writes the value of row i of the vector.
func (f *jsonField) append(dst []byte, v *value.Vec, i int) ([]byte, error) {
	if v.IsNull(i) {
		return append(dst, "null"...), nil
	}
	switch f.typ.Kind {
	case value.Int, value.Duration:
		return swar.AppendInt(dst, v.I64[i]), nil
	case value.String:
		return appendQuoted(dst, v.Text(i)), nil
	case value.Timestamp:
		dst = value.AppendTime(append(dst, '"'), v.I64[i])
		return append(dst, '"'), nil
	case value.Float:
		if n := v.F64[i]; math.IsNaN(n) || math.IsInf(n, 0) {
			return dst, fmt.Errorf("%s is %v, which JSON cannot hold", f.label, n)
		}
		return value.AppendFloat(dst, v.F64[i]), nil
	case value.Bool:
		return value.AppendBool(dst, v.Bool[i]), nil
	case value.Decimal:
		return value.AppendDecimal(dst, v.Dec(i), int(f.typ.Scale)), nil
	case value.Bytes:
		dst = base64.StdEncoding.AppendEncode(append(dst, '"'), v.Text(i))
		return append(dst, '"'), nil
	}
	return f.appendNested(dst, v, i)
}

func (f *jsonField) appendNested(dst []byte, v *value.Vec, i int) (_ []byte, err error) {
	if f.typ.Kind == value.Record {
		dst = append(dst, '{')
		for k := range f.kids {
			dst = append(dst, f.kids[k].prefix...)
			if dst, err = f.kids[k].append(dst, v.Kids[k], i); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	}
	open, end := byte('['), byte(']')
	if f.typ.Kind == value.Map {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	r := v.Range[i]
	for k := int(r.From); k < int(r.To); k++ {
		if k > int(r.From) {
			dst = append(dst, ',')
		}
		at := k
		if f.typ.Kind == value.Map {
			if dst, err = f.kids[0].appendKey(dst, v.Kids[0], at); err != nil {
				return dst, err
			}
		}
		last := len(f.kids) - 1
		if dst, err = f.kids[last].append(dst, v.Kids[last], at); err != nil {
			return dst, err
		}
	}
	return append(dst, end), nil
}

// appendKey writes the key of a map, which is always a string in JSON, and its colon.
func (f *jsonField) appendKey(dst []byte, v *value.Vec, i int) (_ []byte, err error) {
	switch f.typ.Kind {
	case value.String, value.Timestamp, value.Bytes:
		dst, err = f.append(dst, v, i)
	default:
		dst, err = f.append(append(dst, '"'), v, i)
		dst = append(dst, '"')
	}
	return append(dst, ':'), err
}

// appendQuoted writes text as a JSON string. Only what has to be escaped is; text that is not UTF-8 gets U+FFFD for its bad bytes.
func appendQuoted(dst, text []byte) []byte {
	n := len(dst)
	if cap(dst)-n < len(text)+18 {
		dst = slices.Grow(dst, len(text)+18)
	}
	p := dst[n:cap(dst)]
	p[0] = '"'
	i := swar.CopyString(p[1:], text)
	if i == len(text) {
		p[i+1] = '"'
		return dst[:n+i+2]
	}
	dst = dst[:n+1]
	if !utf8.Valid(text[i:]) {
		text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	from := 0
	for {
		i = swar.StringStopBeyond(text, i)
		dst = append(dst, text[from:min(i, len(text))]...)
		if i >= len(text) {
			return append(dst, '"')
		}
		dst = appendEscape(dst, text[i])
		i++
		from = i
	}
}

func appendEscape(dst []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
}
