// Package upload writes a task's snapshot to its file off the task's loop, chunk by chunk, as the task cuts it.
package upload

import (
	"errors"
	"sync"

	"pipec/state/blob"
	"pipec/vm/actor"
	"pipec/vm/fault"
)

// Upload writes the chunks of one snapshot to one object.
type Upload struct {
	Name       string
	Stages     []string // whose state it is
	Checkpoint uint64
	Store      blob.Store
	Faults     *fault.Set
	Owner      Owner // nil: nobody gives the checkpoint up
	Sched      actor.Scheduler
	Wake       func() // the task, when there is room again

	mu      sync.Mutex
	chunks  [][]byte
	bytes   int
	running bool
	gone    bool
	done    func(blob.Ref, error) // set once no chunk follows
	writer  blob.Writer           // touched only by whoever set running
	err     error
}

// Owner of the checkpoint. It may be given up while an upload still runs, which then removes its object itself.
type Owner interface {
	GivenUp(checkpoint uint64) bool
	Late(checkpoint uint64, name string)
}

// errGivenUp is heard by nobody: those who waited for the checkpoint know.
var errGivenUp = errors.New("the checkpoint was given up")

// Waiting is how many bytes are not yet written.
func (u *Upload) Waiting() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.bytes
}

// Add takes a chunk; it belongs to the upload from now on.
func (u *Upload) Add(chunk []byte) {
	if len(chunk) == 0 {
		return
	}
	u.mu.Lock()
	u.chunks = append(u.chunks, chunk)
	u.bytes += len(chunk)
	u.start()
	u.mu.Unlock()
}

// Finish says that no chunk follows; done is called when the object is durable, or could not be made.
func (u *Upload) Finish(done func(blob.Ref, error)) {
	u.mu.Lock()
	u.done = done
	u.start()
	u.mu.Unlock()
}

// Abort gives the object up; done will not be called.
func (u *Upload) Abort() {
	u.mu.Lock()
	u.gone = true
	u.start()
	u.mu.Unlock()
}

// start makes somebody write, unless somebody does.
func (u *Upload) start() {
	if !u.running {
		u.running = true
		u.Sched.Do("write "+u.Name, u.run)
	}
}

func (u *Upload) run() {
	for {
		u.mu.Lock()
		chunks, done, gone := u.chunks, u.done, u.gone
		u.chunks, u.bytes = nil, 0
		if len(chunks) == 0 && done == nil && !gone {
			u.running = false
			u.mu.Unlock()
			return
		}
		u.mu.Unlock()
		u.Wake()
		if gone {
			u.discard()
			return
		}
		for _, c := range chunks {
			u.write(c)
		}
		if len(chunks) == 0 {
			done(u.commit())
			return
		}
	}
}

func (u *Upload) write(chunk []byte) {
	if u.writer == nil && u.err == nil {
		if u.err = u.Faults.HitAny(fault.Write, u.Stages, u.Checkpoint); u.err == nil {
			u.writer, u.err = u.Store.Create(u.Name)
		}
	}
	if u.err == nil {
		_, u.err = u.writer.Write(chunk)
	}
}

func (u *Upload) commit() (blob.Ref, error) {
	if u.err != nil {
		u.discard()
		return blob.Ref{}, u.err
	}
	ref, err := u.writer.Commit()
	if err == nil && u.Owner != nil && u.Owner.GivenUp(u.Checkpoint) {
		u.Owner.Late(u.Checkpoint, u.Name)
		return blob.Ref{}, errGivenUp
	}
	return ref, err
}

func (u *Upload) discard() {
	if u.writer != nil {
		u.writer.Abort()
	}
}
