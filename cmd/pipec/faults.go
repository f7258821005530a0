package main

import (
	"io"

	"github.com/spf13/cobra"

	"pipec/compiler/plan"
	"pipec/vm"
	"pipec/vm/fault"
)

const faultUsage = "break something on purpose; `SPEC` is ACTION,point=POINT [,stage=ID] [,checkpoint=N] [,row=N] [,nth=N] [,times=N] [,by=DURATION]"

// faultFlag adds --fault to a verb that takes one program.
func faultFlag(cmd *cobra.Command, faults *[]string, g *given) {
	cmd.Flags().StringArrayVar(faults, "fault", nil, faultUsage)
	_ = cmd.RegisterFlagCompletionFunc("fault", func(_ *cobra.Command, files []string, typed string) ([]string, cobra.ShellCompDirective) {
		var list []string
		for _, c := range fault.Complete(typed, stageIDs(files, *g)) {
			list = append(list, cobra.CompletionWithDesc(c.Name, c.Doc))
		}
		return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}

// stageIDs are the ids of a program's stages, as far as it compiles: completion says nothing about mistakes.
func stageIDs(files []string, g given) []string {
	if len(files) == 0 || files[0] == "-" {
		return nil
	}
	c, err := compile(streams{out: io.Discard, err: io.Discard}, files[0], g, true)
	if err != nil || c.plan == nil {
		return nil
	}
	var ids []string
	for _, n := range c.plan.Nodes {
		ids = append(ids, n.ID)
	}
	return ids
}

// checkFaults says whether every rule can fire in this job.
func checkFaults(faults *fault.Set, p *plan.Plan) error {
	var stages []fault.Stage
	for _, n := range p.Nodes {
		stages = append(stages, fault.Stage{ID: n.ID, State: vm.KeepsState(n), Sink: n.Kind == "sink"})
	}
	return faults.Check(stages, p.Job.Checkpoint.Enabled())
}
