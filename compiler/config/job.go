package config

import (
	"math"
	"strings"
	"time"

	"pipec/checkpoint/restart"
	"pipec/compiler/plan"
	"pipec/grammar/diag"
	"pipec/state"
)

// Resolve makes the job of its layers, the strongest first (language A6, A7, A20), and reports limits and contradictions (C508). cores is what
// `parallelism = auto` counts.
func Resolve(layers []Layer, cores int, list *diag.List) plan.Job {
	r := &resolver{layers: layers, list: list}
	r.scalars(cores)
	r.state()
	r.checkpoint()
	r.restart()
	return r.job
}

// resolver builds a job setting by setting and notes where each value comes from.
type resolver struct {
	layers []Layer
	list   *diag.List
	job    plan.Job
}

// from notes where an entry comes from.
func (r *resolver) from(path string, p *plan.Param, e entry) {
	r.origin(path, p, e.Value, e.Secret, e.layer)
	if e.Value == nil && e.Later != "" && !e.Secret {
		r.job.Origins[len(r.job.Origins)-1].Value = e.Later
	}
}

// origin notes where a value comes from.
func (r *resolver) origin(path string, p *plan.Param, v any, secret bool, layer string) {
	text := plan.FormatValue(v)
	if word, ok := v.(string); ok && (p == nil || p.Kind == plan.WordParam || p.Kind == plan.ChoiceParam || word == auto) {
		text = word
	}
	if n, ok := v.(int64); ok && p != nil && p.Kind == plan.SizeParam {
		text = plan.FormatSize(n)
	}
	if secret {
		text = "***"
	}
	r.job.Origins = append(r.job.Origins, plan.Origin{Path: "job." + path, Value: text, Layer: layer})
}

// take gives the value of a setting, its default if no layer has it.
func (r *resolver) take(layers []Layer, prefix string, p *plan.Param) entry {
	e, ok := scalar(layers, p.Name)
	if !ok {
		e = entry{plan.Setting{Name: p.Name, Value: p.Default}, BuiltIn}
	}
	r.from(prefix+p.Name, p, e)
	r.open(p.Name, e)
	if e.Value == nil && p.Kind != plan.TextParam { // of what is not known yet the default keeps the rest of the block checkable
		e.Value = p.Default
	}
	return e
}

// open refuses a secret (C512): the start of a run, its events and the command that goes on name the places of the job block.
func (r *resolver) open(name string, e entry) {
	if e.Secret {
		r.list.Errorf("C512", e.Span, "`%s` is printed wherever a checkpoint is named: it may not hold a secret", name).
			WithHelp("a parameter of type secret may be used in the settings of sources and sinks")
	}
}

// takeAll gives the values of a table's settings by name.
func (r *resolver) takeAll(layers []Layer, prefix string, params []plan.Param) map[string]entry {
	out := map[string]entry{}
	for i := range params {
		out[params[i].Name] = r.take(layers, prefix, &params[i])
	}
	return out
}

// scalars resolves the settings that stand directly in the block.
func (r *resolver) scalars(cores int) {
	got := map[string]entry{}
	params := JobParams()
	for i := range params {
		if p := &params[i]; p.Kind != plan.ChoiceParam && p.Kind != plan.GroupParam {
			got[p.Name] = r.take(r.layers, "", p)
		}
	}
	j := &r.job
	j.MaxParallel = int(got["max_parallelism"].int())
	// Unset, a restored snapshot decides (A7): the number of key groups can never change for its state.
	j.MaxSet = got["max_parallelism"].layer != BuiltIn
	if got["parallelism"].Value == auto {
		j.Parallelism = max(1, min(cores, j.MaxParallel))
	} else {
		j.Parallelism = int(got["parallelism"].int())
	}
	j.TimeZone, _ = got["time_zone"].Value.(string)
	j.SkipErrors = got["on_row_error"].Value == "skip"
	j.BatchSize = int(got["batch_size"].int())
	j.Linger = got["linger"].duration()
	j.Memory = got["memory"].int()
	if j.Parallelism > j.MaxParallel {
		at := got["parallelism"]
		r.list.Errorf("C508", at.Span, "`parallelism` is %d, but `max_parallelism` is %d", j.Parallelism, j.MaxParallel).
			WithHelp("raise `max_parallelism` before the job has state: it cannot change afterwards")
	}
}

// text is a text as it is, and of one that only a run knows what stands for it.
func (e entry) text() string {
	s, known := e.Value.(string)
	switch {
	case !known && e.Secret:
		return "***"
	case !known:
		return strings.Trim(e.Later, `"`)
	}
	return s
}

func (e entry) int() int64              { n, _ := e.Value.(int64); return n }
func (e entry) duration() time.Duration { d, _ := e.Value.(time.Duration); return d }
func (e entry) float() float64          { f, _ := e.Value.(float64); return f }
func (e entry) bool() bool              { b, _ := e.Value.(bool); return b }

// What depends on what, and so the order of the four steps: `memory` of the block decides what badger's cache may be, the state's `path` is where checkpoints go
// unless they say otherwise, and whether there are checkpoints decides the restart strategy that nobody named (Flink: none without checkpoints, fixed delay
// without end with them).

// state resolves the backend.
func (r *resolver) state() {
	word, ok := chosen(r.layers, "state")
	if !ok {
		word = entry{plan.Setting{Value: "memory"}, BuiltIn}
	}
	r.origin("state", nil, word.Value, false, word.layer)
	params, _ := namedParams("state", word.text())
	// The word first: which settings there are depends on it, and layers that chose another one say nothing about this.
	layers, got := group(r.layers, "state", word.text()), map[string]entry{}
	for i := range params {
		if params[i].Name == "cache" {
			got["cache"] = r.cache(layers, &params[i])
			continue
		}
		got[params[i].Name] = r.take(layers, "state.", &params[i])
	}
	r.job.State = plan.State{
		Backend: word.text(), Path: got["path"].text(), MaxSize: got["max_size"].int(), Incremental: got["incremental"].bool(),
		Cache: got["cache"].int(), Local: got["local"].text(),
	}
}

// cache is what badger may have of a job's memory: its own setting, else a part of `memory`, else its default.
func (r *resolver) cache(layers []Layer, p *plan.Param) entry {
	e, ok := scalar(layers, p.Name)
	memory := r.job.Memory
	switch {
	case !ok && memory > 0:
		e = entry{plan.Setting{Name: p.Name, Value: state.CacheOf(memory)}, "job.memory"}
	case !ok:
		e = entry{plan.Setting{Name: p.Name, Value: p.Default}, BuiltIn}
	case memory > 0 && e.int() > memory/2:
		r.list.Errorf("C508", e.Span, "`cache` is %s, more than half of `memory`, %s", plan.FormatSize(e.int()), plan.FormatSize(memory)).
			WithHelp("the database behind it, queues and snapshots need the rest: leave `cache` out, and it gets its part")
	}
	r.from("state.cache", p, e)
	return e
}

// checkpoint resolves the checkpoint block and the storage.
func (r *resolver) checkpoint() {
	layers := group(r.layers, "checkpoint", "")
	got := map[string]entry{}
	for _, p := range checkpointParams() {
		if p.Name == "storage" {
			got[p.Name] = r.storage(layers)
			continue
		}
		got[p.Name] = r.take(layers, "checkpoint.", &p)
	}
	c := &r.job.Checkpoint
	*c = plan.Checkpoint{
		Interval: got["interval"].duration(), AtLeastOnce: got["mode"].text() == "at_least_once", Storage: got["storage"].text(),
		Timeout: got["timeout"].duration(), MinPause: got["min_pause"].duration(), MaxConcurrent: int(got["max_concurrent"].int()),
		Retain: int(got["retain"].int()), KeepOnCancel: got["on_cancel"].text() == "keep", Tolerate: int(got["tolerate_failures"].int()),
	}
	if c.MaxConcurrent > 1 && c.MinPause > 0 {
		r.list.Errorf("C508", got["max_concurrent"].Span, "`max_concurrent` must be 1 with a `min_pause`").
			WithHelp("a pause between checkpoints means that they do not overlap: drop one of the two settings")
	}
	// A site may give `retain` for jobs that turn checkpoints on; a job that writes the block itself and no interval has forgotten something.
	if !c.Enabled() && len(layers) > 0 && layers[len(layers)-1].Name == JobBlock {
		r.withoutInterval()
	}
}

// storage is where checkpoints go: its own setting, else the path of the state, else ./.pipec; in the process for `memory`.
func (r *resolver) storage(layers []Layer) entry {
	// A checkpoint of `state memory` stays in the process unless somebody asks for more: there is nothing on the disk that could lead back to it.
	e, ok := scalar(layers, "storage")
	switch {
	case ok:
	case r.job.State.Path != "":
		e = entry{plan.Setting{Value: r.job.State.Path}, "job.state.path"}
	case r.job.State.Backend != "memory":
		e = entry{plan.Setting{Value: "./.pipec"}, BuiltIn}
	default:
		e = entry{plan.Setting{}, BuiltIn}
	}
	r.from("checkpoint.storage", &plan.Param{Kind: plan.TextParam}, e)
	r.open("storage", e)
	return e
}

// withoutInterval reports a checkpoint block of the job that nothing gives an interval (C506).
func (r *resolver) withoutInterval() {
	for _, l := range r.layers {
		if s := l.Given.Get("checkpoint"); s != nil && l.Name == JobBlock && s.Sub != nil && s.Sub.Get("interval") == nil {
			r.list.Errorf("C506", s.Span, "this checkpoint has no interval").With("write `checkpoint every 30s`")
		}
	}
}

// restart resolves the strategy. Its parameters come from the layer that names it; unset, it depends on whether there are checkpoints.
func (r *resolver) restart() {
	word, ok := chosen(r.layers, "restart")
	if !ok {
		r.restartDefault()
		return
	}
	r.origin("restart", nil, word.Value, false, word.layer)
	spec, _ := restart.Lookup(word.text())
	var own []Layer
	for _, l := range group(r.layers, "restart", word.text()) {
		// The numbers of one strategy come together or not at all (A6): half of a site's and half of a job's is what nobody has chosen.
		if l.Name == word.layer {
			own = append(own, l)
		}
	}
	got := r.takeAll(own, "restart.", spec.Params)
	r.job.Restart = plan.Restart{
		Strategy: word.text(), Attempts: clamp(got["attempts"].int()), Delay: got["delay"].duration(), MaxFailures: clamp(got["max_failures"].int()),
		Interval: got["interval"].duration(), Initial: got["initial"].duration(), Max: got["max"].duration(),
		Multiplier: got["multiplier"].float(), Jitter: got["jitter"].float(), ResetAfter: got["reset_after"].duration(),
	}
	if spec.Check == nil {
		return
	}
	if problem := spec.Check(r.job.Restart); problem != "" {
		r.list.Errorf("C508", word.Span, "restart %s: %s", word.text(), problem)
	}
}

// clamp keeps a count within what Flink's integers hold.
func clamp(n int64) int { return int(min(n, math.MaxInt32)) }

func (r *resolver) restartDefault() {
	r.job.Restart = plan.Restart{Strategy: "none", FromDefaults: true}
	if r.job.Checkpoint.Enabled() {
		r.job.Restart = plan.Restart{Strategy: "fixed_delay", Attempts: math.MaxInt32, Delay: time.Second, FromDefaults: true}
	}
	r.origin("restart", nil, r.job.Restart.Strategy, false, BuiltIn)
	if r.job.Checkpoint.Enabled() {
		r.origin("restart.attempts", nil, int64(math.MaxInt32), false, BuiltIn)
		r.origin("restart.delay", nil, time.Second, false, BuiltIn)
	}
}
