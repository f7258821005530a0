package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"pipec/grammar"
)

func fmtCommand(std streams) *cobra.Command {
	var write, diff bool
	cmd := &cobra.Command{
		Use:   "fmt [-w | -d] FILE...",
		Short: "give files the one layout",
		Long:  "fmt prints the file in the one layout there is. With -w it rewrites the file, with -d it lists the files that would change (exit 1).",
		Example: `  pipec fmt -w examples/wordcount.pipe
  pipec fmt -d examples/*.pipe`,
		Args: someFiles,
		RunE: func(_ *cobra.Command, files []string) error {
			if write && diff {
				return &exit{exitUsage, fmt.Errorf("-w and -d exclude each other")}
			}
			return formatFiles(std, files, write, diff)
		},
	}
	cmd.Flags().BoolVarP(&write, "write", "w", false, "rewrite the files in place")
	cmd.Flags().BoolVarP(&diff, "diff", "d", false, "list the files that would change, and exit 1 if there are any")
	return cmd
}

func formatFiles(std streams, files []string, write, diff bool) error {
	changed, invalid := false, false
	for _, file := range files {
		text, err := readProgram(std, file)
		if err != nil {
			return &exit{exitUsage, plainError(file, err)}
		}
		out, diags := grammar.Format(file, text)
		if diags.HasErrors() {
			render(std, diags, map[string]string{file: string(text)})
			invalid = true
			continue
		}
		same := bytes.Equal(out, text)
		changed = changed || !same
		switch {
		case diff && !same:
			fmt.Fprintln(std.out, file)
		case diff:
		case write && file != "-":
			if !same {
				err = os.WriteFile(file, out, 0o644)
			}
		default:
			_, err = std.out.Write(out)
		}
		if err != nil {
			return &exit{exitFailed, err}
		}
	}
	switch {
	case invalid:
		return &exit{exitInvalid, nil}
	case diff && changed:
		return &exit{exitFailed, nil}
	}
	return nil
}

// readProgram reads a file, or standard input for "-".
func readProgram(std streams, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(std.in)
	}
	return os.ReadFile(file)
}
