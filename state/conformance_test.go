package state

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"pipec/compiler/plan"
	"pipec/state/vfs"
	"pipec/vm/value"
)

var windowSchema = Schema{
	Node: "w", Name: "windows", Namespaced: true, Key: []value.Type{value.Of(value.String)},
	Fields: []value.StateField{{Name: "count"}, {Name: "text", Cell: value.CellBytes}},
}

// fill makes rows 0 to n of namespace ns, with count i and a text.
func fill(t testing.TB, tab *Table, ns int64, n int) {
	var keys value.Keys
	slots, fresh := make([]value.Slot, 100), make([]bool, 100)
	for lo := 0; lo < n; lo += 100 {
		keys.Reset()
		for i := lo; i < min(lo+100, n); i++ {
			keys.Add([]byte(modelKeyOf(windowSchema, i)), tab.store.groups)
		}
		if err := tab.Upsert(ns, &keys, slots, fresh); err != nil {
			t.Fatal(err)
		}
		for k := range keys.Len() {
			*slots[k].Int(0) = int64(lo + k)
			cell := slots[k].Uint(1)
			*cell = tab.Heap().Put(*cell, fmt.Appendf(nil, "text of %d", lo+k))
		}
	}
}

// TestMergeOfWindows does what sliding windows do: rows are read from one namespace while another is written.
func TestMergeOfWindows(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			tab := b.store(t, 0, 16, 16).Table(windowSchema)
			fill(t, tab, 1, 1000)
			fill(t, tab, 2, 1500)
			var keys value.Keys
			src, dst := make([]value.Slot, 64), make([]value.Slot, 64)
			for _, ns := range []int64{1, 2} {
				fill(t, tab, ns, 100) // so that some rows are in memory and others cold
				var c Cursor
				for {
					n, err := tab.Scan(ns, &c, &keys, src)
					if err != nil {
						t.Fatal(err)
					}
					if n == 0 {
						break
					}
					if err := tab.Upsert(9, &keys, dst, nil); err != nil {
						t.Fatal(err)
					}
					for i := range n {
						*dst[i].Int(0) += *src[i].Int(0)
						cell, text := dst[i].Uint(1), tab.Heap().Bytes(*src[i].Uint(1))
						*cell = tab.Heap().Put(*cell, append(bytes.Clone(tab.Heap().Bytes(*cell)), text...))
					}
				}
				tab.Drop(ns)
			}
			if got := tab.Namespaces(nil); !reflect.DeepEqual(got, []int64{9}) || tab.Len() != 1500 {
				t.Fatalf("namespaces %v, %d rows", got, tab.Len())
			}
			keys.Reset()
			for i := range 1500 {
				keys.Add([]byte(modelKeyOf(windowSchema, i)), 16)
			}
			all := make([]value.Slot, 1500)
			if err := tab.Lookup(9, &keys, all); err != nil {
				t.Fatal(err)
			}
			for i, s := range all {
				want, text := int64(i), fmt.Sprintf("text of %d", i)
				if i < 1000 {
					want, text = 2*want, text+text
				}
				if got := string(tab.Heap().Bytes(*s.Uint(1))); *s.Int(0) != want || got != text {
					t.Fatalf("row %d: %d %q", i, *s.Int(0), got)
				}
			}
		})
	}
}

// TestSlotsOutliveOneUpsert: what a scan gave stays readable while the cache, much too full, makes room for another namespace.
func TestSlotsOutliveOneUpsert(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			tab := b.store(t, 0, 16, 16).Table(windowSchema)
			fill(t, tab, 3, 60)
			var keys, many value.Keys
			for i := range 1000 {
				many.Add([]byte(modelKeyOf(windowSchema, i)), 16)
			}
			slots := make([]value.Slot, 1000)
			if err := tab.Upsert(9, &many, slots, nil); err != nil {
				t.Fatal(err)
			}
			src := make([]value.Slot, 64)
			var c Cursor
			n, err := tab.Scan(3, &c, &keys, src)
			if err != nil || n != 60 {
				t.Fatal(n, err)
			}
			if err := tab.Upsert(9, &many, slots, nil); err != nil {
				t.Fatal(err)
			}
			for i := range n {
				count := *src[i].Int(0)
				if key, text := modelKeyOf(windowSchema, int(count)), fmt.Sprintf("text of %d", count); key != string(keys.At(i)) || text != string(tab.Heap().Bytes(*src[i].Uint(1))) {
					t.Fatalf("row %d: %q has %d", i, keys.At(i), count)
				}
			}
		})
	}
}

// TestSmallWindows: a window of one key costs one small array, whatever the number of key groups, and dropped windows are used again.
func TestSmallWindows(t *testing.T) {
	tab := newStore("t", 0, 128, 128).Table(windowSchema)
	for ns := range int64(1000) {
		fill(t, tab, ns, 1)
	}
	if per := tab.bytes / 1000; per > 512 {
		t.Errorf("%d bytes of slots for a window of one key", per)
	}
	for ns := range int64(1000) {
		tab.Drop(ns)
	}
	if tab.Len() != 0 || tab.heap.Live() != 0 || len(tab.free) != maxFree {
		t.Errorf("%d rows, %d bytes in the heap, %d free panes", tab.Len(), tab.heap.Live(), len(tab.free))
	}
	fill(t, tab, 5, 5000)
	before := tab.bytes
	for ns := range int64(20) {
		tab.Drop(ns + 5)
		fill(t, tab, ns+6, 5000)
	}
	if tab.bytes != before {
		t.Errorf("%d bytes of slots for one window at a time, %d for the first", tab.bytes, before)
	}
}

// TestExtraRows: split and task state travel in the same file.
func TestExtraRows(t *testing.T) {
	s := newStore("t", 0, 128, 128)
	s.Table(windowSchema)
	rows := []Row{
		{Split, "src", "position", []byte("a.csv"), []byte("12")},
		{Task, "win", "watermark", nil, []byte{1, 2}},
		{Split, "src", "position", []byte("b.csv"), []byte("")},
	}
	c := s.Cut(7, rows)
	rows[0].Value[0] = 'x' // the caller may reuse its bytes
	f := openBytes(t, drain(t, c, 10))
	if f.Checkpoint() != 7 {
		t.Error(f.Checkpoint())
	}
	got, err := f.Rows(Split, "src", "position")
	if err != nil || len(got) != 2 || string(got[0].Key) != "a.csv" || string(got[0].Value) != "12" || string(got[1].Key) != "b.csv" || len(got[1].Value) != 0 {
		t.Errorf("%q %v", got, err)
	}
	if got, err := f.Rows(Task, "win", "watermark"); err != nil || len(got) != 1 || string(got[0].Value) != "\x01\x02" {
		t.Errorf("%q %v", got, err)
	}
	if got, err := f.Rows(Split, "win", "watermark"); err != nil || got != nil {
		t.Errorf("%q %v", got, err)
	}
	sections := f.Sections()
	if last := sections[len(sections)-1]; last.Kind != Keyed || last.Schema.Name != "windows" || last.Rows != 0 {
		t.Errorf("the empty keyed state is listed as %+v", last)
	}
}

// TestLimitIsExact: a task's snapshot may have as many bytes of encoded keyed rows as the limit, and not one more.
func TestLimitIsExact(t *testing.T) {
	spec, _ := Lookup("memory")
	b, err := spec.Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if b.Limit() != 5_242_880 {
		t.Fatalf("default limit %d", b.Limit())
	}
	s, err := b.Store("t", 0, 4, 4)
	if err != nil {
		t.Fatal(err)
	}
	tab := s.Table(Schema{Node: "n", Name: "big", Key: []value.Type{value.Of(value.String)}, Fields: []value.StateField{{Name: "v", Cell: value.CellBytes}}})
	var keys value.Keys
	keys.Add([]byte("k"), 4) // a row is 1 + 1 byte of key, and 4 + n of value while n takes 4 bytes as a varint
	slots := make([]value.Slot, 1)
	for _, extra := range []int{0, 1} {
		if err := tab.Upsert(0, &keys, slots, nil); err != nil {
			t.Fatal(err)
		}
		cell := slots[0].Uint(0)
		*cell = tab.Heap().Put(*cell, make([]byte, 5_242_880-6+extra))
		c := s.Cut(1, []Row{{Split, "s", "p", nil, make([]byte, 1000)}}) // does not count
		drain(t, c, 100)
		if c.KeyedBytes() != 5_242_880+int64(extra) || c.KeyedBytes() > b.Limit() != (extra == 1) {
			t.Errorf("%d bytes", c.KeyedBytes())
		}
	}
}

// TestDamage: whatever is cut off or flipped, the file is refused with ErrDamaged (or ErrVersion where the format's number was hit), and
// nothing is read from it that was not written.
func TestDamage(t *testing.T) {
	s := newStore("t", 0, 8, 8)
	fill(t, s.Table(windowSchema), 3, 200)
	good := drain(t, s.Cut(1, []Row{{Task, "n", "x", []byte("k"), []byte("v")}}), 1000)
	read := func(b []byte) error {
		f, err := openFile(b)
		if err == nil {
			err = f.Verify()
		}
		return err
	}
	if err := read(good); err != nil {
		t.Fatal(err)
	}
	for n := range len(good) {
		if err := read(good[:n]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(good), err)
		}
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		if err := read(bad); !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d of %d flipped: %v", i, len(good), err)
		}
		f, err := openFile(bad)
		if err != nil {
			continue
		}
		r := newStore("t", 0, 8, 8)
		r.Table(windowSchema)
		if _, rows := f.Rows(Task, "n", "x"); r.Load(f) == nil && rows == nil {
			t.Fatalf("byte %d of %d flipped: it was loaded", i, len(good))
		}
	}
	if err := read(append(bytes.Clone(good), 0)); !errors.Is(err, ErrDamaged) {
		t.Errorf("one byte more: %v", err)
	}
}

// TestSignature: a state comes back only as what it was.
func TestSignature(t *testing.T) {
	s := newStore("t", 0, 8, 8)
	fill(t, s.Table(windowSchema), 3, 20)
	f := openBytes(t, drain(t, s.Cut(1, nil), 1000))
	change := map[string]func(s *Schema){
		"key type":    func(s *Schema) { s.Key = []value.Type{value.Of(value.Int)} },
		"key columns": func(s *Schema) { s.Key = append([]value.Type{value.Of(value.Int)}, s.Key...) },
		"window":      func(s *Schema) { s.Namespaced = false },
		"new field":   func(s *Schema) { s.Fields = append([]value.StateField{{Name: "max"}}, s.Fields...) },
		"lost field":  func(s *Schema) { s.Fields = s.Fields[:1] },
		"cell":        func(s *Schema) { s.Fields = []value.StateField{{Name: "count", Cell: value.CellFloat}, s.Fields[1]} },
	}
	for name, f2 := range change {
		other := windowSchema
		f2(&other)
		r := newStore("t", 0, 8, 8)
		r.Table(other)
		if err := r.Load(f); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := newStore("t", 0, 8, 16).Load(f); !errors.Is(err, ErrVersion) {
		t.Errorf("another number of key groups: %v", err)
	}
	r := newStore("t", 0, 8, 8)
	r.Table(Schema{Node: "other", Name: "windows"})
	if err := r.Load(f); err != nil || r.tables[0].Len() != 0 {
		t.Errorf("a state without a table: %v", err)
	}
}

// TestBadgerIsLazy: no file is made before the cache is full, and none is left.
func TestBadgerIsLazy(t *testing.T) {
	dir := t.TempDir()
	spec, _ := Lookup("badger")
	b, err := spec.Open(Config{Settings: plan.State{Cache: tinyCache}, FS: vfs.OS(), Local: dir})
	if err != nil {
		t.Fatal(err)
	}
	files := func() (n int) {
		err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				n++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	s, err := b.Store("t", 0, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	tab := s.Table(windowSchema)
	fill(t, tab, 1, 20)
	if n := files(); n > 0 {
		t.Errorf("%d files before they are needed", n)
	}
	fill(t, tab, 1, 2000)
	if n := files(); n == 0 || tab.count > 500 || tab.Len() != 2000 {
		t.Errorf("%d files, %d of %d rows in memory", n, tab.count, tab.Len())
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if n := files(); n > 0 {
		t.Errorf("%d files are left", n)
	}
}

// TestAbort: an aborted cut leaves nothing behind, and the next one is whole.
func TestAbort(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.store(t, 0, 16, 16)
			tab := s.Table(windowSchema)
			fill(t, tab, 1, 3000)
			c := s.Cut(1, nil)
			if _, _, err := c.Next(50); err != nil {
				t.Fatal(err)
			}
			tab.Drop(1)
			c.Abort()
			if _, _, err := c.Next(50); !errors.Is(err, ErrAborted) {
				t.Error(err)
			}
			if tab.count != 0 || tab.heap.Live() != 0 {
				t.Errorf("%d rows, %d bytes are left", tab.count, tab.heap.Live())
			}
			fill(t, tab, 2, 40)
			next := s.Cut(2, nil)
			drain(t, next, 50)
			if next.Rows() != 40 {
				t.Error(next.Rows())
			}
		})
	}
}

// TestOrderOfAnotherTable: rows that come in the order in which another table holds them, as from a snapshot or a merge of windows, must not crowd in
// one that is still small (they did, while a key's place did not depend on the capacity: restoring was quadratic).
func TestOrderOfAnotherTable(t *testing.T) {
	src, dst := newStore("a", 0, 1, 1).Table(windowSchema), newStore("b", 0, 1, 1).Table(windowSchema)
	fill(t, src, 0, 20_000)
	var keys value.Keys
	slots := make([]value.Slot, 100)
	var c Cursor
	for range 20 {
		if _, err := src.Scan(0, &c, &keys, slots); err != nil {
			t.Fatal(err)
		}
		if err := dst.Upsert(0, &keys, slots, nil); err != nil {
			t.Fatal(err)
		}
		g := &dst.panes[0].tables[0]
		far := 0
		for at := 0; at < len(g.words); at += dst.width {
			if w := g.words[at : at+dst.width]; live(w[0]) {
				far += (at/dst.width - int(g.home(dst.hashOf(w))) + int(g.slots)) % int(g.slots)
			}
		}
		if mean := float64(far) / float64(g.live); mean > 4 {
			t.Fatalf("with %d rows a key is %.1f slots from its place", g.live, mean)
		}
	}
}

// TestTenTimesTheCache runs badger at a size at which it flushes and compacts, and takes a cut while rows come and go.
func TestTenTimesTheCache(t *testing.T) {
	const n, rounds, size = 50_000, 3, 400
	spec, _ := Lookup("badger")
	b, err := spec.Open(Config{Settings: plan.State{Cache: n * size / 10}, FS: vfs.OS(), Local: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	s, err := b.Store("t", 0, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	tab := s.Table(windowSchema)
	var keys value.Keys
	slots, fresh := make([]value.Slot, 500), make([]bool, 500)
	text := make([]byte, size)
	var cut *Snapshot
	var file []byte
	for round := range rounds {
		for lo := 0; lo < n; lo += 500 {
			keys.Reset()
			for i := range 500 {
				keys.Add([]byte(modelKeyOf(windowSchema, (lo+i)*7919%n)), 16)
			}
			if err := tab.Upsert(1, &keys, slots, fresh); err != nil {
				t.Fatal(err)
			}
			for i := range 500 {
				if fresh[i] != (round == 0) {
					t.Fatalf("round %d, key %q: fresh %v", round, keys.At(i), fresh[i])
				}
				*slots[i].Int(0)++
				copy(text, keys.At(i))
				cell := slots[i].Uint(1)
				*cell = tab.Heap().Put(*cell, text[:size-len(keys.At(i))%3])
			}
			if cut != nil {
				chunk, done, err := cut.Next(4096)
				if err != nil {
					t.Fatal(err)
				}
				if file = append(file, chunk...); done {
					cut = nil
				}
			}
		}
		if round == 0 {
			cut = s.Cut(1, nil)
		}
	}
	if cut != nil {
		t.Fatal("the cut has not come to its end")
	}
	if held := tab.Bytes(); held > n*size/4 {
		t.Errorf("%d bytes in memory for %d bytes of state", held, n*size)
	}
	r := newStore("t", 0, 16, 16)
	restored := r.Table(windowSchema)
	if err := r.Load(openBytes(t, file)); err != nil {
		t.Fatal(err)
	}
	for want, tab := range map[int64]*Table{1: restored, rounds: tab} {
		rows := 0
		var c Cursor
		for {
			k, err := tab.Scan(1, &c, &keys, slots)
			if err != nil {
				t.Fatal(err)
			}
			if k == 0 {
				break
			}
			for i := range k {
				key := keys.At(i)
				if got := *slots[i].Int(0); got != want || !bytes.HasPrefix(tab.Heap().Bytes(*slots[i].Uint(1)), key) {
					t.Fatalf("%q has count %d, want %d", key, got, want)
				}
			}
			rows += k
		}
		if rows != n || tab.Len() != n {
			t.Fatalf("%d rows, Len %d", rows, tab.Len())
		}
	}
}

// TestDeltaIsSmall: with one per cent of the rows changed, a delta has those and no others.
func TestDeltaIsSmall(t *testing.T) {
	for _, b := range backends(t) {
		if b.name == "memory" {
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			s := b.store(t, 0, 16, 16)
			tab := s.Table(windowSchema)
			fill(t, tab, 1, 10_000)
			whole := s.Cut(1, nil)
			size := len(drain(t, whole, 5000))
			s.Completed(1)
			fill(t, tab, 1, 100)
			delta := s.CutSince(1, 2, nil)
			fill(t, tab, 1, 300) // after the cut
			small := drain(t, delta, 50)
			if delta.Rows() != 100 || len(small)*20 > size {
				t.Errorf("%d rows, %d bytes; the whole snapshot has %d", delta.Rows(), len(small), size)
			}
			if f := openBytes(t, small); f.Base() != 1 {
				t.Errorf("base %d", f.Base())
			}
			if s.CutSince(9, 3, nil) != nil || s.CutSince(0, 3, nil) != nil {
				t.Error("a delta of what was never a checkpoint")
			}
		})
	}
}

// TestTasksShareABackend: the stores of a job run on their own goroutines over one cache and one database.
func TestTasksShareABackend(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			var files [4][]byte
			var wg sync.WaitGroup
			for task := range files {
				from, to := value.GroupRange(task, len(files), 16)
				s := b.store(t, from, to, 16)
				wg.Go(func() {
					if err := countInGroups(s, &files[task]); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			r := b.store(t, 0, 16, 16)
			tab := r.Table(windowSchema)
			for _, file := range files {
				if err := r.Load(openBytes(t, file)); err != nil {
					t.Fatal(err)
				}
			}
			if tab.Len() != 2000 {
				t.Errorf("%d rows", tab.Len())
			}
		})
	}
}

// countInGroups counts each of 2000 keys of the store's groups five times, with a cut after the third.
func countInGroups(s *Store, file *[]byte) error {
	tab := s.Table(windowSchema)
	var keys value.Keys
	slots := make([]value.Slot, 100)
	var cut *Snapshot
	for round := range 5 {
		for lo := 0; lo < 2000; lo += 100 {
			keys.Reset()
			for i := lo; i < lo+100; i++ {
				if key := []byte(modelKeyOf(windowSchema, i)); value.GroupOf(key, 16) >= s.from && value.GroupOf(key, 16) < s.to {
					keys.Add(key, 16)
				}
			}
			if err := tab.Upsert(1, &keys, slots, nil); err != nil {
				return err
			}
			for i := range keys.Len() {
				if *slots[i].Int(0) != int64(round) {
					return fmt.Errorf("%q has %d in round %d", keys.At(i), *slots[i].Int(0), round)
				}
				*slots[i].Int(0)++
			}
			if cut != nil {
				chunk, done, err := cut.Next(200)
				if err != nil {
					return err
				}
				if *file = append(*file, chunk...); done {
					cut = nil
				}
			}
		}
		if round == 2 {
			cut = s.Cut(1, nil)
		}
	}
	if cut != nil {
		return errors.New("the cut has not come to its end")
	}
	return nil
}
