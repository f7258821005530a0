package plan

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"pipec/vm/value"
)

// Explain writes what will run as text for people: the job, then every node with where its rows come from, how they get there, and what it gives.
// The text of one plan is always the same.
func Explain(w io.Writer, p *Plan) error {
	var b strings.Builder
	b.WriteString(p.Job.header())
	for _, o := range p.Params {
		fmt.Fprintf(&b, "  param %s = %s\n", o.Name, o.Value)
	}
	for _, n := range p.Nodes {
		b.WriteByte('\n')
		p.explainNode(&b, n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// ExplainJSON writes the plan as one indented JSON value. Secrets are masked.
func ExplainJSON(w io.Writer, p *Plan) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(p)
}

// header is the first lines: the job block as far as it says what will happen.
func (j Job) header() string {
	name := j.Name
	if name == "" {
		name = "(no name)"
	}
	checkpoints := "no checkpoints"
	if j.Checkpoint.Enabled() {
		mode := "exactly once"
		if j.Checkpoint.AtLeastOnce {
			mode = "at least once"
		}
		storage := j.Checkpoint.Storage
		if storage == "" {
			storage = "this process"
		}
		checkpoints = fmt.Sprintf("checkpoint every %s (%s) in %s", short(j.Checkpoint.Interval), mode, storage)
	}
	return fmt.Sprintf("job %s\n  parallelism %d of at most %d, state %s\n  %s, restart %s\n",
		name, j.Parallelism, j.MaxParallel, j.State.Backend, checkpoints, j.Restart.Strategy)
}

// explainNode writes one node.
func (p *Plan) explainNode(b *strings.Builder, n *Node) {
	fmt.Fprintf(b, "%s  x%d", n.ID, p.Parallelism(n))
	if n.State != nil {
		b.WriteString("  state")
	}
	b.WriteByte('\n')
	if n.Text != "" {
		line(b, "does", n.Text)
	}
	for _, e := range p.Inputs(n.ID) {
		line(b, "from", p.edge(e))
	}
	if n.State != nil {
		line(b, "state", n.State.String())
	}
	if s, ok := n.Config.(*SourceConfig); ok {
		explainSource(b, s)
	}
	if s, ok := n.Config.(*SinkConfig); ok {
		line(b, "writes", strings.TrimSpace(s.Connector+" "+s.Settings.String()))
		if len(s.Key) > 0 {
			line(b, "key", strings.Join(s.Key, ", "))
		}
		return
	}
	for i, port := range n.Ports {
		word, text := "gives", port.Type.String()
		if i == n.Errors && i > 0 {
			word = "errors"
		}
		if from := p.keeps(n, port); from != "" {
			text = port.Type.facts() + ", the columns of " + from
		}
		if port.Name != "" {
			text = port.Name + ": " + text
		}
		line(b, word, text)
	}
}

// keeps names the node's first input if a port gives the same columns; "" if it does not.
func (p *Plan) keeps(n *Node, port Port) string {
	in := p.Inputs(n.ID)
	if len(in) == 0 {
		return ""
	}
	from := p.Find(in[0].From)
	if from == nil || in[0].Port >= len(from.Ports) || from.Ports[in[0].Port].Type.Schema.String() != port.Type.Schema.String() {
		return ""
	}
	return output(from, in[0].Port)
}

// output names a port of a node: the node itself, but for branches and side outputs.
func output(n *Node, port int) string {
	if name := n.Ports[port].Name; name != "" {
		return n.ID + "." + name
	}
	return n.ID
}

func line(b *strings.Builder, word, text string) {
	fmt.Fprintf(b, "  %-6s %s\n", word, text)
}

// edge says where rows come from and how.
func (p *Plan) edge(e *Edge) string {
	var b strings.Builder
	from := p.Find(e.From)
	if from != nil && e.Port < len(from.Ports) {
		b.WriteString(output(from, e.Port))
	} else {
		b.WriteString(e.From)
	}
	switch e.Exchange {
	case Hash:
		names := make([]string, len(e.Keys))
		for i, k := range e.Keys {
			names[i] = strconv.Itoa(k)
			if from != nil && e.Port < len(from.Ports) && k < len(from.Ports[e.Port].Type.Schema.Fields) {
				names[i] = from.Ports[e.Port].Type.Schema.Fields[k].Name
			}
		}
		b.WriteString(", shuffled by " + strings.Join(names, ", "))
	case Gather:
		b.WriteString(", gathered into one task")
	}
	if e.Mode != Append {
		b.WriteString(", " + string(e.Mode))
		if e.Before {
			b.WriteString(" with old rows")
		}
	}
	return b.String()
}

func explainSource(b *strings.Builder, s *SourceConfig) {
	line(b, "reads", strings.TrimSpace(s.Connector+" "+s.Settings.String()))
	if w := s.Watermark; w != nil && w.Column < len(s.Schema.Fields) {
		text := s.Schema.Fields[w.Column].Name
		if w.Delay != 0 {
			text += " - " + string(value.AppendDuration(nil, w.Delay))
		}
		if w.Idle > 0 {
			text += " idle " + string(value.AppendDuration(nil, w.Idle))
		}
		if w.Ahead > 0 {
			text += " ahead " + string(value.AppendDuration(nil, w.Ahead))
		}
		line(b, "time", text)
	}
	var skipped []string
	for i, wanted := range s.Wanted {
		if !wanted {
			skipped = append(skipped, s.Schema.Fields[i].Name)
		}
	}
	if len(skipped) > 0 {
		line(b, "skips", strings.Join(skipped, ", "))
	}
}

// String is a signature on one line, as messages about restores write it.
func (s *Signature) String() string {
	keys := make([]string, len(s.Key))
	for i, t := range s.Key {
		keys[i] = t.String()
	}
	text := "key(" + strings.Join(keys, ", ") + ")"
	if s.Window != "" {
		text += " window " + s.Window
	}
	return text + " { " + strings.Join(s.Fields, ", ") + " }"
}

// String is everything known of a stream on one line, as editors show it.
func (t StreamType) String() string {
	if t.Unknown {
		return "unknown columns"
	}
	return t.facts() + " " + t.Schema.String()
}

// facts is mode, key and time.
func (t StreamType) facts() string {
	text := string(t.Mode)
	if t.Mode != Append && len(t.ModeKey) > 0 {
		text += "(" + strings.Join(t.ModeKey, ", ") + ")"
	}
	switch {
	case len(t.Key) > 0:
		text += " key(" + strings.Join(t.Key, ", ") + ")"
	case t.KeyAll:
		text += " key(none)"
	}
	switch {
	case t.Timed && t.Time != "":
		text += " time(" + t.Time + ")"
	case t.Timed:
		text += " time"
	}
	return text
}

// String is the settings that the program gives, on one line; secrets are masked and defaults left out.
func (s Settings) String() string {
	var parts []string
	for _, v := range s.Values {
		if !v.Given {
			continue
		}
		parts = append(parts, v.text())
	}
	return strings.Join(parts, ", ")
}

func (s Setting) text() string {
	sub := ""
	if s.Sub != nil {
		if inner := s.Sub.String(); inner != "" {
			sub = " { " + inner + " }"
		}
	}
	switch {
	case s.Sub != nil && s.Value == nil:
		return s.Name + sub
	case s.Sub != nil:
		return s.Name + " " + fmt.Sprint(s.Value) + sub
	case s.Secret:
		return s.Name + " = ***"
	case s.Value == nil && s.Later != "":
		return s.Name + " = " + s.Later
	}
	return s.Name + " = " + FormatValue(s.Value)
}

// FormatValue writes a setting's value as one writes it in a .pipe file.
func FormatValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case string:
		return strconv.Quote(v)
	case time.Duration:
		return short(v)
	case float64:
		return string(value.AppendFloat(nil, v))
	}
	return fmt.Sprint(v)
}

// FormatSize writes a number of bytes with its largest whole unit.
func FormatSize(n int64) string {
	units := []struct {
		name string
		size int64
	}{{"TiB", 1 << 40}, {"TB", 1e12}, {"GiB", 1 << 30}, {"GB", 1e9}, {"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"KB", 1e3}}
	for _, u := range units {
		if n >= u.size && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

// short writes a duration as the language does.
func short(d time.Duration) string { return string(value.AppendDuration(nil, d.Microseconds())) }

// MarshalJSON masks secrets and writes durations as the language does; `later` is the text of a value that only a run knows.
func (s Setting) MarshalJSON() ([]byte, error) {
	out := struct {
		Name  string    `json:"name"`
		Value any       `json:"value,omitempty"`
		Later string    `json:"later,omitempty"`
		Sub   *Settings `json:"sub,omitempty"`
	}{s.Name, s.Value, s.Later, s.Sub}
	if d, ok := s.Value.(time.Duration); ok {
		out.Value = short(d)
	}
	if s.Secret && (s.Value != nil || s.Later != "") {
		out.Value, out.Later = "***", ""
	}
	return json.Marshal(out)
}
