package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"pipec/compiler/config"
	"pipec/compiler/reference"
	"pipec/grammar"
)

// shells are those that completion is written for.
var shells = []string{"bash", "zsh", "fish"}

// plainCommas changes what cobra writes for bash: its printf %q escapes commas, which is not needed, and what was typed with one would match nothing.
var plainCommas = strings.NewReplacer(
	`[[ $comp == "$cur"* ]] || continue`, `[[ $comp == "$cur"* || ${compline%%$tab*} == "$cur"* ]] || continue`,
	`    __pipec_handle_special_char "$cur" :`, `    COMPREPLY=("${COMPREPLY[@]//\\,/,}")
    __pipec_handle_special_char "$cur" :`)

func completionCommand(std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "completion for bash, zsh or fish",
		Long: `completion prints a script that teaches a shell the commands, flags, programs, topics and codes. To use it:

  bash  source <(pipec completion bash)    in ~/.bashrc; needs bash-completion
  zsh   source <(pipec completion zsh)     in ~/.zshrc, behind compinit
  fish  pipec completion fish | source     in ~/.config/fish/config.fish`,
		Example:           "  pipec completion bash",
		ValidArgsFunction: cobra.FixedCompletions(shells, cobra.ShellCompDirectiveNoFileComp),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(shells, args[0]) {
				return fmt.Errorf("%s takes a shell: %s", cmd.CommandPath(), strings.Join(shells, ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			switch args[0] {
			case "bash":
				var script strings.Builder
				err = cmd.Root().GenBashCompletionV2(&script, true)
				if err == nil {
					_, err = plainCommas.WriteString(std.out, script.String())
				}
			case "zsh":
				err = cmd.Root().GenZshCompletion(std.out)
			case "fish":
				err = cmd.Root().GenFishCompletion(std.out, true)
			}
			return written(err)
		},
	}
}

// completeSets completes what --set takes: parameters of the program, and settings of the job block.
func completeSets(cmd *cobra.Command) {
	_ = cmd.RegisterFlagCompletionFunc("set", func(_ *cobra.Command, files []string, _ string) ([]string, cobra.ShellCompDirective) {
		var list []string
		for _, p := range programParams(files) {
			list = append(list, cobra.CompletionWithDesc(p.Name.Text+"=", p.Doc))
		}
		for _, s := range reference.Settings(config.JobParams()) {
			if s.Type != "block" {
				list = append(list, cobra.CompletionWithDesc("job."+s.Name+"=", s.Doc))
			}
		}
		return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}

// programParams are the parameters a program declares, as far as it can be read.
func programParams(files []string) []*grammar.Param {
	if len(files) == 0 {
		return nil
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return nil
	}
	program, _ := grammar.Parse(files[0], text)
	var params []*grammar.Param
	for _, d := range program.Decls {
		if p, ok := d.(*grammar.Param); ok {
			params = append(params, p)
		}
	}
	return params
}

// completeFiles lets every command that takes programs complete them, unless it knows better.
func completeFiles(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		completeFiles(sub)
	}
	if cmd.ValidArgsFunction != nil || cmd.HasSubCommands() {
		return
	}
	many := strings.Contains(cmd.Use, "FILE...")
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		switch {
		case strings.Contains(cmd.Use, "FILE") && (many || len(args) == 0):
			return []string{"pipe"}, cobra.ShellCompDirectiveFilterFileExt
		case strings.Contains(cmd.Use, "PATH"):
			return nil, cobra.ShellCompDirectiveDefault
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}
