package format

import (
	"encoding/base64"
	"fmt"
	"unicode/utf8"

	"pipec/connector/format/swar"
	"pipec/vm/value"
)

// column is one column, or one field, element, key or value below it, on its way into a lane.
//
// Columns that nobody wants have a vector of their own with one row: row&mask is then 0. So they are checked exactly like the others.
type column struct {
	label    string // `column "price"`, for messages
	typ      value.Type
	kind     value.Kind
	nullable bool
	unit     unit
	mask     int
	vec      *value.Vec
	rows     int      // rows of vec that need null bits from the start
	n        int      // of a child of a list: elements so far
	block    uint32   // number of the data among vec.Bufs
	spare    []uint64 // memory of the vector's last null bits
	words    map[string]struct{}
	kids     []*column // as the children of the vector
	object   *object   // JSON records: their keys
	also     *column   // another column that is filled from the same place of the input
	time     lastTime
}

// lastTime remembers the text of a time: neighbouring rows often share it.
type lastTime struct {
	text   [24]byte
	n      int
	micros int64
}

// newColumns makes the columns of a decoder.
func newColumns(o *DecodeOptions) []*column {
	columns := make([]*column, len(o.Schema.Fields))
	for i, f := range o.Schema.Fields {
		label := fmt.Sprintf("column %q", f.Name)
		if p := o.physical(i); p != f.Name {
			label += fmt.Sprintf(" (from %q)", p)
		}
		c := newColumn(label, f.Type, unitOf(o.Settings))
		c.mask = -1
		if o.Wanted != nil && !o.Wanted[i] {
			c.mask = 0
			c.setMask(0)
			c.vec = value.NewVec(f.Type)
		}
		columns[i] = c
	}
	return columns
}

func newColumn(label string, t value.Type, u unit) *column {
	c := &column{label: label, typ: t, kind: t.Kind, nullable: t.Nullable, unit: u, mask: -1}
	if len(t.Words) > 0 {
		c.words = make(map[string]struct{}, len(t.Words))
		for _, w := range t.Words {
			c.words[w] = struct{}{}
		}
	}
	switch t.Kind {
	case value.List:
		c.kids = []*column{newColumn("an element of "+label, *t.Elem, u)}
	case value.Map:
		c.kids = []*column{newColumn("a key of "+label, *t.Key, u), newColumn("a value of "+label, *t.Elem, u)}
	case value.Record:
		for _, f := range t.Fields {
			c.kids = append(c.kids, newColumn(fmt.Sprintf("field %q of %s", f.Name, label), f.Type, u))
		}
	}
	return c
}

// setMask passes the mask on to the fields of records, which lie in the same rows. Elements of lists have rows of their own.
func (c *column) setMask(mask int) {
	c.mask = mask
	if c.kind == value.Record {
		for _, k := range c.kids {
			k.setMask(mask)
		}
	}
}

// begin prepares b and the columns for at most rows rows whose text lies in data.
func begin(columns []*column, b *value.Batch, data []byte, rows int) {
	for len(b.Cols) < len(columns) {
		b.Cols = append(b.Cols, nil)
	}
	b.Cols = b.Cols[:len(columns)]
	for i, c := range columns {
		if c.mask == 0 {
			b.Cols[i] = nil
			continue
		}
		if b.Cols[i] == nil {
			b.Cols[i] = value.NewVec(c.typ)
		}
		c.keepSpare(b.Cols[i])
	}
	b.Reset(rows)
	for i, c := range columns {
		if c.mask == 0 {
			c.rewind(data)
			continue
		}
		c.attach(b.Cols[i], data, rows)
	}
}

// rewind empties a vector of the column's own: the only row of an unwanted column.
func (c *column) rewind(data []byte) {
	c.keepSpare(c.vec)
	c.vec.Resize(1)
	c.attach(c.vec, data, 1)
}

// keepSpare takes the memory of null bits out of a vector before it is reset. It stays with that vector: the next batch may still be read by
// others while this one is filled.
func (c *column) keepSpare(v *value.Vec) {
	c.spare = v.Valid[:0]
	for i, k := range c.kids {
		k.keepSpare(v.Kids[i])
	}
}

func (c *column) attach(v *value.Vec, data []byte, rows int) {
	c.vec, c.rows, c.n = v, rows, 0
	if v.Lane == value.LaneView {
		c.block = v.AddBuf(data)
	}
	if v.Lane == value.LaneList {
		rows = 0
	}
	for i, k := range c.kids {
		k.attach(v.Kids[i], data, rows)
	}
}

// finish cuts b down to the rows that were read.
func finish(columns []*column, b *value.Batch, rows int) {
	b.Len = rows
	for i, c := range columns {
		if c.mask != 0 {
			trim(b.Cols[i], rows)
		}
	}
}

func trim(v *value.Vec, rows int) {
	v.Extend(rows)
	if v.Valid != nil {
		v.Valid = v.Valid[:(rows+63)/64]
	}
	if v.Lane == value.LaneRecord {
		for _, k := range v.Kids {
			trim(k, rows)
		}
	}
}

// grow makes room for one more element of a list's child and gives its number.
func (c *column) grow() (row int) {
	row = c.n
	c.n++
	c.vec.Extend(c.n)
	return row
}

// hasValue undoes an earlier null of the row, which a record that failed or a doubled key has left behind.
func (c *column) hasValue(row int) {
	if c.vec.Valid != nil {
		c.vec.SetValid(row & c.mask)
	}
}

// setInt makes n the value of the row.
func (c *column) setInt(row int, n int64) {
	c.vec.I64[row&c.mask] = n
	c.hasValue(row)
}

// setView makes data[from:to], where data is the block of the batch, the text of the row.
func (c *column) setView(row int, data []byte, from, to int) {
	v := &c.vec.View[row&c.mask]
	if from+16 <= len(data) {
		v.Put(swar.Load(data, from), uint32(swar.Load(data, from+8)), to-from, c.block, uint32(from))
	} else {
		*v = value.MakeView(data[from:to], c.block, uint32(from))
	}
	c.hasValue(row)
}

// setNull makes the row null, if the column can be. What lies in the lane is a zero, so that equal input gives equal memory.
func (c *column) setNull(row int) error {
	if !c.nullable {
		return errNull
	}
	row &= c.mask
	v := c.vec
	if v.Valid == nil {
		v.Valid = c.spare
	}
	v.SetNull(row, max(c.rows, row+1))
	zero(v, row)
	return nil
}

func zero(v *value.Vec, row int) {
	switch v.Lane {
	case value.LaneI64:
		v.I64[row] = 0
	case value.LaneWide:
		v.I64[row], v.Hi[row] = 0, 0
	case value.LaneF64:
		v.F64[row] = 0
	case value.LaneBool:
		v.Bool[row] = false
	case value.LaneView:
		v.View[row] = value.View{}
	case value.LaneList:
		v.Range[row] = value.Range{}
	case value.LaneRecord:
		for _, k := range v.Kids {
			zero(k, row)
		}
	}
}

// move copies entry from of a vector over entry to.
func move(v *value.Vec, from, to int) {
	switch v.Lane {
	case value.LaneI64:
		v.I64[to] = v.I64[from]
	case value.LaneWide:
		v.I64[to], v.Hi[to] = v.I64[from], v.Hi[from]
	case value.LaneF64:
		v.F64[to] = v.F64[from]
	case value.LaneBool:
		v.Bool[to] = v.Bool[from]
	case value.LaneView:
		v.View[to] = v.View[from]
	case value.LaneList:
		v.Range[to] = v.Range[from]
	case value.LaneRecord:
		for _, k := range v.Kids {
			move(k, from, to)
		}
	}
	if v.IsNull(from) {
		v.SetNull(to, to+1)
	} else {
		v.SetValid(to)
	}
}

// setText puts the value that text stands for into the row: a CSV field, or the key of a JSON map. With off at least 0 text lies there in the data and is
// referred to, else it is copied.
func (c *column) setText(row int, text []byte, off int) (err error) {
	row &= c.mask
	v := c.vec
	switch c.kind {
	case value.Int, value.Duration:
		v.I64[row], err = value.ParseInt(text)
	case value.Float:
		v.F64[row], err = value.ParseFloat(text)
	case value.Bool:
		v.Bool[row], err = parseBool(text)
	case value.Timestamp:
		v.I64[row], err = c.parseTime(text)
	case value.Decimal:
		err = c.setDecimal(row, text)
	case value.String:
		if !utf8.Valid(text) {
			return errText
		}
		err = c.setString(row, text, off)
	case value.Bytes:
		err = c.setBytes(row, text)
	}
	if err == nil {
		c.hasValue(row)
	}
	return err
}

// setString is for text that is known to be UTF-8.
func (c *column) setString(row int, text []byte, off int) error {
	row &= c.mask
	if c.words != nil {
		if _, ok := c.words[string(text)]; !ok {
			return errWord
		}
	}
	if off >= 0 {
		c.vec.View[row] = value.MakeView(text, c.block, uint32(off))
	} else {
		c.vec.SetText(row, text)
	}
	return nil
}

func (c *column) setDecimal(row int, text []byte) error {
	d, err := value.ParseDecimal(text, int(c.typ.Precision), int(c.typ.Scale))
	if err == nil {
		c.vec.SetDec(row&c.mask, d)
	}
	return err
}

// setBytes reads base64 as RFC 4648 has it: padded, and without line ends, which the library would pass over.
func (c *column) setBytes(row int, text []byte) error {
	row &= c.mask
	buf, arena := c.vec.Arena()
	off := len(arena)
	arena, err := base64.StdEncoding.AppendDecode(arena, text)
	if err != nil || base64.StdEncoding.EncodedLen(len(arena)-off) != len(text) {
		c.vec.SetArena(buf, arena[:off])
		return value.ErrMalformed
	}
	c.vec.SetArena(buf, arena)
	c.vec.View[row] = value.MakeView(arena[off:], uint32(buf), uint32(off))
	return nil
}

// parseBool also takes the spellings of R, pandas and spreadsheets.
func parseBool(text []byte) (bool, error) {
	switch string(text) {
	case "True", "TRUE":
		return true, nil
	case "False", "FALSE":
		return false, nil
	}
	return value.ParseBool(text)
}
