package format

import (
	"bytes"
	"fmt"
	"strings"

	"pipec/compiler/plan"
	"pipec/connector/format/swar"
	"pipec/vm/value"
)

var csvSpec = Spec{
	Name: "csv",
	Doc: "Comma-separated values (RFC 4180), found by the names in the header; further columns of the file are ignored, blank lines skipped if there is more " +
		"than one column. A value is null exactly if it is the text of `null`, quoted or not. Kinds of changes are written as a first column `_op`.",
	Params: []plan.Param{
		{Name: "header", Doc: "The first line holds the names of the columns; without it they come in the order of the schema.", Kind: plan.BoolParam, Default: true, Example: "header = false"},
		{Name: "separator", Doc: "What stands between values, one ASCII character.", Kind: plan.TextParam, Default: ",", Example: `separator = ";"`, Check: checkSign("separator")},
		{Name: "quote", Doc: "What stands around values that hold separators, quotes or line ends, one ASCII character; doubled inside.", Kind: plan.TextParam, Default: `"`, Example: `quote = "'"`, Check: checkSign("quote")},
		{
			Name: "null", Doc: "The text that means null; in a string column that is never null the empty text is a text.", Kind: plan.TextParam, Default: "", Example: `null = "NA"`,
			Check: func(v any) string {
				if s, _ := v.(string); strings.ContainsAny(s, "\r\n") {
					return "null is one line of text"
				}
				return ""
			},
		},
		timestampsParam,
	},
	Suffix:   "csv",
	Check:    checkCSV,
	Decoder:  newCSVDecoder,
	Encoder:  newCSVEncoder,
	Examples: []string{"format csv", `format csv { null = "NA" }`, `format csv { header = false, separator = ";" }`},
}

func checkSign(name string) func(v any) string {
	return func(v any) string {
		s, _ := v.(string)
		if len(s) != 1 || s[0] >= 0x80 || strings.ContainsAny(s, "\r\n-") || s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z' || s[0]-'0' <= 9 {
			return fmt.Sprintf("%s is one ASCII character, and no letter, digit, minus or line end: not %q", name, s)
		}
		return ""
	}
}

func checkCSV(s plan.Settings, schema value.Schema) string {
	if sign := csvSettings(s); sign.separator == sign.quote {
		return fmt.Sprintf("separator and quote are both %q", string(sign.quote))
	}
	for _, f := range schema.Fields {
		switch f.Type.Kind {
		case value.List, value.Map, value.Record:
			return fmt.Sprintf("column %q: CSV holds no %s; use `explode`, single fields, or format json", f.Name, f.Type.NotNull())
		case value.Unknown, value.Null, value.Secret, value.Size:
			return fmt.Sprintf("column %q: CSV cannot hold a value of type %s", f.Name, f.Type)
		}
	}
	if len(schema.Fields) == 0 {
		return "CSV needs at least one column"
	}
	return ""
}

// csvSigns are the settings of a CSV format.
type csvSigns struct {
	header           bool
	separator, quote byte
	null             []byte
}

func csvSettings(s plan.Settings) csvSigns {
	sign := csvSigns{header: !s.Has("header") || s.Bool("header"), separator: ',', quote: '"', null: []byte(s.Text("null"))}
	if t := s.Text("separator"); t != "" {
		sign.separator = t[0]
	}
	if t := s.Text("quote"); t != "" {
		sign.quote = t[0]
	}
	return sign
}

// csvDecoder reads records of quoted and unquoted fields.
//
// A record ends at the first line feed outside quotes. Where quotes are wrong (unclosed, in the middle of a field, or more than maxQuoted bytes
// apart), nobody can say what is outside: the record's first line is bad, and the next line is a record again.
type csvDecoder struct {
	csvSigns
	columns   []*column
	physical  []string
	fields    []csvField // by position in the file
	numbers   bool       // the text of null could be a whole number
	sep, quot uint64     // separator and quote, spread

	data  []byte
	last  bool
	start int    // of the record at hand
	text  []byte // a quoted field without its doubled quotes
	code  string // of what is wrong with the record at hand
	wrong string // the same in words
}

// csvField is what is read from one position of a record.
type csvField struct {
	column *column // nil: nothing
	fast   fast
	run    int // how many fields from here on nothing is read from, the last of the record not counted
}

func newCSVField(c *column) csvField {
	if c == nil || c.also != nil {
		return csvField{column: c}
	}
	return csvField{column: c, fast: fastOf(c)}
}

// maxQuoted bounds a record with line ends in quotes, so that one stray quote does not swallow a file.
const maxQuoted = 1 << 20

func newCSVDecoder(o DecodeOptions) (Decoder, error) {
	if what := checkCSV(o.Settings, o.Schema); what != "" {
		return nil, fmt.Errorf("format csv: %s", what)
	}
	d := &csvDecoder{csvSigns: csvSettings(o.Settings), columns: newColumns(&o)}
	d.sep, d.quot = swar.Spread(d.separator), swar.Spread(d.quote)
	for i := range d.columns {
		d.physical = append(d.physical, o.physical(i))
	}
	_, err := value.ParseInt(d.null)
	d.numbers = err == nil
	if !d.header {
		for _, c := range d.columns {
			d.fields = append(d.fields, newCSVField(c))
		}
	}
	return d, nil
}

func (d *csvDecoder) Header(head []byte, last bool) (int, error) {
	n, err := skipMark(head, last)
	if err != nil || !d.header {
		return n, err
	}
	d.data, d.last = head, last
	defer func() { d.data = nil }()
	for n < len(head) && (head[n] == '\n' || has(head, n, "\r\n")) {
		n += bytes.IndexByte(head[n:], '\n') + 1
	}
	if n == len(head) {
		if last {
			return n, nil // a file without lines has no rows, and nothing is missing
		}
		return 0, ErrMore
	}
	var names []string
	d.start = n
	for {
		field, end, status := d.field(n)
		if status == fieldPartial {
			return 0, ErrMore
		}
		if status == fieldBad {
			return 0, fmt.Errorf("the header of the CSV file: %s", d.wrong)
		}
		atLine := end >= len(head) || head[end] == '\n'
		if atLine && status == fieldPlain {
			field = withoutReturn(field)
		}
		names = append(names, string(field))
		n = min(end+1, len(head))
		if atLine {
			return n, d.match(names)
		}
	}
}

// match finds the columns among the names of a header.
func (d *csvDecoder) match(names []string) error {
	fields := make([]*column, len(names))
	for i, c := range d.columns {
		at := -1
		for k, name := range names {
			if name != d.physical[i] {
				continue
			}
			if at >= 0 {
				return fmt.Errorf("the header of the CSV file names the column %q twice (fields %d and %d)", name, at+1, k+1)
			}
			at = k
		}
		if at < 0 {
			return fmt.Errorf("the header of the CSV file has no column %q; it has %s", d.physical[i], someNames(names))
		}
		c.also, fields[at] = fields[at], c
	}
	d.fields = d.fields[:0]
	for _, c := range fields {
		d.fields = append(d.fields, newCSVField(c))
	}
	for k := len(d.fields) - 2; k >= 0; k-- {
		if d.fields[k].column == nil {
			d.fields[k].run = d.fields[k+1].run + 1
		}
	}
	return nil
}

func someNames(names []string) string {
	const most = 20
	more := ""
	if len(names) > most {
		names, more = names[:most], fmt.Sprintf(" and %d more", len(names)-most)
	}
	shown := make([]string, len(names))
	for i, n := range names {
		shown[i] = clip([]byte(n))
	}
	return strings.Join(shown, ", ") + more
}
