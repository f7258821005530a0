package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

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

// completeSnapshots completes what -s takes: the snapshots in the storage of the program that stands on the command line already, the newest first, else any path.
func completeSnapshots(cmd *cobra.Command, g *given) {
	_ = cmd.RegisterFlagCompletionFunc("restore", func(_ *cobra.Command, files []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(files) == 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		c, err := compile(streams{out: io.Discard, err: io.Discard}, files[0], *g, true)
		if err != nil || c.plan == nil || c.plan.Job.Name == "" {
			return nil, cobra.ShellCompDirectiveDefault
		}
		found := snapshotsIn(filepath.Join(strings.TrimPrefix(c.plan.Job.Checkpoint.Storage, "file://"), c.plan.Job.Name))
		if len(found) == 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return found, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	})
}

// snapshotsIn are the directories of a job that hold a whole snapshot, by the age of their manifests.
func snapshotsIn(dir string) []string {
	type snapshot struct {
		path string
		at   time.Time
	}
	var all []snapshot
	for _, pattern := range []string{"*/chk-*/_metadata", "savepoint-*/_metadata"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, f := range files {
			if info, err := os.Stat(f); err == nil {
				all = append(all, snapshot{filepath.Dir(f), info.ModTime()})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b snapshot) int { return b.at.Compare(a.at) })
	paths := make([]string, len(all))
	for i, s := range all {
		paths[i] = s.path
	}
	return paths
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
