package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"pipec/compiler/plan"
	"pipec/grammar/diag"
	"pipec/vm/fault"
)

func validateCommand(std streams) *cobra.Command {
	var asJSON, explain bool
	var given given
	var faults []string
	cmd := &cobra.Command{
		Use:   "validate FILE...",
		Short: "check everything, run nothing",
		Long: `validate checks the program, every setting and the configuration, and opens nothing: no connection, no file but the program's own.
Exit 0: valid; 3: not valid.`,
		Example: `  pipec validate examples/flights.pipe
  pipec validate --json examples/*.pipe
  pipec validate --explain-config examples/flights.pipe`,
		Args: someFiles,
		RunE: func(_ *cobra.Command, files []string) error {
			set, err := fault.Parse(faults)
			if err != nil {
				return &exit{exitUsage, err}
			}
			return validate(std, files, given, set, asJSON, explain)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value: the diagnostics of every file")
	cmd.Flags().BoolVar(&explain, "explain-config", false, "print every resolved value of the job block and the layer it came from")
	given.flags(cmd)
	faultFlag(cmd, &faults, &given)
	return cmd
}

// checkedFile is one file of `validate --json`.
type checkedFile struct {
	File        string        `json:"file"`
	Valid       bool          `json:"valid"`
	Diagnostics diag.List     `json:"diagnostics"`
	Config      []plan.Origin `json:"config,omitempty"`
}

func validate(std streams, files []string, g given, faults *fault.Set, asJSON, explain bool) error {
	valid := true
	var all []checkedFile
	for _, file := range files {
		c, err := compile(std, file, g, true)
		if err != nil {
			return err
		}
		ok := !c.diags.HasErrors()
		if ok && c.plan != nil {
			if err := checkFaults(faults, c.plan); err != nil {
				return &exit{exitUsage, err}
			}
		}
		valid = valid && ok
		one := checkedFile{File: file, Valid: ok, Diagnostics: c.diags}
		if explain {
			one.Config = c.origins
		}
		if asJSON {
			if one.Diagnostics == nil {
				one.Diagnostics = diag.List{}
			}
			all = append(all, one)
			continue
		}
		render(std, c.diags, c.sources)
		if ok && !explain {
			fmt.Fprintf(std.err, "%s: valid\n", file)
		}
		if explain {
			explainConfig(std.out, one.Config)
		}
	}
	if asJSON {
		enc := json.NewEncoder(std.out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(all); err != nil {
			return &exit{exitFailed, err}
		}
	}
	if !valid {
		return &exit{exitInvalid, nil}
	}
	return nil
}

func explainConfig(w io.Writer, origins []plan.Origin) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, o := range origins {
		fmt.Fprintf(t, "%s\t%s\t%s\n", o.Path, o.Value, o.Layer)
	}
	_ = t.Flush()
}
