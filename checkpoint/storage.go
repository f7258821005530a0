package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"pipec/checkpoint/event"
	"pipec/state/blob"
	"pipec/state/vfs"
)

// Options say where a job's snapshots lie and who asks.
type Options struct {
	URI     string // the storage; the job's directory is below it
	Job     string
	FS      vfs.FS
	Now     func() time.Time
	Random  func() uint64 // part of run ids; seeded per process
	Host    string
	Process int
}

// Storage is one job's directory, as the process that runs the job sees it. Its order of operations is the protocol: all files of a
// checkpoint are durable before `_metadata`, that is durable before the history record, and the record is the commit point.
// Methods may be called from several goroutines.
type Storage struct {
	o      Options
	job    blob.Store // <storage>/<job>
	memory bool
	nonce  uint64

	write sync.Mutex // held while the history is extended; before mu
	doubt uint64     // number of a record of this process that may have been there; guarded by write

	mu        sync.Mutex // guards what follows; never held during I/O
	lock      io.Closer
	alive     bool  // the lock is another's
	damaged   error // the history cannot be read
	fenced    bool
	last      *Run       // as found by the last look into the history
	seq       uint64     // number of the newest record known
	run       string     // the claimed run
	from      string     // what it began with
	epoch     uint64     // 0: nothing claimed
	files     blob.Store // <storage>/<job>/<run>
	completed []Completed
	written   map[uint64]blob.Ref // _metadata of attempts that are not recorded yet
	doubtful  map[uint64]bool     // attempts whose record may be there: their files stay
	givenUp   map[uint64]bool     // attempts that were discarded; a task may still be writing for them
	over      bool                // the run has ended and keeps nothing: all were
	overdue   map[uint64]bool     // are to be released: asked for, or could not be deleted
	releasing bool                // somebody is at it
	joined    bool                // and somebody asked for more
	shared    map[uint64][]string // shared files by checkpoint, as far as its manifest was seen
}

// ErrAlive is returned by Claim when another process holds the job's lock or claimed it since Open.
var ErrAlive = errors.New("the job is already running")

const lockFile = "lock"

// Open reads what a job's storage holds. It writes nothing, so a mistyped location leaves nothing behind; if the storage was used
// before, the lock is taken, or found taken. A damaged history is no error yet: Decide says what can still be done.
func Open(o Options) (*Storage, error) {
	job, err := blob.Open(blob.JoinURI(o.URI, o.Job), o.FS)
	if err != nil {
		return nil, err
	}
	s := &Storage{o: o, job: job, nonce: o.Random(), written: map[uint64]blob.Ref{}, doubtful: map[uint64]bool{}, givenUp: map[uint64]bool{}, overdue: map[uint64]bool{}, shared: map[uint64][]string{}}
	if _, err := job.Stat(lockFile); err == nil {
		if err := s.takeLock(); err != nil && !errors.Is(err, ErrAlive) {
			return nil, err
		}
	}
	run, err := history{job}.lastRun()
	if errors.Is(err, ErrSnapshot) {
		s.damaged = err
		return s, nil
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	s.note(run)
	return s, nil
}

// unreadable explains that nobody knows how the newest run stands. Snapshots can still be named, and a new run begins behind the damage.
func (s *Storage) unreadable() error {
	list, _ := List(s.job.URI(), s.o.FS)
	return withChoices(fmt.Errorf("the history of the job cannot be read: %w", s.damaged), "intact", intact(list))
}

// OpenMemory is Open for `state memory` without storage: the same protocol over a file system in memory. Snapshots survive a restart of
// the job within the process and nothing else.
func OpenMemory(o Options) (*Storage, error) {
	o.URI, o.FS = "/", vfs.NewMem()
	s, err := Open(o)
	if s != nil {
		s.memory = true
	}
	return s, err
}

func (s *Storage) takeLock() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock != nil {
		return nil
	}
	lock, err := s.job.Lock(lockFile) // never waits
	if s.alive = errors.Is(err, vfs.ErrLocked); s.alive {
		return ErrAlive
	}
	s.lock = lock
	return err
}

// note takes over what a look into the history found.
func (s *Storage) note(run *Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last, s.seq = run, 0
	if run != nil {
		s.seq = run.Last
	}
}

// Holding is what Decide needs.
func (s *Storage) Holding() Holding {
	s.mu.Lock()
	h := Holding{Run: s.last, Alive: s.alive}
	s.mu.Unlock()
	if s.damaged != nil && !h.Alive {
		h.Damaged = s.unreadable()
	}
	return h
}

// Close lets go of the lock. It deletes nothing: what a process leaves behind without End is what a crash would leave.
func (s *Storage) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return nil
	}
	err := s.lock.Close()
	s.lock = nil
	return err
}

// Claim makes this process the owner of the job: it takes the lock and writes a claim, whose number is the epoch. With a decision that
// names a run that one goes on, else a new one begins. ErrAlive if somebody was faster.
func (s *Storage) Claim(d Decision) error {
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.takeLock(); err != nil {
		return err
	}
	if err := s.begin(d); err != nil {
		return err
	}
	err := s.claim()
	if errors.Is(err, ErrFenced) {
		return fmt.Errorf("%w: %w", ErrAlive, err)
	}
	if err != nil {
		return err
	}
	s.tidy(d)
	return nil
}

// begin sets the run that is to be claimed.
func (s *Storage) begin(d Decision) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run, s.from, s.completed = d.Run, d.From, nil
	if s.damaged != nil { // whoever read the records meanwhile: the claim goes behind the last of them
		seqs, err := history{s.job}.numbers()
		if err != nil {
			return err
		}
		s.seq = seqs[len(seqs)-1]
	}
	if s.run == "" {
		s.run = runID(s.o.Now().UTC(), s.o.Random())
	} else if s.last != nil && s.last.ID == s.run {
		s.completed = append(s.completed, s.last.Completed...)
	}
	s.files, err = blob.Open(blob.JoinURI(s.job.URI(), s.run), s.o.FS)
	return err
}

// tidy removes what crashed processes left: half-written records and shared files, and the files of a run that ended without keeping them but died
// before they were gone. It runs under the lock and after the claim; that it fails is no reason not to start. With -s nothing is
// removed: the snapshot may be among it.
func (s *Storage) tidy(d Decision) {
	_ = s.job.Sweep(historyDir)
	_ = s.files.Sweep(sharedDir)
	if last := s.last; last != nil && last.End != "" && !last.Kept && last.ID != s.run && d.Start != Restored {
		_ = s.job.DeleteDir(last.ID)
	}
}

// Reclaim is Claim for a restart of the job within the process: the same run under a new epoch. What is complete is read back from the
// history, so that a record whose writing ended in doubt counts if it is there. ErrFenced if the job has a newer owner.
func (s *Storage) Reclaim() error {
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.stands(); err != nil {
		return err
	}
	if err := s.claim(); err != nil {
		return err
	}
	run, err := history{s.job}.lastRun()
	if err != nil {
		return err
	}
	s.note(run)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.completed = run.Completed
	return nil
}

func (s *Storage) claim() error {
	return s.append(Record{Type: ClaimRecord, Host: s.o.Host, Process: s.o.Process})
}

// append writes the next record of the history. Where its number is taken, the record there is either this process's own, from an
// attempt whose outcome was unknown, and then the next number is tried; or the claim of a newer owner. Called with s.write held.
func (s *Storage) append(r Record) error {
	for {
		if err := s.number(&r); err != nil {
			return err
		}
		if r.Seq == s.doubt {
			if err := s.overtaken(r.Seq); err != nil {
				return err
			}
		}
		err := history{s.job}.put(r)
		if err == nil {
			s.adopt(r)
			return nil
		}
		if !errors.Is(err, blob.ErrExist) {
			if errors.Is(err, blob.ErrUnknown) {
				s.doubt = r.Seq
			}
			return err
		}
		other, err := history{s.job}.read(r.Seq)
		if err != nil {
			s.doubt = r.Seq
			return err
		}
		if other.Nonce != s.nonce {
			return s.fence(other)
		}
		s.adopt(other)
	}
}

// overtaken looks for a successor that went on behind a record of this process of which it does not know whether it is there: the successor may have seen it, claimed the next number
// and released it since, so that its number is free again and says nothing. If the record is still there, or no later one is, then nobody has.
func (s *Storage) overtaken(seq uint64) error {
	h := history{s.job}
	if _, err := h.read(seq); !errors.Is(err, blob.ErrNotExist) {
		return err
	}
	seqs, err := h.numbers()
	if err != nil {
		return err
	}
	for _, later := range seqs {
		if later <= seq {
			continue
		}
		switch other, err := h.read(later); {
		case errors.Is(err, blob.ErrNotExist): // a checkpoint of the successor that it released; its claim stays
		case err != nil:
			return err
		default:
			return s.fence(other)
		}
	}
	return nil
}

func (s *Storage) fence(by Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fenced = true
	return &FencedError{by}
}

// number fills in what a record says about its place in the history.
func (s *Storage) number(r *Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fenced {
		return ErrFenced
	}
	r.Time, r.Nonce, r.Run = s.o.Now().UTC(), s.nonce, s.run
	r.Seq, r.Epoch, r.Newest = s.seq+1, s.epoch, 0
	if n := len(s.completed); n > 0 && (r.Type == ClaimRecord || r.Kept) {
		r.Newest = s.completed[n-1].Seq
	}
	switch r.Type {
	case ClaimRecord:
		r.Epoch, r.From = r.Seq, s.from
	case CheckpointRecord:
		r.Retained = nil
		for _, c := range s.completed {
			r.Retained = append(r.Retained, c.Seq)
		}
	}
	return nil
}

// adopt takes over a record of this process that is in the history.
func (s *Storage) adopt(r Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq = r.Seq
	switch r.Type {
	case ClaimRecord:
		s.epoch = r.Epoch
	case CheckpointRecord:
		delete(s.written, r.Checkpoint)
		s.completed = append(s.completed, Completed{r.Checkpoint, r.Seq, *r.Metadata})
	}
}

// runID sorts by time and holds no "-".
func runID(now time.Time, random uint64) string {
	return now.Format("20060102T150405.000Z") + fmt.Sprintf("%04x", random&0xffff)
}

// Run returns the id of the claimed run.
func (s *Storage) Run() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run
}

// Epoch returns the number of the newest claim of this process.
func (s *Storage) Epoch() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch
}

// Completed returns the ids of the checkpoints of the claimed run that are complete and not released, oldest first.
func (s *Storage) Completed() []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []uint64
	for _, c := range s.completed {
		ids = append(ids, c.ID)
	}
	return ids
}

// NextID returns the id of the first checkpoint: one above the highest that has a directory or a record in this run, and above restored,
// the id that state was read from (0: none).
func (s *Storage) NextID(restored uint64) (uint64, error) {
	highest := restored
	for _, id := range s.Completed() {
		highest = max(highest, id)
	}
	ids, err := s.directories()
	for _, id := range ids {
		highest = max(highest, id)
	}
	return highest + 1, err
}

const (
	checkpointPrefix = "chk-"
	savepointPrefix  = "savepoint-"
)

func checkpointDir(id uint64) string { return checkpointPrefix + strconv.FormatUint(id, 10) }

// directories lists the ids that have a directory in the claimed run.
func (s *Storage) directories() ([]uint64, error) {
	names, err := s.files.Dirs("")
	var ids []uint64
	for _, name := range names {
		if digits, ok := strings.CutPrefix(name, checkpointPrefix); ok {
			if id, err := strconv.ParseUint(digits, 10, 64); err == nil {
				ids = append(ids, id)
			}
		}
	}
	return ids, err
}

// Path returns what a person passes to -s for a checkpoint of the claimed run; empty in memory.
func (s *Storage) Path(id uint64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.memory || s.files == nil {
		return ""
	}
	return blob.JoinURI(s.files.URI(), checkpointDir(id))
}

// Place returns where the tasks write the state files of a checkpoint.
func (s *Storage) Place(id uint64) Place {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Place{Store: s.files, Dir: checkpointDir(id), ID: id, Epoch: s.epoch}
}

// SavepointPlace returns where a savepoint goes: a directory savepoint-<run>-<id> in dir, or in the job's directory if that is empty.
func (s *Storage) SavepointPlace(dir string, id uint64) (Place, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	store := s.job
	if dir != "" {
		var err error
		if store, err = blob.Open(dir, s.o.FS); err != nil {
			return Place{}, err
		}
	}
	return Place{Store: store, Dir: fmt.Sprintf("%s%s-%d", savepointPrefix, s.run, id), ID: id, Epoch: s.epoch}, nil
}

// WriteMetadata makes the `_metadata` of a snapshot durable; all files that it names must be. An existing one, which only another process
// can have made, is not touched: blob.ErrExist, and the id is lost. A checkpoint is not complete before Record; a savepoint is.
func (s *Storage) WriteMetadata(p Place, m *Manifest) error {
	data, err := m.Encode(p.Dir)
	if err != nil {
		return err
	}
	ref, err := p.Store.PutIfAbsent(p.Dir+"/"+MetadataFile, data)
	if err != nil {
		return fmt.Errorf("%s: %w", blob.JoinURI(p.Store.URI(), p.Dir), err)
	}
	if m.Kind == Savepoint {
		return nil
	}
	s.noteShared(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written[m.ID] = ref
	return nil
}

// Record completes a checkpoint whose metadata is written: this is the commit point. ErrFenced: a newer process owns the job, and this
// one must stop. blob.ErrUnknown: the record may be there; the checkpoint is given up but Discard will keep its files, and a restart
// must look again (Reclaim). After any other error the record is not there.
func (s *Storage) Record(id uint64) error {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	ref, ok := s.written[id]
	s.mu.Unlock()
	if !ok {
		return fmt.Errorf("checkpoint %d: its metadata was not written", id)
	}
	err := s.append(Record{Type: CheckpointRecord, Checkpoint: id, Metadata: &ref})
	if errors.Is(err, blob.ErrUnknown) {
		s.mu.Lock()
		s.doubtful[id] = true
		s.mu.Unlock()
	}
	return err
}

// End writes how the run ended and then deletes its checkpoints, if that is how such an end goes: finished and stopped runs keep
// nothing, failed and suspended ones all, cancelled ones what keepCancelled says (Flink's CheckpointRetentionPolicy). The lock stays until Close.
// A process whose claim could not be written owns nothing: the run is still its predecessor's, and how it ended is not for this one to say.
func (s *Storage) End(state event.State, keepCancelled bool) error {
	s.write.Lock()
	defer s.write.Unlock()
	if s.Epoch() == 0 {
		return nil
	}
	kept := keeps(state, keepCancelled)
	if err := s.append(Record{Type: EndRecord, State: state, Kept: kept}); err != nil || kept {
		return err
	}
	return s.deleteRun()
}
