package format

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// object is what the keys of a JSON object mean: the record itself, a nested record, or a step of a path like "source.ts_ms".
//
// Writers put keys in the same order time after time, so every member remembers which one followed it last. That guess is compared as two
// words; the look-up by name is for when it fails.
type object struct {
	members []member // 0 stands in front of the first key, 1 for all keys that are not worth remembering
	names   map[string]int
	known   int    // members that fill columns
	turn    uint64 // grows with each object that is read
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
	text         string // `"key":` as writers put it; "" if the key is never guessed
	word0, word1 uint64 // the first 16 bytes of text
	mask0, mask1 uint64 // and which bits of them count
	next         int    // the member that followed last time
	turn         uint64 // of the object in which it was seen last
	column       *column
	below        *object // what is read of the object that the key holds
	simple       bool    // one column and nothing else
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
	o.members = append(o.members, newMember(name))
	// The first guess is the order of the schema.
	if k == keys {
		o.members[front].next = k
	} else {
		o.members[k-1].next = k
	}
	return &o.members[k]
}

func newMember(name string) member {
	m := member{next: front}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
		return m
	}
	m.text = `"` + name + `":`
	var text, mask [16]byte
	for i := range min(len(m.text), len(text)) {
		text[i], mask[i] = m.text[i], 0xff
	}
	m.word0, m.word1 = load(text[:], 0), load(text[:], 8)
	m.mask0, m.mask1 = load(mask[:], 0), load(mask[:], 8)
	return m
}

func (m *member) setColumn(c *column) {
	c.also = m.column
	m.column = c
	m.simple = c.also == nil && m.below == nil
}

// addPath says that a column is read from the key, and, if it has dots, also from the objects that it leads through.
func (o *object) addPath(path string, c *column) {
	head, tail, nested := strings.Cut(path, ".")
	if !nested || head == "" || tail == "" {
		o.known++
		o.add(path).setColumn(c)
		return
	}
	m := o.add(head)
	if m.below == nil {
		o.known++
		m.below = newObject()
	}
	m.simple = false
	m.below.addPath(tail, c)
}

// matches says whether the key at i, with its colon and without blanks, is m's, and gives where its value begins; else 0.
func (m *member) matches(data []byte, i int) int {
	n := len(m.text)
	if i+16 > len(data) || i+n > len(data) || n == 0 {
		return 0
	}
	if (load(data, i)^m.word0)&m.mask0|(load(data, i+8)^m.word1)&m.mask1 != 0 {
		return 0
	}
	if n > 16 && string(data[i+16:i+n]) != m.text[16:] {
		return 0
	}
	return i + n
}

// object reads what follows the opening brace before i and gives where the closing one ends, or -1.
func (d *jsonDecoder) object(o *object, i, row int) int {
	data := d.data
	o.turn++
	d.depth++
	found, at := 0, front
	if i = blanks(data, i); i < len(data) && data[i] == '}' {
		return d.closed(o, i+1, row, found)
	}
	for {
		k := o.members[at].next
		if j := o.members[k].matches(data, i); j > 0 {
			i = j
		} else {
			if i, k = d.key(o, i); i < 0 {
				return -1
			}
			o.members[at].next = k
		}
		at = k
		m := &o.members[k]
		if i < len(data) && data[i] <= ' ' {
			i = blanks(data, i)
		}
		if m.turn != o.turn {
			m.turn = o.turn
			if m.column != nil || m.below != nil {
				found++
			}
		}
		if m.simple {
			i = d.value(m.column, i, row)
		} else {
			i = d.several(m, i, row)
		}
		if i < 0 {
			return -1
		}
		if i >= len(data) || data[i] <= ' ' {
			i = blanks(data, i)
		}
		if i >= len(data) {
			return d.malformed(i, `"," or "}"`)
		}
		switch data[i] {
		case ',':
			if i++; i < len(data) && data[i] <= ' ' {
				i = blanks(data, i)
			}
		case '}':
			return d.closed(o, i+1, row, found)
		default:
			return d.malformed(i, `"," or "}"`)
		}
	}
}

// key reads the key at i with its colon the long way and gives where what follows begins, and its member.
func (d *jsonDecoder) key(o *object, i int) (next, k int) {
	data := d.data
	if i >= len(data) || data[i] != '"' {
		return d.malformed(i, "a key in quotes"), 0
	}
	end, plain := d.str(data, i+1)
	if end < 0 {
		return -1, 0
	}
	name := data[i+1 : end]
	if !plain {
		d.text = unescape(d.text[:0], name)
		name = d.text
	}
	k, ok := o.names[string(name)]
	switch {
	case ok:
	case d.strict:
		d.code, d.wrong = codeUnreadable, fmt.Sprintf("key %s is no column (unknown = error)", quoted(name))
		return -1, 0
	case plain && len(o.members) < maxMembers:
		k = len(o.members)
		o.names[string(name)] = k
		o.members = append(o.members, newMember(string(name)))
	default:
		k = stranger
	}
	if i = blanks(data, end+1); i >= len(data) || data[i] != ':' {
		return d.malformed(i, `":"`), 0
	}
	return i + 1, k
}

// several reads the value at i for a member that is not one simple column: none, or more, or a step of a path.
func (d *jsonDecoder) several(m *member, i, row int) (end int) {
	if m.column == nil && m.below == nil {
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
		return d.object(m.below, i+1, row)
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
