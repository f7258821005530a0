package vm

import (
	"time"

	"pipec/checkpoint"
	"pipec/state"
	"pipec/state/blob"
	"pipec/vm/failure"
	"pipec/vm/fault"
	"pipec/vm/flow"
	"pipec/vm/lineage"
	"pipec/vm/upload"
)

// cutBudget is how many slots of state one step writes: small enough that a step stays below a millisecond.
const cutBudget = 4096

// pendingBytes is how much of a snapshot waits for its file before the task stops adding to it in every step.
const pendingBytes = 8 << 20

// cut is one task's part of one checkpoint while its state is being written: the task appends chunks, an upload takes them to the file.
type cut struct {
	id     uint64
	snap   *state.Snapshot
	past   lineage.Chain // that snap builds on
	file   *upload.Upload
	stats  checkpoint.Stats
	tokens []checkpoint.Handle
	began  time.Time
}

// cutNow takes the task's part of the due checkpoint: sinks prepare, the state is cut, and the barrier goes to everybody behind, before any later row.
func (t *task) cutNow() error {
	id := t.due
	t.due = 0
	for t.cut != nil { // one cut at a time: the older one is finished first (architecture, rule 10)
		if _, err := t.cutStep(); err != nil {
			return err
		}
	}
	start := t.host.env.Clock.Now()
	c := &cut{id: id, began: start}
	if t.aligning == id { // without inputs, or when at least once let a newer barrier pass, nothing was held
		c.stats.Align = start.Sub(t.aligned)
	}
	refused := t.host.faults.HitAny(fault.Snapshot, t.spec.ids, id)
	for _, n := range t.chain.Nodes {
		if n.Sink == nil {
			continue
		}
		token, err := n.Sink.Prepare(id, t.phase == ended)
		if err != nil {
			return err
		}
		if token != nil {
			c.stats.Written += int64(len(token))
			c.tokens = append(c.tokens, checkpoint.Handle{Task: t.id, Node: n.Spec.ID, Kind: checkpoint.Token, Inline: token})
		}
	}
	extra, err := t.extra()
	if err != nil {
		return err
	}
	if t.store != nil && refused == nil {
		c.snap, c.past = t.past.Cut(t.store, id, extra)
		c.stats.Incremental = c.past.Checkpoint != 0
		c.file = t.host.upload(t, id)
	}
	if t.phase != ended {
		t.chain.Signal(flow.Message{Kind: flow.Barrier, Checkpoint: id})
	}
	if t.last && t.head != nil {
		t.head.paused = true
	}
	c.stats.Sync = t.host.env.Clock.Now().Sub(start)
	switch {
	case refused != nil:
		t.host.declined(t, id, refused)
	case c.snap == nil:
		t.host.acked(t, c, blob.Ref{})
	default:
		t.cut = c
	}
	return nil
}

// shares says whether the task's files may serve several checkpoints. Splits alone are written whole each time.
func (t *task) shares() bool {
	set := &t.host.plan.Job.State
	return t.store != nil && set.Incremental && set.Backend != "memory" && len(t.store.Tables()) > 0
}

// extra is the task's state that is not keyed: its splits, and its watermark if it keeps keyed state.
func (t *task) extra() ([]state.Row, error) {
	var rows []state.Row
	if t.head != nil {
		keys, values, err := t.head.state()
		if err != nil {
			return nil, err
		}
		for i := range keys {
			rows = append(rows, state.Row{Kind: state.Split, Node: t.spec.head.ID, Name: "split", Key: []byte(keys[i]), Value: values[i]})
		}
		return rows, nil
	}
	if t.store != nil {
		rows = append(rows, state.Row{Kind: state.Task, Node: t.spec.head.ID, Name: "watermark", Key: index(t.index), Value: number(t.watermark)})
	}
	return rows, nil
}

// cutStep writes a piece of the state that is being cut. busy says that there is more to write and room for it.
func (t *task) cutStep() (busy bool, err error) {
	c := t.cut
	if c == nil || c.file.Waiting() > pendingBytes {
		return false, nil
	}
	chunk, done, err := c.snap.Next(cutBudget)
	if err != nil {
		c.abandon()
		t.cut = nil
		t.host.declined(t, c.id, err)
		return false, nil
	}
	c.file.Add(chunk)
	if !done {
		return true, nil
	}
	t.cut = nil
	bytes, limit := c.snap.KeyedBytes(), t.host.backend.Limit()
	if limit > 0 && bytes > limit {
		c.file.Abort()
		t.host.declined(t, c.id, &failure.TooLarge{Bytes: bytes, Limit: limit})
		return false, nil
	}
	c.file.Finish(func(ref blob.Ref, err error) {
		c.stats.Async = t.host.env.Clock.Now().Sub(c.began)
		c.stats.Written += ref.Size
		if err != nil {
			t.host.declined(t, c.id, err)
			return
		}
		t.host.acked(t, c, ref)
	})
	return false, nil
}

func (c *cut) abandon() {
	if c.snap != nil {
		c.snap.Abort()
	}
	c.file.Abort()
}
