package format

import (
	"pipec/connector/format/swar"
	"pipec/vm/value"
)

// value reads the value at i into the row of the column and gives where it ends, or -1. Its first byte decides.
func (d *jsonDecoder) value(c *column, i, row int) int {
	data := d.data
	if i = blanks(data, i); i >= len(data) {
		return d.malformed(i, "a value")
	}
	switch first := data[i]; {
	case first == '"':
		return d.stringValue(c, i, row)
	case first == '-' || first-'0' <= 9:
		return d.numberValue(c, i, row)
	case first == '{' && c.kind == value.Record:
		end := d.object(c.object, i, row)
		if end >= 0 {
			c.hasValue(row)
		}
		return end
	case first == '{' && c.kind == value.Map:
		return d.mapValue(c, i+1, row)
	case first == '[' && c.kind == value.List:
		return d.listValue(c, i+1, row)
	case first == 'n' && has(data, i, "null"):
		if err := c.setNull(row); err != nil {
			return d.refuse(c, err, i, i+4)
		}
		return i + 4
	case c.kind == value.Bool && (has(data, i, "true") || has(data, i, "false")):
		c.vec.Bool[row&c.mask] = first == 't'
		c.hasValue(row)
		if first == 't' {
			return i + 4
		}
		return i + 5
	}
	// A value that can be none of the column, unless it is not even JSON.
	end := d.skip(i)
	if end < 0 {
		return -1
	}
	return d.refuse(c, value.ErrMalformed, i, end)
}

// plainInt says that data[i:end], an optional minus and digits, is a JSON number by itself: nothing follows that belongs to it, no zero leads it.
func plainInt(data []byte, i, end int) bool {
	if end < len(data) {
		if c := data[end]; c == '.' || c|0x20 == 'e' {
			return false
		}
	}
	if data[i] == '-' {
		i++
	}
	return data[i] != '0' || end == i+1
}

func (d *jsonDecoder) stringValue(c *column, i, row int) int {
	data := d.data
	end, plain := d.str(data, i+1)
	if end < 0 {
		return -1
	}
	text, off := data[i+1:end], i+1
	if !plain {
		d.text = unescape(d.text[:0], text)
		text, off = d.text, -1
	}
	err := value.ErrMalformed
	switch c.kind {
	case value.String:
		err = c.setString(row, text, off)
	case value.Bytes:
		err = c.setBytes(row, text)
	case value.Timestamp:
		if c.unit == unitAuto {
			c.vec.I64[row&c.mask], err = c.parseInstant(text)
		}
	}
	if err != nil {
		return d.refuse(c, err, i, end+1)
	}
	c.hasValue(row)
	return end + 1
}

func (d *jsonDecoder) numberValue(c *column, i, row int) int {
	if c.kind == value.Timestamp || c.kind == value.Int {
		if n, end := swar.Int(d.data, i); end > 0 && plainInt(d.data, i, end) {
			if n, err := c.scaled(n); err == nil {
				c.setInt(row, n)
				return end
			}
		}
	}
	end, whole := d.number(i)
	if end < 0 {
		return -1
	}
	text := d.data[i:end]
	at := row & c.mask
	err := value.ErrMalformed
	switch c.kind {
	case value.Int, value.Duration:
		if whole {
			c.vec.I64[at], err = value.ParseInt(text)
		}
	case value.Timestamp:
		var n int64
		if whole {
			n, err = value.ParseInt(text)
		}
		if err == nil {
			c.vec.I64[at], err = c.unit.scale(n)
		}
	case value.Float:
		c.vec.F64[at], err = value.ParseFloat(text)
	case value.Decimal:
		err = c.setDecimal(row, text)
	}
	if err != nil {
		return d.refuse(c, err, i, end)
	}
	c.hasValue(row)
	return end
}

// listValue reads what follows the opening bracket before i.
func (d *jsonDecoder) listValue(c *column, i, row int) int {
	if c.mask == 0 {
		c.rewind(d.data)
	}
	data, elem := d.data, c.kids[0]
	from := elem.n
	d.depth++
	if i = blanks(data, i); i < len(data) && data[i] == ']' {
		return d.listed(c, i+1, row, from)
	}
	for {
		if i = d.value(elem, i, elem.grow()); i < 0 {
			elem.n = from
			return -1
		}
		i = blanks(data, i)
		switch {
		case i < len(data) && data[i] == ',':
			i = blanks(data, i+1)
		case i < len(data) && data[i] == ']':
			return d.listed(c, i+1, row, from)
		default:
			elem.n = from
			return d.malformed(i, `"," or "]"`)
		}
	}
}

// listed ends a list or map whose elements are all there.
func (d *jsonDecoder) listed(c *column, end, row, from int) int {
	d.depth--
	c.vec.Range[row&c.mask] = value.Range{From: int32(from), To: int32(c.kids[0].n)}
	c.hasValue(row)
	return end
}

// mapValue reads what follows the opening brace before i.
func (d *jsonDecoder) mapValue(c *column, i, row int) int {
	if c.mask == 0 {
		c.rewind(d.data)
	}
	data, key, val := d.data, c.kids[0], c.kids[1]
	from := key.n
	d.depth++
	if i = blanks(data, i); i < len(data) && data[i] == '}' {
		return d.listed(c, i+1, row, from)
	}
	seen := seenKeys{vec: key.vec, from: from}
	for {
		if i = d.entry(key, val, i, &seen); i < 0 {
			key.n, val.n = from, from
			return -1
		}
		i = blanks(data, i)
		switch {
		case i < len(data) && data[i] == ',':
			i = blanks(data, i+1)
		case i < len(data) && data[i] == '}':
			return d.listed(c, i+1, row, from)
		default:
			key.n, val.n = from, from
			return d.malformed(i, `"," or "}"`)
		}
	}
}

// entry reads a key and its value. A key that the map has already gives its value to the earlier entry.
func (d *jsonDecoder) entry(key, val *column, i int, seen *seenKeys) int {
	data := d.data
	if i >= len(data) || data[i] != '"' {
		return d.malformed(i, "a key in quotes")
	}
	end, plain := d.str(data, i+1)
	if end < 0 {
		return -1
	}
	text, off := data[i+1:end], i+1
	if !plain {
		d.text = unescape(d.text[:0], text)
		text, off = d.text, -1
	}
	at := key.grow()
	if err := key.setText(at, text, off); err != nil {
		return d.refuse(key, err, i, end+1)
	}
	earlier := seen.find(at)
	if i = blanks(data, end+1); i >= len(data) || data[i] != ':' {
		return d.malformed(i, `":"`)
	}
	if i = d.value(val, blanks(data, i+1), val.grow()); i < 0 || earlier < 0 {
		return i
	}
	move(val.vec, at, earlier)
	key.n, val.n = at, at
	return i
}

// seenKeys finds doubled keys of one map: by looking through them, and from manyKeys on with an index.
type seenKeys struct {
	vec   *value.Vec
	from  int
	index map[string]int
}

const manyKeys = 16

// find gives the entry whose key is that of entry at, the newest, or -1.
func (s *seenKeys) find(at int) int {
	if at-s.from < manyKeys {
		for k := s.from; k < at; k++ {
			if s.equal(k, at) {
				return k
			}
		}
		return -1
	}
	if s.index == nil {
		s.index = make(map[string]int, 4*manyKeys)
		for k := s.from; k < at; k++ {
			s.index[string(s.bytes(k))] = k
		}
	}
	name := s.bytes(at)
	if k, ok := s.index[string(name)]; ok {
		return k
	}
	s.index[string(name)] = at
	return -1
}

func (s *seenKeys) equal(a, b int) bool {
	switch s.vec.Lane {
	case value.LaneView:
		return string(s.vec.Text(a)) == string(s.vec.Text(b))
	case value.LaneF64:
		return s.vec.F64[a] == s.vec.F64[b]
	case value.LaneBool:
		return s.vec.Bool[a] == s.vec.Bool[b]
	}
	return s.vec.Dec(a) == s.vec.Dec(b)
}

// bytes is a form of the key that two keys share exactly if they are equal.
func (s *seenKeys) bytes(k int) []byte {
	switch s.vec.Lane {
	case value.LaneView:
		return s.vec.Text(k)
	case value.LaneF64:
		return value.AppendFloat(nil, s.vec.F64[k])
	case value.LaneBool:
		return value.AppendBool(nil, s.vec.Bool[k])
	}
	return value.AppendDecimal(nil, s.vec.Dec(k), 0)
}
