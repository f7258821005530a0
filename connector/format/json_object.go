package format

import (
	"bytes"
	"fmt"
	"strings"

	"pipec/connector/format/swar"
	"pipec/vm/value"
)

// object is what the keys of a JSON object mean: the record itself, a nested record, or a step of a path like "source.ts_ms".
//
// Writers put keys in the same order and with the same blanks time after time. So every member remembers which one followed it last, and how it was
// written: from the comma in front of it to the first byte of its value. That guess is compared as two words; the look-up by name is for when it fails.
type object struct {
	members []member // 0 stands in front of the first key, 1 for all keys that are not worth remembering; they have no text
	names   map[string]int
	known   int    // number of members that fill columns
	turn    uint64 // grows with each object that is read
	unusual int    // number of members whose text is not the usual one
}

// The members that are no keys.
const (
	front = iota
	stranger
	keys
)

// maxMembers bounds the keys that are remembered although no column wants them.
const maxMembers = 256

// member is a key.
type member struct {
	usual        string // `,"key":`, as the encoder writes it; "" for a key that is no column
	word0, word1 uint64 // the first 16 bytes of text
	mask0, mask1 uint64 // and which bits of them count
	text         []byte // `,"key":` as it was written last; its first byte counts for nothing
	next         int    // the member that followed last time
	turn         uint64 // of the object in which it was seen last
	fills        int    // 1 if a column is filled from it
	fast         fast
	simple       *column // the one column that is filled from the value, if there is nothing else to it
	column       *column // the first of those that are filled
	below        *object // what is read of the object that the value is
}

// fast is the way to read the value of a member.
type fast uint8

const (
	anyWay   fast = iota // none, several columns, or a step of a path
	oneValue             // one column
	fastInt              // one column of whole numbers
	fastText             // one column of any text
	fastTime             // one column of times
)

func fastOf(c *column) fast {
	switch {
	case c.kind == value.Int || c.kind == value.Duration:
		return fastInt
	case c.kind == value.String && c.words == nil:
		return fastText
	case c.kind == value.Timestamp:
		return fastTime
	}
	return oneValue
}

func newObject() *object {
	return &object{members: make([]member, keys, keys+8), names: map[string]int{}}
}

// add gives the member of the key. The pointer is valid until the next call.
func (o *object) add(name string) *member {
	if k, ok := o.names[name]; ok {
		return &o.members[k]
	}
	k := len(o.members)
	o.names[name] = k
	usual := string(append(appendQuoted([]byte{','}, []byte(name)), ':'))
	o.members = append(o.members, member{usual: usual, text: []byte(usual)})
	o.learn(&o.members[k], []byte(usual))
	// The first guess is the order of the schema.
	if k == keys {
		o.members[front].next = k
	} else {
		o.members[k-1].next = k
	}
	return &o.members[k]
}

// learn takes the text for the way the key is written.
func (o *object) learn(m *member, text []byte) {
	if m.usual != "" && string(m.text) == m.usual {
		o.unusual++
	}
	m.text = append(m.text[:0], text...)
	m.text[0] = ',' // whatever the sign was
	if string(m.text) == m.usual {
		o.unusual--
	}
	var words, mask [16]byte
	words[0], mask[0] = ',', 0xff
	for i := 1; i < min(len(m.text), len(words)); i++ {
		words[i], mask[i] = m.text[i], 0xff
	}
	m.word0, m.word1 = swar.Load(words[:], 0), swar.Load(words[:], 8)
	m.mask0, m.mask1 = swar.Load(mask[:], 0), swar.Load(mask[:], 8)
}

// addColumn says that a column is read from the key.
func (o *object) addColumn(name string, c *column) {
	m := o.add(name)
	o.known += 1 - m.fills
	m.fills = 1
	c.also = m.column
	m.column, m.simple, m.fast = c, nil, anyWay
	if c.also == nil && m.below == nil {
		m.simple, m.fast = c, fastOf(c)
	}
}

// addPath says that a column is read from the key, and, if it has dots, also from the objects that it leads through.
func (o *object) addPath(path string, c *column) {
	head, tail, nested := strings.Cut(path, ".")
	if !nested || head == "" || tail == "" {
		o.addColumn(path, c)
		return
	}
	m := o.add(head)
	if m.below == nil {
		m.below = newObject()
	}
	o.known += 1 - m.fills
	m.fills, m.simple, m.fast = 1, nil, anyWay
	m.below.addPath(tail, c)
}

// matches says whether the first 16 bytes of m's text stand at i, and rest whether the others do; without a text they do not. turned is
// what makes the comma in front of a key the sign that stands there.
func (m *member) matches(data []byte, i int, turned uint64) bool {
	return i+16 <= len(data) && (swar.Load(data, i)^m.word0^turned)&m.mask0|(swar.Load(data, i+8)^m.word1)&m.mask1 == 0
}

func (m *member) rest(data []byte, i int) bool {
	end := i + len(m.text)
	return len(m.text) > 16 && end <= len(data) && string(data[i+16:end]) == string(m.text[16:])
}

// object reads the object whose brace is at i and gives where it ends, or -1.
func (d *jsonDecoder) object(o *object, i, row int) int {
	data := d.data
	o.turn++
	d.depth++
	found, at, next := 0, front, keys
	sign, turned := byte('{'), uint64('{'^',')
	for {
		k := o.members[at].next
		m := &o.members[k]
		if m.matches(data, i, turned) && (uint(len(m.text)-1) < 16 || m.rest(data, i)) {
			i += len(m.text)
		} else if i < len(data) && data[i] == '}' && sign == ',' {
			d.odd |= next ^ (keys + o.known) | o.unusual
			return d.closed(o, i+1, row, found)
		} else {
			d.odd = 1
			if i, k = d.key(o, i, sign); k == front {
				if i < 0 {
					return -1
				}
				return d.closed(o, i, row, found)
			}
			o.members[at].next = k
			m = &o.members[k]
		}
		d.odd |= k ^ next
		at, next, sign, turned = k, k+1, ',', 0
		if m.turn != o.turn {
			m.turn = o.turn
			found += m.fills
		}
		// The two commonest values are read here: a call less is a tenth of the time of a row.
		c := m.simple
		switch m.fast {
		case fastInt:
			if n, end := swar.Int(data, i); end > 0 && plainInt(data, i, end) {
				c.setInt(row, n)
				if n == 0 {
					d.odd |= end - i - 1 // -0
				}
				i = end
				continue
			}
			i = d.valueOrOdd(c, i, row)
		case fastText:
			if i < len(data) && data[i] == '"' {
				if end := swar.StringStop(data, i+1); end < len(data) && data[end] == '"' {
					c.setView(row, data, i+1, end)
					i = end + 1
					continue
				}
			}
			i = d.valueOrOdd(c, i, row)
		case oneValue, fastTime:
			i = d.valueOrOdd(c, i, row)
		default:
			d.odd = 1
			i = d.several(m, i, row)
		}
		if i < 0 {
			return -1
		}
	}
}

// key reads the sign at i and the key behind it the long way and gives where its value begins, and its member. It gives front for the end of the
// object, which is next, and for what is wrong.
func (d *jsonDecoder) key(o *object, i int, sign byte) (next, k int) {
	data := d.data
	if i = blanks(data, i); i < len(data) && data[i] == '}' && sign == ',' {
		return i + 1, front
	}
	if i >= len(data) || data[i] != sign {
		return d.malformed(i, `"," or "}"`), front
	}
	from := i
	if i = blanks(data, i+1); i < len(data) && data[i] == '}' && sign == '{' {
		return i + 1, front
	}
	if i >= len(data) || data[i] != '"' {
		return d.malformed(i, "a key in quotes"), front
	}
	end, plain := d.str(data, i+1)
	if end < 0 {
		return -1, front
	}
	name := data[i+1 : end]
	if !plain {
		d.text = unescape(d.text[:0], name)
		name = d.text
	}
	if i = blanks(data, end+1); i >= len(data) || data[i] != ':' {
		return d.malformed(i, `":"`), front
	}
	i = blanks(data, i+1)
	k, ok := o.names[string(name)]
	switch {
	case ok:
	case d.strict:
		d.code, d.wrong = codeUnreadable, fmt.Sprintf("key %s is no column (unknown = error)", quoted(name))
		return -1, front
	case len(o.members) < maxMembers:
		k = len(o.members)
		o.names[string(name)] = k
		o.members = append(o.members, member{})
	default:
		return i, stranger
	}
	if m := &o.members[k]; !bytes.Equal(m.text[min(1, len(m.text)):], data[from+1:i]) {
		o.learn(m, data[from:i])
	}
	return i, k
}

// several reads the value at i for a member that is not one simple column: none, or more, or a step of a path.
func (d *jsonDecoder) several(m *member, i, row int) (end int) {
	if i = blanks(d.data, i); m.fills == 0 {
		if i < len(d.data) && d.data[i] != '{' && d.data[i] != '[' {
			return d.scalar(i)
		}
		return d.skip(i)
	}
	for c := m.column; c != nil; c = c.also {
		if end = d.value(c, i, row); end < 0 {
			return -1
		}
	}
	if m.below == nil {
		return end
	}
	data := d.data
	if i < len(data) && data[i] == '{' {
		return d.object(m.below, i, row)
	}
	if end = d.skip(i); end < 0 {
		return -1
	}
	if data[i] != 'n' {
		c := m.below.first()
		d.code = codeKind
		d.wrong = fmt.Sprintf("%s: found %s, expected an object that holds it", c.label, clip(data[i:end]))
		return -1
	}
	m.below.turn++
	if d.missing(m.below, row) {
		return end
	}
	return -1
}

// first is a column that is read from the object.
func (o *object) first() *column {
	for i := range o.members {
		if m := &o.members[i]; m.column != nil {
			return m.column
		} else if m.below != nil {
			return m.below.first()
		}
	}
	return nil
}

// closed ends an object: what it lacks is null, if it can be.
func (d *jsonDecoder) closed(o *object, end, row, found int) int {
	d.depth--
	if found == o.known || d.missing(o, row) {
		return end
	}
	return -1
}

// missing sets the columns whose keys the object at hand did not have to null, and says whether that was allowed.
func (d *jsonDecoder) missing(o *object, row int) bool {
	for i := range o.members {
		m := &o.members[i]
		if m.turn == o.turn {
			continue
		}
		for c := m.column; c != nil; c = c.also {
			if d.all || c.setNull(row) != nil {
				d.code, d.wrong = c.fault(errMissing, "")
				return false
			}
		}
		if m.below != nil {
			m.below.turn++
			if !d.missing(m.below, row) {
				return false
			}
		}
	}
	return true
}
