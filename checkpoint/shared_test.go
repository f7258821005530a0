package checkpoint

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipec/checkpoint/event"
	"pipec/state/blob"
	"pipec/state/vfs"
)

// longest is how many files a chain of these tests has before a new one begins.
const longest = 3

// writeChain is writeFiles for an incremental job: a file in shared/ behind those of the newest complete checkpoint, or the first of a new chain.
func writeChain(s *Storage, id uint64) error {
	newest, err := s.Newest()
	if err != nil {
		return err
	}
	var chain []blob.Ref
	if newest != nil && len(newest.Manifest.Handles[0].Files) < longest {
		chain = newest.Manifest.Handles[0].Files
	}
	return writeBehind(s, id, chain)
}

func writeBehind(s *Storage, id uint64, chain []blob.Ref) error {
	p := s.Place(id)
	ref, err := p.Store.Put(p.SharedName("counts/aggregate/1[0]-state"), []byte(content(s.Run(), id)))
	if err != nil {
		return err
	}
	return s.WriteMetadata(p, &Manifest{Job: "job", Run: s.Run(), ID: id, Kind: Periodic, Epoch: p.Epoch, Time: zero,
		Handles: []Handle{{Task: "t", Kind: Keyed, To: 128, Files: append(chain[:len(chain):len(chain)], ref)}}})
}

func takeChain(s *Storage, id uint64) error {
	if err := writeChain(s, id); err != nil {
		return err
	}
	return s.Record(id)
}

// checkChain reads every file of a chain: each holds what its own checkpoint wrote, the last what this one did.
func checkChain(snap *Snapshot, run string) error {
	files := snap.Manifest.Handles[0].Files
	for i, f := range files {
		_, id, ok := sharedOwner(f.Name)
		if !ok || i == len(files)-1 && id != snap.Manifest.ID {
			return fmt.Errorf("checkpoint %d names the file %s", snap.Manifest.ID, f.Name)
		}
		data, err := blob.ReadRef(snap.Store, f)
		if err != nil {
			return err
		}
		if string(data) != content(run, id) {
			return fmt.Errorf("%s holds %q", f.Name, data)
		}
	}
	return snap.Verify()
}

// leftBehind looks at a disk after a life without faults: nothing is there but what the retained checkpoints need, and after the end of the run nothing of it.
func leftBehind(fsys vfs.FS, uri string, finished bool) error {
	s, err := Open(options(fsys, uri, 77))
	if err != nil {
		return err
	}
	defer s.Close()
	run := s.Holding().Run
	needed := map[string]bool{}
	if !finished {
		for _, c := range run.Completed {
			snap, err := s.Snapshot(run.ID, c)
			if err != nil {
				return err
			}
			needed[checkpointDir(c.ID)+"/"+MetadataFile] = true
			for _, f := range snap.Manifest.Files() {
				needed[f.Name] = true
			}
		}
	}
	var walk func(dir string) error
	walk = func(dir string) error {
		entries, err := fsys.ReadDir(path.Join(uri, "job", run.ID, dir))
		if errors.Is(err, blob.ErrNotExist) {
			return nil
		}
		for _, e := range entries {
			name := path.Join(dir, e.Name)
			switch {
			case e.Dir:
				if err := walk(name); err != nil {
					return err
				}
			case !needed[name]:
				return fmt.Errorf("%s is left, which nobody needs", name)
			}
		}
		return err
	}
	return walk("")
}

func TestSharedFiles(t *testing.T) {
	both(t, func(t *testing.T, fsys vfs.FS, uri string) {
		s, _, err := open(options(fsys, uri, 1), Request{})
		must(t, err)
		run := s.Run()
		shared := func() (ids []uint64) {
			for _, name := range tree(t, fsys, uri) {
				if _, id, ok := sharedOwner(strings.TrimPrefix(name, "job/"+run+"/")); ok {
					ids = append(ids, id)
				}
			}
			return ids
		}
		expect := func(when string, want ...uint64) {
			t.Helper()
			if d := cmp.Diff(want, shared()); d != "" {
				t.Fatalf("%s (-want +got):\n%s", when, d)
			}
		}
		for id := uint64(1); id <= 3; id++ {
			must(t, takeChain(s, id))
		}
		must(t, s.Release([]uint64{1, 2}))
		expect("3 needs the whole chain", 1, 2, 3)
		must(t, takeChain(s, 4))
		must(t, s.Release([]uint64{3}))
		expect("4 began a new one", 4)
		must(t, writeChain(s, 5))
		expect("5 is on its way", 4, 5)
		must(t, s.Discard(5))
		expect("5 was given up", 4)
		must(t, writeChain(s, 6)) // the process dies, with a file half written
		w, err := s.Place(7).Create("x")
		must(t, err)
		w.Abort()
		w, err = s.Place(7).Store.Create(s.Place(7).SharedName("y"))
		must(t, err)
		_, err = w.Write([]byte("half"))
		must(t, err)
		must(t, s.Close())

		s, _, err = open(options(fsys, uri, 2), Request{})
		must(t, err)
		snap, err := s.Newest()
		must(t, err)
		must(t, checkChain(snap, run))
		expect("the next process has not completed anything", 4, 6)
		must(t, takeChain(s, 7))
		must(t, s.Release(nil))
		expect("6 was never completed", 4, 7)
		must(t, takeChain(s, 8))
		must(t, s.Release([]uint64{4, 7}))
		snap, err = s.Newest()
		must(t, err)
		must(t, checkChain(snap, run))
		must(t, leftBehind(fsys, uri, false))
		must(t, s.End(event.Finished, true))
		must(t, leftBehind(fsys, uri, true))
		must(t, s.Close())
	})
}

// TestUnreadableNeeds: a process that cannot read what a checkpoint needs deletes no shared file.
func TestUnreadableNeeds(t *testing.T) {
	m := vfs.NewMem()
	s, _, err := open(options(m, "st", 1), Request{})
	must(t, err)
	must(t, takeChain(s, 1))
	must(t, takeChain(s, 2))
	must(t, s.Close())
	name := path.Join("st/job", s.Run(), checkpointDir(1), MetadataFile)
	must(t, vfs.WriteFile(m, name, []byte("no manifest")))
	s, _, err = open(options(m, "st", 2), Request{})
	must(t, err)
	before := tree(t, m, "st")
	if err := s.Release(nil); !errors.Is(err, ErrSnapshot) {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, tree(t, m, "st")); d != "" {
		t.Fatal(d)
	}
	must(t, takeChain(s, 3))
	must(t, s.Release([]uint64{1}))
	snap, err := s.Newest()
	must(t, err)
	must(t, checkChain(snap, s.Run()))
}

// TestReleasesOvertake: a second release begins while a first one looks for what nobody needs. If it let go of checkpoints in the list of the first, that one
// would delete what they needed, and what a checkpoint that completed meanwhile needs too. Found by TestKills: a file of the newest checkpoint was gone.
func TestReleasesOvertake(t *testing.T) {
	for _, whole := range []bool{false, true} { // the newest in the list of the first has a chain of its own
		m := vfs.NewMem()
		var s *Storage
		var chain []blob.Ref
		overtaken, armed := false, false
		o := options(vfs.Observe(m, vfs.Hooks{Before: func(op vfs.Op) error {
			if armed && !overtaken && op.Kind == "readdir" && strings.HasSuffix(op.Path, "/"+sharedDir) {
				overtaken = true
				must(t, writeBehind(s, 4, chain)) // it was triggered when 2 was the newest
				must(t, s.Record(4))
				must(t, s.Release([]uint64{2}))
			}
			return nil
		}}), "st", 1)
		s, _, err := open(o, Request{})
		must(t, err)
		must(t, takeChain(s, 1))
		must(t, takeChain(s, 2))
		snap, err := s.Newest()
		must(t, err)
		chain = snap.Manifest.Handles[0].Files
		if whole {
			must(t, writeBehind(s, 3, nil))
			must(t, s.Record(3))
		}
		armed = true
		must(t, s.Release([]uint64{1}))
		if !overtaken {
			t.Fatal("nothing was overtaken")
		}
		snap, err = s.Newest()
		must(t, err)
		must(t, checkChain(snap, s.Run()))
		must(t, s.Release([]uint64{3}))
		must(t, leftBehind(m, "st", false))
	}
}

func TestSharedNames(t *testing.T) {
	p := Place{Dir: "chk-12", ID: 12, Epoch: 7}
	name := p.SharedName("a/b-1[0]-state")
	if epoch, id, ok := sharedOwner(name); epoch != 7 || id != 12 || !ok || !Shared(name) {
		t.Fatal(name, epoch, id, ok)
	}
	for _, other := range []string{p.Name("a-1"), "shared/x", "shared/e7", "shared/e7-", "shared/e7-x-y", "shared/e-1-y"} {
		if _, _, ok := sharedOwner(other); ok {
			t.Errorf("%s has an owner", other)
		}
	}
}
