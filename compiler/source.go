package compiler

import (
	"slices"
	"strings"

	"pipec/compiler/config"
	"pipec/compiler/plan"
	"pipec/connector"
	"pipec/connector/format"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/op"
	"pipec/vm/value"
)

// source builds the node of a declared source. It is read once per job, however many streams begin with it.
func (c *compilation) source(u *unit) {
	d, s := u.source, u.own
	s.out, s.made = op.Stream{Type: unknownType()}, true
	if s.broken || c.refused(d) {
		c.nameless(u, d.Body)
		return
	}
	b := &builder{compilation: c, mod: u.mod, unit: u}
	s.out = b.reading(u.name, d.Connector, d.Body, d.Keyword())
	if s.out.Type.Unknown {
		c.nameless(u, d.Body)
	}
}

// nameless makes the side outputs of a source that is not understood streams with unknown columns.
func (c *compilation) nameless(u *unit, body *grammar.Body) {
	var side []*grammar.Name
	if e := body.ErrorsAs(); e != nil {
		side = append(side, e.Name)
	}
	if w := body.Watermark(); w != nil && w.AheadAs != nil {
		side = append(side, w.AheadAs)
	}
	for _, n := range side {
		if s := u.mod.symbols[n.Text]; s != nil && s.kind == aSide && !s.made {
			s.out, s.made = op.Stream{Type: unknownType()}, true
		}
	}
}

func unknownType() plan.StreamType {
	return plan.StreamType{Mode: plan.Append, Timed: true, Unknown: true}
}

// reading makes the node that reads from a connector, named or not.
func (b *builder) reading(name string, word *grammar.Name, body *grammar.Body, at diag.Span) op.Stream {
	unknown := op.Stream{Type: unknownType()}
	spec, ok := connector.Lookup(word.Text)
	if !ok || spec.Source == nil {
		b.noConnector(word, ok, true)
		return unknown
	}
	table := config.ForConnector(spec.Name, spec.SourceParams, "schema", "watermark", "errors")
	given := b.mod.reader.Given(table, body)
	set := b.mod.reader.Complete(table, given, word.Span(), body.Broken())
	cfg := plan.SourceConfig{Name: name, Connector: spec.Name, Settings: set}
	complete := b.sourceColumns(&cfg, spec, body, word)
	b.contradicts(spec.CheckSource, set, word)
	b.once(spec, word)
	if complete {
		b.formatFits(set, cfg.Schema, word)
	}
	if !complete {
		// Its column cannot be looked up, its durations can: mistakes in them need not wait for the schema.
		if w := body.Watermark(); w != nil && !body.Broken() {
			b.durations(w)
		}
		return unknown
	}
	return b.sourceNode(cfg, spec, body, at)
}

// once warns of a source that a restore cannot put back (S442).
func (b *builder) once(spec *connector.Spec, word *grammar.Name) {
	if !spec.Replayable && b.job.Checkpoint.Enabled() {
		b.list.Warnf("S442", word.Span(), "`%s` cannot be read again: what came between the last checkpoint and a failure is lost", spec.Name).
			WithHelp("state and sinks go back to the checkpoint, the source goes on with what comes next; what must not be lost is better read from files")
	}
}

// sourceNode adds the node of a source whose columns are known.
func (b *builder) sourceNode(cfg plan.SourceConfig, spec *connector.Spec, body *grammar.Body, at diag.Span) op.Stream {
	t := plan.StreamType{Schema: cfg.Schema, Mode: plan.Append}
	cfg.Watermark = b.watermark(cfg.Schema, spec, body)
	if w := cfg.Watermark; w != nil {
		t.Timed, t.Marked, t.Time = true, true, cfg.Schema.Fields[w.Column].Name
	}
	n := op.Node{Kind: "source", Ports: []plan.Port{{Type: t}}, Fails: true}
	clause := body.Watermark()
	if clause != nil && clause.AheadAs != nil && cfg.Watermark != nil {
		cfg.Watermark.Future = len(n.Ports)
		n.Ports = append(n.Ports, plan.Port{Name: clause.AheadAs.Text, Type: t})
	}
	n.Config = &cfg
	b.span = at
	if e := body.ErrorsAs(); e != nil {
		b.errorsAs = e.Name
	}
	out := b.Node(n)
	if clause != nil && clause.AheadAs != nil {
		future := out
		if cfg.Watermark != nil {
			future.Port = cfg.Watermark.Future
		} else {
			future.Type = unknownType()
		}
		b.Name(*clause.AheadAs, future)
	}
	if n := b.build.graph.Find(out.Node); clause != nil && clause.Idle == nil {
		n.Silent = clause.Keyword()
	}
	return out
}

// noConnector reports a connector that does not exist, or works in the other direction only (C501).
func (b *builder) noConnector(word *grammar.Name, exists, reads bool) {
	can, verb := connectors(reads), direction(reads)
	if exists {
		b.list.Errorf("C501", word.Span(), "one cannot %s `%s`", verb, word.Text).WithHelp("connectors to %s: %s", verb, diag.Listed(can))
		return
	}
	d := b.list.Errorf("C501", word.Span(), "there is no connector `%s`", word.Text)
	if near := connectorSynonyms[strings.ToLower(word.Text)]; near != "" {
		d.With("did you mean `%s`?", near)
	} else {
		nearest(d, word.Span(), word.Text, can)
	}
	d.WithHelp("connectors to %s: %s", verb, diag.Listed(can))
}

// connectors lists those that can be read from, or written into.
func connectors(reads bool) []string {
	var can []string
	for _, s := range connector.All() {
		if reads && s.Source != nil || !reads && s.Sink != nil {
			can = append(can, s.Name)
		}
	}
	return can
}

func direction(reads bool) string {
	if reads {
		return "read from"
	}
	return "write into"
}

// choices lists what could have stood in the place of a name: what the file declares, and connectors.
func choices(d *diag.Diagnostic, what string, own []string, reads bool) {
	if len(own) > 0 {
		d.WithHelp("%s: %s", what, diag.Listed(own))
	}
	d.WithHelp("connectors to %s: %s", direction(reads), diag.Listed(connectors(reads)))
}

// connectorSynonyms are what people look for.
var connectorSynonyms = map[string]string{
	"console": "stdout", "print": "stdout", "terminal": "stdout", "null": "blackhole", "none": "blackhole", "discard": "blackhole", "devnull": "blackhole",
	"files": "file", "filesystem": "file", "fs": "file", "disk": "file", "csv": "file", "json": "file", "directory": "file", "datagen": "sequence",
	"generate": "sequence", "generator": "sequence", "range": "sequence", "numbers": "sequence", "input": "stdin", "output": "stdout", "log": "stdout",
}

// sourceColumns fills in the columns of a source: declared ones, else those of the connector. false: they are not known.
func (b *builder) sourceColumns(cfg *plan.SourceConfig, spec *connector.Spec, body *grammar.Body, word *grammar.Name) bool {
	declared := body.Schema()
	format := cfg.Settings.Get("format")
	formatted := format != nil && (format.Value != nil || format.Given) // one that is wrong has been reported
	given := spec.ColumnsOf(cfg.Settings)
	var cols []column
	complete := true
	switch {
	case declared != nil:
		cfg.Schema, cols, complete = b.mod.schemaOf(declared)
		if complete && given != nil && !formatted {
			complete = b.fixedColumns(spec, value.Schema{Fields: given}, cfg.Schema, cols, declared)
		}
	case given != nil && !formatted:
		cfg.Schema = value.Schema{Fields: given}
		cols = plainColumns(given, word)
	case body.Broken():
		return false
	default:
		example := "schema { id: int, amount: decimal(12, 2), at: timestamp }"
		if word, _ := cfg.Settings.Choice("format"); word == "text" {
			example = "schema { line: string }"
		}
		b.list.Errorf("C510", word.Span(), "this source declares no columns").WithHelp("say what a row holds: `%s`", example)
		return false
	}
	if complete && len(cfg.Schema.Fields) == 0 {
		if !body.Broken() {
			b.list.Errorf("C510", declared.Keyword(), "this schema has no columns")
		}
		return false
	}
	for _, c := range cols {
		cfg.Physical = append(cfg.Physical, c.physical)
		cfg.Default = append(cfg.Default, c.fallback)
		cfg.Wanted = append(cfg.Wanted, true)
	}
	if !hasDefault(cols) {
		cfg.Default = nil
	}
	return complete
}

func hasDefault(cols []column) bool {
	for _, c := range cols {
		if c.fallback != nil {
			return true
		}
	}
	return false
}

// fixedColumns checks a schema of a connector whose columns are given: it may rename and leave out, not add.
func (b *builder) fixedColumns(spec *connector.Spec, given, schema value.Schema, cols []column, at *grammar.Schema) bool {
	for i, f := range schema.Fields {
		j := given.Index(cols[i].physical)
		switch {
		case j < 0 && spec.Formats:
			b.list.Errorf("C507", at.Keyword(), "rows with columns need a format").WithHelp("for example `format json`; without one, the rows of `%s` are %s", spec.Name, given)
			return false
		case j < 0:
			d := b.list.Errorf("N201", cols[i].at.Span(), "`%s` has no column `%s`", spec.Name, cols[i].physical)
			d.WithHelp("its columns: %s", given)
			return false
		case !f.Type.Same(given.Fields[j].Type):
			b.list.Errorf("T308", cols[i].at.Span(), "`%s` of `%s` is %s", cols[i].physical, spec.Name, given.Fields[j].Type)
			return false
		}
	}
	return true
}

// contradicts reports what a connector finds wrong with its settings (C508).
func (b *builder) contradicts(check func(plan.Settings) string, s plan.Settings, word *grammar.Name) {
	if check == nil || !config.Certain(s) {
		return
	}
	if problem := check(s); problem != "" {
		b.list.Errorf("C508", word.Span(), "`%s`: %s", word.Text, problem)
	}
}

// formatFits reports what a format cannot do with a schema (C508).
func (b *builder) formatFits(s plan.Settings, schema value.Schema, word *grammar.Name) {
	name, settings := s.Choice("format")
	f, ok := format.Lookup(name)
	unknown := slices.ContainsFunc(schema.Fields, func(f value.Field) bool { return f.Type.Kind == value.Unknown })
	if !ok || f.Check == nil || unknown {
		return
	}
	at := word.Span()
	if set := s.Get("format"); set != nil && !set.Span.IsZero() {
		at = set.Span
	}
	if problem := f.Check(settings, schema); problem != "" {
		b.list.Errorf("C508", at, "`%s`: %s", name, problem)
	}
}
