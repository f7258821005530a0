// Package format reads and writes rows as bytes: one file per format, one table.
//
//	format.go   Spec, Decoder, Encoder, the table and its look-up
//	json.go     one JSON object a line
//	csv.go      RFC 4180 with a header
//	text.go     one line, one column
package format

import (
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

// DecodeOptions say what to decode.
type DecodeOptions struct {
	Settings plan.Settings
	Schema   value.Schema
	Physical []string // name of each column in the data
	Wanted   []bool   // columns to fill; others are validated and skipped, their Cols entry is nil
	Zone     *time.Location
}

// Decoder cuts bytes into rows and writes them into columns. It is used by one task for one split at a time.
type Decoder interface {
	// Header reads what stands once at the head of a file (a CSV header) and gives its length; 0, nil where there is none or, with last false, not all of it
	// is there yet and more is asked for (ErrMore). It must be called before Decode for every file, also when reading goes on in its middle.
	Header(head []byte, last bool) (n int, err error)
	// Decode reads whole records from the front of data, at most max rows, into b (which it resets), and gives how many bytes it took. last says that
	// nothing follows data, so that a final record without a line end counts. Columns refer to data by views: data must stay as it is while b is in use.
	// Rows that cannot be read are not in b but in bad. An incomplete record at the end is left for the next call.
	Decode(data []byte, last bool, b *value.Batch, max int, bad *[]Bad) (n int, err error)
}

// Bad is a record that is no row: a row error of the source (language A16). Raw is valid as long as the data is.
type Bad struct {
	Raw        []byte
	Code, Text string
	Offset     int // in the data given to Decode
}

// EncodeOptions say what to write.
type EncodeOptions struct {
	Settings plan.Settings
	Schema   value.Schema
	Ops      bool // every row carries its kind as `_op`
	OnlyGone bool // only deletes carry `_op`
	Zone     *time.Location
}

// Encoder turns the selected rows of batches into bytes.
type Encoder interface {
	// Header is what stands at the head of every file, nil if nothing.
	Header() []byte
	// Append appends the rows to dst. ends, when not nil, gets the length of dst after each row.
	Append(dst []byte, b *value.Batch, rows []int32, ends *[]int) ([]byte, error)
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
