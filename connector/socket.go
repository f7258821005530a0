package connector

import (
	"context"
	"net"

	"pipec/compiler/plan"
	"pipec/connector/redial"
	"pipec/vm/value"
)

func socketSpec() Spec {
	return Spec{
		Name: "socket",
		Doc: "Connects to a server and reads what it sends: lines as the column `line`, or rows in a format with the declared schema. What was read cannot be read again, so nothing behind it is exactly once. " +
			"Where the server closes the connection, a last line without a line end is a line; where the connection breaks, it is none. A connection that was lost is made anew, with pauses of up to 15 seconds.",
		SourceParams: []plan.Param{
			{Name: "address", Doc: "Whom to connect to.", Kind: plan.TextParam, Required: true, Example: `address = "localhost:9999"`, Check: checkAddress},
			{Name: "reconnect", Doc: "Connect again when the connection ends; with false its end is the end of the input, and if it breaks the job fails.", Kind: plan.BoolParam, Default: true, Example: "reconnect = false"},
			formatParam("How rows are written; without it a row is a line.", `format json`, false),
		},
		Columns:  []value.Field{{Name: "line", Type: value.Of(value.String)}},
		Formats:  true,
		Endless:  func(s plan.Settings) bool { return s.Bool("reconnect") },
		Source:   newSocket,
		Examples: []string{`from socket { address = "localhost:9999" }`, `from socket { address = "feed.example:7070", reconnect = false, format json }`},
	}
}

func checkAddress(v any) string {
	text, _ := v.(string)
	if _, port, err := net.SplitHostPort(text); err != nil || port == "" {
		return "is a host and a port, such as \"localhost:9999\""
	}
	return ""
}

// socketSource has one split without positions. Its line to the peer is made by the first Splits and, with a redial.Kept, outlives it.
type socketSource struct {
	o    SourceOptions
	at   redial.Options
	line *redial.Line
	kept *redial.Kept // nil: the line ends with the source
}

func newSocket(o SourceOptions) (Source, error) {
	if _, _, err := decoderOptions(o); err != nil {
		return nil, err
	}
	set := o.Config.Settings
	s := &socketSource{o: o, at: redial.Options{Address: set.Text("address"), Reconnect: set.Bool("reconnect"), Inline: o.Env.Inline, Clock: o.Env.Clock, Note: o.Env.note}}
	if o.Env.Dialer == nil {
		return nil, &Error{Kind: ErrOpen, What: s.at.Address, Text: "there is no network here"}
	}
	return s, nil
}

// Splits implements Source. A peer that does not answer at the start of a job is a mistake (ErrOpen); one that was there before comes back.
func (s *socketSource) Splits(ctx context.Context, _ int, known []Split) ([]Split, error) {
	splits := []Split{{ID: "socket"}}
	if len(known) > 0 {
		splits = append([]Split(nil), known...)
	}
	if s.line != nil || splits[0].Ended {
		return splits, nil
	}
	var again bool
	var err error
	if kept, ok := s.o.Env.Dialer.(*redial.Kept); ok {
		s.kept = kept
		s.line, again, err = kept.Open(ctx, s.o.Config.Name, s.at)
	} else {
		s.line, err = redial.NewLine(ctx, s.o.Config.Name, s.at, s.o.Env.Dialer)
	}
	if err != nil && !again {
		return nil, &Error{Kind: ErrOpen, What: s.at.Address, Text: redial.Reason(err), Err: err}
	}
	return splits, err
}

// Reader implements Source.
func (s *socketSource) Reader(splits []Split, wake func()) (Reader, error) {
	splits = append([]Split(nil), splits...)
	if len(splits) == 0 || splits[0].Ended { // another task reads it, or nobody does any more
		return newRowReader(s.o, splits, nothing{}, make(chan struct{}), wake)
	}
	return newKeptReader(s.o, splits, s.line.Kept, wake)
}

// Close implements Source.
func (s *socketSource) Close() error {
	if s.line == nil {
		return nil
	}
	if s.kept != nil {
		s.kept.Leave(s.line)
	} else {
		s.line.Close()
	}
	s.line = nil
	return nil
}
