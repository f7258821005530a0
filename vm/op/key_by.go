package op

import (
	"pipec/compiler/plan"
	"pipec/grammar"
	"pipec/grammar/diag"
	"pipec/vm/value"
)

func keyBySpec() Spec {
	return Spec{
		Verb:     "key_by",
		Doc:      "Says by which columns the following stages group. A computed key becomes a column. `key by window` is the window the rows left, `key by none` is one group for all rows.",
		Syntax:   "key by ITEM, ...",
		Examples: []string{"from orders |> key by customer |> count", "from orders |> key by month = month(at), customer |> aggregate total = sum(amount)"},
		Check:    checkKeyBy,
		New:      newProject,
		Passes:   true,
	}
}

func checkKeyBy(c *Check) Stream {
	c.closed()
	work := computed{c: c, schema: c.In.Type.Schema}
	keys := []string{}
	none := false
	for _, item := range c.Stage.Op.(*grammar.KeyBy).Items {
		word := item.Word()
		_, column := find(work.schema, word)
		switch {
		case item.Star || item.Of != nil:
			c.say(errorAt("N211", item.Span(), "a key is named column by column").With("write the columns that make the key"))
		case word == "none" && !column:
			none = true
		case word == "window" && !column:
			keys = c.keyWindow(keys, item, work.schema)
		default:
			keys = work.key(keys, item)
		}
	}
	if none && len(keys) > 0 {
		c.say(errorAt("S406", c.keyword(), "`key by none` stands alone: it means one group for all rows"))
	}
	t := c.In.Type
	t.Schema, t.Key, t.KeyAll = work.schema, keys, none
	if none || len(keys) == 0 {
		t.Key, t.KeyAll = nil, true // where every key was wrong, nothing more is said of it
	}
	return c.forward(Node{
		Kind: "key_by", Ports: []plan.Port{{Type: t}}, Fails: work.fails,
		Config: &Project{Steps: work.steps, Columns: upTo(len(t.Schema.Fields))},
	}, same)
}

func find(s value.Schema, name string) (int, bool) {
	i := s.Index(name)
	return i, i >= 0
}

// The columns that a window gives its results.
const (
	windowStart = "window_start"
	windowEnd   = "window_end"
)

// OtherEnd is the column that a window's column says nothing about that it does not say itself: windows of one stage have one size, so the start determines the
// end. "" for other columns.
func OtherEnd(column string) string {
	switch column {
	case windowStart:
		return windowEnd
	case windowEnd:
		return windowStart
	}
	return ""
}

// keyWindow adds the window's columns to the key.
func (c *Check) keyWindow(keys []string, item *grammar.Item, s value.Schema) []string {
	_, start := find(s, windowStart)
	_, end := find(s, windowEnd)
	if (!start || !end) && !c.In.Type.Unknown {
		c.say(errorAt("S406", item.Span(), "these rows come from no window").
			WithHelp("`key by window` groups results by `%s` and `%s`: first `|> window ... |> aggregate ...`", windowStart, windowEnd))
		return keys
	}
	return append(keys, windowStart, windowEnd)
}

// key adds one key: a column, or an expression that becomes one.
func (s *computed) key(keys []string, item *grammar.Item) []string {
	c, before := s.c, len(s.schema.Fields)
	if i, ok := find(s.schema, item.Word()); ok {
		c.floatKey(item.Span(), item.Word(), s.schema.Fields[i].Type)
		return addKey(c, keys, item.Word(), item.Span())
	}
	x := c.Expr(item.Expr, c.scope(s.schema))
	s.fails = s.fails || fails(x)
	name := c.itemName(item, x)
	if name == "" {
		return keys
	}
	if s.schema.Index(name) >= 0 {
		c.say(errorAt("N209", item.Span(), "two columns would be called `%s`", name).
			WithHelp("give the key another name: `key by k = %s`, or key by the column that is there: `key by %s`", item.Expr.Text, name))
		return addKey(c, keys, name, item.Span())
	}
	t := c.typed(name, item.Expr, x)
	c.floatKey(item.Span(), name, t)
	s.steps = append(s.steps, Step{Column: before, Expr: expr(x)})
	s.schema = s.schema.With(name, t)
	return addKey(c, keys, name, item.Span())
}

func addKey(c *Check, keys []string, name string, at diag.Span) []string {
	for _, k := range keys {
		if k == name {
			c.say(errorAt("N209", at, "`%s` is in this key already", name))
			return keys
		}
	}
	return append(keys, name)
}

// floatKey warns of keys that are equal only by luck (S407).
func (c *Check) floatKey(at diag.Span, name string, t value.Type) {
	if t.Kind == value.Float {
		c.say(diag.New(diag.Warning, "S407", at, "`%s` is a float: two rows meet only if all bits are equal", name).
			WithHelp("round it to something exact first: `int(%s)`, or `decimal(...)`", name))
	}
}
