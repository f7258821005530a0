package checkpoint

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"pipec/state/blob"
	"pipec/state/vfs"
)

// Listed is one entry of a listing: a snapshot, or what should be one, or a record of the history that cannot be read.
type Listed struct {
	URI      string
	Snapshot *Snapshot // nil if Err is set
	Err      error     // why it can't be read
	// Recorded: the history says that it was completed, or it is a savepoint and needs no record. What is not recorded and cannot be read was
	// given up, or its process died half-way: that is no damage.
	Recorded bool
}

// List finds what lies below a directory: a storage, a job, a run, or a snapshot itself. Runs come in the order of their start,
// checkpoints in that of their ids. A checkpoint that the history calls the newest and that is gone is listed too.
func List(uri string, fsys vfs.FS) ([]Listed, error) {
	if dir, base := blob.SplitURI(uri); base == MetadataFile {
		uri = dir
	}
	store, err := blob.Open(uri, fsys)
	if err != nil {
		return nil, err
	}
	_, base := blob.SplitURI(uri)
	if _, err := store.Stat(MetadataFile); err == nil || isSnapshotName(base) {
		return []Listed{listOne(uri, fsys)}, nil
	}
	var list []Listed
	err = listInto(&list, store, fsys, "", 3)
	return list, err
}

func isSnapshotName(name string) bool {
	return strings.HasPrefix(name, checkpointPrefix) || strings.HasPrefix(name, savepointPrefix)
}

func listInto(list *[]Listed, store blob.Store, fsys vfs.FS, dir string, depth int) error {
	names, err := store.Dirs(dir)
	if err != nil || depth == 0 {
		return err
	}
	sortIDs(names)
	from := len(*list)
	for _, name := range names {
		below := path.Join(dir, name)
		switch {
		case isSnapshotName(name):
			*list = append(*list, listOne(blob.JoinURI(store.URI(), below), fsys))
		case name != historyDir:
			if err := listInto(list, store, fsys, below, depth-1); err != nil {
				return err
			}
		}
	}
	if slices.Contains(names, historyDir) {
		listHistory(list, from, blob.JoinURI(store.URI(), dir), fsys)
	}
	return nil
}

func listOne(uri string, fsys vfs.FS) Listed {
	l := Listed{URI: uri}
	l.Snapshot, l.Err = ReadSnapshot(uri, fsys)
	if l.Err == nil {
		l.Recorded = l.Snapshot.Recorded
		return l
	}
	dir, base := blob.SplitURI(uri)
	jobURI, run := blob.SplitURI(dir)
	if id, ok := checkpointID(base); ok {
		found, newest := hasRecord(jobURI, run, id, fsys)
		// A release deletes `_metadata` first and the record last: where one died between them, an older checkpoint is no damage.
		l.Recorded = found && (newest || !errors.Is(l.Err, blob.ErrNotExist))
	} else {
		l.Recorded = strings.HasPrefix(base, savepointPrefix)
	}
	return l
}

// listHistory adds to a job's entries, those from the given one on, the records that cannot be read and the newest checkpoint if it is gone.
func listHistory(list *[]Listed, from int, jobURI string, fsys vfs.FS) {
	job, err := blob.Open(jobURI, fsys)
	if err != nil {
		return
	}
	h := history{job}
	seqs, err := h.numbers()
	if err != nil {
		*list = append(*list, Listed{URI: blob.JoinURI(job.URI(), historyDir), Err: err, Recorded: true})
		return
	}
	for _, seq := range seqs {
		if _, err := h.read(seq); err != nil && !errors.Is(err, blob.ErrNotExist) {
			*list = append(*list, Listed{URI: blob.JoinURI(job.URI(), recordName(seq)), Err: err, Recorded: true})
		}
	}
	run, err := h.lastRun()
	if err != nil || run == nil || run.Newest() == nil || run.End != "" && !run.Kept {
		return
	}
	uri := blob.JoinURI(job.URI(), run.ID+"/"+checkpointDir(run.Newest().ID))
	for _, l := range (*list)[from:] {
		if l.URI == uri {
			return
		}
	}
	*list = append(*list, Listed{URI: uri, Recorded: true, Err: &SnapshotError{URI: uri, Reason: "damaged: the history has its record, and it is gone"}})
}

func checkpointID(dir string) (uint64, bool) {
	digits, ok := strings.CutPrefix(dir, checkpointPrefix)
	id, err := strconv.ParseUint(digits, 10, 64)
	return id, ok && err == nil
}

// hasRecord looks through a whole history for the record of a checkpoint whose manifest nobody can read, and says whether its run has no newer one.
func hasRecord(jobURI, run string, id uint64, fsys vfs.FS) (found, newest bool) {
	job, err := blob.Open(jobURI, fsys)
	if err != nil {
		return false, false
	}
	h := history{job}
	seqs, _ := h.numbers()
	for _, seq := range seqs {
		if r, err := h.read(seq); err == nil && r.Type == CheckpointRecord && r.Run == run {
			newest = r.Checkpoint == id
			found = found || newest
		}
	}
	return found, newest
}

// Instead explains that a snapshot can't be restored: the damage, and what could be taken in its place: those of the same run that are
// older, and the job's savepoints, as far as they verify to the last byte. It only reads. Errors that are not ErrSnapshot pass as they are.
func Instead(uri string, err error, fsys vfs.FS) error {
	if !errors.Is(err, ErrSnapshot) {
		return err
	}
	parent, base := blob.SplitURI(uri)
	if base == MetadataFile {
		parent, base = blob.SplitURI(parent)
	}
	near, lerr := List(parent, fsys)
	if lerr != nil {
		near = nil
	}
	id, isCheckpoint := checkpointID(base)
	if isCheckpoint {
		jobURI, _ := blob.SplitURI(parent)
		far, _ := List(jobURI, fsys)
		for _, l := range far {
			if dir, name := blob.SplitURI(l.URI); dir == strings.TrimRight(jobURI, "/") && strings.HasPrefix(name, savepointPrefix) {
				near = append(near, l)
			}
		}
	}
	near = slices.DeleteFunc(near, func(l Listed) bool {
		_, name := blob.SplitURI(l.URI)
		other, ok := checkpointID(name)
		return name == base || isCheckpoint && ok && other >= id
	})
	return withChoices(fmt.Errorf("%s cannot be restored: %w", blob.JoinURI(parent, base), err), "older and intact", intact(near))
}

func withChoices(err error, title string, paths []string) error {
	if len(paths) == 0 {
		return fmt.Errorf("%w\nno other snapshot of it is intact; --fresh starts empty", err)
	}
	return fmt.Errorf("%w\n%s:\n  %s\ngo back to one with -s PATH, or start empty with --fresh", err, title, strings.Join(paths, "\n  "))
}

// intact gives the paths of those that verify to the last byte, newest first, and says of which there is no record.
func intact(list []Listed) []string {
	list = slices.DeleteFunc(slices.Clone(list), func(l Listed) bool { return l.Err != nil || l.Snapshot.Verify() != nil })
	slices.SortStableFunc(list, func(a, b Listed) int {
		if c := b.Snapshot.Manifest.Time.Compare(a.Snapshot.Manifest.Time); c != 0 {
			return c
		}
		return int(b.Snapshot.Manifest.ID) - int(a.Snapshot.Manifest.ID)
	})
	var paths []string
	for _, l := range list {
		if !l.Recorded {
			l.URI += " (the history has no record of it)"
		}
		paths = append(paths, l.URI)
	}
	return paths
}

// RestoreError is Instead for the checkpoint of a run of this job that a recovery needs.
func (s *Storage) RestoreError(run string, c Completed, err error) error {
	return Instead(blob.JoinURI(s.job.URI(), run+"/"+checkpointDir(c.ID)), err, s.o.FS)
}
