// Package plan is what will run, as data: nodes with stable ids, edges, typed expressions and the resolved job block.
//
// The compiler makes a Plan, the executor interprets it; neither imports the other. Everything here is pure and serialises to JSON.
//
//	plan.go      Plan, Node, Port, Edge, StreamType
//	expr.go      Expr: typed expressions over the columns of a batch
//	job.go       Job: the job block with every default resolved, and where each value came from
//	settings.go  Param, Settings: declared settings of connectors, formats and blocks, and their checked values
//	explain.go   Explain: the plan as text, and as JSON
//	text.go      Format: expressions and constants in canonical form
package plan

import (
	"pipec/grammar/diag"
	"pipec/vm/value"
)

// Plan is a compiled job.
type Plan struct {
	Job     Job      `json:"job"`
	Program string   `json:"program"` // hash of the program's text
	Text    string   `json:"-"`       // the program's text, imports included, for the manifest
	Nodes   []*Node  `json:"nodes"`   // in topological order
	Edges   []*Edge  `json:"edges"`
	Params  []Output `json:"params,omitempty"`
}

// Output is a named value for display, secrets already masked.
type Output struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Node is one step of the dataflow.
type Node struct {
	ID     string     `json:"id"`             // stable: stream name / kind / ordinal, or the id given by `with`
	Kind   string     `json:"kind"`           // source, sink, or the name of an operator in vm/op's table
	Stream string     `json:"stream"`         // the stream, source or sink it belongs to
	Text   string     `json:"text,omitempty"` // the stage as written, on one line
	Ports  []Port     `json:"ports"`          // outputs: 0 is the main one, others are side outputs
	Config any        `json:"config,omitempty"`
	Span   diag.Span  `json:"-"` // the stage in the program, for messages at run time
	State  *Signature `json:"state,omitempty"`
	Single bool       `json:"single,omitempty"`      // runs as one task whatever the parallelism
	Tasks  int        `json:"parallelism,omitempty"` // own parallelism given by `with`; 0: the job's
	Errors int        `json:"errors,omitempty"`      // port that takes row errors (errors as); 0: on_row_error decides
}

// Port is one output of a node.
type Port struct {
	Name string     `json:"name,omitempty"` // of a side output: late, errors, future or a branch's name
	Type StreamType `json:"type"`
}

// Signature tells whether a state of a snapshot fits a node (language A15): a restore compares it and refuses with J71x.
type Signature struct {
	Key    []value.Type `json:"key"`              // types of the key columns
	Window string       `json:"window,omitempty"` // the window as written in canonical form
	Fields []string     `json:"fields"`           // one per aggregate: output name and aggregate with its argument
}

// Exchange is how rows get from a node to the next.
type Exchange string

// The exchanges. Forward keeps rows in their task; Hash sends each row to the task of its key group; Gather sends all rows to one task.
const (
	Forward Exchange = "forward"
	Hash    Exchange = "hash"
	Gather  Exchange = "gather"
)

// Edge joins an output port of a node to an input of another.
type Edge struct {
	From     string   `json:"from"`
	Port     int      `json:"port,omitempty"`
	To       string   `json:"to"`
	Input    int      `json:"input,omitempty"`
	Exchange Exchange `json:"exchange"`
	Keys     []int    `json:"keys,omitempty"`   // Hash: columns of the key, as numbers in the port's schema
	Unread   []int    `json:"unread,omitempty"` // columns that nobody behind it reads: they do not travel to another task
	Mode     Mode     `json:"mode"`
	Before   bool     `json:"before,omitempty"` // the consumer needs update_before rows
}

// Mode says which row kinds a stream can hold.
type Mode string

// The modes of streams (language A1).
const (
	Append  Mode = "append"
	Upsert  Mode = "upsert"
	Retract Mode = "retract"
)

// StreamType is everything that is known statically of a stream.
type StreamType struct {
	Schema  value.Schema `json:"schema"`
	Key     []string     `json:"key,omitempty"`      // the rows are keyed by these columns; KeyAll: one group for all
	KeyAll  bool         `json:"key_all,omitempty"`  // key by none
	Mode    Mode         `json:"mode"`               // append, upsert or retract
	ModeKey []string     `json:"mode_key,omitempty"` // upsert: rows with the same values here replace each other
	Timed   bool         `json:"timed,omitempty"`    // rows carry event time
	Time    string       `json:"time,omitempty"`     // the column it was read from, while that is unchanged
	Marked  bool         `json:"marked,omitempty"`   // rows carry their split's watermark (they come from a source without a window between)
	Unknown bool         `json:"-"`                  // columns could not be derived: whatever is said of them is right
}

// Find gives the node with that id, or nil.
func (p *Plan) Find(id string) *Node {
	for _, n := range p.Nodes {
		if n.ID == id {
			return n
		}
	}
	return nil
}

// Inputs lists the edges into a node, by input number.
func (p *Plan) Inputs(id string) []*Edge {
	var in []*Edge
	for _, e := range p.Edges {
		if e.To == id {
			in = append(in, e)
		}
	}
	return in
}

// Outputs lists the edges out of a node.
func (p *Plan) Outputs(id string) []*Edge {
	var out []*Edge
	for _, e := range p.Edges {
		if e.From == id {
			out = append(out, e)
		}
	}
	return out
}

// Parallelism is the number of tasks that run the node.
func (p *Plan) Parallelism(n *Node) int {
	if n.Single {
		return 1
	}
	if n.Tasks > 0 {
		return n.Tasks
	}
	return p.Job.Parallelism
}

// SourceConfig is the Config of a node of kind source.
type SourceConfig struct {
	Name      string       `json:"name"`
	Connector string       `json:"connector"`
	Settings  Settings     `json:"settings"`
	Schema    value.Schema `json:"schema"`          // declared columns, in order
	Physical  []string     `json:"physical"`        // physical name of each column
	Wanted    []bool       `json:"wanted"`          // columns that anything reads; the others are not decoded
	Lines     bool         `json:"lines,omitempty"` // rows may reach a sink of the same format unchanged
	Default   []*Expr      `json:"default,omitempty"`
	Watermark *Watermark   `json:"watermark,omitempty"`
}

// Watermark says how event time is read (language A4, A10): the split's watermark is the largest Column so far, minus Delay.
type Watermark struct {
	Column int   `json:"column"`
	Delay  int64 `json:"delay"`            // microseconds
	Idle   int64 `json:"idle,omitempty"`   // microseconds of silence that take a split out; 0: never
	Ahead  int64 `json:"ahead,omitempty"`  // microseconds beyond the wall clock that a row may be; 0: unchecked
	Future int   `json:"future,omitempty"` // port that takes rows which are further ahead; 0: they are row errors E807
	Emits  bool  `json:"emits"`            // rows need their split's watermark further down
}

// SinkConfig is the Config of a node of kind sink.
type SinkConfig struct {
	Name      string       `json:"name"`
	Connector string       `json:"connector"`
	Settings  Settings     `json:"settings"`
	Schema    value.Schema `json:"schema"`
	Key       []string     `json:"key,omitempty"` // the sink's own key
	Mode      Mode         `json:"mode"`          // of the arriving stream
	ModeKey   []string     `json:"mode_key,omitempty"`
}
