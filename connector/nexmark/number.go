package nexmark

import (
	"math"

	"pipec/vm/value"
)

// Ids begin where those of Beam and Flink do, so that queries over constants find the same keys.
const (
	firstID       = 1000
	firstCategory = 10
	categories    = 5
)

// Hot keys: every hotEvery-th auction, seller and bidder is hot until the next one is; the newest in-flight auctions and active people share what is left, and some ids
// are used a little before they exist.
const (
	hotEvery       = 100
	inFlight       = 100
	activePeople   = 1000
	lead           = 10
	hotSellersOf   = 4 // 1 - 1/4 of the auctions are the hot seller's
	horizon        = inFlight * epochEvents / epochAuctions
	microsPerMilli = 1000
	nanosPerMilli  = 1_000_000
	golden         = 0x9e3779b97f4a7c15
)

// The kinds of draws.
const (
	bidDraw uint64 = iota
	priceDraw
	channelDraw
	extraDraw
	auctionDraw
	reserveDraw
	expiresDraw
	nameDraw
	descriptionDraw
	personDraw
	emailDraw
	cardDraw
)

// scramble is the finalizer of SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014): all bits of the result depend on all bits of x.
func scramble(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// draw is the random bits of one kind for an event.
func (g *Generator) draw(event, kind uint64) uint64 {
	return scramble(g.base + event*golden + kind<<56)
}

// below is a number below n, from 24 bits of a draw at a shift.
func below(draw uint64, shift uint, n uint64) uint64 { return (draw >> shift & (1<<24 - 1)) * n >> 24 }

// choose is a if mask is all ones, b if it is zero: what a coin decides must not be a branch.
func choose(mask, a, b uint64) uint64 { return b ^ (a^b)&mask }

// lastPerson and lastAuction are the newest ids, counted from 0, when an event happens. Auctions of the event's own epoch exist for bids only; an auction is its own.
func lastPerson(event uint64) uint64 { return event / epochEvents }

func lastAuction(event uint64) uint64 {
	return event/epochEvents*epochAuctions + min(event%epochEvents-epochPeople, epochAuctions-1)
}

// person is a random one of the newest, or one that comes soon.
func person(draw uint64, shift uint, event uint64) uint64 {
	people := lastPerson(event) + 1
	active := min(people, activePeople)
	return people - active + below(draw, shift, active+lead)
}

func bidMakers() map[string]func(*Generator, *value.Vec) {
	return map[string]func(*Generator, *value.Vec){
		"auction": (*Generator).bidAuction, "bidder": (*Generator).bidBidder, "price": (*Generator).bidPrice,
		"channel": (*Generator).bidChannel, "url": (*Generator).bidURL, "at": (*Generator).at, "extra": (*Generator).bidExtra,
	}
}

// bidAuction: half of the bids are for the hot auction.
func (g *Generator) bidAuction(v *value.Vec) {
	from := 0
	for _, run := range g.runs {
		last := run.epoch*epochAuctions + epochAuctions - 1
		hot := last/hotEvery*hotEvery + firstID
		least := last - min(last, inFlight)
		span := last - least + 1 + lead
		lane := v.I64[from:run.to]
		for i, e := range g.event[from:run.to] {
			d := g.draw(e, bidDraw)
			lane[i] = int64(choose(-(d >> 63), hot, least+firstID+below(d, 0, span)))
		}
		from = run.to
	}
}

// bidBidder: three of four bids are the hot bidder's, who is the one after the hot seller.
func (g *Generator) bidBidder(v *value.Vec) {
	from := 0
	for _, run := range g.runs {
		people := run.epoch + 1
		hot := run.epoch/hotEvery*hotEvery + 1 + firstID
		active := min(people, activePeople)
		least := people - active + firstID
		lane := v.I64[from:run.to]
		for i, e := range g.event[from:run.to] {
			d := g.draw(e, bidDraw)
			lane[i] = int64(choose(-((d>>61 | d>>62) & 1), hot, least+below(d, 32, active+lead)))
		}
		from = run.to
	}
}

// powers hold 10^(6u) in three factors, by the bits of u from the highest on; the third is linear, which is exact to ten digits.
var powers = func() (t struct{ high, low [1 << 10]float64 }) {
	for i := range t.high {
		t.high[i] = 100 * math.Pow(10, 6*float64(i)/(1<<10))
		t.low[i] = math.Pow(10, 6*float64(i)/(1<<20))
	}
	return t
}()

// price is 100 * 10^(6u), rounded: from one dollar to a million, evenly over the orders of magnitude, in cents. The conversions keep each product from being fused with the
// sum behind it, which would round otherwise on some machines.
func price(draw uint64) int64 {
	rest := 1 + float64(float64(draw>>14&(1<<30-1))*(6*math.Ln10/(1<<50)))
	return int64(float64(float64(powers.high[draw>>54]*powers.low[draw>>44&(1<<10-1)])*rest) + 0.5)
}

func (g *Generator) bidPrice(v *value.Vec) {
	lane := v.I64[:len(g.event)]
	for i, e := range g.event {
		lane[i] = price(g.draw(e, priceDraw))
	}
}

// at is the event time: whole milliseconds, as in the benchmark.
func (g *Generator) at(v *value.Vec) {
	lane := v.I64[:len(g.event)]
	for i, e := range g.event {
		lane[i] = g.time(e)
	}
}

func (g *Generator) time(event uint64) int64 {
	return g.run.Start + int64(event*uint64(g.run.Step)/nanosPerMilli)*microsPerMilli
}

func auctionMakers() map[string]func(*Generator, *value.Vec) {
	return map[string]func(*Generator, *value.Vec){
		"id": (*Generator).auctionID, "item_name": (*Generator).auctionName, "description": (*Generator).auctionDescription, "initial_bid": (*Generator).auctionInitial,
		"reserve": (*Generator).auctionReserve, "at": (*Generator).at, "expires": (*Generator).auctionExpires, "seller": (*Generator).auctionSeller,
		"category": (*Generator).auctionCategory, "extra": (*Generator).auctionExtra,
	}
}

func (g *Generator) auctionID(v *value.Vec) {
	for i, e := range g.event {
		v.I64[i] = int64(lastAuction(e) + firstID)
	}
}

func (g *Generator) auctionInitial(v *value.Vec) {
	for i, e := range g.event {
		v.I64[i] = price(g.draw(e, priceDraw))
	}
}

func (g *Generator) auctionReserve(v *value.Vec) {
	for i, e := range g.event {
		v.I64[i] = price(g.draw(e, priceDraw)) + price(g.draw(e, reserveDraw))
	}
}

// auctionExpires: on average an auction lasts until as many have begun after it as are in flight at once.
func (g *Generator) auctionExpires(v *value.Vec) {
	for i, e := range g.event {
		at := g.time(e)
		length := uint64(g.time(e+horizon)-at) / microsPerMilli
		v.I64[i] = at + int64(1+g.draw(e, expiresDraw)>>32*max(2*length, 1)>>32)*microsPerMilli
	}
}

func (g *Generator) auctionSeller(v *value.Vec) {
	for i, e := range g.event {
		d := g.draw(e, auctionDraw)
		seller := lastPerson(e) / hotEvery * hotEvery
		if d>>62%hotSellersOf == 0 {
			seller = person(d, 0, e)
		}
		v.I64[i] = int64(seller + firstID)
	}
}

func (g *Generator) auctionCategory(v *value.Vec) {
	for i, e := range g.event {
		v.I64[i] = int64(firstCategory + below(g.draw(e, auctionDraw), 32, categories))
	}
}

func (g *Generator) personID(v *value.Vec) {
	for i, e := range g.event {
		v.I64[i] = int64(lastPerson(e) + firstID)
	}
}
