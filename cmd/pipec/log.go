package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"pipec/checkpoint/event"
	"pipec/grammar/diag"
)

// The forms of `--log`.
const (
	logText = "text" // lines for people: reports, what failed, what is gone on with
	logJSON = "json" // one object a line: the events of `--events`, and the bodies below
)

// note is a line for people that is no event, such as what a run begins with and the command that goes on.
type note struct {
	Text string `json:"text"`
}

// failed is why the command ends, or what it could not do beside; then Exit is 0.
type failed struct {
	Text string `json:"text"`
	Exit int    `json:"exit,omitempty"`
}

// found is a diagnostic of the program, as `validate --json` gives it.
type found struct {
	*diag.Diagnostic
}

// Name implements event.Body.
func (note) Name() string { return "note" }

// Name implements event.Body.
func (failed) Name() string { return "error" }

// Name implements event.Body.
func (found) Name() string { return "diagnostic" }

// journal is the log of `run` as objects; a nil one is none, and the log is text.
type journal struct {
	to *event.Writer

	mu       sync.Mutex
	job, run string // as far as they are known
}

func logFlag(cmd *cobra.Command, form *string) {
	cmd.Flags().StringVar(form, "log", logText, "`FORM` of the log on stderr: text, or json, one object a line")
	_ = cmd.RegisterFlagCompletionFunc("log", cobra.FixedCompletions([]string{
		cobra.CompletionWithDesc(logText, "lines for people"), cobra.CompletionWithDesc(logJSON, "one object a line, as in --events"),
	}, cobra.ShellCompDirectiveNoFileComp))
}

// newJournal gives nil for text.
func newJournal(form string, w io.Writer) (*journal, error) {
	switch form {
	case logText:
		return nil, nil
	case logJSON:
		return &journal{to: event.NewWriter(w)}, nil
	}
	return nil, fmt.Errorf("--log is %s or %s, not %q", logText, logJSON, form)
}

// hear writes an event of the job, unless only errors are wanted.
func (j *journal) hear(e event.Event, quiet bool) {
	j.mu.Lock()
	j.job, j.run = e.Job, e.Run
	j.mu.Unlock()
	if !quiet {
		j.to.Emit(e)
	}
}

// say writes what is no event of the job.
func (j *journal) say(b event.Body) {
	j.mu.Lock()
	e := event.Event{Time: time.Now(), Job: j.job, Run: j.run, Body: b}
	j.mu.Unlock()
	j.to.Emit(e)
}

// through changes where it is written to, before anybody writes.
func (j *journal) through(w io.Writer) *journal {
	if j != nil {
		j.to = event.NewWriter(w)
	}
	return j
}

// render shows what was found in the program, in either form.
func (j *journal) render(std streams, list diag.List, sources map[string]string) {
	if j == nil {
		render(std, list, sources)
		return
	}
	for _, d := range list {
		j.say(found{d})
	}
}

// end writes the error that the command ends with; main then has nothing more to say.
func (j *journal) end(err error) error {
	var e *exit
	if j == nil || !errors.As(err, &e) || e.err == nil {
		return err
	}
	j.say(failed{Text: e.err.Error(), Exit: e.code})
	return &exit{e.code, nil}
}

// eventFile is the file of `--events`, an event.Sink; a nil one is none.
type eventFile struct {
	file *os.File
	to   *event.Writer
}

// openEvents gives nil if the name is empty.
func openEvents(name string) (*eventFile, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return &eventFile{file, event.NewWriter(file)}, nil
}

// Emit implements event.Sink.
func (e *eventFile) Emit(what event.Event) {
	if e != nil {
		e.to.Emit(what)
	}
}

// close gives the first error of writing; a second call does nothing.
func (e *eventFile) close() error {
	if e == nil || e.file == nil {
		return nil
	}
	err := e.file.Close()
	e.file = nil
	if e.to.Err() != nil {
		return e.to.Err()
	}
	return err
}
