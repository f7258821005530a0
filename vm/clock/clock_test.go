package clock

import (
	"testing"
	"time"
)

var start = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

func TestFakeFiresInOrder(t *testing.T) {
	f := NewFake(start)
	late, early := f.NewTimer(3*time.Second), f.NewTimer(time.Second)
	f.Advance(999 * time.Millisecond)
	select {
	case <-early.C():
		t.Fatal("fired early")
	default:
	}
	f.Advance(5 * time.Second)
	if at := <-early.C(); !at.Equal(start.Add(time.Second)) {
		t.Fatalf("early fired at %v", at)
	}
	if at := <-late.C(); !at.Equal(start.Add(3 * time.Second)) {
		t.Fatalf("late fired at %v", at)
	}
	if got := f.Now().Sub(start); got != 5999*time.Millisecond {
		t.Fatalf("now %v", got)
	}
}

func TestFakeStopAndReset(t *testing.T) {
	f := NewFake(start)
	tm := f.NewTimer(time.Second)
	if !tm.Stop() || tm.Stop() {
		t.Fatal("Stop must tell whether it stopped something")
	}
	tm.Reset(time.Second)
	f.Advance(time.Second)
	if tm.Reset(time.Minute) { // it had fired; the value nobody took is gone
		t.Fatal("Reset of a fired timer")
	}
	select {
	case at := <-tm.C():
		t.Fatalf("stale value %v", at)
	default:
	}
	if next, ok := f.Next(); !ok || next.Sub(start) != 61*time.Second {
		t.Fatal(next, ok)
	}
	zero := f.NewTimer(0)
	<-zero.C()
}

func TestFakeBlockUntil(t *testing.T) {
	f := NewFake(start)
	done := make(chan time.Time)
	go func() { done <- <-f.NewTimer(time.Hour).C() }()
	f.BlockUntil(1)
	f.Advance(time.Hour)
	if at := <-done; !at.Equal(start.Add(time.Hour)) {
		t.Fatal(at)
	}
}

func TestReal(t *testing.T) {
	c := Real()
	before := c.Now()
	tm := c.NewTimer(time.Millisecond)
	if at := <-tm.C(); at.Sub(before) < time.Millisecond {
		t.Fatalf("fired after %v", at.Sub(before))
	}
	if tm.Stop() {
		t.Fatal("stopped a fired timer")
	}
}
