package screen

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	"pipec/connector/format"
	"pipec/vm/value"
)

// Table is the rows of an upsert stream by key: each row replaces the earlier one of its key. All tasks of a sink write to one.
type Table struct {
	name   string
	schema value.Schema
	keys   []int // columns of the key
	types  []value.Type
	nested []format.Encoder // by column: for values that are not one word; nil for others

	mu      sync.Mutex
	rows    kept
	changed bool
	since   string // "", or from when on the rows are known: earlier ones are missing until they change
	titled  bool
	columns []column
	scratch []byte
	piece   []byte
	one     value.Batch
	touch   func()
}

// A cell is never drawn wider than a window, so that much of it is enough.
const cellMost = 512

// NewTable makes the table of a sink; key are the names of the columns whose rows replace each other. touch is called after each change, from any goroutine.
func NewTable(name string, schema value.Schema, key []string, touch func()) (*Table, error) {
	t := &Table{name: name, schema: schema, touch: touch, nested: make([]format.Encoder, len(schema.Fields))}
	for _, k := range key {
		i := slices.IndexFunc(schema.Fields, func(f value.Field) bool { return f.Name == k })
		if i < 0 {
			return nil, fmt.Errorf("the table of %s: no column %s", name, k)
		}
		t.keys, t.types = append(t.keys, i), append(t.types, schema.Fields[i].Type)
	}
	json, _ := format.Lookup("json")
	for i, f := range schema.Fields {
		t.columns = append(t.columns, column{name: string(clean(nil, []byte(f.Name))), number: isNumber(f.Type), least: least(f.Type, slices.Contains(t.keys, i))})
		switch f.Type.Lane() {
		case value.LaneList, value.LaneRecord:
			enc, err := json.Encoder(format.EncodeOptions{Schema: value.Schema{Fields: []value.Field{{Name: "v", Type: f.Type}}}})
			if err != nil {
				return nil, err
			}
			t.nested[i] = enc
		}
	}
	return t, nil
}

// least is how much of a column stays when there is little room.
func least(t value.Type, key bool) int {
	switch {
	case isNumber(t) || t.Kind == value.Timestamp || t.Kind == value.Bool:
		return 0
	case key:
		return keyCut
	}
	return textCut
}

func isNumber(t value.Type) bool {
	switch t.Kind {
	case value.Int, value.Float, value.Decimal, value.Duration:
		return true
	}
	return false
}

// Title makes the table say its name: where there are several.
func (t *Table) Title() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.titled = true
}

// Apply takes the given rows of a batch.
func (t *Table) Apply(b *value.Batch, rows []int32) error {
	t.mu.Lock()
	for _, r := range rows {
		if err := t.apply(b, r); err != nil {
			t.mu.Unlock()
			return err
		}
	}
	t.changed = true
	t.mu.Unlock()
	t.touch()
	return nil
}

func (t *Table) apply(b *value.Batch, r int32) (err error) {
	kind := b.Kind(r)
	if kind == value.UpdateBefore {
		return nil
	}
	t.scratch = t.scratch[:0]
	for i, c := range t.keys {
		t.scratch = value.AppendKey(t.scratch, b.Cols[c], t.types[i], int(r))
	}
	if kind == value.Delete {
		t.rows.remove(t.scratch)
		return nil
	}
	rec := t.rows.place(t.scratch)
	if rec == nil {
		return nil // beyond what is kept
	}
	rec.cells = rec.cells[:0]
	for i := range t.schema.Fields {
		if i > 0 {
			rec.cells = append(rec.cells, separator)
		}
		begin := len(rec.cells)
		if rec.cells, err = t.cell(rec.cells, b, i, r); err != nil {
			return err
		}
		if len(rec.cells)-begin > cellMost {
			end := begin + cellMost
			for !utf8.RuneStart(rec.cells[end]) {
				end--
			}
			rec.cells = append(rec.cells[:end], ellipsis...)
		}
	}
	return nil
}

// Restarted tells the table that its job goes on from a snapshot. Rows that it has may be newer than that, and are forgotten if forget is set; if since is
// given, rows that do not change from then on are missing, and the table says so.
func (t *Table) Restarted(forget bool, since string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if forget {
		t.rows, t.since = kept{}, ""
	}
	if since != "" {
		t.since = since
	}
	t.changed = true
}

// cell writes one value as a person reads it.
func (t *Table) cell(dst []byte, b *value.Batch, i int, r int32) ([]byte, error) {
	v, typ := b.Cols[i], t.schema.Fields[i].Type
	if v.IsNull(int(r)) {
		return append(dst, "null"...), nil
	}
	switch typ.Kind {
	case value.String:
		return clean(dst, v.Text(int(r))), nil
	case value.Bytes:
		return fmt.Appendf(dst, "%x", v.Text(int(r))), nil
	case value.Int:
		return value.AppendInt(dst, v.I64[r]), nil
	case value.Duration:
		return value.AppendDuration(dst, v.I64[r]), nil
	case value.Timestamp:
		return value.AppendTime(dst, v.I64[r]), nil
	case value.Float:
		return value.AppendFloat(dst, v.F64[r]), nil
	case value.Bool:
		return value.AppendBool(dst, v.Bool[r]), nil
	case value.Decimal:
		return value.AppendDecimal(dst, v.Dec(int(r)), int(typ.Scale)), nil
	}
	if t.nested[i] == nil {
		return append(dst, '?'), nil
	}
	t.one = value.Batch{Len: b.Len, Cols: []*value.Vec{v}}
	var err error
	if t.piece, err = t.nested[i].Append(t.piece[:0], &t.one, []int32{r}, nil); err != nil {
		return dst, err
	}
	return clean(dst, bytes.TrimSuffix(bytes.TrimPrefix(t.piece, []byte(`{"v":`)), []byte("}\n"))), nil
}

// Changed implements Area.
func (t *Table) Changed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.changed
	t.changed = false
	return was
}

// Lines implements Area: a heading, the rows with the smallest keys, and what is left out.
func (t *Table) Lines(width, height int) []Line {
	t.mu.Lock()
	defer t.mu.Unlock()
	if height < 2 {
		return nil
	}
	if len(t.rows.byKey) == 0 {
		if t.since == "" {
			return nil
		}
		return []Line{{cut(ellipsis+" no row has changed since "+t.since, width), Dim}}
	}
	var title, note []Line
	if t.titled && height > 3 {
		title = []Line{{cut(t.name, width), Bold}}
	}
	if t.since != "" && height > 2 {
		note = []Line{{cut(ellipsis+" only rows changed since "+t.since, width), Dim}}
	}
	return append(append(title, t.lines(width, height-len(title)-len(note))...), note...)
}

func (t *Table) lines(width, height int) []Line {
	all := len(t.rows.byKey)
	n := min(all, height-1)
	if n < all || t.rows.beyond {
		n = min(n, max(1, height-2)) // the last line tells of the rest
	}
	records := t.rows.smallest(n)
	cells := make([][]string, len(records))
	for i, r := range records {
		for cell := range bytes.SplitSeq(r.cells, []byte{separator}) {
			cells[i] = append(cells[i], string(cell))
		}
	}
	see(t.columns, cells)
	widths, hidden := fit(t.columns, width)
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	lines := []Line{{row(t.columns, widths, names), Bold}}
	for _, c := range cells {
		lines = append(lines, Line{Text: row(t.columns, widths, c)})
	}
	rest := leftOut(all-len(records), t.rows.beyond, hidden)
	if rest != "" {
		if len(lines) == height {
			lines = lines[:height-1]
			rest = leftOut(all-len(lines)+1, t.rows.beyond, hidden)
		}
		lines = append(lines, Line{cut(rest, width), Dim})
	}
	return lines
}
