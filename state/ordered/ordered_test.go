package ordered

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestBadgerIsLikeMap writes the same to both and reads both at every version that may still be read.
func TestBadgerIsLikeMap(t *testing.T) {
	disk, err := OpenBadger(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	run, at := 0, uint64(0)
	rapid.Check(t, func(t *rapid.T) {
		run++
		dbs := []DB{NewMap(), disk}
		// Each check has keys of its own; some keys are beginnings of others.
		key := rapid.Custom(func(t *rapid.T) []byte {
			return fmt.Appendf(nil, "%d/%s", run, rapid.StringMatching(`[a\x00]{0,3}`).Draw(t, "key"))
		})
		low := at
		for range rapid.IntRange(1, 20).Draw(t, "writes") {
			var batch []Entry
			seen := map[string]bool{}
			for range rapid.IntRange(1, 6).Draw(t, "entries") {
				e := Entry{Key: key.Draw(t, "k"), Value: fmt.Appendf(nil, "v%d", at)}
				if rapid.Bool().Draw(t, "delete") {
					e.Value = nil
				}
				if !seen[string(e.Key)] {
					seen[string(e.Key)] = true
					batch = append(batch, e)
				}
			}
			at++
			for _, db := range dbs {
				if err := db.Write(batch, at); err != nil {
					t.Fatal(err)
				}
			}
			if rapid.Bool().Draw(t, "discard") {
				low = rapid.Uint64Range(low, at).Draw(t, "low")
				for _, db := range dbs {
					db.Discard(low)
				}
			}
			compare(t, dbs, run, key, rapid.Uint64Range(low, at+1).Draw(t, "at"))
		}
	})
}

func compare(t *rapid.T, dbs []DB, run int, key *rapid.Generator[[]byte], at uint64) {
	keys := rapid.SliceOfN(key, 0, 5).Draw(t, "keys")
	prefix := key.Draw(t, "prefix")
	var after []byte
	if rapid.Bool().Draw(t, "resume") {
		after = append(slices.Clone(prefix), rapid.SampledFrom([]string{"", "a", "\x00", "aa"}).Draw(t, "after")...)
	}
	most := rapid.IntRange(1, 4).Draw(t, "most")
	var answers []string
	for _, db := range dbs {
		values := make([]string, len(keys))
		if err := db.Get(keys, at, func(i int, v []byte) error { values[i] += fmt.Sprintf("%d=%s ", i, v); return nil }); err != nil {
			t.Fatal(err)
		}
		answer := strings.Join(values, "")
		n, last := 0, slices.Clone(after)
		err := db.Scan(prefix, last, at, func(k, v []byte) bool {
			answer += fmt.Sprintf("%q=%s ", k, v)
			last = append(last[:0], k...) // what a caller does who goes on later
			n++
			return n < most
		})
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, answer)
	}
	if answers[0] != answers[1] {
		t.Fatalf("run %d at version %d: the map says\n%s\nbadger says\n%s", run, at, answers[0], answers[1])
	}
}
