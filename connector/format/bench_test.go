package format

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"

	"pipec/vm/value"
)

// Each path beside its limit, a hand-written loop that knows this one kind of line, and beside the library. ns/op is ns per row.

const benchRows = 1024

// bid is a Nexmark bid of about 272 bytes as JSON.
type bid struct {
	Auction int64  `json:"auction"`
	Bidder  int64  `json:"bidder"`
	Price   int64  `json:"price"`
	Channel string `json:"channel"`
	URL     string `json:"url"`
	At      int64  `json:"date_time"`
	Extra   string `json:"extra"`
}

var bidSchema = value.Schema{Fields: []value.Field{
	{Name: "auction", Type: value.Of(value.Int)}, {Name: "bidder", Type: value.Of(value.Int)}, {Name: "price", Type: value.Of(value.Int)},
	{Name: "channel", Type: value.Of(value.String)}, {Name: "url", Type: value.Of(value.String)}, {Name: "date_time", Type: value.Of(value.Int)},
	{Name: "extra", Type: value.Of(value.String)},
}}

func letters(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(r.IntN(26))
	}
	return string(b)
}

func bids() (data []byte) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range benchRows {
		data = fmt.Appendf(data, `{"auction":%d,"bidder":%d,"price":%d,"channel":"channel-%d","url":"https://www.nexmark.com/%s/item.htm?query=1&id=%d","date_time":%d,"extra":"%s"}`+"\n",
			1000+r.IntN(100000), 1000+r.IntN(100000), 100+r.IntN(100000000), r.IntN(10000), letters(r, 14), r.IntN(1000), 1700000000000+i*10, letters(r, 70+r.IntN(50)))
	}
	return data
}

// cutInt reads digits and steps over what follows them.
func cutInt(data []byte, skip string) (n int64, rest []byte) {
	i := 0
	for ; data[i]-'0' <= 9; i++ {
		n = n*10 + int64(data[i]-'0')
	}
	return n, data[i+len(skip):]
}

func cutText(data []byte, skip string) (s, rest []byte) {
	n := bytes.IndexByte(data, '"')
	return data[:n], data[n+len(skip):]
}

type handBid struct {
	auction, bidder, price, at int64
	channel, url, extra        []byte
}

// handBids is the limit: no checks at all, keys only counted.
func handBids(data []byte, out []handBid) {
	for i := range out {
		b := &out[i]
		data = data[len(`{"auction":`):]
		b.auction, data = cutInt(data, `,"bidder":`)
		b.bidder, data = cutInt(data, `,"price":`)
		b.price, data = cutInt(data, `,"channel":"`)
		b.channel, data = cutText(data, `","url":"`)
		b.url, data = cutText(data, `","date_time":`)
		b.at, data = cutInt(data, `,"extra":"`)
		b.extra, data = cutText(data, "\"}\n")
	}
}

// perRow reports time and bytes per row rather than per batch.
func perRow(b *testing.B, data []byte, run func()) {
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		run()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchRows), "ns/row")
}

func benchDecode(b *testing.B, name string, settings map[string]any, schema value.Schema, wanted []bool, data []byte) {
	s := find(b, name)
	d, err := s.Decoder(DecodeOptions{Settings: settingsOf(s, settings), Schema: schema, Wanted: wanted})
	if err != nil {
		b.Fatal(err)
	}
	head, err := d.Header(data, true)
	if err != nil {
		b.Fatal(err)
	}
	batch := value.NewBatch(schema)
	var bad []Bad
	perRow(b, data[head:], func() {
		if n, err := d.Decode(data[head:], true, batch, benchRows, &bad); err != nil || n != len(data)-head || len(bad) > 0 || batch.Len != benchRows {
			b.Fatal(n, err, bad)
		}
	})
}

func BenchmarkDecodeJSONBid(b *testing.B) {
	data := bids()
	b.Run("lanes", func(b *testing.B) { benchDecode(b, "json", nil, bidSchema, nil, data) })
	b.Run("lanes3of7", func(b *testing.B) {
		benchDecode(b, "json", nil, bidSchema, []bool{true, false, true, false, false, true, false}, data)
	})
	b.Run("lanes3columns", func(b *testing.B) {
		f := bidSchema.Fields
		benchDecode(b, "json", nil, value.Schema{Fields: []value.Field{f[0], f[2], f[5]}}, nil, data)
	})
	b.Run("hand", func(b *testing.B) {
		out := make([]handBid, benchRows)
		perRow(b, data, func() { handBids(data, out) })
	})
	b.Run("jsonv2", func(b *testing.B) {
		out := make([]bid, benchRows)
		lines := bytes.SplitAfter(data, newline)
		perRow(b, data, func() {
			for i := range out {
				if err := jsonv2.Unmarshal(lines[i], &out[i]); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func BenchmarkEncodeJSONBid(b *testing.B) {
	data := bids()
	b.Run("lanes", func(b *testing.B) { benchEncode(b, "json", nil, bidSchema, data) })
	b.Run("hand", func(b *testing.B) {
		rows := make([]handBid, benchRows)
		handBids(data, rows)
		var out []byte
		perRow(b, data, func() {
			out = out[:0]
			for i := range rows {
				r := &rows[i]
				out = strconv.AppendInt(append(out, `{"auction":`...), r.auction, 10)
				out = strconv.AppendInt(append(out, `,"bidder":`...), r.bidder, 10)
				out = strconv.AppendInt(append(out, `,"price":`...), r.price, 10)
				out = append(append(out, `,"channel":"`...), r.channel...)
				out = append(append(out, `","url":"`...), r.url...)
				out = strconv.AppendInt(append(out, `","date_time":`...), r.at, 10)
				out = append(append(out, `,"extra":"`...), r.extra...)
				out = append(out, "\"}\n"...)
			}
		})
		if !bytes.Equal(out, data) {
			b.Fatal("the hand-written loop writes something else")
		}
	})
	b.Run("jsonv2", func(b *testing.B) {
		rows := make([]bid, benchRows)
		for i, line := range bytes.SplitAfter(data, newline)[:benchRows] {
			if err := jsonv2.Unmarshal(line, &rows[i]); err != nil {
				b.Fatal(err)
			}
		}
		perRow(b, data, func() {
			for i := range rows {
				if _, err := jsonv2.Marshal(&rows[i]); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func benchEncode(b *testing.B, name string, settings map[string]any, schema value.Schema, data []byte) {
	s := find(b, name)
	d, err := s.Decoder(DecodeOptions{Settings: settingsOf(s, settings), Schema: schema})
	if err != nil {
		b.Fatal(err)
	}
	e, err := s.Encoder(EncodeOptions{Settings: settingsOf(s, settings), Schema: schema})
	if err != nil {
		b.Fatal(err)
	}
	head, err := d.Header(data, true)
	if err != nil {
		b.Fatal(err)
	}
	batch := value.NewBatch(schema)
	if _, err := d.Decode(data[head:], true, batch, benchRows, nil); err != nil {
		b.Fatal(err)
	}
	var out []byte
	perRow(b, data, func() {
		if out, err = e.Append(out[:0], batch, batch.Rows(), nil); err != nil {
			b.Fatal(err)
		}
	})
	if !bytes.Equal(out, data[head:]) {
		b.Fatal("written differently than read")
	}
}

// flightSchema is nycflights13: numbers that may be NA, short texts, one time.
var flightSchema = func() (s value.Schema) {
	for _, name := range []string{"year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay", "carrier", "flight", "tailnum",
		"origin", "dest", "air_time", "distance", "hour", "minute", "time_hour"} {
		t := value.Of(value.Int)
		switch name {
		case "dep_time", "dep_delay", "arr_time", "arr_delay", "air_time":
			t = t.Null()
		case "carrier", "origin", "dest":
			t = value.Of(value.String)
		case "tailnum":
			t = value.Of(value.String).Null()
		case "time_hour":
			t = value.Of(value.Timestamp)
		}
		s.Fields = append(s.Fields, value.Field{Name: name, Type: t})
	}
	return s
}()

func flights() (data []byte) {
	r := rand.New(rand.NewPCG(1, 2))
	for i, f := range flightSchema.Fields {
		if i > 0 {
			data = append(data, ',')
		}
		data = append(data, f.Name...)
	}
	data = append(data, '\n')
	for i := range benchRows {
		hour := 5 + i/60%19
		data = fmt.Appendf(data, "2013,1,%d,%d,%d,%d,%d,%d,", 1+i/900, hour*100+i%60, hour*100+i%60, r.IntN(60)-10, hour*100+200+i%60, hour*100+200+i%60)
		if i%50 == 0 {
			data = append(data, "NA"...)
		} else {
			data = fmt.Appendf(data, "%d", r.IntN(90)-20)
		}
		data = fmt.Appendf(data, ",UA,%d,N%d,EWR,IAH,%d,%d,%d,%d,2013-01-01T%02d:00:00Z\n", 1+r.IntN(3000), 10000+r.IntN(20000), 60+r.IntN(300), 200+r.IntN(2000), hour, i%60, hour)
	}
	return data
}

func BenchmarkDecodeCSVFlight(b *testing.B) {
	data := flights()
	na := map[string]any{"null": "NA"}
	b.Run("lanes", func(b *testing.B) { benchDecode(b, "csv", na, flightSchema, nil, data) })
	b.Run("lanes4columns", func(b *testing.B) {
		f := flightSchema.Fields
		benchDecode(b, "csv", na, value.Schema{Fields: []value.Field{f[8], f[9], f[18], f[3]}}, nil, data)
	})
	body := data[bytes.IndexByte(data, '\n')+1:]
	b.Run("hand", func(b *testing.B) {
		var rows [benchRows][19][]byte
		perRow(b, body, func() { handFlights(body, rows[:]) })
	})
	b.Run("encoding", func(b *testing.B) {
		perRow(b, body, func() {
			c := csv.NewReader(bytes.NewReader(body))
			c.ReuseRecord = true
			for {
				if _, err := c.Read(); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

// handFlights only finds the fields and the whole numbers among them: the limit without quotes, nulls and times.
func handFlights(data []byte, rows [][19][]byte) (sum int64) {
	for i := range rows {
		for k := range rows[i] {
			n := 0
			var number int64
			for data[n] != ',' && data[n] != '\n' {
				number = number*10 + int64(data[n]-'0')
				n++
			}
			rows[i][k] = data[:n]
			sum += number
			data = data[n+1:]
		}
	}
	return sum
}

func BenchmarkEncodeCSVFlight(b *testing.B) {
	data := flights()
	benchEncode(b, "csv", map[string]any{"null": "NA"}, flightSchema, data)
}

// BenchmarkJSONWide reads what bids lack: floats, times, decimals, nulls, bools, lists and a nested record.
func BenchmarkJSONWide(b *testing.B) {
	inner := value.Type{Kind: value.Record, Fields: []value.Field{{Name: "lat", Type: value.Of(value.Float)}, {Name: "lon", Type: value.Of(value.Float)}}}
	schema := value.Schema{Fields: []value.Field{
		{Name: "at", Type: value.Of(value.Timestamp)}, {Name: "amount", Type: value.DecimalOf(12, 2)}, {Name: "ratio", Type: value.Of(value.Float)},
		{Name: "ok", Type: value.Of(value.Bool)}, {Name: "note", Type: value.Of(value.String).Null()}, {Name: "tags", Type: value.ListOf(value.Of(value.String))},
		{Name: "place", Type: inner},
	}}
	r := rand.New(rand.NewPCG(1, 2))
	var data []byte
	for i := range benchRows {
		note := "null"
		if i%2 == 0 {
			note = `"größer"`
		}
		data = fmt.Appendf(data, `{"at":"2026-01-01T00:%02d:%02d.%03dZ","amount":%d.%02d,"ratio":0.%d,"ok":true,"note":%s,"tags":["a","bc"],"place":{"lat":%d.%d5,"lon":-0.%d5}}`+"\n",
			i/60%60, i%60, 100+i%899, r.IntN(10000), r.IntN(100), 1+10*r.IntN(100000), note, 1+r.IntN(90), r.IntN(100000), 1+r.IntN(1000))
	}
	b.Run("decode", func(b *testing.B) { benchDecode(b, "json", nil, schema, nil, data) })
	s := find(b, "json")
	d, _ := s.Decoder(DecodeOptions{Settings: settingsOf(s, nil), Schema: schema})
	e, _ := s.Encoder(EncodeOptions{Schema: schema})
	batch := value.NewBatch(schema)
	if n, err := d.Decode(data, true, batch, benchRows, nil); n != len(data) || err != nil {
		b.Fatal(n, err)
	}
	var out []byte
	b.Run("encode", func(b *testing.B) {
		perRow(b, data, func() {
			out, _ = e.Append(out[:0], batch, batch.Rows(), nil)
		})
	})
}
