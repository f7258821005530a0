package config

import (
	"fmt"
	"math"
	"slices"
	"time"

	"pipec/checkpoint/restart"
	"pipec/compiler/plan"
	"pipec/state"
)

// MaxParallelism is the largest number of key groups, and so of tasks of one stage.
const MaxParallelism = 32768

// LeastMemory is the smallest `memory`: what runs without any state needs some.
const LeastMemory = 64 << 20

// These tables are read by four: the checker, --explain-config, completion of `--set`, and `pipec docs`. A setting is one entry, with what it means in one
// sentence and an example that is a line of a program.

// JobParams are the settings of the job block, in the order of the reference. Defaults are those of language A7; what depends on other settings has none
// here: the restart strategy and its parameters, the storage, and whether checkpoints are on at all.
func JobParams() []plan.Param {
	return []plan.Param{
		{Name: "parallelism", Kind: plan.IntParam, Default: int64(1), Words: []string{auto}, Check: between(1, MaxParallelism), Example: "parallelism = 4",
			Doc: "How many tasks each stage has; `auto`: as many as there are cores."},
		{Name: "max_parallelism", Kind: plan.IntParam, Default: int64(128), Check: between(1, MaxParallelism), Example: "max_parallelism = 256",
			Doc: "The number of key groups: no later run of this state can have more tasks."},
		{Name: "time_zone", Kind: plan.TextParam, Default: "UTC", Check: zone, Example: `time_zone = "Europe/Berlin"`,
			Doc: "The zone of calendar functions."},
		{Name: "on_row_error", Kind: plan.WordParam, Words: []string{"fail", "skip"}, Default: "fail", Example: "on_row_error = skip",
			Doc: "What happens to a row whose expression fails at a stage without `errors as`."},
		{Name: "batch_size", Kind: plan.IntParam, Default: int64(1024), Check: between(1, 65536), Example: "batch_size = 1024",
			Doc: "The most rows that travel together. It changes no result."},
		{Name: "linger", Kind: plan.DurationParam, Default: time.Millisecond, Check: atLeast(0), Example: "linger = 1ms",
			Doc: "How long a batch that is not full waits for more rows. It changes no result."},
		{Name: "memory", Kind: plan.SizeParam, Check: largeEnough(LeastMemory), Example: "memory = 512MiB",
			Doc: "What the process may use of memory, shared by tables, caches and queues; unset: no limit. A job on the heap whose state does not fit fails and says so."},
		{Name: "state", Kind: plan.ChoiceParam, Table: "state", Default: "memory", Example: `state badger { path = "/var/lib/pipec" }`,
			Doc: "Where the working state lives and where its snapshots go."},
		{Name: "checkpoint", Kind: plan.GroupParam, Params: checkpointParams(), Example: "checkpoint every 30s { mode = exactly_once }",
			Doc: "How often a consistent cut through the job is taken."},
		{Name: "restart", Kind: plan.ChoiceParam, Table: "restart", Example: "restart fixed_delay { attempts = 3, delay = 10s }",
			Doc: "What happens after a failure that may be passing."},
	}
}

const auto = "auto"

func checkpointParams() []plan.Param {
	return []plan.Param{
		{Name: "interval", Kind: plan.DurationParam, Check: atLeast(10 * time.Millisecond), Example: "checkpoint every 30s",
			Doc: "Time from one checkpoint to the next."},
		{Name: "mode", Kind: plan.WordParam, Words: []string{"exactly_once", "at_least_once"}, Default: "exactly_once", Example: "mode = at_least_once",
			Doc: "Whether inputs wait for each other at the cut (exactly_once), or rows may count twice after a failure."},
		{Name: "storage", Kind: plan.TextParam, Example: `storage = "/var/lib/pipec/checkpoints"`,
			Doc: "Where checkpoints go; unset: the `path` of the state."},
		{Name: "timeout", Kind: plan.DurationParam, Default: 10 * time.Minute, Check: atLeast(10 * time.Millisecond), Example: "timeout = 10m",
			Doc: "A checkpoint that takes longer has failed."},
		{Name: "min_pause", Kind: plan.DurationParam, Default: time.Duration(0), Check: atLeast(0), Example: "min_pause = 5s",
			Doc: "The least time between the end of a checkpoint and the start of the next."},
		{Name: "max_concurrent", Kind: plan.IntParam, Default: int64(1), Check: between(1, math.MaxInt32), Example: "max_concurrent = 1",
			Doc: "How many checkpoints may be under way at once."},
		{Name: "retain", Kind: plan.IntParam, Default: int64(1), Check: between(1, math.MaxInt32), Example: "retain = 5",
			Doc: "How many completed checkpoints are kept."},
		{Name: "on_cancel", Kind: plan.WordParam, Words: []string{"delete", "keep"}, Default: "delete", Example: "on_cancel = keep",
			Doc: "What happens to the checkpoints of a job that is cancelled."},
		{Name: "tolerate_failures", Kind: plan.IntParam, Default: int64(0), Check: between(0, math.MaxInt32), Example: "tolerate_failures = 3",
			Doc: "How many checkpoints in a row may fail before the job does."},
	}
}

// JobTable is the table of the job block.
func JobTable() Table {
	return Table{Owner: "job", Params: JobParams(), Named: namedParams, Words: tableWords}
}

// namedParams gives the settings below a choice of the job block.
func namedParams(table, word string) ([]plan.Param, bool) {
	switch table {
	case "state":
		if s, ok := state.Lookup(word); ok {
			return s.Params, true
		}
	case "restart":
		if s, ok := restart.Lookup(word); ok {
			return s.Params, true
		}
	}
	return nil, false
}

// tableWords lists the choices of a table.
func tableWords(table string) []string {
	var out []string
	switch table {
	case "state":
		for _, s := range state.Backends() {
			out = append(out, s.Name)
		}
	case "restart":
		for _, s := range restart.Table() {
			out = append(out, s.Name)
		}
	}
	slices.Sort(out)
	return out
}

// Checks of single values: they say what is wrong, "" if nothing.

func between(low, high int64) func(any) string {
	return func(v any) string {
		n, ok := v.(int64)
		switch {
		case !ok || n >= low && n <= high:
			return ""
		case high == math.MaxInt32:
			return fmt.Sprintf("must be at least %d", low)
		}
		return fmt.Sprintf("must be from %d to %d", low, high)
	}
}

func atLeast(low time.Duration) func(any) string {
	return func(v any) string {
		if d, ok := v.(time.Duration); ok && d < low {
			return "must be at least " + plan.FormatValue(low)
		}
		return ""
	}
}

func largeEnough(low int64) func(any) string {
	return func(v any) string {
		if n, ok := v.(int64); ok && n < low {
			return "must be at least " + plan.FormatSize(low)
		}
		return ""
	}
}

func zone(v any) string {
	if name, ok := v.(string); ok {
		if _, err := time.LoadLocation(name); err != nil || name == "Local" {
			return fmt.Sprintf("is a time zone such as \"Europe/Berlin\", and there is none called %q", name)
		}
	}
	return ""
}
