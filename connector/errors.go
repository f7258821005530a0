package connector

import (
	"errors"
	"io/fs"
	"os"

	"pipec/connector/listing"
)

// What fails for good: trying again cannot help, so no restart strategy is asked (architecture, rule 9). Everything else that a source or a sink returns
// (an I/O error on the way, a full disk) is transient. Test with errors.Is.
var (
	// ErrOpen: a source or a sink cannot be opened: it is missing, unreadable, not writable.
	ErrOpen = errors.New("cannot open")
	// ErrPosition: an input no longer holds the position of the snapshot: it is gone, shorter, or another one. The snapshot cannot be restored (exit code 4).
	ErrPosition = errors.New("cannot go on in")
	// ErrInput: an input was opened and cannot be read to its end: damaged, shrunk while it was read, a record beyond all bounds, a wrong header.
	ErrInput = errors.New("cannot read")
	// ErrLost: output that a checkpoint covers is neither pending nor published any more.
	ErrLost = errors.New("output is lost:")
	// ErrClosed: who read the standard output has gone.
	ErrClosed = errors.New("cannot write to")
)

// Error is a permanent failure of one input or output. It unwraps to its kind, one of the above, and to its cause.
type Error struct {
	Kind error
	What string // the file, or the stream
	Text string // what is the matter with it
	Err  error  // cause, or nil
}

// Error implements error: `cannot open data/x.csv: no such file or directory`.
func (e *Error) Error() string { return e.Kind.Error() + " " + e.What + ": " + e.Text }

// Unwrap gives the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Permanent says whether trying again cannot help.
func Permanent(err error) bool {
	var e *Error
	return errors.As(err, &e)
}

// inputError is ErrInput.
func inputError(what, text string, err error) error {
	return &Error{Kind: ErrInput, What: what, Text: text, Err: err}
}

// openError is ErrOpen with the words of the operating system.
func openError(what string, err error) error {
	return &Error{Kind: ErrOpen, What: what, Text: cause(err), Err: err}
}

// listError is ErrOpen for a path that stands for nothing that can be read; other errors stay as they are.
func listError(err error) error {
	var e *listing.Error
	if !errors.As(err, &e) {
		return err
	}
	return &Error{Kind: ErrOpen, What: e.Path, Text: e.Text, Err: e.Err}
}

// cause strips operation and path from an error of a file system: the message names the path already.
func cause(err error) string {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		err = p.Err
	case errors.As(err, &l):
		err = l.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "no such file or directory"
	}
	return err.Error()
}
