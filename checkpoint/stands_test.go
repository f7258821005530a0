package checkpoint

import (
	"errors"
	"testing"

	"pipec/state/vfs"
)

// A storage that was removed, or whose file system is no longer mounted, is not taken for one in which nothing was ever completed.
func TestReclaimWithoutTheHistoryIsNoNewBeginning(t *testing.T) {
	fsys := vfs.NewMem()
	s, _, err := open(options(fsys, "st", 1), Request{})
	must(t, err)
	must(t, take(s, 1))
	must(t, s.Reclaim())
	for _, name := range tree(t, fsys, "st") {
		must(t, fsys.Remove("st/"+name))
	}
	if err := s.Reclaim(); !errors.Is(err, ErrSnapshot) {
		t.Fatal(err)
	}
}
