package vm

import (
	"pipec/connector"
	"pipec/vm/value"
)

// sinkEnd is a declared sink in one task.
type sinkEnd struct {
	id   string
	sink connector.Sink
	rows int64
}

func (s *sinkEnd) write(b *value.Batch) error {
	s.rows += int64(b.Live())
	if err := s.sink.Write(b); err != nil {
		return at(s.id, err)
	}
	return nil
}

func (s *sinkEnd) prepare(checkpoint uint64, final bool) ([]byte, error) {
	token, err := s.sink.Prepare(checkpoint, final)
	if err != nil {
		return nil, at(s.id, err)
	}
	return token, nil
}
