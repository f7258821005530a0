package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"pipec/state/blob"
)

// ErrSnapshot is what every error about a snapshot that can't be read is: missing, damaged, or no snapshot at all.
var ErrSnapshot = errors.New("snapshot cannot be read")

// SnapshotError names the file and what is wrong with it.
type SnapshotError struct {
	URI    string // of the file
	Reason string
	Cause  error // may be nil
}

// Error implements error.
func (e *SnapshotError) Error() string { return e.URI + ": " + e.Reason }

// Is makes errors.Is(err, ErrSnapshot) hold.
func (e *SnapshotError) Is(target error) bool { return target == ErrSnapshot }

// Unwrap returns the cause.
func (e *SnapshotError) Unwrap() error { return e.Cause }

// A frame is a line of text and JSON: "pipec-<kind> <version> <length of the JSON> <its xxh64, 16 hex digits>". People read it with a
// pager; any single flipped bit and any truncation is found.
const frameVersion = 1

func frameHeader(kind string, payload []byte) []byte {
	return fmt.Appendf(nil, "pipec-%s %d %d %016x\n", kind, frameVersion, len(payload), xxhash.Sum64(payload))
}

// encodeFrame writes v as a frame.
func encodeFrame(kind string, v any) ([]byte, error) {
	var payload bytes.Buffer
	enc := json.NewEncoder(&payload)
	enc.SetEscapeHTML(false) // the program's text is in here and should stay readable
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return append(frameHeader(kind, payload.Bytes()), payload.Bytes()...), nil
}

// decodeFrame reads a frame into v. uri names it in errors, which are *SnapshotError.
func decodeFrame(kind, uri string, data []byte, v any) error {
	damaged := func(format string, args ...any) error {
		return &SnapshotError{URI: uri, Reason: fmt.Sprintf(format, args...), Cause: blob.ErrDamaged}
	}
	if len(data) == 0 {
		return damaged("damaged: the file is empty")
	}
	header, payload, ok := bytes.Cut(data, []byte("\n"))
	var version, length int
	var sum uint64
	if _, err := fmt.Sscanf(string(header), "pipec-"+kind+" %d %d %x", &version, &length, &sum); err != nil || !ok {
		return damaged("damaged, or no %s of pipec: it does not begin with \"pipec-%s VERSION LENGTH CHECKSUM\"", kind, kind)
	}
	if len(payload) != length {
		return damaged("damaged: %d bytes follow its first line, which says %d", len(payload), length)
	}
	if xxhash.Sum64(payload) != sum {
		return damaged("damaged: the checksum does not match")
	}
	if version != frameVersion {
		return &SnapshotError{URI: uri, Reason: fmt.Sprintf("written in format %d; this pipec reads format %d", version, frameVersion)}
	}
	// The numbers can be written in several ways ("+1", "0A"): only the one that was written is undamaged.
	if !bytes.Equal(append(header, '\n'), frameHeader(kind, payload)) {
		return damaged("damaged: its first line was changed")
	}
	if err := json.Unmarshal(payload, v); err != nil {
		return damaged("damaged: %v", err)
	}
	return nil
}
