package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"pipec/checkpoint/event"
	"pipec/cmd/pipec/control"
	"pipec/cmd/pipec/screen"
	"pipec/vm/status"
)

// answerTime is how long a running job may take to say how it is.
const answerTime = 5 * time.Second

// oneJob is the check of what follows a verb that talks to a job.
func oneJob(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s takes the name of one job, not %d; `pipec ps` lists them", cmd.CommandPath(), len(args))
	}
	return nil
}

// completeJobs offers the jobs that run.
func completeJobs(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return control.List(sockets()), cobra.ShellCompDirectiveNoFileComp
}

// psEntry is one line of ps: the name under which the job is reached, and how it is, if it says so in time.
type psEntry struct {
	Name   string      `json:"name"`
	Status *status.Job `json:"status,omitempty"`
	Error  string      `json:"error,omitempty"`
}

func psCommand(std streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "ps",
		Short:   "the jobs that run on this machine",
		Long:    "ps lists the jobs that run on this machine under your name.",
		Example: "  pipec ps",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			jobs := []psEntry{}
			for _, name := range control.List(sockets()) {
				j := psEntry{Name: name}
				var s status.Job
				err := ask(name, control.Request{Verb: control.Status}, &s, time.Now().Add(answerTime))
				switch {
				case errors.Is(err, control.ErrNone):
					continue // it has ended meanwhile
				case err != nil:
					j.Error = err.Error()
				default:
					j.Status = &s
				}
				jobs = append(jobs, j)
			}
			if asJSON {
				return printJSON(std.out, jobs)
			}
			if len(jobs) == 0 {
				fmt.Fprintln(std.err, "no job runs")
				return nil
			}
			return listJobs(std.out, jobs)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value: name and status of every job")
	return cmd
}

func listJobs(w io.Writer, jobs []psEntry) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "JOB\tSTATE\tFOR\tPROCESS\tRESTARTS\tCHECKPOINT\tWATERMARK")
	for _, j := range jobs {
		s := j.Status
		if s == nil {
			fmt.Fprintf(t, "%s\tno answer: %s\n", j.Name, j.Error)
			continue
		}
		checkpoint := "-"
		if l := s.Checkpoints.Last; l != nil {
			checkpoint = fmt.Sprintf("%d, %s ago", l.ID, screen.Short(time.Duration(l.AgeMS)*time.Millisecond))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%s\t%s\n", j.Name, s.State, screen.Short(s.Time.Sub(s.Since)), s.Process, s.Restarts, checkpoint, s.Watermark)
	}
	if err := t.Flush(); err != nil {
		return &exit{exitFailed, err}
	}
	return nil
}

func statusCommand(std streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status JOB",
		Short: "one of them, in one screen",
		Long: `status says how a running job is: its state, its checkpoints, what holds its watermark back, and what passes each stage.
Counts are those of the process, replayed rows included. Exit 5: no such job runs.`,
		Example:           "  pipec status flights",
		Args:              oneJob,
		ValidArgsFunction: completeJobs,
		RunE: func(_ *cobra.Command, args []string) error {
			var s status.Job
			if err := ask(args[0], control.Request{Verb: control.Status}, &s, time.Now().Add(answerTime)); err != nil {
				return err
			}
			if asJSON {
				return printJSON(std.out, s)
			}
			width := 1000 // in a pipe each thing is one line
			if f := terminal(std.out); f != nil {
				if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 1 {
					width = w - 1
				}
			}
			for _, l := range screen.Status(s, width) {
				fmt.Fprintln(std.out, l.Text)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value")
	return cmd
}

func checkpointCommand(std streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "checkpoint JOB",
		Short: "take one now",
		Long: `checkpoint takes a checkpoint of a running job, waits until it is complete, and prints its path: what ` + "`pipec run -s`" + ` goes on from.
It belongs to the job, which lets it go like any other; a savepoint is yours. Exit 1: it failed; 5: no such job runs.`,
		Example:           "  pipec checkpoint flights",
		Args:              oneJob,
		ValidArgsFunction: completeJobs,
		RunE: func(_ *cobra.Command, args []string) error {
			var c taken
			if err := ask(args[0], control.Request{Verb: control.Checkpoint}, &c, time.Time{}); err != nil {
				return err
			}
			if asJSON {
				return printJSON(std.out, c)
			}
			if c.Path == "" {
				fmt.Fprintf(std.err, "checkpoint %d lies in the process and has no path: it is lost with it\n", c.ID)
				return nil
			}
			fmt.Fprintln(std.out, c.Path)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value: id, path, duration, size")
	return cmd
}

func cancelCommand(std streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "cancel JOB",
		Short: "end now",
		Long: `cancel ends a running job without a last checkpoint, and waits until it has ended. Its setting on_cancel says what becomes of its
checkpoints: delete (the default) or keep. Exit 1: it failed before; 5: no such job runs.`,
		Example:           "  pipec cancel flights",
		Args:              oneJob,
		ValidArgsFunction: completeJobs,
		RunE: func(_ *cobra.Command, args []string) error {
			var o over
			if err := ask(args[0], control.Request{Verb: control.Cancel}, &o, time.Time{}); err != nil {
				return err
			}
			if asJSON {
				if err := printJSON(std.out, o); err != nil {
					return err
				}
			}
			if o.State == event.Failed {
				return &exit{exitFailed, fmt.Errorf("%s failed before it could be cancelled: %s", args[0], o.Error)}
			}
			if !asJSON {
				fmt.Fprintln(std.err, farewellText(args[0], o))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value: state, what became of the checkpoints")
	return cmd
}

// farewellText is what a person reads after cancel.
func farewellText(name string, o over) string {
	text := fmt.Sprintf("%s: %s", name, o.State)
	switch o.Checkpoints {
	case "kept":
		text += ", checkpoints kept; the newest is " + o.Path
	case "deleted":
		text += ", checkpoints deleted"
	}
	return text
}
