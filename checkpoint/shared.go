package checkpoint

import (
	"errors"
	"strconv"
	"strings"

	"pipec/state/blob"
)

// sharedDir holds, beside the checkpoints of a run, the state files that several of them may need: whole snapshots of a task and the deltas on them.
// A file belongs to the attempt that wrote it, which its name tells, and to every checkpoint whose manifest names it. It is deleted when no
// retained manifest does (Flink's SharedStateRegistry, except that nothing is counted: the manifests are asked).
const sharedDir = "shared"

// SharedName is Name for a state file that later checkpoints may build on.
func (p Place) SharedName(name string) string {
	return sharedDir + "/" + fileName(p.Epoch, strconv.FormatUint(p.ID, 10)+"-"+name)
}

// Shared says whether a later checkpoint of the run may refer to a state file: it does not go with the checkpoint that wrote it.
func Shared(name string) bool { return strings.HasPrefix(name, sharedDir+"/") }

// sharedOwner is the attempt that wrote a file: the inverse of SharedName.
func sharedOwner(name string) (epoch, id uint64, ok bool) {
	epoch, ok = fileEpoch(name)
	if !ok || !Shared(name) {
		return 0, 0, false
	}
	_, rest, _ := strings.Cut(name, "-")
	digits, _, ok := strings.Cut(rest, "-")
	id, err := strconv.ParseUint(digits, 10, 64)
	return epoch, id, ok && err == nil
}

// needs lists the shared files of a completed checkpoint; blob.ErrNotExist if its `_metadata` is deleted already.
func (s *Storage) needs(c Completed) ([]string, error) {
	s.mu.Lock()
	names, known := s.shared[c.ID]
	run := s.run
	s.mu.Unlock()
	if known {
		return names, nil
	}
	snap, err := s.Snapshot(run, c)
	if err != nil {
		return nil, err
	}
	return s.noteShared(snap.Manifest), nil
}

// noteShared remembers which shared files a manifest names.
func (s *Storage) noteShared(m *Manifest) []string {
	names := []string{}
	for _, f := range m.Files() {
		if Shared(f.Name) {
			names = append(names, f.Name)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shared[m.ID] = names
	return names
}

// sweepShared deletes the shared files that no completed checkpoint of the list names. Attempts newer than all of these may still complete, and what
// they build on is completed and, as the coordinator sees to it, not released: their own files and those of later epochs stay. Nothing of the list is
// released meanwhile (Release). Who cannot read what a checkpoint needs deletes nothing; one that a predecessor had begun to delete needs nothing, unless
// it is the newest.
func (s *Storage) sweepShared(list []Completed) error {
	objects, err := s.files.List(sharedDir)
	if err != nil || len(objects) == 0 {
		return err
	}
	needed, newest := map[string]bool{}, list[len(list)-1].ID
	for _, c := range list {
		names, err := s.needs(c)
		switch {
		case errors.Is(err, blob.ErrNotExist) && c.ID == newest:
			return nil
		case err != nil && !errors.Is(err, blob.ErrNotExist):
			return err
		}
		for _, name := range names {
			needed[name] = true
		}
	}
	own := s.Epoch()
	var errs []error
	for _, o := range objects {
		if epoch, id, ok := sharedOwner(o.Name); ok && epoch <= own && id <= newest && !needed[o.Name] {
			errs = append(errs, s.files.Delete(o.Name))
		}
	}
	return errors.Join(errs...)
}

// discardShared deletes what a given-up attempt of this process or an earlier one wrote into shared/: nothing builds on it.
func (s *Storage) discardShared(id, own uint64) error {
	objects, err := s.files.List(sharedDir)
	errs := []error{err}
	for _, o := range objects {
		if epoch, of, ok := sharedOwner(o.Name); ok && of == id && epoch <= own {
			errs = append(errs, s.files.Delete(o.Name))
		}
	}
	return errors.Join(errs...)
}
