package format

import (
	"pipec/compiler/plan"
	"pipec/vm/value"
)

// unit is how times lie in the input: the setting `timestamps`.
type unit uint8

const (
	unitAuto unit = iota // RFC 3339, or whole milliseconds
	unitSecond
	unitMilli
	unitMicro
)

var unitWords = []string{"auto", "s", "ms", "us"}

var timestampsParam = plan.Param{
	Name:    "timestamps",
	Doc:     "How times are written in the input: auto takes RFC 3339 text and whole numbers of milliseconds, the others take whole numbers of their unit since 1970.",
	Kind:    plan.WordParam,
	Default: "auto",
	Words:   unitWords,
	Example: "timestamps = us",
}

func unitOf(s plan.Settings) unit {
	for i, w := range unitWords {
		if w == s.Text("timestamps") {
			return unit(i)
		}
	}
	return unitAuto
}

func (u unit) word() string { return unitWords[u] }

func (u unit) String() string {
	return [...]string{"milliseconds", "seconds", "milliseconds", "microseconds"}[u]
}

// micros is how many microseconds one of the unit is.
func (u unit) micros() int64 {
	return [...]int64{value.Millisecond, value.Second, value.Millisecond, 1}[u]
}

// scale turns a whole number of the unit into an instant.
func (u unit) scale(n int64) (micros int64, err error) {
	by := u.micros()
	if micros = n * by; micros/by != n {
		return 0, value.ErrRange
	}
	return micros, nil
}

// scaled is what a whole number stands for in a column of ints or times.
func (c *column) scaled(n int64) (int64, error) {
	if c.kind == value.Int {
		return n, nil
	}
	return c.unit.scale(n)
}

// parseTime reads a time from text that may hold a number or RFC 3339 (a CSV field, the key of a map).
func (c *column) parseTime(text []byte) (int64, error) {
	if c.unit == unitAuto {
		// Shorter text, and text without a dash behind the year, can only be a number.
		if len(text) >= len("2006-01-02T15:04:05Z") || len(text) > 4 && text[4] == '-' {
			return c.parseInstant(text)
		}
	}
	n, err := value.ParseInt(text)
	if err != nil {
		return 0, err
	}
	return c.unit.scale(n)
}

// parseInstant reads RFC 3339.
func (c *column) parseInstant(text []byte) (int64, error) {
	last := &c.time
	if len(text) == last.n && string(text) == string(last.text[:last.n]) && last.n > 0 {
		return last.micros, nil
	}
	micros, ok := value.ParseTime(text)
	if !ok {
		return 0, value.WhyNoTime(text)
	}
	if len(text) <= len(last.text) {
		last.n = copy(last.text[:], text)
		last.micros = micros
	}
	return micros, nil
}
