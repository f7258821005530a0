package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"pipec/compiler"
	"pipec/compiler/reference"
)

func explainCommand(std streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain [CODE]",
		Short: "a diagnostic: why, example, way out",
		Long: `explain tells what a diagnostic or a row error means: why it is one, an example that has it, what validate says about the example, and
the way out. Without a code it lists all of them; a letter lists a family.`,
		Example: `  pipec explain T312
  pipec explain E
  pipec explain --json S430`,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var list []string
			for _, c := range compiler.Codes() {
				list = append(list, cobra.CompletionWithDesc(c.Code, c.Title))
			}
			if len(args) > 0 {
				list = nil
			}
			return list, cobra.ShellCompDirectiveNoFileComp
		},
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			codes := compiler.Codes()
			if len(args) == 1 {
				if codes = reference.FindCodes(args[0]); len(codes) == 0 {
					return unknownCode(args[0])
				}
			}
			return explain(std, codes, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value: the entries of the register")
	return cmd
}

// explained is one entry of `explain --json`.
type explained struct {
	Code    string `json:"code"`
	Title   string `json:"title"`
	Why     string `json:"why"`
	Example string `json:"example"`
	Says    string `json:"says,omitempty"`
	WayOut  string `json:"way_out"`
}

func explain(std streams, codes []compiler.Code, asJSON bool) error {
	switch {
	case asJSON:
		list := make([]explained, len(codes))
		for i, c := range codes {
			e := reference.Explain(c)
			list[i] = explained{Code: c.Code, Title: e.Title, Why: e.Why, Example: e.Example, Says: e.Says, WayOut: e.WayOut}
		}
		return printJSON(std.out, list)
	case len(codes) == 1:
		return written(reference.Explain(codes[0]).Print(std.out, reference.Width))
	}
	return written(reference.PrintCodes(std.out, codes, reference.Width))
}

func unknownCode(text string) error {
	if near := reference.NearestCode(text); near != "" {
		return &exit{exitUsage, fmt.Errorf("there is no diagnostic %s; did you mean %s? `pipec explain` lists them", text, near)}
	}
	return &exit{exitUsage, fmt.Errorf("there is no diagnostic %s: `pipec explain` lists them", text)}
}
