package vm

import (
	"sync"

	"pipec/state/blob"
	"pipec/vm/fault"
)

// upload writes the chunks of one snapshot to one object, off the task's loop.
type upload struct {
	name   string
	stages []string // whose state it is
	id     uint64
	store  blob.Store
	faults *fault.Set
	sched  Scheduler
	wake   func() // the task, when there is room again

	mu      sync.Mutex
	chunks  [][]byte
	bytes   int
	running bool
	gone    bool
	done    func(blob.Ref, error) // set once no chunk follows
	writer  blob.Writer           // touched only by whoever set running
	err     error
}

// waiting is how many bytes are not yet written.
func (u *upload) waiting() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.bytes
}

// add takes a chunk; it belongs to the upload from now on.
func (u *upload) add(chunk []byte) {
	if len(chunk) == 0 {
		return
	}
	u.mu.Lock()
	u.chunks = append(u.chunks, chunk)
	u.bytes += len(chunk)
	u.start()
	u.mu.Unlock()
}

// finish says that no chunk follows; done is called when the object is durable, or could not be made.
func (u *upload) finish(done func(blob.Ref, error)) {
	u.mu.Lock()
	u.done = done
	u.start()
	u.mu.Unlock()
}

// abort gives the object up; done will not be called.
func (u *upload) abort() {
	u.mu.Lock()
	u.gone = true
	u.start()
	u.mu.Unlock()
}

// start makes somebody write, unless somebody does.
func (u *upload) start() {
	if !u.running {
		u.running = true
		u.sched.Do("write "+u.name, u.run)
	}
}

func (u *upload) run() {
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
		u.wake()
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

func (u *upload) write(chunk []byte) {
	if u.writer == nil && u.err == nil {
		if u.err = u.faults.HitAny(fault.Write, u.stages, u.id); u.err == nil {
			u.writer, u.err = u.store.Create(u.name)
		}
	}
	if u.err == nil {
		_, u.err = u.writer.Write(chunk)
	}
}

func (u *upload) commit() (blob.Ref, error) {
	if u.err != nil {
		u.discard()
		return blob.Ref{}, u.err
	}
	return u.writer.Commit()
}

func (u *upload) discard() {
	if u.writer != nil {
		u.writer.Abort()
	}
}
