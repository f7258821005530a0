// Package nexmark makes the events of the Nexmark benchmark (Tucker, Tufte, Papadimos and Maier, NEXMark: A Benchmark for Queries over Data Streams, 2008) with the
// proportions, hot keys, sizes and steps of time that the generators of Apache Beam and Flink share: of 50 events one is a person, three are auctions and 46 bids.
//
// Every value is a function of the seed, the number of its event and its column. So any row can be made without the ones before it, a column costs nothing while nobody
// wants it, and runs over the same seed agree at any parallelism.
//
//	nexmark.go  Kind and its columns; Generator: from numbers of rows to batches
//	number.go   numbers: ids, prices, times
//	text.go     texts: views into tables that are made once
package nexmark

import (
	"fmt"

	"pipec/vm/value"
)

// Kind is one of the three kinds of events.
type Kind uint8

// The kinds.
const (
	Bids Kind = iota
	Auctions
	People
)

// Parse finds a kind by the word of the language.
func Parse(word string) (Kind, bool) {
	for k := Bids; k <= People; k++ {
		if k.String() == word {
			return k, true
		}
	}
	return Bids, false
}

// String is the word of the language.
func (k Kind) String() string { return [...]string{"bids", "auctions", "people"}[k] }

// Of each epoch of 50 events the first is a person, the next three are auctions, the rest are bids.
const (
	epochEvents   = 50
	epochPeople   = 1
	epochAuctions = 3
	epochBids     = epochEvents - epochPeople - epochAuctions
)

// place is where in an epoch the events of a kind lie.
func (k Kind) place() (first, each uint64) {
	switch k {
	case People:
		return 0, epochPeople
	case Auctions:
		return epochPeople, epochAuctions
	}
	return epochPeople + epochAuctions, epochBids
}

// Rows is how many of the first so many events are of the kind.
func (k Kind) Rows(events uint64) uint64 {
	first, each := k.place()
	rest := events % epochEvents
	rest -= min(rest, first)
	return events/epochEvents*each + min(rest, each)
}

// Share is the part of all events that is of the kind.
func (k Kind) Share() float64 {
	_, each := k.place()
	return float64(each) / epochEvents
}

// Columns are the columns of a kind.
func (k Kind) Columns() []value.Field {
	field := func(kind value.Kind, names ...string) (fields []value.Field) {
		for _, n := range names {
			fields = append(fields, value.Field{Name: n, Type: value.Of(kind)})
		}
		return fields
	}
	join := func(parts ...[]value.Field) (fields []value.Field) {
		for _, p := range parts {
			fields = append(fields, p...)
		}
		return fields
	}
	switch k {
	case People:
		return join(field(value.Int, "id"), field(value.String, "name", "email", "credit_card", "city", "state"), field(value.Timestamp, "at"), field(value.String, "extra"))
	case Auctions:
		return join(field(value.Int, "id"), field(value.String, "item_name", "description"), field(value.Int, "initial_bid", "reserve"),
			field(value.Timestamp, "at", "expires"), field(value.Int, "seller", "category"), field(value.String, "extra"))
	}
	return join(field(value.Int, "auction", "bidder", "price"), field(value.String, "channel", "url"), field(value.Timestamp, "at"), field(value.String, "extra"))
}

// Run is one run of the benchmark: sources of the same run see each other's people and auctions.
type Run struct {
	Seed  int64
	Start int64 // event time of event 0, microseconds
	Step  int64 // event time between two events, nanoseconds; at least 1
}

// MaxEvents is how many events fit a run before event time would leave its range.
func (r Run) MaxEvents() uint64 { return 1 << 62 / uint64(max(r.Step, 1)) }

// Generator makes the rows of one kind. It has memory of its own and belongs to one reader.
type Generator struct {
	run   Run
	base  uint64
	first uint64
	each  uint64
	fill  []func(*Generator, *value.Vec) // by column
	texts *texts
	event []uint64 // number of each row's event
	runs  []run
}

// run is rows of one epoch, up to but not including row to: what depends on the epoch only is computed once for them.
type run struct {
	to    int
	epoch uint64
}

// New makes a generator of the named columns, in their order.
func New(run Run, kind Kind, columns []string) (*Generator, error) {
	g := &Generator{run: run, base: scramble(uint64(run.Seed)), texts: &texts{seed: scramble(uint64(run.Seed) + 1)}}
	g.first, g.each = kind.place()
	makers := [...]map[string]func(*Generator, *value.Vec){Bids: bidMakers(), Auctions: auctionMakers(), People: personMakers()}[kind]
	for _, name := range columns {
		f := makers[name]
		if f == nil {
			return nil, fmt.Errorf("%s have no column %q", kind, name)
		}
		g.fill = append(g.fill, f)
	}
	return g, nil
}

// Fill makes n rows of the columns that b has: the first is number row of its kind, and each is by rows behind the one before.
func (g *Generator) Fill(b *value.Batch, row, by uint64, n int) {
	b.Reset(n)
	g.number(row, by, n)
	for i, c := range b.Cols {
		if c != nil {
			g.fill[i](g, c)
		}
	}
}

// number finds the events of the rows, and their epochs, which are counted along instead of divided for.
func (g *Generator) number(row, by uint64, n int) {
	if cap(g.event) < n {
		g.event = make([]uint64, n)
	}
	g.event, g.runs = g.event[:n], g.runs[:0]
	epoch, offset := row/g.each, row%g.each
	for i := 0; i < n; {
		g.runs = append(g.runs, run{epoch: epoch})
		for first := epoch*epochEvents + g.first; i < n && offset < g.each; i++ {
			g.event[i] = first + offset
			offset += by
		}
		g.runs[len(g.runs)-1].to = i
		epoch, offset = epoch+offset/g.each, offset%g.each
	}
}
