package status

import (
	"bytes"
	"fmt"

	"pipec/vm/value"
)

// Mark is a watermark: event time in microseconds, value.NoTime before the first, value.EndTime at the end of the input. In JSON it is null, a time
// (RFC 3339), or "end".
type Mark int64

// String is what a person reads: "-", a time, or "end".
func (m Mark) String() string {
	switch int64(m) {
	case value.NoTime:
		return "-"
	case value.EndTime:
		return "end"
	}
	return string(value.AppendTime(nil, int64(m)))
}

// Known says whether there is a watermark at all.
func (m Mark) Known() bool { return int64(m) != value.NoTime }

// MarshalJSON implements json.Marshaler.
func (m Mark) MarshalJSON() ([]byte, error) {
	if !m.Known() {
		return []byte("null"), nil
	}
	return append(append([]byte{'"'}, m.String()...), '"'), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *Mark) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case "null":
		*m = Mark(value.NoTime)
		return nil
	case `"end"`:
		*m = Mark(value.EndTime)
		return nil
	}
	t, ok := value.ParseTime(bytes.Trim(data, `"`))
	if !ok {
		return fmt.Errorf("no watermark: %s", data)
	}
	*m = Mark(t)
	return nil
}
