package state

import (
	"bytes"
	"runtime"
	"testing"

	"pipec/compiler/plan"
	"pipec/state/ordered"
	"pipec/state/vfs"
)

// backend is one row of the conformance test: all stores of a test are of one job.
type backend struct {
	name string
	Backend
}

type failer interface{ Fatal(...any) }

func (b backend) store(t failer, from, to, groups int) *Store {
	s, err := b.Store("task", from, to, groups)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lateDB takes its time to write, so that tables go on before it is done.
type lateDB struct{ ordered.DB }

func (d lateDB) Write(batch []ordered.Entry, at uint64) error {
	for range at % 7 * 20 {
		runtime.Gosched()
	}
	return d.DB.Write(batch, at)
}

// tinyCache is so small that most rows of a test are cold.
const tinyCache = 20_000

// backends are all backends of the table, and badger's cache over an ordered map.
func backends(t testing.TB) []backend {
	c := Config{Settings: plan.State{MaxSize: 1 << 30, Cache: tinyCache, Incremental: true}, FS: vfs.OS(), Local: t.TempDir()}
	late := newCached(c, true, func() (ordered.DB, error) { return lateDB{ordered.NewMap()}, nil })
	all := []backend{{"simulated", Simulated(c)}, {"behind", late}}
	for _, spec := range Backends() {
		b, err := spec.Open(c)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, backend{spec.Name, b})
	}
	t.Cleanup(func() {
		for _, b := range all {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return all
}

func openFile(b []byte) (*File, error) { return OpenFile(bytes.NewReader(b), int64(len(b))) }
