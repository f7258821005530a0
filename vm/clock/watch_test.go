package clock

import (
	"testing"
	"time"
)

func TestWatch(t *testing.T) {
	f := NewFake(start)
	w := NewWatch(f)
	var outer, inner time.Duration
	f.Advance(time.Hour) // nobody's
	before := w.Enter(&outer)
	f.Advance(time.Second)
	within := w.Enter(&inner)
	f.Advance(10 * time.Second)
	again := w.Enter(&outer) // as when a stage is asked for more by one behind it
	f.Advance(100 * time.Second)
	w.Leave(again)
	f.Advance(1000 * time.Second)
	w.Leave(within)
	f.Advance(10_000 * time.Second)
	w.Leave(before)
	f.Advance(time.Hour)
	if outer != 10_101*time.Second || inner != 1010*time.Second {
		t.Errorf("outer %s, inner %s", outer, inner)
	}
}
