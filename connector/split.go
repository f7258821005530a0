package connector

import (
	"pipec/connector/format"
	"pipec/vm/value"
)

// Split is a part of a source that is read in order by one reader. It is what a snapshot stores of a source ("split state").
type Split struct {
	ID       string `json:"id"`              // stable name: a path, a residue
	Position []byte `json:"pos,omitempty"`   // after the last row taken, in the connector's own form; nil: the start
	Ended    bool   `json:"ended,omitempty"` // everything was read and nothing can follow, unless what it is named after appears again
	Chain    bool   `json:"chain,omitempty"` // read with the other chained splits by one task, in order
}

// Status is what Next gives.
type Status uint8

// The statuses.
const (
	More Status = iota // a batch was given
	Wait               // nothing now; wake will be called
	Done               // every split has ended; the source gives nothing more
)

// Place is a byte of an input, counted from 0 in what it holds decompressed. The zero Place is unknown.
type Place struct {
	Input string
	Byte  int64
}

// Read is one batch of a reader. Its columns follow the source's schema. Batch and Bad belong to the reader and are valid until the next call of Next (or
// Close); After is the receiver's. A batch may be empty: then only After is news, an end that was found behind the last row.
type Read struct {
	Batch *value.Batch
	Bad   []format.Bad
	From  Place // of the bytes that the offsets of Bad count from
	Split int   // index in the splits given to Reader; those that it found itself count on from there
	After Split // the split after the batch's last row: what a snapshot stores once the batch has been taken
	Bytes int64 // of the source's data since the last batch, decompressed, for reports
	// Ready tells by split whether it is being read or has ended; a split that waits its turn holds the watermark back. nil: all. It is set by every Next.
	Ready []bool
}

// Divide gives the splits that one of several tasks reads, in the order given. All chained splits go to task 0.
func Divide(splits []Split, task, tasks int) []Split {
	var mine []Split
	free := 0
	for _, s := range splits {
		if s.Chain {
			if task == 0 {
				mine = append(mine, s)
			}
			continue
		}
		if free%tasks == task {
			mine = append(mine, s)
		}
		free++
	}
	return mine
}
