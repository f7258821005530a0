package main

import (
	"strings"
	"testing"

	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/vm"
)

// TestReportOfSpareCheckpoints: a checkpoint that a suspend made superfluous is neither told nor counted as a failure.
func TestReportOfSpareCheckpoints(t *testing.T) {
	var out strings.Builder
	r := &reporter{w: &out, plan: &plan.Plan{}}
	for _, b := range []event.Body{
		&event.Job{State: event.Starting},
		&event.CheckpointFailed{ID: 7, Reason: "expired", Text: "late", Consecutive: 1},
		&event.CheckpointFailed{ID: 8, Reason: "suspended"},
		&event.CheckpointFailed{ID: 9, Reason: "superseded"},
	} {
		r.Emit(event.Event{Body: b})
	}
	r.footer(vm.Result{Summary: event.Summary{State: event.Suspended, Checkpoints: event.CheckpointCounts{Completed: 3, Failed: 3}}}, "pipec run x")
	if got := out.String(); !strings.Contains(got, "\n  3 checkpoints, 1 failed, 0 restarts\n") || strings.Count(got, " failed: ") != 1 {
		t.Error(got)
	}
}
