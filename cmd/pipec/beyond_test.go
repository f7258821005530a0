package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var beyondCache = flag.Int("beyond", 4, "TestStateBeyondTheCache: MiB of cache; the state is ten times as large. From 32 on memory is looked at")

// TestStateBeyondTheCache: a state ten times as large as badger's cache gives what one in memory gives. With a memory limit of half the state the process stays below that, so that what is
// beyond the cache lies on the disk and not in some other buffer; small caches leave no room between the limit and what any process needs.
func TestStateBeyondTheCache(t *testing.T) {
	const each = 300 // bytes of a row of state
	cache := *beyondCache << 20
	keys := 10 * cache / each
	b := newBox(t, fmt.Sprintf(`
job beyond { checkpoint every 1s { storage = "st" } }

param out: string = "out"

source numbers from sequence { to = %d }

sink result into file { path = out, format json, key k }

from numbers
  |> derive k = value * 7919 %% %d, text = "${value} %s"
  |> key by k
  |> aggregate n = count(), last = last(text)
  |> into result
`, keys+keys/2, keys, strings.Repeat("a part of a long text, ", 10)))
	b.run("0", "--set", "out=straight", "--set", "job.state=memory", "--set", "job.state.max_size=4GiB")

	t.Setenv("GOMEMLIMIT", strconv.Itoa(10*cache/2*9/10))
	p := b.start("--set", "job.state=badger", "--set", fmt.Sprintf("job.state.cache=%dMiB", *beyondCache), "--set", "job.state.incremental=true")
	most := p.mostMemory()
	p.ends("0")
	t.Logf("state %d MiB, cache %d MiB: at most %d MiB of anonymous memory, %d checkpoints", 10*cache>>20, cache>>20, most>>20, len(p.named("checkpoint_completed")))
	if *beyondCache >= 32 && most > 10*cache/2 {
		t.Errorf("%d MiB of anonymous memory are more than half of the state", most>>20)
	}
	want, got := lastRows(t, b.path("straight")), lastRows(t, b.path("out"))
	if len(want) != keys || !maps.Equal(want, got) {
		t.Errorf("%d keys, of which memory has %d and badger %d, or other rows of them", keys, len(want), len(got))
	}
}

// mostMemory watches the anonymous memory of the process until it ends.
func (p *life) mostMemory() (most int) {
	name := fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-p.gone:
			return most
		case <-look.C:
		}
		text, _ := os.ReadFile(name) // it may just have ended
		if _, rest, ok := strings.Cut(string(text), "RssAnon:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			most = max(most, n<<10)
		}
	}
}

// lastRows is the last row of each key that the parts of a file sink hold, in their order.
func lastRows(t *testing.T, dir string) map[int64]string {
	t.Helper()
	parts, err := filepath.Glob(filepath.Join(dir, "part-*.json"))
	if err != nil || len(parts) == 0 {
		t.Fatal("nothing was published: ", err)
	}
	rows := map[int64]string{}
	// Those of one run and task are in order by the checkpoint, and within it by the last number.
	number := func(name string, i int) int {
		words := strings.Split(strings.TrimSuffix(name, ".json"), "-")
		n, err := strconv.Atoi(words[len(words)-i])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	slices.SortFunc(parts, func(a, b string) int {
		return cmp.Or(cmp.Compare(number(a, 3), number(b, 3)), cmp.Compare(number(a, 1), number(b, 1)))
	})
	for _, name := range parts {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			var row struct {
				K    int64
				N    int64
				Last string
			}
			if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
				t.Fatal(err)
			}
			rows[row.K] = fmt.Sprint(row.N, " ", row.Last)
		}
		_ = f.Close() // only read
	}
	return rows
}
