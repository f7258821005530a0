package checkpoint

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipec/state/blob"
)

func sample() *Manifest {
	return &Manifest{
		Job: "flights", Run: "20240101T000000.000Zbeef", ID: 7, Kind: Periodic, Epoch: 3, Time: zero.Add(time.Hour),
		Engine: "0.1", Program: "from sequence { count = 10 }\n  |> where n < 3 && true\n", Hash: "abc", Encoding: 1,
		Parallelism: 3, MaxParallelism: 128,
		Nodes: []Node{
			{ID: "in/source", Parallelism: 1, Finished: true},
			{ID: "counts/aggregate/1", Parallelism: 3, Signature: json.RawMessage(`{"key":["int"]}`), States: []StateInfo{{Name: "aggregate", Kind: Keyed}}},
		},
		Handles: []Handle{
			{Task: "counts/0", Node: "counts/aggregate/1", Kind: Keyed, From: 0, To: 43, Files: []blob.Ref{{Name: "chk-7/e3-counts", Size: 10, Sum: 1 << 63}}},
			{Task: "counts/1", Node: "counts/aggregate/1", Kind: Keyed, From: 43, To: 128, Files: []blob.Ref{{Name: "shared/x", Size: 5, Sum: 2}, {Name: "chk-7/e3-counts", Size: 10, Sum: 1 << 63}}},
			{Task: "in/0", Kind: Split, Inline: []byte{0, 255, '\n'}},
		},
	}
}

func TestManifestRoundTrip(t *testing.T) {
	m := sample()
	data, err := m.Encode("chk-7")
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeManifest(data, "chk-7", "x")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(m, got); d != "" {
		t.Fatal(d)
	}
	if m.Bytes() != 10+5+3 || len(m.Files()) != 2 {
		t.Fatal(m.Bytes(), m.Files())
	}
	// A person reads the program in it as it was written.
	if !strings.Contains(string(data), `where n < 3 && true`) || !strings.HasPrefix(string(data), "pipec-checkpoint 1 ") {
		t.Fatalf("%s", data)
	}
	moved, err := DecodeManifest(data, "backup-of-7", "x")
	if err != nil {
		t.Fatal(err)
	}
	if f := moved.Files(); f[0].Name != "backup-of-7/e3-counts" || f[1].Name != "shared/x" {
		t.Fatalf("after a move: %v", f)
	}
	if m.Node("counts/aggregate/1") == nil || m.Node("no") != nil {
		t.Fatal("Node")
	}
}

func TestManifestDamage(t *testing.T) {
	data, err := sample().Encode("chk-7")
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, at int, damaged []byte) {
		_, err := DecodeManifest(damaged, "chk-7", "some/chk-7/_metadata")
		if !errors.Is(err, ErrSnapshot) || !strings.HasPrefix(err.Error(), "some/chk-7/_metadata: ") {
			t.Fatalf("%s %d: %v", what, at, err)
		}
	}
	for i := range data {
		check("cut to", i, data[:i])
		for bit := range 8 {
			flipped := append([]byte(nil), data...)
			flipped[i] ^= 1 << bit
			check("bit flipped at byte", i, flipped)
		}
	}
	check("one byte more", 0, append(append([]byte(nil), data...), ' '))

	newer := []byte(strings.Replace(string(data), "pipec-checkpoint 1 ", "pipec-checkpoint 2 ", 1))
	if _, err := DecodeManifest(newer, "chk-7", "x"); err == nil || !strings.Contains(err.Error(), "written in format 2; this pipec reads format 1") {
		t.Fatal(err)
	}
}

func TestManifestLimits(t *testing.T) {
	m := sample()
	m.Handles[2].Inline = make([]byte, MaxInline)
	if _, err := m.Encode("chk-7"); err != nil {
		t.Fatal(err)
	}
	m.Handles[2].Inline = make([]byte, MaxInline+1)
	if _, err := m.Encode("chk-7"); err == nil || !strings.Contains(err.Error(), "1048577 bytes") {
		t.Fatal(err)
	}
	m = sample()
	m.Handles[0].Files[0].Name = "../other/secret"
	data, err := m.Encode("chk-7")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeManifest(data, "chk-7", "x"); err == nil || !strings.Contains(err.Error(), "outside the run's directory") {
		t.Fatal(err)
	}
}

func FuzzManifest(f *testing.F) {
	data, err := sample().Encode("chk-7")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("pipec-checkpoint 1 0 0\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := DecodeManifest(in, "d", "u")
		if err != nil {
			if !errors.Is(err, ErrSnapshot) {
				t.Fatal(err)
			}
			return
		}
		if _, err := m.Encode("d"); err != nil {
			t.Fatal(err)
		}
	})
}
