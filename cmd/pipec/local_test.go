package main

import (
	"path/filepath"
	"testing"

	"pipec/compiler/plan"
)

// TestLocalDir: two jobs share a working directory only if they are the same job with the same storage, wherever the program puts it.
func TestLocalDir(t *testing.T) {
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	job := func(name, local, storage string) string {
		return localDir(&plan.Job{Name: name, State: plan.State{Local: local}, Checkpoint: plan.Checkpoint{Storage: storage}})
	}
	shared := t.TempDir()
	for _, local := range []string{"", shared} {
		seen := map[string]bool{}
		for _, j := range [][2]string{{"a", "/s1"}, {"b", "/s1"}, {"a", "/s2"}, {"", "/s1"}} {
			dir := job(j[0], local, j[1])
			if seen[dir] || dir == local {
				t.Errorf("local = %q: job %s with storage %s gets %s, which is not its own", local, j[0], j[1], dir)
			}
			seen[dir] = true
			if dir != job(j[0], local, j[1]) {
				t.Errorf("%s is not found again", dir)
			}
			if local != "" && filepath.Dir(dir) != shared {
				t.Errorf("%s does not lie in %s", dir, shared)
			}
		}
		if job("a", local, "") == job("a", local, "/s1") {
			t.Error("without a storage a job gets what belongs to another")
		}
	}
	if job("a", "", "s") != job("a", "", "./s/") {
		t.Error("one storage, written in two ways, gives two directories")
	}
}
