package state

import (
	"fmt"

	"pipec/vm/value"
)

// Load reads the keyed rows of one file into the tables made so far: those of the store's own key groups, of states that have a table.
// Fields are matched by name. A task that takes over from several tasks loads the files of all of them, of each a whole snapshot and
// then its deltas in order. Errors are ErrDamaged, ErrSignature,
// ErrVersion and those of the file; after one the store is unusable.
func (s *Store) Load(f *File) error {
	if f.footer.Groups != s.groups {
		return fmt.Errorf("%w: it has %d key groups (max_parallelism), the job has %d", ErrVersion, f.footer.Groups, s.groups)
	}
	l := loader{file: f}
	for i := range f.footer.States {
		if st := &f.footer.States[i]; st.Kind == Keyed {
			if t := s.find(st.Schema.Node, st.Schema.Name); t != nil {
				if err := l.begin(t, st.Schema); err != nil {
					return err
				}
				if err := l.state(i); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// loader reads sections in batches of loadBatch rows.
type loader struct {
	file   *File
	t      *Table
	schema Schema // of the file
	word   []int  // for each field of the file its first word in the table's slots
	buf    []byte
	keys   value.Keys
	ns     []int64
	values [][]byte
	slots  []value.Slot
	fresh  []bool
}

const loadBatch = 1024

func (l *loader) begin(t *Table, schema Schema) error {
	if why := t.schema.differs(schema); why != "" {
		return fmt.Errorf("%w: state %s: %s", ErrSignature, t.name(), why)
	}
	l.t, l.schema, l.word = t, schema, l.word[:0]
	for _, f := range schema.Fields {
		l.word = append(l.word, t.Word(t.schema.field(f.Name)))
	}
	l.slots, l.fresh = make([]value.Slot, loadBatch), make([]bool, loadBatch)
	return nil
}

func (l *loader) state(state int) error {
	s := l.t.store
	for i := range l.file.footer.Sections {
		sec := &l.file.footer.Sections[i]
		if sec.State != state || !sec.Removed && (sec.Group < s.from || sec.Group >= s.to) {
			continue
		}
		var err error
		if l.buf, err = l.file.body(i, l.buf); err != nil {
			return err
		}
		read := l.section
		if sec.Removed {
			read = l.remove
		}
		if err := read(sec); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) section(sec *section) error {
	l.reset()
	p, rows := l.buf, int64(0)
	for len(p) > 0 {
		key, ns, fields, err := readRow(p, l.schema.Namespaced)
		if err == nil {
			p, err = skipFields(fields, l.schema.Fields)
		}
		if err != nil || value.GroupOf(key, l.t.store.groups) != sec.Group {
			return damagef("rows of state %s, key group %d", l.t.name(), sec.Group)
		}
		l.keys.Add(key, l.t.store.groups)
		l.ns, l.values = append(l.ns, ns), append(l.values, fields)
		rows++
		if l.keys.Len() == loadBatch {
			if err := l.flush(); err != nil {
				return err
			}
		}
	}
	if rows != sec.Rows {
		return damagef("state %s, key group %d has %d rows instead of %d", l.t.name(), sec.Group, rows, sec.Rows)
	}
	return l.flush()
}

func (l *loader) reset() {
	l.keys.Reset()
	l.ns, l.values = l.ns[:0], l.values[:0]
}

func (l *loader) flush() error {
	if err := l.t.UpsertAt(l.ns, &l.keys, l.slots, l.fresh); err != nil {
		return err
	}
	for i, v := range l.values {
		if !l.fresh[i] && l.file.footer.Base == 0 {
			return damagef("state %s has a key twice", l.t.name())
		}
		l.t.readFields(v, l.schema.Fields, l.word, l.slots[i])
	}
	l.reset()
	return nil
}
