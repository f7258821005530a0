package connector

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"sync"
	"time"

	"pipec/compiler/plan"
	"pipec/connector/format"
	"pipec/connector/part"
	"pipec/state/vfs"
	"pipec/vm/clock"
	"pipec/vm/value"
)

const (
	rollSize  = int64(128 << 20)
	rollEvery = 15 * time.Minute
	flushSize = 256 << 10 // encoded bytes that are written at once
)

func fileSinkParams() []plan.Param {
	return []plan.Param{
		{Name: "path", Doc: "The directory that parts are written to; it is made if need be. Relative to the working directory.", Kind: plan.TextParam, Required: true, Example: `path = "out/flights"`, Check: checkPath},
		formatParam("How rows are written.", "format json", true),
		{Name: "roll", Doc: "When a part is closed, at the latest at a checkpoint.", Kind: plan.GroupParam, Example: "roll { size = 64MiB, every = 5m }", Params: []plan.Param{
			{Name: "size", Doc: "Bytes on the disk after which a part is closed.", Kind: plan.SizeParam, Default: rollSize, Example: "size = 64MiB"},
			{Name: "every", Doc: "Age at which a part is closed.", Kind: plan.DurationParam, Default: rollEvery, Example: "every = 5m"},
		}},
		{Name: "compression", Doc: "How parts are compressed.", Kind: plan.WordParam, Words: []string{"none", "gzip", "zstd"}, Default: "none", Example: "compression = zstd"},
	}
}

func checkFileSink(c plan.SinkConfig) string {
	roll := c.Settings.Group("roll")
	switch {
	case roll.Has("size") && roll.Int("size") <= 0:
		return "roll size must be more than 0 bytes"
	case roll.Has("every") && roll.Duration("every") <= 0:
		return "roll every must be more than 0"
	}
	return noPlaceForOp(c, len(c.Key) > 0 || updating(c))
}

// noPlaceForOp says, when rows carry `_op`, whether the format has no place for it.
func noPlaceForOp(c plan.SinkConfig, ops bool) string {
	if word, _ := c.Settings.Choice("format"); word == "text" && ops {
		return "rows that change a table carry `_op`, and a line of text has no place for it; use format json or csv"
	}
	return ""
}

// fileSink writes the rows of one task to parts, files of a directory (Flink's FileSink in its two-phase form, every part rolled at a checkpoint). A part is
// pending until a commit renames it; without checkpoints it is published as soon as it is closed.
type fileSink struct {
	o      SinkOptions
	fs     vfs.FS
	dir    string
	enc    format.Encoder
	packer part.Packer
	ext    string
	keyed  bool
	size   int64
	every  time.Duration

	mu       sync.Mutex // Write and Prepare against Commit and the roller
	part     *part.Part // nil: no row since the last one was closed
	buf      []byte     // encoded, not yet written to part
	next     uint64     // n of the next part
	promises []promised // closed and not known to be published, oldest first
	told     int        // so many of them are in an earlier token
	bytes    int64      // of finished parts
	unsynced bool       // names of promises are not durable yet
	err      error      // a write failed: the sink is of no more use
	sel      []int32
	roller   *roller // nil: parts roll when rows come
}

func newFileSink(o SinkOptions) (Sink, error) {
	set := o.Config.Settings
	s := &fileSink{o: o, fs: o.Env.FS, dir: set.Text("path"), size: rollSize, every: rollEvery, keyed: len(o.Config.Key) > 0}
	if roll := set.Group("roll"); roll.Has("size") {
		s.size = roll.Int("size")
	}
	if roll := set.Group("roll"); roll.Has("every") {
		s.every = roll.Duration("every")
	}
	spec, enc, err := newEncoder(o, s.keyed || updating(o.Config), false)
	if err != nil {
		return nil, err
	}
	s.enc, s.ext = enc, spec.Suffix+part.Suffix(set.Text("compression"))
	s.packer, err = part.NewPacker(set.Text("compression"))
	return s, err
}

// Open implements Sink.
func (s *fileSink) Open(ctx context.Context, restored [][]byte) error {
	if err := makeDir(s.fs, s.dir); err != nil {
		return s.denied(err)
	}
	if s.o.Task == 0 {
		for _, t := range restored {
			if err := s.Commit(ctx, t); err != nil {
				return err
			}
		}
		if err := s.discard(ctx); err != nil {
			return err
		}
	}
	if !s.o.Checkpoints && !s.o.Env.Inline {
		s.roller = newRoller(s.o.Env.Clock, s.rollOld)
	}
	return nil
}

// denied tells a directory that cannot be written, which is permanent, from a disk that fails.
func (s *fileSink) denied(err error) error {
	if refused(err) {
		return openError(s.dir, err)
	}
	return err
}

// Write implements Sink. Keyed parts hold no update_before: readers fold by key, and there each row replaces the one before. Without a key all halves of a
// change are written.
func (s *fileSink) Write(b *value.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := b.Rows()
	if s.keyed {
		rows = withoutBefore(b, &s.sel)
	}
	if len(rows) == 0 || s.err != nil {
		return s.err
	}
	if s.part == nil {
		if s.err = s.begin(); s.err != nil {
			return s.err
		}
	}
	// Rows are encoded at once, so nothing of the batch is kept: its columns belong to the caller.
	if s.buf, s.err = s.enc.Append(s.buf, b, rows, nil); s.err != nil {
		return s.err
	}
	if len(s.buf) >= flushSize {
		if s.err = s.flush(); s.err != nil {
			return s.err
		}
	}
	if full := s.part.Size()+int64(len(s.buf)) >= s.size; (full || s.old()) && len(s.promises) < partsMax {
		s.err = s.close()
	}
	return s.err
}

// begin makes the next part. With checkpoints each attempt has an epoch of its own, and so its own names; without them an attempt before this one may have
// used the first numbers, and published output is never replaced.
func (s *fileSink) begin() error {
	for {
		name := part.Name{Job: s.o.Job.Name, Sink: s.o.Config.Name, Run: s.o.Run, Epoch: s.o.Epoch, Task: s.o.Task, N: s.next, Ext: s.ext}
		s.next++
		if !s.o.Checkpoints {
			if _, err := s.fs.Stat(path.Join(s.dir, name.Final())); err == nil {
				continue
			}
		}
		p, err := part.Create(s.fs, s.dir, name, s.packer, s.o.Env.Clock.Now())
		if errors.Is(err, fs.ErrExist) && !s.o.Checkpoints {
			continue
		}
		if err != nil {
			return s.denied(err)
		}
		s.part = p
		break
	}
	s.buf = append(s.buf[:0], s.enc.Header()...)
	if s.roller != nil {
		s.roller.timer.Reset(s.every)
	}
	return nil
}

// flush hands the encoded rows to the compressor or the file. Nothing is synced: an unfinished part is worth nothing.
func (s *fileSink) flush() error {
	err := s.part.Write(s.buf)
	s.buf = s.buf[:0]
	return err
}

func (s *fileSink) old() bool { return s.o.Env.Clock.Now().Sub(s.part.Born) >= s.every }

// close finishes the part: it is promised, and without checkpoints published.
func (s *fileSink) close() error {
	if err := s.flush(); err != nil {
		return err
	}
	p := s.part
	s.part = nil
	size, err := p.Finish()
	if err != nil {
		return err
	}
	s.bytes += size
	done := promised{p.Name, size}
	if s.o.Checkpoints {
		s.promises = append(s.promises, done)
		s.unsynced = true
		return nil
	}
	if err := publish(s.fs, s.dir, done); err != nil {
		return err
	}
	return s.fs.SyncDir(s.dir)
}

// Prepare implements Sink: the token names every part that is not known to be published, so it covers those of aborted checkpoints too.
func (s *fileSink) Prepare(uint64, bool) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || !s.o.Checkpoints {
		return nil, s.err
	}
	if s.part != nil {
		if s.err = s.close(); s.err != nil {
			return nil, s.err
		}
	}
	if s.unsynced {
		if err := s.fs.SyncDir(s.dir); err != nil {
			return nil, err
		}
		s.unsynced = false
	}
	s.dropPublished()
	s.told = len(s.promises)
	if len(s.promises) == 0 {
		return nil, nil
	}
	return encodeToken(s.dir, s.promises)
}

// dropPublished looks after parts that an earlier token named: a commit on another task's sink may have published them. A rename that is seen here and not
// durable yet does not matter: the next checkpoint completes only after that commit has returned.
func (s *fileSink) dropPublished() {
	if s.told == 0 {
		return
	}
	s.keepPromises(func(p promised) bool {
		_, pending := s.fs.Stat(path.Join(s.dir, p.Name.Pending()))
		_, final := s.fs.Stat(path.Join(s.dir, p.Name.Final()))
		return !errors.Is(pending, fs.ErrNotExist) || final != nil
	})
}

// Close implements Sink. What no checkpoint covers is removed; without checkpoints it is published.
func (s *fileSink) Close() error {
	if s.roller != nil {
		s.roller.close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.part == nil {
		return s.err
	}
	if s.err == nil && !s.o.Checkpoints {
		return s.close()
	}
	// No token names it, so nobody will miss it; if this fails the successor discards it.
	s.part.Abandon()
	s.fs.Remove(path.Join(s.dir, s.part.Name.Pending()))
	s.part = nil
	return s.err
}

// rollOld closes a part that has become too old while no row came.
func (s *fileSink) rollOld() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.part != nil && s.err == nil && s.old() {
		s.err = s.close()
	}
}

// roller calls a function when its timer fires.
type roller struct {
	timer clock.Timer
	stop  chan struct{}
	done  chan struct{}
}

// newRoller starts its goroutine; the timer is set by whoever begins something that grows old.
func newRoller(c clock.Clock, roll func()) *roller {
	r := &roller{timer: c.NewTimer(time.Hour), stop: make(chan struct{}), done: make(chan struct{})}
	r.timer.Stop()
	go func() {
		defer close(r.done)
		for {
			select {
			case <-r.timer.C():
				roll()
			case <-r.stop:
				return
			}
		}
	}()
	return r
}

func (r *roller) close() {
	close(r.stop)
	<-r.done
	r.timer.Stop()
}
