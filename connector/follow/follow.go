// Package follow reads files that grow: their bytes in order, each exactly once, while they are appended to, rotated and removed.
//
//	follow.go   Options: the world of a Tracker
//	place.go    Position and place: where reading stopped, and whether a file still holds it
//	tracker.go  Tracker: which files there are, and what each is to whom; restoring
//	restore.go    finding the files of a snapshot again
//	scan.go       what has come, moved and gone since the last look
//	trail.go    trail and incarnation: what stands under a path, one file after the other
//	feed.go     Feed: the blocks of some trails
//	watch.go    Watcher: who says that something has changed; OS
//
// A file is its inode, whatever its name. A path that is followed is a trail, which is one split: of files that stand there one after the other, its
// incarnations. A file that is renamed is read to its end, under its new name, before the file that took its place; one that becomes shorter begins anew. Every file
// that matters is held open, so that no inode is given to another file while somebody remembers it.
package follow

import (
	"time"

	"pipec/connector/listing"
	"pipec/state/vfs"
	"pipec/vm/clock"
)

// Options are what a Tracker is made from.
type Options struct {
	FS      vfs.FS
	Clock   clock.Clock
	Watcher Watcher // nil: names and sizes are looked at from time to time
	Inline  bool    // no goroutine: feeds give intake.ErrWait instead of waiting
	// List gives the files there are, in the order in which they are to be read, and the directories in which they lie or will lie. Files that go while it looks
	// are left out.
	List func() (files []listing.File, dirs []string, err error)
	Note func(text string)             // news for the user, from any goroutine
	Lost func(file, text string) error // the error of an input that no longer holds its position
}

// How often names and sizes are looked at although nobody said that they changed: what a watch misses (links, network file systems) is found then.
const (
	lookWatched = time.Second
	lookAlone   = 250 * time.Millisecond
)

// grace is how long a file that has lost its last name is still read: whoever writes to it learns of that later.
const grace = 5 * time.Second

// turns is how many blocks of one file are read before another one has its turn.
const turns = 16

// identity tells files apart as long as they are open.
type identity struct{ device, inode uint64 }

func identify(i vfs.Info) identity { return identity{i.Device, i.Inode} }
