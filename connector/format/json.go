package format

import (
	"bytes"
	"fmt"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

var jsonSpec = Spec{
	Name: "json",
	Doc: "One JSON object a line, read and refused as RFC 8259 has it; of a doubled key the last value counts. Whole numbers only for int (1.0 is an error), " +
		"bytes as base64, durations as whole microseconds. `from \"a.b\"` reads key b of the object a. Written in the order of the schema without blanks.",
	Params: []plan.Param{
		{
			Name: "unknown", Doc: "What a key that is no column is: ignored, or a row error.", Kind: plan.WordParam, Default: "ignore",
			Words: []string{"ignore", "error"}, Example: "unknown = error",
		},
		{
			Name: "missing", Doc: "What a missing key is: null (a row error if the column is never null), or always a row error.", Kind: plan.WordParam, Default: "null",
			Words: []string{"null", "error"}, Example: "missing = error",
		},
		timestampsParam,
	},
	Suffix:   "json",
	Check:    func(_ plan.Settings, schema value.Schema) string { return checkJSON(schema) },
	Decoder:  newJSONDecoder,
	Encoder:  newJSONEncoder,
	Examples: []string{"format json", "format json { unknown = error, timestamps = us }"},
}

func checkJSON(schema value.Schema) string {
	for _, f := range schema.Fields {
		if what := noJSON(f.Type); what != "" {
			return fmt.Sprintf("column %q: JSON cannot hold %s", f.Name, what)
		}
	}
	return ""
}

// noJSON names the part of a type that JSON cannot hold.
func noJSON(t value.Type) string {
	switch t.Kind {
	case value.List:
		return noJSON(*t.Elem)
	case value.Map:
		switch {
		case t.Key.Lane() == value.LaneList || t.Key.Lane() == value.LaneRecord || t.Key.Lane() == value.LaneNone:
			return "a map with keys of type " + t.Key.String()
		case t.Key.Nullable:
			return "a map with null keys"
		}
		return noJSON(*t.Elem)
	case value.Record:
		for _, f := range t.Fields {
			if what := noJSON(f.Type); what != "" {
				return what
			}
		}
	case value.Unknown, value.Null, value.Secret, value.Size:
		return "a value of type " + t.String()
	}
	return ""
}

// jsonDecoder reads one object a line. A line feed cannot stand inside a JSON string, so a record ends at the first one, whatever is wrong with it.
type jsonDecoder struct {
	columns []*column
	root    *object
	strict  bool     // unknown = error
	all     bool     // missing = error
	keep    []string // names of the columns, if rows are kept as they are written; see json_lines.go

	data  []byte
	depth int
	odd   int                     // of the record at hand: not 0 if it is written in another way than the encoder's
	text  []byte                  // a string without its escapes
	nest  [maxDepth/64 + 1]uint64 // skip: which of the open values are objects
	code  string                  // of what is wrong with the record at hand
	wrong string                  // the same in words
	start int                     // of the record at hand
}

// maxDepth bounds the nesting of a value; it is the limit of encoding/json/v2.
const maxDepth = 10000

func newJSONDecoder(o DecodeOptions) (Decoder, error) {
	if what := checkJSON(o.Schema); what != "" {
		return nil, fmt.Errorf("format json: %s", what)
	}
	d := &jsonDecoder{
		columns: newColumns(&o),
		strict:  o.Settings.Text("unknown") == "error",
		all:     o.Settings.Text("missing") == "error",
		root:    newObject(),
	}
	for i, c := range d.columns {
		makeObjects(c)
		d.root.addPath(o.physical(i), c)
	}
	if o.Lines && d.keepable(&o) {
		d.keep = o.Schema.Names()
	}
	return d, nil
}

// makeObjects gives every record in the column its keys.
func makeObjects(c *column) {
	for _, k := range c.kids {
		makeObjects(k)
	}
	if c.kind == value.Record {
		c.object = newObject()
		for i, f := range c.typ.Fields {
			c.object.addColumn(f.Name, c.kids[i])
		}
	}
}

func (d *jsonDecoder) Header(head []byte, last bool) (int, error) { return skipMark(head, last) }

func (d *jsonDecoder) Decode(data []byte, last bool, b *value.Batch, limit int, bad *[]Bad) (n int, err error) {
	if !last {
		data = data[:bytes.LastIndexByte(data, '\n')+1]
	}
	if len(data) > maxData {
		return 0, errData
	}
	limit = min(max(limit, 0), value.MaxRows)
	d.data = data
	lines := b.Lines
	begin(d.columns, b, data, limit)
	if d.keep != nil {
		b.Lines = d.linesOf(b, lines, limit)
	}
	row, failed := 0, 0
	for n < len(data) && row+failed < limit {
		end := d.record(n, row)
		switch {
		case end > 0:
			if d.keep != nil {
				b.Lines.At[row] = d.line(n, end)
			}
			n = end
			row++
			continue
		case end == 0: // a blank line
			n = nextLine(data, n)
			continue
		}
		next := nextLine(data, n)
		*bad = append(*bad, Bad{Raw: withoutReturn(bytes.TrimSuffix(data[n:next], newline)), Code: d.code, Text: d.wrong, Offset: n})
		n = next
		failed++
	}
	finish(d.columns, b, row)
	d.data = nil
	return n, nil
}

var newline = []byte{'\n'}

// maxData bounds the data of one call: views hold offsets of 32 bits, ranges of lists numbers of 31.
const maxData = 1<<31 - 1

var errData = fmt.Errorf("more than %d bytes in one call of Decode", maxData)

// nextLine is where the line after the one at i begins.
func nextLine(data []byte, i int) int {
	if n := bytes.IndexByte(data[i:], '\n'); n >= 0 {
		return i + n + 1
	}
	return len(data)
}

// record reads the record at i into the row and gives where the next one begins, 0 for a blank line, and -1 if it is no row.
func (d *jsonDecoder) record(i, row int) int {
	data := d.data
	d.start, d.depth, d.odd = i, 0, 0
	if i = blanks(data, i); i >= len(data) || data[i] == '\n' {
		return 0
	}
	if data[i] != '{' {
		d.code, d.wrong = codeUnreadable, "not a JSON object: the line begins with "+quoted(d.rest(i))
		return -1
	}
	if i = d.object(d.root, i, row); i < 0 {
		return -1
	}
	if i < len(data) && data[i] == '\n' {
		return i + 1
	}
	if i = blanks(data, i); i < len(data) && data[i] != '\n' {
		return d.malformed(i, "the end of the line")
	}
	return min(i+1, len(data))
}

// rest is what is left of the line.
func (d *jsonDecoder) rest(i int) []byte {
	rest := d.data[i:]
	if n := bytes.IndexByte(rest, '\n'); n >= 0 {
		rest = rest[:n]
	}
	return withoutReturn(rest)
}

// malformed says where the record stops to be JSON.
func (d *jsonDecoder) malformed(i int, expected string) int {
	d.code = codeUnreadable
	rest := d.rest(min(i, len(d.data)))
	found := "the end of the line"
	if len(rest) > 0 {
		found = quoted(rest[:min(len(rest), 12)])
	}
	d.wrong = fmt.Sprintf("malformed JSON at byte %d: expected %s, found %s", i-d.start+1, expected, found)
	return -1
}

// refuse says that the value in data[i:end] is none of the column.
func (d *jsonDecoder) refuse(c *column, err error, i, end int) int {
	d.code, d.wrong = c.fault(err, clip(d.data[i:end]))
	return -1
}
