package checkpoint

import (
	"errors"
	"strings"
	"syscall"

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
	if errors.Is(err, syscall.ENOTDIR) {
		return nil, &SnapshotError{URI: uri, Reason: "this is a file, and a snapshot is a directory", Cause: err}
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
	return &SnapshotError{URI: uri, Reason: "it has no " + MetadataFile + ": the checkpoint was never completed, or its deletion was cut short, or this is no snapshot", Cause: cause}
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
