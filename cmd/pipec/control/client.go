package control

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Client is a connection to one job.
type Client struct {
	conn net.Conn
	in   *bufio.Reader
	out  *json.Encoder
}

// Dial connects to the job of that name: ErrNone if none runs.
func Dial(dirs []string, name string) (*Client, error) {
	if name == "" || strings.ContainsAny(name, "/\x00") {
		return nil, fmt.Errorf("%w: %q", ErrNone, name)
	}
	for _, dir := range dirs {
		if secured(dir) != nil {
			continue
		}
		path := filepath.Join(dir, name+suffix)
		conn, err := net.DialTimeout("unix", path, dialTimeout)
		if err == nil {
			return &Client{conn, bufio.NewReader(conn), json.NewEncoder(conn)}, nil
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			_ = locked(dir, func() error { alive(path); return nil }) // looks again, and removes it
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrNone, name)
}

// Call sends a request and decodes the answer's value into v. It waits for as long as it takes, or until the deadline if that is not zero. An answer
// that says no is an *Error.
func (c *Client) Call(r Request, v any, deadline time.Time) error {
	if err := c.conn.SetDeadline(deadline); err != nil {
		return err
	}
	err := c.out.Encode(r)
	var line []byte
	if err == nil {
		line, err = c.in.ReadBytes('\n')
	}
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
			return fmt.Errorf("%w any more: it ended before it could answer", ErrNone)
		}
		return err
	}
	var a Answer
	if err := json.Unmarshal(line, &a); err != nil {
		return fmt.Errorf("the job answered with something else: %w", err)
	}
	if a.Error != "" {
		return &Error{a.Error, a.Exit}
	}
	return json.Unmarshal(a.Value, v)
}

// Close ends the connection.
func (c *Client) Close() { c.conn.Close() }
