package grammar

import "pipec/grammar/diag"

// Body is a list of facts in braces, in the order of the text. All look-ups work on a nil Body, which has no facts.
type Body struct {
	Place
	Facts []Fact `parser:"'{' (@@ ','?)* '}'"`
}

// Fact is *Setting, *Choice, *Rhythm, *Group, *Schema, *Watermark, *Key, *ErrorsAs or *BrokenFact.
type Fact interface {
	Span() diag.Span
	Keyword() diag.Span
	FactName() string // the first word: `topic`, `format`, `checkpoint`, `schema`, ...
}

// Setting is `name = value`.
type Setting struct {
	Place
	Name  *Name `parser:"(?= Ident '=') @@ '='"`
	Value *Expr `parser:"@@"`
}

// Choice is `format json { ... }`: a word chosen for a name, with settings of its own.
type Choice struct {
	Place
	Name *Name `parser:"(?= Ident Ident) @@"`
	Word *Name `parser:"@@"`
	Body *Body `parser:"((?= '{') @@)?"`
}

// Rhythm is `checkpoint every 30s { ... }`.
type Rhythm struct {
	Place
	Name  *Name `parser:"(?= Ident 'every' (?! '{' | '}' | ',')) @@ 'every'"`
	Every *Expr `parser:"@@"`
	Body  *Body `parser:"((?= '{') @@)?"`
}

// Group is `cache { ... }`.
type Group struct {
	Place
	Name *Name `parser:"(?= Ident '{') @@"`
	Body *Body `parser:"@@"`
}

// Schema is `schema { ... }` (Record) or `schema Payment` (Type).
type Schema struct {
	Place
	Record *Record `parser:"(?= 'schema' ('{' | Ident)) 'schema' ( (?= '{') @@"`
	Type   *Ref    `parser:"| @@ )"`
}

// Watermark is a fact of a source and a stage: `watermark at - 1m idle 5m ahead 1h as future`. A clause that is not written is nil.
type Watermark struct {
	Place
	Time    *Expr `parser:"(?= 'watermark' (?! '=' | '{')) 'watermark' @@"`
	Idle    *Expr `parser:"('idle' @@)?"`
	Ahead   *Expr `parser:"('ahead' @@"`
	AheadAs *Name `parser:"  ('as' @@)? )?"`
}

// Key is `key segment, country`.
type Key struct {
	Place
	Columns []*Name `parser:"(?= 'key' Ident) 'key' @@ (ListComma @@)*"`
}

// ErrorsAs is the fact `errors as unreadable` of a source.
type ErrorsAs struct {
	Place
	Name *Name `parser:"(?= 'errors' 'as') 'errors' 'as' @@"`
}

// BrokenFact stands where a fact could not be read: nothing may be concluded from what a body with one lacks.
type BrokenFact struct {
	Place
	Mark string `parser:"@Broken"`
}

// FactName is the name of the setting.
func (f *Setting) FactName() string { return f.Name.Text }

// FactName is the first word.
func (f *Choice) FactName() string { return f.Name.Text }

// FactName is the first word.
func (f *Rhythm) FactName() string { return f.Name.Text }

// FactName is the first word.
func (f *Group) FactName() string { return f.Name.Text }

// FactName is `schema`.
func (f *Schema) FactName() string { return "schema" }

// FactName is `watermark`.
func (f *Watermark) FactName() string { return "watermark" }

// FactName is `key`.
func (f *Key) FactName() string { return "key" }

// FactName is `errors`.
func (f *ErrorsAs) FactName() string { return "errors" }

// FactName is empty.
func (f *BrokenFact) FactName() string { return "" }

// Broken reports whether a fact of the body could not be read.
func (b *Body) Broken() bool { return FirstFact[*BrokenFact](b, "") != nil }

// Named gives all facts with that first word, in order: more than one means "set twice".
func (b *Body) Named(name string) []Fact {
	if b == nil {
		return nil
	}
	var out []Fact
	for _, f := range b.Facts {
		if f.FactName() == name {
			out = append(out, f)
		}
	}
	return out
}

// FirstFact is the first fact of kind F with that first word, or nil: FirstFact[*Setting](body, "topic").
func FirstFact[F Fact](b *Body, name string) F {
	var none F
	if b == nil {
		return none
	}
	for _, f := range b.Facts {
		if f, ok := f.(F); ok && f.FactName() == name {
			return f
		}
	}
	return none
}

// Setting is the first setting of that name, or nil.
func (b *Body) Setting(name string) *Setting { return FirstFact[*Setting](b, name) }

// Choice is the first choice of that name, or nil.
func (b *Body) Choice(name string) *Choice { return FirstFact[*Choice](b, name) }

// Rhythm is the first rhythm of that name, or nil.
func (b *Body) Rhythm(name string) *Rhythm { return FirstFact[*Rhythm](b, name) }

// Group is the first group of that name, or nil.
func (b *Body) Group(name string) *Group { return FirstFact[*Group](b, name) }

// Schema is the schema, or nil.
func (b *Body) Schema() *Schema { return FirstFact[*Schema](b, "schema") }

// Watermark is the watermark, or nil.
func (b *Body) Watermark() *Watermark { return FirstFact[*Watermark](b, "watermark") }

// Key is the key, or nil.
func (b *Body) Key() *Key { return FirstFact[*Key](b, "key") }

// ErrorsAs is the clause `errors as`, or nil.
func (b *Body) ErrorsAs() *ErrorsAs { return FirstFact[*ErrorsAs](b, "errors") }
