package format

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"pipec/connector/format/swar"
	"pipec/vm/value"
)

// fieldStatus is how a field ended.
type fieldStatus uint8

const (
	fieldPlain   fieldStatus = iota // without quotes; the text lies in the data
	fieldQuoted                     // in quotes, none doubled: so does the text
	fieldDoubled                    // in quotes with doubled ones: the text is the decoder's
	fieldPartial                    // the data ends before it does
	fieldBad                        // wrong quotes
)

func (d *csvDecoder) Decode(data []byte, last bool, b *value.Batch, limit int, bad *[]Bad) (n int, err error) {
	if len(data) > maxData {
		return 0, errData
	}
	if d.fields == nil {
		return d.noHeader(data, last, b)
	}
	limit = min(max(limit, 0), value.MaxRows)
	d.data, d.last = data, last
	begin(d.columns, b, data, limit)
	row, failed := 0, 0
	for n < len(data) && row+failed < limit {
		d.code = ""
		end := d.record(n, row)
		if end == partial {
			break
		}
		switch {
		case d.code != "":
			*bad = append(*bad, Bad{Raw: withoutReturn(bytes.TrimSuffix(data[n:end], newline)), Code: d.code, Text: d.wrong, Offset: n})
			failed++
		case end > 0:
			row++
		default: // a blank line
			end = nextLine(data, n)
		}
		n = end
	}
	finish(d.columns, b, row)
	d.data = nil
	return n, nil
}

// noHeader is Decode after a header that was missing: of a file without lines.
func (d *csvDecoder) noHeader(data []byte, last bool, b *value.Batch) (int, error) {
	begin(d.columns, b, data, 0)
	if len(bytes.TrimLeft(data, "\r\n")) > 0 {
		return 0, fmt.Errorf("rows of a CSV file whose header was not read")
	}
	if last {
		return len(data), nil
	}
	return bytes.LastIndexByte(data, '\n') + 1, nil
}

const partial = -1

// record reads the record at i into the row and gives where the next one begins: 0 for a blank line, partial if the data ends first. What is wrong
// with the record is in d.code.
func (d *csvDecoder) record(i, row int) int {
	data := d.data
	d.start = i
	if len(d.fields) > 1 {
		if data[i] == '\n' || has(data, i, "\r\n") || d.last && len(data) == i+1 && data[i] == '\r' {
			return 0
		}
	}
	for k := 0; k < len(d.fields); k++ {
		if k > 0 {
			i++ // the separator
		}
		f, end := &d.fields[k], 0
		switch f.fast {
		case fastInt:
			var n int64
			if n, end = swar.Int(data, i); end > 0 && end < len(data) && (data[end] == d.separator || data[end] == '\n') && !(d.numbers && d.isNull(data[i:end])) {
				f.column.setInt(row, n)
			} else {
				end = d.column(f.column, i, row)
			}
		case fastText:
			if end = d.shortText(f.column, i, row); end == 0 {
				end = d.column(f.column, i, row)
			}
		case fastTime:
			if end = d.sameTime(f.column, i, row); end == 0 {
				end = d.column(f.column, i, row)
			}
		default:
			if f.run > 1 {
				if end = swar.PassFields(data, i, f.run, d.sep, d.quot); end > 0 {
					k += f.run - 1
					i = end
					continue
				}
			}
			end = d.column(f.column, i, row)
		}
		if i = end; i < 0 {
			return d.broken(i)
		}
		if i >= len(data) || data[i] == '\n' {
			if k < len(d.fields)-1 {
				d.count(k + 1)
			}
			return min(i+1, len(data))
		}
	}
	return d.tooMany(i)
}

// The ways a field may end a record before its time, beside partial.
const wrongQuotes = -2

// broken ends a record whose fields cannot be told apart.
func (d *csvDecoder) broken(how int) int {
	if how == partial {
		return partial
	}
	n := bytes.IndexByte(d.data[d.start:], '\n')
	if n < 0 && !d.last {
		return partial
	}
	if n < 0 {
		return len(d.data)
	}
	return d.start + n + 1
}

// tooMany counts the fields of a record that has more than it should; i is the separator before the first of them.
func (d *csvDecoder) tooMany(i int) int {
	n := len(d.fields)
	for i < len(d.data) && d.data[i] != '\n' {
		if i = d.column(nil, i+1, 0); i < 0 {
			return d.broken(i)
		}
		n++
	}
	d.count(n)
	return min(i+1, len(d.data))
}

func (d *csvDecoder) count(n int) {
	d.code = codeUnreadable
	where := "the schema has"
	if d.header {
		where = "the header has"
	}
	d.wrong = fmt.Sprintf("the line has %d columns, %s %d", n, where, len(d.fields))
}

// shortText reads a field of ASCII text without quotes in front of a separator or line feed. It gives 0 for everything else, for nulls and at the end of the
// data: that goes the long way.
func (d *csvDecoder) shortText(c *column, i, row int) (end int) {
	data := d.data
	end = swar.FieldEnd(data, i, d.sep, d.quot)
	if end >= len(data) || data[end] != d.separator && (data[end] != '\n' || end > i && data[end-1] == '\r') || end-i == len(d.null) && d.isNull(data[i:end]) {
		return 0
	}
	c.setView(row, data, i, end)
	return end
}

// sameTime reads a field that is the time of the row before once more: rows of one hour, or of one event, often follow each other.
func (d *csvDecoder) sameTime(c *column, i, row int) (end int) {
	last := &c.time
	end = i + last.n
	if last.n == 0 || end >= len(d.data) || d.data[end] != d.separator && d.data[end] != '\n' || string(d.data[i:end]) != string(last.text[:last.n]) {
		return 0
	}
	c.setInt(row, last.micros)
	return end
}

// column reads the field at i into the row of the column, nil for none, and gives where its separator or line feed is (len(data) for the end).
func (d *csvDecoder) column(c *column, i, row int) int {
	data := d.data
	text, end, status := d.field(i)
	off := i
	switch status {
	case fieldPartial:
		return partial
	case fieldBad:
		return wrongQuotes
	case fieldPlain:
		if len(text) > 0 && text[len(text)-1] == '\r' && (end >= len(data) || data[end] == '\n') {
			text = text[:len(text)-1]
		}
	case fieldQuoted:
		off = i + 1
	case fieldDoubled:
		off = -1
	}
	for ; c != nil; c = c.also {
		if err := d.set(c, row, text, off); err != nil && d.code == "" {
			d.code, d.wrong = c.fault(err, quoted(text))
		}
	}
	return end
}

func (d *csvDecoder) isNull(text []byte) bool { return string(text) == string(d.null) }

// set puts a field into the row.
func (d *csvDecoder) set(c *column, row int, text []byte, off int) error {
	if !d.isNull(text) {
		return c.setText(row, text, off)
	}
	if err := c.setNull(row); err == nil || c.kind != value.String || len(text) > 0 {
		return err
	}
	return c.setText(row, text, off)
}

// field finds the field at i, and where its separator or line feed is. A carriage return before the line feed is still part of a plain field.
func (d *csvDecoder) field(i int) (text []byte, end int, status fieldStatus) {
	data := d.data
	if i < len(data) && data[i] == d.quote {
		return d.quoted(i + 1)
	}
	end = swar.FieldEnd(data, i, d.sep, d.quot)
	for end < len(data) && data[end] >= 0x80 {
		end = swar.FieldEnd(data, pastBeyond(data, end), d.sep, d.quot)
	}
	if end >= len(data) {
		if !d.last {
			return nil, 0, fieldPartial
		}
		return data[i:], len(data), fieldPlain
	}
	if data[end] == d.quote {
		d.bad(end, "a quote inside of a field that does not begin with one", d.before(end))
		return nil, 0, fieldBad
	}
	return data[i:end], end, fieldPlain
}

// pastBeyond steps over characters beyond ASCII, good or not: whether they are UTF-8 matters only to columns that hold text.
func pastBeyond(data []byte, i int) int {
	for i < len(data) && data[i] >= utf8.RuneSelf {
		i++
	}
	return i
}

// quoted is field behind an opening quote.
func (d *csvDecoder) quoted(i int) (text []byte, end int, status fieldStatus) {
	data, from, status := d.data, i, fieldQuoted
	for {
		reach := min(len(data), d.start+maxQuoted)
		n := bytes.IndexByte(data[min(i, reach):reach], d.quote)
		switch {
		case n >= 0:
			i += n
		case reach < len(data) || d.last:
			d.bad(from-1, fmt.Sprintf("a quote that is not closed within %d bytes or up to the end", maxQuoted), data[from-1:min(from+shownBytes, reach)])
			return nil, 0, fieldBad
		default:
			return nil, 0, fieldPartial
		}
		// The quote ends the field if its end follows.
		end = i + 1
		if end < len(data) && data[end] == d.quote {
			if status == fieldQuoted {
				d.text = d.text[:0]
			}
			d.text = append(d.text, data[from:end]...)
			i, status = end+1, fieldDoubled
			from = i
			continue
		}
		break
	}
	text = data[from:i]
	if status == fieldDoubled {
		d.text = append(d.text, text...)
		text = d.text
	}
	if end < len(data) && data[end] == '\r' {
		end++
		if end < len(data) && data[end] == '\n' || end >= len(data) && d.last {
			return text, end, status
		}
		end--
	}
	switch {
	case end < len(data) && (data[end] == d.separator || data[end] == '\n'), end >= len(data) && d.last:
		return text, end, status
	case end >= len(data)-1 && !d.last:
		return nil, 0, fieldPartial
	}
	d.bad(end, "text behind a closing quote", d.before(end))
	return nil, 0, fieldBad
}

// bad says what is wrong with the quotes of the record at i; the excerpt is what can be seen of it whatever follows.
func (d *csvDecoder) bad(i int, what string, excerpt []byte) {
	d.code = codeUnreadable
	d.wrong = fmt.Sprintf("malformed CSV at byte %d: %s: %s", i-d.start+1, what, clip(excerpt))
}

// before is what leads to the byte at i.
func (d *csvDecoder) before(i int) []byte {
	return d.data[max(d.start, i-shownBytes/2) : i+1]
}
