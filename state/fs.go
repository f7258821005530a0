package state

import (
	"pipec/compiler/plan"
	"pipec/state/budget"
)

func fsSpec() *Spec {
	return &Spec{
		Name:   "fs",
		Doc:    "Tables on the heap, snapshots in `path`, without a limit.",
		Params: []plan.Param{pathParam(), incrementalParam()},
		Open: func(c Config) (Backend, error) {
			return heapBackend{incremental: c.Settings.Incremental, budget: budget.New(c.Memory)}, nil
		},
	}
}

func pathParam() plan.Param {
	return plan.Param{Name: "path", Kind: plan.TextParam, Example: `path = "/var/lib/pipec"`, Doc: "Where checkpoints go; ./.pipec unless set here or in `checkpoint { storage }`."}
}

func incrementalParam() plan.Param {
	return plan.Param{Name: "incremental", Kind: plan.BoolParam, Default: false, Example: "incremental = true", Doc: "Checkpoints hold only what changed since the one before."}
}
