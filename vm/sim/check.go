package sim

import (
	"path"
	"strings"

	"pipec/checkpoint"
	"pipec/checkpoint/event"
	"pipec/state/vfs"
)

// hold opens the job's storage, as a process that starts does, and closes it again.
func hold(disk vfs.FS) (checkpoint.Holding, error) {
	s, err := open(disk)
	if err != nil {
		return checkpoint.Holding{}, err
	}
	return s.Holding(), s.Close()
}

func open(disk vfs.FS) (*checkpoint.Storage, error) {
	return checkpoint.Open(checkpoint.Options{URI: storage, Job: "sim", FS: disk, Random: func() uint64 { return 1 }, Host: "check", Process: 0})
}

// completed notes that a process says that a checkpoint is complete: from now on there is always one to go back to. Ids grow over all processes of a run.
func (w *world) completed(p *process, run string, id uint64) {
	w.out.Stats.Completed++
	if w.s.AtMost || p.stunned { // what a zombie completed, it did before the claim of its successor: see record
		return
	}
	if id <= w.highest[run] {
		w.violation("process %d completed checkpoint %d after %d of the same run", p.n, id, w.highest[run])
	}
	w.highest[run] = id
}

// inspect looks at a disk as one finds it after a crash: the newest checkpoints are there, whole, and the newest is none that is older than what was promised.
func (w *world) inspect(disk vfs.FS) {
	if w.s.AtMost || len(w.out.Wrong) > 0 {
		return
	}
	w.out.Stats.Checks++
	s, err := open(disk)
	if err != nil {
		w.violation("after a crash the storage cannot be read: %v", err)
		return
	}
	defer s.Close()
	run := s.Holding().Run
	if run == nil {
		if len(w.highest) > 0 {
			w.violation("after a crash the history is gone")
		}
		return
	}
	if run.End == event.Finished {
		return
	}
	if newest := run.Newest(); w.highest[run.ID] > 0 && (newest == nil || newest.ID < w.highest[run.ID]) {
		w.violation("checkpoint %d of run %s was completed, and after a crash the newest is %v", w.highest[run.ID], run.ID, newest)
		return
	}
	if run.Newest() == nil && run.From != "" {
		if snap, err := checkpoint.ReadSnapshot(run.From, disk); err != nil {
			w.violation("the run began with %s: %v", run.From, err)
		} else if err := snap.Verify(); err != nil {
			w.violation("the run began with %s: %v", run.From, err)
		}
	}
	list := run.Completed
	for _, c := range list[max(0, len(list)-w.s.Retain):] {
		snap, err := s.Snapshot(run.ID, c)
		if err == nil {
			err = snap.Verify()
		}
		if err != nil {
			w.violation("checkpoint %d is retained, and after a crash it cannot be restored: %v", c.ID, err)
		}
	}
}

// clean says what a process left behind that has finished its job: nothing, if nothing came in between.
func (w *world) clean(p *process) {
	if w.s.AtMost || p.fired > 0 || len(p.life.Rules) > 0 || len(w.zombies) > 0 {
		return
	}
	holding, err := hold(w.disk)
	if err != nil || holding.Run == nil {
		w.violation("the job has finished, and its history cannot be read: %v", err)
		return
	}
	if entries, err := w.disk.ReadDir(path.Join(storage, "sim", holding.Run.ID)); err == nil {
		w.violation("the job has finished, and its run directory holds %v", entries)
	}
	for _, sink := range w.s.Job.Sinks {
		entries, _ := w.disk.ReadDir(path.Join("out", sink.Name)) // none if no row came
		for _, e := range entries {
			if strings.HasPrefix(e.Name, ".") {
				w.violation("%s: the job has finished and left %s", sink.Name, e.Name)
			}
		}
	}
}
