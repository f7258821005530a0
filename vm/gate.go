package vm

import "pipec/vm/value"

// aligner decides when a task has seen a barrier on all its inputs. It is a pure machine.
//
// Exactly once: an input that delivered the barrier is not read until all have (Flink's SingleCheckpointBarrierHandler). At least once: inputs are
// never held (CheckpointBarrierTracker). An ended input counts as aligned. A newer barrier overtakes one whose alignment is not complete.
type aligner struct {
	hold  bool
	got   []uint64 // newest barrier by input
	ended []bool
	due   uint64 // newest checkpoint announced to the task; matters when all inputs have ended
	done  uint64 // newest checkpoint cut or overtaken
}

func newAligner(inputs int, exactlyOnce bool) *aligner {
	return &aligner{hold: exactlyOnce, got: make([]uint64, inputs), ended: make([]bool, inputs)}
}

// barrier records a barrier on an input and gives the checkpoint to cut now, or 0.
func (a *aligner) barrier(input int, id uint64) uint64 {
	a.got[input] = max(a.got[input], id)
	return a.check()
}

// end records the end of an input and gives the checkpoint to cut now, or 0.
func (a *aligner) end(input int) uint64 {
	a.ended[input] = true
	return a.check()
}

// announce tells that a checkpoint was triggered and gives the checkpoint to cut now, or 0: a task whose inputs have all ended cuts at once.
func (a *aligner) announce(id uint64) uint64 {
	a.due = max(a.due, id)
	return a.check()
}

// check gives the checkpoint that all live inputs have reached. Exactly once needs the same barrier on each: an input that is behind the newest one
// skipped it, so the older checkpoint can never be a cut. At least once may take the oldest: what came too early is replayed after a failure.
func (a *aligner) check() uint64 {
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

// held says whether an input must not be read now: it delivered the newest barrier and others have not.
func (a *aligner) held(input int) bool {
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

// merger is the watermark of a task over its inputs: the least of those that are neither idle nor ended. It is a pure machine.
type merger struct {
	mark  []int64
	idle  []bool
	ended []bool
	now   int64 // what the task has been told
}

func newMerger(inputs int, restored int64) *merger {
	m := &merger{mark: make([]int64, inputs), idle: make([]bool, inputs), ended: make([]bool, inputs), now: restored}
	for i := range m.mark {
		m.mark[i] = restored
	}
	return m
}

// advance gives the new watermark and whether it grew.
func (m *merger) advance() (int64, bool) {
	low, all, live := value.EndTime, value.EndTime, false
	for i, w := range m.mark {
		all = min(all, w)
		if m.idle[i] || m.ended[i] {
			continue
		}
		live = true
		low = min(low, w)
	}
	if !live {
		low = m.now
		if m.allEnded() {
			low = all // the end of time only if every input reached it
		}
	}
	if low <= m.now {
		return m.now, false
	}
	m.now = low
	return low, true
}

// quiet says that every input is idle or ended, and one is idle: nothing holds the watermark of those behind back.
func (m *merger) quiet() bool {
	idle := false
	for i := range m.mark {
		if !m.idle[i] && !m.ended[i] {
			return false
		}
		idle = idle || (m.idle[i] && !m.ended[i])
	}
	return idle
}

func (m *merger) allEnded() bool {
	for _, e := range m.ended {
		if !e {
			return false
		}
	}
	return true
}
