package config_test

import (
	"strings"
	"testing"
	"time"

	"pipec/compiler/check"
	"pipec/compiler/config"
	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
)

type noNames struct{}

func (noNames) Param(string) (*plan.Expr, bool)         { return nil, false }
func (noNames) Function(string) (*check.Function, bool) { return nil, false }
func (noNames) Broken(string) bool                      { return false }
func (noNames) Similar(bool) []string                   { return nil }

func reader(list *diag.List) config.Reader {
	env := func(string) (string, bool) { return "", true }
	return config.Reader{Exprs: &check.Checker{Names: noNames{}, List: list, Env: env}, List: list}
}

// resolve makes a job of job blocks, the strongest first.
func resolve(t *testing.T, blocks ...string) (plan.Job, diag.List) {
	t.Helper()
	var list diag.List
	var layers []config.Layer
	for i, text := range blocks {
		f, mistakes := grammar.Parse("x.pipe", []byte("job {\n"+text+"\n}\n"))
		if len(mistakes) > 0 {
			t.Fatalf("%s: %s", text, mistakes[0].Message)
		}
		r := reader(&list)
		layers = append(layers, config.Layer{Name: []string{config.JobBlock, "site"}[i], Given: r.Given(config.JobTable(), f.Decls[0].(*grammar.Job).Body)})
	}
	return config.Resolve(layers, 4, &list), list
}

// TestDefaults are those of language A7.
func TestDefaults(t *testing.T) {
	j, list := resolve(t, "")
	if len(list) > 0 || j.Parallelism != 1 || j.MaxParallel != 128 || j.MaxSet || j.State.Backend != "memory" || j.State.MaxSize != 5<<20 ||
		j.Checkpoint.Enabled() || j.Restart.Strategy != "none" || j.TimeZone != "UTC" || j.BatchSize != 1024 || j.Linger != time.Millisecond || j.SkipErrors {
		t.Errorf("%+v %v", j, list)
	}
	j, _ = resolve(t, "checkpoint every 1s")
	if r := j.Restart; r.Strategy != "fixed_delay" || r.Attempts != 2147483647 || r.Delay != time.Second || !r.FromDefaults {
		t.Errorf("with checkpoints: %+v", r)
	}
	if c := j.Checkpoint; c.Timeout != 10*time.Minute || c.MinPause != 0 || c.MaxConcurrent != 1 || c.Retain != 1 || c.Tolerate != 0 || c.KeepOnCancel || c.AtLeastOnce || c.Storage != "" {
		t.Errorf("checkpoint: %+v", c)
	}
	j, _ = resolve(t, "restart fixed_delay")
	if r := j.Restart; r.Attempts != 1 || r.Delay != time.Second || r.FromDefaults {
		t.Errorf("named without attempts: %+v", r)
	}
}

// TestStorage is where checkpoints go (language A7).
func TestStorage(t *testing.T) {
	for block, want := range map[string]string{
		"state memory": "", "state fs": "./.pipec", "state badger": "./.pipec", `state fs { path = "a" }`: "a",
		"state fs { path = \"a\" }\ncheckpoint every 1s { storage = \"b\" }": "b", "state memory\ncheckpoint every 1s { storage = \"b\" }": "b",
	} {
		if j, list := resolve(t, block); j.Checkpoint.Storage != want || len(list) > 0 {
			t.Errorf("%s: %q, want %q %v", block, j.Checkpoint.Storage, want, list)
		}
	}
}

// TestLayers are language A6 and A20: settings merge one by one, choices by their word, the parameters of a strategy come with its name.
func TestLayers(t *testing.T) {
	j, list := resolve(t, "checkpoint every 1s { retain = 2 }\nstate badger { cache = 1MB }",
		"parallelism = 3\ncheckpoint every 9s { retain = 9, mode = at_least_once }\nstate badger { path = \"p\", cache = 2MB }\nrestart failure_rate { max_failures = 5 }")
	if len(list) > 0 || j.Parallelism != 3 || j.Checkpoint.Interval != time.Second || j.Checkpoint.Retain != 2 || !j.Checkpoint.AtLeastOnce ||
		j.State.Path != "p" || j.State.Cache != 1e6 || j.Restart.MaxFailures != 5 {
		t.Errorf("%+v %v", j, list)
	}
	j, _ = resolve(t, "state fs\nrestart exponential_delay", "state badger { path = \"p\" }\nrestart exponential_delay { initial = 9s }")
	if j.State.Backend != "fs" || j.State.Path != "" || j.Restart.Initial != time.Second {
		t.Errorf("another word: %+v %+v", j.State, j.Restart)
	}
}

// TestMemory: a database's cache is a part of the job's memory unless it is set, and does not go above it.
func TestMemory(t *testing.T) {
	for block, want := range map[string]int64{
		"state badger": 256e6, "memory = 64MiB\nstate badger": 8 << 20, "memory = 256MiB\nstate badger": 64 << 20, "memory = 1GiB\nstate badger": 320 << 20,
		"memory = 1GiB\nstate badger { cache = 100MiB }": 100 << 20, "memory = 1GiB\nstate fs": 0,
	} {
		f, list := grammar.Parse("x.pipe", []byte("job {\n"+block+"\n}\n"))
		r := reader(&list)
		job := config.Resolve([]config.Layer{{Name: config.JobBlock, Given: r.Given(config.JobTable(), f.Decls[0].(*grammar.Job).Body)}}, 4, &list)
		if len(list) > 0 || job.State.Cache != want || (job.Memory > 0) != strings.Contains(block, "memory") {
			t.Errorf("%s: cache %d, want %d; memory %d; %v", block, job.State.Cache, want, job.Memory, list)
		}
	}
}

// TestLimits are those of language A7.
func TestLimits(t *testing.T) {
	for block, code := range map[string]string{
		"parallelism = 0": "C508", "parallelism = 129": "C508", "max_parallelism = 32769": "C508", "checkpoint every 9ms": "C508", "checkpoint every 10ms": "",
		"checkpoint every 1s { timeout = 9ms }": "C508", "checkpoint every 1s { min_pause = 0s - 1s }": "C508", "checkpoint every 1s { max_concurrent = 0 }": "C508",
		"checkpoint every 1s { max_concurrent = 2, min_pause = 1s }": "C508", "checkpoint every 1s { max_concurrent = 2 }": "", "checkpoint every 1s { retain = 0 }": "C508",
		"checkpoint every 1s { tolerate_failures = -1 }": "C508", "restart fixed_delay { attempts = -1 }": "C508", "restart failure_rate { max_failures = 0 }": "C508",
		"restart failure_rate { interval = 0s }": "C508", "restart exponential_delay { multiplier = 1.0 }": "C508", "restart exponential_delay { jitter = 1.1 }": "C508",
		"restart exponential_delay { jitter = 1 }": "", "restart exponential_delay { initial = 2s, max = 1s }": "C508", "checkpoint { retain = 2 }": "C506",
		"memory = 63MiB": "C508", "memory = 64MiB": "", "memory = 1": "C505", "memory = 512MiB\nstate badger { cache = 257MiB }": "C508",
		"memory = 512MiB\nstate badger { cache = 256MiB }": "", "memory = 512MiB\nstate badger": "", "state badger { cache = 100GiB }": "",
		"parallelism = auto": "", "state memory { incremental = true }": "C502", `time_zone = "Mars/Base"`: "C508", "restart none { attempts = 1 }": "C502",
		"on_row_error = \"skip\"": "C504", "parallelism 3": "P116", "checkpoint = 5s": "C505", "state = fs": "C505", "linger { a = 1 }": "C505", "batch_size every 3s": "C505",
	} {
		f, mistakes := grammar.Parse("x.pipe", []byte("job {\n"+block+"\n}\n"))
		list := mistakes
		r := reader(&list)
		given := r.Given(config.JobTable(), f.Decls[0].(*grammar.Job).Body)
		config.Resolve([]config.Layer{{Name: config.JobBlock, Given: given}}, 4, &list)
		var codes []string
		for _, d := range list {
			codes = append(codes, d.Code)
		}
		if got := strings.Join(codes, " "); got != code {
			t.Errorf("%s: %q, want %q", block, got, code)
		}
	}
}
