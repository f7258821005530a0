package vfs

// CrashClone returns what a power cut at this moment could leave; the original stays as it is and goes on. Durable bytes and names
// are all there. Of the changes since the last sync each is kept or lost on its own, so later ones may survive earlier ones, and a
// kept write may be torn at any byte; a kept name may thus lead to a file with half its bytes. rng chooses; nil keeps nothing that
// was not synced. Inodes and modification times are kept. Locks are free.
//
// Not modelled: bytes outside a write's range never change, and a rename within one directory is atomic, as on every journalling file system.
func (m *Mem) CrashClone(rng interface{ Uint64() uint64 }) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	clone := &Mem{inode: m.inode, now: m.now, locks: map[string]bool{}}
	c := crash{rng: rng, done: map[*memNode]*memNode{}}
	clone.root = c.node(m.root)
	return clone
}

type crash struct {
	rng  interface{ Uint64() uint64 }
	done map[*memNode]*memNode // nodes have several names (links), or lie in two directories after half a rename
}

func (c *crash) node(n *memNode) *memNode {
	if left := c.done[n]; left != nil {
		return left
	}
	left := &memNode{inode: n.inode, mode: n.mode, modTime: n.modTime}
	c.done[n] = left
	if n.isDir() {
		c.dir(n, left)
	} else {
		c.file(n, left)
	}
	return left
}

func (c *crash) dir(n, left *memNode) {
	kept := make(map[string]*memNode, len(n.durable))
	for name, child := range n.durable {
		kept[name] = child
	}
	for _, edits := range n.changes {
		if c.keep() {
			applyEdits(kept, edits)
		}
	}
	left.entries, left.durable = map[string]*memNode{}, map[string]*memNode{}
	for _, name := range sortedNames(kept) { // by name: the choices of rng must not depend on map order
		child := c.node(kept[name])
		left.entries[name], left.durable[name] = child, child
	}
}

func (c *crash) file(n, left *memNode) {
	data := append([]byte(nil), n.synced...)
	for _, w := range n.writes {
		if !c.keep() {
			continue
		}
		if len(w.data) > 0 && c.keep() {
			w.data = w.data[:c.rng.Uint64()%uint64(len(w.data)+1)]
		}
		data = w.apply(data)
	}
	left.data = data
	left.sync()
}

func (c *crash) keep() bool { return c.rng != nil && c.rng.Uint64()&1 == 1 }
