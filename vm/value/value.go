// Package value is the data that flows: types, schemas, columnar batches, key encoding and state slots.
//
// Its parts:
//
//	value.go    Kind, Type, Field, Schema: what a column may hold
//	vec.go      Vec and View: one column of a batch, as flat lanes
//	batch.go    Batch, RowKind: up to batch_size rows, and which of them are live
//	key.go      Keys: the order-preserving key encoding, its hash and key groups
//	copy.go     Take, Merge, Share: columns made of other columns
//	gather.go   AppendRows: rows copied so that they outlive their batch
//	compare.go  Equal, Compare: two values of one type
//	slot.go     Slot, StateField, Heap: the accumulators of one key, as flat words
//	decimal*.go Dec: exact decimals of up to 38 digits, and the types of their arithmetic
//	text.go     numbers as text, read and written
//	time.go     instants and durations as text, the calendar
//
// Nothing here allocates per row; whoever creates a batch owns and recycles it.
package value

import (
	"fmt"
	"strings"
)

// Kind is the head of a type. Its numbers are not persisted; its names are.
type Kind uint8

// The kinds of the language (language reference, Types). Unknown is the type of what could not be checked: it silences
// every later complaint. Null is the type of the literal null alone. Secret and Size occur in settings only.
const (
	Unknown Kind = iota
	Null
	Bool
	Int
	Float
	Decimal
	String
	Bytes
	Timestamp
	Duration
	List
	Map
	Record
	Secret
	Size
)

var kindNames = [...]string{"unknown", "null", "bool", "int", "float", "decimal", "string", "bytes", "timestamp", "duration", "list", "map", "record", "secret", "size"}

// String gives the word the language uses for the kind.
func (k Kind) String() string { return kindNames[k] }

// MarshalText makes plans and manifests hold names, not numbers.
func (k Kind) MarshalText() ([]byte, error) { return []byte(kindNames[k]), nil }

// UnmarshalText is the inverse of MarshalText.
func (k *Kind) UnmarshalText(b []byte) error {
	for i, n := range kindNames {
		if n == string(b) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("unknown kind %q", b)
}

// MaxPrecision is the number of digits the widest decimal holds; up to NarrowPrecision one int64 lane is enough.
const (
	MaxPrecision    = 38
	NarrowPrecision = 18
)

// Type is the static type of a column or an expression. Types are values: copy them, never change one that is shared.
type Type struct {
	Kind      Kind     `json:"kind"`
	Nullable  bool     `json:"nullable,omitempty"`
	Precision uint8    `json:"precision,omitempty"` // Decimal: digits in all
	Scale     uint8    `json:"scale,omitempty"`     // Decimal: digits after the point
	Words     []string `json:"words,omitempty"`     // String: one of these texts, in order of declaration; nil: any text
	Key       *Type    `json:"key,omitempty"`       // Map: type of the keys
	Elem      *Type    `json:"elem,omitempty"`      // List: type of the elements; Map: of the values
	Fields    []Field  `json:"fields,omitempty"`    // Record
}

// Field is one named column of a schema, or one field of a record.
type Field struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
}

// Of is the type of that kind, not nullable.
func Of(k Kind) Type { return Type{Kind: k} }

// DecimalOf is decimal(p, s).
func DecimalOf(p, s int) Type { return Type{Kind: Decimal, Precision: uint8(p), Scale: uint8(s)} }

// ListOf is list<elem>.
func ListOf(elem Type) Type { return Type{Kind: List, Elem: &elem} }

// Null makes a copy of the type that may be null.
func (t Type) Null() Type { t.Nullable = true; return t }

// NotNull makes a copy of the type that is never null.
func (t Type) NotNull() Type { t.Nullable = false; return t }

// Numeric says whether arithmetic is defined on the kind.
func (t Type) Numeric() bool { return t.Kind == Int || t.Kind == Float || t.Kind == Decimal }

// Equal compares types by structure, nullability included.
func (t Type) Equal(o Type) bool { return t.Nullable == o.Nullable && t.Same(o) }

// Same compares types by structure and ignores the nullability of the outermost level.
func (t Type) Same(o Type) bool {
	if t.Kind != o.Kind || t.Precision != o.Precision || t.Scale != o.Scale || len(t.Words) != len(o.Words) || len(t.Fields) != len(o.Fields) {
		return false
	}
	for i := range t.Words {
		if t.Words[i] != o.Words[i] {
			return false
		}
	}
	for i := range t.Fields {
		if t.Fields[i].Name != o.Fields[i].Name || !t.Fields[i].Type.Equal(o.Fields[i].Type) {
			return false
		}
	}
	return samePart(t.Key, o.Key) && samePart(t.Elem, o.Elem)
}

func samePart(a, b *Type) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// String is the type as one writes it in a .pipe file.
func (t Type) String() string {
	s := t.Kind.String()
	switch t.Kind {
	case Decimal:
		s = fmt.Sprintf("decimal(%d, %d)", t.Precision, t.Scale)
	case String:
		if len(t.Words) > 0 {
			q := make([]string, len(t.Words))
			for i, w := range t.Words {
				q[i] = fmt.Sprintf("%q", w)
			}
			s = strings.Join(q, " | ")
		}
	case List:
		s = "list<" + t.Elem.String() + ">"
	case Map:
		s = "map<" + t.Key.String() + ", " + t.Elem.String() + ">"
	case Record:
		s = Schema{t.Fields}.String()
	}
	if t.Nullable {
		s += "?"
	}
	return s
}

// Article is the type as sentences name it: an int, a decimal(12, 2), "open" | "paid", null.
func (t Type) Article() string {
	s := t.String()
	switch {
	case t.Kind == Null:
		return Null.String()
	case t.Kind == Record, t.Kind == Bytes, t.Kind == String && len(t.Words) > 0:
		return s
	case strings.ContainsRune("aeiou", rune(s[0])):
		return "an " + s
	}
	return "a " + s
}

// Schema is an ordered list of named columns; names are unique.
type Schema struct {
	Fields []Field `json:"fields"`
}

// Index gives the position of a column, or -1.
func (s Schema) Index(name string) int {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

// Types lists the column types in order.
func (s Schema) Types() []Type {
	ts := make([]Type, len(s.Fields))
	for i := range s.Fields {
		ts[i] = s.Fields[i].Type
	}
	return ts
}

// Names lists the column names in order.
func (s Schema) Names() []string {
	ns := make([]string, len(s.Fields))
	for i := range s.Fields {
		ns[i] = s.Fields[i].Name
	}
	return ns
}

// With is a copy of the schema with one more column.
func (s Schema) With(name string, t Type) Schema {
	return Schema{append(s.Fields[:len(s.Fields):len(s.Fields)], Field{name, t})}
}

// String is the schema as one writes a record type.
func (s Schema) String() string {
	if len(s.Fields) == 0 {
		return "{}"
	}
	parts := make([]string, len(s.Fields))
	for i, f := range s.Fields {
		parts[i] = f.Name + ": " + f.Type.String()
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}
