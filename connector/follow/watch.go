package follow

import (
	"github.com/fsnotify/fsnotify"
)

// Watcher makes watches. A test passes one that it controls.
type Watcher interface {
	// Watch calls changed, from a goroutine of its own, after something happened in a watched directory: with names, files may have come, gone or been renamed; else
	// bytes were written. Many events may be one call.
	Watch(changed func(names bool)) (Watch, error)
}

// Watch is a set of directories that are watched.
type Watch interface {
	// Add watches one more; adding it again does no harm, and helps if it was removed and made anew.
	Add(dir string) error
	Close() error
}

// OS is the operating system's Watcher, by fsnotify.
func OS() Watcher { return osWatcher{} }

type osWatcher struct{}

// Watch implements Watcher.
func (osWatcher) Watch(changed func(names bool)) (Watch, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case e, ok := <-w.Events:
				if !ok {
					return
				}
				switch {
				case e.Has(fsnotify.Create | fsnotify.Remove | fsnotify.Rename):
					changed(true)
				case e.Has(fsnotify.Write):
					changed(false)
				}
			case _, ok := <-w.Errors: // the queue overflowed, or events cannot be read: look for yourself
				if !ok {
					return
				}
				changed(true)
			}
		}
	}()
	return &osWatch{w, done}, nil
}

type osWatch struct {
	*fsnotify.Watcher
	done chan struct{}
}

// Close implements Watch. It waits for the last call of changed.
func (w *osWatch) Close() error {
	err := w.Watcher.Close()
	<-w.done
	return err
}
