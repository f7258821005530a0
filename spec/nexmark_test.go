package spec

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"pipec/connector/nexmark"
	"pipec/vm/value"
)

// bid is one row of the benchmark, as the generator gives it.
type bid struct {
	auction, bidder, price int64
	channel, url, extra    string
	at                     time.Time
}

var start = time.Date(2015, 7, 15, 0, 0, 0, 0, time.UTC)

// bidsOf are the bids among the first events.
func bidsOf(t *testing.T, events uint64, step time.Duration) (all []bid) {
	t.Helper()
	schema := value.Schema{Fields: nexmark.Bids.Columns()}
	g, err := nexmark.New(nexmark.Run{Seed: 1, Start: start.UnixMicro(), Step: step.Nanoseconds()}, nexmark.Bids, schema.Names())
	if err != nil {
		t.Fatal(err)
	}
	b := value.NewBatch(schema)
	g.Fill(b, 0, 1, int(nexmark.Bids.Rows(events)))
	for i := range b.Len {
		c := b.Cols
		all = append(all, bid{c[0].I64[i], c[1].I64[i], c[2].I64[i], string(c[3].Text(i)), string(c[4].Text(i)), string(c[6].Text(i)), time.UnixMicro(c[5].I64[i]).UTC()})
	}
	return all
}

// object writes names and values as one line of JSON. Texts that begin with = are written as they are.
func object(pairs ...any) string {
	var s []string
	for i := 0; i < len(pairs); i += 2 {
		if t, ok := pairs[i+1].(time.Time); ok {
			pairs[i+1] = t.Format(time.RFC3339Nano)
		}
		v, _ := json.Marshal(pairs[i+1]) // strings and numbers: cannot fail
		if raw, ok := strings.CutPrefix(fmt.Sprint(pairs[i+1]), "="); ok {
			v = []byte(raw)
		}
		s = append(s, fmt.Sprintf("%q:%s", pairs[i], v))
	}
	return "{" + strings.Join(s, ",") + "}"
}

// euros is 0.908 * price, exactly.
func euros(price int64) string {
	n := price * 908
	return fmt.Sprintf("=%d.%03d", n/1000, n%1000)
}

// each makes a line of each bid; "" of none.
func each(f func(b bid) string) func([]bid) []string {
	return func(bids []bid) (lines []string) {
		for _, b := range bids {
			if line := f(b); line != "" {
				lines = append(lines, line)
			}
		}
		return lines
	}
}

// grouped makes a line of all bids with the same key.
func grouped(keys func(b bid) []string, line func(key string, bids []bid) string) func([]bid) []string {
	return func(bids []bid) (lines []string) {
		groups := map[string][]bid{}
		for _, b := range bids {
			for _, k := range keys(b) {
				groups[k] = append(groups[k], b)
			}
		}
		for k, list := range groups {
			lines = append(lines, line(k, list))
		}
		return lines
	}
}

// ranks are the aggregates of queries 15 and 16, and the first of 17.
func ranks(bids []bid, distinct bool) (pairs []any) {
	in := []func(b bid) bool{
		func(bid) bool { return true }, func(b bid) bool { return b.price < 10_000 },
		func(b bid) bool { return b.price >= 10_000 && b.price < 1_000_000 }, func(b bid) bool { return b.price >= 1_000_000 },
	}
	for _, what := range []string{"bids", "bidders", "auctions"}[:map[bool]int{true: 3, false: 1}[distinct]] {
		for i, rank := range []string{"total_", "rank1_", "rank2_", "rank3_"} {
			seen, n := map[int64]bool{}, 0
			for _, b := range bids {
				if in[i](b) {
					seen[map[string]int64{"bidders": b.bidder, "auctions": b.auction}[what]] = true
					n++
				}
			}
			if what != "bids" {
				n = len(seen)
			}
			pairs = append(pairs, rank+what, n)
		}
	}
	return pairs
}

func prices(bids []bid) (least, most, sum int64) {
	byPrice := func(a, b bid) int { return cmp.Compare(a.price, b.price) }
	for _, b := range bids {
		sum += b.price
	}
	return slices.MinFunc(bids, byPrice).price, slices.MaxFunc(bids, byPrice).price, sum
}

var number = regexp.MustCompile(`(&|^)channel_id=([^&]*)`)

// queries compute what each query gives, the plain way.
var queries = map[string]func(bids []bid) []string{
	"q0": each(func(b bid) string {
		return object("auction", b.auction, "bidder", b.bidder, "price", b.price, "at", b.at, "extra", b.extra)
	}),
	"q1": each(func(b bid) string {
		return object("auction", b.auction, "bidder", b.bidder, "price", euros(b.price), "at", b.at, "extra", b.extra)
	}),
	"q2": each(func(b bid) string {
		if b.auction%123 != 0 {
			return ""
		}
		return object("auction", b.auction, "price", b.price)
	}),
	"q5": grouped(func(b bid) (keys []string) {
		for end := b.at.Truncate(2 * time.Second).Add(2 * time.Second); !end.After(b.at.Add(10 * time.Second)); end = end.Add(2 * time.Second) {
			keys = append(keys, fmt.Sprintf("%d %s", b.auction, end.Format(time.RFC3339)))
		}
		return keys
	}, func(key string, bids []bid) string {
		_, text, _ := strings.Cut(key, " ")
		end, _ := time.Parse(time.RFC3339, text) // written above
		return object("auction", bids[0].auction, "window_start", end.Add(-10*time.Second), "window_end", end, "bids", len(bids))
	}),
	"q7": grouped(func(b bid) []string { return []string{b.at.Truncate(10 * time.Second).Format(time.RFC3339)} }, func(_ string, bids []bid) string {
		_, most, _ := prices(bids)
		from := bids[0].at.Truncate(10 * time.Second)
		return object("window_start", from, "window_end", from.Add(10*time.Second), "price", most)
	}),
	"q10": each(func(b bid) string {
		return object("auction", b.auction, "bidder", b.bidder, "price", b.price, "at", b.at, "extra", b.extra, "day", b.at.Format(time.DateOnly), "minute", b.at.Format("15:04"))
	}),
	"q14": each(func(b bid) string {
		if b.price*908 <= 1_000_000_000 || b.price*908 >= 50_000_000_000 {
			return ""
		}
		kind := "otherTime"
		switch h := b.at.Hour(); {
		case h >= 8 && h <= 18:
			kind = "dayTime"
		case h <= 6 || h >= 20:
			kind = "nightTime"
		}
		return object("auction", b.auction, "bidder", b.bidder, "price", euros(b.price), "time_type", kind, "at", b.at, "extra", b.extra, "c_counts", strings.Count(b.extra, "c"))
	}),
	"q15": grouped(func(b bid) []string { return []string{b.at.Format(time.DateOnly)} }, func(day string, bids []bid) string {
		return object(append([]any{"day", day}, ranks(bids, true)...)...)
	}),
	"q16": grouped(func(b bid) []string { return []string{b.channel + b.at.Format(time.DateOnly)} }, func(_ string, bids []bid) string {
		last := slices.MaxFunc(bids, func(a, b bid) int { return a.at.Compare(b.at) })
		return object(append([]any{"channel", bids[0].channel, "day", last.at.Format(time.DateOnly), "minute", last.at.Format("15:04")}, ranks(bids, true)...)...)
	}),
	"q17": grouped(func(b bid) []string { return []string{fmt.Sprint(b.auction, b.at.Format(time.DateOnly))} }, func(_ string, bids []bid) string {
		least, most, sum := prices(bids)
		pairs := append([]any{"auction", bids[0].auction, "day", bids[0].at.Format(time.DateOnly)}, ranks(bids, false)...)
		return object(append(pairs, "min_price", least, "max_price", most, "avg_price", sum/int64(len(bids)), "sum_price", sum)...)
	}),
	"q21": each(func(b bid) string {
		id, found := map[string]string{"apple": "0", "google": "1", "facebook": "2", "baidu": "3"}[strings.ToLower(b.channel)]
		if m := number.FindStringSubmatch(b.url); !found && m != nil {
			id, found = m[2], true
		}
		if !found {
			return ""
		}
		return object("auction", b.auction, "bidder", b.bidder, "price", b.price, "channel", b.channel, "channel_id", id)
	}),
	"q22": each(func(b bid) string {
		dirs := strings.Split(b.url, "/")
		return object("auction", b.auction, "bidder", b.bidder, "price", b.price, "channel", b.channel, "dir1", dirs[3], "dir2", dirs[4], "dir3", dirs[5])
	}),
}

var sizes = regexp.MustCompile(`(?m)^param (count: int|step: duration) = (\S+)$`)

// TestNexmark holds the examples against the corpus, and what the corpus wants of them against what the queries mean.
func TestNexmark(t *testing.T) {
	files, err := filepath.Glob("../examples/nexmark/*.pipe")
	if err != nil || len(files) != len(queries) {
		t.Fatalf("%d examples for %d queries: %v", len(files), len(queries), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".pipe")
		t.Run(name, func(t *testing.T) {
			example, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c := load(t, "run/nexmark_"+name+".txtar")
			same := func(text string) string { return sizes.ReplaceAllString(text, "param $1 = ?") }
			if d := gocmp.Diff(same(string(example)), same(c.text("job.pipe"))); d != "" {
				t.Errorf("the case is not the example (-example +case):\n%s", d)
			}
			var events uint64
			var step time.Duration
			for _, m := range sizes.FindAllStringSubmatch(c.text("job.pipe"), -1) {
				if strings.HasPrefix(m[1], "count") {
					_, err = fmt.Sscan(m[2], &events)
				} else {
					step, err = time.ParseDuration(m[2])
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			want := queries[name](bidsOf(t, events, step))
			got := split(c.text("want/stdout"))
			slices.Sort(want)
			slices.Sort(got)
			if d := gocmp.Diff(slices.Compact(want), got); d != "" || len(got) == 0 {
				t.Errorf("(-computed +wanted by the case):\n%s", d)
			}
		})
	}
}
