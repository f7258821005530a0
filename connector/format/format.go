// Package format reads and writes rows as bytes: one file (or a few with one prefix) per format, one table.
//
// A decoder writes straight into the lanes of a batch; there is no tree in between. A record that is no row is a Bad with a code of the language
// (A16: E801 unreadable, E802 missing or null, E803 wrong kind, E804 out of range, E806 not finite) and a text that names the column, what was found and
// what was expected; the record after it is read as if nothing had happened. What a batch holds depends on the bytes only, never on how they were
// cut into calls, nor on which columns are wanted: unwanted ones are checked like all others.
//
//	format.go        Spec, Decoder, Encoder, the table and its look-up
//	column.go        column: one column on its way into a lane; scalars from text
//	fault.go         what is wrong with a record, in words
//	instant.go       times: the setting `timestamps`
//	json.go          one JSON object a line: settings, and the loop over records
//	json_object.go   objects: which key is which column, and what key comes next
//	json_value.go    values into lanes
//	json_scan.go     strings, numbers and skipped values
//	json_encode.go   rows as JSON
//	json_lines.go    rows that are written as the encoder would write them
//	csv.go           RFC 4180: settings and header
//	csv_decode.go    records into lanes
//	csv_encode.go    rows as CSV
//	text.go          one line, one column
//	swar/            eight bytes at a time: digits, quotes, separators
package format

import (
	"errors"
	"time"

	"pipec/compiler/plan"
	"pipec/vm/value"
)

// Spec is one format: an entry of the table that `format WORD { ... }` is looked up in.
type Spec struct {
	Name   string
	Doc    string
	Params []plan.Param
	Suffix string // of files a sink writes: "json", "csv", "txt"
	// Check says what is wrong with reading or writing this schema, "" if nothing.
	Check    func(s plan.Settings, schema value.Schema) string
	Decoder  func(o DecodeOptions) (Decoder, error)
	Encoder  func(o EncodeOptions) (Encoder, error)
	Examples []string
}

// table is every format there is. The conformance test goes through it.
func table() []Spec {
	return formats
}

var formats = []Spec{jsonSpec, csvSpec, textSpec}

// Names lists the formats in the order of the table.
func Names() []string {
	names := make([]string, len(formats))
	for i := range formats {
		names[i] = formats[i].Name
	}
	return names
}

// Lookup finds a format by name.
func Lookup(name string) (*Spec, bool) {
	for i := range table() {
		if s := &table()[i]; s.Name == name {
			return s, true
		}
	}
	return nil, false
}

// ErrMore is given by Header when the head it was given does not hold all of the header yet.
var ErrMore = errors.New("the header is not complete yet")

// DecodeOptions say what to decode.
type DecodeOptions struct {
	Settings plan.Settings
	Schema   value.Schema
	Physical []string       // name of each column in the data; nil: the names of the schema
	Lines    bool           // an encoder of the same settings and columns may want the rows as they are written (value.Lines)
	Wanted   []bool         // columns to fill; others are validated and skipped, their Cols entry is nil. nil: all
	Zone     *time.Location // for times without a zone; the formats here know none
}

// physical is the name of column i in the data.
func (o *DecodeOptions) physical(i int) string {
	if i < len(o.Physical) && o.Physical[i] != "" {
		return o.Physical[i]
	}
	return o.Schema.Fields[i].Name
}

// Decoder cuts bytes into rows and writes them into columns. It is used by one task for one split at a time.
type Decoder interface {
	// Header reads what stands once at the head of a file (a byte order mark, a CSV header) and gives its length; 0, nil where there is none or, with
	// last false, not all of it is there yet and more is asked for (ErrMore). It must be called before Decode for every file, also when reading goes
	// on in its middle.
	Header(head []byte, last bool) (n int, err error)
	// Decode reads whole records from the front of data, at most max rows and bad records together, into b (which it resets), and gives how many bytes it
	// took: always up to the end of a record or of blank lines. last says that nothing follows data, so that a final record without a line end counts.
	// Columns refer to data by views: data must stay as it is while b is in use. Rows that cannot be read are not in b but are appended to bad. An
	// incomplete record at the end is left for the next call. max is bounded by value.MaxRows, data by 2 GiB.
	Decode(data []byte, last bool, b *value.Batch, max int, bad *[]Bad) (n int, err error)
}

// Bad is a record that is no row: a row error of the source (language A16). Raw is the record without its line end, valid as long as the data is.
type Bad struct {
	Raw        []byte
	Code, Text string
	Offset     int // in the data given to Decode
}

// EncodeOptions say what to write.
type EncodeOptions struct {
	Settings plan.Settings
	Schema   value.Schema
	Ops      bool           // every row carries its kind as `_op`
	OnlyGone bool           // only rows that take one away (delete, update_before) carry `_op`
	Zone     *time.Location // as in DecodeOptions: times are written in UTC
}

// Encoder turns the selected rows of batches into bytes.
type Encoder interface {
	// Header is what stands at the head of every file, nil if nothing.
	Header() []byte
	// Append appends the rows to dst. ends, when not nil, gets the length of dst after each row appended to it.
	Append(dst []byte, b *value.Batch, rows []int32, ends *[]int) ([]byte, error)
}

// opName is the name of the column that holds a row's kind where the options ask for it. It comes first.
const opName = "_op"

// kindShown says whether a row of that kind carries `_op`.
func (o *EncodeOptions) kindShown(k value.RowKind) bool {
	return o.Ops || o.OnlyGone && (k == value.Delete || k == value.UpdateBefore)
}

// mark is the byte order mark that some programs put at the head of UTF-8 files.
const mark = "\xEF\xBB\xBF"

// skipMark is the Header of formats that have none of their own: it steps over a byte order mark.
func skipMark(head []byte, last bool) (int, error) {
	if len(head) >= len(mark) {
		if string(head[:len(mark)]) == mark {
			return len(mark), nil
		}
		return 0, nil
	}
	if !last && string(head) == mark[:len(head)] {
		return 0, ErrMore
	}
	return 0, nil
}
