package sim

import (
	"bytes"
	"errors"
	"io"
	"path"
	"strings"

	"pipec/state/vfs"
)

// errDead is what a process hears that does not run any more: nothing it still does has an effect.
var errDead = errors.New("this process is dead")

// armed is a fault of this process that has not happened.
type armed struct {
	Fault
	seen int // operations that matched
	left int // Broken: operations still to refuse
}

// matches says whether an operation is one that the fault counts.
func (a *armed) matches(op vfs.Op) bool {
	return (a.On.Op == "" || a.On.Op == op.Kind) && (a.On.Path == "" || strings.Contains(op.Path, a.On.Path) || strings.Contains(op.To, a.On.Path))
}

// before sees every operation of a process before it is done: this is where others go first, where it dies, and where its disk fails.
func (p *process) before(op vfs.Op) error {
	if p.w.turns > 0 && !p.dead && p.w.rng.IntN(p.w.turns) == 0 {
		p.w.sched.Yield()
	}
	if p.dead {
		return errDead
	}
	p.w.seen(p, op)
	if p.dying != nil {
		p.w.die(p, *p.dying)
		return errDead
	}
	for _, a := range p.armed {
		if a.left > 0 {
			a.left--
			return p.refuse(a, op)
		}
		if a.Kind == Flip || !a.matches(op) || a.Kind == Zombie && p.claims == 0 { // before its claim a process is nobody's predecessor
			continue
		}
		if a.seen++; a.seen != a.On.Nth {
			continue
		}
		p.fired++
		switch a.Kind {
		case Broken:
			a.left = a.Times - 1
			return p.refuse(a, op)
		case Zombie:
			p.w.stun(p, a.Wake)
			p.w.sched.Yield() // in the middle of its work, if that can be interrupted
			if p.dead {
				return errDead
			}
		default:
			if a.After {
				f := a.Fault
				p.dying = &f
				return nil
			}
			p.w.die(p, a.Fault)
			return errDead
		}
	}
	return nil
}

func (p *process) refuse(a *armed, op vfs.Op) error {
	p.w.note("refused")
	p.w.out.Stats.Errors++
	if a.Torn > 0 && op.Kind == "write" {
		return &vfs.Partial{N: min(a.Torn, op.Len), Err: a.Errno}
	}
	return a.Errno
}

// read sees what was read, and may change a bit of it.
func (p *process) read(op vfs.Op, data []byte) {
	for _, a := range p.armed {
		if a.Kind != Flip || len(data) == 0 || !a.matches(op) {
			continue
		}
		if a.seen++; a.seen == a.On.Nth {
			p.fired++
			p.flipped = true
			bit := p.w.rng.IntN(8 * len(data))
			data[bit/8] ^= 1 << (bit % 8)
			p.w.note("flipped")
			p.w.out.Stats.Flips++
		}
	}
}

// guard is the disk below the faults, where an operation really happens. It keeps who made what, so that nobody takes from his successor, and lets go of
// locks when their holder dies.
type guard struct {
	vfs.FS
	p *process
}

func (g *guard) own(name string) { g.p.w.owner[path.Clean(name)] = g.p.n }

// theirs says whether a later process made the file.
func (g *guard) theirs(what, name string) {
	if by, ok := g.p.w.owner[path.Clean(name)]; ok && by > g.p.n && !strings.Contains(name, ".probe-") {
		g.p.w.violation("process %d, long replaced, %s %s of process %d", g.p.n, what, name, by)
	}
	delete(g.p.w.owner, path.Clean(name))
}

// Create implements vfs.FS.
func (g *guard) Create(name string, exclusive bool) (vfs.File, error) {
	f, err := g.FS.Create(name, exclusive)
	if err == nil {
		g.own(name)
	}
	return f, err
}

// Link implements vfs.FS. A link into the history is a record, the only thing that decides.
func (g *guard) Link(from, to string) error {
	err := g.FS.Link(from, to)
	if err == nil {
		g.own(to)
		if strings.Contains(to, "/history/") {
			g.record(to)
		}
	}
	return err
}

// record notes a record of the history. After the claim of a successor there may be none of its predecessors.
func (g *guard) record(name string) {
	data, err := vfs.ReadFile(g.FS, name)
	if err != nil {
		g.p.w.violation("a record that was just made cannot be read: %v", err)
		return
	}
	w := g.p.w
	if w.claimed > g.p.n {
		w.violation("process %d wrote the record %s after the claim of process %d", g.p.n, name, w.claimed)
	}
	if bytes.Contains(data, []byte(`"type":"claim"`)) {
		w.claimed = g.p.n
		g.p.claims++
	}
}

// Rename implements vfs.FS.
func (g *guard) Rename(from, to string) error {
	err := g.FS.Rename(from, to)
	if err == nil {
		g.theirs("renamed", from)
		g.own(to)
	}
	return err
}

// Remove implements vfs.FS.
func (g *guard) Remove(name string) error {
	err := g.FS.Remove(name)
	if err == nil {
		g.theirs("removed", name)
	}
	return err
}

// RemoveAll implements vfs.FS.
func (g *guard) RemoveAll(name string) error {
	err := g.FS.RemoveAll(name)
	if err == nil {
		prefix := path.Clean(name) + "/"
		for file := range g.p.w.owner {
			if strings.HasPrefix(file, prefix) {
				g.theirs("removed", file)
			}
		}
	}
	return err
}

// Lock implements vfs.FS.
func (g *guard) Lock(name string) (io.Closer, error) {
	l, err := g.FS.Lock(name)
	if err == nil {
		g.p.locks = append(g.p.locks, l)
	}
	return l, err
}
