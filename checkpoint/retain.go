package checkpoint

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"pipec/checkpoint/event"
	"pipec/state/blob"
)

// Place is where the files of one snapshot go. It is a value; tasks keep it as long as they upload.
type Place struct {
	Store blob.Store
	Dir   string // of the snapshot, in the store
	ID    uint64
	Epoch uint64
}

// Create begins a state file. name is unique within the snapshot, "<task>-<what>"; the object's name contains the epoch, so that two
// processes that both believe to own the job never write one object.
func (p Place) Create(name string) (blob.Writer, error) { return p.Store.Create(p.Name(name)) }

// Name is the object's name for a state file.
func (p Place) Name(name string) string { return p.Dir + "/" + fileName(p.Epoch, name) }

func fileName(epoch uint64, name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "e%d-", epoch)
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
			b.WriteByte(c)
		case c == '/':
			b.WriteByte('+')
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// fileEpoch is the epoch in the last element of a state file's name; false for other files.
func fileEpoch(name string) (uint64, bool) {
	base := name[strings.LastIndexByte(name, '/')+1:]
	digits, _, ok := strings.Cut(base, "-")
	if !ok || !strings.HasPrefix(digits, "e") {
		return 0, false
	}
	epoch, err := strconv.ParseUint(digits[1:], 10, 64)
	return epoch, err == nil
}

// Release deletes checkpoints that newer ones have replaced, the shared files that none of those that stay needs, and what given-up attempts left. The
// newest completed checkpoint is never deleted, whatever ids say. A failed deletion is returned and is not fatal: the
// checkpoint stays in Completed, and the next Release tries again. It may run beside everything else but itself: a second one leaves its ids to the one
// that is under way and returns, for whoever looks for files that nobody needs must not lose checkpoints from his list meanwhile.
func (s *Storage) Release(ids []uint64) error {
	if !s.enter(ids) {
		return nil
	}
	var errs []error
	for more := true; more; more = s.leave() {
		errs = append(errs, s.release())
	}
	return errors.Join(errs...)
}

// enter notes what is to be released; false: somebody is at it.
func (s *Storage) enter(ids []uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.overdue[id] = true
	}
	s.joined = s.releasing
	s.releasing = true
	return !s.joined
}

// leave says whether somebody has asked for more meanwhile.
func (s *Storage) leave() (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	more, s.joined = s.joined, false
	s.releasing = more
	return more
}

func (s *Storage) release() error {
	list, err := s.state()
	if err != nil || len(list) == 0 {
		return err
	}
	asked := s.takeOverdue()
	var errs []error
	late := map[uint64]bool{}
	gone := map[uint64]bool{}
	for _, c := range list[:len(list)-1] {
		if !asked[c.ID] {
			continue
		}
		if err := s.delete(c); err != nil {
			errs = append(errs, err)
			late[c.ID] = true
			continue
		}
		gone[c.ID] = true
	}
	s.forget(gone, late)
	return errors.Join(append(errs, s.sweep())...)
}

// state returns the completed checkpoints, or ErrFenced to a process that may delete nothing any more.
func (s *Storage) state() ([]Completed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fenced {
		return nil, ErrFenced
	}
	return append([]Completed(nil), s.completed...), nil
}

// takeOverdue gives the checkpoints that are to be deleted, also those whose deletion failed before.
func (s *Storage) takeOverdue() map[uint64]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.overdue
	s.overdue = map[uint64]bool{}
	return taken
}

// rememberGivenUp is for how many ids an attempt is known to be given up: a file that comes later than that goes with a Release.
const rememberGivenUp = 1000

// forget takes deleted checkpoints off the list, and notes which could not be deleted.
func (s *Storage) forget(gone, late map[uint64]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range late {
		s.overdue[id] = true
	}
	for id := range s.givenUp {
		if n := len(s.completed); n > 0 && id+rememberGivenUp < s.completed[n-1].ID {
			delete(s.givenUp, id)
		}
	}
	var stay []Completed
	for _, c := range s.completed {
		if !gone[c.ID] {
			stay = append(stay, c)
		} else {
			delete(s.shared, c.ID)
		}
	}
	s.completed = stay
}

// delete removes a checkpoint: `_metadata` first, so that what a crash leaves is no snapshot; the record last, so that it is found again.
func (s *Storage) delete(c Completed) error {
	dir := checkpointDir(c.ID)
	if err := s.files.Delete(dir + "/" + MetadataFile); err != nil {
		return err
	}
	if err := s.files.DeleteDir(dir); err != nil {
		return err
	}
	return s.job.Delete(recordName(c.Seq))
}

// sweep removes the directories of attempts older than the newest completed checkpoint, which nobody completes any more. No process of a later epoch
// can own them: it began above every id of this one.
func (s *Storage) sweep() error {
	list, err := s.state()
	if err != nil || len(list) == 0 {
		return err
	}
	complete, newest := map[uint64]bool{}, uint64(0)
	for _, c := range list {
		complete[c.ID], newest = true, max(newest, c.ID)
	}
	ids, err := s.directories()
	errs := []error{err}
	for _, id := range ids {
		if id < newest && !complete[id] {
			errs = append(errs, s.files.DeleteDir(checkpointDir(id)))
		}
	}
	return errors.Join(append(errs, s.sweepShared(list))...)
}

// Discard removes what a given-up attempt wrote, unless its record is or may be there. A successor may have begun the same id meanwhile, so only
// files whose names or content show an epoch up to this process's own are touched. Writers that still run ask GivenUp when they are done.
func (s *Storage) Discard(id uint64) error {
	list, err := s.state()
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.ID == id {
			return fmt.Errorf("checkpoint %d is complete", id)
		}
	}
	s.mu.Lock()
	if s.doubtful[id] {
		s.mu.Unlock()
		return nil
	}
	s.givenUp[id] = true // before the files are listed: who asks later cleans up after himself
	ref, written := s.written[id]
	delete(s.written, id)
	delete(s.shared, id)
	own := s.epoch
	s.mu.Unlock()
	dir := checkpointDir(id)
	objects, err := s.files.List(dir)
	errs := []error{err}
	if written { // made by this process: create-if-absent says so
		errs = append(errs, s.files.Delete(ref.Name))
	}
	for _, o := range objects {
		if epoch, ok := fileEpoch(o.Name); ok && epoch <= own {
			errs = append(errs, s.files.Delete(o.Name))
		}
	}
	return errors.Join(append(errs, s.files.RemoveDir(dir), s.discardShared(id, own))...)
}

// GivenUp says whether nobody needs any more what a task writes for a checkpoint; a process that was replaced knows nothing of it. Who made a state file asks behind its Commit, and removes it with Late.
func (s *Storage) GivenUp(id uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.fenced && (s.givenUp[id] || s.over)
}

// Late removes a state file of this process that came after its checkpoint was given up, and the directories if it was the last in them. What cannot be
// removed goes with a later Release.
func (s *Storage) Late(id uint64, name string) {
	_ = s.files.Delete(name)
	_ = s.files.RemoveDir(checkpointDir(id))
	s.mu.Lock()
	over := s.over
	s.mu.Unlock()
	if over {
		_ = s.files.RemoveDir(sharedDir)
		_ = s.job.RemoveDir(s.run)
	}
}

// deleteRun removes all of a run that ended. Called after its end is recorded; savepoints lie elsewhere.
func (s *Storage) deleteRun() error {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	list, err := s.state()
	errs := []error{err}
	for _, c := range list {
		errs = append(errs, s.files.Delete(checkpointDir(c.ID)+"/"+MetadataFile))
	}
	if err := errors.Join(append(errs, s.job.DeleteDir(s.run))...); err != nil {
		return err
	}
	gone := map[uint64]bool{}
	for _, c := range list {
		errs = append(errs, s.job.Delete(recordName(c.Seq)))
		gone[c.ID] = true
	}
	s.forget(gone, nil)
	return errors.Join(errs...)
}

// keeps says whether a run that ended so leaves its checkpoints.
func keeps(state event.State, keepCancelled bool) bool {
	switch state {
	case event.Finished, event.Stopped:
		return false
	case event.Cancelled:
		return keepCancelled
	}
	return true
}

// sortIDs sorts directory names so that chk-9 comes before chk-10.
func sortIDs(names []string) {
	sort.Slice(names, func(i, j int) bool {
		if len(names[i]) != len(names[j]) && strings.HasPrefix(names[i], checkpointPrefix) && strings.HasPrefix(names[j], checkpointPrefix) {
			return len(names[i]) < len(names[j])
		}
		return names[i] < names[j]
	})
}
