package control

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Handler answers a request: with a value that is sent as JSON, or an error, which may be an *Error. It is called from several goroutines.
type Handler func(r Request) (any, error)

// Server is a job's socket.
type Server struct {
	name     string
	path     string
	listener *net.UnixListener
	handle   Handler

	mu     sync.Mutex
	open   map[net.Conn]bool // true: a request is being answered
	closed bool
	busy   sync.WaitGroup
}

// Listen opens the job's socket in the first directory that allows it. If another process answers to that name, the process id is put behind it.
func Listen(dirs []string, name string, h Handler) (*Server, error) {
	var errs []error
	for _, dir := range dirs {
		s, err := listen(dir, name, h)
		if err == nil {
			go s.accept()
			return s, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func listen(dir, name string, h Handler) (*Server, error) {
	if err := secure(dir); err != nil {
		return nil, err
	}
	s := &Server{name: name, handle: h, open: map[net.Conn]bool{}}
	hidden := filepath.Join(dir, fmt.Sprintf(".%s.%d", name, os.Getpid()))
	err := locked(dir, func() (err error) {
		_ = os.Remove(hidden) // of a process that had this number and died
		if s.listener, err = net.ListenUnix("unix", &net.UnixAddr{Name: hidden, Net: "unix"}); err != nil {
			return err
		}
		s.listener.SetUnlinkOnClose(false)
		s.path = filepath.Join(dir, s.name+suffix)
		if _, err := os.Lstat(s.path); err == nil && alive(s.path) {
			s.name = fmt.Sprintf("%s@%d", name, os.Getpid())
			s.path = filepath.Join(dir, s.name+suffix)
		}
		return os.Rename(hidden, s.path) // from here on others see it, and it listens already
	})
	if err != nil {
		if s.listener != nil {
			s.listener.Close()
			_ = os.Remove(hidden)
		}
		if strings.Contains(err.Error(), "invalid argument") {
			err = fmt.Errorf("%w: the path is too long for a socket", err)
		}
		return nil, err
	}
	return s, nil
}

// Name is what the job is called: NAME, or NAME@PROCESS if another process was first.
func (s *Server) Name() string { return s.name }

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return // closed
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			c.Close()
			return
		}
		s.open[c] = false
		s.busy.Add(1)
		s.mu.Unlock()
		go s.serve(c)
	}
}

// serve answers one connection, request after request.
func (s *Server) serve(c net.Conn) {
	defer s.busy.Done()
	defer func() {
		s.mu.Lock()
		delete(s.open, c)
		s.mu.Unlock()
		c.Close()
	}()
	lines := bufio.NewScanner(c)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	out := json.NewEncoder(c)
	out.SetEscapeHTML(false)
	for lines.Scan() {
		if !s.begin(c) {
			return
		}
		var r Request
		var a Answer
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			a = Answer{Error: "no request: " + err.Error(), Exit: 2}
		} else {
			a = answer(s.handle(r))
		}
		if out.Encode(a) != nil || !s.end(c) {
			return
		}
	}
}

// begin and end mark a connection as being answered; false: the server closes.
func (s *Server) begin(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = !s.closed
	return !s.closed
}

func (s *Server) end(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = false
	return !s.closed
}

// Close removes the socket and lets requests that are being answered come to their end, for as long as patience lasts.
func (s *Server) Close(patience time.Duration) {
	_ = locked(filepath.Dir(s.path), func() error { return os.Remove(s.path) })
	s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for c, answering := range s.open {
		if !answering {
			c.Close()
		} else {
			_ = c.SetDeadline(time.Now().Add(patience))
		}
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.busy.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(patience):
	}
}
