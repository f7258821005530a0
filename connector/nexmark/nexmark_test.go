package nexmark

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"testing"

	"pipec/vm/value"
)

var standard = Run{Seed: 1, Start: 1_000_000_000_000_000, Step: 100_000}

// names are all columns of a kind.
func (k Kind) names() []string { return value.Schema{Fields: k.Columns()}.Names() }

// rows makes rows as texts.
func rows(t testing.TB, run Run, kind Kind, row, by uint64, n int) []string {
	g, b := open(t, run, kind, kind.names()...)
	g.Fill(b, row, by, n)
	var all []string
	for i := range n {
		all = append(all, text(b, i))
	}
	return all
}

func text(b *value.Batch, i int) string {
	var s string
	for _, c := range b.Cols {
		if c == nil {
			continue
		}
		if c.Lane == value.LaneI64 {
			s += fmt.Sprint(c.I64[i], "|")
		} else {
			s += string(c.Text(i)) + "|"
		}
	}
	return s
}

func TestARowDependsOnItsNumberOnly(t *testing.T) {
	for kind := Bids; kind <= People; kind++ {
		straight := rows(t, standard, kind, 0, 1, 5000)
		for _, by := range []uint64{1, 2, 3, 7, 46, 47, 100} {
			for _, from := range []uint64{0, 1, 45, 46, 100, 3333} {
				n := (uint64(len(straight))-from-1)/by + 1
				for i, got := range rows(t, standard, kind, from, by, int(n)) {
					if want := straight[from+uint64(i)*by]; got != want {
						t.Fatalf("%s, row %d + %d*%d: %s, want %s", kind, from, i, by, got, want)
					}
				}
			}
		}
		other := standard
		other.Seed++
		if rows(t, other, kind, 0, 1, 10)[3] == straight[3] {
			t.Errorf("%s: another seed gives the same row %s", kind, straight[3])
		}
	}
}

func TestAColumnDoesNotDependOnTheOthers(t *testing.T) {
	for kind := Bids; kind <= People; kind++ {
		whole, all := open(t, standard, kind, kind.names()...)
		whole.Fill(all, 100, 1, 300)
		for c, name := range kind.names() {
			g, b := open(t, standard, kind, name)
			g.Fill(b, 100, 1, 300)
			for i := range 300 {
				only := value.Batch{Cols: all.Cols[c : c+1]}
				if got, want := text(b, i), text(&only, i); got != want {
					t.Fatalf("%s.%s alone, row %d: %s, want %s", kind, name, i, got, want)
				}
			}
		}
	}
}

func TestNumbersOfRows(t *testing.T) {
	seen := map[Kind]uint64{}
	for events := range uint64(200) {
		for kind, n := range seen {
			if got := kind.Rows(events); got != n {
				t.Fatalf("%d events hold %d %s, want %d", events, got, kind, n)
			}
		}
		switch { // the definition
		case events%50 < 1:
			seen[People]++
		case events%50 < 4:
			seen[Auctions]++
		default:
			seen[Bids]++
		}
	}
}

// TestBidsAreAsInTheBenchmark checks what the queries rely on: proportions, hot keys, ranges and sizes.
func TestBidsAreAsInTheBenchmark(t *testing.T) {
	const n = 46 * 1000
	g, b := open(t, standard, Bids, Bids.names()...)
	g.Fill(b, 460_000, 1, n)
	auction, bidder, prices, channel, url, at, extra := b.Cols[0].I64, b.Cols[1].I64, b.Cols[2].I64, b.Cols[3], b.Cols[4], b.Cols[5].I64, b.Cols[6]
	var hotAuctions, hotBidders, hotChannels, withID, size, cheap int
	address := regexp.MustCompile(`^https://www\.nexmark\.com/([a-z_]{3,4}/){3}item\.htm\?query=1(&channel_id=\d+)?$`)
	for i := range n {
		epoch := int64(10_000 + i/46)
		event := epoch*50 + 4 + int64(i%46)
		if want := standard.Start + event/10*1000; at[i] != want {
			t.Fatalf("bid %d: at %d, want %d", i, at[i], want)
		}
		last := epoch*3 + 2
		if auction[i] == last/100*100+1000 {
			hotAuctions++
		}
		if auction[i] < min(last-100, last/100*100)+1000 || auction[i] > last+10+1000 {
			t.Fatalf("bid %d: auction %d, the newest is %d", i, auction[i], last+1000)
		}
		if bidder[i] == epoch/100*100+1+1000 {
			hotBidders++
		}
		if bidder[i] < epoch-1000+1000 || bidder[i] > epoch+10+1000 {
			t.Fatalf("bid %d: bidder %d, the newest is %d", i, bidder[i], epoch+1000)
		}
		if prices[i] < 100 || prices[i] > 100_000_000 {
			t.Fatalf("bid %d: price %d", i, prices[i])
		}
		if prices[i] < 100_000 {
			cheap++
		}
		if !bytes.HasPrefix(channel.Text(i), []byte("channel-")) {
			hotChannels++
		}
		if !address.Match(url.Text(i)) {
			t.Fatalf("bid %d: url %s", i, url.Text(i))
		}
		if bytes.Contains(url.Text(i), []byte("channel_id")) {
			withID++
		}
		size += len(extra.Text(i))
	}
	for what, c := range map[string]struct{ got, want float64 }{
		"bids for the hot auction":   {float64(hotAuctions) / n, 0.5 + 0.5/111},
		"bids of the hot bidder":     {float64(hotBidders) / n, 0.75 + 0.25/1010},
		"hot channels":               {float64(hotChannels) / n, 0.5},
		"addresses with a channel":   {float64(withID) / n, 0.45},
		"bids below a thousand":      {float64(cheap) / n, 0.5},
		"characters of extra by 100": {float64(size) / n / 100, 0.675},
	} {
		if math.Abs(c.got-c.want) > 0.01 {
			t.Errorf("%s: %.4f, want %.4f", what, c.got, c.want)
		}
	}
}

func TestPrices(t *testing.T) {
	for _, draw := range []uint64{0, 1 << 14, 1<<64 - 1, 1 << 63, 0x123456789abcdef0, 0xfedcba9876543210} {
		u := float64(draw>>14) / (1 << 50)
		if got, want := price(draw), int64(math.Round(100*math.Pow(10, 6*u))); math.Abs(float64(got-want)) > 1+1e-8*float64(want) {
			t.Errorf("price(%#x) is %d, want %d", draw, got, want)
		}
	}
}

func TestAuctionsAndPeople(t *testing.T) {
	const n = 3000
	g, b := open(t, standard, Auctions, Auctions.names()...)
	g.Fill(b, 0, 1, n)
	size, long := 0, int64(0)
	for i := range n {
		id, name, description, initial, reserve := b.Cols[0].I64[i], b.Cols[1].Text(i), b.Cols[2].Text(i), b.Cols[3].I64[i], b.Cols[4].I64[i]
		at, expires, seller, category := b.Cols[5].I64[i], b.Cols[6].I64[i], b.Cols[7].I64[i], b.Cols[8].I64[i]
		if id != int64(i)+1000 || reserve <= initial || category < 10 || category > 14 || expires <= at || seller < 1000 || seller > int64(i)/3+10+1000 {
			t.Fatalf("auction %d: %s", i, text(b, i))
		}
		if len(name) > 19 || len(description) > 99 || !bytes.Equal(name, bytes.TrimSpace(name)) {
			t.Fatalf("auction %d: %q, %q", i, name, description)
		}
		size += 8*6 + len(name) + len(description) + len(b.Cols[9].Text(i))
		long += expires - at
	}
	if average := float64(size) / n; math.Abs(average-500) > 10 {
		t.Errorf("auctions have %.0f bytes, want 500", average)
	}
	if average := float64(long) / n / 1000; math.Abs(average-166) > 10 { // 100 auctions later, at 10,000 events a second
		t.Errorf("auctions last %.0f ms, want 166", average)
	}
	g, b = open(t, standard, People, People.names()...)
	g.Fill(b, 0, 1, n)
	form := regexp.MustCompile(`^\d+\|[A-Z][a-z]+ [A-Z][a-z]+\|[a-z ]{0,6}@[a-z ]{0,4}\.com\|(\d{4} ){3}\d{4}\|[A-Z][a-z A-Z]+\|[A-Z]{2}\|\d+\|[a-z]+\|$`)
	size = 0
	for i := range n {
		if row := text(b, i); !form.MatchString(row) || b.Cols[0].I64[i] != int64(i)+1000 {
			t.Fatalf("person %d: %s", i, row)
		}
		for _, c := range []int{1, 2, 3, 4, 5, 7} {
			size += len(b.Cols[c].Text(i))
		}
	}
	if average := float64(size)/n + 8; math.Abs(average-200) > 5 {
		t.Errorf("people have %.0f bytes, want 200", average)
	}
}

func TestUnknownColumns(t *testing.T) {
	if _, err := New(standard, Auctions, []string{"id", "auction"}); err == nil || err.Error() != `auctions have no column "auction"` {
		t.Error(err)
	}
	for kind := Bids; kind <= People; kind++ {
		if k, ok := Parse(kind.String()); !ok || k != kind {
			t.Errorf("%s: %v %v", kind, k, ok)
		}
	}
	if _, ok := Parse("bid"); ok {
		t.Error("there are no events `bid`")
	}
}
