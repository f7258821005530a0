package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"pipec/compiler/reference"
)

// layHelp lays the help of a command and of all below it out for terminals of 80 columns.
func layHelp(cmd *cobra.Command) {
	cmd.Long = reference.Fill(cmd.Long, reference.Width)
	for _, sub := range cmd.Commands() {
		layHelp(sub)
	}
}

// usageTemplate is cobra's, with flags in 80 columns.
func usageTemplate(template string) string {
	return strings.ReplaceAll(template, "Flags.FlagUsages |", fmt.Sprintf("Flags.FlagUsagesWrapped %d |", reference.Width))
}
