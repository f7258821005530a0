package checkpoint

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"time"

	"pipec/checkpoint/event"
	"pipec/state/blob"
)

// RecordType is the kind of a history record.
type RecordType string

// The types of records.
const (
	ClaimRecord      RecordType = "claim"
	CheckpointRecord RecordType = "checkpoint"
	EndRecord        RecordType = "end"
)

// Record is one entry of a job's history. Records are numbered without gaps from 1 and each is made by create-if-absent, so that of two
// processes that both believe to own the job exactly one writes the next.
type Record struct {
	Seq   uint64     `json:"seq"`
	Type  RecordType `json:"type"`
	Run   string     `json:"run"`
	Epoch uint64     `json:"epoch"` // number of the claim under which it was written
	Time  time.Time  `json:"time"`

	// Claim: who; from which snapshot the run began if not empty, and the number of its newest checkpoint record (each claim repeats
	// both, so that nobody has to read further back than to the newest claim).
	Host    string `json:"host,omitempty"`
	Process int    `json:"process,omitempty"`
	Nonce   uint64 `json:"nonce,omitempty"` // tells one process's claims from all others
	From    string `json:"from,omitempty"`
	Newest  uint64 `json:"newest,omitempty"`

	// Checkpoint: its id, what its _metadata must contain, and the numbers of the older records of this run whose checkpoints are not
	// yet released.
	Checkpoint uint64    `json:"checkpoint,omitempty"`
	Metadata   *blob.Ref `json:"metadata,omitempty"`
	Retained   []uint64  `json:"retained,omitempty"`

	// End: how the run ended; Kept: its checkpoints stay, and Newest is the record of the newest.
	State event.State `json:"state,omitempty"`
	Kept  bool        `json:"kept,omitempty"`
}

// ErrFenced is returned to a process whose job was claimed by a newer one. It must stop: it may neither commit nor delete.
var ErrFenced = errors.New("the job was claimed by a newer process")

// FencedError is ErrFenced with the claim that did it.
type FencedError struct{ By Record }

// Error implements error.
func (e *FencedError) Error() string {
	return fmt.Sprintf("%v: run %s, epoch %d, process %d on %s", ErrFenced, e.By.Run, e.By.Epoch, e.By.Process, e.By.Host)
}

// Is makes errors.Is(err, ErrFenced) hold.
func (e *FencedError) Is(target error) bool { return target == ErrFenced }

const historyDir = "history"

// history reads and writes the records of one job's store.
type history struct{ store blob.Store }

// recordName pads the number, so that names sort like numbers.
func recordName(seq uint64) string { return fmt.Sprintf("%s/%012d", historyDir, seq) }

// put makes a record under its number: blob.ErrExist if that is taken, blob.ErrUnknown if nobody knows.
func (h history) put(r Record) error {
	data, err := encodeFrame("record", r)
	if err != nil {
		return err
	}
	_, err = h.store.PutIfAbsent(recordName(r.Seq), data)
	return err
}

func (h history) read(seq uint64) (Record, error) {
	var r Record
	name := recordName(seq)
	data, err := blob.ReadAll(h.store, name)
	if err != nil {
		return r, err
	}
	uri := blob.JoinURI(h.store.URI(), name)
	if err := decodeFrame("record", uri, data, &r); err != nil {
		return r, err
	}
	if r.Seq != seq || r.Type == CheckpointRecord && r.Metadata == nil {
		return r, &SnapshotError{URI: uri, Reason: fmt.Sprintf("damaged: it holds record %d", r.Seq), Cause: blob.ErrDamaged}
	}
	return r, nil
}

// numbers lists the records that are there, oldest first.
func (h history) numbers() ([]uint64, error) {
	list, err := h.store.List(historyDir)
	if err != nil {
		return nil, err
	}
	var seqs []uint64
	for _, o := range list {
		seq, err := strconv.ParseUint(o.Name[len(historyDir)+1:], 10, 64)
		if err == nil && o.Name == recordName(seq) {
			seqs = append(seqs, seq)
		}
	}
	sort.Slice(seqs, func(i, j int) bool { return seqs[i] < seqs[j] })
	return seqs, nil
}

// Run is what the history says about one run.
type Run struct {
	ID    string
	Claim Record // the newest
	From  string // the snapshot it began with; empty: it began empty
	Last  uint64 // number of the newest record
	// End is how it ended; empty: it did not say, so it runs or died.
	End  event.State
	Kept bool // its end left its checkpoints
	// Completed are its checkpoints that can be restored, oldest first.
	Completed []Completed
	last      uint64 // number of the newest of their records, as the end has it; 0: it has none
}

// Completed is a checkpoint that passed its commit point.
type Completed struct {
	ID       uint64
	Seq      uint64 // of its record
	Metadata blob.Ref
}

// Newest returns the newest completed checkpoint, nil if there is none.
func (r *Run) Newest() *Completed {
	if len(r.Completed) == 0 {
		return nil
	}
	return &r.Completed[len(r.Completed)-1]
}

// lastRun is what the history says of the newest run; nil if there is no history. Where an end says which checkpoint was the newest, that one must be there: without
// an end a record that is missing is one that never was.
func (h history) lastRun() (*Run, error) {
	run, err := h.readBack()
	if err != nil || run == nil || run.last == 0 {
		return run, err
	}
	if newest := run.Newest(); newest == nil || newest.Seq != run.last {
		return nil, &SnapshotError{URI: blob.JoinURI(h.store.URI(), recordName(run.last)), Reason: "damaged: the record is missing", Cause: blob.ErrDamaged}
	}
	return run, nil
}

// readBack reads the history back to the newest claim.
func (h history) readBack() (*Run, error) {
	seqs, err := h.numbers()
	if err != nil || len(seqs) == 0 {
		return nil, err
	}
	run := &Run{Last: seqs[len(seqs)-1]}
	for i := len(seqs) - 1; i >= 0 && run.Claim.Seq == 0; i-- {
		r, err := h.read(seqs[i])
		if errors.Is(err, blob.ErrNotExist) { // released meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		run.ID = r.Run
		switch {
		case r.Type == EndRecord && r.Seq == run.Last:
			run.End, run.Kept, run.last = r.State, r.Kept, r.Newest
		case r.Type == ClaimRecord:
			run.Claim, run.From = r, r.From
		case r.Type == CheckpointRecord && run.Newest() == nil:
			if err := h.completed(run, r); err != nil {
				return nil, err
			}
		}
	}
	if run.Newest() == nil && run.Claim.Newest != 0 {
		r, err := h.read(run.Claim.Newest)
		switch {
		case errors.Is(err, blob.ErrNotExist) && run.End != "": // the end of the run deleted it
			return run, nil
		case errors.Is(err, blob.ErrNotExist):
			return run, h.before(run, seqs)
		case err != nil:
			return nil, err
		}
		return run, h.completed(run, r)
	}
	return run, nil
}

// before goes back behind a record that the newest claim names and that is gone. Its writer was killed before it was durable, the claimant saw it all the same, and the
// power went before the claim, and with it the record, was durable: nobody has acted on it, so the one before it counts.
func (h history) before(run *Run, seqs []uint64) error {
	for i := len(seqs) - 1; i >= 0; i-- {
		if seqs[i] >= run.Claim.Newest {
			continue
		}
		r, err := h.read(seqs[i])
		if errors.Is(err, blob.ErrNotExist) {
			continue
		}
		if err != nil || r.Run != run.ID {
			return err
		}
		if r.Type == CheckpointRecord {
			return h.completed(run, r)
		}
	}
	return nil
}

// completed notes what the newest checkpoint record of a run says: itself and the older ones that were not released yet.
func (h history) completed(run *Run, newest Record) error {
	for _, seq := range newest.Retained {
		r, err := h.read(seq)
		if errors.Is(err, blob.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if r.Type == CheckpointRecord {
			run.Completed = append(run.Completed, Completed{r.Checkpoint, seq, *r.Metadata})
		}
	}
	run.Completed = append(run.Completed, Completed{newest.Checkpoint, newest.Seq, *newest.Metadata})
	return nil
}

// stands makes sure that the newest checkpoint that this process has completed is still recorded. Where the storage was removed, or is no longer mounted, a restart would
// begin empty, and publish again what was published.
func (s *Storage) stands() error {
	s.mu.Lock()
	var seq uint64
	if n := len(s.completed); n > 0 {
		seq = s.completed[n-1].Seq
	}
	s.mu.Unlock()
	if seq == 0 {
		return nil
	}
	_, err := history{s.job}.read(seq)
	if !errors.Is(err, blob.ErrNotExist) {
		return nil // what cannot be read now says nothing; a successor is found by the claim
	}
	if seqs, err := (history{s.job}).numbers(); err != nil || len(seqs) > 0 && seqs[len(seqs)-1] > seq {
		return err // a successor has released it: the claim says so
	}
	return &SnapshotError{URI: blob.JoinURI(s.job.URI(), recordName(seq)), Reason: "the record of the newest checkpoint is gone: was the storage removed, or is it no longer mounted?", Cause: blob.ErrNotExist}
}
