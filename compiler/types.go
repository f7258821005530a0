package compiler

import (
	"strconv"
	"strings"

	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/op"
	"pipec/vm/value"
)

// where says where a type stands: secrets and sizes are for parameters only.
type where uint8

const (
	inRows where = iota
	inParam
)

// typeNames are the words of scalar types.
var typeNames = map[string]value.Kind{
	"int": value.Int, "float": value.Float, "decimal": value.Decimal, "string": value.String, "bool": value.Bool, "timestamp": value.Timestamp,
	"duration": value.Duration, "bytes": value.Bytes, "secret": value.Secret, "size": value.Size,
}

// typeSynonyms are types of other languages.
var typeSynonyms = map[string]string{
	"bigint": "int", "integer": "int", "int64": "int", "int32": "int", "int8": "int", "int16": "int", "long": "int", "smallint": "int",
	"tinyint": "int", "uint": "int", "uint64": "int", "short": "int", "byte": "int", "number": "float",
	"double": "float", "float64": "float", "float32": "float", "real": "float",
	"numeric": "decimal", "money": "decimal", "bigdecimal": "decimal",
	"varchar": "string", "text": "string", "str": "string", "char": "string", "nvarchar": "string", "uuid": "string", "json": "string",
	"boolean": "bool", "bit": "bool",
	"datetime": "timestamp", "date": "timestamp", "time": "timestamp", "instant": "timestamp", "timestamptz": "timestamp", "timestamp_ltz": "timestamp",
	"interval": "duration", "binary": "bytes", "blob": "bytes", "bytea": "bytes", "varbinary": "bytes",
	"array": "list<...>", "vector": "list<...>", "dict": "map<...>", "object": "{ name: type }", "struct": "{ name: type }", "row": "{ name: type }",
	"password": "secret",
}

// typeOf gives the meaning of a type as written; Unknown if it has none, which has been reported.
func (m *module) typeOf(t *grammar.TypeExpr, at where) value.Type {
	if t == nil {
		return value.Of(value.Unknown)
	}
	out := value.Of(value.Unknown)
	switch {
	case t.Record != nil:
		schema, _, complete := m.columns(t.Record, at)
		if complete {
			out = value.Type{Kind: value.Record, Fields: schema.Fields}
		}
	case len(t.Words) > 0:
		out = value.Of(value.String)
		for _, w := range t.Words {
			out.Words = append(out.Words, w.Value())
		}
	case t.Name != nil:
		out = m.namedType(t, at)
	}
	if out.Kind != value.Unknown && t.Nullable {
		out.Nullable = true
	}
	return out
}

// namedType gives the meaning of a type with a name.
func (m *module) namedType(t *grammar.TypeExpr, at where) value.Type {
	name := t.Name.String()
	if s, silent := m.find(name); s != nil && s.kind == aType || silent {
		if s == nil || s.broken {
			return value.Of(value.Unknown)
		}
		s.used = true
		return m.c.declaredType(s, t.Name.Span(), at)
	}
	switch name {
	case "list", "map":
		return m.container(t, name, at)
	case "decimal":
		return m.decimalType(t)
	}
	k, ok := typeNames[name]
	if !ok {
		m.noType(t, name)
		return value.Of(value.Unknown)
	}
	if (k == value.Secret || k == value.Size) && at == inRows {
		m.c.list.Errorf("N204", t.Name.Span(), "`%s` is a type of parameters and settings only", name)
		return value.Of(value.Unknown)
	}
	if len(t.Args) > 0 || len(t.Elems) > 0 {
		m.c.list.Errorf("N204", t.Span(), "`%s` has no sizes", name).With("write `%s`", name)
	}
	return value.Of(k)
}

func (m *module) noType(t *grammar.TypeExpr, name string) {
	d := m.c.list.Errorf("N204", t.Name.Span(), "there is no type `%s`", name)
	if s := typeSynonyms[strings.ToLower(name)]; s != "" {
		d.With("did you mean `%s`?", s)
		if !strings.ContainsAny(s, "<{") && len(t.Args) == 0 {
			d.WithFix(t.Name.Span(), s)
		}
		return
	}
	all := append(m.similar(aType), "list", "map")
	for n := range typeNames {
		all = append(all, n)
	}
	if !nearest(d, t.Name.Span(), name, all) {
		d.WithHelp("types: bool, bytes, decimal(p, s), duration, float, int, list<T>, map<K, V>, string, timestamp, or one you declare with `type`")
	}
}

// container reads list<T> and map<K, V>.
func (m *module) container(t *grammar.TypeExpr, name string, at where) value.Type {
	want := map[string]int{"list": 1, "map": 2}[name]
	if len(t.Elems) != want {
		example := map[string]string{"list": "list<string>", "map": "map<string, int>"}[name]
		m.c.list.Errorf("N204", t.Span(), "`%s` needs the type of what is in it", name).With("for example `%s`", example)
		return value.Of(value.Unknown)
	}
	parts := make([]value.Type, want)
	for i, e := range t.Elems {
		if parts[i] = m.typeOf(e, at); parts[i].Kind == value.Unknown {
			return parts[i]
		}
	}
	if name == "list" {
		return value.ListOf(parts[0])
	}
	switch parts[0].Kind {
	case value.List, value.Map, value.Record, value.Float:
		m.c.list.Errorf("N204", t.Elems[0].Span(), "a map has simple keys: texts, ints, bools, decimals or timestamps")
		return value.Of(value.Unknown)
	}
	return value.Type{Kind: value.Map, Key: &parts[0], Elem: &parts[1]}
}

// decimalType reads decimal and decimal(p, s).
func (m *module) decimalType(t *grammar.TypeExpr) value.Type {
	digits := []int{value.MaxPrecision, 18}
	if len(t.Args) == 1 {
		digits[1] = 0
	}
	for i, a := range t.Args {
		n, err := strconv.Atoi(strings.ReplaceAll(a.Text, "_", ""))
		if err != nil || i > 1 {
			n = -1
		}
		if i < 2 {
			digits[i] = n
		} else {
			digits[0] = -1
		}
	}
	if digits[0] < 1 || digits[0] > value.MaxPrecision || digits[1] < 0 || digits[1] > digits[0] {
		m.c.list.Errorf("N204", t.Span(), "a decimal has 1 to %d digits, and at most as many after the point", value.MaxPrecision).
			WithHelp("decimal(12, 2) has 12 digits in all, 2 of them after the point")
		return value.Of(value.Unknown)
	}
	return value.DecimalOf(digits[0], digits[1])
}

// declaredType gives the meaning of `type name`.
func (c *compilation) declaredType(s *symbol, use diag.Span, at where) value.Type {
	if s.typ != nil {
		return *s.typ
	}
	d, ok := s.decl.(*grammar.TypeDecl)
	if !ok || s.busy {
		if s.busy {
			c.list.Errorf("J701", use, "the type `%s` contains itself", s.name)
		}
		return value.Of(value.Unknown)
	}
	s.busy = true
	t := value.Of(value.Unknown)
	if d.Record != nil {
		if schema, _, complete := s.mod.columns(d.Record, at); complete {
			t = value.Type{Kind: value.Record, Fields: schema.Fields}
		}
	} else {
		t = s.mod.typeOf(d.Type, at)
	}
	s.busy = false
	s.typ = &t
	return t
}

// column is a declared column beside its type: the physical name and the value of a missing one.
type column struct {
	physical string
	fallback *plan.Expr
	at       *grammar.Name
}

// columns reads the fields of a record or a schema. complete is false if some are unknown.
func (m *module) columns(r *grammar.Record, at where) (schema value.Schema, cols []column, complete bool) {
	complete = true
	for _, f := range r.Fields {
		if f.Broken || f.Name == nil {
			complete = false
			continue
		}
		if i := schema.Index(f.Name.Text); i >= 0 {
			m.c.list.Errorf("N209", f.Name.Span(), "there are two columns `%s`", f.Name.Text).WithRelated(cols[i].at.Span(), "the first one is here")
			continue
		}
		t := m.typeOf(f.Type, at)
		if t.Kind == value.Unknown {
			complete = false
		}
		c := column{physical: f.Name.Text, at: f.Name}
		if f.From != nil {
			c.physical = f.From.Value()
		}
		if f.Default != nil && t.Kind != value.Unknown {
			if v := m.setting.ExprAs(f.Default, op.Scope{Constant: true, Doing: "`" + f.Name.Text + "`"}, &t); v != nil {
				c.fallback = constant(v.Expr, t)
			}
		}
		schema.Fields = append(schema.Fields, value.Field{Name: f.Name.Text, Type: t})
		cols = append(cols, c)
	}
	return schema, cols, complete
}

// schemaOf reads the `schema` fact of a body: its own columns, or those of a record type.
func (m *module) schemaOf(s *grammar.Schema) (schema value.Schema, cols []column, complete bool) {
	if s.Record != nil {
		return m.columns(s.Record, inRows)
	}
	name := s.Type.String()
	sym, silent := m.find(name)
	switch {
	case silent || sym != nil && sym.broken:
		return value.Schema{}, nil, false
	case sym == nil || sym.kind != aType:
		d := m.c.list.Errorf("N204", s.Type.Span(), "there is no type `%s`", name)
		nearest(d, s.Type.Span(), name, m.similar(aType))
		return value.Schema{}, nil, false
	}
	sym.used = true
	d, _ := sym.decl.(*grammar.TypeDecl)
	if d == nil || d.Record == nil {
		if t := m.c.declaredType(sym, s.Type.Span(), inRows); t.Kind != value.Record {
			if t.Kind != value.Unknown {
				m.c.list.Errorf("N204", s.Type.Span(), "`%s` is no record: a schema needs columns", name)
			}
			return value.Schema{}, nil, false
		} else {
			return value.Schema{Fields: t.Fields}, plainColumns(t.Fields, s.Type.Parts[0]), true
		}
	}
	return sym.mod.columns(d.Record, inRows)
}

// plainColumns are columns without names or values of their own.
func plainColumns(fields []value.Field, at *grammar.Name) []column {
	cols := make([]column, len(fields))
	for i, f := range fields {
		cols[i] = column{physical: f.Name, at: at}
	}
	return cols
}
