package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"pipec/cmd/pipec/roff"
)

func manCommand(std streams) *cobra.Command {
	return &cobra.Command{
		Use:               "man",
		Short:             "the manual page",
		Long:              "man prints the manual page, written from the commands themselves, for man(1) and for packages.",
		Example:           "  pipec man > pipec.1",
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              noArguments,
		RunE:              func(cmd *cobra.Command, _ []string) error { return written(manual(std.out, cmd.Root())) },
	}
}

// exitCodes are what the process may end with.
var exitCodes = []struct {
	code int
	doc  string
}{
	{exitOK, "finished, stopped, cancelled, or suspended with its last checkpoint, as asked; valid; all as expected"},
	{exitFailed, "the job failed; a source, a sink or a storage could not be opened; a file differs"},
	{exitUsage, "wrong use of the command line"},
	{exitInvalid, "the program or the configuration is invalid"},
	{exitSnapshot, "the snapshot cannot be restored"},
	{exitRunning, "the job is already running, or no such job is running"},
	{exitKilled, "ended at once by a second signal"},
}

// environment is what the process reads of it.
var environment = [][2]string{
	{"PIPEC_CONFIG", "The configuration file with site defaults, unless --config names one."},
	{"NO_COLOR", "If it is set, nothing is coloured."},
	{"XDG_STATE_HOME", "Where the badger backend keeps its working files; ~/.local/state unless set."},
	{"XDG_RUNTIME_DIR", "Where the control sockets of running jobs are; a folder of the user's below the temporary one unless set."},
}

// manual writes the page in the macros of man(7).
func manual(w io.Writer, root *cobra.Command) error {
	m := &roff.Page{}
	m.Macro("TH", "PIPEC", "1", "", "pipec "+versionText(), "")
	m.Macro("SH", "NAME")
	m.Text("pipec - " + root.Short)
	m.Macro("SH", "SYNOPSIS")
	m.Text("pipec COMMAND [FLAGS] [ARGUMENTS]")
	m.Macro("SH", "DESCRIPTION")
	m.Text(root.Long)
	m.Macro("SH", "COMMANDS")
	commands(m, root)
	m.Macro("SH", "EXIT STATUS")
	for _, e := range exitCodes {
		m.Item(fmt.Sprint(e.code), e.doc)
	}
	m.Macro("SH", "ENVIRONMENT")
	for _, e := range environment {
		m.Item(e[0], e[1])
	}
	m.Macro("SH", "FILES")
	m.Item("./pipec.conf, /etc/pipec/pipec.conf", "Site defaults, unless --config or PIPEC_CONFIG names another file: one job block without a name.")
	_, err := io.WriteString(w, m.String())
	return err
}

// commands writes all that can be run below a command.
func commands(m *roff.Page, cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		if !c.IsAvailableCommand() || c.Name() == "help" {
			continue
		}
		if c.Runnable() {
			m.Macro("SS", strings.TrimSuffix(c.UseLine(), " [flags]"))
			m.Text(c.Long)
			c.LocalFlags().VisitAll(func(f *pflag.Flag) {
				if !f.Hidden && f.Name != "help" {
					manualFlag(m, f)
				}
			})
			m.Macro("PP")
			m.Example(c.Example)
		}
		commands(m, c)
	}
}

// manualFlag writes a flag with its value, whose name stands in backquotes in its text.
func manualFlag(m *roff.Page, f *pflag.Flag) {
	term := "--" + f.Name
	if f.Shorthand != "" {
		term = "-" + f.Shorthand + ", " + term
	}
	kind, text := pflag.UnquoteUsage(f)
	if kind != "" {
		term += " " + kind
	}
	m.Item(term, text)
}
