package nexmark

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"sync"

	"pipec/vm/value"
)

// Texts of bids are views into tables that are made once per generator: a bid's channel and address are one of 10,004, its extra text is a piece of a long random one,
// as in the benchmark's own generators.
const (
	hotChannels  = 4
	coldChannels = 10_000
	longText     = 1 << 16
	slack        = 16 // behind a table, for reading words
)

// The average size of an event in bytes, of which the text `extra` is what the other columns leave; and what numbers count as.
const (
	bidSize     = 100
	auctionSize = 500
	personSize  = 200
	numberSize  = 8
)

// texts are the tables of a generator, each made when it is first needed.
type texts struct {
	seed    uint64
	letters []byte // random letters
	words   []byte // random letters with blanks
	channel []value.View
	address []value.View // into block
	block   []byte
	once    [3]sync.Once
}

// random is a sequence of draws, for tables.
type random struct{ state uint64 }

func (r *random) below(n uint64) uint64 {
	r.state += golden
	hi, _ := bits.Mul64(scramble(r.state), n)
	return hi
}

// long makes a long text of random letters; one of thirteen characters is the blank, if there is one.
func (t *texts) long(salt uint64, blank byte) []byte {
	r := random{t.seed + salt}
	text := make([]byte, longText+slack)
	for i := range text {
		text[i] = 'a' + byte(r.below(26))
		if blank != 0 && r.below(13) == 0 {
			text[i] = blank
		}
	}
	return text
}

func (t *texts) someLetters() []byte {
	t.once[0].Do(func() { t.letters = t.long(1<<40, 0) })
	return t.letters
}

func (t *texts) someWords() []byte {
	t.once[1].Do(func() { t.words = t.long(2<<40, ' ') })
	return t.words
}

// channels makes the channels and their addresses: three folders of three or four letters, and for nine of ten of the cold ones the number of the channel.
func (t *texts) channels() {
	t.once[2].Do(func() {
		r := random{t.seed + 3<<40}
		t.channel, t.address = make([]value.View, hotChannels+coldChannels), make([]value.View, hotChannels+coldChannels)
		t.block = make([]byte, 0, 80*len(t.address))
		for i := range t.channel {
			cold := i - hotChannels
			var name []byte
			if cold < 0 {
				name = []byte([...]string{"Google", "Facebook", "Baidu", "Apple"}[i])
			} else {
				name = strconv.AppendInt([]byte("channel-"), int64(cold), 10)
			}
			t.channel[i] = value.MakeView(name, 0, 0)
			off := len(t.block)
			t.block = append(t.block, "https://www.nexmark.com/"...)
			for range 3 {
				t.block = append(t.folder(t.block, &r), '/')
			}
			t.block = append(t.block, "item.htm?query=1"...)
			if cold >= 0 && r.below(10) > 0 {
				number := int64(int32(bits.Reverse32(uint32(cold))))
				t.block = strconv.AppendInt(append(t.block, "&channel_id="...), max(number, -number), 10)
			}
			t.address[i] = value.MakeView(t.block[off:], 0, uint32(off))
		}
	})
}

func (t *texts) folder(dst []byte, r *random) []byte {
	for range 3 + r.below(2) {
		c := 'a' + byte(r.below(26))
		if r.below(13) == 0 {
			c = '_'
		}
		dst = append(dst, c)
	}
	return dst
}

// channelOf is the number of a bid's channel: half of the bids come over one of the hot ones.
func channelOf(draw uint64) uint64 {
	return choose(-(draw >> 63), draw>>61&(hotChannels-1), hotChannels+below(draw, 0, coldChannels))
}

func (g *Generator) bidChannel(v *value.Vec) {
	g.texts.channels()
	lane, table := v.View[:len(g.event)], g.texts.channel
	for i, e := range g.event {
		lane[i] = table[channelOf(g.draw(e, channelDraw))]
	}
}

func (g *Generator) bidURL(v *value.Vec) {
	g.texts.channels()
	v.AddBuf(g.texts.block)
	lane, table := v.View[:len(g.event)], g.texts.address
	for i, e := range g.event {
		lane[i] = table[channelOf(g.draw(e, channelDraw))]
	}
}

// piece makes row i of v, whose only block is text, a piece of it. Slack follows the text.
func piece(v *value.Vec, i int, text []byte, off, n uint64) {
	v.View[i].Put(binary.LittleEndian.Uint64(text[off:]), binary.LittleEndian.Uint32(text[off+8:]), int(n), 0, uint32(off))
}

// extra is where the extra text of an event lies and how long it is: so long that the event has its average size, plus or minus a fifth of that.
func extra(draw uint64, size, average uint64) (off, n uint64) {
	if size > average {
		return 0, 0
	}
	rest := average - size
	delta := (2*rest + 5) / 10
	if n = rest - delta; delta > 0 {
		n += below(draw, 0, 2*delta)
	}
	return draw >> 32 * (longText - 2*auctionSize) >> 32, n
}

func (g *Generator) bidExtra(v *value.Vec) {
	text := g.texts.someLetters()
	v.AddBuf(text)
	for i, e := range g.event {
		off, n := extra(g.draw(e, extraDraw), 4*numberSize, bidSize)
		piece(v, i, text, off, n)
	}
}

// words is a piece of random text of three up to most characters, trimmed.
func words(text []byte, draw uint64, most uint64) (off, n uint64) {
	const least = 3
	off, n = draw>>32*(longText-auctionSize)>>32, least+below(draw, 0, most-least)
	for n > 0 && text[off] == ' ' {
		off, n = off+1, n-1
	}
	for n > 0 && text[off+n-1] == ' ' {
		n--
	}
	return off, n
}

const (
	nameLength        = 20
	descriptionLength = 100
)

func (g *Generator) auctionName(v *value.Vec) { g.auctionWords(v, nameDraw, nameLength) }

func (g *Generator) auctionDescription(v *value.Vec) {
	g.auctionWords(v, descriptionDraw, descriptionLength)
}

func (g *Generator) auctionWords(v *value.Vec, kind, most uint64) {
	text := g.texts.someWords()
	v.AddBuf(text)
	for i, e := range g.event {
		off, n := words(text, g.draw(e, kind), most)
		piece(v, i, text, off, n)
	}
}

func (g *Generator) auctionExtra(v *value.Vec) {
	text, some := g.texts.someLetters(), g.texts.someWords()
	v.AddBuf(text)
	for i, e := range g.event {
		_, name := words(some, g.draw(e, nameDraw), nameLength)
		_, description := words(some, g.draw(e, descriptionDraw), descriptionLength)
		off, n := extra(g.draw(e, extraDraw), 6*numberSize+name+description, auctionSize)
		piece(v, i, text, off, n)
	}
}

func personMakers() map[string]func(*Generator, *value.Vec) {
	return map[string]func(*Generator, *value.Vec){
		"id": (*Generator).personID, "name": of(personName), "email": of((*Generator).personEmail), "credit_card": of(personCard),
		"city": of(personCity), "state": of(personState), "at": (*Generator).at, "extra": (*Generator).personExtra,
	}
}

// of makes a column of texts that are written one by one: one of fifty events is a person.
func of(text func(g *Generator, event uint64, dst []byte) []byte) func(*Generator, *value.Vec) {
	return func(g *Generator, v *value.Vec) {
		var buf [64]byte
		for i, e := range g.event {
			v.SetText(i, text(g, e, buf[:0]))
		}
	}
}

var (
	firstNames = [...]string{"Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"}
	lastNames  = [...]string{"Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"}
	cities     = [...]string{"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"}
	states     = [...]string{"AZ", "CA", "ID", "OR", "WA", "WY"}
)

func personName(g *Generator, e uint64, dst []byte) []byte {
	d := g.draw(e, personDraw)
	dst = append(append(dst, firstNames[below(d, 0, uint64(len(firstNames)))]...), ' ')
	return append(dst, lastNames[below(d, 24, uint64(len(lastNames)))]...)
}

func (g *Generator) personEmail(e uint64, dst []byte) []byte {
	text, d := g.texts.someWords(), g.draw(e, emailDraw)
	off, n := words(text, d, 7)
	dst = append(append(dst, text[off:off+n]...), '@')
	off, n = words(text, scramble(d), 5)
	return append(append(dst, text[off:off+n]...), ".com"...)
}

func personCard(g *Generator, e uint64, dst []byte) []byte {
	d := g.draw(e, cardDraw)
	for i := range 4 {
		if i > 0 {
			dst = append(dst, ' ')
		}
		n := d >> (16 * i) & 0xffff * 10_000 >> 16
		dst = append(dst, '0'+byte(n/1000), '0'+byte(n/100%10), '0'+byte(n/10%10), '0'+byte(n%10))
	}
	return dst
}

func personCity(g *Generator, e uint64, dst []byte) []byte {
	return append(dst, cities[below(scramble(g.draw(e, personDraw)), 0, uint64(len(cities)))]...)
}

func personState(g *Generator, e uint64, dst []byte) []byte {
	return append(dst, states[below(scramble(g.draw(e, personDraw)), 24, uint64(len(states)))]...)
}

func (g *Generator) personExtra(v *value.Vec) {
	text := g.texts.someLetters()
	v.AddBuf(text)
	for i, e := range g.event {
		var buf [64]byte
		size := numberSize
		for _, f := range [...]func(*Generator, uint64, []byte) []byte{personName, (*Generator).personEmail, personCard, personCity, personState} {
			size += len(f(g, e, buf[:0]))
		}
		off, n := extra(g.draw(e, extraDraw), uint64(size), personSize)
		piece(v, i, text, off, n)
	}
}
