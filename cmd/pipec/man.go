package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
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
	m := &roff{}
	m.macro("TH", "PIPEC", "1", "", "pipec "+versionText(), "")
	m.macro("SH", "NAME")
	m.text("pipec - " + root.Short)
	m.macro("SH", "SYNOPSIS")
	m.text("pipec COMMAND [FLAGS] [ARGUMENTS]")
	m.macro("SH", "DESCRIPTION")
	m.text(root.Long)
	m.macro("SH", "COMMANDS")
	m.commands(root)
	m.macro("SH", "EXIT STATUS")
	for _, e := range exitCodes {
		m.item(fmt.Sprint(e.code), e.doc)
	}
	m.macro("SH", "ENVIRONMENT")
	for _, e := range environment {
		m.item(e[0], e[1])
	}
	m.macro("SH", "FILES")
	m.item("./pipec.conf, /etc/pipec/pipec.conf", "Site defaults, unless --config or PIPEC_CONFIG names another file: one job block without a name.")
	_, err := io.WriteString(w, m.String())
	return err
}

// roff is a page being written.
type roff struct{ strings.Builder }

// macro writes a request with its arguments in quotes.
func (m *roff) macro(name string, args ...string) {
	m.WriteString("." + name)
	for _, a := range args {
		m.WriteString(` "` + strings.ReplaceAll(escape(a), `"`, `\(dq`) + `"`)
	}
	m.WriteByte('\n')
}

// text writes a text as filled lines; an indented line stays as it is, an empty one begins a paragraph.
func (m *roff) text(text string) {
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		switch {
		case line == "":
			m.macro("PP")
		case line[0] == ' ':
			m.WriteString(".nf\n" + escape(line) + "\n.fi\n")
		default:
			m.WriteString(escape(line) + "\n")
		}
	}
}

// item is a term with what it means.
func (m *roff) item(term, text string) {
	m.macro("TP")
	m.WriteString("\\fB" + escape(term) + "\\fR\n")
	m.text(text)
}

// commands writes all that can be run below a command.
func (m *roff) commands(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		if !c.IsAvailableCommand() || c.Name() == "help" {
			continue
		}
		if c.Runnable() {
			m.macro("SS", strings.TrimSuffix(c.UseLine(), " [flags]"))
			m.text(c.Long)
			c.LocalFlags().VisitAll(func(f *pflag.Flag) {
				if !f.Hidden && f.Name != "help" {
					m.flag(f)
				}
			})
			m.macro("PP")
			m.WriteString(".nf\n" + escape(c.Example) + "\n.fi\n")
		}
		m.commands(c)
	}
}

// flag writes a flag with its value, whose name stands in backquotes in its text.
func (m *roff) flag(f *pflag.Flag) {
	term := "--" + f.Name
	if f.Shorthand != "" {
		term = "-" + f.Shorthand + ", " + term
	}
	kind, text := pflag.UnquoteUsage(f)
	if kind != "" {
		term += " " + kind
	}
	m.item(term, text)
}

// escape makes text safe for roff: backslashes and hyphens stay what they are, and no line is a request.
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
