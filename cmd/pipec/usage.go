package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"pipec/grammar/diag"
)

// otherWords are what other programs call our commands, and what is planned and not there yet, with what to do instead.
var otherWords = map[string]string{
	"start": "`pipec run`", "exec": "`pipec run`", "submit": "`pipec run`", "resume": "`pipec run --resume`", "restore": "`pipec run -s PATH`",
	"check": "`pipec validate`", "lint": "`pipec validate`", "compile": "`pipec validate`", "format": "`pipec fmt`", "graph": "`pipec plan --format svg`",
	"list": "`pipec ps`", "ls": "`pipec ps`, or `pipec state ls` for checkpoints", "jobs": "`pipec ps`", "kill": "`pipec cancel`", "init": "`pipec new`",
	"create": "`pipec new`", "doc": "`pipec docs`", "checkpoints": "`pipec state ls`", "logs": "`pipec run --events FILE`, or --log",
	"stop":      "Ctrl-C, which takes a last checkpoint, or `pipec cancel`; `stop` comes in a later version",
	"savepoint": "`pipec checkpoint`; `savepoint` comes in a later version",
	"test":      "a script as `pipec new` writes it; `test` comes in a later version",
}

// unknownCommand says that there is no such command below cmd, and which one may be meant.
func unknownCommand(cmd *cobra.Command, word string) error {
	text := fmt.Sprintf("there is no command `%s %s`", cmd.CommandPath(), word)
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	near := diag.Nearest(word, names)
	switch instead := otherWords[word]; {
	case instead != "" && !cmd.HasParent():
		text += ": use " + instead
	case near != "":
		text += fmt.Sprintf("; did you mean `%s %s`?", cmd.CommandPath(), near)
	}
	return misuse(cmd, errors.New(text))
}

// misuse is an error of the command line, with the help that tells more.
func misuse(cmd *cobra.Command, err error) error {
	return &exit{exitUsage, fmt.Errorf("%w\nsee `%s --help`", err, cmd.CommandPath())}
}

// strayWord finds what stands where a command should. cobra would take it for an argument, and with --help print the help of the command above it.
func strayWord(root *cobra.Command, args []string) error {
	if len(args) > 0 && (strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) || args[0] == "help") {
		return nil
	}
	cmd, rest, err := root.Find(args)
	if err != nil || !cmd.HasSubCommands() || len(rest) == 0 || strings.HasPrefix(rest[0], "-") {
		return nil
	}
	return unknownCommand(cmd, rest[0])
}

// helpCommand is `pipec help COMMAND`.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "help about a command",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var list []string
			if about, rest, err := cmd.Root().Find(args); err == nil && len(rest) == 0 {
				for _, c := range about.Commands() {
					if c.IsAvailableCommand() {
						list = append(list, cobra.CompletionWithDesc(c.Name(), c.Short))
					}
				}
			}
			return list, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(about, rest[0])
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// noArguments is the check of a command that takes none.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments, not %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// valueNames say what the values of flags look like, by their type.
var valueNames = map[string]string{"int": "a whole number", "tasks": "a whole number from 1 on", "duration": "a duration such as 20s", "bool": "true or false"}

// flagError says what is wrong with a flag in the words of the rest.
func flagError(cmd *cobra.Command, err error) error {
	var missing *pflag.NotExistError
	var wrong *pflag.InvalidValueError
	var empty *pflag.ValueRequiredError
	switch {
	case errors.As(err, &missing):
		name := missing.GetSpecifiedName()
		if missing.GetSpecifiedShortnames() != "" {
			return misuse(cmd, fmt.Errorf("%s has no flag -%s", cmd.CommandPath(), name))
		}
		text := fmt.Sprintf("%s has no flag --%s", cmd.CommandPath(), name)
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		if near := diag.Nearest(name, names); near != "" {
			text += "; did you mean --" + near + "?"
		}
		err = errors.New(text)
	case errors.As(err, &wrong):
		f := wrong.GetFlag()
		if what := valueNames[f.Value.Type()]; what != "" {
			err = fmt.Errorf("--%s takes %s, not %q", f.Name, what, wrong.GetValue())
		}
	case errors.As(err, &empty):
		kind, _ := pflag.UnquoteUsage(empty.GetFlag())
		err = fmt.Errorf("--%s needs a value: --%s %s", empty.GetFlag().Name, empty.GetFlag().Name, kind)
	}
	return misuse(cmd, err)
}
