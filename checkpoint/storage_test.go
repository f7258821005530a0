package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipec/checkpoint/event"
	"pipec/state/blob"
	"pipec/state/vfs"
)

// options gives each process its own seed; the clock stands still.
func options(fsys vfs.FS, uri string, seed uint64) Options {
	rng := rand.New(rand.NewPCG(seed, 99))
	return Options{URI: uri, Job: "job", FS: fsys, Now: func() time.Time { return zero }, Random: rng.Uint64, Host: "box", Process: int(seed)}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open opens, decides and claims like a plain `run`.
func open(o Options, r Request) (*Storage, Decision, error) {
	s, err := Open(o)
	if err != nil {
		return nil, Decision{}, err
	}
	d := Decide(s.Holding(), r)
	if d.Start == Refused {
		s.Close()
		return nil, d, fmt.Errorf("refused: %s", d.Text)
	}
	if err := s.Claim(d); err != nil {
		s.Close()
		return nil, d, err
	}
	return s, d, nil
}

// content is what a checkpoint's state file holds, so that a restore can be checked.
func content(run string, id uint64) string {
	return strings.Repeat(fmt.Sprintf("state %d of %s\n", id, run), 5)
}

// writeFiles does what tasks and the executor do up to the commit point.
func writeFiles(s *Storage, id uint64) error {
	p := s.Place(id)
	w, err := p.Create("counts/aggregate/1-0")
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := w.Write([]byte(content(s.Run(), id))); err != nil {
		return err
	}
	ref, err := w.Commit()
	if err != nil {
		return err
	}
	return s.WriteMetadata(p, &Manifest{Job: "job", Run: s.Run(), ID: id, Kind: Periodic, Epoch: p.Epoch, Time: zero,
		Handles: []Handle{{Task: "t", Kind: Keyed, To: 128, Files: []blob.Ref{ref}}}})
}

func take(s *Storage, id uint64) error {
	if err := writeFiles(s, id); err != nil {
		return err
	}
	return s.Record(id)
}

// checkSnapshot reads a snapshot to the last byte.
func checkSnapshot(snap *Snapshot, run string, id uint64) error {
	if snap.Manifest.ID != id || snap.Manifest.Run != run {
		return fmt.Errorf("manifest of %s/%d, want %s/%d", snap.Manifest.Run, snap.Manifest.ID, run, id)
	}
	data, err := blob.ReadRef(snap.Store, snap.Manifest.Files()[0])
	if err != nil {
		return err
	}
	if string(data) != content(run, id) {
		return fmt.Errorf("state of %d is %q", id, data)
	}
	return snap.Verify()
}

func both(t *testing.T, test func(t *testing.T, fsys vfs.FS, uri string)) {
	t.Run("os", func(t *testing.T) { test(t, vfs.OS(), filepath.ToSlash(t.TempDir())+"/st") })
	t.Run("mem", func(t *testing.T) { test(t, vfs.NewMem(), "st") })
}

func tree(t *testing.T, fsys vfs.FS, uri string) []string {
	t.Helper()
	list, err := blob.NewLocal(uri, fsys).List("")
	must(t, err)
	var names []string
	for _, o := range list {
		names = append(names, o.Name)
	}
	return names
}

func TestLifecycle(t *testing.T) {
	both(t, func(t *testing.T, fsys vfs.FS, uri string) {
		s, d, err := open(options(fsys, uri, 1), Request{})
		must(t, err)
		run := s.Run()
		if d.Start != Empty || s.Epoch() != 1 || strings.Contains(run, "-") {
			t.Fatal(d, s.Epoch(), run)
		}
		if next, err := s.NextID(0); err != nil || next != 1 {
			t.Fatal(next, err)
		}
		must(t, take(s, 1))
		must(t, take(s, 2))
		must(t, s.Release([]uint64{1}))
		must(t, writeFiles(s, 3)) // an attempt that never comes to its record
		want := []string{"job/" + run + "/chk-2/_metadata", "job/" + run + "/chk-2/e1-counts+aggregate+1-0",
			"job/" + run + "/chk-3/_metadata", "job/" + run + "/chk-3/e1-counts+aggregate+1-0",
			"job/history/000000000001", "job/history/000000000003", "job/lock"}
		if d := cmp.Diff(want, tree(t, fsys, uri)); d != "" {
			t.Fatal(d)
		}
		if _, _, err := open(options(fsys, uri, 2), Request{}); err == nil || !strings.Contains(err.Error(), "process 1 on box") {
			t.Fatalf("second process: %v", err)
		}
		must(t, s.Close()) // it dies

		s, d, err = open(options(fsys, uri, 2), Request{})
		must(t, err)
		if d.Start != Recovered || d.Run != run || d.Checkpoint.ID != 2 || s.Run() != run || s.Epoch() != 4 {
			t.Fatal(d, s.Run(), s.Epoch())
		}
		snap, err := s.Newest()
		must(t, err)
		must(t, checkSnapshot(snap, run, 2))
		if next, err := s.NextID(2); err != nil || next != 4 {
			t.Fatalf("next id %d, %v: one above the highest with a directory", next, err)
		}
		must(t, take(s, 4))
		must(t, s.Release([]uint64{2})) // 3, which nobody completed, goes with it
		must(t, s.Reclaim())            // a restart within the process
		if s.Epoch() != 6 || s.Run() != run {
			t.Fatal(s.Epoch())
		}
		if d := cmp.Diff([]uint64{4}, s.Completed()); d != "" {
			t.Fatal(d)
		}
		must(t, s.End(event.Finished, true))
		want = []string{"job/history/000000000001", "job/history/000000000004", "job/history/000000000006", "job/history/000000000007", "job/lock"}
		if d := cmp.Diff(want, tree(t, fsys, uri)); d != "" {
			t.Fatal(d)
		}
		must(t, s.Close())
		s, d, err = open(options(fsys, uri, 3), Request{})
		must(t, err)
		if d.Start != Empty || s.Run() == run || s.Epoch() != 8 {
			t.Fatal(d, s.Run(), s.Epoch())
		}
		must(t, s.Close())
	})
}

// TestOpenWritesNothing: a mistyped location leaves nothing behind.
func TestOpenWritesNothing(t *testing.T) {
	m := vfs.NewMem()
	s, err := Open(options(m, "st", 1))
	must(t, err)
	if h := s.Holding(); h.Run != nil || h.Alive {
		t.Fatal(h)
	}
	list, err := m.ReadDir("")
	must(t, err)
	if len(list) != 0 {
		t.Fatal(list)
	}
	if _, err := Open(options(m, "s3://b/x", 1)); err == nil || !strings.Contains(err.Error(), "no storage for s3://") {
		t.Fatal(err)
	}
}

// TestClaimRace: two processes that both found nothing; the second to claim is told.
func TestClaimRace(t *testing.T) {
	m := vfs.NewMem()
	a, err := Open(options(m, "st", 1))
	must(t, err)
	b, err := Open(options(m, "st", 2))
	must(t, err)
	must(t, a.Claim(Decision{Start: Empty}))
	if err := b.Claim(Decision{Start: Empty}); !errors.Is(err, ErrAlive) {
		t.Fatal(err)
	}
	must(t, a.Close()) // even when it is gone: what b decided on is no longer true
	if err := b.Claim(Decision{Start: Empty}); !errors.Is(err, ErrAlive) {
		t.Fatal(err)
	}
}

// TestEnds holds what stays of a run (flink-facts 108, 109, 112).
func TestEnds(t *testing.T) {
	for _, c := range []struct {
		state event.State
		keep  bool
		stays bool
	}{
		{event.Finished, true, false}, {event.Finished, false, false},
		{event.Stopped, true, false}, {event.Stopped, false, false},
		{event.Failed, true, true}, {event.Failed, false, true},
		{event.Suspended, true, true}, {event.Suspended, false, true},
		{event.Cancelled, true, true}, {event.Cancelled, false, false},
	} {
		m := vfs.NewMem()
		s, _, err := open(options(m, "st", 1), Request{})
		must(t, err)
		must(t, take(s, 1))
		must(t, take(s, 2))
		save, err := s.SavepointPlace("", 3)
		must(t, err)
		must(t, s.WriteMetadata(save, &Manifest{Job: "job", Run: s.Run(), ID: 3, Kind: Savepoint}))
		must(t, s.End(c.state, c.keep))
		got := strings.Join(tree(t, m, "st/job"), " ")
		if stays := strings.Contains(got, "chk-1/_metadata") && strings.Contains(got, "chk-2/_metadata"); stays != c.stays {
			t.Errorf("%s, keep %v: %s", c.state, c.keep, got)
		}
		if gone := !strings.Contains(got, "chk-"); gone == c.stays {
			t.Errorf("%s, keep %v: %s", c.state, c.keep, got)
		}
		if !strings.Contains(got, "savepoint-"+s.Run()+"-3/_metadata") {
			t.Errorf("%s: the savepoint is gone: %s", c.state, got)
		}
	}
}

// TestZombie: a process that was thought dead (stopped, its lock removed) wakes up. It commits nothing and deletes nothing.
// TestEndWithoutClaim lets a process fail at its claim: the run that it would have gone on with did not end by that.
func TestEndWithoutClaim(t *testing.T) {
	disk := vfs.NewMem()
	first, _, err := open(options(disk, "st", 1), Request{})
	must(t, err)
	must(t, first.Close()) // it died
	full := vfs.Observe(disk, vfs.Hooks{Before: func(op vfs.Op) error {
		if op.Kind == "link" {
			return syscall.ENOSPC
		}
		return nil
	}})
	s, err := Open(options(full, "st", 2))
	must(t, err)
	if err := s.Claim(Decide(s.Holding(), Request{})); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the claim: %v", err)
	}
	must(t, s.End(event.Failed, false))
	must(t, s.Close())
	s, err = Open(options(disk, "st", 3))
	must(t, err)
	if run := s.Holding().Run; run.End != "" || run.Last != 1 {
		t.Errorf("the run %s: record %d", run.End, run.Last)
	}
}

// TestRecordThatNeverWas takes away, as a power cut can, the record of a process that was killed before it was durable, although its successor has seen it: the
// checkpoint before it counts again.
func TestRecordThatNeverWas(t *testing.T) {
	disk := vfs.NewMem()
	s, _, err := open(options(disk, "st", 1), Request{})
	must(t, err)
	must(t, take(s, 1))
	must(t, take(s, 2))
	must(t, s.Close())
	next, d, err := open(options(disk, "st", 2), Request{})
	must(t, err)
	if d.Checkpoint.ID != 2 {
		t.Fatalf("recovered checkpoint %d", d.Checkpoint.ID)
	}
	must(t, next.Close())
	must(t, disk.Remove("st/job/"+recordName(3)))
	s, err = Open(options(disk, "st", 3))
	must(t, err)
	if d := Decide(s.Holding(), Request{}); d.Start != Recovered || d.Checkpoint.ID != 1 {
		t.Errorf("it starts with %+v", d)
	}
}

func TestReadSnapshot(t *testing.T) {
	both(t, func(t *testing.T, fsys vfs.FS, uri string) {
		s, _, err := open(options(fsys, uri, 1), Request{})
		must(t, err)
		must(t, take(s, 1))
		must(t, writeFiles(s, 2))
		_, err = s.Place(3).Store.Put(s.Place(3).Name("x"), []byte("partial"))
		must(t, err)
		dir := s.Path(1)
		forms := []string{dir, dir + "/", dir + "/_metadata"}
		if strings.HasPrefix(dir, "/") {
			forms = append(forms, "file://"+dir, "file://"+dir+"/_metadata")
		}
		for _, form := range forms {
			snap, err := ReadSnapshot(form, fsys)
			must(t, err)
			if err := checkSnapshot(snap, s.Run(), 1); err != nil || !snap.Recorded {
				t.Errorf("%s: %v, recorded %v", form, err, snap.Recorded)
			}
		}
		snap, err := ReadSnapshot(s.Path(2), fsys)
		must(t, err)
		if snap.Recorded {
			t.Error("chk-2 has no record")
		}
		for _, c := range [][2]string{
			{s.Path(3), "it has no _metadata: the checkpoint was never completed"},
			{s.Path(4), "there is no such snapshot"},
			{blob.JoinURI(uri, "job/"+s.Run()), "holds some: chk-1, chk-2, chk-3"},
			{".", "name the snapshot's directory itself"},
		} {
			_, err := ReadSnapshot(c[0], fsys)
			if !errors.Is(err, ErrSnapshot) || !strings.Contains(err.Error(), c[1]) {
				t.Errorf("%s: %v", c[0], err)
			}
		}
		list, err := List(uri, fsys)
		must(t, err)
		if len(list) != 3 || list[0].Err != nil || list[2].Err == nil || list[1].Snapshot.Manifest.ID != 2 {
			t.Error(list)
		}
	})
}

func TestMemory(t *testing.T) {
	s, err := OpenMemory(options(nil, "", 1))
	must(t, err)
	must(t, s.Claim(Decide(s.Holding(), Request{})))
	must(t, take(s, 1))
	must(t, take(s, 2))
	must(t, s.Release([]uint64{1}))
	must(t, s.Reclaim())
	snap, err := s.Newest()
	must(t, err)
	must(t, checkSnapshot(snap, s.Run(), 2))
	if s.Path(2) != "" {
		t.Fatalf("a path that nobody can use: %s", s.Path(2))
	}
}

func TestFileNames(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"a/b", "a+b", "a%2Fb", "a%b", "a b", "ä", "a_b", "a.b"} {
		got := fileName(12, name)
		if epoch, ok := fileEpoch("chk-1/" + got); !ok || epoch != 12 || !fs.ValidPath(got) {
			t.Errorf("%q: %q", name, got)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q are both %q", name, other, got)
		}
		seen[got] = name
	}
	for _, other := range []string{"_metadata", "x", "e-x", "ex1-a", "12-a"} {
		if _, ok := fileEpoch(other); ok {
			t.Errorf("%q has an epoch", other)
		}
	}
}

// TestOrder is the protocol as a golden file: what happens to the disk, in which order, from the first claim to the end.
func TestOrder(t *testing.T) {
	m := vfs.NewMem()
	var log []string
	fsys := vfs.Observe(m, vfs.Hooks{Before: func(op vfs.Op) error {
		if op.Changes() || op.Kind == "lock" {
			log = append(log, "\t"+op.String())
		}
		return nil
	}})
	say := func(format string, args ...any) { log = append(log, fmt.Sprintf(format, args...)) }
	say("open")
	s, err := Open(options(fsys, "st", 1))
	must(t, err)
	say("claim")
	must(t, s.Claim(Decide(s.Holding(), Request{})))
	for id := uint64(1); id <= 2; id++ {
		say("files and metadata of checkpoint %d", id)
		must(t, writeFiles(s, id))
		say("record %d: the commit point", id)
		must(t, s.Record(id))
	}
	say("release 1")
	must(t, s.Release([]uint64{1}))
	say("files and metadata of checkpoint 3, which is given up")
	must(t, writeFiles(s, 3))
	must(t, s.Discard(3))
	say("finished")
	must(t, s.End(event.Finished, true))
	must(t, s.Close())
	got := strings.ReplaceAll(strings.Join(log, "\n")+"\n", s.Run(), "RUN")
	const golden = "testdata/order.txt"
	if os.Getenv("PIPEC_UPDATE") != "" {
		must(t, os.WriteFile(golden, []byte(got), 0o666))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if d := cmp.Diff(string(want), got); d != "" {
		t.Fatal(d)
	}
}
