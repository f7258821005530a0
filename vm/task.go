package vm

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"pipec/state"
	"pipec/vm/actor"
	"pipec/vm/chain"
	"pipec/vm/exchange"
	"pipec/vm/failure"
	"pipec/vm/flow"
	"pipec/vm/lineage"
	"pipec/vm/status"
	"pipec/vm/value"
)

// phase is how far a task is with its input.
type phase uint8

const (
	reading  phase = iota // there may be more input
	draining              // all inputs have ended; output is still pending
	ended                 // End was sent; the task only answers checkpoints
)

// task is one chain in one of its parallel instances: a machine that takes one message or goes on with pending output in each step.
type task struct {
	id     string
	spec   *chainSpec
	index  int
	host   *attempt
	chain  *chain.Chain
	head   *head               // nil: rows come from inlets
	inlets []*exchange.Channel // by input and sender
	align  *exchange.Aligner
	merge  *exchange.Merger
	store  *state.Store // nil without state

	waker   actor.Waker
	stopped atomic.Bool
	mu      sync.Mutex
	orders  []order      // from the job, oldest first
	said    *status.Part // what it last told the job

	phase     phase
	turn      int          // inlet to ask next
	current   *value.Batch // lent by an inlet until its rows are through
	lender    *exchange.Channel
	begun     bool  // the first step was made
	advanced  bool  // rows were taken since the watermark was last looked at
	watermark int64 // what the chain has been told
	quiet     bool  // an idle message was sent
	final     bool  // the input ended by itself: event time goes to its end
	due       uint64
	aligning  uint64    // newest checkpoint of which a barrier came
	aligned   time.Time // when its first barrier came
	last      bool      // the due checkpoint is the last: sources pause behind it
	cut       *cut
	past      lineage.Chain // what deltas build on
	flushed   time.Time
}

// order is what the job tells a task: that a checkpoint was triggered, or (checkpoint 0) that sources shall stop.
type order struct {
	checkpoint uint64
	last       bool           // nothing is read behind this checkpoint
	past       *lineage.Chain // a checkpoint was completed, and these are the task's files in it; nothing else is said
	report     bool           // the job wants to know how far the task is; nothing else is said
	end        bool           // nobody needs more: the source ends as if its input had. checkpoint 0 without it: it stops, and event time stands still
}

func (t *task) tell(o order) {
	t.mu.Lock()
	t.orders = append(t.orders, o)
	t.mu.Unlock()
	t.waker.Call()
}

func (t *task) stop() {
	t.stopped.Store(true)
	t.waker.Call()
}

// Step implements Machine. A panic is a bug in the engine: it ends the job for good, with its stack.
func (t *task) Step() (p Progress, until time.Time) {
	defer func() {
		if r := recover(); r != nil {
			t.host.failed(t, &failure.Internal{Text: fmt.Sprint(r), Stack: string(debug.Stack())})
			t.close()
			p = Finished
		}
	}()
	if t.stopped.Load() {
		t.close()
		return Finished, time.Time{}
	}
	p, until, err := t.step()
	if err != nil {
		t.host.failed(t, err)
		t.close()
		return Finished, time.Time{}
	}
	return p, until
}

func (t *task) step() (Progress, time.Time, error) {
	t.obey()
	busy, err := t.cutStep()
	if err != nil {
		return Again, time.Time{}, err
	}
	p, until := Again, time.Time{}
	switch {
	case !t.chain.Room():
		p = Waiting
	case t.chain.Pending():
		err = t.chain.Resume()
	case !t.begun:
		err = t.begin()
	case t.advanced:
		until, err = t.advance()
	case t.due != 0:
		err = t.cutNow()
	case t.phase == draining:
		err = t.finish()
	case t.phase == ended:
		p = Waiting
	case t.head != nil:
		p, until, err = t.readSource()
	default:
		p, err = t.readInlets()
	}
	if err != nil {
		return Again, time.Time{}, err
	}
	if p == Waiting {
		t.chain.Flush()
		if busy {
			p = Again
		}
	} else {
		t.linger()
	}
	return p, until, nil
}

// begin tells the operators and everybody behind what a snapshot knows of time, before the first row (language A10).
func (t *task) begin() error {
	t.begun = true
	t.advanced = t.head != nil // a source knows it by split
	if t.watermark == value.NoTime {
		return nil
	}
	return t.chain.Advance(t.chain.Nodes[0], t.watermark)
}

// linger sends gathered rows on when they have waited long enough, although the task is busy.
func (t *task) linger() {
	if len(t.chain.Outs) == 0 {
		return
	}
	if now := t.host.env.Clock.Now(); now.Sub(t.flushed) > t.host.plan.Job.Linger {
		t.flushed = now
		t.chain.Flush()
	}
}

// obey takes the orders of the job.
func (t *task) obey() {
	t.mu.Lock()
	orders := t.orders
	t.orders = nil
	t.mu.Unlock()
	for _, o := range orders {
		if o.report {
			t.tellPart()
			continue
		}
		if o.past != nil {
			t.past = *o.past
			t.store.Completed(t.past.Checkpoint)
			continue
		}
		if o.checkpoint == 0 {
			if t.head != nil && t.phase == reading {
				t.head.paused = true
				t.phase, t.final = draining, o.end
			}
			continue
		}
		t.last = t.last || o.last
		t.aim(t.align.Announce(o.checkpoint))
	}
}

// aim notes that a checkpoint is to be cut as soon as no output is pending.
func (t *task) aim(id uint64) {
	if id != 0 {
		t.due = id
	}
}

// readSource takes one batch of the source.
func (t *task) readSource() (Progress, time.Time, error) {
	if t.head.paused {
		return Waiting, time.Time{}, nil
	}
	outer := t.chain.Watch.Enter(&t.head.node.Stats.Busy)
	p, err := t.head.next(t.host.plan.Job.BatchSize)
	t.chain.Watch.Leave(outer)
	if err != nil {
		return p, time.Time{}, chain.At(t.spec.head.ID, err)
	}
	if p == Finished {
		t.phase, t.final = draining, true
		return Again, time.Time{}, nil
	}
	t.advanced = p == Again
	if p == Waiting {
		until, err := t.advance()
		if t.chain.Pending() {
			p = Again
		}
		if t.host.env.Inline { // nobody wakes it
			until = earliest(until, t.host.env.Clock.Now().Add(10*time.Millisecond))
		}
		return p, until, err
	}
	return p, time.Time{}, nil
}

// advance tells the chain the watermark of the source's splits.
func (t *task) advance() (time.Time, error) {
	t.advanced = false
	if t.head == nil {
		return time.Time{}, nil
	}
	w, quiet, until := t.head.watermark(t.host.env.Clock.Now())
	if quiet != t.quiet {
		t.quiet = quiet
		if quiet {
			t.chain.Signal(flow.Message{Kind: flow.Idle})
		}
	}
	if w <= t.watermark {
		return until, nil
	}
	t.watermark = w
	return until, t.chain.Advance(t.chain.Nodes[0], w)
}

// readInlets takes the next message of an inlet that is not held, in turns.
func (t *task) readInlets() (Progress, error) {
	if t.current != nil {
		t.lender.Recycle(t.current)
		t.current = nil
	}
	for range t.inlets {
		i := t.turn
		if t.turn++; t.turn == len(t.inlets) {
			t.turn = 0
		}
		if t.align.Held(i) || t.align.HasEnded(i) {
			continue
		}
		if m, ok := t.inlets[i].Receive(); ok {
			return Again, t.receive(i, m)
		}
	}
	return Waiting, nil
}

func (t *task) receive(i int, m flow.Message) error {
	switch m.Kind {
	case flow.Rows:
		t.merge.Idle[i] = false
		t.current, t.lender = m.Batch, t.inlets[i]
		return t.chain.Deliver(t.chain.Nodes[0], m.Batch)
	case flow.Watermark:
		t.merge.Idle[i] = false
		t.merge.Mark[i] = max(t.merge.Mark[i], m.Time)
	case flow.Idle:
		t.merge.Idle[i] = true
	case flow.Barrier:
		if m.Checkpoint > t.aligning {
			t.aligning, t.aligned = m.Checkpoint, t.host.env.Clock.Now()
		}
		t.aim(t.align.Barrier(i, m.Checkpoint))
		return nil
	case flow.End:
		t.merge.Ended[i] = true
		t.aim(t.align.End(i))
		if t.merge.AllEnded() {
			t.phase = draining
		}
	}
	return t.merged()
}

// merged hands on what the inlets together say of time.
func (t *task) merged() error {
	if quiet := t.merge.Quiet(); quiet != t.quiet {
		t.quiet = quiet
		if quiet {
			t.chain.Signal(flow.Message{Kind: flow.Idle})
		}
	}
	w, grew := t.merge.Advance()
	if !grew {
		return nil
	}
	t.watermark = w
	return t.chain.Advance(t.chain.Nodes[0], w)
}

// finish ends the task's output once nothing is pending: event time goes to its end first, if the input ended by itself.
func (t *task) finish() error {
	if t.final && t.watermark != value.EndTime {
		t.watermark = value.EndTime
		return t.chain.Advance(t.chain.Nodes[0], value.EndTime)
	}
	t.phase = ended
	t.chain.Signal(flow.Message{Kind: flow.End})
	t.host.taskEnded(t)
	return nil
}

// close lets go of what the task holds. It runs on the task's own goroutine, or after it.
func (t *task) close() {
	if t.head != nil && t.head.reader != nil {
		if err := t.head.reader.Close(); err != nil {
			t.host.closing(err)
		}
		t.head.reader = nil
	}
	if t.cut != nil {
		t.cut.abandon()
		t.cut = nil
	}
	t.host.taskClosed(t)
}
