package run

import (
	"fmt"
	"unicode/utf8"

	"pipec/compiler/plan"
	"pipec/connector/format"
	"pipec/grammar/diag"
	"pipec/vm/eval"
	"pipec/vm/value"
)

// RowError is a row that failed under on_row_error = fail. It is permanent: the same row would fail again (language A3).
type RowError struct {
	Node string
	Span diag.Span
	Code string // E801 ...
	Text string
	Row  string // the row as JSON, or as it was read; cut after some two hundred bytes
	// Input is where a record that is no row begins: the name of what was read and the byte, counted from 0. "": it is a row.
	Input string
	Byte  int64
}

// Error implements error.
func (e *RowError) Error() string {
	where := ""
	if !e.Span.IsZero() {
		where = " (" + e.Span.String() + ")"
	}
	if e.Input != "" {
		where += fmt.Sprintf(", at byte %d of %s", e.Byte+1, e.Input)
	}
	return fmt.Sprintf("row error[%s]: %s%s, in the row %s", e.Code, e.Text, where, e.Row)
}

// excerptBytes is how much of a row an error message shows.
const excerptBytes = 200

// The columns of ErrorSchema.
const (
	errRow = iota
	errStage
	errCode
	errText
	errAt
	errColumns
)

// ErrorSchema is the columns of the stream that `errors as` names (language A16).
func ErrorSchema() value.Schema {
	text := value.Of(value.String)
	return value.Schema{Fields: []value.Field{
		{Name: "row", Type: text}, {Name: "stage", Type: text}, {Name: "code", Type: text}, {Name: "text", Type: text}, {Name: "at", Type: value.Of(value.Timestamp).Null()},
	}}
}

// ErrorStream is the type of that stream. Rows of it have event time only as a column: it may be null.
func ErrorStream() plan.StreamType { return plan.StreamType{Schema: ErrorSchema(), Mode: plan.Append} }

// RowErrors does with the failing rows of one node in one task what the program says: they go to the port of `errors as`, are skipped and counted, or end the job.
type RowErrors struct {
	node   *plan.Node
	skip   bool
	emit   func(port int, b *value.Batch) error
	stats  *Stats
	schema value.Schema // of the rows that fail
	texts  rowTexts
	lent   []*value.Batch // given to an outbox; those before next are free again once the operator was called anew
	next   int
}

// NewRowErrors is for one node in one task: of its input rows, for a source of its own.
func NewRowErrors(c *Context) *RowErrors {
	e := &RowErrors{node: c.Node, skip: c.Job.SkipErrors, emit: c.Emit, stats: c.Stats}
	if len(c.Inputs) > 0 {
		e.schema = c.Inputs[0].Schema
	} else if len(c.Node.Ports) > 0 {
		e.schema = c.Node.Ports[0].Type.Schema
	}
	return e
}

// Raw takes records that are no rows (language A16: the raw text is the row). It emits at once.
func (e *RowErrors) Raw(bad []format.Bad) error {
	if len(bad) == 0 {
		return nil
	}
	if e.node.Errors == 0 {
		first := bad[0]
		return e.refuse(len(bad), first.Code, first.Text, first.Raw)
	}
	out := e.batch(len(bad))
	for i, row := range bad {
		e.set(out, i, row.Code, row.Text, row.Raw)
		out.Cols[errAt].SetNull(i, out.Len)
	}
	e.next = 0
	return e.emit(e.node.Errors, out)
}

// Batch takes the rows of b that errs names. It emits at once.
func (e *RowErrors) Batch(b *value.Batch, errs *eval.Errors) error {
	out, err := e.of(b, errs)
	e.next = 0
	if err != nil || out == nil {
		return err
	}
	return e.emit(e.node.Errors, out)
}

// Of is for rows of the same node that have another schema than its input: its results.
func (e *RowErrors) Of(schema value.Schema) *RowErrors {
	return &RowErrors{node: e.node, skip: e.skip, emit: e.emit, stats: e.stats, schema: schema}
}

// Add is Batch for an operator: what is to be emitted goes to its outbox.
func (e *RowErrors) Add(o *Outbox, b *value.Batch, errs *eval.Errors) error {
	if !errs.Any() {
		return nil
	}
	if !o.Waiting() {
		e.next = 0
	}
	out, err := e.of(b, errs)
	if err == nil && out != nil {
		o.Put(e.node.Errors, out)
	}
	return err
}

// of makes the error rows of a batch, nil where there are none to emit. Old rows of updates and deletes failed when they came first, and are not told again.
func (e *RowErrors) of(b *value.Batch, errs *eval.Errors) (*value.Batch, error) {
	errs.Sort()
	var rows []int32
	var at []int // in errs
	for i, r := range errs.Rows {
		if k := b.Kind(r); k == value.Insert || k == value.UpdateAfter {
			rows, at = append(rows, r), append(at, i)
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	if e.node.Errors == 0 && e.skip {
		e.stats.Skipped += int64(len(rows))
		return nil, nil
	}
	if e.node.Errors == 0 {
		rows = rows[:1]
	}
	if err := e.texts.write(e.schema, b, rows); err != nil {
		return nil, err
	}
	if e.node.Errors == 0 {
		return nil, e.refuse(1, errs.Code[at[0]], errs.Text[at[0]], e.texts.row(0))
	}
	out := e.batch(len(rows))
	for i, r := range rows {
		e.set(out, i, errs.Code[at[i]], errs.Text[at[i]], e.texts.row(i))
		if b.Time == nil || b.Time[r] == value.NoTime || e.node.Kind == "source" { // 2.18, 10: of a source its `at` is null
			out.Cols[errAt].SetNull(i, out.Len)
			continue
		}
		out.Cols[errAt].I64[i] = b.Time[r]
	}
	return out, nil
}

// refuse is for nodes without `errors as`: rows are counted, or the first ends the job.
func (e *RowErrors) refuse(n int, code, text string, row []byte) error {
	if e.skip {
		e.stats.Skipped += int64(n)
		return nil
	}
	return &RowError{Node: e.node.ID, Span: e.node.Span, Code: code, Text: text, Row: excerpt(row)}
}

// batch lends a batch of n error rows.
func (e *RowErrors) batch(n int) *value.Batch {
	if e.next == len(e.lent) {
		e.lent = append(e.lent, value.NewBatch(ErrorSchema()))
	}
	b := e.lent[e.next]
	e.next++
	b.Reset(n)
	return b
}

func (e *RowErrors) set(b *value.Batch, i int, code, text string, row []byte) {
	if !utf8.Valid(row) {
		row = []byte(valid(row))
	}
	b.Cols[errRow].SetText(i, row)
	b.Cols[errStage].SetString(i, e.node.ID)
	b.Cols[errCode].SetString(i, code)
	b.Cols[errText].SetString(i, text)
}

// valid replaces invalid bytes by U+FFFD.
func valid(text []byte) string { return string([]rune(string(text))) }

// excerpt is the beginning of a row for a message, whole characters only.
func excerpt(row []byte) string {
	if len(row) <= excerptBytes {
		return valid(row)
	}
	end := excerptBytes
	for end > 0 && !utf8.RuneStart(row[end]) {
		end--
	}
	return valid(row[:end]) + "..."
}

// rowTexts writes rows of one schema as JSON. Columns that were pruned are left out.
type rowTexts struct {
	encoder format.Encoder
	there   []bool // which columns the encoder was made for
	batch   value.Batch
	buf     []byte
	ends    []int
}

// write writes the given rows of b.
func (t *rowTexts) write(schema value.Schema, b *value.Batch, rows []int32) error {
	if !t.fits(b) {
		if err := t.open(schema, b); err != nil {
			return err
		}
	}
	t.batch.Share(b)
	t.batch.Kinds = nil
	t.batch.Cols = t.batch.Cols[:0]
	for _, c := range b.Cols {
		if c != nil {
			t.batch.Cols = append(t.batch.Cols, c)
		}
	}
	t.ends = t.ends[:0]
	var err error
	t.buf, err = t.encoder.Append(t.buf[:0], &t.batch, rows, &t.ends)
	return err
}

func (t *rowTexts) fits(b *value.Batch) bool {
	if t.encoder == nil || len(t.there) != len(b.Cols) {
		return false
	}
	for i, c := range b.Cols {
		if t.there[i] != (c != nil) {
			return false
		}
	}
	return true
}

func (t *rowTexts) open(schema value.Schema, b *value.Batch) (err error) {
	spec, ok := format.Lookup("json")
	if !ok {
		return fmt.Errorf("no format json")
	}
	var present value.Schema
	t.there = t.there[:0]
	for i, c := range b.Cols {
		t.there = append(t.there, c != nil)
		if c != nil {
			f := schema.Fields[i]
			present = present.With(f.Name, f.Type.Null())
		}
	}
	t.encoder, err = spec.Encoder(format.EncodeOptions{Schema: present})
	return err
}

// row gives row i of the last write, without its line end.
func (t *rowTexts) row(i int) []byte {
	from := 0
	if i > 0 {
		from = t.ends[i-1]
	}
	row := t.buf[from:t.ends[i]]
	if n := len(row); n > 0 && row[n-1] == '\n' {
		row = row[:n-1]
	}
	return row
}
