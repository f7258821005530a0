package compiler

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"pipec/compiler/config"
	"pipec/compiler/plan"
	"pipec/connector"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/op"
	"pipec/vm/value"
)

// sink is a declared sink, or a connector that is written into directly.
type sink struct {
	name     string
	spec     *connector.Spec
	cfg      plan.SinkConfig
	at       diag.Span
	key      *grammar.Key
	contract *value.Schema // `schema` of the sink: what arriving rows must be
	node     string        // its node, once something is written into it; several pipelines share it
	ok       bool          // it is understood
}

// sinkOf reads a declared sink, once.
func (c *compilation) sinkOf(s *symbol) *sink {
	if s.sink != nil {
		return s.sink
	}
	d, _ := s.decl.(*grammar.Sink)
	if d == nil || s.broken || d.Connector == nil {
		s.sink = &sink{name: s.name}
		return s.sink
	}
	b := &builder{compilation: c, mod: s.mod}
	s.sink = b.writing(s.unitName(), d.Connector, d.Body, d.Keyword())
	return s.sink
}

// unitName is the name of a declaration in ids: with the prefix of its import.
func (s *symbol) unitName() string {
	if s.mod.prefix != "" {
		return s.mod.prefix + "." + s.name
	}
	return s.name
}

// writing reads the settings of a sink.
func (b *builder) writing(name string, word *grammar.Name, body *grammar.Body, at diag.Span) *sink {
	k := &sink{name: name, at: at}
	spec, ok := connector.Lookup(word.Text)
	if !ok || spec.Sink == nil {
		b.noConnector(word, ok, false)
		return k
	}
	k.spec = spec
	table := config.ForConnector(spec.Name, spec.SinkParams, "schema", "key")
	given := b.mod.reader.Given(table, body)
	k.cfg = plan.SinkConfig{Name: name, Connector: spec.Name, Settings: b.mod.reader.Complete(table, given, word.Span(), body.Broken())}
	k.ok = true
	if k.key = body.Key(); k.key != nil {
		for _, n := range k.key.Columns {
			if slices.Contains(k.cfg.Key, n.Text) {
				b.list.Errorf("N209", n.Span(), "`%s` is in this key already", n.Text)
				continue
			}
			k.cfg.Key = append(k.cfg.Key, n.Text)
		}
	}
	if s := body.Schema(); s != nil {
		schema, cols, complete := b.mod.schemaOf(s)
		b.plainContract(cols, schema)
		if k.ok = complete; complete {
			k.contract = &schema
		}
	}
	b.samePath(k, word)
	b.delivery(k)
	return k
}

// plainContract refuses what a sink's schema cannot do: it checks columns, it does not rename them.
func (b *builder) plainContract(cols []column, schema value.Schema) {
	for i, c := range cols {
		if i < len(schema.Fields) && c.physical != schema.Fields[i].Name {
			b.list.Errorf("K933", c.at.Span(), "other names at a sink do not run yet").
				WithHelp("rename before the sink: `|> rename %s = %s`", c.physical, c.at.Text)
		}
	}
}

// samePath refuses two sinks that would write into the same place.
func (b *builder) samePath(k *sink, word *grammar.Name) {
	where := k.cfg.Settings.Text("path")
	if where == "" {
		return
	}
	// Two sinks would overwrite or double each other's parts, and each would take the other's pending files for those of a dead predecessor.
	// One path may be relative and the other made with `here`.
	id := k.spec.Name + " " + path.Clean(where)
	if abs, err := filepath.Abs(where); err == nil {
		id = k.spec.Name + " " + filepath.ToSlash(abs)
	}
	if first, ok := b.build.paths[id]; ok {
		b.list.Errorf("C508", word.Span(), "two sinks write into %q", where).WithRelated(first, "the other one is here").
			WithHelp("bring the rows together with `union`, or give each its own path")
		return
	}
	b.build.paths[id] = word.Span()
}

// delivery says what a sink's promise is worth (S431).
func (b *builder) delivery(k *sink) {
	cp := b.job.Checkpoint
	if cp.Enabled() && !cp.AtLeastOnce {
		return
	}
	why := "there are no checkpoints"
	if cp.Enabled() {
		why = "checkpoints are at_least_once"
	}
	if k.cfg.Settings.Text("delivery") == "exactly_once" {
		b.list.Errorf("S431", k.cfg.Settings.Get("delivery").Span, "exactly once is not possible: %s", why).
			WithHelp("turn them on in the job block: `checkpoint every 30s`")
		return
	}
	if k.spec.ExactlyOnce && k.cfg.Settings.Has("path") {
		b.list.Hintf("S431", k.at, "after a failure this sink may hold rows twice: %s", why).
			WithHelp("with `checkpoint every 30s` in the job block each row is there once")
	}
}

// into ends a pipeline in sinks.
func (b *builder) into(in op.Stream, o *grammar.Into) {
	for _, ref := range o.Refs {
		if k := b.target(ref, o); k != nil && k.ok {
			b.write(in, k, ref)
		}
	}
	if o.Body != nil && len(o.Refs) == 1 {
		if s, _ := b.mod.find(o.Refs[0].String()); s != nil && s.kind == aSink {
			b.list.Errorf("C502", o.Body.Keyword(), "the settings of `%s` stand where it is declared", s.name).WithRelated(s.at.Span(), "here")
		}
	}
}

// target finds what a pipeline is to be written into; nil if there is nothing, which has been reported.
func (b *builder) target(ref *grammar.Ref, o *grammar.Into) *sink {
	name := ref.String()
	s, silent := b.mod.find(name)
	switch {
	case silent:
		return nil
	case s != nil && s.kind == aSink:
		s.used = true
		b.build.written++
		return b.sinkOf(s)
	case s != nil:
		if s.used = true; !s.broken {
			b.list.Errorf("N206", ref.Span(), "`%s` is a %s: rows go into sinks only", name, s.kind).WithRelated(s.at.Span(), "declared here")
		}
		return nil
	}
	if spec, ok := connector.Lookup(name); ok && spec.Sink != nil || ok && len(ref.Parts) == 1 {
		b.build.written++
		return b.writing(name, ref.Parts[0], o.Body, ref.Span())
	}
	d := b.list.Errorf("N206", ref.Span(), "there is no sink `%s`", name)
	own := b.mod.similar(aSink)
	names := append(own, connectors(false)...)
	if near := connectorSynonyms[strings.ToLower(name)]; near != "" && slices.Contains(names, near) {
		d.With("did you mean `%s`?", near)
	} else {
		nearest(d, ref.Span(), name, names)
	}
	choices(d, "sinks", own, false)
	return nil
}

// write joins a pipeline to a sink.
func (b *builder) write(in op.Stream, k *sink, ref *grammar.Ref) {
	if in.Type.Unknown || in.Node == "" {
		return
	}
	t := in.Type
	for _, n := range k.cfg.Key {
		if t.Schema.Index(n) < 0 {
			d := b.list.Errorf("S426", ref.Span(), "these rows have no column `%s`, which is a key of `%s`", n, k.name)
			nearest(d, ref.Span(), n, t.Schema.Names())
			d.Fix = nil
			d.WithHelp("columns here: %s", strings.Join(t.Schema.Names(), ", "))
			if k.key != nil {
				d.WithRelated(k.key.Span(), "the key is here")
			}
			return
		}
	}
	if !b.takesUpdates(t, k, ref) {
		return
	}
	in, ok := b.contract(in, k, ref)
	if !ok {
		return
	}
	b.sinkKey(t, k, ref)
	b.sinkNode(in, k, ref)
}

// takesUpdates reports updates that would only be appended (S425).
func (b *builder) takesUpdates(t plan.StreamType, k *sink, ref *grammar.Ref) bool {
	if t.Mode == plan.Append || len(k.cfg.Key) > 0 || k.spec.Updates {
		return true
	}
	d := b.list.Errorf("S425", ref.Span(), "`%s` only appends, but these rows are updates", k.name).With("each new row replaces the last one")
	if len(t.ModeKey) > 0 {
		d.WithHelp("give the sink a key: `key %s`, or compute in a window, which emits once", strings.Join(t.ModeKey, ", "))
	} else {
		d.WithHelp("compute in a window, which emits once")
	}
	return false
}

// sinkKey warns where rows that are different for the stream are one for the sink (S437).
func (b *builder) sinkKey(t plan.StreamType, k *sink, ref *grammar.Ref) {
	if t.Mode == plan.Append || len(k.cfg.Key) == 0 {
		return
	}
	for _, n := range t.ModeKey {
		if !slices.Contains(k.cfg.Key, n) && !slices.Contains(k.cfg.Key, op.OtherEnd(n)) {
			b.list.Warnf("S437", ref.Span(), "rows of different `%s` replace each other in `%s`", n, k.name).
				WithHelp("its key is %s, that of the rows is %s: add `%s` to the sink's key", strings.Join(k.cfg.Key, ", "), strings.Join(t.ModeKey, ", "), n)
			return
		}
	}
}

// sinkNode adds the node of a sink, or one more input of it.
func (b *builder) sinkNode(in op.Stream, k *sink, ref *grammar.Ref) {
	// Several pipelines into one sink are several inputs of one node: one writer per task, one set of files, one commit. contract has brought the columns into
	// one order; null and words are those of all inputs together.
	if k.node != "" {
		node := b.build.graph.Find(k.node)
		b.build.graph.ConnectSink(node, in, k.cfg.Key)
		cfg := node.Config.(*plan.SinkConfig)
		if in.Type.Mode != plan.Append {
			cfg.Mode, cfg.ModeKey = in.Type.Mode, in.Type.ModeKey
		}
		for i := range cfg.Schema.Fields {
			t := &cfg.Schema.Fields[i].Type
			more := in.Type.Schema.Fields[i].Type
			t.Nullable, t.Words = t.Nullable || more.Nullable, op.AllWords(t.Words, more.Words)
		}
		return
	}
	cfg := k.cfg
	cfg.Schema = value.Schema{Fields: slices.Clone(in.Type.Schema.Fields)}
	cfg.Mode, cfg.ModeKey = in.Type.Mode, in.Type.ModeKey
	node := b.build.graph.Add(k.name, nil, "", op.Node{Kind: "sink", Config: &cfg})
	node.Span, node.Text = ref.Span(), "into "+k.name
	b.build.graph.ConnectSink(node, in, cfg.Key)
	k.node = node.ID
	if k.spec.CheckSink != nil && config.Certain(cfg.Settings) {
		if problem := k.spec.CheckSink(cfg); problem != "" {
			b.list.Errorf("C508", k.at, "`%s`: %s", k.name, problem)
		}
	}
	b.formatFits(cfg.Settings, cfg.Schema, &grammar.Name{Place: ref.Place, Text: k.name})
}
