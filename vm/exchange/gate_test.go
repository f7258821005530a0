package exchange

import (
	"testing"

	"pipec/vm/value"
)

// step is one event of an aligner's script: a barrier (at), the end of an input, or an announcement; cut is what must follow.
type step struct {
	input int
	at    uint64
	ends  bool
	told  uint64
	cut   uint64
	held  []int // inputs that are held afterwards
}

func TestAligner(t *testing.T) {
	cases := []struct {
		name   string
		inputs int
		exact  bool
		steps  []step
	}{
		{"one input is never held", 1, true, []step{{at: 1, cut: 1}, {at: 2, cut: 2}}},
		{"who is ahead is held until all are there", 2, true, []step{{input: 0, at: 5, held: []int{0}}, {input: 1, at: 5, cut: 5}}},
		{"an announcement alone does nothing while inputs live", 2, true, []step{{told: 5}, {input: 1, at: 5, held: []int{1}}, {input: 0, at: 5, cut: 5}}},
		{"an ended input counts as aligned", 2, true, []step{{input: 0, ends: true}, {input: 1, at: 3, cut: 3}}},
		{"the end of the last missing input aligns", 2, true, []step{{input: 0, at: 3, held: []int{0}}, {input: 1, ends: true, cut: 3}}},
		{"with all inputs ended the announcement cuts", 2, true, []step{{input: 0, ends: true}, {input: 1, ends: true}, {told: 7, cut: 7}, {told: 7}, {told: 8, cut: 8}}},
		{"an announcement before the last end is not lost", 1, true, []step{{told: 4}, {input: 0, ends: true, cut: 4}}},
		{"a newer barrier gives the older one up", 2, true, []step{{input: 0, at: 5, held: []int{0}}, {input: 1, at: 6, held: []int{1}}, {input: 0, at: 6, cut: 6}}},
		{"three inputs", 3, true, []step{{input: 2, at: 1, held: []int{2}}, {input: 0, at: 1, held: []int{0, 2}}, {input: 1, at: 1, cut: 1}}},
		{"at least once holds nobody", 2, false, []step{{input: 0, at: 5}, {input: 0, at: 6}, {input: 1, at: 5, cut: 5}, {input: 1, at: 6, cut: 6}}},
		{"a barrier of the past does nothing", 1, true, []step{{at: 5, cut: 5}, {at: 4}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := NewAligner(c.inputs, c.exact)
			for i, s := range c.steps {
				var cut uint64
				switch {
				case s.ends:
					cut = a.End(s.input)
				case s.told > 0:
					cut = a.Announce(s.told)
				default:
					cut = a.Barrier(s.input, s.at)
				}
				if cut != s.cut {
					t.Fatalf("step %d: cut %d, want %d", i, cut, s.cut)
				}
				for in := range c.inputs {
					want := false
					for _, h := range s.held {
						want = want || h == in
					}
					if a.Held(in) != want {
						t.Fatalf("step %d: input %d held: %v, want %v", i, in, a.Held(in), want)
					}
				}
			}
		})
	}
}

func TestMerger(t *testing.T) {
	m := NewMerger(2, value.NoTime)
	expect := func(what string, want int64, grows bool) {
		t.Helper()
		if w, grew := m.Advance(); w != want || grew != grows {
			t.Fatalf("%s: %d, %v; want %d, %v", what, w, grew, want, grows)
		}
	}
	expect("nothing known", value.NoTime, false)
	m.Mark[0] = 10
	expect("one input unknown", value.NoTime, false)
	m.Mark[1] = 7
	expect("the least of both", 7, true)
	m.Idle[1] = true
	expect("an idle input does not hold back", 10, true)
	m.Idle[1], m.Mark[1] = false, 8
	expect("it never goes back", 10, false)
	m.Idle[0], m.Idle[1] = true, true
	if !m.Quiet() {
		t.Fatal("all inputs idle: quiet")
	}
	expect("all idle: it stands", 10, false)
	m.Idle[0], m.Idle[1] = false, false
	m.Ended[1] = true
	m.Mark[0] = 20
	expect("an ended input does not hold back", 20, true)
	m.Ended[0] = true
	expect("ended without reaching the end of time", 20, false)
	m.Mark[0], m.Mark[1] = value.EndTime, value.EndTime
	expect("the end of time", value.EndTime, true)
	if m.Quiet() {
		t.Fatal("an ended input is not idle")
	}
}

func TestMergerRestored(t *testing.T) {
	m := NewMerger(2, 50)
	if w, grew := m.Advance(); w != 50 || grew {
		t.Fatalf("restored: %d, %v", w, grew)
	}
	m.Mark[0] = 60
	if _, grew := m.Advance(); grew {
		t.Fatal("the other input has not said more than the snapshot")
	}
}
