package format

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

var textSpec = Spec{
	Name:     "text",
	Doc:      "One line, one column of type string. Line ends are LF or CRLF, written LF. A text with line ends inside is written as it is, and so becomes several lines.",
	Suffix:   "txt",
	Check:    checkText,
	Decoder:  newTextDecoder,
	Encoder:  newTextEncoder,
	Examples: []string{"format text"},
}

func checkText(_ plan.Settings, schema value.Schema) string {
	if len(schema.Fields) != 1 || schema.Fields[0].Type.Kind != value.String {
		return fmt.Sprintf("a line of text is one column of type string, not %s; select one, or use format json", schema)
	}
	if f := schema.Fields[0]; f.Type.Nullable {
		return fmt.Sprintf("column %q is %s, and a line of text cannot be null; give it a value with `??`", f.Name, f.Type)
	}
	return ""
}

type textDecoder struct{ columns []*column }

func newTextDecoder(o DecodeOptions) (Decoder, error) {
	if what := checkText(o.Settings, o.Schema); what != "" {
		return nil, fmt.Errorf("format text: %s", what)
	}
	return &textDecoder{newColumns(&o)}, nil
}

func (d *textDecoder) Header(head []byte, last bool) (int, error) { return skipMark(head, last) }

func (d *textDecoder) Decode(data []byte, last bool, b *value.Batch, limit int, bad *[]Bad) (n int, err error) {
	if len(data) > maxData {
		return 0, errData
	}
	limit = min(max(limit, 0), value.MaxRows)
	begin(d.columns, b, data, limit)
	c := d.columns[0]
	row, failed := 0, 0
	for n < len(data) && row+failed < limit {
		end, next := len(data), len(data)
		if k := bytes.IndexByte(data[n:], '\n'); k >= 0 {
			end, next = n+k, n+k+1
		} else if !last {
			break
		}
		line := withoutReturn(data[n:end])
		err := errText
		if utf8.Valid(line) {
			err = c.setString(row, line, n)
		}
		if err == nil {
			row++
		} else {
			code, text := c.fault(err, quoted(line))
			*bad = append(*bad, Bad{Raw: line, Code: code, Text: text, Offset: n})
			failed++
		}
		n = next
	}
	finish(d.columns, b, row)
	return n, nil
}

type textEncoder struct{}

func newTextEncoder(o EncodeOptions) (Encoder, error) {
	if what := checkText(o.Settings, o.Schema); what != "" {
		return nil, fmt.Errorf("format text: %s", what)
	}
	if o.Ops || o.OnlyGone {
		return nil, fmt.Errorf("format text: a line has no place for `%s`, the kind of a change; use format json", opName)
	}
	return textEncoder{}, nil
}

func (textEncoder) Header() []byte { return nil }

func (textEncoder) Append(dst []byte, b *value.Batch, rows []int32, ends *[]int) ([]byte, error) {
	v := b.Cols[0]
	for _, row := range rows {
		dst = append(dst, v.Text(int(row))...)
		dst = append(dst, '\n')
		if ends != nil {
			*ends = append(*ends, len(dst))
		}
	}
	return dst, nil
}
