package vm

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"

	"pipec/checkpoint"
	"pipec/compiler/plan"
	"pipec/connector"
	"pipec/state"
	"pipec/state/blob"
	"pipec/vm/chain"
	"pipec/vm/clock"
	"pipec/vm/exchange"
	"pipec/vm/fault"
	"pipec/vm/lineage"
	"pipec/vm/op"
	"pipec/vm/upload"
	"pipec/vm/value"
)

// attempt is one execution of all tasks, from a restore (or from nothing) to the end of the job or to the first failure.
type attempt struct {
	job     *Job
	plan    *plan.Plan
	env     *Env
	faults  *fault.Set
	layout  *layout
	backend state.Backend
	place   func(checkpoint uint64) checkpoint.Place
	tasks   []*task
	sinks   map[string][]connector.Sink // by sink node and task
	sources map[string]source           // opened before the claim

	recovered []string // sinks that have committed what the snapshot holds for them

	mu      sync.Mutex
	open    int // tasks that have not closed
	live    int // tasks whose input has not ended
	silent  int // tasks that have not said yet how far they are
	failure error
	enough  map[string]bool                // nodes that need no more rows
	leaks   []error                        // of closing
	pending map[uint64][]checkpoint.Handle // tokens by checkpoint, until it is published
	book    lineage.Book                   // files by checkpoint, until it is completed
}

// source is a declared source of this attempt with the splits that its tasks will read.
type source struct {
	connector.Source
	splits []connector.Split
}

// build makes the tasks of an attempt and gives them their state; nothing runs yet. On an error everything is closed again.
func (j *Job) build(sources map[string]source, res *restored) (a *attempt, err error) {
	a = &attempt{job: j, plan: j.plan, env: j.env, faults: j.env.Faults, layout: newLayout(j.plan), place: j.place,
		sinks: map[string][]connector.Sink{}, sources: sources, enough: map[string]bool{}, pending: map[uint64][]checkpoint.Handle{},
		book: lineage.Book{}}
	defer func() {
		if err != nil {
			a.release()
		}
	}()
	if a.backend, err = j.openBackend(); err != nil {
		return a, err
	}
	channels := a.connect()
	for _, c := range a.layout.chains {
		for i := range c.tasks {
			t, err := a.newTask(c, i, channels, res)
			if err != nil {
				return a, err
			}
			a.tasks = append(a.tasks, t)
		}
	}
	a.open, a.live = len(a.tasks), len(a.tasks)
	return a, a.openSinks(res)
}

// link identifies a channel: an edge, and the tasks at its ends.
type link struct {
	edge     *plan.Edge
	from, to int
}

// connect makes the channels. Forward edges between chains of equal parallelism join tasks of the same index, all others join each with each.
func (a *attempt) connect() map[link]*exchange.Channel {
	all := map[link]*exchange.Channel{}
	for _, c := range a.layout.chains {
		for _, e := range c.inputs {
			senders := a.layout.of[e.From].tasks
			schema := a.plan.Find(e.From).Ports[e.Port].Type.Schema
			for from := range senders {
				for to := range c.tasks {
					if e.Exchange != plan.Forward || to == from*c.tasks/senders {
						all[link{e, from, to}] = &exchange.Channel{Schema: schema}
					}
				}
			}
		}
	}
	return all
}

func (a *attempt) newTask(c *chainSpec, i int, channels map[link]*exchange.Channel, res *restored) (*task, error) {
	t := &task{id: fmt.Sprintf("%s[%d]", c.head.ID, i), spec: c, index: i, host: a, watermark: res.mark(c.head.ID)}
	groups := a.plan.Job.MaxParallel
	from, to := value.GroupRange(i, c.tasks, groups)
	var err error
	if len(c.keeps) > 0 {
		if t.store, err = a.backend.Store(t.id, from, to, groups); err != nil {
			return nil, err
		}
	}
	t.chain = &chain.Chain{Faults: a.faults, Watch: clock.NewWatch(a.env.Clock)}
	for _, e := range c.inputs {
		for sender := range a.layout.of[e.From].tasks {
			if ch := channels[link{e, sender, i}]; ch != nil {
				t.inlets = append(t.inlets, ch)
				ch.WakeTo = t.waker.Call
			}
		}
	}
	t.align = exchange.NewAligner(len(t.inlets), !a.plan.Job.Checkpoint.AtLeastOnce)
	t.merge = exchange.NewMerger(len(t.inlets), t.watermark)
	if err := a.addNodes(t, channels, res); err != nil {
		return nil, err
	}
	if t.store != nil && res != nil {
		if err := a.faults.HitAny(fault.Restore, c.keeps, res.snap.Manifest.ID); err != nil {
			return nil, err
		}
		if err := res.into(t); err != nil {
			return nil, err
		}
		if t.shares() && res.snap.Manifest.Run == a.job.runID() && res.snap.Manifest.Kind != checkpoint.Savepoint {
			t.past = lineage.Inherit(res.files, t.id, t.store) // else the files are the user's: the first snapshot is whole
		}
	}
	return t, nil
}

// addNodes makes the nodes of a task and joins them: inside the chain directly, to other chains by outlets.
func (a *attempt) addNodes(t *task, channels map[link]*exchange.Channel, res *restored) error {
	c := t.spec
	for _, n := range c.nodes {
		t.chain.Nodes = append(t.chain.Nodes, chain.NewNode(n))
	}
	for _, e := range c.inside {
		n := t.chain.Nodes[c.index(e.From)]
		n.Ports[e.Port] = append(n.Ports[e.Port], chain.Target{Node: t.chain.Nodes[c.index(e.To)]})
	}
	for _, e := range c.out {
		var to []*exchange.Channel
		for i := range a.layout.of[e.To].tasks {
			if ch := channels[link{e, t.index, i}]; ch != nil {
				to = append(to, ch)
				ch.WakeUp = t.waker.Call
			}
		}
		o := exchange.NewOutlet(a.plan, e, to)
		n := t.chain.Nodes[c.index(e.From)]
		n.Ports[e.Port] = append(n.Ports[e.Port], chain.Target{Out: o})
		t.chain.Outs = append(t.chain.Outs, o)
	}
	for _, n := range t.chain.Nodes {
		if err := a.equip(t, n, res); err != nil {
			return fmt.Errorf("%s: %w", n.Spec.ID, err)
		}
	}
	return nil
}

// equip gives a node what makes it work: an operator, a reader, or a sink.
func (a *attempt) equip(t *task, n *chain.Node, res *restored) error {
	switch n.Spec.Kind {
	case "source":
		return a.addHead(t, n, res)
	case "sink":
		return a.addSink(t, n)
	}
	spec, ok := op.Lookup(n.Spec.Kind)
	if !ok || spec.New == nil {
		return fmt.Errorf("no operator for the stage %s", n.Spec.Kind)
	}
	ctx := a.context(t, n)
	for _, e := range a.plan.Outputs(n.Spec.ID) {
		ctx.Before = ctx.Before || e.Before
	}
	var err error
	n.Op, err = spec.New(ctx)
	return err
}

func (a *attempt) context(t *task, n *chain.Node) *op.Context {
	emit := func(port int, b *value.Batch) error { return t.chain.Emit(n, port, b) }
	ctx := &op.Context{Job: &a.plan.Job, Node: n.Spec, Emit: emit, Store: t.store, Env: a.env.functions(&a.plan.Job), Stats: &n.Stats,
		Enough: func() { a.satisfied(n.Spec.ID) }}
	for _, e := range a.plan.Inputs(n.Spec.ID) {
		ctx.Inputs = append(ctx.Inputs, a.plan.Find(e.From).Ports[e.Port].Type)
	}
	if n.Spec.Kind == "source" { // its rows fail as they come out
		ctx.Inputs = []plan.StreamType{n.Spec.Ports[0].Type}
	}
	ctx.Errors = op.NewRowErrors(ctx)
	return ctx
}

func (a *attempt) addHead(t *task, n *chain.Node, res *restored) error {
	config := n.Spec.Config.(*plan.SourceConfig)
	src := a.sources[n.Spec.ID]
	mine := connector.Divide(src.splits, t.index, t.spec.tasks)
	h := &head{node: n, mark: config.Watermark, splits: mine, clock: a.env.Clock, faults: a.faults}
	ctx := a.context(t, n)
	h.errors, h.emit = ctx.Errors, ctx.Emit
	var chained *splitTime
	for _, s := range mine {
		st := res.time(n.Spec.ID, s.ID)
		st.ended = s.Ended && !s.Chain
		if s.Chain {
			if chained == nil {
				chained = &st
			}
			chained.Max = max(chained.Max, st.Max)
			h.times = append(h.times, chained)
			continue
		}
		h.times = append(h.times, &st)
	}
	var err error
	h.reader, err = src.Reader(mine, t.waker.Call)
	t.head = h
	return err
}

func (a *attempt) addSink(t *task, n *chain.Node) error {
	s, err := a.job.newSink(n.Spec, t.index, t.spec.tasks)
	if err != nil {
		return err
	}
	a.sinks[n.Spec.ID] = append(a.sinks[n.Spec.ID], s)
	n.Sink = &chain.Sink{ID: n.Spec.ID, End: s}
	return nil
}

// openSinks commits what the snapshot holds of each sink's output and lets all its tasks begin.
func (a *attempt) openSinks(res *restored) error {
	for _, n := range a.plan.Nodes {
		for i, s := range a.sinks[n.ID] {
			var tokens [][]byte
			if res != nil && i == 0 {
				tokens = res.tokens[n.ID]
			}
			if err := s.Open(context.Background(), tokens); err != nil {
				return fmt.Errorf("%s: %w", n.ID, err)
			}
			if len(tokens) > 0 {
				a.recovered = append(a.recovered, n.ID)
			}
		}
	}
	return nil
}

// start runs the tasks.
func (a *attempt) start() {
	for _, t := range a.tasks {
		t.waker.Set(a.env.Sched.Start(t.id, t))
	}
}

// announce tells all tasks that a checkpoint was triggered; last: sources pause behind it.
func (a *attempt) announce(id uint64, last bool) {
	for _, t := range a.tasks {
		t.tell(order{checkpoint: id, last: last})
	}
}

// halt lets sources end without event time going to its end: the rest flows out.
func (a *attempt) halt() {
	for _, t := range a.tasks {
		t.tell(order{})
	}
}

// stop ends all tasks where they are.
func (a *attempt) stop() {
	a.job.letGo()
	for _, t := range a.tasks {
		t.stop()
	}
}

// failed ends the attempt: the first failure is the cause.
func (a *attempt) failed(_ *task, err error) {
	a.mu.Lock()
	first := a.failure == nil
	if first {
		a.failure = err
	}
	a.mu.Unlock()
	if first {
		a.job.post(func() { a.job.attemptFailed(a, err) })
	}
}

func (a *attempt) taskEnded(t *task) {
	a.mu.Lock()
	a.live--
	all := a.live == 0
	a.mu.Unlock()
	a.job.post(func() { a.job.taskEnded(a, t.id, all) })
}

func (a *attempt) taskClosed(*task) {
	a.mu.Lock()
	a.open--
	all := a.open == 0
	a.mu.Unlock()
	if all {
		a.job.post(func() { a.job.attemptClosed(a) })
	}
}

func (a *attempt) closing(err error) {
	a.mu.Lock()
	a.leaks = append(a.leaks, err)
	a.mu.Unlock()
}

// acked and declined carry a task's answer to a checkpoint to the job.
func (a *attempt) acked(t *task, c *cut, ref blob.Ref) {
	handles := c.tokens
	if ref.Name != "" {
		from, to := value.GroupRange(t.index, t.spec.tasks, a.plan.Job.MaxParallel)
		handles = append(handles, checkpoint.Handle{Task: t.id, Kind: checkpoint.Keyed, From: from, To: to, Files: c.past.With(ref)})
	}
	a.job.post(func() { a.job.acked(a, c.id, t.id, handles, c.stats) })
}

func (a *attempt) declined(t *task, id uint64, err error) {
	a.job.post(func() { a.job.declined(a, id, t.id, err) })
}

// remember keeps the tokens of a checkpoint and which files hold it; tokens takes them, and forgets those of older ones, which are part of its own or were given up.
func (a *attempt) remember(id uint64, handles []checkpoint.Handle) {
	a.book.Note(id, handles)
	for _, h := range handles {
		if h.Kind == checkpoint.Token {
			a.pending[id] = append(a.pending[id], h)
		}
	}
}

func (a *attempt) tokens(id uint64) []checkpoint.Handle {
	tokens := a.pending[id]
	for old := range a.pending {
		if old <= id {
			delete(a.pending, old)
		}
	}
	sort.SliceStable(tokens, func(x, y int) bool { return tokens[x].Node < tokens[y].Node })
	return tokens
}

// completed tells the tasks what their deltas may build on from now on. It comes before any later checkpoint is announced.
func (a *attempt) completed(id uint64) {
	files := a.book.Completed(id)
	for _, t := range a.tasks {
		if f := files[t.id]; f != nil {
			t.tell(order{past: &lineage.Chain{Checkpoint: id, Files: f}})
		}
	}
}

// upload begins the object that a task's snapshot goes to.
func (a *attempt) upload(t *task, id uint64) *upload.Upload {
	p := a.place(id)
	name := p.Name(t.id + "-state")
	if t.shares() {
		name = p.SharedName(t.id + "-state")
	}
	return &upload.Upload{Name: name, Stages: t.spec.keeps, Checkpoint: id, Store: p.Store, Owner: a.job.storage, Faults: a.faults, Sched: a.env.Sched, Wake: t.waker.Call}
}

// satisfied notes that a node needs no more rows, and ends the sources that nobody else reads.
func (a *attempt) satisfied(id string) {
	a.mu.Lock()
	a.enough[id] = true
	needed := map[string]bool{}
	for i := len(a.plan.Nodes) - 1; i >= 0; i-- {
		n := a.plan.Nodes[i]
		needed[n.ID] = n.Kind == "sink"
		for _, e := range a.plan.Outputs(n.ID) {
			needed[n.ID] = needed[n.ID] || needed[e.To]
		}
		needed[n.ID] = needed[n.ID] && !a.enough[n.ID]
	}
	a.mu.Unlock()
	for _, t := range a.tasks {
		if t.spec.head.Kind == "source" && !needed[t.spec.head.ID] {
			t.tell(order{end: true})
		}
	}
}

// release lets go of everything that outlives the tasks. Sinks publish what needs no commit.
func (a *attempt) release() error {
	var errs []error
	for _, t := range a.tasks {
		if t.head != nil && t.head.reader != nil {
			errs = append(errs, t.head.reader.Close())
		}
	}
	for _, n := range a.plan.Nodes { // in an order that repeats: what is closed may touch the disk
		for _, s := range a.sinks[n.ID] {
			errs = append(errs, s.Close())
		}
		if s, ok := a.sources[n.ID]; ok {
			errs = append(errs, s.Close())
		}
	}
	if a.backend != nil {
		errs = append(errs, a.backend.Close())
	}
	return errors.Join(append(errs, a.leaks...)...)
}
