package fault

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func parse(t *testing.T, specs ...string) *Set {
	t.Helper()
	s, err := Parse(specs)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ spec, want string }{
		{"", `unknown action ""`},
		{"fial,point=row", `unknown action "fial": did you mean fail? There are fail, crash, slow, io`},
		{"fail", "point=... is missing: one of row, snapshot"},
		{"fail,point=snapshoot", `unknown point "snapshoot": did you mean snapshot?`},
		{"fail,point=zzz", `unknown point "zzz": there are row,`},
		{"fail,pont=row", `unknown setting "pont": did you mean point?`},
		{"fail,point=", "point has no value"},
		{"fail,point", "point has no value"},
		{"fail,point=row,row=0", "row=0 is no whole number from 1"},
		{"fail,point=row,times=x", "times=x is no whole number from 1"},
		{"fail,point=row,point=row", "point is given twice"},
		{"fail,point=row,checkpoint=1", "checkpoint= has no meaning at point=row"},
		{"fail,point=write,row=3", "row= is only for point=row"},
		{"fail,point=before-metadata,stage=a", "stage= has no meaning at point=before-metadata"},
		{"slow,point=row", "slow needs by=DURATION"},
		{"slow,point=row,by=fast", "by=fast is no duration"},
		{"slow,point=row,by=0s", "by=0s is no duration above zero"},
		{"fail,point=row,by=1s", "by= is only for slow"},
	} {
		_, err := Parse([]string{c.spec})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "--fault "+c.spec) {
			t.Errorf("%q: %v\nwant %s", c.spec, err, c.want)
		}
	}
	for _, p := range Points() {
		parse(t, "fail,point="+p.Name)
	}
	for _, a := range Actions() {
		by := ""
		if a.Name == "slow" {
			by = ",by=1s"
		}
		parse(t, a.Name+",point=write,checkpoint=3,nth=2,times=9"+by)
	}
}

func TestHit(t *testing.T) {
	s := parse(t, "fail,point=snapshot,stage=a,checkpoint=2,nth=2,times=2")
	var got []string
	for i := range 5 {
		if err := s.Hit(Snapshot, "a", 2); err != nil {
			got = append(got, string(rune('0'+i)))
		}
		for _, err := range []error{s.Hit(Snapshot, "b", 2), s.Hit(Snapshot, "a", 3), s.Hit(Write, "a", 2), s.Rows("a", 9)} {
			if err != nil {
				t.Fatalf("round %d: a hit that does not match failed: %v", i, err)
			}
		}
	}
	if strings.Join(got, "") != "12" {
		t.Fatalf("fired at %v, want 1 and 2", got)
	}
	if s.liveOther.Load() {
		t.Fatal("a used-up set still looks at its rules")
	}
}

func TestErrors(t *testing.T) {
	s := parse(t, "io,point=write", "fail,point=restore")
	err := s.Hit(Write, "counts/aggregate/1", 4)
	if !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "write of counts/aggregate/1: input/output error") {
		t.Fatal(err)
	}
	err = s.Hit(Restore, "", 4)
	var e *Error
	if !errors.As(err, &e) || e.Action != Fail || errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "--fault fail,point=restore") {
		t.Fatal(err)
	}
}

// TestRows is the example of the contract: row=500,times=3 fails three attempts and then lets the rows pass.
func TestRows(t *testing.T) {
	s := parse(t, "fail,point=row,row=500,times=3")
	var failed []int
	taken := 0
	for range 5 {
		s.Attempt()
		for range 10 {
			taken += 70
			if s.Rows("a", 70) != nil {
				failed = append(failed, taken)
				break
			}
		}
	}
	want := []int{560, 630, 700}
	if len(failed) != 3 || failed[0] != want[0] || failed[1] != want[1] || failed[2] != want[2] {
		t.Fatalf("failed at rows %v, want %v", failed, want)
	}

	s = parse(t, "fail,point=row,stage=b,row=10")
	if s.Rows("a", 100) != nil || s.Rows("b", 9) != nil || s.Rows("b", 0) != nil {
		t.Fatal("rows of another stage, or too few, fired")
	}
	if s.Rows("b", 1) == nil {
		t.Fatal("row 10 did not fire")
	}
}

func TestOncePerAttempt(t *testing.T) {
	s := parse(t, "slow,point=row,row=2,times=5,by=3s")
	var waited time.Duration
	s.Wait = func(d time.Duration) { waited += d }
	for range 2 {
		s.Attempt()
		for range 10 {
			if err := s.Rows("a", 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	if waited != 6*time.Second {
		t.Fatalf("waited %v, want once in each of two attempts", waited)
	}
}

func TestSlowThenFail(t *testing.T) {
	s := parse(t, "slow,point=write,by=1s", "fail,point=write")
	waited := 0
	s.Wait = func(time.Duration) { waited++ }
	if s.Hit(Write, "a", 1) == nil || waited != 1 {
		t.Fatal("both rules concern the hit", waited)
	}
}

func TestNil(t *testing.T) {
	s, err := Parse(nil)
	if s != nil || err != nil {
		t.Fatal(s, err)
	}
	s.Attempt()
	if s.Hit(Write, "a", 1) != nil || s.Rows("a", 1) != nil || s.Check(nil, true) != nil {
		t.Fatal("no rules, but something happened")
	}
}

func TestCheck(t *testing.T) {
	stages := []Stage{{ID: "in/source", State: true}, {ID: "counts/where/1"}, {ID: "counts/aggregate/1", State: true}, {ID: "out/sink/1", Sink: true}}
	for _, c := range []struct {
		rule        string
		checkpoints bool
		want        string // "": it can fire
	}{
		{"fail,point=row,stage=count/aggregate/1", true, "unknown stage \"count/aggregate/1\": did you mean counts/aggregate/1?"},
		{"fail,point=row,stage=counts/aggregate", true, "did you mean counts/aggregate/1?"},
		{"fail,point=row,stage=in", true, "did you mean in/source?"},
		{"fail,point=row,stage=counts/aggregate/1", false, ""},
		{"fail,point=row,stage=in/source", false, ""},
		{"fail,point=row", false, ""},
		{"fail,point=write", false, "the job takes no checkpoints, so point=write is never reached"},
		{"fail,point=write,stage=counts/where/1", true, "counts/where/1 keeps no state, so point=write is never reached there"},
		{"fail,point=restore,stage=out/sink/1", true, "out/sink/1 keeps no state"},
		{"fail,point=restore,stage=in/source", true, ""},
		{"fail,point=snapshot,stage=counts/where/1", true, ""},
		{"fail,point=mid-commit,stage=counts/where/1", true, "counts/where/1 is no sink"},
		{"fail,point=mid-commit,stage=out/sink/1", true, ""},
		{"fail,point=before-commit", true, ""},
	} {
		err := parse(t, c.rule).Check(stages, c.checkpoints)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
}

// TestHitAny: what concerns several stages is one hit, however many of them a rule could mean.
func TestHitAny(t *testing.T) {
	s := parse(t, "fail,point=snapshot,nth=2", "fail,point=snapshot,stage=c,nth=2")
	chain := []string{"a", "b", "c"}
	if err := s.HitAny(Snapshot, chain, 1); err != nil {
		t.Fatalf("the first cut: %v", err)
	}
	var e *Error
	if err := s.HitAny(Snapshot, chain, 2); !errors.As(err, &e) || e.Stage != "a" {
		t.Fatalf("the second cut: %v", err)
	}
	if err := s.HitAny(Snapshot, []string{"c"}, 3); err != nil { // both rules were counted and used up by the second cut
		t.Fatal(err)
	}
	if s.HitAny(Write, nil, 1) != nil {
		t.Fatal("another point")
	}
}

func TestUnused(t *testing.T) {
	s := parse(t, "fail,point=write", "fail,point=restore,nth=2")
	_, _ = s.Hit(Write, "a", 1), s.Hit(Restore, "a", 1)
	if got := s.Unused(); len(got) != 1 || got[0] != "fail,point=restore,nth=2" {
		t.Fatal(got)
	}
	var none *Set
	if none.Unused() != nil {
		t.Fatal("no rules, none unused")
	}
}

func TestComplete(t *testing.T) {
	stages := []string{"in/source", "counts/aggregate/1"}
	for _, c := range []struct{ typed, want string }{
		{"", "fail crash slow io"},
		{"cr", "crash"},
		{"fail,", "fail,point= fail,stage= fail,checkpoint= fail,row= fail,nth= fail,times= fail,by="},
		{"fail,point=be", "fail,point=before-metadata fail,point=before-commit"},
		{"fail,point=row,", "fail,point=row,stage= fail,point=row,checkpoint= fail,point=row,row= fail,point=row,nth= fail,point=row,times= fail,point=row,by="},
		{"fail,point=row,stage=", "fail,point=row,stage=in/source fail,point=row,stage=counts/aggregate/1"},
		{"fail,point=row,stage=c", "fail,point=row,stage=counts/aggregate/1"},
		{"fail,row=", ""},
	} {
		var got []string
		for _, choice := range Complete(c.typed, stages) {
			got = append(got, choice.Name)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q: %s", c.typed, got)
		}
	}
}

func TestConcurrentTimes(t *testing.T) {
	s := parse(t, "fail,point=write,times=50")
	var fired atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if s.Hit(Write, "a", 1) != nil {
					fired.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if fired.Load() != 50 {
		t.Fatalf("fired %d times, want 50", fired.Load())
	}
}

// TestCrash runs this test binary again and looks at how it dies.
func TestCrash(t *testing.T) {
	if os.Getenv("PIPEC_FAULT_CRASH") != "" {
		_ = parse(t, "crash,point=after-commit").Hit(AfterCommit, "", 1)
		t.Fatal("still alive")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrash$")
	cmd.Env = append(os.Environ(), "PIPEC_FAULT_CRASH=1")
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("ended with %v, want SIGKILL", err)
	}
}

func BenchmarkUnused(b *testing.B) {
	s, _ := Parse([]string{"fail,point=restore"})
	for b.Loop() {
		_ = s.Rows("a", 1)
	}
}
