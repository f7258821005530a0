package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"pipec/compiler/picture"
	"pipec/compiler/plan"
)

func planCommand(std streams) *cobra.Command {
	var format string
	var g given
	cmd := &cobra.Command{
		Use:   "plan FILE",
		Short: "what will run",
		Long: `plan prints the nodes of the dataflow with their ids, keys, windows, state, modes and columns, and how rows get from one to the next; as text, as JSON, or
as a picture: svg is finished, mermaid is shown by GitHub and wikis, dot is for Graphviz.`,
		Example: `  pipec plan examples/flights.pipe
  pipec plan --format svg examples/flights.pipe >flights.svg`,
		Args: oneFile,
		RunE: func(_ *cobra.Command, files []string) error {
			if planFormats()[format] == nil {
				return &exit{exitUsage, fmt.Errorf("--format is text, json, svg, mermaid or dot, not %q", format)}
			}
			c, err := compile(std, files[0], g, true)
			if err != nil {
				return err
			}
			render(std, c.diags, c.sources)
			if c.diags.HasErrors() {
				return &exit{exitInvalid, nil}
			}
			if err := planFormats()[format](std.out, c.plan); err != nil {
				return &exit{exitFailed, err}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "`FORM`: text, json, svg, mermaid or dot")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"text", "json", "svg", "mermaid", "dot"}, cobra.ShellCompDirectiveNoFileComp))
	g.flags(cmd)
	return cmd
}

// planFormats are the forms in which a plan is written.
func planFormats() map[string]func(io.Writer, *plan.Plan) error {
	return map[string]func(io.Writer, *plan.Plan) error{
		"text": plan.Explain, "json": plan.ExplainJSON, "svg": picture.SVG, "mermaid": picture.Mermaid, "dot": picture.Dot,
	}
}
