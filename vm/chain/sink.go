package chain

import (
	"pipec/connector"
	"pipec/vm/value"
)

// Sink is a declared sink in one task.
type Sink struct {
	ID  string
	End connector.Sink
}

// Write gives it the selected rows of a batch.
func (s *Sink) Write(b *value.Batch) error {
	if err := s.End.Write(b); err != nil {
		return At(s.ID, err)
	}
	return nil
}

// Prepare makes what was written durable and gives the token that publishes it.
func (s *Sink) Prepare(checkpoint uint64, final bool) ([]byte, error) {
	token, err := s.End.Prepare(checkpoint, final)
	if err != nil {
		return nil, At(s.ID, err)
	}
	return token, nil
}
