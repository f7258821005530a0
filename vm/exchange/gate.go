package exchange

import "pipec/vm/value"

// Aligner decides when a task has seen a barrier on all its inputs. It is a pure machine.
//
// Exactly once: an input that delivered the barrier is not read until all have (Flink's SingleCheckpointBarrierHandler). At least once: inputs are
// never held (CheckpointBarrierTracker). An ended input counts as aligned. A newer barrier overtakes one whose alignment is not complete.
type Aligner struct {
	hold  bool
	got   []uint64 // newest barrier by input
	ended []bool
	due   uint64 // newest checkpoint announced to the task; matters when all inputs have ended
	done  uint64 // newest checkpoint cut or overtaken
}

// NewAligner makes an aligner of so many inputs.
func NewAligner(inputs int, exactlyOnce bool) *Aligner {
	return &Aligner{hold: exactlyOnce, got: make([]uint64, inputs), ended: make([]bool, inputs)}
}

// Barrier records a barrier on an input and gives the checkpoint to cut now, or 0.
func (a *Aligner) Barrier(input int, id uint64) uint64 {
	a.got[input] = max(a.got[input], id)
	return a.check()
}

// End records the end of an input and gives the checkpoint to cut now, or 0.
func (a *Aligner) End(input int) uint64 {
	a.ended[input] = true
	return a.check()
}

// Announce tells that a checkpoint was triggered and gives the checkpoint to cut now, or 0: a task whose inputs have all ended cuts at once.
func (a *Aligner) Announce(id uint64) uint64 {
	a.due = max(a.due, id)
	return a.check()
}

// check gives the checkpoint that all live inputs have reached. Exactly once needs the same barrier on each: an input that is behind the newest one
// skipped it, so the older checkpoint can never be a cut. At least once may take the oldest: what came too early is replayed after a failure.
func (a *Aligner) check() uint64 {
	oldest, newest, live := uint64(0), uint64(0), false
	for i, got := range a.got {
		if a.ended[i] {
			continue
		}
		if !live || got < oldest {
			oldest = got
		}
		newest, live = max(newest, got), true
	}
	id := oldest
	if !live {
		id = a.due
	} else if a.hold && oldest != newest {
		return 0
	}
	if id <= a.done {
		return 0
	}
	a.done = id
	return id
}

// HasEnded says whether an input has ended.
func (a *Aligner) HasEnded(input int) bool { return a.ended[input] }

// Held says whether an input must not be read now: it delivered the newest barrier and others have not.
func (a *Aligner) Held(input int) bool {
	if !a.hold || a.ended[input] || a.got[input] <= a.done {
		return false
	}
	for i, got := range a.got {
		if !a.ended[i] && got > a.got[input] {
			return false
		}
	}
	return true
}

// Merger is the watermark of a task over its inputs: the least of those that are neither idle nor ended. It is a pure machine.
type Merger struct {
	Mark  []int64 // by input: the newest it delivered
	Idle  []bool  // by input: it said that it holds nobody back
	Ended []bool  // by input
	now   int64   // what the task has been told
}

// NewMerger makes a merger whose inputs all begin at the restored watermark.
func NewMerger(inputs int, restored int64) *Merger {
	m := &Merger{Mark: make([]int64, inputs), Idle: make([]bool, inputs), Ended: make([]bool, inputs), now: restored}
	for i := range m.Mark {
		m.Mark[i] = restored
	}
	return m
}

// Advance gives the new watermark and whether it grew.
func (m *Merger) Advance() (int64, bool) {
	low, all, live := value.EndTime, value.EndTime, false
	for i, w := range m.Mark {
		all = min(all, w)
		if m.Idle[i] || m.Ended[i] {
			continue
		}
		live = true
		low = min(low, w)
	}
	if !live {
		low = m.now
		if m.AllEnded() {
			low = all // the end of time only if every input reached it
		}
	}
	if low <= m.now {
		return m.now, false
	}
	m.now = low
	return low, true
}

// Quiet says that every input is idle or ended, and one is idle: nothing holds the watermark of those behind back.
func (m *Merger) Quiet() bool {
	idle := false
	for i := range m.Mark {
		if !m.Idle[i] && !m.Ended[i] {
			return false
		}
		idle = idle || (m.Idle[i] && !m.Ended[i])
	}
	return idle
}

// AllEnded says that nothing comes any more.
func (m *Merger) AllEnded() bool {
	for _, e := range m.Ended {
		if !e {
			return false
		}
	}
	return true
}
