package agg

import (
	"bytes"
	"encoding/binary"
)

// A run is a sorted list of different byte strings: how many (u32), where each ends behind the table (u32 each), and their bytes. The empty run is no bytes at all.

func runLen(run []byte) int {
	if len(run) == 0 {
		return 0
	}
	return int(binary.LittleEndian.Uint32(run))
}

// runAt gives entry i.
func runAt(run []byte, i int) []byte {
	n := int(binary.LittleEndian.Uint32(run))
	body := run[4+4*n:]
	from := uint32(0)
	if i > 0 {
		from = binary.LittleEndian.Uint32(run[4*i:])
	}
	return body[from:binary.LittleEndian.Uint32(run[4+4*i:])]
}

// runFind tells where key is, or where it would have to be.
func runFind(run, key []byte) (at int, found bool) {
	low, high := 0, runLen(run)
	for low < high {
		mid := int(uint(low+high) >> 1)
		switch c := bytes.Compare(runAt(run, mid), key); {
		case c == 0:
			return mid, true
		case c < 0:
			low = mid + 1
		default:
			high = mid
		}
	}
	return low, false
}

// insert makes b.run the run with b.key as entry at.
func (b *buffer) insert(run []byte, at int) {
	n := runLen(run)
	b.run = binary.LittleEndian.AppendUint32(b.run[:0], uint32(n+1))
	split := uint32(0) // where the bytes of the key go
	for i := range n {
		end := binary.LittleEndian.Uint32(run[4+4*i:])
		if i < at {
			split = end
			b.run = binary.LittleEndian.AppendUint32(b.run, end)
			continue
		}
		if i == at {
			b.run = binary.LittleEndian.AppendUint32(b.run, split+uint32(len(b.key)))
		}
		b.run = binary.LittleEndian.AppendUint32(b.run, end+uint32(len(b.key)))
	}
	if at == n {
		b.run = binary.LittleEndian.AppendUint32(b.run, split+uint32(len(b.key)))
	}
	var body []byte
	if n > 0 {
		body = run[4+4*n:]
	}
	b.run = append(b.run, body[:split]...)
	b.run = append(b.run, b.key...)
	b.run = append(b.run, body[split:]...)
}

// merge makes b.run the union of b.runs. There are at most two runs per level, so the smallest head is found by looking at all.
func (b *buffer) merge() {
	var next [2 * levels]int
	b.ends = b.ends[:0]
	body := b.run[:0]
	for {
		var least []byte
		for i, run := range b.runs {
			if next[i] == runLen(run) {
				continue
			}
			if head := runAt(run, next[i]); least == nil || bytes.Compare(head, least) < 0 {
				least = head
			}
		}
		if least == nil {
			break
		}
		for i, run := range b.runs {
			if next[i] < runLen(run) && bytes.Equal(runAt(run, next[i]), least) {
				next[i]++
			}
		}
		body = append(body, least...)
		b.ends = append(b.ends, uint32(len(body)))
	}
	b.seal(body)
}

// seal puts the table before the bytes.
func (b *buffer) seal(body []byte) {
	table := 4 + 4*len(b.ends)
	n := len(body)
	for len(body) < n+table {
		body = append(body, 0)
	}
	copy(body[table:], body[:n])
	binary.LittleEndian.PutUint32(body, uint32(len(b.ends)))
	for i, end := range b.ends {
		binary.LittleEndian.PutUint32(body[4+4*i:], end)
	}
	b.run = body
}
