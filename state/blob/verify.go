package blob

import (
	"errors"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"
)

// DamageError says what is wrong with an object. It is ErrDamaged, and ErrNotExist if the object is gone.
type DamageError struct {
	URI    string // of the object
	Reason string
	Cause  error // may be nil
}

// Error implements error.
func (e *DamageError) Error() string { return e.URI + ": " + e.Reason }

// Is makes errors.Is(err, ErrDamaged) hold.
func (e *DamageError) Is(target error) bool { return target == ErrDamaged }

// Unwrap returns the cause.
func (e *DamageError) Unwrap() error { return e.Cause }

func damaged(s Store, ref Ref, cause error, format string, args ...any) error {
	return &DamageError{URI: JoinURI(s.URI(), ref.Name), Reason: fmt.Sprintf(format, args...), Cause: cause}
}

// Verify reads an object from end to end and compares length and checksum: nil, a *DamageError, or the error of reading.
func Verify(s Store, ref Ref) error {
	r, err := OpenRef(s, ref)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}

// OpenRef opens an object whose length is checked at once and whose checksum is checked by the Read that meets the end: that Read
// returns a *DamageError instead of io.EOF. Who must not act on half-checked bytes calls Verify first. ReadAt does not check.
func OpenRef(s Store, ref Ref) (Reader, error) {
	r, err := s.Open(ref.Name)
	if errors.Is(err, ErrNotExist) {
		return nil, damaged(s, ref, err, "the file is missing")
	}
	if err != nil {
		return nil, err
	}
	if r.Size() != ref.Size {
		r.Close()
		return nil, damaged(s, ref, nil, "the file has %d bytes, it was written with %d", r.Size(), ref.Size)
	}
	return &checked{Reader: r, store: s, ref: ref, sum: xxhash.New()}, nil
}

// ReadRef reads a whole object and checks it.
func ReadRef(s Store, ref Ref) ([]byte, error) {
	r, err := OpenRef(s, ref)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data := make([]byte, ref.Size)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(r, make([]byte, 1)); err != io.EOF { // the Read that meets the end compares the checksum
		return nil, err
	}
	return data, nil
}

// ReadAll reads a whole object without knowing what it must contain.
func ReadAll(s Store, name string) ([]byte, error) {
	r, err := s.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

type checked struct {
	Reader
	store Store
	ref   Ref
	sum   *xxhash.Digest
	read  int64
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.sum.Write(p[:n])
	c.read += int64(n)
	switch {
	case c.read > c.ref.Size || err == io.EOF && c.read < c.ref.Size:
		return n, damaged(c.store, c.ref, nil, "the file changed its length while it was read")
	case err == io.EOF && c.sum.Sum64() != c.ref.Sum:
		return n, damaged(c.store, c.ref, nil, "the checksum does not match: the file's content was changed")
	}
	return n, err
}
