package format

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"

	"pipec/connector/format/swar"
	"pipec/vm/value"
)

// csvEncoder writes one record a line, quoted only where reading needs it. A null is the text of the setting `null`.
//
// With kinds of changes the first column is `_op`; a row that does not carry its kind leaves it empty.
type csvEncoder struct {
	o EncodeOptions
	csvSigns
	special [256]bool // bytes that make a field need quotes
	odd     bool      // some of them occur in numbers, times or base64
	empty   []byte    // what an empty field is written as
	head    []byte
	nullAs  []byte
	text    []byte
}

func newCSVEncoder(o EncodeOptions) (Encoder, error) {
	if what := checkCSV(o.Settings, o.Schema); what != "" {
		return nil, fmt.Errorf("format csv: %s", what)
	}
	ops := o.Ops || o.OnlyGone
	if ops && o.Schema.Index(opName) >= 0 {
		return nil, fmt.Errorf("format csv: column %q collides with the column that holds the kind of a change", opName)
	}
	e := &csvEncoder{o: o, csvSigns: csvSettings(o.Settings)}
	for _, c := range []byte{e.separator, e.quote, '\n', '\r'} {
		e.special[c] = true
	}
	e.odd = e.special['.'] || e.special['+'] || e.special[':'] || e.special['/'] || e.special['=']
	if len(o.Schema.Fields) == 1 && !ops {
		e.empty = []byte{e.quote, e.quote} // a blank line is a record to few readers
	}
	e.nullAs = e.appendText(nil, e.null)
	if !e.header {
		return e, nil
	}
	if ops {
		e.head = append(append(e.head, opName...), e.separator)
	}
	for i, name := range o.Schema.Names() {
		if i > 0 {
			e.head = append(e.head, e.separator)
		}
		e.head = e.appendText(e.head, []byte(name))
	}
	e.head = append(e.head, '\n')
	return e, nil
}

func (e *csvEncoder) Header() []byte { return e.head }

func (e *csvEncoder) Append(dst []byte, b *value.Batch, rows []int32, ends *[]int) ([]byte, error) {
	fields := e.o.Schema.Fields
	for _, row := range rows {
		start := len(dst)
		if e.o.Ops || e.o.OnlyGone {
			if k := b.Kind(row); e.o.kindShown(k) {
				dst = append(dst, k.String()...)
			}
			dst = append(dst, e.separator)
		}
		var err error
		for i := range fields {
			if i > 0 {
				dst = append(dst, e.separator)
			}
			if dst, err = e.append(dst, &fields[i], b.Cols[i], int(row)); err != nil {
				return dst[:start], err
			}
		}
		dst = append(dst, '\n')
		if ends != nil {
			*ends = append(*ends, len(dst))
		}
	}
	return dst, nil
}

func (e *csvEncoder) append(dst []byte, f *value.Field, v *value.Vec, i int) ([]byte, error) {
	if v.IsNull(i) {
		return append(dst, e.nullAs...), nil
	}
	from := len(dst)
	switch f.Type.Kind {
	case value.String:
		return e.appendText(dst, v.Text(i)), nil
	case value.Int, value.Duration:
		dst = swar.AppendInt(dst, v.I64[i])
	case value.Timestamp:
		dst = value.AppendTime(dst, v.I64[i])
	case value.Float:
		if n := v.F64[i]; math.IsNaN(n) || math.IsInf(n, 0) {
			return dst, fmt.Errorf("column %q is %v, which no CSV file should hold", f.Name, n)
		}
		dst = value.AppendFloat(dst, v.F64[i])
	case value.Bool:
		dst = value.AppendBool(dst, v.Bool[i])
	case value.Decimal:
		dst = value.AppendDecimal(dst, v.Dec(i), int(f.Type.Scale))
	case value.Bytes:
		dst = base64.StdEncoding.AppendEncode(dst, v.Text(i))
	}
	if len(dst) > from && !e.odd {
		return dst, nil
	}
	e.text = append(e.text[:0], dst[from:]...)
	return e.appendText(dst[:from], e.text), nil
}

// appendText writes text, in quotes if it needs them.
func (e *csvEncoder) appendText(dst, text []byte) []byte {
	if len(text) == 0 {
		return append(dst, e.empty...)
	}
	plain := !bytes.HasPrefix(text, []byte(mark)) // at the head of a file it would be taken for its mark
	for _, c := range text {
		if e.special[c] {
			plain = false
			break
		}
	}
	if plain {
		return append(dst, text...)
	}
	dst = append(dst, e.quote)
	for {
		n := bytes.IndexByte(text, e.quote)
		if n < 0 {
			dst = append(dst, text...)
			return append(dst, e.quote)
		}
		dst = append(dst, text[:n+1]...)
		dst = append(dst, e.quote)
		text = text[n+1:]
	}
}
