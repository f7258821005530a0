// Package diag is what the project says about a text: positions, diagnostics with a code, a caret and a way out, their order,
// and how they are drawn on a terminal or written as JSON.
//
//   - diag.go: Pos, Span, Diagnostic, List
//   - render.go: Render, the drawing with source lines and carets
//   - nearest.go: Nearest, "did you mean" by edit distance
//
// It imports nothing of the project, so every phase can report.
package diag

import (
	"cmp"
	"fmt"
	"slices"
)

// Pos is a place in one file. The zero Pos is "nowhere".
type Pos struct {
	Offset int32 `json:"offset"` // bytes from the start of the file
	Line   int32 `json:"line"`   // 1-based
	Column int32 `json:"column"` // 1-based, in runes
}

// Span is the text from Start up to, not including, End. An empty span (Start == End) points between two characters.
type Span struct {
	File  string `json:"file"`
	Start Pos    `json:"start"`
	End   Pos    `json:"end"`
}

// IsZero reports whether the span points nowhere.
func (s Span) IsZero() bool { return s.Start.Line == 0 }

// To is the span from the start of s to the end of end; both are in one file.
func (s Span) To(end Span) Span {
	s.End = end.End
	return s
}

// After is the empty span directly behind s: where something is missing.
func (s Span) After() Span {
	s.Start = s.End
	return s
}

// String is file:line:column, as editors and terminals link it.
func (s Span) String() string {
	return fmt.Sprintf("%s:%d:%d", s.File, s.Start.Line, s.Start.Column)
}

// Severity says what a diagnostic does to a run: only an error stops it.
type Severity uint8

// The severities, the gravest first.
const (
	Error Severity = iota
	Warning
	Hint
)

var severityNames = [...]string{"error", "warning", "hint"}

// String is the word that opens a rendered diagnostic.
func (s Severity) String() string { return severityNames[s] }

// MarshalText writes the severity as its word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word that MarshalText writes.
func (s *Severity) UnmarshalText(text []byte) error {
	for i, name := range severityNames {
		if name == string(text) {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("unknown severity %q", text)
}

// Related is a second place that belongs to a diagnostic, such as the first of two declarations of a name.
type Related struct {
	Span    Span   `json:"span"`
	Message string `json:"message"`
}

// Fix is an edit that removes the cause: Text replaces what is at Span. An empty Span inserts.
type Fix struct {
	Span Span   `json:"span"`
	Text string `json:"text"`
}

// Diagnostic is one mistake: what is wrong (Message), what to type instead (Label, at the caret) and how to get out (Help).
type Diagnostic struct {
	Code     string    `json:"code"`
	Severity Severity  `json:"severity"`
	Message  string    `json:"message"`
	Span     Span      `json:"span"`
	Label    string    `json:"label,omitempty"`
	Help     []string  `json:"help,omitempty"`
	Related  []Related `json:"related,omitempty"`
	Fix      *Fix      `json:"fix,omitempty"`
}

// Error makes a diagnostic usable as a Go error: place, code and message on one line.
func (d *Diagnostic) Error() string {
	return fmt.Sprintf("%s: %s[%s]: %s", d.Span, d.Severity, d.Code, d.Message)
}

// With sets the text at the caret and returns d.
func (d *Diagnostic) With(label string, args ...any) *Diagnostic {
	d.Label = sprintf(label, args)
	return d
}

// WithHelp adds a line of help and returns d.
func (d *Diagnostic) WithHelp(help string, args ...any) *Diagnostic {
	d.Help = append(d.Help, sprintf(help, args))
	return d
}

// WithRelated adds a second place and returns d.
func (d *Diagnostic) WithRelated(span Span, message string, args ...any) *Diagnostic {
	d.Related = append(d.Related, Related{Span: span, Message: sprintf(message, args)})
	return d
}

// WithFix sets the edit that repairs the text and returns d.
func (d *Diagnostic) WithFix(span Span, text string) *Diagnostic {
	d.Fix = &Fix{Span: span, Text: text}
	return d
}

// sprintf leaves a text without arguments alone, so that a message may contain a percent sign.
func sprintf(text string, args []any) string {
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// New is a diagnostic with the parts that every one has.
func New(severity Severity, code string, span Span, message string, args ...any) *Diagnostic {
	return &Diagnostic{Code: code, Severity: severity, Message: sprintf(message, args), Span: span}
}

// List collects diagnostics. The zero List is empty and ready; it is not safe for concurrent use.
type List []*Diagnostic

// Add appends d.
func (l *List) Add(d *Diagnostic) { *l = append(*l, d) }

// Errorf appends an error and returns it, so that label, help and fix can be set.
func (l *List) Errorf(code string, span Span, message string, args ...any) *Diagnostic {
	return l.add(Error, code, span, message, args)
}

// Warnf appends a warning and returns it.
func (l *List) Warnf(code string, span Span, message string, args ...any) *Diagnostic {
	return l.add(Warning, code, span, message, args)
}

// Hintf appends a hint and returns it.
func (l *List) Hintf(code string, span Span, message string, args ...any) *Diagnostic {
	return l.add(Hint, code, span, message, args)
}

func (l *List) add(severity Severity, code string, span Span, message string, args []any) *Diagnostic {
	d := New(severity, code, span, message, args...)
	l.Add(d)
	return d
}

// HasErrors reports whether anything in the list stops a run.
func (l List) HasErrors() bool {
	return slices.ContainsFunc(l, func(d *Diagnostic) bool { return d.Severity == Error })
}

// Sort orders by file, place, severity and code, and drops a diagnostic that says the same at the same place as another.
func (l *List) Sort() {
	slices.SortStableFunc(*l, func(a, b *Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.Span.File, b.Span.File),
			cmp.Compare(a.Span.Start.Offset, b.Span.Start.Offset),
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Message, b.Message),
		)
	})
	*l = slices.CompactFunc(*l, func(a, b *Diagnostic) bool {
		return a.Code == b.Code && a.Span.File == b.Span.File && a.Span.Start == b.Span.Start && a.Message == b.Message
	})
}
