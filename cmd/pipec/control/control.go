// Package control is how one talks to a job that runs: requests and answers, one JSON object a line, over a socket in the file system of its machine.
//
// A socket is named after its job and lies where only its user can reach it. Whoever asks for a socket whose process has died removes it.
//
//	control.go  Request, Answer, Error: what goes over the wire
//	place.go    Dirs, List: where sockets lie, which of them are alive
//	server.go   Server: the job's end
//	client.go   Client: the other end
package control

import (
	"encoding/json"
	"errors"
)

// The verbs of the protocol.
const (
	Status     = "status"
	Checkpoint = "checkpoint"
	Cancel     = "cancel"
)

// Request is what a client asks. Arg is the verb's own.
type Request struct {
	Verb string `json:"verb"`
	Arg  string `json:"arg,omitempty"`
}

// Answer is what comes back: a value, or an error with the exit code that the client should end with.
type Answer struct {
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"`
	Exit  int             `json:"exit,omitempty"`
}

// Error is an Answer that says no.
type Error struct {
	Text string
	Exit int
}

// Error implements error.
func (e *Error) Error() string { return e.Text }

// ErrNone says that no job of that name runs.
var ErrNone = errors.New("no such job is running")

// maxLine bounds a request; answers are as long as they are.
const maxLine = 64 << 10

// answer makes a value, or an error, into an Answer.
func answer(v any, err error) Answer {
	var e *Error
	switch {
	case errors.As(err, &e):
		return Answer{Error: e.Text, Exit: e.Exit}
	case err != nil:
		return Answer{Error: err.Error(), Exit: 1}
	}
	data, err := json.Marshal(v)
	if err != nil {
		return Answer{Error: err.Error(), Exit: 1}
	}
	return Answer{Value: data}
}
