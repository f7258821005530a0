package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"pipec/compiler/plan"
)

func planCommand(std streams) *cobra.Command {
	var format string
	var g given
	cmd := &cobra.Command{
		Use:   "plan FILE",
		Short: "what will run",
		Long:  "plan prints the nodes of the dataflow with their ids, keys, windows, state, modes and columns, and how rows get from one to the next.",
		Example: `  pipec plan examples/flights.pipe
  pipec plan --format json examples/flights.pipe`,
		Args: oneFile,
		RunE: func(_ *cobra.Command, files []string) error {
			c, err := compile(std, files[0], g, true)
			if err != nil {
				return err
			}
			render(std, c.diags, c.sources)
			if c.diags.HasErrors() {
				return &exit{exitInvalid, nil}
			}
			switch format {
			case "text":
				err = plan.Explain(std.out, c.plan)
			case "json":
				err = plan.ExplainJSON(std.out, c.plan)
			default:
				return &exit{exitUsage, fmt.Errorf("--format is text or json, not %q", format)}
			}
			if err != nil {
				return &exit{exitFailed, err}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	g.flags(cmd)
	return cmd
}
