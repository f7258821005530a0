// Command pipec checks, plans and runs stream jobs that are written in one `.pipe` file.
//
//	main.go      the root command, exit codes, standard streams
//	compile.go   from a file and the command line to a plan or diagnostics
//	run.go       run: flags, signals, reports
//	faults.go    --fault: its check against the program, its completion
//	report.go    what a run prints at its start and at its end; log.go: the same as objects, and --events
//	display.go   what a run shows on a terminal
//	serve.go     a running job's control socket; jobs.go: the verbs that use it
//	validate.go fmt.go plan.go version.go   one file per verb
//	docs.go explain.go new.go               what a person looks up, and begins with (first/)
//	completion.go man.go help.go            shells, man(1), --help
//	usage.go     what is said about a wrong command line
//	state.go     state ls, state verify
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	_ "time/tzdata" // the binary stands alone: time zones too

	"github.com/spf13/cobra"
)

// The exit codes of the command line's contract (spec/cli.md).
const (
	exitOK       = 0
	exitFailed   = 1
	exitUsage    = 2
	exitInvalid  = 3
	exitSnapshot = 4
	exitRunning  = 5
	exitKilled   = 130
)

// streams are the process's standard streams: stdout carries data only, all else goes to stderr.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// exit is an error that has been shown already, or is shown by main, with the code the process ends with.
type exit struct {
	code int
	err  error // nil: nothing more to say
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

func main() {
	os.Exit(execute(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// execute runs one command line and gives the exit code.
func execute(args []string, std streams) int {
	root := newRoot(std)
	root.SetArgs(args)
	cmd, err := root, strayWord(root, args)
	if err == nil {
		cmd, err = root.ExecuteC()
	}
	if err == nil {
		return exitOK
	}
	var e *exit
	if !errors.As(err, &e) {
		errors.As(misuse(cmd, err), &e)
	}
	if e.err != nil {
		fmt.Fprintf(std.err, "pipec: %v\n", e.err)
	}
	return e.code
}

// oneFile and someFiles are the checks of what follows a verb: exactly one program, or at least one.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s takes one file, not %d", cmd.CommandPath(), len(args))
	}
	return nil
}

func someFiles(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%s needs a file", cmd.CommandPath())
	}
	return nil
}

func newRoot(std streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "pipec",
		Short: "stateful stream jobs in one text file",
		Long: `pipec runs stateful stream jobs that are written in one text file, with snapshots from which a job restarts, resumes, rolls
back and rescales.`,
		Example:       "  printf 'to be or not to be\\n' | pipec run examples/wordcount.pipe",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(std.err)
			_ = cmd.Help()
			return &exit{exitUsage, nil}
		},
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(runCommand(std), validateCommand(std), fmtCommand(std), planCommand(std), stateCommand(std), versionCommand(std))
	root.AddCommand(psCommand(std), statusCommand(std), checkpointCommand(std), cancelCommand(std))
	root.AddCommand(newCommand(std), docsCommand(std), explainCommand(std), completionCommand(std), manCommand(std))
	root.SetHelpCommand(helpCommand())
	root.SetFlagErrorFunc(flagError)
	root.Version = versionLine()
	root.SetVersionTemplate("{{.Version}}\n")
	completeFiles(root)
	layHelp(root)
	root.SetUsageTemplate(usageTemplate(root.UsageTemplate()))
	return root
}
