package config

import (
	"strings"

	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
)

// settingSynonyms are words of other systems for settings of ours.
var settingSynonyms = map[string]string{
	"parallel": "parallelism", "workers": "parallelism", "threads": "parallelism", "tasks": "parallelism", "shards": "parallelism",
	"timezone": "time_zone", "tz": "time_zone", "on_error": "on_row_error", "errors": "on_row_error", "state_backend": "state",
	"backend": "state", "checkpoints": "checkpoint", "checkpointing": "checkpoint", "checkpoint_interval": "checkpoint",
	"restart_strategy": "restart", "retries": "attempts", "retry": "attempts", "max_attempts": "attempts", "directory": "path", "dir": "path",
	"file": "path", "location": "path", "filename": "path", "delimiter": "separator", "sep": "separator", "null_value": "null",
	"na": "null", "has_header": "header", "limit": "to", "end": "to", "count": "to", "rows": "to", "begin": "from", "rows_per_second": "rate",
	"ratio": "jitter", "backoff": "delay", "wait": "delay", "storage_dir": "storage", "checkpoint_dir": "storage", "max_retained": "retain",
	"compress": "compression", "rotate": "roll", "rolling": "roll", "type": "format",
}

// A wrong name is the commonest mistake in a configuration and the worst to miss, since a setting that is ignored looks like one that works. So nothing unknown
// passes, and the answer says in this order: what it is called here, where it belongs, what there is.

// unknownSetting reports a name that the table does not have (C502), and gives the one that was meant, "" if none comes to mind.
func (r *Reader) unknownSetting(t Table, f grammar.Fact) (near string) {
	name := f.FactName()
	// A setting of the other backends, so a job that is moved to `memory` for a trial need not be edited (A7).
	if t.Owner == "`state memory`" && name == "incremental" {
		r.List.Warnf("C502", f.Keyword(), "`incremental` has no effect: snapshots of `memory` are always whole").WithHelp("it is for `state fs` and `state badger`")
		return ""
	}
	if t.Owner == "job" && name == "metrics" {
		r.List.Errorf("K934", f.Keyword(), "`metrics` does not run yet").
			WithHelp("`--events FILE` and the report at the end hold the counts")
		return ""
	}
	d := r.List.Errorf("C502", f.Keyword(), "%s has no setting `%s`", t.Owner, name)
	known := names(t.Params)
	// A misspelling is likelier than a word of another system, if both are near.
	near = diag.Nearest(name, known)
	if s := settingSynonyms[strings.ToLower(name)]; near == "" && find(t.Params, s) != nil {
		near = s
	}
	if near != "" {
		d.With("did you mean `%s`?", near)
	}
	if factHelp[name] != "" {
		d.WithHelp("%s", factHelp[name])
		return near
	}
	if len(known) == 0 {
		d.WithHelp("it has no settings")
		return near
	}
	d.WithHelp("settings: %s", diag.Listed(known))
	return near
}

// factHelp is for facts that belong somewhere else.
var factHelp = map[string]string{
	"watermark": "event time is a matter of sources: `watermark at - 5s` belongs into one",
	"schema":    "columns are declared at sources and sinks",
}

// unknownWord reports a choice that does not exist (C504).
func (r *Reader) unknownWord(name string, word *grammar.Name, words []string) {
	d := r.List.Errorf("C504", word.Span(), "there is no %s `%s`", name, word.Text)
	if near := diag.Nearest(word.Text, words); near != "" {
		d.With("did you mean `%s`?", near).WithFix(word.Span(), near)
	}
	d.WithHelp("%s is one of: %s", name, diag.Listed(words))
}

// notAWord reports a value that is none of a setting's words (C504).
func (r *Reader) notAWord(p *plan.Param, span diag.Span, got string) {
	d := r.List.Errorf("C504", span, "`%s` is %s", p.Name, either(p.Words))
	bare := strings.Trim(got, "\"'`")
	for _, w := range p.Words {
		if w == bare {
			d.With("write `%s` without quotes", w).WithFix(span, w)
			return
		}
	}
	if near := diag.Nearest(bare, p.Words); near != "" {
		d.With("did you mean `%s`?", near).WithFix(span, near)
	}
}

// either lists words in backquotes: `a`, `b` or `c`.
func either(words []string) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString("`" + w + "`")
	}
	return b.String()
}

// kindNames are what messages call a value of a kind.
var kindNames = map[plan.ParamKind]string{
	plan.TextParam: "a text", plan.IntParam: "an int", plan.FloatParam: "a number", plan.BoolParam: "true or false",
	plan.DurationParam: "a duration", plan.SizeParam: "a size", plan.TimestampParam: "a time such as \"2026-01-31T00:00:00Z\"",
}
