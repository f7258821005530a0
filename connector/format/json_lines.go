package format

import (
	"bytes"

	"pipec/vm/value"
)

// A row that goes through a job unchanged need not be written again, if what was read is byte by byte what the encoder would write. That is proved while the
// row is read: the keys of the schema in its order, each as the encoder writes it, no blanks, and each value in its only usual form. What is not proved is
// taken for odd (jsonDecoder.odd), and encoded. Encoding and the bytes give the same, so nobody can tell which it was.

// keepable says whether rows of the schema can be proved to be in usual form at all.
func (d *jsonDecoder) keepable(o *DecodeOptions) bool {
	for i, c := range d.columns {
		if o.physical(i) != o.Schema.Fields[i].Name || c.mask == 0 || d.root.names[o.physical(i)] != keys+i {
			return false
		}
		switch c.kind {
		case value.Int, value.String, value.Bool, value.Timestamp, value.Float:
		default:
			return false
		}
	}
	return d.root.known == len(d.columns)
}

// linesOf prepares the lines of a batch that was begun, in the memory of its last ones.
func (d *jsonDecoder) linesOf(b *value.Batch, l *value.Lines, rows int) *value.Lines {
	if l == nil {
		l = &value.Lines{Names: d.keep}
	}
	l.Data, l.Cols = d.data, append(l.Cols[:0], b.Cols...)
	if cap(l.At) < rows {
		l.At = make([]value.Range, rows)
	}
	l.At = l.At[:rows]
	return l
}

// line is where the record in data[i:end] lies, if it is in usual form.
func (d *jsonDecoder) line(i, end int) value.Range {
	if d.odd != 0 || d.data[i] != '{' || d.data[end-1] != '\n' || d.data[end-2] != '}' {
		return value.Range{}
	}
	return value.Range{From: int32(i), To: int32(end)}
}

// valueOrOdd is value, for values whose form the caller has not proved.
func (d *jsonDecoder) valueOrOdd(c *column, i, row int) int {
	end := d.value(c, i, row)
	if d.keep != nil && end > i && !d.usual(c, d.data[i:end], row) {
		d.odd = 1
	}
	return end
}

// usual says whether text, from which the value of the row was read, is what the encoder makes of the value.
func (d *jsonDecoder) usual(c *column, text []byte, row int) bool {
	switch first := text[0]; {
	case first == 'n':
		return true
	case c.kind == value.Bool:
		return first == 't' || first == 'f'
	case c.kind == value.String:
		return first == '"' && bytes.IndexByte(text, '\\') < 0
	case c.kind == value.Timestamp:
		return first == '"' && value.UsualTime(text[1:len(text)-1])
	case c.kind == value.Float:
		return value.UsualFloat(text, c.vec.F64[row])
	}
	return false // whole numbers have had their chance
}
