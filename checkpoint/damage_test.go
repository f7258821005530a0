package checkpoint

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipec/checkpoint/event"
	"pipec/state/blob"
	"pipec/state/vfs"
)

// TestDamagedFiles damages each file of the newest checkpoint in each way: the error names the file, offers the older one, and nothing
// on the disk changes.
func TestDamagedFiles(t *testing.T) {
	for _, file := range []string{"_metadata", "e1-counts+aggregate+1-0"} {
		for _, how := range []string{"missing", "emptied", "truncated", "flipped", "another"} {
			m := vfs.NewMem()
			s, _, err := open(options(m, "st", 1), Request{})
			must(t, err)
			must(t, take(s, 1))
			must(t, take(s, 2))
			must(t, s.Close())
			name := "st/job/" + s.Run() + "/chk-2/" + file
			data, err := vfs.ReadFile(m, name)
			must(t, err)
			switch how {
			case "missing":
				must(t, m.Remove(name))
			case "emptied":
				data = nil
			case "truncated":
				data = data[:len(data)-1]
			case "flipped":
				data[len(data)/2] ^= 4
			case "another": // whole in itself, but not this checkpoint's
				data, err = vfs.ReadFile(m, strings.Replace(name, "chk-2", "chk-1", 1))
				must(t, err)
				data = append(data, ' ')
			}
			if how != "missing" {
				must(t, vfs.WriteFile(m, name, data))
			}
			before := tree(t, m, "st")

			s, err = Open(options(m, "st", 2))
			must(t, err)
			d := Decide(s.Holding(), Request{})
			snap, err := s.Snapshot(d.Run, d.Checkpoint)
			if err == nil {
				err = snap.Verify()
			}
			if !errors.Is(err, ErrSnapshot) || !strings.Contains(err.Error(), name+": ") {
				t.Errorf("%s %s: %v", file, how, err)
			}
			full := s.RestoreError(d.Run, d.Checkpoint, err)
			if !errors.Is(full, ErrSnapshot) || !strings.Contains(full.Error(), "older and intact:\n  st/job/"+s.Holding().Run.ID+"/chk-1\n") {
				t.Errorf("%s %s: %v", file, how, full)
			}
			if d := cmp.Diff(before, tree(t, m, "st")); d != "" {
				t.Error(d)
			}
		}
	}
}

func TestDamagedHistory(t *testing.T) {
	m := vfs.NewMem()
	s, _, err := open(options(m, "st", 1), Request{})
	must(t, err)
	must(t, take(s, 1))
	must(t, s.Close())
	must(t, vfs.WriteFile(m, "st/job/history/000000000002", []byte("pipec-record 1 3 00")))
	before := tree(t, m, "st")
	for _, r := range []Request{{}, {Resume: true}} {
		s, err = Open(options(m, "st", 2))
		must(t, err)
		d := Decide(s.Holding(), r)
		if d.Start != Refused || d.Exit != 4 || !strings.Contains(d.Text, "st/job/history/000000000002: damaged") || !strings.Contains(d.Text, "/chk-1 (the history has no record of it)") {
			t.Fatalf("%+v", d)
		}
		must(t, s.Close())
	}
	if d := cmp.Diff(before, tree(t, m, "st")); d != "" {
		t.Fatal(d)
	}
	// The way out: a new run begins behind the damage, and those after it do not see it any more.
	s, d, err := open(options(m, "st", 3), Request{Fresh: true})
	must(t, err)
	if d.Start != Empty || s.Epoch() != 3 {
		t.Fatal(d, s.Epoch())
	}
	must(t, take(s, 1))
	must(t, s.Reclaim())
	must(t, s.Close())
	_, d, err = open(options(m, "st", 4), Request{})
	must(t, err)
	if d.Start != Recovered || d.Run != s.Run() {
		t.Fatal(d)
	}
}

// TestMissingRecord: the record of the newest checkpoint is gone, and how the run ended says that there was one. It is not gone back to an older one in silence.
func TestMissingRecord(t *testing.T) {
	for _, claims := range []int{1, 2} { // also where the newest claim names an older one
		m := vfs.NewMem()
		id := uint64(1)
		var s *Storage
		for n := range claims {
			var err error
			s, _, err = open(options(m, "st", uint64(n)), Request{})
			must(t, err)
			must(t, take(s, id))
			must(t, take(s, id+1))
			id += 2
			if n == claims-1 {
				must(t, s.End(event.Failed, false))
			}
			must(t, s.Close())
		}
		records, err := history{blob.NewLocal("st/job", m)}.numbers()
		must(t, err)
		name := recordName(records[len(records)-2])
		must(t, m.Remove("st/job/"+name))
		before := tree(t, m, "st")
		s, err = Open(options(m, "st", 9))
		must(t, err)
		d := Decide(s.Holding(), Request{Resume: true})
		if d.Start != Refused || d.Exit != 4 || !strings.Contains(d.Text, name+": damaged: the record is missing") || !strings.Contains(d.Text, "/chk-1") {
			t.Errorf("%d claims: %+v", claims, d)
		}
		must(t, s.Close())
		if d := cmp.Diff(before, tree(t, m, "st")); d != "" {
			t.Error(d)
		}
	}
}
