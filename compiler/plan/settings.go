package plan

import (
	"time"

	"pipec/grammar/diag"
)

// ParamKind is the type of a setting.
type ParamKind uint8

// The kinds. Word is one of Words; Choice is a word of a table with settings of its own (`format json { ... }`); Group is a named
// block of settings (`roll { ... }`).
const (
	TextParam ParamKind = iota
	IntParam
	FloatParam
	BoolParam
	DurationParam
	SizeParam
	TimestampParam
	WordParam
	ChoiceParam
	GroupParam
)

// Param declares one setting: the checker, `pipec docs` and completion read it.
type Param struct {
	Name     string
	Doc      string // one sentence
	Kind     ParamKind
	Default  any // string, int64, float64, bool, time.Duration (Size: int64); nil: none
	Required bool
	Words    []string // WordParam
	Table    string   // ChoiceParam: the table its word is looked up in, "format"
	Params   []Param  // GroupParam
	Example  string   // a line of a .pipe file
	Check    func(v any) string
}

// Settings are checked values of declared settings, defaults filled in.
type Settings struct {
	Values []Setting `json:"values,omitempty"`
}

// Setting is one value. Choices have the word as Value and Sub for the settings below it; groups have only Sub.
type Setting struct {
	Name   string    `json:"name"`
	Value  any       `json:"value,omitempty"` // string, int64, float64, bool, time.Duration
	Sub    *Settings `json:"sub,omitempty"`
	Secret bool      `json:"-"` // prints as ***
	Later  string    `json:"-"` // what is written, where only the start of a run knows the value
	Given  bool      `json:"-"` // written by the user, not a default
	Span   diag.Span `json:"-"`
}

// Get gives the setting, or nil.
func (s Settings) Get(name string) *Setting {
	for i := range s.Values {
		if s.Values[i].Name == name {
			return &s.Values[i]
		}
	}
	return nil
}

// Has says whether the setting has a value.
func (s Settings) Has(name string) bool { v := s.Get(name); return v != nil && v.Value != nil }

// Text gives a text or word, "" when unset.
func (s Settings) Text(name string) string { return get[string](s, name) }

// Int gives an int or a size, 0 when unset.
func (s Settings) Int(name string) int64 { return get[int64](s, name) }

// Float gives a float, 0 when unset.
func (s Settings) Float(name string) float64 { return get[float64](s, name) }

// Bool gives a bool, false when unset.
func (s Settings) Bool(name string) bool { return get[bool](s, name) }

// Duration gives a duration, 0 when unset.
func (s Settings) Duration(name string) time.Duration { return get[time.Duration](s, name) }

// Choice gives the chosen word and its settings; "" when unset.
func (s Settings) Choice(name string) (string, Settings) {
	v := s.Get(name)
	if v == nil || v.Value == nil {
		return "", Settings{}
	}
	return v.Value.(string), s.Group(name)
}

// Group gives the settings of a block, empty when unset.
func (s Settings) Group(name string) Settings {
	if v := s.Get(name); v != nil && v.Sub != nil {
		return *v.Sub
	}
	return Settings{}
}

func get[T any](s Settings, name string) T {
	var zero T
	if v := s.Get(name); v != nil {
		if t, ok := v.Value.(T); ok {
			return t
		}
	}
	return zero
}
