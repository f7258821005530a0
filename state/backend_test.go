package state

import (
	"bytes"
	"testing"

	"pipec/compiler/plan"
)

// backend is one row of the conformance test.
type backend struct {
	name  string
	store func(t interface{ Fatal(...any) }, from, to, groups int) *Store
}

// backends are all backends of the table, and badger's cache over an ordered map.
func backends(t *testing.T) []backend {
	var all []backend
	for _, spec := range Backends() {
		all = append(all, backend{spec.Name, func(rt interface{ Fatal(...any) }, from, to, groups int) *Store {
			b, err := spec.Open(Config{Settings: plan.State{Backend: spec.Name, MaxSize: 1 << 30}, Local: t.TempDir()})
			if err != nil {
				rt.Fatal(err)
			}
			s, err := b.Store("task", from, to, groups)
			if err != nil {
				rt.Fatal(err)
			}
			return s
		}})
	}
	return all
}

func openFile(b []byte) (*File, error) { return OpenFile(bytes.NewReader(b), int64(len(b))) }
