package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"pipec/compiler/reference"
)

func docsCommand(std streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "docs [TOPIC]",
		Short: "stages, connectors, formats, functions, settings",
		Long: `docs prints what is known of a topic: a stage, a connector, a format, a function, an aggregate, a type, a setting of the job block or of a
connector. Without a topic it lists them all. The pages are made from the tables the engine itself uses.`,
		Example: `  pipec docs
  pipec docs window
  pipec docs functions
  pipec docs checkpoint.retain`,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return topicWords(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, topic []string) error { return docs(std, strings.Join(topic, " "), asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value: the kinds with their pages")
	return cmd
}

func docs(std streams, topic string, asJSON bool) error {
	kinds := reference.Kinds()
	var pages []*reference.Page
	if topic != "" {
		kind, found := reference.Lookup(topic)
		if kind == nil && len(found) == 0 {
			return unknownTopic(topic)
		}
		if kind != nil {
			kinds = []*reference.Kind{kind}
		}
		pages = found
	}
	switch {
	case asJSON && pages != nil:
		return printJSON(std.out, pages)
	case asJSON:
		return printJSON(std.out, kinds)
	case topic == "":
		return written(reference.PrintIndex(std.out, kinds, reference.Width))
	case pages == nil:
		return written(kinds[0].Print(std.out, reference.Width))
	}
	for i, p := range pages {
		if i > 0 {
			fmt.Fprintln(std.out)
		}
		if err := p.Print(std.out, reference.Width); err != nil {
			return written(err)
		}
	}
	return nil
}

func unknownTopic(topic string) error {
	if codes := reference.FindCodes(topic); len(codes) > 0 && len(topic) > 1 {
		return &exit{exitUsage, fmt.Errorf("%s is the code of a diagnostic: pipec explain %s", topic, strings.ToUpper(topic))}
	}
	if near := reference.Nearest(topic); near != "" {
		return &exit{exitUsage, fmt.Errorf("there is no topic `%s`; did you mean `pipec docs %s`?", topic, near)}
	}
	return &exit{exitUsage, fmt.Errorf("there is no topic `%s`; `pipec docs` lists them", topic)}
}

// topicWords are the topics, each as one word of a command line: key_by.
func topicWords() []string {
	topics := reference.Topics()
	for i, t := range topics {
		topics[i] = strings.ReplaceAll(t, " ", "_")
	}
	return topics
}

// written makes an error of the standard output one of the command.
func written(err error) error {
	if err != nil {
		return &exit{exitFailed, err}
	}
	return nil
}

// printJSON writes one JSON value, as every --json does.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return written(enc.Encode(v))
}
