package vm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pipec/checkpoint"
	"pipec/checkpoint/event"
	"pipec/compiler/plan"
	"pipec/connector"
	"pipec/state"
	"pipec/vm/failure"
	"pipec/vm/fit"
)

// Request is what the user asks of a start.
type Request struct {
	checkpoint.Request
	AllowNonRestored bool // -n: state of the snapshot that no stage takes is left behind
}

// prepare does everything that may fail before the job is claimed, so that a typo leaves nothing behind: storage, snapshot, sources, sinks. Then it claims.
func (j *Job) prepare() (*restored, error) {
	if err := j.openStorage(); err != nil {
		return nil, err
	}
	decision := checkpoint.Decision{Start: checkpoint.Empty}
	if j.storage != nil {
		decision = checkpoint.Decide(j.storage.Holding(), j.request.Request)
	}
	if decision.Start == checkpoint.Refused {
		return nil, &failure.Exit{Code: decision.Exit, Err: errors.New(decision.Text)}
	}
	j.note(decision.Text)
	res, err := j.readSnapshot(decision)
	if err != nil {
		return nil, err
	}
	if decision.Start == checkpoint.Restored {
		j.noteSnapshot(res.snap)
	}
	if j.sources, err = j.openSources(res); err != nil {
		return res, err
	}
	if err := j.probeSinks(); err != nil {
		return res, err
	}
	return res, j.claim(decision, res)
}

// openStorage opens the place of checkpoints. Without checkpoints there is none; `state memory` without storage keeps them in the process.
func (j *Job) openStorage() (err error) {
	c := j.plan.Job.Checkpoint
	if !c.Enabled() {
		return nil
	}
	o := checkpoint.Options{URI: c.Storage, Job: j.plan.Job.Name, FS: j.env.FS, Now: j.env.Clock.Now, Random: j.env.Random,
		Host: j.env.Process.Host, Process: j.env.Process.ID}
	if c.Storage == "" {
		j.storage, err = checkpoint.OpenMemory(o)
		return err
	}
	j.storage, err = checkpoint.Open(o)
	if err != nil {
		return fmt.Errorf("the storage %s cannot be opened: %w", c.Storage, err)
	}
	return nil
}

// readSnapshot opens the snapshot that the decision names, checks that it fits the program, and reads it to the last byte: what is damaged is found before
// anything is claimed or changed, and the user is told what could be taken instead.
func (j *Job) readSnapshot(d checkpoint.Decision) (*restored, error) {
	if d.Start == checkpoint.Empty {
		return nil, nil
	}
	var snap *checkpoint.Snapshot
	var err error
	if d.Start == checkpoint.Recovered {
		snap, err = j.storage.Snapshot(d.Run, d.Checkpoint)
	} else {
		snap, err = checkpoint.ReadSnapshot(d.From, j.env.FS)
	}
	var res *restored
	if err == nil {
		err = snap.Verify()
	}
	if err == nil {
		res, err = j.openRestored(snap)
	}
	switch {
	case err == nil:
		return res, nil
	case d.Start == checkpoint.Recovered:
		return nil, j.storage.RestoreError(d.Run, d.Checkpoint, err)
	}
	return nil, checkpoint.Instead(d.From, err, j.env.FS)
}

func (j *Job) openRestored(snap *checkpoint.Snapshot) (*restored, error) {
	if err := fit.Check(j.plan, snap.Manifest, j.request.AllowNonRestored); err != nil {
		return nil, &failure.Exit{Code: 4, Err: fmt.Errorf("%s cannot be restored: %w", snap.URI, err)}
	}
	start := j.env.Clock.Now()
	res, err := openSnapshot(snap)
	if err != nil {
		return nil, err
	}
	res.began = start
	if j.foreign(snap) {
		clear(res.tokens)
	}
	left, err := fit.Ends(j.plan, slices.Collect(maps.Keys(res.splits)), slices.Collect(maps.Keys(res.tokens)), j.request.AllowNonRestored)
	if err != nil {
		res.close()
		return nil, &failure.Exit{Code: 4, Err: fmt.Errorf("%s cannot be restored: %w", snap.URI, err)}
	}
	if len(left) > 0 {
		j.note(fmt.Sprintf("%s: what it holds of %s is left behind", snap.URI, strings.Join(left, ", ")))
	}
	return res, nil
}

// noteSnapshot says what a user may not know of the snapshot that he named: that it is another job's, and that no history has it as completed.
func (j *Job) noteSnapshot(s *checkpoint.Snapshot) {
	if was := s.Manifest.Job; was != j.plan.Job.Name {
		j.note(fmt.Sprintf("%s is a snapshot of job %s: job %s goes on from its state", s.URI, was, j.plan.Job.Name))
	}
	if !s.Recorded {
		j.note(s.URI + " has no record in a history beside it: it was moved, or it was never completed, and then its sinks were never told to publish")
	}
	if j.foreign(s) {
		j.note("what it has not published yet of the output of job " + s.Manifest.Job + " is left to that job")
	}
}

// foreign says whether a snapshot may never have been completed and belongs to a job that this one does not replace: that job may go on from an older one, and writes again what
// this one promises.
func (j *Job) foreign(s *checkpoint.Snapshot) bool {
	return !s.Recorded && s.Manifest.Job != j.plan.Job.Name
}

// openSources opens every source and lists its splits, those of the snapshot with their positions.
func (j *Job) openSources(res *restored) (map[string]source, error) {
	all := map[string]source{}
	for _, n := range j.plan.Nodes {
		if n.Kind != "source" {
			continue
		}
		config := n.Config.(*plan.SourceConfig)
		spec, ok := connector.Lookup(config.Connector)
		if !ok {
			return all, fmt.Errorf("%s: there is no connector %s", n.ID, config.Connector)
		}
		s, err := spec.Source(connector.SourceOptions{Config: *config, Job: j.plan.Job, Env: j.connectors()})
		if err != nil {
			return all, fmt.Errorf("%s: %w", n.ID, err)
		}
		all[n.ID] = source{Source: s}
		splits, err := s.Splits(context.Background(), j.plan.Parallelism(n), res.known(n.ID))
		if err != nil {
			return all, fmt.Errorf("%s: %w", n.ID, err)
		}
		all[n.ID] = source{Source: s, splits: splits}
	}
	return all, nil
}

// probeSinks asks every sink whether it can be written.
func (j *Job) probeSinks() error {
	for _, n := range j.plan.Nodes {
		if n.Kind != "sink" {
			continue
		}
		config := n.Config.(*plan.SinkConfig)
		spec, ok := connector.Lookup(config.Connector)
		if !ok || spec.Probe == nil {
			continue
		}
		if err := spec.Probe(*config, j.connectors()); err != nil {
			return fmt.Errorf("%s: %w", n.ID, err)
		}
	}
	return nil
}

// newSink makes one task's end of a sink.
func (j *Job) newSink(n *plan.Node, task, tasks int) (connector.Sink, error) {
	config := n.Config.(*plan.SinkConfig)
	spec, ok := connector.Lookup(config.Connector)
	if !ok || spec.Sink == nil {
		return nil, fmt.Errorf("there is no connector %s to write to", config.Connector)
	}
	return spec.Sink(connector.SinkOptions{Config: *config, Node: n.ID, Job: j.plan.Job, Env: j.connectors(), Run: j.runID(), Epoch: j.epoch(),
		Task: task, Tasks: tasks, Checkpoints: j.storage != nil})
}

// claim makes this process the owner of the job.
func (j *Job) claim(d checkpoint.Decision, res *restored) error {
	if j.storage == nil {
		return nil
	}
	if err := j.storage.Claim(d); err != nil {
		if errors.Is(err, checkpoint.ErrAlive) {
			return err
		}
		return fmt.Errorf("the storage %s cannot be used: %w", j.plan.Job.Checkpoint.Storage, err)
	}
	var from uint64
	if res != nil {
		from = res.snap.Manifest.ID
	}
	next, err := j.storage.NextID(from)
	j.nextID = next
	return err
}

func (j *Job) openBackend() (state.Backend, error) {
	s := j.plan.Job.State
	spec, ok := state.Lookup(s.Backend)
	if !ok {
		return nil, fmt.Errorf("there is no state backend %s", s.Backend)
	}
	return spec.Open(state.Config{Settings: s, Memory: j.plan.Job.Memory, FS: j.env.FS, Local: j.env.Local, Inline: j.env.Inline})
}

// runID and epoch name what this process writes.
func (j *Job) runID() string {
	if j.storage != nil {
		return j.storage.Run()
	}
	return j.unstored
}

func (j *Job) epoch() uint64 {
	if j.storage != nil {
		return j.storage.Epoch()
	}
	return 1
}

// place is where a checkpoint's state files go.
func (j *Job) place(id uint64) checkpoint.Place { return j.storage.Place(id) }

// note gives the user a line of news.
func (j *Job) note(text string) {
	if text != "" && j.Note != nil {
		j.Note(text)
	}
}

func (j *Job) emit(body event.Body) {
	now := j.env.Clock.Now()
	j.track.Take(now, body)
	if j.env.Events != nil {
		j.env.Events.Emit(event.Event{Time: now, Job: j.plan.Job.Name, Run: j.runID(), Body: body})
	}
}
