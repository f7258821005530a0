package connector

// Counted is a Sink that can tell how much it has written: encoded bytes, as they lie on the disk or went to the stream, of rows that were replayed too.
// It is asked after Close.
type Counted interface {
	Bytes() int64
}

// Bytes implements Counted: finished parts, whether or not a checkpoint came to publish them.
func (s *fileSink) Bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}

// Bytes implements Counted.
func (s *stdoutSink) Bytes() int64 { return s.bytes }
