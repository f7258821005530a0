package checkpoint

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"pipec/state/blob"
	"pipec/state/vfs"
)

// Snapshot is a checkpoint or savepoint that was found and whose manifest was read. Its state files are not verified yet.
type Snapshot struct {
	URI      string     // the directory
	Store    blob.Store // in which the manifest's file names are
	Dir      string     // of the snapshot in the store
	Manifest *Manifest
	// Recorded: the history of the job beside it has its record, or it is a savepoint and needs none. Without a record a checkpoint was
	// never completed (or was moved): it can be restored, but its sinks were never told.
	Recorded bool
}

// ReadSnapshot finds the snapshot that -s names: its directory, with or without a slash, or its `_metadata`; a path or a URI. Errors are
// *SnapshotError, but for schemes that are unknown and storage that fails.
func ReadSnapshot(uri string, fsys vfs.FS) (*Snapshot, error) {
	dir, base := blob.SplitURI(uri)
	if base == MetadataFile {
		uri = dir
		dir, base = blob.SplitURI(dir)
	}
	if base == "" || base == "." || base == ".." {
		return nil, &SnapshotError{URI: uri, Reason: "name the snapshot's directory itself, as in some/where/chk-7"}
	}
	store, err := blob.Open(dir, fsys)
	if err != nil {
		return nil, err
	}
	data, err := blob.ReadAll(store, base+"/"+MetadataFile)
	if errors.Is(err, blob.ErrNotExist) {
		return nil, noMetadata(store, base, err)
	}
	if err != nil {
		return nil, err
	}
	s := &Snapshot{URI: blob.JoinURI(store.URI(), base), Store: store, Dir: base}
	s.Manifest, err = DecodeManifest(data, base, blob.JoinURI(s.URI, MetadataFile))
	if err != nil {
		return nil, err
	}
	s.Recorded = s.Manifest.Kind == Savepoint || recorded(blob.JoinURI(dir, ".."), s.Manifest, fsys)
	return s, nil
}

// noMetadata says what a directory is that is no snapshot.
func noMetadata(store blob.Store, base string, cause error) error {
	uri := blob.JoinURI(store.URI(), base)
	objects, err := store.List(base)
	if err != nil {
		return err
	}
	if len(objects) == 0 {
		return &SnapshotError{URI: uri, Reason: "there is no such snapshot", Cause: cause}
	}
	var inside []string
	dirs, _ := store.Dirs(base)
	for _, d := range dirs {
		if strings.HasPrefix(d, checkpointPrefix) || strings.HasPrefix(d, savepointPrefix) {
			inside = append(inside, d)
		}
	}
	if len(inside) > 0 {
		return &SnapshotError{URI: uri, Reason: "this is no snapshot but holds some: " + strings.Join(inside, ", "), Cause: cause}
	}
	return &SnapshotError{URI: uri, Reason: "it has no " + MetadataFile + ": the checkpoint was never completed, or this is no snapshot", Cause: cause}
}

// recorded looks for the record of a checkpoint. It was written under the manifest's epoch, that is after the claim of this number and
// before the next.
func recorded(jobURI string, m *Manifest, fsys vfs.FS) bool {
	job, err := blob.Open(jobURI, fsys)
	if err != nil {
		return false
	}
	h := history{job}
	seqs, err := h.numbers()
	if err != nil {
		return false
	}
	for _, seq := range seqs {
		if seq <= m.Epoch {
			continue
		}
		r, err := h.read(seq)
		if err != nil || r.Type == ClaimRecord {
			return false
		}
		if r.Type == CheckpointRecord && r.Run == m.Run && r.Checkpoint == m.ID {
			return true
		}
	}
	return false
}

// Snapshot reads the manifest of a completed checkpoint of the claimed or decided run. What it finds must be what the record says.
func (s *Storage) Snapshot(run string, c Completed) (*Snapshot, error) {
	store, err := blob.Open(blob.JoinURI(s.job.URI(), run), s.o.FS)
	if err != nil {
		return nil, err
	}
	dir := checkpointDir(c.ID)
	snap := &Snapshot{URI: blob.JoinURI(store.URI(), dir), Store: store, Dir: dir, Recorded: true}
	ref := c.Metadata
	ref.Name = dir + "/" + MetadataFile
	data, err := blob.ReadRef(store, ref)
	var damage *blob.DamageError
	if errors.As(err, &damage) {
		return nil, &SnapshotError{URI: damage.URI, Reason: "damaged: " + damage.Reason, Cause: damage}
	}
	if err != nil {
		return nil, err
	}
	snap.Manifest, err = DecodeManifest(data, dir, blob.JoinURI(snap.URI, MetadataFile))
	return snap, err
}

// Newest reads the newest completed checkpoint of the claimed run: what a restart within the process goes back to. Nil if there is none.
func (s *Storage) Newest() (*Snapshot, error) {
	s.mu.Lock()
	run, n := s.run, len(s.completed)
	var c Completed
	if n > 0 {
		c = s.completed[n-1]
	}
	s.mu.Unlock()
	if n == 0 {
		return nil, nil
	}
	return s.Snapshot(run, c)
}

// Verify reads every file of a snapshot and compares lengths and checksums. Damage is a *SnapshotError that names the file.
func (s *Snapshot) Verify() error {
	for _, ref := range s.Manifest.Files() {
		if err := Damaged(blob.Verify(s.Store, ref)); err != nil {
			return err
		}
	}
	return nil
}

// Damaged makes a *SnapshotError of a *blob.DamageError, for those who read state files themselves; other errors stay what they are.
func Damaged(err error) error {
	var damage *blob.DamageError
	if errors.As(err, &damage) {
		return &SnapshotError{URI: damage.URI, Reason: "damaged: " + damage.Reason, Cause: err}
	}
	return err
}

// Listed is one snapshot in a listing.
type Listed struct {
	URI      string
	Snapshot *Snapshot // nil if Err is set
	Err      error     // why it can't be read
}

// List finds the snapshots below a directory: a storage, a job or a run; savepoints too.
func List(uri string, fsys vfs.FS) ([]Listed, error) {
	store, err := blob.Open(uri, fsys)
	if err != nil {
		return nil, err
	}
	var list []Listed
	err = listInto(&list, store, fsys, "", 3)
	return list, err
}

func listInto(list *[]Listed, store blob.Store, fsys vfs.FS, dir string, depth int) error {
	names, err := store.Dirs(dir)
	if err != nil || depth == 0 {
		return err
	}
	sortIDs(names)
	for _, name := range names {
		below := path.Join(dir, name)
		if !strings.HasPrefix(name, checkpointPrefix) && !strings.HasPrefix(name, savepointPrefix) {
			if err := listInto(list, store, fsys, below, depth-1); err != nil {
				return err
			}
			continue
		}
		l := Listed{URI: blob.JoinURI(store.URI(), below)}
		l.Snapshot, l.Err = ReadSnapshot(l.URI, fsys)
		*list = append(*list, l)
	}
	return nil
}

// Intact returns the paths of those checkpoints of a run that can be read and verified to the last byte, newest first: what to offer
// when the newest one is damaged.
func (s *Storage) Intact(run string) ([]string, error) {
	list, err := List(blob.JoinURI(s.job.URI(), run), s.o.FS)
	var paths []string
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Err == nil && list[i].Snapshot.Verify() == nil {
			paths = append(paths, list[i].URI)
		}
	}
	return paths, err
}

// RestoreError explains that the checkpoint a recovery needs can't be used: the damage, and what could be taken instead.
func (s *Storage) RestoreError(run string, err error) error {
	paths, lerr := s.Intact(run)
	switch {
	case lerr != nil:
		return err
	case len(paths) == 0:
		return fmt.Errorf("%w\nno other checkpoint of run %s is intact; --fresh starts empty", err, run)
	}
	return fmt.Errorf("%w\nintact and older: %s\ngo back to one with -s PATH, or start empty with --fresh", err, strings.Join(paths, ", "))
}
